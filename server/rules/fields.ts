/** PURE. The field catalogue: everything a rule may ask about, as data. */

export type FieldType = 'number' | 'boolean' | 'text' | 'choice' | 'id';
export type FactValue = number | string | boolean;

export const operators = [
  'eq',
  'ne',
  'lt',
  'lte',
  'gt',
  'gte',
  'between',
  'in',
  'not_in',
  'contains',
  'known',
  'unknown',
] as const;
export type Operator = (typeof operators)[number];

export const triggers = ['visit.entered', 'visit.dwelled', 'visit.left', 'guest.admitted'] as const;
export type Trigger = (typeof triggers)[number];

/** Which of the lazily read groups a field needs; `event` and `subject` cost nothing extra. */
export type FactGroup = 'event' | 'subject' | 'history' | 'answers' | 'vouchers' | 'fence';

export interface Field {
  /** `answer.*` stands for `answer.` and any question key. */
  name: string;
  type: FieldType;
  /** Of a number: `s`, `days`, `0..1`, `h`, `vouchers`; empty where there is none. */
  unit: string;
  label: { en: string; 'zh-CN': string };
  /** Where the value comes from and what exactly it counts. */
  source: string;
  /** The consent under which it may be used. */
  purpose: 'marketing';
  /** How old the value may be when a rule reads it. */
  freshness: string;
  operators: readonly Operator[];
  /** Values a choice may have. */
  choices?: readonly string[];
  /** Events on which it can be known. */
  triggers: readonly Trigger[];
  group: FactGroup;
}

const PRESENCE = ['known', 'unknown'] as const;
const OPERATORS: Record<FieldType, readonly Operator[]> = {
  number: ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'between', ...PRESENCE],
  boolean: ['eq', ...PRESENCE],
  text: ['eq', 'ne', 'in', 'not_in', 'contains', ...PRESENCE],
  choice: ['eq', 'ne', 'in', 'not_in', ...PRESENCE],
  id: ['eq', 'ne', 'in', 'not_in', ...PRESENCE],
};

const VISITS = ['visit.entered', 'visit.dwelled', 'visit.left'] as const;
const NOW = 'read as the event is decided';
const SENT = 'as the event said';

type Draft = Omit<Field, 'operators' | 'purpose' | 'unit' | 'triggers'> &
  Partial<Pick<Field, 'unit' | 'triggers'>>;

function field(draft: Draft): Field {
  return {
    unit: '',
    triggers,
    purpose: 'marketing',
    operators: OPERATORS[draft.type],
    ...draft,
  };
}

export const fields: readonly Field[] = [
  field({
    name: 'guest.language',
    type: 'choice',
    choices: ['en', 'zh-CN'],
    label: { en: 'Language of the guest', 'zh-CN': '顾客语言' },
    source: 'the language the guest last used on the portal; unknown for a device without a guest',
    freshness: NOW,
    group: 'subject',
  }),
  field({
    name: 'guest.new',
    type: 'boolean',
    label: { en: 'First day here', 'zh-CN': '首次到店' },
    source: 'the opposite of guest.returning',
    freshness: NOW,
    group: 'history',
  }),
  field({
    name: 'guest.returning',
    type: 'boolean',
    label: { en: 'Has been here before', 'zh-CN': '曾经来过' },
    source:
      'a sure visit or a confirmed WiFi session in this store on an earlier local day, or recognised at the portal',
    freshness: NOW,
    group: 'history',
  }),
  field({
    name: 'guest.visits_30d',
    type: 'number',
    unit: 'days',
    label: { en: 'Days here in the last 30', 'zh-CN': '近30天到店天数' },
    source:
      'local days of the last 30, today included, with a sure visit or a confirmed WiFi session in this store',
    freshness: NOW,
    group: 'history',
  }),
  field({
    name: 'guest.days_since_last_visit',
    type: 'number',
    unit: 'days',
    label: { en: 'Days since the last visit', 'zh-CN': '距上次到店天数' },
    source: 'local days since the last day here before today; unknown when there was none',
    freshness: NOW,
    group: 'history',
  }),
  field({
    name: 'guest.marketing_consent',
    type: 'boolean',
    label: { en: 'Agreed to offers', 'zh-CN': '同意接收优惠' },
    source: "the newest row of the guest's consent ledger, or the app's own opt-in",
    freshness: NOW,
    group: 'subject',
  }),
  field({
    name: 'answer.*',
    type: 'text',
    label: { en: 'Answer to a question', 'zh-CN': '问题回答' },
    source: "the guest's answer to the portal's optional question; unknown when dismissed",
    freshness: NOW,
    group: 'answers',
  }),
  field({
    name: 'voucher.open_count',
    type: 'number',
    unit: 'vouchers',
    label: { en: 'Unused vouchers held', 'zh-CN': '未使用的券数' },
    source: 'vouchers of this guest or device, neither redeemed nor expired',
    freshness: NOW,
    group: 'vouchers',
  }),
  field({
    name: 'visit.dwell_seconds',
    type: 'number',
    unit: 's',
    label: { en: 'Time stayed', 'zh-CN': '停留时间' },
    source: 'the lower bound of the dwell time; 0 on entering',
    freshness: SENT,
    triggers: VISITS,
    group: 'fence',
  }),
  field({
    name: 'visit.score',
    type: 'number',
    unit: '0..1',
    label: { en: 'Sureness of the visit', 'zh-CN': '到访可信度' },
    source: "the engine's score of the visit so far",
    freshness: SENT,
    triggers: VISITS,
    group: 'event',
  }),
  field({
    name: 'visit.band',
    type: 'choice',
    choices: ['high', 'medium', 'low', 'none'],
    label: { en: 'Sureness band', 'zh-CN': '可信度等级' },
    source: "the score's band",
    freshness: SENT,
    triggers: VISITS,
    group: 'event',
  }),
  field({
    name: 'visit.p',
    type: 'number',
    unit: '0..1',
    label: { en: 'Probability of being inside', 'zh-CN': '在围栏内的概率' },
    source: 'what the engine held when it decided',
    freshness: SENT,
    triggers: VISITS,
    group: 'event',
  }),
  field({
    name: 'visit.fence_id',
    type: 'id',
    label: { en: 'Fence', 'zh-CN': '围栏' },
    source: 'the fence visited',
    freshness: SENT,
    triggers: VISITS,
    group: 'event',
  }),
  field({
    name: 'visit.fence_category',
    type: 'text',
    label: { en: 'Kind of place', 'zh-CN': '场所类别' },
    source: 'the category set on the fence; unknown when it has none',
    freshness: NOW,
    triggers: VISITS,
    group: 'fence',
  }),
  field({
    name: 'store.id',
    type: 'id',
    label: { en: 'Store', 'zh-CN': '门店' },
    source: 'the store of the fence or of the WiFi session',
    freshness: SENT,
    group: 'event',
  }),
  field({
    name: 'time.hour',
    type: 'number',
    unit: 'h',
    label: { en: 'Hour of the day', 'zh-CN': '几点' },
    source: "0..23 on the store's wall clock when it happened; unknown when the zone is",
    freshness: SENT,
    group: 'event',
  }),
  field({
    name: 'time.weekday',
    type: 'number',
    label: { en: 'Day of the week (1 = Monday)', 'zh-CN': '星期几（1=周一）' },
    source: '1 = Monday … 7 = Sunday in the store when it happened',
    freshness: SENT,
    group: 'event',
  }),
  field({
    name: 'session.method',
    type: 'choice',
    choices: ['click-through', 'sms-code', 'email-code', 'voucher'],
    label: { en: 'Way of logging in', 'zh-CN': '登录方式' },
    source: 'how the guest logged into the WiFi',
    freshness: SENT,
    triggers: ['guest.admitted'],
    group: 'event',
  }),
];

const byName = new Map(fields.map((each) => [each.name, each]));
const ANSWER = /^answer\.[A-Za-z0-9_-]{1,40}$/;

/** The catalogue's entry for a name as a rule writes it. */
export function fieldOf(name: string): Field | undefined {
  return byName.get(ANSWER.test(name) ? 'answer.*' : name);
}

/** Edits between two short words (Levenshtein), for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, swap));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known field nearest to a misspelt name, or undefined when none is near. */
export function nearestField(name: string): string | undefined {
  if (name.length > 60) return undefined;
  const wanted = name.toLowerCase().replaceAll('-', '_');
  const ranked = fields
    .map((each) => ({ name: each.name, far: distance(wanted, each.name) }))
    .toSorted((a, b) => a.far - b.far);
  const best = ranked[0];
  return best && best.far <= Math.max(2, Math.floor(name.length / 3)) ? best.name : undefined;
}
