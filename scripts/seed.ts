/** Seeds a demo merchant: a mall of two floors with its fences, portal, offers and rules. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Command } from 'commander';
import type { Services } from '../server/compose/services.ts';
import { startServer } from '../server/app.ts';
import { readConfig } from '../server/config.ts';
import { scopes } from '../server/http/route.ts';
import { createApiKey, createStaffCallers } from '../server/staff/keys.ts';
import { createFirstOwner, createOwnerLink } from '../server/staff/sign-in.ts';
import { createApi } from './demo/api.ts';
import type { Api } from './demo/api.ts';
import { centre, mallFences, mallName } from './demo/mall.ts';

export interface Seeded {
  api: Api;
  apiKey: string;
  owner: { email: string; password: string };
  store: { id: string; slug: string };
  gateway: { name: string; secret: string };
  /** Fence ids by name; the mall itself under `mall`. */
  fences: Record<string, string>;
  rules: { welcome: string; shoes: string; tea: string };
  /** Codes that open the WiFi. */
  accessCodes: string[];
}

/** Makes everything over the API, after an owner and a key were made the way a first start does. */
export async function seedDemo(services: Services, url: string): Promise<Seeded> {
  const owner = { email: 'owner@harbour.example', password: randomBytes(9).toString('base64url') };
  const apiKey = await openHouse(services, owner);
  const api = createApi(url, apiKey);
  const store = await api.post<{ id: string; slug: string }>('/v1/stores', storeBody);
  const gateway = await api.post<{ name: string; secret: string }>(
    `/v1/stores/${store.id}/gateways`,
    {
      kind: 'pretend',
      name: 'atrium',
    },
  );
  // It opened before its history begins, or nobody would have been anywhere then.
  const opened = new Date(services.clock() - OPEN_FOR).toISOString();
  const { ids: fences } = await api.post<{ ids: Record<string, string> }>(
    `/v1/fences/geojson?storeId=${store.id}&since=${opened}`,
    mallFences(),
  );
  const { vouchers } = await api.post<{ vouchers: { code: string }[] }>(
    `/v1/stores/${store.id}/access-vouchers`,
    { count: 20, minutes: 240, uses: 1, validDays: 30 },
  );
  const accessCodes = vouchers.map(({ code }) => code);
  const rules = await seedRules(api, store.id, fences);
  return { api, apiKey, owner, store, gateway, fences, rules, accessCodes };
}

const OPEN_FOR = 20 * 86_400_000;

const storeBody = {
  slug: 'harbour-mall',
  name: mallName,
  timezone: 'Europe/Amsterdam',
  country: 'NL',
  location: centre,
  settings: {
    methods: ['click-through', 'email-code', 'sms-code', 'voucher'],
    accent: '#0b5c8a',
    promise: { en: 'Free WiFi while you are with us', 'zh-CN': '逛商场，免费上网' },
    question: {
      key: 'reason',
      label: { en: 'What brings you here today?', 'zh-CN': '今天来逛什么？' },
      options: [
        { value: 'shopping', label: { en: 'Shopping', 'zh-CN': '购物' } },
        { value: 'food', label: { en: 'Eating and drinking', 'zh-CN': '吃喝' } },
        { value: 'cinema', label: { en: 'The cinema', 'zh-CN': '看电影' } },
      ],
    },
  },
};

async function openHouse(
  services: Services,
  { email, password }: Seeded['owner'],
): Promise<string> {
  const link = await createOwnerLink(services.db, services.clock);
  const token = await createFirstOwner(services, link, {
    merchantName: mallName,
    name: 'Demo owner',
    email,
    password,
    userAgent: 'seed',
  });
  const person = await createStaffCallers(services).bySignIn(token);
  if (!person) throw new Error('the owner could not sign in');
  const { key } = await createApiKey(services, person.caller.merchantId, { name: 'Demo', scopes });
  return key;
}

async function seedRules(
  api: Api,
  storeId: string,
  fences: Record<string, string>,
): Promise<Seeded['rules']> {
  const offer = (name: string, headline: string, body: string) =>
    api.post<{ id: string }>('/v1/offers', {
      name,
      storeId,
      headline,
      body,
      terms: 'One per person. Show the code at the till.',
      validForS: 4 * 3600,
      stock: 5000,
      status: 'live',
    });
  const rule = async (name: string, offerId: string, definition: unknown): Promise<string> =>
    (await api.post<{ id: string }>('/v1/rules', { name, offerId, status: 'live', definition })).id;
  const coffee = await offer(
    'Welcome coffee',
    'A coffee on us',
    'At any café of the mall, with a smile.',
  );
  const shoes = await offer(
    'Run −10 %',
    '10 % off running shoes',
    'You took your time. Here is 10 % off a pair.',
  );
  const tea = await offer(
    'Second cup',
    'Your second cup is free',
    'Good to see you again at Tea and Tide.',
  );
  return {
    welcome: await rule('Welcome on the WiFi', coffee.id, {
      trigger: 'guest.admitted',
      scope: { storeId },
      caps: { guest: [{ n: 1, per: '7d' }] },
      // Whoever tries the portal should see an offer; the other rules hold a tenth out.
      experiment: { holdout: 0 },
    }),
    shoes: await rule('Stayed among the shoes', shoes.id, {
      trigger: 'visit.dwelled',
      scope: { fenceId: fences['Shoe Harbour'] },
      when: { all: [{ field: 'visit.dwell_seconds', op: 'gte', value: 180 }] },
      minBand: 'medium',
      caps: { guest: [{ n: 1, per: '7d' }] },
      group: { name: 'in-shop', priority: 20, per: '1h' },
      budget: { units: 1000 },
    }),
    tea: await rule('Back at the tea house', tea.id, {
      trigger: 'visit.dwelled',
      scope: { fenceId: fences['Tea and Tide'] },
      when: {
        all: [
          { field: 'guest.visits_30d', op: 'gte', value: 2 },
          { not: { field: 'voucher.open_count', op: 'gt', value: 3 } },
        ],
      },
      quiet: { from: '22:00', to: '07:00' },
      caps: { guest: [{ n: 1, per: '1d' }] },
      group: { name: 'in-shop', priority: 10, per: '1h' },
    }),
  };
}

async function main(): Promise<void> {
  new Command('seed').description('Seed a demo merchant into the configured database.').parse();
  const config = readConfig();
  const server = await startServer({ ...config, HOST: '127.0.0.1', PORT: 0, LOG_LEVEL: 'warn' });
  try {
    const seeded = await seedDemo(server.services, server.url);
    process.stdout.write(
      `Seeded ${mallName}.\nSign in as ${seeded.owner.email} with ${seeded.owner.password}\nAPI key: ${seeded.apiKey}\n`,
    );
  } finally {
    await server.close();
  }
}

const invoked = process.argv[1] && path.resolve(process.argv[1]) === import.meta.filename;
if (invoked) {
  main().catch((error: unknown) => {
    process.stderr.write(`seed: ${error instanceof Error ? error.message : 'failed'}\n`);
    process.exit(1);
  });
}
