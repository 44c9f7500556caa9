/** The words of messages to guests, in each language. PURE. */
import type { Language } from '../stores/words.ts';

export type { Language };

export interface Words {
  /** Mail only. */
  subject: string;
  body: string;
}

/** A shop's name in one short line: whatever was typed there cannot start a new line or fill an SMS. */
function short(name: string): string {
  const line = name.replace(/[\p{C}\s]+/gu, ' ').trim();
  return Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment)
    .slice(0, 30)
    .join('');
}

/** The code first: that is the part a lock screen shows. */
export function codeWords(
  language: Language,
  storeName: string,
  code: string,
  minutes: number,
): Words {
  const store = short(storeName);
  if (language === 'zh-CN') {
    return {
      subject: `${code} 是您的 WiFi 验证码`,
      body: `${code} 是您在 ${store} 登录 WiFi 的验证码，${minutes} 分钟内有效。请勿告诉他人。若非本人操作，请忽略。`,
    };
  }
  return {
    subject: `${code} is your WiFi code`,
    body: `${code} is your WiFi code at ${store}. It works for ${minutes} minutes. Share it with nobody. Not you? Ignore this.`,
  };
}
