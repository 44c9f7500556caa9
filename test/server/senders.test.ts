/** The ways out: a real SMTP conversation and a real webhook, with their failures. */
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTcp } from 'node:net';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database } from '../../server/db/database.ts';
import { createLog } from '../../server/log.ts';
import { deliverMessages } from '../../server/messages/deliver.ts';
import type { Outgoing, SendResult, Senders } from '../../server/messages/sender.ts';
import { chooseSenders, developmentSender } from '../../server/messages/sender.ts';
import { createSmtpSender } from '../../server/messages/smtp.ts';
import { createWebhookSender, signature, signingKey } from '../../server/messages/webhook.ts';
import { testDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { NOON, makeMerchant, makeMessage } from '../support/make.ts';

const SECRET = 'a-secret-of-enough-length';

let held: TestDatabase;
let db: Database;
let merchantId: string;
let now = NOON;
const clock = () => now;
const log = createLog('silent');

beforeAll(async () => {
  held = await testDatabase();
  db = held.db;
});
afterAll(() => held.release());
beforeEach(async () => {
  now = NOON;
  merchantId = (await makeMerchant(db)).id;
});

const message = (over: Partial<Outgoing> = {}): Outgoing => ({
  id: '019a9b3e-4c00-7abc-8def-0123456789ab',
  address: '+447400123456',
  subject: null,
  body: 'Your code is 123456 — 您好',
  createdAt: NOON,
  ...over,
});

describe('the webhook', () => {
  let server: Server;
  let url: string;
  let seen: { headers: IncomingMessage['headers']; body: string }[];
  let answer: (response: ServerResponse) => void;

  beforeEach(async () => {
    seen = [];
    answer = (response) => response.writeHead(204).end();
    server = createHttp((incoming, response) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => (body += chunk));
      incoming.on('end', () => {
        seen.push({ headers: incoming.headers, body });
        answer(response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sms`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  test('is signed as the standard says', async () => {
    const sender = createWebhookSender(url, SECRET, clock);
    expect(await sender.send(message())).toEqual({ ok: true });
    const [{ headers, body } = { headers: {}, body: '' }] = seen;
    const { id, address, body: text } = message();
    expect(JSON.parse(body)).toEqual({
      type: 'sms.send',
      timestamp: new Date(NOON).toISOString(),
      data: { id, to: address, text },
    });
    const signed = `${id}.${Math.floor(NOON / 1000)}.${body}`;
    const mac = createHmac('sha256', SECRET).update(signed).digest('base64');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(NOON / 1000)),
      'webhook-signature': `v1,${mac}`,
    });
  });

  test('gives the signature that the standard’s own example has', () => {
    const key = signingKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const body = '{"test": 2432232314}';
    expect(signature(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, body)).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  test.each<[number, SendResult]>([
    [200, { ok: true }],
    [400, { ok: false, again: false, error: 'http 400' }],
    [401, { ok: false, again: false, error: 'http 401' }],
    [408, { ok: false, again: true, error: 'http 408' }],
    [429, { ok: false, again: true, error: 'http 429' }],
    [500, { ok: false, again: true, error: 'http 500' }],
    [503, { ok: false, again: true, error: 'http 503' }],
  ])('understands %i', async (status, expected) => {
    answer = (response) => response.writeHead(status).end('+447400123456');
    expect(await createWebhookSender(url, SECRET, clock).send(message())).toEqual(expected);
  });

  test('does not follow a redirect', async () => {
    answer = (response) => response.writeHead(307, { location: '/elsewhere' }).end();
    expect(await createWebhookSender(url, SECRET, clock).send(message())).toEqual({
      ok: false,
      again: false,
      error: 'http 307',
    });
    expect(seen).toHaveLength(1);
  });

  test('does not wait for a receiver that says nothing', async () => {
    answer = () => {};
    expect(await createWebhookSender(url, SECRET, clock, 50).send(message())).toEqual({
      ok: false,
      again: true,
      error: 'timeout',
    });
  });

  test('a receiver that is not there is tried again', async () => {
    const sender = createWebhookSender(url, SECRET, clock);
    server.close();
    expect(await sender.send(message())).toEqual({ ok: false, again: true, error: 'unreachable' });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  test.each([
    'http://example.com/sms',
    'http://127.example.com/',
    'ftp://127.0.0.1/',
    'http://10.0.0.1/',
  ])('an unencrypted way out, %s, is refused at the start', (address) =>
    expect(() => createWebhookSender(address, SECRET, clock)).toThrow('must be https'),
  );

  test.each(['https://sms.example.com/send', 'http://localhost:1/', 'http://[::1]:1/'])(
    '%s is fine',
    (address) => expect(createWebhookSender(address, SECRET, clock).kind).toBe('webhook'),
  );
});

const mail = (over: Partial<Outgoing> = {}) =>
  message({ address: 'ada@example.com', subject: '123456 is your WiFi code', ...over });

describe('mail', () => {
  let server: TcpServer;
  let url: string;
  let mails: { from: string; to: string[]; data: string }[];
  /** What to answer to a command instead of agreeing. */
  let refuse: Record<string, string>;
  const sockets = new Set<Socket>();

  /** As much of RFC 5321 as a client needs. */
  function converse(socket: Socket): void {
    const mail = { from: '', to: [] as string[], data: '' };
    let inData = false;
    let rest = '';
    const say = (line: string) => socket.write(`${line}\r\n`);
    function hear(line: string): void {
      if (inData) {
        if (line !== '.') {
          mail.data += `${line}\n`;
          return;
        }
        inData = false;
        mails.push({ ...mail });
        say('250 queued');
        return;
      }
      const verb = line.split(/[ :]/)[0]!.toUpperCase();
      if (refuse[verb]) {
        say(refuse[verb]);
        return;
      }
      if (verb === 'MAIL') mail.from = line;
      if (verb === 'RCPT') mail.to.push(line);
      if (verb === 'DATA') {
        inData = true;
        say('354 go on');
      } else if (verb === 'QUIT') socket.end('221 bye\r\n');
      else say('250 fine');
    }
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\r\n');
      rest = lines.pop() ?? '';
      lines.forEach(hear);
    });
    if (refuse['HELLO'] !== '') say(refuse['HELLO'] ?? '220 relay');
  }

  beforeEach(async () => {
    mails = [];
    refuse = {};
    server = createTcp((socket) => {
      sockets.add(socket);
      converse(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    server.close();
    await once(server, 'close');
  });

  const sender = (timeoutMs = 5000) =>
    createSmtpSender(url, 'Foyer <wifi@shop.example>', timeoutMs);

  test('goes through a relay', async () => {
    expect(await sender().send(mail())).toEqual({ ok: true });
    const [got] = mails;
    expect(got).toMatchObject({
      from: 'MAIL FROM:<wifi@shop.example>',
      to: ['RCPT TO:<ada@example.com>'],
    });
    expect(got?.data).toContain('Subject: 123456 is your WiFi code');
    expect(got?.data).toContain(`Message-ID: <${message().id}@shop.example>`);
    expect(got?.data).toContain('Auto-Submitted: auto-generated');
    expect(got?.data).toMatch(/quoted-printable|base64/);
  });

  test('one address stays one, whatever stands in it', async () => {
    await sender().send(mail({ address: 'ada@example.com, eve@example.com' }));
    await sender().send(mail({ address: 'ada@example.com\r\nRCPT TO:<eve@example.com>' }));
    for (const got of mails) {
      expect(got.to).toHaveLength(1);
      expect(got.to[0]).not.toBe('RCPT TO:<eve@example.com>');
    }
  });

  test('a subject cannot add headers', async () => {
    await sender().send(mail({ subject: 'x\r\nBcc: eve@example.com' }));
    expect(mails[0]?.data).not.toMatch(/^Bcc:/m);
    expect(mails[0]?.to).toEqual(['RCPT TO:<ada@example.com>']);
  });

  test.each<[string, Record<string, string>, SendResult]>([
    [
      'no such mailbox',
      { RCPT: '550 no ada@example.com here' },
      { ok: false, again: false, error: 'smtp 550' },
    ],
    ['try later', { RCPT: '451 greylisted' }, { ok: false, again: true, error: 'smtp 451' }],
    ['refused content', { DATA: '554 no' }, { ok: false, again: false, error: 'smtp 554' }],
    ['a busy relay', { HELLO: '421 busy' }, { ok: false, again: true, error: 'smtp 421' }],
    ['silence', { HELLO: '' }, { ok: false, again: true, error: 'smtp ETIMEDOUT' }],
  ])('understands %s', async (_name, answers, expected) => {
    refuse = answers;
    const patience = answers['HELLO'] === '' ? 200 : 5000;
    expect(await sender(patience).send(mail())).toEqual(expected);
    expect(mails).toEqual([]);
  });

  test('a relay that is not there is tried again', async () => {
    const absent = createSmtpSender('smtp://127.0.0.1:1', 'wifi@shop.example');
    expect(await absent.send(mail())).toEqual({ ok: false, again: true, error: 'smtp ESOCKET' });
  });

  test('delivers a stored message after a failure', async () => {
    const { id } = await makeMessage(db, merchantId, {
      channel: 'email',
      address: 'ada@example.com',
      subject: 'Hello',
    });
    const senders: Senders = { email: sender(), sms: developmentSender };
    refuse = { MAIL: '451 not now' };
    expect(await deliverMessages({ db, clock, log, senders })).toMatchObject({ postponed: 1 });
    refuse = {};
    now += 2000;
    expect(await deliverMessages({ db, clock, log, senders })).toMatchObject({ sent: 1 });
    expect(mails).toHaveLength(1);
    const { rows } = await db.query('select * from messages where id = $1', [id]);
    expect(rows[0]).toMatchObject({ status: 'sent', attempts: 2, body: '' });
  });
});

test.each([
  [{}, { email: 'development', sms: 'development' }],
  [{ smtpUrl: 'smtp://127.0.0.1:1' }, { email: 'smtp', sms: 'development' }],
  [
    { smsWebhookUrl: 'https://x.example', smsWebhookSecret: SECRET },
    { email: 'development', sms: 'webhook' },
  ],
])('settings %j choose the senders', (settings, expected) => {
  const senders = chooseSenders({ mailFrom: 'wifi@shop.example', ...settings }, clock);
  expect({ email: senders.email.kind, sms: senders.sms.kind }).toEqual(expected);
});
