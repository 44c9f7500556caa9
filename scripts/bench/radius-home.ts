/** The whole house on PostgreSQL with RADIUS open, and guests who hold tickets. */
import { randomBytes } from 'node:crypto';
import type { Database } from '../../server/db/database.ts';
import { migrate } from '../../server/db/migrate.ts';
import { uuidv7 } from '../../server/ids.ts';
import { createGrantMemory } from '../../server/sessions/memory.ts';
import { createTickets } from '../../server/sessions/tickets.ts';
import { freeUdpPort } from '../lib/udp.ts';
import { openServer } from './house.ts';
import type { Person } from './radius-load.ts';

const SECRET = 'a secret of the bench, long enough for all of it';
const HOUR = 3_600_000;

async function insertStore(db: Database): Promise<{ id: string; merchantId: string; gw: string }> {
  const [merchantId, id, gw] = [uuidv7(Date.now()), uuidv7(Date.now()), uuidv7(Date.now())];
  const radius = {
    secret: 'testing123',
    sources: ['127.0.0.1/32'],
    nasIds: ['store-1'],
    profile: 'wispr',
    messageAuthenticator: 'require',
    interimSeconds: 300,
  };
  await db.query(`insert into merchants (id, name) values ($1, 'Bench')`, [merchantId]);
  await db.query(
    `insert into stores (id, merchant_id, slug, name, timezone, country, settings)
     values ($1, $2, 'bench', 'Bench', 'Europe/London', 'GB', '{}')`,
    [id, merchantId],
  );
  await db.query(
    `insert into gateways (id, merchant_id, store_id, kind, name, settings)
     values ($1, $2, $3, 'radius', 'store-1', $4)`,
    [gw, merchantId, id, JSON.stringify({ radius })],
  );
  return { id, merchantId, gw };
}

/** Guests who were admitted and whose browsers are on their way to the gateway. */
async function admitted(db: Database, guests: number): Promise<Person[]> {
  await migrate(db);
  const { id, merchantId, gw } = await insertStore(db);
  const clock = Date.now;
  const memory = createGrantMemory(clock);
  const tickets = createTickets({ db, clock, secret: Buffer.from(SECRET), memory });
  const people: Person[] = [];
  for (let i = 0; i < guests; i++) {
    const [guestId, sessionId] = [uuidv7(clock()), uuidv7(clock())];
    await db.query('insert into guests (id, merchant_id, language) values ($1, $2, $3)', [
      guestId,
      merchantId,
      'en',
    ]);
    const until = new Date(clock() + HOUR);
    const key = randomBytes(24).toString('base64url');
    await db.query(
      `insert into sessions (id, merchant_id, store_id, gateway_id, guest_id, method, mac,
         client_key, admission_key, state, minutes, granted_at, expires_at)
       values ($1, $2, $3, $4, $5, 'click-through', $6, $7, $8, 'pending', 60, now(), $9)`,
      [sessionId, merchantId, id, gw, guestId, macOf(i), key, randomBytes(32), until],
    );
    const { username, password } = await tickets.ticket({ id, merchantId }, gw, sessionId);
    people.push({ name: username, password, mac: macOf(i) });
  }
  return people;
}

const macOf = (i: number): string =>
  `02:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`;

export interface RadiusHome {
  port: number;
  people: Person[];
  close(): Promise<void>;
}

export async function openRadiusHome(adminUrl: string, guests: number): Promise<RadiusHome> {
  const port = await freeUdpPort();
  const more = { SECRET, RADIUS_PORT: String(port), RADIUS_ACCT_PORT: '0', JOBS: 'false' };
  const house = await openServer(adminUrl, (db) => admitted(db, guests), more);
  return { port, people: house.made, close: () => house.close() };
}
