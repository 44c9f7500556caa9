/** PURE. One plan said in each vendor's attributes, units and directions. */
import type { VendorProfile } from '../ports-store.ts';
import type { Grant } from '../ports.ts';
import type { MacForm } from './addresses.ts';
import { attributes, vendorAttributes, vendors } from './dictionary.ts';
import type { Attribute } from './packet.ts';
import { integer, ofVendor, text } from './packet.ts';

/** Limits as the house thinks of them; 0 = unlimited everywhere. */
export interface Plan {
  /** Seconds that are left. */
  seconds: number;
  idleSeconds: number;
  interimSeconds: number;
  downKbps: number;
  upKbps: number;
  /** Octets that are left, towards the guest. */
  downOctets: number;
  upOctets: number;
}

const IDLE_MINUTES = 15;
const LEAST_INTERIM = 60;

/** What is left of a grant, or null when nothing is. */
export function planOf(grant: Grant, interimSeconds: number, now: number): Plan | null {
  const left = grant.expiresAt > 0 ? Math.ceil((grant.expiresAt - now) / 1000) : null;
  if (left !== null && left <= 0) return null;
  return {
    seconds: left ?? grant.minutes * 60,
    idleSeconds: (grant.idleMinutes ?? IDLE_MINUTES) * 60,
    interimSeconds: Math.max(LEAST_INTERIM, interimSeconds),
    downKbps: grant.downKbps,
    upKbps: grant.upKbps,
    downOctets: grant.downQuotaKB * 1024,
    upOctets: grant.upQuotaKB * 1024,
  };
}

/** A number by 32-bit halves; the upper one only when there is something in it. */
function halves(low: number, high: number, number: number): Attribute[] {
  if (number <= 0) return [];
  const giga = Math.floor(number / 2 ** 32);
  return [integer(low, number % 2 ** 32), ...(giga > 0 ? [integer(high, giga)] : [])];
}

const rate = (type: number, value: number): Attribute[] =>
  value > 0 ? [integer(type, value)] : [];

const wrap = (vendor: number, list: Attribute[]): Attribute[] =>
  list.map((attribute) => ofVendor(vendor, attribute));

/** bit/s. */
function wispr({ upKbps, downKbps }: Plan): Attribute[] {
  const { bandwidthMaxUp, bandwidthMaxDown } = vendorAttributes.wispr;
  return wrap(vendors.wispr, [
    ...rate(bandwidthMaxUp, upKbps * 1000),
    ...rate(bandwidthMaxDown, downKbps * 1000),
  ]);
}

/** kbit/s; volumes in halves, input from the guest. */
function coova(plan: Plan): Attribute[] {
  const of = vendorAttributes.coova;
  return wrap(vendors.coova, [
    ...rate(of.bandwidthMaxUp, plan.upKbps),
    ...rate(of.bandwidthMaxDown, plan.downKbps),
    ...halves(of.maxInputOctets, of.maxInputGigawords, plan.upOctets),
    ...halves(of.maxOutputOctets, of.maxOutputGigawords, plan.downOctets),
  ]);
}

/** `k` is 1000 and `M` 10⁶ bit/s; 0 leaves a direction free. */
function mikrotikRate(kbps: number): string {
  if (kbps === 0) return '0';
  return kbps % 1000 === 0 ? `${kbps / 1000}M` : `${kbps}k`;
}

/** Rates and volumes from the router's view: received is what the guest sends. */
function mikrotik(plan: Plan): Attribute[] {
  const of = vendorAttributes.mikrotik;
  const both = `${mikrotikRate(plan.upKbps)}/${mikrotikRate(plan.downKbps)}`;
  return wrap(vendors.mikrotik, [
    ...(plan.upKbps > 0 || plan.downKbps > 0 ? [text(of.rateLimit, both)] : []),
    ...halves(of.recvLimit, of.recvLimitGigawords, plan.upOctets),
    ...halves(of.xmitLimit, of.xmitLimitGigawords, plan.downOctets),
  ]);
}

/** bit/s; Huawei and H3C share the numbers under vendors of their own. */
function averages(vendor: number) {
  return ({ upKbps, downKbps }: Plan): Attribute[] =>
    wrap(vendor, [
      ...rate(vendorAttributes.huawei.inputAverageRate, upKbps * 1000),
      ...rate(vendorAttributes.huawei.outputAverageRate, downKbps * 1000),
    ]);
}

/** kbit/s. */
function airespace({ upKbps, downKbps }: Plan): Attribute[] {
  const { downAverageRate, upAverageRate } = vendorAttributes.airespace;
  return wrap(vendors.airespace, [
    ...rate(downAverageRate, downKbps),
    ...rate(upAverageRate, upKbps),
  ]);
}

/** What a vendor's equipment is told and how it wants to be asked. */
export interface Profile {
  limits: readonly ((plan: Plan) => Attribute[])[];
  /** Speed limits travel. */
  speed: boolean;
  /** Volume limits travel. */
  volume: boolean;
  /** Calling-Station-Id in what we ask of it. */
  macForm: MacForm;
  /** Which names of a session a Disconnect carries beside Calling-Station-Id and Acct-Session-Id. */
  kickBy: readonly ('user' | 'ip')[];
  /** Its answers to CoA and Disconnect come without attribute 80 even where it is demanded. */
  answersUnsigned: boolean;
}

const base = {
  limits: [wispr],
  speed: true,
  volume: false,
  macForm: 'AA-BB',
  kickBy: ['user'],
  answersUnsigned: false,
} as const satisfies Profile;

export const profiles: Readonly<Record<VendorProfile, Profile>> = {
  plain: { ...base, limits: [], speed: false },
  wispr: base,
  coova: { ...base, limits: [coova, wispr], volume: true, answersUnsigned: true },
  mikrotik: {
    ...base,
    limits: [wispr, mikrotik],
    volume: true,
    macForm: 'AA:BB',
    kickBy: ['user', 'ip'],
    answersUnsigned: true,
  },
  huawei: {
    ...base,
    limits: [averages(vendors.huawei), wispr],
    macForm: 'aabb-ccdd-eeff',
    kickBy: ['user', 'ip'],
  },
  h3c: { ...base, limits: [averages(vendors.h3c), wispr], kickBy: ['user', 'ip'] },
  aruba: { ...base, macForm: 'aabb', kickBy: ['user', 'ip'] },
  airespace: { ...base, limits: [airespace, wispr], macForm: 'aa-bb' },
  ruckus: base,
};

/** A merchant's plans are few and are said again and again: made once. */
const said = new Map<string, Attribute[]>();
const MOST_SAID = 1_024;

function fixedLimits(profile: VendorProfile, plan: Plan): Attribute[] {
  const { idleSeconds, interimSeconds, downKbps, upKbps, downOctets, upOctets } = plan;
  const key = `${profile} ${idleSeconds} ${interimSeconds} ${downKbps} ${upKbps} ${downOctets} ${upOctets}`;
  const known = said.get(key);
  if (known !== undefined) return known;
  const list = [
    ...rate(attributes.idleTimeout, idleSeconds),
    ...rate(attributes.acctInterimInterval, interimSeconds),
    ...profiles[profile].limits.flatMap((limits) => limits(plan)),
  ];
  if (said.size >= MOST_SAID) said.clear();
  said.set(key, list);
  return list;
}

/** The whole set, as an Accept and a CoA carry it: what is left out is unlimited. */
export function limitAttributes(profile: VendorProfile, plan: Plan): Attribute[] {
  return [...rate(attributes.sessionTimeout, plan.seconds), ...fixedLimits(profile, plan)];
}

const CLASS = /^v1:([0-9A-Za-z_-]{1,61})$/;

/** Class: our session, echoed in its accounting. */
export const sessionClass = (sessionId: string): Attribute =>
  text(attributes.class, `v1:${sessionId}`);

/** Our session among the Class attributes of an accounting packet. */
export function sessionInClasses(classes: readonly Buffer[]): string | undefined {
  for (const value of classes) {
    const found = CLASS.exec(value.toString('latin1'))?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}
