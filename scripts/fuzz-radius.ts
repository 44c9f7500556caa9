/** Damages RADIUS packets, some of them signed anew afterwards, and stops at the first that breaks a rule. */
import { Command } from 'commander';
import { createAnswers } from '../portal/radius/answers.ts';
import type { Answers } from '../portal/radius/answers.ts';
import type { Counts } from '../portal/radius/counts.ts';
import { createCounts } from '../portal/radius/counts.ts';
import { replyIn } from '../portal/radius/dynamic.ts';
import { createFrames } from '../portal/radius/frames.ts';
import { decode } from '../portal/radius/packet.ts';
import { chapPassword, hidePassword } from '../portal/radius/signing.ts';
import type { Field } from './fuzz/radius-oracle.ts';
import { fieldsOf, isReply, isSigned, shows, sign, write } from './fuzz/radius-oracle.ts';
import { createHouse, nasPeer } from './lib/radius-house.ts';
import type { Random } from './lib/random.ts';
import { seeded } from './lib/random.ts';
import { whole } from './lib/whole.ts';

const options = new Command('fuzz-radius')
  .description('Send damaged RADIUS packets through the server, the client and the stream reader.')
  .option('--runs <number>', 'packets', whole(1), 1_000_000)
  .option('--seed <number>', 'the same seed damages the same way', whole(0), 1)
  .parse()
  .opts<{ runs: number; seed: number }>();

const SECRET = 'testing123';
const NAME = 'ada';
const PASSWORD = 'correct horse';
const random: Random = seeded(options.seed);
const below = (n: number): number => Math.floor(random.next() * n);
const bytes = (n: number): Buffer => Buffer.from(Array.from({ length: n }, () => below(256)));
const words = (text: string): Buffer => Buffer.from(text);
const number = (n: number): Buffer => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n]);

/** A question or a report as equipment sends it. */
function genuine(): { code: number; authenticator: Buffer; fields: Field[] } {
  const authenticator = bytes(16);
  const mac: Field = [31, words('02-00-00-00-00-50')];
  const password = random.next() < 0.7 ? PASSWORD : 'wrong';
  const hidden = hidePassword(words(password), authenticator, SECRET);
  const stop: Field[] = [
    [44, words('nas-1')],
    mac,
    [42, number(480)],
    [52, number(1)],
    [43, number(518)],
    [25, words('v1:0190')],
    [55, number(1_700_000_000)],
    [26, Buffer.concat([number(14_559), Buffer.from([10, 6]), number(2)])],
  ];
  const kinds: (() => { code: number; fields: Field[] })[] = [
    () => ({ code: 1, fields: [[80, Buffer.alloc(16)], [1, words(NAME)], [2, hidden], mac] }),
    () => ({
      code: 1,
      fields: [
        [80, Buffer.alloc(16)],
        [1, words(NAME)],
        [3, chapPassword(below(256), words(password), authenticator)],
        [30, words('AA-BB-CC-DD-EE-FF:Cafe')],
        [33, words('proxy')],
        mac,
      ],
    }),
    () => ({
      code: 1,
      fields: [
        [1, words('02-00-00-00-00-50')],
        [2, hidden],
        [80, Buffer.alloc(16)],
      ],
    }),
    () => ({
      code: 1,
      fields: [
        [80, Buffer.alloc(16)],
        [1, words(NAME)],
        [79, bytes(6)],
      ],
    }),
    () => ({
      code: 12,
      fields: [
        [80, Buffer.alloc(16)],
        [32, words('nas')],
      ],
    }),
    () => ({ code: 4, fields: [[40, number(random.pick([1, 2, 3, 7, 8, 15]))], ...stop] }),
  ];
  return { authenticator, ...random.pick(kinds)() };
}

/** Changes the list of attributes; what comes out is well formed, mostly. */
function bend(fields: Field[]): Field[] {
  const list = [...fields];
  const at = below(list.length);
  const [type, value] = list[at] ?? [below(256), bytes(4)];
  const ways: (() => void)[] = [
    () => void list.splice(at, 1),
    () => void list.push([type, value]),
    () => void list.splice(at, 1, [below(256), value]),
    () => void list.splice(at, 1, [type, bytes(below(254))]),
    () => void list.splice(at, 1, [type, value.subarray(0, below(value.length + 1))]),
    () => void list.splice(at, 0, [26, bytes(below(40))]),
    () => void list.splice(at, 0, [33, bytes(below(254))]),
    () =>
      void list.splice(at, 1, [type, Buffer.from(value.map((octet) => octet ^ (1 << below(8))))]),
    () => void list.unshift(...list.splice(at)),
    () =>
      void list.push(
        ...Array.from({ length: below(300) }, (): Field => [below(256), bytes(below(12))]),
      ),
  ];
  random.pick(ways)();
  return list;
}

/** Changes octets, the length field or the end. */
function harm(packet: Buffer): Buffer {
  const raw = Buffer.from(packet);
  const way = random.next();
  if (way < 0.6) raw[below(raw.length)] = below(256);
  else if (way < 0.75) return raw.subarray(0, below(raw.length + 1));
  else if (way < 0.85) raw.writeUInt16BE(below(random.next() < 0.5 ? 65_536 : 200), 2);
  else if (way < 0.95) return Buffer.concat([raw, bytes(below(30))]);
  else return bytes(below(200));
  return raw;
}

function packet(): Buffer {
  const { code, authenticator, fields } = genuine();
  let list = fields;
  for (let times = below(4); times > 0; times--) list = bend(list);
  while (write(code, 0, authenticator, list).length > 4096) list = list.slice(0, -1);
  const plain = write(code, below(256), authenticator, list);
  // More attributes than a packet may have cannot be signed, only sent.
  let raw = fieldsOf(plain) === null ? plain : sign(plain, SECRET);
  if (random.next() < 0.5)
    for (let times = 1 + below(3); times > 0 && raw.length > 4; times--) raw = harm(raw);
  return raw;
}

interface Ground {
  answers: Answers;
  counts: Counts;
}

/** What is wrong with how this packet was answered, or null. */
async function judge(ground: Ground, raw: Buffer, door: 'auth' | 'acct'): Promise<string | null> {
  const { answers, counts } = ground;
  const faults = counts.faults;
  const reply = await answers.answer({ door, address: '127.0.0.1', port: 1, octets: raw });
  if (counts.faults !== faults) return 'it found a fault';
  if (reply === null) return null;
  const request = raw.subarray(0, raw.readUInt16BE(2));
  if (!isSigned(request, SECRET)) return 'it was answered though it proves nothing';
  if (!isReply(reply, request, SECRET))
    return 'its answer does not verify, or attribute 80 is not first';
  const proxied = (of: Buffer): string =>
    JSON.stringify(fieldsOf(of)!.filter(([type]) => type === 33));
  if (proxied(reply) !== proxied(request)) return 'Proxy-States did not come back as they were';
  if (reply[0] === 2 && request[0] === 1 && !shows(request, NAME, PASSWORD, SECRET))
    return 'it was accepted without the password';
  return null;
}

const asked = sign(write(40, 7, Buffer.alloc(16), [[80, Buffer.alloc(16)]]), SECRET);

/** What is wrong with how the client takes a damaged answer to its Disconnect, or null. */
function judgeReply(): string | null {
  const fields: Field[] = [[101, number(503)]];
  const good = write(random.pick([41, 42]), 7, Buffer.alloc(16), fields);
  const raw = random.next() < 0.5 ? harm(good) : bytes(20 + below(40));
  const decoded = decode(raw);
  if (decoded.ok && replyIn(decoded.packet, asked, SECRET, false) !== null)
    return 'the client believed an answer that nobody signed';
  const frames = createFrames();
  for (const chunk of [raw, bytes(below(50)), raw]) {
    if (frames.push(chunk).some((whole) => whole.length < 20 || whole.length > 4096))
      return 'the stream reader gave no packet';
  }
  return null;
}

async function fuzz(): Promise<string | null> {
  const house = createHouse(
    [nasPeer('gw', { secret: SECRET, macAuth: { password: 'mac' } })],
    [[NAME, PASSWORD]],
  );
  house.forgetful = true;
  const counts = createCounts();
  let now = 1_700_000_000_000;
  const { network, doors, log } = house;
  const limits = { perSecond: 1e9, burst: 1e9 };
  const answers = createAnswers({ network, doors, log, counts, limits, clock: () => now });
  const ground: Ground = { answers, counts };
  for (let run = 0; run < options.runs; run++) {
    const raw = packet();
    const door = (raw[0] === 4) === random.next() > 0.02 ? 'acct' : 'auth';
    // Minutes pass: no answer is repeated and no name stays locked.
    if (run % 8 === 0) now += 61_000;
    const wrong = (await judge(ground, raw, door)) ?? judgeReply();
    if (wrong !== null) return `run ${run}: ${wrong}\n${raw.toString('hex')}`;
  }
  const seen = Object.entries(counts).filter(([, count]) => count > 0);
  process.stdout.write(`${seen.map(([name, count]) => `${name} ${count}`).join(', ')}\n`);
  return null;
}

const started = performance.now();
const wrong = await fuzz();
const seconds = ((performance.now() - started) / 1000).toFixed(1);
if (wrong === null)
  process.stdout.write(`radius: ${options.runs} packets, ${seconds} s, no rule broken\n`);
else {
  process.stdout.write(`radius: FAILED, ${wrong}\n`);
  process.exitCode = 1;
}
