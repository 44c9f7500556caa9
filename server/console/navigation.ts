/** PURE. The console's sections in order, and which of them a person may open. */
import type { Scope } from '../http/route.ts';

export interface Section {
  key: string;
  href: string;
  icon: string;
  scope: Scope;
  /** Shown in the phone's bottom bar; the rest waits behind "More". */
  main?: boolean;
}

export const sections: readonly Section[] = [
  { key: 'overview', href: '/console/overview', icon: 'bars', scope: 'visits:read', main: true },
  { key: 'live', href: '/console/live', icon: 'pulse', scope: 'events:read', main: true },
  { key: 'sessions', href: '/console/sessions', icon: 'wifi', scope: 'guests:read' },
  { key: 'approvals', href: '/console/approvals', icon: 'door', scope: 'guests:read' },
  { key: 'guests', href: '/console/guests', icon: 'person', scope: 'guests:read', main: true },
  { key: 'visits', href: '/console/visits', icon: 'steps', scope: 'visits:read' },
  {
    key: 'vouchers',
    href: '/console/vouchers',
    icon: 'ticket',
    scope: 'vouchers:redeem',
    main: true,
  },
  { key: 'offers', href: '/console/offers', icon: 'tag', scope: 'offers:read' },
  { key: 'rules', href: '/console/rules', icon: 'branch', scope: 'rules:read' },
  { key: 'fences', href: '/console/fences', icon: 'polygon', scope: 'fences:read' },
  { key: 'devices', href: '/console/devices', icon: 'phone', scope: 'devices:read' },
  { key: 'members', href: '/console/members', icon: 'card', scope: 'guests:read' },
  { key: 'codes', href: '/console/codes', icon: 'key', scope: 'stores:write' },
  { key: 'outbox', href: '/console/outbox', icon: 'envelope', scope: 'guests:read' },
  { key: 'settings', href: '/console/settings', icon: 'sliders', scope: 'stores:write' },
];

export function sectionsFor(scopes: readonly Scope[]): Section[] {
  return sections.filter((section) => scopes.includes(section.scope));
}
