/** The port every way of sending fits, and the choice between them by configuration. */
import type { Channel } from './queries.ts';
import { createSmtpSender } from './smtp.ts';
import { createWebhookSender } from './webhook.ts';

/** A message on its way out. `id` stays the same on every try, so receivers can drop doubles. */
export interface Outgoing {
  id: string;
  address: string;
  subject: string | null;
  body: string;
  createdAt: number;
}

export type SendResult =
  | { ok: true }
  | {
      ok: false;
      /** Another try may help. */
      again: boolean;
      /** What went wrong in a few words, without address or text. */
      error: string;
    };

export interface Sender {
  kind: 'development' | 'smtp' | 'webhook';
  send(message: Outgoing): Promise<SendResult>;
}

export type Senders = Record<Channel, Sender>;

/** Sends nothing: the message stays in storage, where the console's outbox page shows it. */
export const developmentSender: Sender = {
  kind: 'development',
  send: () => Promise.resolve({ ok: true }),
};

export interface SenderSettings {
  smtpUrl?: string | undefined;
  mailFrom: string;
  smsWebhookUrl?: string | undefined;
  smsWebhookSecret?: string | undefined;
}

/** One sender a channel; what is not set up stays in the development outbox. Throws on unusable settings. */
export function chooseSenders(settings: SenderSettings, clock: () => number): Senders {
  const { smtpUrl, mailFrom, smsWebhookUrl, smsWebhookSecret } = settings;
  return {
    email: smtpUrl ? createSmtpSender(smtpUrl, mailFrom) : developmentSender,
    sms:
      smsWebhookUrl && smsWebhookSecret
        ? createWebhookSender(smsWebhookUrl, smsWebhookSecret, clock)
        : developmentSender,
  };
}
