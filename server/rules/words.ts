/** PURE. The words a rule is told in, one set per language. */
import type { Operator, Trigger } from './fields.ts';

export type Language = 'en' | 'zh-CN';

export interface Words {
  /** Before and after the place. */
  trigger: Record<Trigger, readonly [before: string, verb: string, after: string]>;
  anyFence: string;
  anyStore: string;
  /** A fence or store that is no longer there. */
  goneFence: string;
  goneStore: string;
  and: string;
  or: string;
  not: string;
  condition: string;
  operator: Record<Operator, string>;
  yes: string;
  no: string;
  /** After a number; seconds are told by `span`. */
  unit: Record<string, string>;
  listJoin: string;
  betweenJoin: string;
  answer: (question: string) => string;
  send: string;
  end: string;
  days: readonly string[];
  span: Record<'s' | 'm' | 'h' | 'd', (n: number) => string>;
  /** Between hours, minutes and seconds of one duration. */
  spanJoin: string;
  /** Sentences with gaps: `{…}` is filled in and stands out. */
  from: string;
  until: string;
  onDays: string;
  hours: string;
  guestCap: string;
  storeCap: string;
  quiet: string;
  group: string;
  budget: string;
  holdout: string;
  noHoldout: string;
}

const plural = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

const en: Words = {
  trigger: {
    'visit.entered': ['When somebody ', 'enters', ' '],
    'visit.dwelled': ['When somebody ', 'stays in', ' '],
    'visit.left': ['When somebody ', 'leaves', ' '],
    'guest.admitted': ['When a guest ', 'logs into the WiFi', ' of '],
  },
  anyFence: 'any place',
  anyStore: 'any store',
  goneFence: 'a deleted fence',
  goneStore: 'a deleted store',
  and: ' and ',
  or: ' or ',
  not: 'not ',
  condition: ', and if ',
  operator: {
    eq: 'is',
    ne: 'is not',
    lt: 'is under',
    lte: 'is at most',
    gt: 'is over',
    gte: 'is at least',
    between: 'is between',
    in: 'is one of',
    not_in: 'is none of',
    contains: 'contains',
    known: 'is known',
    unknown: 'is not known',
  },
  yes: 'yes',
  no: 'no',
  unit: { days: '', '0..1': '', h: ' o’clock', vouchers: '' },
  listJoin: ', ',
  betweenJoin: ' and ',
  answer: (question) => `the answer to “${question}”`,
  send: ', issue ',
  end: '.',
  days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'],
  span: {
    s: (n) => plural(n, 'second'),
    m: (n) => plural(n, 'minute'),
    h: (n) => plural(n, 'hour'),
    d: (n) => plural(n, 'day'),
  },
  spanJoin: ' ',
  from: ' From {from}.',
  until: ' Until {to}.',
  onDays: ' Only on {days}.',
  hours: ' Only between {from} and {to}.',
  guestCap: ' At most {n} per guest in {per}.',
  storeCap: ' At most {n} per store in {per}.',
  quiet: ' Never between {from} and {to}.',
  group: ' One offer of the group {name} in {per}; priority {priority}.',
  budget: ' {units} vouchers in all.',
  holdout: ' {share} of the guests are held out to measure the effect.',
  noHoldout: ' Nobody is held out, so the effect is not measured.',
};

const zh: Words = {
  trigger: {
    'visit.entered': ['当有人', '进入', ''],
    'visit.dwelled': ['当有人', '停留在', ''],
    'visit.left': ['当有人', '离开', ''],
    'guest.admitted': ['当顾客', '登录WiFi', '，门店为'],
  },
  anyFence: '任一地点',
  anyStore: '任一门店',
  goneFence: '已删除的围栏',
  goneStore: '已删除的门店',
  and: '且',
  or: '或',
  not: '非',
  condition: '，并且',
  operator: {
    eq: '为',
    ne: '不为',
    lt: '小于',
    lte: '至多',
    gt: '大于',
    gte: '至少',
    between: '介于',
    in: '属于',
    not_in: '不属于',
    contains: '包含',
    known: '已知',
    unknown: '未知',
  },
  yes: '是',
  no: '否',
  unit: { days: '天', '0..1': '', h: '点', vouchers: '张' },
  listJoin: '、',
  betweenJoin: '与',
  answer: (question) => `问题“${question}”的回答`,
  send: '，则发放',
  end: '。',
  days: ['周一', '周二', '周三', '周四', '周五', '周六', '周日'],
  span: {
    s: (n) => `${n}秒`,
    m: (n) => `${n}分钟`,
    h: (n) => `${n}小时`,
    d: (n) => `${n}天`,
  },
  spanJoin: '',
  from: '自{from}起。',
  until: '至{to}止。',
  onDays: '仅限{days}。',
  hours: '仅限{from}至{to}。',
  guestCap: '每位顾客在{per}内至多{n}次。',
  storeCap: '每家门店在{per}内至多{n}次。',
  quiet: '{from}至{to}之间不发放。',
  group: '同组（{name}）在{per}内只发一个优惠，优先级{priority}。',
  budget: '总共{units}张券。',
  holdout: '{share}的顾客留作对照，用于衡量效果。',
  noHoldout: '未设对照组，因此无法衡量效果。',
};

export const words: Record<Language, Words> = { en, 'zh-CN': zh };
