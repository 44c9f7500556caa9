/** The whole house on the rig's address, over a real database, with a window for the test to look in. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { createApi } from '../../../scripts/demo/api.ts';
import { startServer } from '../../../server/app.ts';
import { readConfig } from '../../../server/config.ts';
import { openPool } from '../../../server/db/pool.ts';
import { scopes } from '../../../server/http/route.ts';
import { createApiKey } from '../../../server/staff/keys.ts';
import { embeddedTestDatabase } from '../../support/database.ts';
import { makeMerchant } from '../../support/make.ts';

const [work = '', levelText = '1', quota = '0', databaseUrl = ''] = process.argv.slice(2);
const level = Number(levelText) as 1 | 2 | 3;
/** At level 3 the gateway insists on TLS, which a proxy on the same machine ends, as in real houses. */
const behindTls = level === 3;
const publicUrl = behindTls ? 'https://portal.test:2443' : 'http://10.99.0.2:2080';

const db = databaseUrl
  ? await openPool(databaseUrl, { max: 4 })
  : (await embeddedTestDatabase()).db;
const config = readConfig({
  HOST: behindTls ? '127.0.0.1' : '10.99.0.2',
  PORT: '2080',
  PUBLIC_URL: publicUrl,
  DATA_DIR: work,
  TRUST_PROXY: behindTls ? 'loopback' : 'false',
  JOBS: 'false',
});
const server = await startServer(config, { db });

const merchant = await makeMerchant(db);
const { key } = await createApiKey({ db, clock: Date.now }, merchant.id, { name: 'Rig', scopes });
const api = createApi(server.url, key);
const store = await api.post<{ id: string }>('/v1/stores', {
  slug: 'harbour',
  name: 'Harbour',
  timezone: 'Europe/London',
  country: 'GB',
  settings: {
    methods: ['click-through', 'email-code'],
    session: { downQuotaKB: Number(quota) },
    question: {
      key: 'taste',
      label: { en: 'What do you like?', 'zh-CN': '喜欢什么？' },
      options: [],
    },
  },
});
await api.post(`/v1/stores/${store.id}/gateways`, {
  kind: 'opennds',
  name: 'StoreOne',
  level,
  secret: 's3cretfaskey0123456789abcdef',
});
const offer = await api.post<{ id: string }>('/v1/offers', {
  name: 'Coffee',
  storeId: store.id,
  headline: 'A coffee on us',
  status: 'live',
});
await api.post('/v1/rules', {
  name: 'Welcome',
  offerId: offer.id,
  status: 'live',
  definition: {
    trigger: 'guest.admitted',
    scope: { storeId: store.id },
    experiment: { holdout: 0 },
  },
});

if (behindTls) {
  const tls = {
    key: readFileSync(path.join(work, 'key.pem')),
    cert: readFileSync(path.join(work, 'cert.pem')),
  };
  https
    .createServer(tls, (request, response) => {
      const { method, headers, url, socket } = request;
      const onward = http.request(
        new URL(url ?? '/', server.url),
        { method, headers: { ...headers, 'x-forwarded-for': socket.remoteAddress ?? '' } },
        (reply) => {
          response.writeHead(reply.statusCode ?? 502, reply.headers);
          reply.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    })
    .listen(2443, '10.99.0.2');
}

/** Every name leads here once the door is open. */
http
  .createServer((req, res) => {
    res.setHeader('content-type', 'text/plain');
    res.end(req.url === '/big' ? 'x'.repeat(600_000) : `the internet, ${req.headers.host ?? ''}\n`);
  })
  .listen(80, '10.99.0.80');

const rows = async (text: string): Promise<unknown[]> => (await db.query(text, [merchant.id])).rows;

async function view(): Promise<unknown> {
  return {
    sessions: await rows(
      `select state, method, mac, host(ip::inet) as ip, end_reason, bytes_in from sessions
       where merchant_id = $1 order by id`,
    ),
    vouchers: await rows(
      'select code, shown_at is not null as shown from vouchers where merchant_id = $1',
    ),
    events: await rows('select type from outbox where merchant_id = $1 order by position'),
    messages: await rows('select address, body from messages where merchant_id = $1 order by id'),
    heard: await rows(
      'select last_heard_at is not null as heard from gateways where merchant_id = $1',
    ),
  };
}

http
  .createServer((_req, res) => {
    view().then(
      (seen) => res.end(JSON.stringify(seen)),
      (error: unknown) => res.writeHead(500).end(String(error)),
    );
  })
  .listen(2099, '10.99.0.2');
