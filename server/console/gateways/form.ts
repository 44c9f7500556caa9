/** PURE. A gateway's registration as a form shows it, and back. */
import { isIP } from 'node:net';
import type {
  GatewayBody,
  GatewayKind,
  GatewaySettings,
  VendorProfile,
} from '../../stores/gateway-schema.ts';
import { gatewayBody, partsOf, takesNoBlank } from '../../stores/gateway-schema.ts';
import type { Typed } from '../settings.ts';
import type { Field } from './fields.ts';
import { fieldsOf } from './fields.ts';

const PROFILE: Partial<Record<GatewayKind, VendorProfile>> = {
  coova: 'coova',
  mikrotik: 'mikrotik',
  portal2: 'huawei',
};

/** A new gateway before anything was typed; secrets are made when they are left empty. */
export function blankForm(kind: GatewayKind, profile = PROFILE[kind]): Typed {
  const blank = Object.fromEntries(
    fieldsOf(kind).map((field) => [field.name, field.initial ?? '']),
  );
  return 'radius.profile' in blank && profile ? { ...blank, 'radius.profile': profile } : blank;
}

function at(settings: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], settings);
}

function shown(field: Field, settings: GatewaySettings): string {
  const value = at(settings, field.name);
  if (field.as === 'secret' || value === undefined || value === null) {
    return field.choices?.includes('none') ? 'none' : '';
  }
  if (Array.isArray(value)) return value.join('\n');
  if (typeof value === 'boolean') return value ? 'yes' : '';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** A gateway as it is registered; what is secret stays empty, and empty means: as it is. */
export function filledForm(kind: GatewayKind, name: string, settings: GatewaySettings): Typed {
  const typed = Object.fromEntries(
    fieldsOf(kind).map((field) => [field.name, shown(field, settings)]),
  );
  return { ...typed, name };
}

function reader(typed: Typed) {
  const text = (name: string): string => typed[name] ?? '';
  const some = (name: string): string | undefined => text(name) || undefined;
  return {
    text,
    some,
    number: (name: string) => (text(name) === '' ? undefined : Number(text(name))),
    lines: (name: string) =>
      text(name)
        .split(/[\r\n,;]+/)
        .map((line) => line.trim())
        .filter(Boolean),
  };
}
type Reader = ReturnType<typeof reader>;

function radiusOf({ text, some, number, lines }: Reader, kept: GatewaySettings) {
  const password = some('radius.macAuth.password');
  const fixed = some('radius.macAuth.fixed') ?? kept.radius?.macAuth?.fixed;
  const sources = lines('radius.sources');
  const ac = text('portal2.host');
  return {
    secret: some('radius.secret'),
    // An access controller asks from the address it is reached at, unless somebody says otherwise.
    sources: sources.length === 0 && isIP(ac) !== 0 ? [ac] : sources,
    nasIds: lines('radius.nasIds'),
    profile: some('radius.profile'),
    messageAuthenticator: some('radius.messageAuthenticator'),
    coa: text('radius.coa.host')
      ? { host: text('radius.coa.host'), port: number('radius.coa.port') }
      : null,
    swapOctets: text('radius.swapOctets') === 'yes',
    macAuth:
      password === undefined || password === 'none'
        ? null
        : { password, ...(password === 'fixed' ? { fixed } : {}) },
    certificate: some('radius.certificate') ?? null,
    interimSeconds: number('radius.interimSeconds'),
  };
}

function unifiOf({ text, some, lines }: Reader) {
  const typed = text('unifi.url');
  const url = typed === '' || /^[a-z]+:\/\//i.test(typed) ? typed : `https://${typed}`;
  return {
    url,
    api: text('unifi.api'),
    site: text('unifi.site'),
    username: some('unifi.username'),
    password: some('unifi.password'),
    apiKey: some('unifi.apiKey'),
    fingerprint: some('unifi.fingerprint') ?? null,
    aps: lines('unifi.aps'),
  };
}

function portal2Of({ text, some, number }: Reader) {
  const names = ['ip', 'mac', 'nas', 'ssid', 'url'] as const;
  return {
    host: text('portal2.host'),
    port: number('portal2.port'),
    version: number('portal2.version'),
    auth: some('portal2.auth'),
    sendChallenge: text('portal2.sendChallenge') === 'yes',
    macBinding: text('portal2.macBinding') === 'yes',
    parameters: Object.fromEntries(
      names.map((one) => [one, some(`portal2.parameters.${one}`)] as const),
    ),
  };
}

/** What no schema can say: which of two ways needs what, and what is already kept. */
function lacking(kind: GatewayKind, { text }: Reader, kept: GatewaySettings): string[] {
  const { unifi, radius } = kept;
  const wrong: string[] = [];
  if (takesNoBlank(kind) && text('name').includes(' ')) wrong.push('blank');
  if (kind === 'unifi' && text('unifi.api') === 'legacy') {
    if (!text('unifi.username')) wrong.push('unifi.username');
    if (!text('unifi.password') && !unifi?.password) wrong.push('unifi.password');
  }
  if (kind === 'unifi' && text('unifi.api') === 'official') {
    if (!text('unifi.apiKey') && !unifi?.apiKey) wrong.push('unifi.apiKey');
  }
  const fixed = text('radius.macAuth.password') === 'fixed';
  if (fixed && !text('radius.macAuth.fixed') && !radius?.macAuth?.fixed) {
    wrong.push('radius.macAuth.fixed');
  }
  return wrong;
}

export type Read = { ok: true; body: GatewayBody } | { ok: false; wrong: string[] };

/** The registration that a form asks for, or the names of its fields that need another look. */
export function readForm(kind: GatewayKind, typed: Typed, kept: GatewaySettings = {}): Read {
  const from = reader(typed);
  const parts: readonly string[] = partsOf[kind].map((part) => part.replace('!', ''));
  const asked = gatewayBody.safeParse({
    kind,
    name: from.text('name'),
    ...(parts.includes('level') ? { level: from.number('level') } : {}),
    ...(parts.includes('secret') ? { secret: from.some('secret') } : {}),
    ...(parts.includes('login') ? { login: from.some('login') } : {}),
    ...(parts.includes('hosts') ? { hosts: from.lines('hosts') } : {}),
    ...(parts.includes('sources') ? { sources: from.lines('sources') } : {}),
    ...(parts.includes('radius') ? { radius: radiusOf(from, kept) } : {}),
    ...(parts.includes('unifi') ? { unifi: unifiOf(from) } : {}),
    ...(parts.includes('portal2') ? { portal2: portal2Of(from) } : {}),
  });
  const wrong = lacking(kind, from, kept);
  const names = fieldsOf(kind).map((field) => field.name);
  if (!asked.success) {
    for (const { path } of asked.error.issues) wrong.push(fieldAt(names, path.map(String)));
  }
  if (!asked.success || wrong.length > 0) return { ok: false, wrong: [...new Set(wrong)] };
  return { ok: true, body: asked.data };
}

/** The field that a fault at this path belongs to. */
function fieldAt(names: readonly string[], path: readonly string[]): string {
  const whole = `${path.join('.')}.`;
  return (
    names.find((name) => whole.startsWith(`${name}.`)) ??
    names.find((name) => `${name}.`.startsWith(whole)) ??
    'name'
  );
}
