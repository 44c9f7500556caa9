/** A store as the guest portal needs it (the shape of portal/ports.ts StoreView, met in app.ts). */
import type { Queryable } from '../db/database.ts';
import { askedWordings, lawOf, lawfulPolicy } from './law.ts';
import { storeAndGatewaysBySlug } from './queries.ts';
import type { GatewayRow, StoreRow } from './queries.ts';
import type { GatewayKind, GatewaySettings } from './gateway-schema.ts';
import { readSettings } from './settings.ts';
import type { StoreSettings } from './settings.ts';
import type { Method } from './settings-parts.ts';
import type { Language } from './words.ts';
import type { Wording } from './wordings.ts';

export interface PortalGateway extends GatewaySettings {
  id: string;
  kind: GatewayKind;
  name: string;
}

/** Everything a guest's page is made from. */
export interface PortalStore {
  id: string;
  merchantId: string;
  slug: string;
  name: string;
  timezone: string;
  country: string;
  defaultLanguage: Language;
  languages: Language[];
  methods: Method[];
  policy: StoreSettings['policy'];
  oidc: StoreSettings['oidc'];
  /** Only those of what this store asks, the terms first. */
  wordings: Wording[];
  questions: StoreSettings['questions'];
  ageGate?: number;
  gateways: PortalGateway[];
  theme: StoreSettings['theme'];
  house: StoreSettings['house'];
  hours?: NonNullable<StoreSettings['hours']>;
  landingHosts: string[];
  venueUrl?: string;
  /** Limits of one admission; for the house itself, which need not read the store again. */
  session: StoreSettings['session'];
  /** Where codes by SMS go, and how many a day; for the house itself. */
  sms: { countries: string[]; perDay: number };
}

/** The store behind `/p/<slug>`, or null. Runs without a tenant: the address is what names it. */
export async function storeBySlug(db: Queryable, slug: string): Promise<PortalStore | null> {
  if (!/^[a-z0-9][a-z0-9-]{1,62}$/.test(slug)) return null;
  const found = await storeAndGatewaysBySlug(db, slug);
  return found && portalStore(found.store, found.gateways);
}

/** PURE. */
export function portalStore(row: StoreRow, gateways: readonly GatewayRow[]): PortalStore {
  const settings = readSettings(row.settings);
  const law = lawOf(settings, row.country);
  const { defaultLanguage, languages } = settings;
  return {
    id: row.id,
    merchantId: row.merchant_id,
    slug: row.slug,
    name: row.name,
    timezone: row.timezone,
    country: row.country,
    defaultLanguage,
    languages: languages.includes(defaultLanguage) ? languages : [defaultLanguage, ...languages],
    methods: settings.methods,
    policy: lawfulPolicy(settings, law),
    oidc: settings.oidc,
    wordings: askedWordings(settings, law),
    questions: settings.questions,
    gateways: gateways.map(portalGateway),
    theme: settings.theme,
    house: settings.house,
    landingHosts: settings.landingHosts,
    session: settings.session,
    sms: { countries: settings.countries, perDay: settings.sms.perDay },
    ...(law.ageGate !== null ? { ageGate: law.ageGate } : {}),
    ...(settings.hours ? { hours: settings.hours } : {}),
    ...(settings.venueUrl ? { venueUrl: settings.venueUrl } : {}),
  };
}

function portalGateway(row: GatewayRow): PortalGateway {
  return { ...row.settings, id: row.id, kind: row.kind, name: row.name };
}
