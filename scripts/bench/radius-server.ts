/** A RADIUS server over a house in memory, as a process of its own: prints its port, ends with its input. */
import { createAnswers } from '../../portal/radius/answers.ts';
import { createCounts } from '../../portal/radius/counts.ts';
import { listenUdp } from '../../portal/radius/server.ts';
import { createHouse, nasPeer } from '../lib/radius-house.ts';

const users = Number(process.argv[2] ?? 1000);
const entries = Array.from({ length: users }, (_, i): [string, string] => [`guest${i}`, `pw${i}`]);
const house = createHouse([nasPeer('bench')], entries);
house.forgetful = true;
house.grant = { upKbps: 512, downKbps: 2_048, minutes: 60 };
const counts = createCounts();
const { network, doors, log } = house;
// One sender stands for hundreds of gateways, so its pace is free; all else is as usual.
const limits = { perSecond: 1e9, burst: 1e9, workingPerGateway: 2_048 };
const answers = createAnswers({ network, doors, log, counts, limits, clock: Date.now });
const server = await listenUdp({ host: '127.0.0.1', authPort: 0, acctPort: 0 }, answers, counts);
process.stdout.write(`${server.authPort}\n`);
process.stdin.resume();
process.stdin.on('end', () => {
  process.stderr.write(`${JSON.stringify(counts)}\n`);
  void server.close().then(() => process.exit(0));
});
