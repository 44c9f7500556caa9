/** The role that row-level security binds: there before the first migration, on any cluster. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from './database.ts';
import { codeOf } from './failures.ts';
import { APP_ROLE } from './pooled.ts';

const ATTEMPTS = 10;
const NOT_ALLOWED = '42501';
// Another database of the same cluster may be doing the same at this moment.
const BEATEN = new Set(['42710', '23505', 'XX000']);

interface RoleFacts extends Record<string, unknown> {
  present: boolean;
  unbound: boolean;
}

async function facts(db: Database): Promise<RoleFacts> {
  const { rows } = await db.query<RoleFacts>(
    `select count(*) > 0 as present, coalesce(bool_or(rolsuper or rolbypassrls), false) as unbound
       from pg_roles where rolname = $1`,
    [APP_ROLE],
  );
  return rows[0] as RoleFacts;
}

async function mayTakeIt(db: Database): Promise<boolean> {
  try {
    await db.tx((tx) => tx.query(`set local role ${APP_ROLE}`));
    return true;
  } catch (error) {
    if (codeOf(error) === NOT_ALLOWED) return false;
    throw error;
  }
}

function refusal(cause: unknown): Error {
  return new Error(
    `the database user may neither create nor take the role ${APP_ROLE}. Let an administrator run: ` +
      `create role ${APP_ROLE} nologin; grant ${APP_ROLE} to <the user in the database URL>;`,
    { cause },
  );
}

async function createAndGrant(db: Database): Promise<void> {
  const { present } = await facts(db);
  if (!present) await db.query(`create role ${APP_ROLE} nologin nosuperuser nobypassrls`);
  if (!(await mayTakeIt(db))) await db.query(`grant ${APP_ROLE} to current_user`);
}

/** Creates the role when it is missing and makes sure that this connection may take it. */
export async function ensureRole(db: Database): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await createAndGrant(db);
      break;
    } catch (error) {
      if (codeOf(error) === NOT_ALLOWED) throw refusal(error);
      if (tries >= ATTEMPTS || !BEATEN.has(codeOf(error))) throw error;
    }
    await pause(20 * tries);
  }
  if (!(await mayTakeIt(db))) throw refusal(undefined);
  if ((await facts(db)).unbound) {
    throw new Error(
      `the role ${APP_ROLE} may pass row-level security: it would see every merchant`,
    );
  }
}
