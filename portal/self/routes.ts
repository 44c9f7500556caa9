/** Every address of "My data", and of the mailed confirmation: forms and pages without a script or a cookie. */
import express from 'express';
import type { Router } from 'express';
import type { Kit } from '../kit.ts';
import { withStore } from '../reply.ts';
import type { Handler } from './ask.ts';
import { askConfirm, confirm } from './confirm.ts';
import { code, enter, finish, start } from './entry.ts';
import {
  address,
  choose,
  devices,
  download,
  edit,
  forget,
  forgetNow,
  leave,
  look,
  save,
} from './look.ts';
import { createSelfSeal } from './seal.ts';

/** Hangs the pages into the portal's router; without the port they are not there. */
export function mountSelf(router: Router, kit: Kit): void {
  const { self } = kit.ports;
  if (self === undefined) return;
  const seal = createSelfSeal(kit.settings.secret, kit.ports.clock);
  const form = express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 40 });
  const at = (handle: Handler) =>
    withStore(kit, async (guest, req, res) => {
      await handle({ kit, self, seal, guest, req, res });
    });
  router.get('/p/:store/mine', at(enter));
  router.get('/p/:store/mine/code', at(code));
  router.get('/p/:store/mine/look', at(look));
  router.get('/p/:store/mine/edit', at(edit));
  router.get('/p/:store/mine/forget', at(forget));
  router.get('/p/:store/mine/download', at(download));
  const posts = { start, finish, choose, save, address, devices, leave, forget: forgetNow };
  for (const [name, handle] of Object.entries(posts)) {
    router.post(`/p/:store/mine/${name}`, form, at(handle));
  }
  router.get('/p/:store/confirm/:token', at(askConfirm));
  router.post('/p/:store/confirm/:token', form, at(confirm));
}
