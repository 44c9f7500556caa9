/** Many shops with a pretend gateway each, for guests to come through. */
import type { Database } from '../../server/db/database.ts';
import { migrate } from '../../server/db/migrate.ts';
import { uuidv7 } from '../../server/ids.ts';
import { pretendRedirect } from '../../portal/router.ts';
import { createGateway, createStore } from '../../server/stores/change.ts';

const SECRET = 'pretendsecretofthebench';
const MERCHANT_STORES = 100;

/** Slugs of new shops; guests choose between the terms alone and a code by text message. */
export async function openShops(db: Database, count: number): Promise<string[]> {
  await migrate(db);
  const deps = { db, clock: Date.now };
  const slugs: string[] = [];
  let merchantId = '';
  for (let at = 0; at < count; at++) {
    if (at % MERCHANT_STORES === 0) {
      merchantId = uuidv7(Date.now());
      await db.query('insert into merchants (id, name) values ($1, $2)', [
        merchantId,
        `Chain ${at}`,
      ]);
    }
    const slug = `shop-${at}`;
    const id = await createStore(deps, merchantId, {
      slug,
      name: `Shop ${at}`,
      timezone: 'Europe/London',
      country: 'GB',
      settings: { methods: ['click-through', 'sms-code'] },
    });
    await createGateway(deps, merchantId, id, { kind: 'pretend', name: 'door', secret: SECRET });
    slugs.push(slug);
  }
  return slugs;
}

/** Where the gateway of a shop sends its `n`-th guest. */
export function arrivalAt(slug: string, n: number): string {
  const mac = `02:${[24, 16, 8, 0].map((bits) => ((n >>> bits) & 255).toString(16).padStart(2, '0')).join(':')}:01`;
  const ip = `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
  return pretendRedirect(slug, { name: 'door', secret: SECRET }, { mac, ip });
}
