/** Signing in and out: the cookie's token is random, kept only as a hash, new at each sign-in, and ends by itself. */
import type { Database } from '../db/database.ts';
import { hashToken, newToken, uuidv7 } from '../ids.ts';
import { problem } from '../errors.ts';
import type { Passwords } from './passwords.ts';
import type { Throttle } from './throttle.ts';
import {
  accountByEmail,
  deleteSignIn,
  deleteSignInsOf,
  insertMerchant,
  insertOwnerLink,
  insertSignIn,
  insertStaff,
  ownerLinkOpen,
  signInByHash,
  spendOwnerLink,
  touchSignIn,
} from './queries.ts';
import type { SignedIn } from './queries.ts';

const HOUR = 3_600_000;
/** Unused for so long, or this old whatever happens: ended. */
export const idleMs = 12 * HOUR;
export const absoluteMs = 7 * 24 * HOUR;
const linkMs = 24 * HOUR;
const touchEveryMs = 60_000;
/** A token as newToken() makes it; anything else is not worth a query. */
const shape = /^[a-z]{2}_[A-Za-z0-9_-]{32}$/;

export interface StaffDeps {
  db: Database;
  clock: () => number;
  passwords: Passwords;
  throttle: Throttle;
}

export interface Credentials {
  email: string;
  password: string;
  ip: string;
  userAgent: string;
}

/**
 * The token to put into the cookie. Unknown address, wrong password and disabled account are one
 * refusal (`unauthenticated`) after the same work; too many tries are `too-many-requests`.
 * `replaces` is the token the browser held before: it ends here.
 */
export async function signIn(
  deps: StaffDeps,
  given: Credentials,
  replaces?: string,
): Promise<string> {
  const email = normaliseEmail(given.email);
  const wait = await deps.throttle.take(email, given.ip);
  if (wait !== null) throw problem('too-many-requests', { retryAfter: wait });
  const account = await accountByEmail(deps.db, email);
  const fits = await deps.passwords.fits(account?.password_hash ?? null, given.password);
  if (!account || !fits) throw problem('unauthenticated');
  await deps.throttle.succeeded(email, given.ip);
  if (replaces) await signOut(deps, replaces);
  return openSignIn(deps, account.merchant_id, account.id, given.userAgent);
}

async function openSignIn(
  deps: Pick<StaffDeps, 'db' | 'clock'>,
  merchantId: string,
  staffId: string,
  userAgent: string,
): Promise<string> {
  const token = newToken('fs');
  const now = deps.clock();
  await deps.db.tx(
    (tx) =>
      insertSignIn(tx, {
        tokenHash: hashToken(token),
        merchantId,
        staffId,
        now: new Date(now),
        expiresAt: new Date(now + absoluteMs),
        userAgent: userAgent.slice(0, 200),
      }),
    { tenant: merchantId },
  );
  return token;
}

/** Who holds this token, or null. Counts as a sign of life at most once a minute. */
export async function whoIs(
  deps: Pick<StaffDeps, 'db' | 'clock'>,
  token: string | undefined,
): Promise<SignedIn | null> {
  if (token === undefined || !shape.test(token)) return null;
  const now = deps.clock();
  const found = await signInByHash(
    deps.db,
    hashToken(token),
    new Date(now),
    new Date(now - idleMs),
  );
  if (found && now - found.lastSeenAt.getTime() > touchEveryMs) {
    await touchSignIn(deps.db, found.tokenHash, new Date(now));
  }
  return found;
}

export async function signOut(deps: Pick<StaffDeps, 'db'>, token: string): Promise<void> {
  if (shape.test(token)) await deleteSignIn(deps.db, hashToken(token));
}

/** Ends every sign-in of this person, this one too; how many there were. */
export async function signOutEverywhere(
  deps: Pick<StaffDeps, 'db'>,
  who: SignedIn,
): Promise<number> {
  return deps.db.tx((tx) => deleteSignInsOf(tx, who.merchantId, who.staffId), {
    tenant: who.merchantId,
  });
}

/** A one-time token, good for a day, that lets its holder create a merchant and its owner. */
export async function createOwnerLink(db: Database, clock: () => number): Promise<string> {
  const token = newToken('fo');
  const now = clock();
  await db.tx((tx) => insertOwnerLink(tx, hashToken(token), new Date(now), new Date(now + linkMs)));
  return token;
}

export async function ownerLinkIsOpen(
  deps: Pick<StaffDeps, 'db' | 'clock'>,
  token: string,
): Promise<boolean> {
  return shape.test(token) && ownerLinkOpen(deps.db, hashToken(token), new Date(deps.clock()));
}

export interface FirstOwner {
  merchantName: string;
  name: string;
  email: string;
  password: string;
  userAgent: string;
}

/** Spends the link for a merchant and its owner, and signs the owner in: the cookie's token. */
export async function createFirstOwner(
  deps: StaffDeps,
  link: string,
  owner: FirstOwner,
): Promise<string> {
  if (!(await ownerLinkIsOpen(deps, link))) throw problem('not-found');
  const passwordHash = await deps.passwords.hash(owner.password);
  const now = deps.clock();
  const merchantId = uuidv7(now);
  const staffId = uuidv7(now);
  // No tenant: the merchant comes into being here.
  await deps.db.tx(async (tx) => {
    if (!(await spendOwnerLink(tx, hashToken(link), new Date(now)))) throw problem('not-found');
    await insertMerchant(tx, { id: merchantId, name: owner.merchantName, now: new Date(now) });
    await insertStaff(tx, {
      id: staffId,
      merchantId,
      email: normaliseEmail(owner.email),
      name: owner.name,
      role: 'owner',
      passwordHash,
      now: new Date(now),
    });
  });
  return openSignIn(deps, merchantId, staffId, owner.userAgent);
}

/** PURE. One spelling per mailbox. */
export function normaliseEmail(typed: string): string {
  return typed.normalize('NFKC').trim().toLowerCase().slice(0, 254);
}
