/** Messages on their way: what guests were sent, and where they can be read while nothing is really sent. */
import express from 'express';
import { recentMessages } from '../messages/queries.ts';
import type { PageModule } from './deps.ts';
import { needs, renderPage, staffOf } from './page.ts';

export const outboxPages: PageModule = (deps) => {
  const router = express.Router();
  router.get('/outbox', needs('guests:read'), async (_request, response) => {
    const { merchantId } = staffOf(response);
    const messages = await deps.db.tx((tx) => recentMessages(tx, merchantId, 100), {
      tenant: merchantId,
      readOnly: true,
    });
    await renderPage(response, 'outbox', { messages, senders: deps.senders });
  });
  return router;
};
