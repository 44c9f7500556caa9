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
  return {
    en: {
      subject: `${code} is your WiFi code`,
      body: `${code} is your WiFi code at ${store}. It works for ${minutes} minutes. Share it with nobody. Not you? Ignore this.`,
    },
    'zh-CN': {
      subject: `${code} 是您的 WiFi 验证码`,
      body: `${code} 是您在 ${store} 登录 WiFi 的验证码，${minutes} 分钟内有效。请勿告诉他人。若非本人操作，请忽略。`,
    },
    es: {
      subject: `${code} es su código WiFi`,
      body: `${code} es su código WiFi en ${store}. Vale ${minutes} minutos. No lo comparta. ¿No es usted? Ignore este mensaje.`,
    },
    ar: {
      subject: `${code} هو رمز الواي فاي الخاص بك`,
      body: `${code} هو رمز الواي فاي الخاص بك في ${store}. يصلح لمدة ${minutes} دقائق. لا تشاركه مع أحد. إن لم تطلبه فتجاهل الرسالة.`,
    },
  }[language];
}

/** Asks for the second yes to offers by mail; says what happens without it. */
export function confirmWords(language: Language, storeName: string, link: string): Words {
  const store = short(storeName);
  return {
    en: {
      subject: `Offers from ${store}: please confirm`,
      body: `You asked for offers from ${store} by e-mail. To confirm, open this page and press the button:\n\n${link}\n\nThe link works for 7 days. If you do nothing, you get no offers, and your WiFi is just the same. Not you? Ignore this.`,
    },
    'zh-CN': {
      subject: `${store} 的优惠邮件：请确认`,
      body: `您申请通过邮件接收 ${store} 的优惠。请打开以下页面并按按钮确认：\n\n${link}\n\n链接 7 天内有效。不确认就不会收到优惠邮件，上网不受影响。若非本人操作，请忽略。`,
    },
    es: {
      subject: `Ofertas de ${store}: confírmelo`,
      body: `Pidió recibir ofertas de ${store} por correo. Para confirmarlo, abra esta página y pulse el botón:\n\n${link}\n\nEl enlace vale 7 días. Si no hace nada, no recibirá ofertas y su WiFi seguirá igual. ¿No es usted? Ignore este mensaje.`,
    },
    ar: {
      subject: `عروض ${store}: يُرجى التأكيد`,
      body: `طلبت تلقي عروض ${store} عبر البريد الإلكتروني. للتأكيد افتح هذه الصفحة واضغط الزر:\n\n${link}\n\nيصلح الرابط 7 أيام. إن لم تفعل شيئًا فلن تصلك عروض، ولن يتغير الواي فاي. إن لم تطلب ذلك فتجاهل الرسالة.`,
    },
  }[language];
}
