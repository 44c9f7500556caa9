/** Every method by its name, and which ways in a store has with this host. */
import type { Way } from '../journey.ts';
import type { MethodName, StoreView } from '../ports-store.ts';
import type { PortalPorts } from '../ports.ts';
import { clickThrough } from './click-through.ts';
import { emailCode } from './email-code.ts';
import { memberCard } from './member-card.ts';
import type { Method } from './method.ts';
import { oidc } from './oidc.ts';
import { smsCode } from './sms-code.ts';
import { staff } from './staff.ts';
import { voucher } from './voucher.ts';

export const methods: Record<MethodName, Method> = {
  'click-through': clickThrough,
  'sms-code': smsCode,
  'email-code': emailCode,
  voucher,
  'member-card': memberCard,
  oidc,
  staff,
};

/** In the store's order; each identity provider is a way of its own. Without terms there is none. */
export function waysOf(ports: PortalPorts, store: StoreView): Way[] {
  if (!store.wordings.some((wording) => wording.purpose === 'access')) return [];
  return store.methods.flatMap((method): Way[] => {
    if (method === 'member-card' && ports.members === undefined) return [];
    if (method === 'staff' && ports.approvals === undefined) return [];
    if (method !== 'oidc') return [method];
    if (ports.links === undefined) return [];
    return (store.oidc ?? []).map(({ id }): Way => `oidc:${id}`);
  });
}
