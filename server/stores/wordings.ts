/** What guests are asked to agree to until the merchant writes their own: one text for each purpose, in four languages. */
import type { Text } from './words.ts';

/** What a guest may agree to, each by itself (the list of portal/ports.ts Purpose). */
export const purposes = [
  'access',
  'marketing',
  'marketing-email',
  'marketing-sms',
  'analytics',
  'profiling',
] as const;
export type Purpose = (typeof purposes)[number];

export interface Wording {
  purpose: Purpose;
  /** Changes with every edit of the text; the ledger names it. */
  version: string;
  text: Text;
}

/**
 * These texts never change under their version: an edit here is a new version. `standard-1` of access
 * and marketing (English and Chinese, offers and the choosing of them in one) is in the ledger of older guests.
 * That each can be left out and taken back is said once, by the page that asks, whoever wrote the words.
 */
export const defaultWordings: readonly Wording[] = [
  {
    purpose: 'access',
    version: 'standard-3',
    text: {
      en:
        'This WiFi is offered by the shop to its guests. Use it lawfully and with care for others; it may be slow, and it may end. ' +
        'To run it we keep your device’s network address, when you were connected, how much was sent and received, and what you gave us to sign in. ' +
        'We do not read what you send or look at the pages you visit. ' +
        'On the page “My data” you can see what is kept about you, correct it, take it with you, or have it deleted.',
      'zh-CN':
        '本 WiFi 由店铺提供给顾客使用。请遵守法律，也请顾及他人；网速可能不稳，服务也可能中断。' +
        '为了提供上网服务，我们会保存您设备的网络地址、上网的起止时间、流量，以及您登录时填写的信息。' +
        '我们不会查看您发送的内容和浏览的网页。' +
        '您可以在“我的数据”页面查看、更正、导出或删除我们保存的信息。',
      es:
        'La tienda ofrece este WiFi a sus clientes. Úselo de forma legal y con respeto a los demás; puede ir lento y puede terminar. ' +
        'Para prestarlo guardamos la dirección de red de su dispositivo, cuándo estuvo conectado, cuánto se envió y recibió, y lo que nos dio para entrar. ' +
        'No leemos lo que envía ni miramos las páginas que visita. ' +
        'En la página «Mis datos» puede ver lo que guardamos sobre usted, corregirlo, llevárselo o pedir que se borre.',
      ar:
        'يقدّم المتجر شبكة الواي فاي هذه لضيوفه. استخدمها وفق القانون وباحترام للآخرين؛ قد تكون بطيئة وقد تنقطع. ' +
        'لتشغيلها نحتفظ بعنوان الشبكة لجهازك، ووقت اتصالك، وكمية ما أُرسل واستُقبل، وما قدّمته لتسجيل الدخول. ' +
        'لا نقرأ ما ترسله ولا نطّلع على الصفحات التي تزورها. ' +
        'في صفحة «بياناتي» يمكنك رؤية ما نحتفظ به عنك أو تصحيحه أو أخذ نسخة منه أو حذفه.',
    },
  },
  {
    purpose: 'marketing',
    version: 'standard-3',
    text: {
      en: 'Show me offers from this shop, here on the WiFi page and in its app.',
      'zh-CN': '我愿意在 WiFi 页面和本店应用中看到本店的优惠。',
      es: 'Quiero ver ofertas de esta tienda aquí, en la página del WiFi, y en su aplicación.',
      ar: 'أودّ أن أرى عروض هذا المتجر هنا في صفحة الواي فاي وفي تطبيقه.',
    },
  },
  {
    purpose: 'marketing-email',
    version: 'standard-2',
    text: {
      en: 'Send me offers from this shop by e-mail.',
      'zh-CN': '我愿意通过电子邮件接收本店的优惠。',
      es: 'Quiero recibir ofertas de esta tienda por correo electrónico.',
      ar: 'أودّ تلقي عروض هذا المتجر عبر البريد الإلكتروني.',
    },
  },
  {
    purpose: 'marketing-sms',
    version: 'standard-2',
    text: {
      en:
        'I agree that this shop may send me offers by text message to the number I gave, also by an automatic system. ' +
        'Agreeing is not a condition of using the WiFi or of buying anything. Message and data rates may apply. ' +
        'I can take this back at any time, on the page “My data” or by telling the shop.',
      'zh-CN':
        '我同意本店向我填写的手机号发送优惠短信，包括由系统自动发送。' +
        '是否同意不影响上网或购物。运营商可能收取短信或流量费用。' +
        '我可以随时在“我的数据”页面或到店撤回。',
      es:
        'Acepto que esta tienda me envíe ofertas por mensaje de texto al número que he dado, también con un sistema automático. ' +
        'Aceptarlo no es condición para usar el WiFi ni para comprar. Su operador puede cobrar los mensajes y los datos. ' +
        'Puedo retirarlo cuando quiera, en la página «Mis datos» o diciéndolo en la tienda.',
      ar:
        'أوافق على أن يرسل إليّ هذا المتجر عروضًا برسائل نصية إلى الرقم الذي قدّمته، بما في ذلك بنظام آلي. ' +
        'الموافقة ليست شرطًا لاستخدام الواي فاي أو للشراء. قد تُطبّق رسوم الرسائل والبيانات. ' +
        'يمكنني التراجع في أي وقت من صفحة «بياناتي» أو بإبلاغ المتجر.',
    },
  },
  {
    purpose: 'analytics',
    version: 'standard-2',
    text: {
      en: 'Use when and how long I am on this WiFi, and at which of the shop’s places, to count my visits. Others only ever see sums of many people.',
      'zh-CN':
        '同意单独使用我连接本 WiFi 的时间、时长和所在门店位置来统计我的到访。他人只能看到多人的汇总数字。',
      es: 'Acepto que se use cuándo y cuánto tiempo estoy en este WiFi, y en qué lugares de la tienda, para contar mis visitas. Los demás solo ven sumas de muchas personas.',
      ar: 'أوافق على استخدام وقت اتصالي بهذه الشبكة ومدته وأماكن وجودي في المتجر لاحتساب زياراتي. لا يرى الآخرون سوى مجاميع لأشخاص كثيرين.',
    },
  },
  {
    purpose: 'profiling',
    version: 'standard-2',
    text: {
      en: 'Choose offers for me by my visits here and by what I answered. Without this I see the same offers as everybody.',
      'zh-CN': '同意根据我的到店情况和回答为我挑选优惠。不同意时，我看到的优惠与其他人相同。',
      es: 'Quiero que se elijan ofertas para mí según mis visitas y mis respuestas. Sin esto veo las mismas ofertas que todos.',
      ar: 'اختاروا لي العروض وفق زياراتي هنا وإجاباتي. من دون ذلك أرى العروض نفسها التي يراها الجميع.',
    },
  },
];
