/** Our accounting door and Disconnect client inside the rig: says what it hears, one JSON line each. */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createDynamicClient } from '../../../portal/radius/client.ts';
import { createCounts } from '../../../portal/radius/counts.ts';
import { createAnswers } from '../../../portal/radius/answers.ts';
import { listenUdp } from '../../../portal/radius/server.ts';
import { createHouse, nasPeer } from '../../../scripts/lib/radius-house.ts';

const say = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const settings = {
  secret: 'of-the-switch',
  nasIds: ['store-1'],
  profile: 'plain' as const,
  coa: { host: '127.0.0.1', port: 3799 },
};
const house = createHouse([nasPeer('switch', settings)]);
const { network, log } = house;
network.restarted = async (_peer, at) => say({ restart: at });
const doors = {
  report: async (_store: unknown, _gateway: string, report: unknown) => {
    say({ report });
    return { allowed: false as const, reason: 'unknown' as const };
  },
};
const counts = createCounts();
const answers = createAnswers({ network, doors, log, counts, clock: Date.now });
await listenUdp({ host: '127.0.0.1', authPort: 1912, acctPort: 1813 }, answers, counts);
const client = createDynamicClient({ clock: Date.now, random: Math.random, counts });
writeFileSync(`${process.argv[2] ?? '.'}/ready`, '');
say({ ready: true });

/** Each line is the name of a network session to end. */
createInterface({ input: process.stdin }).on('line', (nasSession) => {
  const names = { mac: '02:00:00:00:00:50', ip: '10.1.0.2', userName: 'ada', nasSession };
  void client
    .disconnect(house.peers[0]!.gateway, names)
    .then((reply) => say({ kicked: nasSession, reply }));
});
