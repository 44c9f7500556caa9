/** Twenty tills, two hundred vouchers, all at once, through HTTP on a real PostgreSQL: exactly two hundred. */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@jest/globals';
import { newCode } from '../../server/offers/code.ts';
import { offerRoutes } from '../../server/offers/routes.ts';
import { postgresTestDatabase } from '../support/database.ts';
import { NOON, makeMerchant, makeOffer, makeVoucher } from '../support/make.ts';
import { postgresUrl, requirePart } from '../support/parts.ts';
import { routesApp } from '../support/routes-app.ts';

const TILLS = 20;
const CODES = 200;

const onPostgres = requirePart('twenty tills at once (PostgreSQL)', postgresUrl);

/** One request over the wire; gives its status. */
function post(port: number, merchantId: string, code: string, till: string): Promise<number> {
  const body = JSON.stringify({ code, till });
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        port,
        host: '127.0.0.1',
        path: '/v1/redemptions',
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-merchant': merchantId,
          'idempotency-key': randomUUID(),
        },
      },
      (reply) => {
        reply.resume().on('end', () => resolve(reply.statusCode ?? 0));
      },
    );
    request.on('error', reject).end(body);
  });
}

onPostgres('twenty tills, two servers', () => {
  onPostgres.test(
    'redeem each of two hundred vouchers exactly once',
    async () => {
      const first = await postgresTestDatabase(postgresUrl!, 10);
      const { db } = first;
      const merchantId = (await makeMerchant(db)).id;
      const offerId = (await makeOffer(db, merchantId, { issued: CODES })).id;
      const codes = Array.from({ length: CODES }, () => newCode());
      for (const code of codes) await makeVoucher(db, merchantId, offerId, { code });
      // Two servers with memory of their own stand for two processes.
      const servers = [0, 1].map(() =>
        http.createServer(routesApp(offerRoutes({ db, clock: () => NOON }))),
      );
      await Promise.all(
        servers.map((each) => new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve))),
      );
      const ports = servers.map((server) => (server.address() as AddressInfo).port);
      try {
        const tallies = await Promise.all(
          Array.from({ length: TILLS }, async (_, till) => {
            const statuses: number[] = [];
            for (const code of codes) {
              statuses.push(await post(ports[till % 2]!, merchantId, code, `till-${till}`));
            }
            return statuses;
          }),
        );
        const statuses = tallies.flat();
        expect(statuses.filter((status) => status === 201)).toHaveLength(CODES);
        expect(statuses.filter((status) => status === 409)).toHaveLength(CODES * (TILLS - 1));
        const { rows } = await db.query(
          `select count(*) as redeemed, count(distinct voucher_id) as vouchers,
           (select redeemed from offers where id = $1) as counted,
           (select count(*) from outbox where merchant_id = $2) as told
         from redemptions where offer_id = $1`,
          [offerId, merchantId],
        );
        expect(rows).toEqual([{ redeemed: CODES, vouchers: CODES, counted: CODES, told: CODES }]);
      } finally {
        await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
        await first.release();
      }
    },
    180_000,
  );
});
