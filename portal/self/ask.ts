/** One request of "My data": who asks where and with what, and the look it belongs to. */
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Kit } from '../kit.ts';
import type { SelfChannel, SelfRecord, SelfService } from '../ports-self.ts';
import type { Guest } from '../reply.ts';
import { fieldsOf, show } from '../reply.ts';
import { languagesOf, offered } from '../texts.ts';
import type { Shelf } from './pages.ts';
import { enterPage, minePath } from './pages.ts';
import type { CodeState, LookState, SelfSeal } from './seal.ts';

const text = (most: number) => z.string().max(most).default('');
const Fields = z.object({
  m: text(2048),
  c: text(2048),
  value: text(320),
  purpose: text(20),
  granted: text(3),
  version: text(60),
  overAge: text(3),
  name: text(200),
  sure: text(3),
});
/** One request of these pages: who asks where, and with what. */
export interface Ask {
  kit: Kit;
  self: SelfService;
  seal: SelfSeal;
  guest: Guest;
  req: Request;
  res: Response;
}
export type Handler = (ask: Ask) => Promise<void>;

export const shelfOf = ({ kit, guest }: Ask): Shelf => ({ kit, ...guest });
/** What the shape of an address says about where it leads. */
export const channelOf = (typed: string): SelfChannel => (typed.includes('@') ? 'email' : 'sms');
export const ipOf = (req: Request): string => req.ip ?? '';
export const browserOf = (req: Request): string => (req.headers['user-agent'] ?? '').slice(0, 200);

export function fieldsIn(req: Request): z.infer<typeof Fields> {
  const read = Fields.safeParse(req.body ?? {});
  return read.success ? read.data : Fields.parse({});
}

/** The language is chosen by the address, else it is the one that was sealed into it. */
export function inLanguageOf(ask: Ask, sealed: { language: Shelf['language'] }): Shelf {
  const wished = offered(languagesOf(ask.guest.store), fieldsOf(ask.req).get('lang'));
  return { kit: ask.kit, store: ask.guest.store, language: wished ?? sealed.language };
}

export function toLook(ask: Ask, state: Omit<LookState, 'at'>): void {
  const { store } = ask.guest;
  const sealed = ask.seal.close({ at: 'look', ...state }, store);
  ask.res.redirect(303, `${minePath(store)}/look?m=${sealed}`);
}

export function toCode(ask: Ask, state: Omit<CodeState, 'at'>): void {
  const { store } = ask.guest;
  const sealed = ask.seal.close({ at: 'code', ...state }, store);
  ask.res.redirect(303, `${minePath(store)}/code?c=${sealed}`);
}

export const overPage = (ask: Ask) =>
  show(ask.kit, ask.res, enterPage(shelfOf(ask), { trouble: 'self.trouble.over' }));

/** Runs with the look of the address or form; without one the guest shows anew who they are. */
export function looking(work: (ask: Ask, look: LookState, shelf: Shelf) => Promise<void>): Handler {
  return async (ask) => {
    const sealed = ask.req.method === 'GET' ? fieldsOf(ask.req).get('m') : fieldsIn(ask.req).m;
    const state = ask.seal.open(sealed ?? '', ask.guest.store);
    if (state?.at !== 'look') return overPage(ask);
    const shelf = inLanguageOf(ask, state);
    // A new address for each page: the note of the last press is not said twice.
    await work(ask, { ...state, language: shelf.language }, shelf);
  };
}

/** The same, with what is kept. */
export function reading(
  make: (ask: Ask, record: SelfRecord, look: LookState, shelf: Shelf, sealed: string) => void,
): Handler {
  return looking(async (ask, look, shelf) => {
    const record = await ask.self.record(shelf.store, look.key, shelf.language);
    if (record === null) return overPage(ask);
    const { note: _said, ...plain } = look;
    make(ask, record, look, shelf, ask.seal.close(plain, shelf.store));
  });
}
