/** PURE. Which fields a kind of gateway needs; a field's name is its path in the registration. */
import type { GatewayKind } from '../../stores/gateway-schema.ts';
import { partsOf, vendorProfiles } from '../../stores/gateway-schema.ts';

export interface Field {
  /** Path in the registration; its words stand below `gateway-form.<name>`. */
  name: string;
  as: 'text' | 'lines' | 'number' | 'choice' | 'tick' | 'secret';
  choices?: readonly string[];
  /** As a new gateway has it. */
  initial?: string;
  required?: true;
  /** Folded away: most sites leave it as it is. */
  more?: true;
  /** Words below its own in place of `help`. */
  help?: string;
  /** Shown only while a choice elsewhere says so (by style alone; without, it is always shown). */
  only?: 'legacy' | 'official' | 'fixed';
}

export interface Group {
  /** Its words stand below `gateway-form.groups.<key>`. */
  key: string;
  fields: readonly Field[];
}

const name: Field = { name: 'name', as: 'text', required: true };
const secret: Field = { name: 'secret', as: 'secret', more: true };
const single: Record<string, Field> = {
  level: { name: 'level', as: 'choice', choices: ['3', '2', '1', '4', '0'], initial: '3' },
  login: { name: 'login', as: 'choice', choices: ['chap', 'pap'], initial: 'chap', more: true },
  hosts: { name: 'hosts', as: 'lines', more: true },
  sources: { name: 'sources', as: 'lines' },
};

const radius: readonly Field[] = [
  { name: 'radius.sources', as: 'lines' },
  { name: 'radius.profile', as: 'choice', choices: vendorProfiles, initial: 'wispr' },
  { name: 'radius.coa.host', as: 'text' },
  { name: 'radius.coa.port', as: 'number', initial: '3799', more: true },
  { name: 'radius.nasIds', as: 'lines', more: true },
  {
    name: 'radius.messageAuthenticator',
    as: 'choice',
    choices: ['require', 'learn', 'off'],
    initial: 'require',
    more: true,
  },
  { name: 'radius.interimSeconds', as: 'number', initial: '300', more: true },
  {
    name: 'radius.macAuth.password',
    as: 'choice',
    choices: ['none', 'mac', 'secret', 'fixed'],
    initial: 'none',
    more: true,
  },
  { name: 'radius.macAuth.fixed', as: 'secret', more: true, only: 'fixed' },
  { name: 'radius.swapOctets', as: 'tick', more: true },
  { name: 'radius.certificate', as: 'text', more: true },
  { name: 'radius.secret', as: 'secret', more: true },
];

const unifi: readonly Field[] = [
  { name: 'unifi.url', as: 'text', required: true },
  { name: 'unifi.site', as: 'text', initial: 'default', required: true },
  { name: 'unifi.api', as: 'choice', choices: ['legacy', 'official'], initial: 'legacy' },
  { name: 'unifi.username', as: 'text', only: 'legacy' },
  { name: 'unifi.password', as: 'secret', only: 'legacy' },
  { name: 'unifi.apiKey', as: 'secret', only: 'official' },
  { name: 'unifi.fingerprint', as: 'text', more: true },
  { name: 'unifi.aps', as: 'lines', more: true },
];

const portal2: readonly Field[] = [
  { name: 'portal2.host', as: 'text', required: true },
  { name: 'portal2.port', as: 'number', initial: '2000', more: true },
  { name: 'portal2.version', as: 'choice', choices: ['2', '1'], initial: '2' },
  { name: 'portal2.auth', as: 'choice', choices: ['chap', 'pap'], initial: 'chap' },
  { name: 'portal2.sendChallenge', as: 'tick', initial: 'yes', more: true },
  { name: 'portal2.macBinding', as: 'tick', more: true },
  ...['ip', 'mac', 'nas', 'ssid', 'url'].map((one): Field => ({
    name: `portal2.parameters.${one}`,
    as: 'text',
    more: true,
  })),
];

/** An access controller asks from its own address, and has a way of its own to put guests out. */
function radiusOf(kind: GatewayKind): readonly Field[] {
  if (kind !== 'portal2') return radius;
  return radius.map((one): Field => {
    if (one.name === 'radius.sources') return { ...one, more: true, help: 'ac' };
    return one.name === 'radius.coa.host' ? { ...one, more: true, help: 'ac' } : one;
  });
}

/** The fields of one kind, in the order in which they are asked. */
export function groupsOf(kind: GatewayKind): Group[] {
  const parts = partsOf[kind].map((part) => part.replace('!', ''));
  const own = ['level', 'login', 'hosts', 'sources'].filter((part) => parts.includes(part));
  const first = [
    name,
    ...own.map((part) => single[part]!),
    ...(parts.includes('secret') ? [secret] : []),
  ];
  return [
    { key: 'own', fields: first },
    ...(parts.includes('unifi') ? [{ key: 'unifi', fields: unifi }] : []),
    ...(parts.includes('portal2') ? [{ key: 'portal2', fields: portal2 }] : []),
    ...(parts.includes('radius') ? [{ key: 'radius', fields: radiusOf(kind) }] : []),
  ];
}

export function fieldsOf(kind: GatewayKind): Field[] {
  return groupsOf(kind).flatMap((group) => group.fields);
}
