/** What a guest sees and does within a look at their own data. */
import { createHash, randomBytes } from 'node:crypto';
import type { Request } from 'express';
import { visibleText } from '../agree.ts';
import type { Purpose } from '../ports-store.ts';
import type { ConsentProof } from '../ports.ts';
import { fieldsOf, show } from '../reply.ts';
import type { Ask } from './ask.ts';
import {
  browserOf,
  channelOf,
  fieldsIn,
  ipOf,
  looking,
  overPage,
  reading,
  toCode,
  toLook,
} from './ask.ts';
import type { Shelf } from './pages.ts';
import { editPage, forgetPage, minePath, recordPage, saidPage } from './pages.ts';
import type { LookState, Note } from './seal.ts';

const PURPOSES: readonly Purpose[] = [
  'access',
  'marketing',
  'marketing-email',
  'marketing-sms',
  'analytics',
  'profiling',
];

export const look = reading((ask, record, state, shelf, sealed) =>
  show(ask.kit, ask.res, recordPage(shelf, record, state, sealed)),
);

/** What was on the page when the switch was pressed, made once more from what is kept. */
async function proofOf(ask: Ask, state: LookState, shelf: Shelf): Promise<ConsentProof | null> {
  const record = await ask.self.record(shelf.store, state.key, shelf.language);
  if (record === null) return null;
  const shown = recordPage(shelf, record, state, '');
  const said = visibleText(ask.kit.renderer.main(shown.page));
  return {
    pageSha256: createHash('sha256').update(said).digest('hex'),
    screen: 'my-data',
    ip: ipOf(ask.req),
    userAgent: browserOf(ask.req),
  };
}

export const choose = looking(async (ask, state, shelf) => {
  const { purpose: named, granted, version, overAge } = fieldsIn(ask.req);
  const purpose = PURPOSES.find((one) => one === named);
  const { note: _said, ...plain } = state;
  const proof = await proofOf(ask, plain, shelf);
  if (proof === null) return overPage(ask);
  if (purpose === undefined) return toLook(ask, { ...plain, note: 'refused' });
  const choice = {
    purpose,
    granted: granted === 'yes',
    version,
    language: shelf.language,
    ...(overAge === 'yes' ? { overAge: true } : {}),
  };
  const outcome = await ask.self.choose(shelf.store, state.key, choice, proof);
  if (outcome === null) return overPage(ask);
  const note: Note = outcome === 'done' ? 'saved' : outcome;
  toLook(ask, { ...plain, note });
});

export const edit = reading((ask, record, _state, shelf, sealed) => {
  if (record.limited) return overPage(ask);
  show(ask.kit, ask.res, editPage(shelf, record, sealed));
});

/** Answers come as fields named `answer-<key>`. */
function answersIn(req: Request): Record<string, string> {
  const body = (req.body ?? {}) as Record<string, unknown>;
  const named = Object.entries(body).filter(
    (entry): entry is [string, string] =>
      /^answer-[a-z][a-z0-9-]{0,39}$/.test(entry[0]) && typeof entry[1] === 'string',
  );
  return Object.fromEntries(named.map(([name, value]) => [name.slice(7), value.slice(0, 500)]));
}

export const save = looking(async (ask, { key, language }, shelf) => {
  const { name } = fieldsIn(ask.req);
  const done = await ask.self.correct(shelf.store, key, { name, answers: answersIn(ask.req) });
  if (!done) return overPage(ask);
  toLook(ask, { key, language, note: 'saved' });
});

export const address = looking(async (ask, { key, language }, shelf) => {
  const { kit, self, req } = ask;
  const { store } = shelf;
  const typed = fieldsIn(req).value;
  const channel = channelOf(typed);
  const normal = kit.ports.codes.normalise(store, channel, typed);
  const binding = randomBytes(16).toString('base64url');
  const sent =
    normal === null
      ? ('invalid' as const)
      : await self.sendToNew({
          store,
          key,
          channel,
          address: normal,
          binding,
          ip: ipOf(req),
          language,
        });
  if (sent === 'sent' && normal !== null) {
    return toCode(ask, { channel, address: normal, binding, key, language });
  }
  const record = sent === null ? null : await self.record(store, key, language);
  if (record === null) return overPage(ask);
  const trouble = {
    invalid: 'self.trouble.address',
    busy: 'self.trouble.busy',
    refused: 'self.trouble.send',
  } as const;
  const sealed = ask.seal.close({ at: 'look', key, language }, store);
  show(kit, ask.res, editPage(shelf, record, sealed, trouble[sent as keyof typeof trouble]));
});

export const download = looking(async (ask, { key }, shelf) => {
  const as = fieldsOf(ask.req).get('as') === 'csv' ? 'csv' : 'json';
  const file = await ask.self.download(shelf.store, key, as);
  if (file === null) return overPage(ask);
  ask.res.set('Content-Disposition', `attachment; filename="${file.name}"`);
  ask.res.type(file.type).send(file.body);
});

export const devices = looking(async (ask, { key, language }, shelf) => {
  const done = await ask.self.forgetDevices(shelf.store, key);
  if (!done) return overPage(ask);
  toLook(ask, { key, language, note: 'devices' });
});

export const forget = reading((ask, record, _state, shelf, sealed) =>
  show(ask.kit, ask.res, forgetPage(shelf, record, sealed)),
);

export const forgetNow = looking(async (ask, { key, language }, shelf) => {
  if (fieldsIn(ask.req).sure !== 'yes') return toLook(ask, { key, language });
  const done = await ask.self.forgetMe(shelf.store, key);
  if (!done) return overPage(ask);
  show(ask.kit, ask.res, saidPage(shelf, 'gone', minePath(shelf.store)));
});

export const leave = looking(async (ask, { key }, shelf) => {
  await ask.self.leave(shelf.store, key);
  show(ask.kit, ask.res, saidPage(shelf, 'left', minePath(shelf.store)));
});
