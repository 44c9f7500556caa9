/** Mounts the console: every page module below /console, inside one context and one way to fail. */
import express from 'express';
import type { Router } from 'express';
import { problem } from '../errors.ts';
import { formBody, policy, recognise, signedInOnly } from './context.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { consoleFailures } from './failures.ts';
import { accountPages } from './account.ts';
import { approvalPages } from './approvals.ts';
import { codePages } from './codes.ts';
import { decisionPages } from './decisions.ts';
import { datumNotice } from './datum-check.ts';
import { devicePages } from './devices.ts';
import { fencePages } from './fences.ts';
import { guestPages } from './guests.ts';
import { livePages } from './live.ts';
import { memberPages } from './members.ts';
import { offerPages } from './offers.ts';
import { outboxPages } from './outbox.ts';
import { overviewPages } from './overview.ts';
import { rulePages } from './rules.ts';
import { sessionPages } from './sessions.ts';
import { settingsPages } from './settings.ts';
import { consentPages } from './settings-consent.ts';
import { gatewayPages } from './settings-gateways.ts';
import { lookPages } from './settings-look.ts';
import { peoplePages } from './settings-people.ts';
import { providerPages } from './settings-providers.ts';
import { questionPages } from './settings-questions.ts';
import { textPages } from './settings-texts.ts';
import { waysPages } from './settings-ways.ts';
import { signInPages } from './sign-in.ts';
import { visitPages } from './visits.ts';
import { voucherPages } from './vouchers.ts';
import { whyPages } from './why.ts';
import { pageOf } from './page.ts';

/** Pages behind the sign-in wall, in the order of the navigation. */
const modules: PageModule[] = [
  overviewPages,
  livePages,
  sessionPages,
  guestPages,
  approvalPages,
  visitPages,
  voucherPages,
  offerPages,
  rulePages,
  decisionPages,
  datumNotice,
  fencePages,
  devicePages,
  whyPages,
  codePages,
  memberPages,
  outboxPages,
  settingsPages,
  lookPages,
  waysPages,
  providerPages,
  consentPages,
  textPages,
  questionPages,
  gatewayPages,
  peoplePages,
  accountPages,
];

/** Serves `/console` and everything below it; mount it at the root of the app, after the assets. */
export function createConsole(deps: ConsoleDeps): Router {
  const root = express.Router();
  const pages = express.Router();
  pages.use(policy(deps), formBody, recognise(deps));
  pages.use(signInPages(deps));
  pages.use(signedInOnly);
  pages.get('/', (_request, response) => {
    const [first] = pageOf(response).sections;
    response.redirect(303, first?.href ?? '/console/sign-in');
  });
  for (const module of modules) pages.use(module(deps));
  pages.use(() => {
    throw problem('not-found');
  });
  pages.use(consoleFailures(deps));
  root.use('/console', pages);
  return root;
}
