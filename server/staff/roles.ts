/** PURE. What each role of a merchant's people may do, said as the scopes that routes ask for. */
import { scopes } from '../http/route.ts';
import type { Scope } from '../http/route.ts';

export const roles = ['owner', 'manager', 'till'] as const;
export type Role = (typeof roles)[number];

/** The till redeems and sees nothing of guests; people and keys are the owner's alone (`mayRun`). */
const granted: Record<Role, readonly Scope[]> = {
  owner: scopes,
  manager: scopes,
  till: ['vouchers:redeem'],
};

export function scopesOf(role: Role): readonly Scope[] {
  return granted[role];
}

/** Whether this role may add people and API keys, which would otherwise be a way to more rights. */
export function mayRun(role: Role): boolean {
  return role === 'owner';
}
