/** The mailed link: a page with the words and one button, because mail scanners follow links, too. */
import { basePath } from '../kit.ts';
import { show } from '../reply.ts';
import type { Ask, Handler } from './ask.ts';
import { browserOf, ipOf, shelfOf } from './ask.ts';
import { confirmPage, saidPage } from './pages.ts';

function confirmationHere({ guest, req }: Ask): { here: string; token: string } {
  const token = String(req.params['token']);
  return { token, here: `${basePath(guest.store)}/confirm/${encodeURIComponent(token)}` };
}

/** Looking decides nothing: mail scanners open links, too. */
export const askConfirm: Handler = async (ask) => {
  const { here, token } = confirmationHere(ask);
  const asked = await ask.self.confirmation(ask.guest.store, token, ipOf(ask.req));
  const made = asked
    ? confirmPage(shelfOf(ask), asked, here)
    : saidPage(shelfOf(ask), 'void', here);
  show(ask.kit, ask.res, made);
};

export const confirm: Handler = async (ask) => {
  const { here, token } = confirmationHere(ask);
  const from = { ip: ipOf(ask.req), userAgent: browserOf(ask.req) };
  const done = await ask.self.confirm(ask.guest.store, token, from);
  show(ask.kit, ask.res, saidPage(shelfOf(ask), done ? 'confirmed' : 'void', here));
};
