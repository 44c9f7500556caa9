/** What guests are asked to agree to until the merchant writes their own: terms of access, and offers. */

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

/** These texts never change under their version: an edit here is a new version. */
export const defaultWordings: readonly Wording[] = [
  {
    purpose: 'access',
    version: 'standard-1',
    text: {
      en:
        'This WiFi is offered by the shop to its guests. Use it lawfully and with care for others; it may be slow, and it may end. ' +
        'To run it we keep your device’s network address, when you were connected, how much was sent and received, and what you gave us to sign in. ' +
        'We do not read what you send or look at the pages you visit. ' +
        'You can ask at the shop to see what is kept about you, or to have it deleted.',
      'zh-CN':
        '本 WiFi 由店铺免费提供给顾客使用。请遵守法律，也请顾及他人；网速可能不稳，服务也可能中断。' +
        '为了提供上网服务，我们会保存您设备的网络地址、上网的起止时间、流量，以及您登录时填写的信息。' +
        '我们不会查看您发送的内容和浏览的网页。' +
        '您可以随时到店查询或要求删除我们保存的信息。',
    },
  },
  {
    purpose: 'marketing',
    version: 'standard-1',
    text: {
      en:
        'Send me offers from this shop, and choose them by my visits here. ' +
        'I can take this back at any time, here on the WiFi page or at the shop; it changes nothing about the WiFi.',
      'zh-CN':
        '我愿意接收本店的优惠信息，并同意根据我的到店情况来挑选。' +
        '我可以随时在 WiFi 页面或到店撤回，不影响上网。',
    },
  },
];
