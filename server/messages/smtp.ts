/** Sends mail through a relay by SMTP. */
import nodemailer from 'nodemailer';
import type { SendResult, Sender } from './sender.ts';

const TIMEOUT_MS = 10_000;

interface SmtpFailure {
  code?: string;
  responseCode?: number;
}

/** Only codes are kept: a relay's own words repeat the address. */
function judge(error: unknown): SendResult {
  const { code, responseCode } = (error ?? {}) as SmtpFailure;
  if (responseCode !== undefined) {
    return { ok: false, again: responseCode < 500, error: `smtp ${responseCode}` };
  }
  return { ok: false, again: code !== 'EENVELOPE', error: `smtp ${code ?? 'failed'}` };
}

/** `url` is smtp:// (STARTTLS when offered) or smtps://, with user and password if the relay asks. */
export function createSmtpSender(url: string, from: string, timeoutMs = TIMEOUT_MS): Sender {
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost';
  const transport = nodemailer.createTransport({
    url,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    kind: 'smtp',
    async send(message) {
      try {
        await transport.sendMail({
          from,
          // As an object: a typed address is never read as a list of several.
          to: { name: '', address: message.address },
          subject: message.subject ?? '',
          text: message.body,
          messageId: `<${message.id}@${domain}>`,
          date: new Date(message.createdAt),
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        });
        return { ok: true };
      } catch (error) {
        return judge(error);
      }
    },
  };
}
