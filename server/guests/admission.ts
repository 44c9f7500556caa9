/** What an admission is asked with and answered with: the shapes of portal/ports.ts, met in app.ts. */
import type { ConsentGiven, ConsentProof } from '../consents/record.ts';
import type { OpenStore } from '../sessions/hours.ts';
import type { SessionLimits } from '../sessions/queries.ts';
import type { Purpose } from '../stores/wordings.ts';
import type { Language, Text } from '../stores/words.ts';

/** The part of a store that the reception needs. */
export interface DeskStore extends OpenStore {
  id: string;
  merchantId: string;
  wordings: readonly { purpose: Purpose; version: string; text: Text }[];
  /** In the order they are asked. */
  questions: readonly { key: string }[];
  /** How the ways in behave; absent means that nothing is remembered and no grace is given. */
  policy?: { graceMinutes: number; gracePerDay: number; rememberDays: number };
  oidc?: readonly { id: string; issuer: string }[];
}

export type Proof =
  | { method: 'click-through' }
  | { method: 'sms-code' | 'email-code'; address: string }
  | { method: 'voucher'; code: string }
  | { method: 'member-card'; number: string }
  | { method: 'oidc'; provider: string; subject: string; email?: string; name?: string }
  | { method: 'staff'; requestId: string }
  | { method: 'returning'; token: string }
  | { method: 'grace'; towards: 'email-code' | 'sms-code' | 'oidc' };

export interface AdmitRequest<S extends DeskStore> {
  store: S;
  context: { gatewayId: string; mac: string; ip: string; hid?: string };
  proof: Proof;
  consents: readonly ConsentGiven[];
  shown?: ConsentProof;
  age?: 'over' | 'under';
  answer?: { key: string; value: string } | { key: string; dismissed: true };
  language: Language;
  /** The gateway can be asked again to let in a client that it let in before. */
  reopens?: boolean;
}

/** What the gateway is told; limits of 0 are none. */
export interface Grant extends SessionLimits {
  sessionId: string;
  guestId: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export type RefusalReason =
  | 'voucher-invalid'
  | 'voucher-used'
  | 'blocked'
  | 'member-unknown'
  | 'staff-waiting'
  | 'staff-denied'
  | 'device-unknown'
  | 'terms-changed'
  | 'grace-used'
  | 'closed';

export type Admission =
  | {
      ok: true;
      grant: Grant;
      returning: boolean;
      /** What only the hardware address led to. */
      byMac?: 'guest' | 'session';
      deviceToken?: string;
    }
  | { ok: false; reason: RefusalReason };

/** Thrown inside the transaction, so that a refusal leaves nothing behind. */
export class Refusal extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason) {
    super(reason);
    this.name = 'Refusal';
    this.reason = reason;
  }
}
