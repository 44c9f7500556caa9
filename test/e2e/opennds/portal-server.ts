/** The portal over ports in memory, an invented internet beside it, and a window for the test to look in. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import express from 'express';
import { createPortal } from '../../../portal/router.ts';
import { fakeOffer, fakeStore, makeFakes, openNds } from '../../support/fakes.ts';

const [work = '', levelText = '1', quota = '0'] = process.argv.slice(2);
const level = Number(levelText) as 0 | 1 | 2 | 3;
const publicUrl = level === 3 ? 'https://portal.test:2443' : 'http://10.99.0.2:2080';

const store = fakeStore({
  gateways: [openNds(level)],
  landingHosts: ['shop.test'],
  policy: { graceMinutes: 5, gracePerDay: 2, rememberDays: 0 },
});
const fakes = makeFakes({ stores: [store], clock: Date.now });
fakes.settings.downQuotaKB = Number(quota);
fakes.offers.push(fakeOffer({ validUntil: Date.now() + 86_400_000 }));

const app = express();
app.use(
  createPortal(fakes.ports, { secret: Buffer.alloc(32, 9), publicUrl, viewCache: true }).router,
);
if (level === 3) {
  const key = readFileSync(path.join(work, 'key.pem'));
  const cert = readFileSync(path.join(work, 'cert.pem'));
  https.createServer({ key, cert }, app).listen(2443, '10.99.0.2');
} else app.listen(2080, '10.99.0.2');

/** Every name leads here once the door is open. */
http
  .createServer((req, res) => {
    res.setHeader('content-type', 'text/plain');
    res.end(req.url === '/big' ? 'x'.repeat(600_000) : `the internet, ${req.headers.host ?? ''}\n`);
  })
  .listen(80, '10.99.0.80');

http
  .createServer((_req, res) => {
    const sessions = [...fakes.sessions.values()];
    res.end(
      JSON.stringify({
        sessions,
        calls: fakes.calls,
        codes: fakes.codeFor('ada@lovelace.example'),
      }),
    );
  })
  .listen(2099, '10.99.0.2');
