/** One row of everything a merchant can have, all bearing a mark, so that a leak can be seen. */
import type { Queryable } from '../../server/db/database.ts';
import { appendConsent, wordingHash } from '../../server/consents/queries.ts';
import { newCode } from '../../server/offers/code.ts';
import { definitionSchema } from '../../server/rules/schema.ts';
import {
  makeAccessVoucher,
  makeApproval,
  makeDevice,
  makeFence,
  makeGateway,
  makeGuest,
  makeMemberCard,
  makeOffer,
  makeRule,
  makeRuleVersion,
  makeSession,
  makeSmsPause,
  makeStore,
  makeVisit,
  makeVoucher,
} from './make.ts';

/** What stands for each kind of thing in an address: its id, code or hash. */
export interface Furniture {
  stores: string;
  gateways: string;
  fences: string;
  guests: string;
  sessions: string;
  devices: string;
  visits: string;
  offers: string;
  rules: string;
  'access-vouchers': string;
  'member-cards': string;
  approvals: string;
  /** A range of numbers. */
  'sms-pauses': string;
  vouchers: string;
  texts: string;
  /** What stands for a token or a sealed grant in an address: one that nobody was given. */
  osmand: string;
  gpslogger: string;
}

/** What the engine keeps to explain a visit. */
const explained = {
  leftCensored: false,
  rightCensored: false,
  alternates: [],
  pNone: 0.1,
  factors: [],
  triggerEligible: true,
};

export async function furnish(
  db: Queryable,
  merchantId: string,
  mark: string,
  now: number,
): Promise<Furniture> {
  const store = await makeStore(db, merchantId, { name: `${mark} store` });
  const storeId = store.id;
  const gateway = await makeGateway(db, merchantId, storeId, {
    kind: 'opennds',
    name: `${mark} gateway`,
    settings: { secret: `${mark} secret` },
  });
  const fence = await makeFence(db, merchantId, { storeId, name: `${mark} fence` });
  const guest = await makeGuest(db, merchantId, { name: `${mark} guest` });
  const device = await makeDevice(db, merchantId, { guestId: guest.id, name: `${mark} device` });
  const visit = await makeVisit(
    db,
    { merchantId, fenceId: fence.id, deviceId: device.id },
    { storeId, guestId: guest.id, detail: explained },
  );
  const offer = await makeOffer(db, merchantId, { storeId, name: `${mark} offer`, issued: 1 });
  const definition = definitionSchema.parse({ trigger: 'visit.entered', scope: { storeId } });
  const rule = await makeRule(db, merchantId, offer.id, {
    storeId,
    name: `${mark} rule`,
    trigger: 'visit.entered',
    definition,
  });
  await makeRuleVersion(db, merchantId, rule.id, { definition });
  const accessVoucher = await makeAccessVoucher(db, merchantId, storeId, {
    expiresAt: new Date(now + 86_400_000),
  });
  const card = await makeMemberCard(db, merchantId, { name: `${mark} card`, guestId: guest.id });
  const approval = await makeApproval(db, merchantId, storeId, {
    name: `${mark} asks`,
    expiresAt: new Date(now + 86_400_000),
  });
  const voucher = await makeVoucher(db, merchantId, offer.id, {
    code: newCode(),
    storeId,
    guestId: guest.id,
    issuedAt: new Date(now),
    expiresAt: new Date(now + 86_400_000),
  });
  const text = `${mark} wording`;
  const consent = {
    merchantId,
    guestId: guest.id,
    storeId,
    purpose: 'marketing',
    granted: true,
    version: '1',
    text,
    language: 'en',
    source: 'portal',
  } as const;
  await appendConsent(db, consent, now);
  const session = await makeSession(db, {
    merchantId,
    storeId,
    gatewayId: gateway.id,
    guestId: guest.id,
  });
  return {
    stores: storeId,
    gateways: gateway.id,
    fences: fence.id,
    guests: guest.id,
    sessions: session.id,
    devices: device.id,
    visits: visit.id,
    offers: offer.id,
    rules: rule.id,
    'access-vouchers': accessVoucher.id,
    'member-cards': card.id,
    approvals: approval.id,
    'sms-pauses': await makeSmsPause(db, merchantId, { until: new Date(now + 86_400_000) }).then(
      ({ prefix }) => prefix,
    ),
    vouchers: voucher.code,
    texts: wordingHash(text),
    osmand: 'fd_nobody',
    gpslogger: 'nobody',
  };
}
