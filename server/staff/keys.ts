/** API keys of merchants' systems: shown once, kept as a hash, found by their public part. */
import { randomBytes } from 'node:crypto';
import type { Database } from '../db/database.ts';
import type { MerchantCaller, Scope } from '../http/route.ts';
import type { StaffCallers } from '../http/staff-auth.ts';
import { scopes } from '../http/route.ts';
import { hashToken, sameBytes, uuidv7 } from '../ids.ts';
import { insertApiKey, keyByPrefix, touchApiKey } from './queries.ts';
import { scopesOf } from './roles.ts';
import { whoIs } from './sign-in.ts';

/** `fk_` + ten hex digits name the key; after the next `_` comes its 192-bit secret. */
const shape = /^(fk_[0-9a-f]{10})_([A-Za-z0-9_-]{32})$/;
const touchEveryMs = 60_000;

/** Makes a key and gives it in clear, this once. */
export async function createApiKey(
  deps: { db: Database; clock: () => number },
  merchantId: string,
  wanted: { name: string; scopes: readonly Scope[] },
): Promise<{ id: string; key: string }> {
  const now = deps.clock();
  const id = uuidv7(now);
  const prefix = `fk_${randomBytes(5).toString('hex')}`;
  const secret = randomBytes(24).toString('base64url');
  await deps.db.tx(
    (tx) =>
      insertApiKey(tx, merchantId, {
        id,
        name: wanted.name,
        prefix,
        secretHash: hashToken(secret),
        scopes: wanted.scopes,
        createdAt: new Date(now),
      }),
    { tenant: merchantId },
  );
  return { id, key: `${prefix}_${secret}` };
}

export interface CallersDeps {
  db: Database;
  clock: () => number;
}

/** Who stands behind keys and sign-ins, for http/staff-auth.ts. */
export function createStaffCallers(deps: CallersDeps): StaffCallers {
  return {
    byKey: (key) => callerByKey(deps, key),
    bySignIn: async (token) => {
      const person = await whoIs(deps, token);
      if (!person) return null;
      const { staffId, merchantId, role, tokenHash } = person;
      const caller: MerchantCaller = {
        kind: 'staff',
        merchantId,
        id: staffId,
        scopes: scopesOf(role),
      };
      return { caller, tokenHash };
    },
  };
}

async function callerByKey(deps: CallersDeps, key: string): Promise<MerchantCaller | null> {
  const [, prefix, secret] = shape.exec(key) ?? [];
  if (prefix === undefined || secret === undefined) return null;
  const found = await keyByPrefix(deps.db, prefix);
  if (!found || !sameBytes(found.secret_hash, hashToken(secret))) return null;
  const now = deps.clock();
  if (now - (found.last_used_at?.getTime() ?? 0) > touchEveryMs) {
    await touchApiKey(deps.db, found.id, new Date(now));
  }
  // A scope that a later version dropped must not come back to life by its name.
  const known = scopes.filter((scope) => found.scopes.includes(scope));
  return { kind: 'key', merchantId: found.merchant_id, id: found.id, scopes: known };
}
