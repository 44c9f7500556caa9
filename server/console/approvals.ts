/** Guests who ask to be let in: who waits, two large buttons, and who was answered lately. */
import express from 'express';
import type { Response } from 'express';
import { decide, stateOf } from '../approvals/approvals.ts';
import type { ListedApproval } from '../approvals/queries.ts';
import { listApprovals } from '../approvals/queries.ts';
import { ProblemError, problem } from '../errors.ts';
import type { ConsoleDeps, PageModule } from './deps.ts';
import { done, field, isId, needs, pageOf, renderPage, staffOf } from './page.ts';

const here = '/console/approvals';
const shownAnswers = 15;

export const approvalPages: PageModule = (deps) => {
  const router = express.Router();
  router.get('/approvals', needs('guests:read'), async (_request, response) => {
    await renderPage(response, 'approvals', await found(deps, response));
  });
  router.post('/approvals/:id', needs('guests:write'), async (request, response) => {
    const id = isId(request.params['id']);
    const answer = field(request, 'answer');
    if (answer !== 'grant' && answer !== 'deny') throw problem('invalid-request');
    const granted = answer === 'grant';
    const { merchantId, staffId } = staffOf(response);
    try {
      await deps.db.tx((tx) => decide(tx, merchantId, id, { granted, by: staffId }, deps.clock()), {
        tenant: merchantId,
      });
      done(response, here, granted ? 'guest-granted' : 'guest-denied');
    } catch (error) {
      // Somebody else was quicker, or the guest waited too long: the list says which.
      if (!(error instanceof ProblemError) || error.code !== 'conflict') throw error;
      done(response, here, 'guest-answered');
    }
  });
  return router;
};

/** Of the chosen store: whoever stands at this door is let in here. */
async function found(deps: ConsoleDeps, response: Response): Promise<Record<string, unknown>> {
  const { store } = pageOf(response);
  const { merchantId } = staffOf(response);
  const now = deps.clock();
  const storeId = store?.id ?? null;
  const { waiting, all } = await deps.db.tx(
    async (tx) => ({
      waiting: await listApprovals(tx, merchantId, { storeId, waitingAt: now }, 60),
      all: await listApprovals(tx, merchantId, { storeId, waitingAt: null }, 60 + shownAnswers),
    }),
    { tenant: merchantId, readOnly: true },
  );
  const asking = new Set(waiting.map(({ id }) => id));
  const answered = all.filter(({ id }) => !asking.has(id)).slice(0, shownAnswers);
  const state = (row: ListedApproval): string => (row.used_at ? 'used' : stateOf(row, now));
  return {
    // Who asked first stands first.
    waiting: waiting.toReversed(),
    answered: answered.map((row) => ({ ...row, state: state(row) })),
    scripts: ['approvals.js'],
  };
}
