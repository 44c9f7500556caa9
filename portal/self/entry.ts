/** The ways into "My data": from a live session, or by a code to an address that is kept. */
import { randomBytes } from 'node:crypto';
import { wasLetIn } from '../device.ts';
import { fieldsOf, show } from '../reply.ts';
import type { Handler } from './ask.ts';
import {
  channelOf,
  fieldsIn,
  inLanguageOf,
  ipOf,
  overPage,
  shelfOf,
  toCode,
  toLook,
} from './ask.ts';
import { codePage, enterPage } from './pages.ts';

/** From the welcome page with its journey, or from anywhere. */
export const enter: Handler = async (ask) => {
  const { kit, self, guest } = ask;
  const sealed = fieldsOf(ask.req).get('j');
  const read = sealed === null ? null : kit.seal.open(sealed, guest.store);
  const journey = read?.ok === true ? read.journey : undefined;
  // A session that a mere claim led to is not one's own, whatever its guest may do there.
  const sessionId = journey?.claimed === true ? undefined : journey?.session?.grant.sessionId;
  const own = sessionId !== undefined && wasLetIn(kit, guest.store, sessionId, ask.req);
  const key =
    sessionId === undefined ? null : await self.openBySession(guest.store, sessionId, own);
  if (key === null) return show(kit, ask.res, enterPage(shelfOf(ask)));
  const language = journey?.language ?? guest.language;
  toLook(ask, { key, language });
};

export const start: Handler = async (ask) => {
  const { kit, self, guest, req } = ask;
  const typed = fieldsIn(req).value;
  const channel = channelOf(typed);
  const address = kit.ports.codes.normalise(guest.store, channel, typed);
  if (address === null) {
    return show(kit, ask.res, enterPage(shelfOf(ask), { typed, trouble: 'self.trouble.address' }));
  }
  const binding = randomBytes(16).toString('base64url');
  const { store, language } = guest;
  const sent = await self.sendCode({ store, channel, address, binding, ip: ipOf(req), language });
  if (sent === 'busy') {
    return show(kit, ask.res, enterPage(shelfOf(ask), { typed, trouble: 'self.trouble.busy' }));
  }
  toCode(ask, { channel, address, binding, language });
};

export const code: Handler = async (ask) => {
  const sealed = fieldsOf(ask.req).get('c') ?? '';
  const state = ask.seal.open(sealed, ask.guest.store);
  if (state?.at !== 'code') return overPage(ask);
  show(ask.kit, ask.res, codePage(inLanguageOf(ask, state), state, sealed));
};

export const finish: Handler = async (ask) => {
  const { self, guest, req } = ask;
  const { c, value } = fieldsIn(req);
  const state = ask.seal.open(c, guest.store);
  if (state?.at !== 'code') return overPage(ask);
  const { channel, address, binding, key, language } = state;
  const asked = { store: guest.store, channel, address, binding, code: value };
  if (key === undefined) {
    const opened = await self.openByCode({ ...asked, ip: ipOf(req) });
    if (opened === null) return toCode(ask, { ...state, wrong: true });
    return toLook(ask, { key: opened, language });
  }
  const outcome = await self.proveNew({ ...asked, key });
  if (outcome === null) return overPage(ask);
  if (outcome === 'wrong') return toCode(ask, { ...state, wrong: true });
  const note = outcome === 'taken' ? 'address-taken' : 'address-done';
  toLook(ask, { key, language, note });
};
