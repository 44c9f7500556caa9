/**
 * What the pages "My data" need from the host: a guest sees, corrects, takes along and deletes what is
 * kept about them. Interfaces only. Times are milliseconds since 1970 (UTC). Nothing here tells a
 * stranger whether somebody is known.
 */
import type { Language, Purpose, StoreView, Text } from './ports-store.ts';
import type { ConsentProof } from './ports.ts';

/** Proof that this browser may see one guest's data: unguessable, valid for minutes, void once left. */
export type SelfKey = string;

export type SelfChannel = 'sms' | 'email';

/** One purpose as it stands for this guest. */
export interface SelfConsent {
  purpose: Purpose;
  granted: boolean;
  /** The words that were agreed to, else those that would be; in `language`. */
  text: string;
  language: Language;
  /** When the newest choice was made; absent when there was none. */
  at?: number;
  /** A mail with a link is on its way; agreeing counts once it is confirmed. */
  awaiting?: boolean;
  /** Whether the guest may agree here: the store asks for it, and the age and address fit. */
  offered: boolean;
  /** Version of today's words, for agreeing. */
  version?: string;
}

export interface SelfSession {
  store: string;
  method: string;
  from: number;
  /** Absent while it lasts. */
  until?: number;
  bytesIn: number;
  bytesOut: number;
}

export interface SelfVoucher {
  headline: string;
  code: string;
  state: 'open' | 'used' | 'over';
  validUntil: number;
}

export interface SelfAnswer {
  key: string;
  /** The question as it stands today; absent when the store no longer asks it. */
  label?: Text;
  /** Null when it was waved away. */
  value: string | null;
  /** Choices; empty means free text. */
  options: { value: string; label: Text }[];
}

/** What is kept, as a guest reads it. */
export interface SelfRecord {
  /** Only the device of this session is known: switches and forgetting, nothing personal. */
  limited: boolean;
  name: string | null;
  phone: string | null;
  email: string | null;
  since: number;
  lastSeen: number;
  consents: SelfConsent[];
  /** The newest first, at most 20; `sessionCount` says how many there are. */
  sessions: SelfSession[];
  sessionCount: number;
  visitCount: number;
  vouchers: SelfVoucher[];
  answers: SelfAnswer[];
  /** Devices remembered for one-tap return, and apps linked to the guest. */
  devices: { kind: 'wifi' | 'app'; name: string; since: number }[];
  /** Years of the store's age gate, when this guest never said to be above it. */
  ageAsked?: number;
  /** Days for which the law keeps the log of sessions even when everything else is deleted; 0 = none. */
  logDays: number;
}

export type ChooseOutcome = 'done' | 'mailed' | 'refused' | 'changed';

export interface SelfService {
  /**
   * From the page of a live session. `own`: by the browser that was let in; its address alone is worth
   * less, since others may have read it on the way. Null: an address must be proved.
   */
  openBySession(store: StoreView, sessionId: string, own: boolean): Promise<SelfKey | null>;
  /**
   * Sends a code if somebody with this address is known, and answers the same if not. `busy` says only
   * that this network asked too often.
   */
  sendCode(request: {
    store: StoreView;
    channel: SelfChannel;
    address: string;
    binding: string;
    ip: string;
    language: Language;
  }): Promise<'sent' | 'busy'>;
  /** Null when the code does not fit, is too old, or nobody has this address: one answer for all. */
  openByCode(request: {
    store: StoreView;
    channel: SelfChannel;
    address: string;
    binding: string;
    code: string;
    ip: string;
  }): Promise<SelfKey | null>;
  /** Null when the look is over. */
  record(store: StoreView, key: SelfKey, language: Language): Promise<SelfRecord | null>;
  choose(
    store: StoreView,
    key: SelfKey,
    choice: {
      purpose: Purpose;
      granted: boolean;
      version: string;
      language: Language;
      overAge?: boolean;
    },
    proof: ConsentProof,
  ): Promise<ChooseOutcome | null>;
  /** Empty texts take away. False when the look is over. */
  correct(
    store: StoreView,
    key: SelfKey,
    change: { name: string; answers: Record<string, string> },
  ): Promise<boolean>;
  /** A code to a new address of the guest's own. */
  sendToNew(request: {
    store: StoreView;
    key: SelfKey;
    channel: SelfChannel;
    address: string;
    binding: string;
    ip: string;
    language: Language;
  }): Promise<'sent' | 'busy' | 'refused' | null>;
  /** `taken`: another record has this address; sign in with it to see that one. */
  proveNew(request: {
    store: StoreView;
    key: SelfKey;
    channel: SelfChannel;
    address: string;
    binding: string;
    code: string;
  }): Promise<'done' | 'wrong' | 'taken' | null>;
  /** Everything, as a file. Null when the look is over or limited. */
  download(
    store: StoreView,
    key: SelfKey,
    as: 'json' | 'csv',
  ): Promise<{ body: string; type: string; name: string } | null>;
  /** Takes back the one-tap return of every device. False when the look is over. */
  forgetDevices(store: StoreView, key: SelfKey): Promise<boolean>;
  /** Deletes the guest; the look is over with it. False when it was over before. */
  forgetMe(store: StoreView, key: SelfKey): Promise<boolean>;
  /** Ends the look: its address leads nowhere from now on. */
  leave(store: StoreView, key: SelfKey): Promise<void>;
  /** What a mailed link asks; looking decides nothing. Null when it is void. */
  confirmation(
    store: StoreView,
    token: string,
    ip: string,
  ): Promise<{ text: string; language: Language } | null>;
  /** The second yes. False when the link is void. */
  confirm(
    store: StoreView,
    token: string,
    from: { ip: string; userAgent: string },
  ): Promise<boolean>;
}
