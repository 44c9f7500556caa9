/** PURE. Why an offer went out or did not, as sentences for the merchant. */
import type { Gate, Reason } from './gates.ts';
import type { Language } from './words.ts';

export const gateNames: Record<Gate, Record<Language, string>> = {
  window: { en: 'Live window', 'zh-CN': '有效时段' },
  freshness: { en: 'Fresh and sure', 'zh-CN': '时效与可信度' },
  consent: { en: 'Consent', 'zh-CN': '授权同意' },
  conditions: { en: 'Conditions', 'zh-CN': '条件' },
  group: { en: 'Exclusion group', 'zh-CN': '互斥组' },
  caps: { en: 'Caps', 'zh-CN': '频次上限' },
  budget: { en: 'Budget and stock', 'zh-CN': '预算与库存' },
  experiment: { en: 'Experiment', 'zh-CN': '实验' },
  'quiet-hours': { en: 'Quiet hours', 'zh-CN': '免打扰时段' },
  issue: { en: 'Issued', 'zh-CN': '已发放' },
};

export const reasons: Record<Reason, Record<Language, string>> = {
  'not-started': { en: 'The rule had not started yet.', 'zh-CN': '规则尚未开始。' },
  ended: { en: 'The rule had ended.', 'zh-CN': '规则已结束。' },
  'wrong-day': { en: 'The rule does not run on this day.', 'zh-CN': '规则在这一天不生效。' },
  'wrong-hour': { en: 'The rule does not run at this hour.', 'zh-CN': '规则在这个时刻不生效。' },
  'zone-unknown': {
    en: 'The store’s time zone is not known, so the time could not be checked.',
    'zh-CN': '门店时区未知，无法判断当地时间。',
  },
  'too-late': {
    en: 'The news came too late to act upon.',
    'zh-CN': '消息到达过晚，不再触发。',
  },
  'clock-ahead': {
    en: 'The phone’s clock is ahead, so the time is not believed.',
    'zh-CN': '手机时钟超前，时间不可信。',
  },
  untrusted: {
    en: 'The positions were not good enough to act upon.',
    'zh-CN': '定位质量不足，未触发。',
  },
  'band-too-low': {
    en: 'The visit is not sure enough for this rule.',
    'zh-CN': '到访可信度未达到规则要求。',
  },
  'no-consent': { en: 'There is no consent to offers.', 'zh-CN': '没有接收优惠的授权。' },
  'no-profiling': {
    en: 'The rule asks about the guest’s past, and the guest did not agree to that.',
    'zh-CN': '规则用到了顾客的以往信息，而顾客未同意。',
  },
  'guest-blocked': { en: 'The guest is blocked.', 'zh-CN': '该顾客已被屏蔽。' },
  'device-revoked': { en: 'The device was revoked.', 'zh-CN': '该设备已被停用。' },
  'rule-unreadable': {
    en: 'The stored rule cannot be read; save it again.',
    'zh-CN': '规则内容无法读取，请重新保存。',
  },
  'conditions-false': { en: 'The conditions were not met.', 'zh-CN': '不满足条件。' },
  'conditions-unknown': {
    en: 'A fact the conditions ask for is not known.',
    'zh-CN': '条件所需的信息未知。',
  },
  'already-this-visit': {
    en: 'This rule already spoke during this visit.',
    'zh-CN': '本次到访中该规则已触发过。',
  },
  'group-taken': {
    en: 'Another offer of the same group came first.',
    'zh-CN': '同组的另一个优惠已占先。',
  },
  'guest-cap': { en: 'The guest has had enough of these.', 'zh-CN': '该顾客已达到次数上限。' },
  'store-cap': { en: 'The store’s limit is reached.', 'zh-CN': '该门店已达到次数上限。' },
  'offer-not-live': { en: 'The offer is not live.', 'zh-CN': '优惠未上线。' },
  'out-of-stock': { en: 'The offer has run out.', 'zh-CN': '优惠已发完。' },
  'budget-spent': { en: 'The rule’s budget is spent.', 'zh-CN': '规则预算已用完。' },
  'held-out': {
    en: 'Held out on purpose, to measure what the offer changes.',
    'zh-CN': '按设定留作对照，用于衡量效果。',
  },
  'quiet-hours': { en: 'It was during the quiet hours.', 'zh-CN': '处于免打扰时段。' },
  issued: { en: 'The offer was issued.', 'zh-CN': '优惠已发放。' },
};

/** The sentence for a stored reason code, even one of a version that knew others. */
export function reasonText(code: string, language: Language): string {
  return Object.hasOwn(reasons, code) ? reasons[code as Reason][language] : code;
}

/** The name of a stored gate code. */
export function gateText(code: string, language: Language): string {
  return Object.hasOwn(gateNames, code) ? gateNames[code as Gate][language] : code;
}
