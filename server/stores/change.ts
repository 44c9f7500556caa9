/** Making and changing stores and gateways: one transaction each, used by the API and the console alike. */
import { randomBytes } from 'node:crypto';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import { uuidv7 } from '../ids.ts';
import {
  deleteGateway,
  gatewayById,
  gatewaysOf,
  insertGateway,
  insertStore,
  storeById,
  storesOf,
  updateGateway,
  updateStore,
} from './queries.ts';
import type { GatewayRow, StoreRow } from './queries.ts';
import { checkSettings, newProblems } from './law.ts';
import type { PackProblem } from './packs.ts';
import { applyChange, defaultSettings, readSettings } from './settings.ts';
import { misfits, takesNoBlank } from './gateway-schema.ts';
import type { GatewayBody, GatewayKind } from './gateway-schema.ts';
import { gatewaySettings } from './gateway-settings.ts';
import type { SettingsChange } from './schema.ts';

export interface StoreDeps {
  db: Database;
  clock: () => number;
}

/** Stores and gateways per merchant and store: a runaway script stops here. */
const mostStores = 200;
const mostGateways = 50;

export interface NewStore {
  slug: string;
  name: string;
  timezone: string;
  country: string;
  location?: { lon: number; lat: number } | null | undefined;
  settings?: SettingsChange | undefined;
}

/** `conflict` when the address is taken, by whomever. */
export async function createStore(
  deps: StoreDeps,
  merchantId: string,
  store: NewStore,
): Promise<string> {
  const now = deps.clock();
  const id = uuidv7(now);
  const settings = applyChange(defaultSettings(store.country), store.settings ?? {});
  refuseUnlawful(checkSettings(settings, store.country));
  await unlessTaken('Another store has this address.', () =>
    deps.db.tx(
      async (tx) => {
        if ((await storesOf(tx, merchantId)).length >= mostStores) {
          throw problem('conflict', { detail: `A merchant has at most ${mostStores} stores.` });
        }
        await insertStore(tx, merchantId, {
          id,
          slug: store.slug,
          name: store.name,
          timezone: store.timezone,
          country: store.country,
          lon: store.location?.lon ?? null,
          lat: store.location?.lat ?? null,
          settings,
          now: new Date(now),
        });
      },
      { tenant: merchantId },
    ),
  );
  return id;
}

/** What the law of the place forbids is said part by part, so that a form can show it where it belongs. */
function refuseUnlawful(found: readonly PackProblem[]): void {
  if (found.length === 0) return;
  throw problem('invalid-request', {
    detail: `The law of the store’s country does not allow this: ${found[0]!.message}.`,
    errors: found.map(({ path, message }) => ({ path: `settings.${path}`, message })),
  });
}

/** Anything undefined stays as it is. */
export type StoreChange = { [K in keyof Omit<NewStore, 'slug'>]?: NewStore[K] | undefined };

export async function changeStore(
  deps: StoreDeps,
  merchantId: string,
  id: string,
  change: StoreChange,
): Promise<StoreRow> {
  return deps.db.tx(
    async (tx) => {
      const row = await storeById(tx, merchantId, id, true);
      if (!row) throw problem('not-found');
      const place =
        change.location === undefined ? { lon: row.lon, lat: row.lat } : change.location;
      const before = { settings: readSettings(row.settings), country: row.country };
      const settings = applyChange(before.settings, change.settings ?? {});
      const country = change.country ?? row.country;
      refuseUnlawful(newProblems(before, { settings, country }));
      const next = {
        id,
        name: change.name ?? row.name,
        timezone: change.timezone ?? row.timezone,
        country,
        lon: place?.lon ?? null,
        lat: place?.lat ?? null,
        settings,
      };
      const now = new Date(deps.clock());
      await updateStore(tx, merchantId, { ...next, now });
      return { ...row, ...next, updated_at: now };
    },
    { tenant: merchantId },
  );
}

export async function createGateway(
  deps: StoreDeps,
  merchantId: string,
  storeId: string,
  gateway: GatewayBody,
): Promise<string> {
  const now = deps.clock();
  const id = uuidv7(now);
  const { kind, name, ...asked } = gateway;
  refuseMisfits(kind, asked);
  refuseBlank(kind, name);
  const settings = gatewaySettings(kind, {}, asked, newGatewaySecret);
  await unlessTaken('The store has a gateway of this name.', () =>
    deps.db.tx(
      async (tx) => {
        if (!(await storeById(tx, merchantId, storeId, true))) throw problem('not-found');
        if ((await gatewaysOf(tx, merchantId, storeId)).length >= mostGateways) {
          throw problem('conflict', { detail: `A store has at most ${mostGateways} gateways.` });
        }
        await insertGateway(tx, merchantId, {
          id,
          store_id: storeId,
          kind,
          name,
          settings,
          now: new Date(now),
        });
      },
      { tenant: merchantId },
    ),
  );
  return id;
}

/** What was learnt of a gateway's names holds only as long as it keeps its name and secret. */
export async function changeGateway(
  deps: StoreDeps,
  merchantId: string,
  id: string,
  change: { [K in keyof Omit<GatewayBody, 'kind'>]?: GatewayBody[K] | undefined },
): Promise<GatewayRow> {
  return unlessTaken('The store has a gateway of this name.', () =>
    deps.db.tx(
      async (tx) => {
        const row = await gatewayById(tx, merchantId, id, true);
        if (!row) throw problem('not-found');
        const { name = row.name, ...asked } = change;
        if (name !== row.name) refuseBlank(row.kind, name);
        const { hashes, ...before } = row.settings;
        const settings = gatewaySettings(row.kind, before, asked, newGatewaySecret);
        refuseMisfits(row.kind, { ...asked, unifi: settings.unifi, portal2: settings.portal2 });
        const same = name === row.name && settings.secret === before.secret;
        if (same && hashes) settings.hashes = hashes;
        await updateGateway(tx, merchantId, { id, name, settings });
        return { ...row, name, settings };
      },
      { tenant: merchantId },
    ),
  );
}

function refuseBlank(kind: GatewayKind, name: string): void {
  if (!takesNoBlank(kind) || !name.includes(' ')) return;
  throw problem('invalid-request', {
    detail: `The name of a gateway of kind ${kind} has no blanks.`,
    errors: [{ path: 'name', message: 'must have no blanks' }],
  });
}

function refuseMisfits(kind: GatewayKind, asked: Parameters<typeof misfits>[1]): void {
  const wrong = misfits(kind, asked);
  if (wrong.length === 0) return;
  throw problem('invalid-request', {
    detail: `A gateway of kind ${kind} does not fit.`,
    errors: wrong.map(({ part, wrong: how }) => ({
      path: part,
      message: how === 'missing' ? 'is needed for this kind' : 'does not belong to this kind',
    })),
  });
}

export async function removeGateway(
  deps: StoreDeps,
  merchantId: string,
  id: string,
): Promise<void> {
  const gone = await deps.db.tx((tx) => deleteGateway(tx, merchantId, id), { tenant: merchantId });
  if (!gone) throw problem('not-found');
}

/** 32 letters and digits: all that openNDS reads of a key. */
export function newGatewaySecret(): string {
  return randomBytes(16).toString('hex');
}

async function unlessTaken<T>(detail: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as { code?: unknown }).code === '23505') throw problem('conflict', { detail });
    throw error;
  }
}
