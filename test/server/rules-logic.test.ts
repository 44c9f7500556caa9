/** The rule language without a database: logic, checks, the catalogue and the sentence. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkDefinition } from '../../server/rules/check.ts';
import { compile, explain, groupsOf } from '../../server/rules/evaluate.ts';
import type { Facts, Truth } from '../../server/rules/evaluate.ts';
import { fieldOf, fields, nearestField, operators } from '../../server/rules/fields.ts';
import type { FactValue } from '../../server/rules/fields.ts';
import { reasons, gateNames, reasonText } from '../../server/rules/reasons.ts';
import { definitionSchema } from '../../server/rules/schema.ts';
import type { Condition, Definition, Leaf } from '../../server/rules/schema.ts';
import { asText, toSentence, tellSeconds } from '../../server/rules/sentence.ts';
import { words } from '../../server/rules/words.ts';

const facts = (values: Record<string, FactValue>): Facts => new Map(Object.entries(values));
const leaf = (field: string, op: Leaf['op'], value?: Leaf['value']): Leaf => ({ field, op, value });
const T = leaf('t', 'known');
const F = leaf('t', 'unknown');
const U = leaf('missing', 'eq', 1);
const here = facts({ t: 1 });

describe('one question', () => {
  test.each<[Leaf, FactValue | undefined, Truth]>([
    [leaf('x', 'eq', 3), 3, true],
    [leaf('x', 'eq', 3), '3', false],
    [leaf('x', 'eq', 3), undefined, undefined],
    [leaf('x', 'ne', 3), 4, true],
    [leaf('x', 'ne', 3), undefined, undefined],
    [leaf('x', 'gte', 0), undefined, undefined],
    [leaf('x', 'gte', 3), 3, true],
    [leaf('x', 'gt', 3), 3, false],
    [leaf('x', 'lt', 3), 2.9, true],
    [leaf('x', 'lte', 3), 3.1, false],
    [leaf('x', 'lt', 3), 'a', false],
    [leaf('x', 'between', [2, 4]), 2, true],
    [leaf('x', 'between', [2, 4]), 4.01, false],
    [leaf('x', 'in', ['a', 'b']), 'b', true],
    [leaf('x', 'in', ['a', 'b']), undefined, undefined],
    [leaf('x', 'not_in', ['a', 'b']), 'c', true],
    [leaf('x', 'not_in', ['a', 'b']), undefined, undefined],
    [leaf('x', 'contains', 'Tea'), 'green TEA', true],
    [leaf('x', 'contains', 'tea'), 'coffee', false],
    [leaf('x', 'known'), false, true],
    [leaf('x', 'known'), undefined, false],
    [leaf('x', 'unknown'), undefined, true],
    [leaf('x', 'eq', false), false, true],
  ])('%j of %j is %s', (question, fact, truth) => {
    const given = facts(fact === undefined ? {} : { x: fact });
    expect(compile(question)(given)).toBe(truth);
  });

  test('prototype names are no facts', () => {
    for (const field of ['constructor', '__proto__', 'toString']) {
      expect(compile(leaf(field, 'ne', 1))(facts({}))).toBeUndefined();
    }
  });
});

describe('three-valued trees', () => {
  test.each<[string, Condition, Truth]>([
    ['all true', { all: [T, T] }, true],
    ['all with a false', { all: [T, U, F] }, false],
    ['all with an unknown', { all: [T, U] }, undefined],
    ['any with a true', { any: [F, U, T] }, true],
    ['any with an unknown', { any: [F, U] }, undefined],
    ['any false', { any: [F, F] }, false],
    ['not unknown', { not: U }, undefined],
    ['not false', { not: F }, true],
    ['not not unknown', { not: { not: U } }, undefined],
    ['unknown cannot hide in nesting', { not: { all: [T, { any: [F, U] }] } }, undefined],
  ])('%s', (_, tree, truth) => {
    expect(compile(tree)(here)).toBe(truth);
    expect(explain(tree, here).result).toBe(truth === undefined ? 'unknown' : String(truth));
  });

  test('the trace shows every question with its fact', () => {
    const tree: Condition = { all: [leaf('t', 'eq', 1), { not: leaf('missing', 'gt', 2) }] };
    expect(explain(tree, here)).toEqual({
      all: [
        { field: 't', op: 'eq', value: 1, fact: 1, result: 'true' },
        {
          not: { field: 'missing', op: 'gt', value: 2, fact: null, result: 'unknown' },
          result: 'unknown',
        },
      ],
      result: 'unknown',
    });
  });

  test('only the groups asked for are read', () => {
    const tree: Condition = {
      any: [leaf('guest.visits_30d', 'gt', 1), { not: leaf('answer.taste', 'eq', 'tea') }],
    };
    expect([...groupsOf(tree)].toSorted()).toEqual(['answers', 'history']);
  });
});

/** Kleene's tables by arithmetic: false 0, unknown ½, true 1; min, max, 1 - x. */
function naive(node: Condition, given: Facts): number {
  if ('not' in node) return 1 - naive(node.not, given);
  if ('all' in node) return Math.min(...node.all.map((child) => naive(child, given)));
  if ('any' in node) return Math.max(...node.any.map((child) => naive(child, given)));
  const fact = given.get(node.field);
  if (node.op === 'known') return fact === undefined ? 0 : 1;
  if (node.op === 'unknown') return fact === undefined ? 1 : 0;
  if (fact === undefined) return 0.5;
  return holdsNaively(node.op, fact as number, node.value as number) ? 1 : 0;
}

function holdsNaively(op: Leaf['op'], fact: number, value: number): boolean {
  const holds = { eq: fact === value, ne: fact !== value, lt: fact < value, gte: fact >= value };
  return holds[op as keyof typeof holds];
}

const asNumber = (truth: Truth): number => (truth === undefined ? 0.5 : truth ? 1 : 0);
const names = ['a', 'b', 'c', 'd'];
const comparisons = ['eq', 'ne', 'lt', 'gte'] as const;

function trees(ops: readonly Leaf['op'][]): fc.Arbitrary<Condition> {
  return fc.letrec<{ tree: Condition }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.record({
        field: fc.constantFrom(...names),
        op: fc.constantFrom(...ops),
        value: fc.integer({ min: 0, max: 3 }),
      }),
      fc.record({ all: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }) }),
      fc.record({ any: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }) }),
      fc.record({ not: tie('tree') }),
    ),
  })).tree;
}
const someFacts = fc
  .dictionary(fc.constantFrom(...names), fc.integer({ min: 0, max: 3 }))
  .map((values) => facts(values));

describe('for any tree', () => {
  test('the compiled form, the trace and the plain interpreter agree', () => {
    fc.assert(
      fc.property(trees([...comparisons, 'known', 'unknown']), someFacts, (tree, given) => {
        const truth = compile(tree)(given);
        expect(asNumber(truth)).toBe(naive(tree, given));
        expect(explain(tree, given).result).toBe(truth === undefined ? 'unknown' : String(truth));
      }),
      { numRuns: 500 },
    );
  });

  test('it is true only when no missing fact could have made it false', () => {
    const filled = fc.record(
      Object.fromEntries(names.map((name) => [name, fc.integer({ min: 0, max: 3 })])),
    );
    fc.assert(
      fc.property(trees(comparisons), someFacts, filled, (tree, given, rest) => {
        const truth = compile(tree)(given);
        const completed = facts({ ...rest, ...Object.fromEntries(given) });
        if (truth !== undefined) expect(compile(tree)(completed)).toBe(truth);
      }),
      { numRuns: 500 },
    );
  });

  test('with nothing known nothing fires', () => {
    fc.assert(
      fc.property(trees(comparisons), (tree) => {
        expect(compile(tree)(facts({}))).toBeUndefined();
      }),
    );
  });
});

const base = (over: object = {}): Definition =>
  definitionSchema.parse({ trigger: 'visit.dwelled', ...over });

const wide = (n: number): Condition => ({
  all: Array.from({ length: n }, () => leaf('visit.score', 'gt', 0)),
});

describe('the schema', () => {
  test('fills in the defaults', () => {
    expect(base()).toEqual({
      trigger: 'visit.dwelled',
      scope: {},
      caps: { guest: [], store: [] },
      experiment: { holdout: 0.1 },
      maxAgeSeconds: 120,
      minBand: 'none',
    });
  });

  const deep = (levels: number): Condition =>
    levels === 0 ? leaf('visit.score', 'gt', 0) : { not: deep(levels - 1) };

  test.each<[string, object, boolean]>([
    ['8 levels', { when: deep(7) }, true],
    ['9 levels', { when: deep(8) }, false],
    ['64 questions', { when: wide(64) }, true],
    ['65 questions', { when: wide(65) }, false],
    ['65 questions in branches', { when: { any: [wide(40), wide(25)] } }, false],
    ['an empty all', { when: { all: [] } }, false],
    ['all and any at once', { when: { all: [T], any: [T] } }, false],
    ['an unknown key', { when: { ...T, extra: 1 } }, false],
    [
      'an unknown operator',
      { when: { field: 'visit.score', op: 'matches', value: '^(a+)+$' } },
      false,
    ],
    ['a null tree', { when: null }, false],
    [
      'a window that ends first',
      { window: { from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' } },
      false,
    ],
    ['quiet hours of no length', { quiet: { from: '22:00', to: '22:00' } }, false],
    ['25 o’clock', { quiet: { from: '25:00', to: '09:00' } }, false],
    ['a cap of nothing', { caps: { guest: [{ n: 0, per: '1d' }] } }, false],
    ['a cap of ten years', { caps: { guest: [{ n: 1, per: '3650d' }] } }, false],
    ['all held out', { experiment: { holdout: 1 } }, false],
    ['a group with spaces', { group: { name: 'a b' } }, false],
    ['a stray key', { trigger: 'visit.left', colour: 'red' }, false],
  ])('%s', (_, over, good) => {
    expect(definitionSchema.safeParse({ trigger: 'visit.dwelled', ...over }).success).toBe(good);
  });

  test('a body nested ten thousand deep is refused, not followed', () => {
    const text = `${'{"not":'.repeat(10_000)}{"field":"x","op":"known"}${'}'.repeat(10_000)}`;
    const result = definitionSchema.safeParse({ trigger: 'visit.left', when: JSON.parse(text) });
    expect(result.error?.issues[0]?.message).toContain('8 deep');
  });
});

const complaintsOf = (over: object): string[] =>
  checkDefinition(base(over)).map(({ path, message }) => `${path}: ${message}`);

describe('the checks', () => {
  test.each<[string, object, string[]]>([
    ['a good rule', { when: leaf('visit.dwell_seconds', 'gte', 300) }, []],
    ['an answer', { when: leaf('answer.taste', 'in', ['tea', 'coffee']) }, []],
    [
      'a misspelt field',
      { when: { all: [leaf('guest.visit_30d', 'gte', 2)] } },
      ['when.all.0.field: There is no field guest.visit_30d. Did you mean guest.visits_30d?'],
    ],
    [
      'a field far from any',
      { when: leaf('weather', 'eq', 'x') },
      ['when.field: There is no field weather.'],
    ],
    [
      'a text for a number',
      { when: { not: leaf('visit.score', 'gt', '0.5') } },
      ['when.not.value: visit.score is a number: "0.5" is a string, not a number.'],
    ],
    [
      'a wrong operator',
      { when: leaf('guest.returning', 'gt', true) },
      ['when.op: guest.returning is a boolean and does not take gt, only eq, known, unknown.'],
    ],
    [
      'a choice that is none',
      { when: leaf('visit.band', 'eq', 'huge') },
      ['when.value: visit.band is one of high, medium, low, none.'],
    ],
    ['no value', { when: leaf('visit.score', 'gt') }, ['when.value: gt needs a value.']],
    [
      'a value too much',
      { when: leaf('visit.score', 'known', 1) },
      ['when.value: known takes no value.'],
    ],
    [
      'a list for one',
      { when: leaf('visit.score', 'gt', [1]) },
      ['when.value: gt takes one value, not a list.'],
    ],
    [
      'one for a list',
      { when: leaf('visit.band', 'in', 'low') },
      ['when.value: in needs a list of values.'],
    ],
    [
      'a range upside down',
      { when: leaf('visit.score', 'between', [1, 0]) },
      ['when.value: between needs two values, the lower one first.'],
    ],
    [
      'an id that is none',
      { when: leaf('store.id', 'eq', 'x') },
      ['when.value: store.id needs an id (UUID).'],
    ],
    [
      'a login field on a visit',
      { when: leaf('session.method', 'eq', 'voucher') },
      ['when.field: session.method is never known on visit.dwelled, only on guest.admitted.'],
    ],
    [
      'a fence for a login',
      { trigger: 'guest.admitted', scope: { fenceId: '01890a5d-ac96-774b-bcce-b302099a8057' } },
      ['scope.fenceId: A WiFi login has no fence; use the store, or a visit event.'],
    ],
  ])('%s', (_, over, complaints) => {
    expect(complaintsOf(over)).toEqual(complaints);
  });
});

describe('the catalogue', () => {
  test('every entry is complete and its operators are known ones', () => {
    for (const field of fields) {
      expect(
        field.label.en && field.label['zh-CN'] && field.source && field.freshness,
      ).toBeTruthy();
      expect(operators).toEqual(expect.arrayContaining([...field.operators]));
      expect(field.type === 'choice').toBe(field.choices !== undefined);
    }
  });

  test.each([
    ['guest.visits30d', 'guest.visits_30d'],
    ['visit.dwell-seconds', 'visit.dwell_seconds'],
    ['Guest.Language', 'guest.language'],
    ['x', undefined],
  ])('near %s stands %s', (typed, near) => {
    expect(nearestField(typed)).toBe(near);
  });

  test('answers are matched by pattern only', () => {
    expect(fieldOf('answer.taste')?.name).toBe('answer.*');
    expect(fieldOf('answer.')).toBeUndefined();
    expect(fieldOf("answer.a'; drop table guests")).toBeUndefined();
  });
});

describe('the sentence', () => {
  const fence = '01890a5d-ac96-774b-bcce-b302099a8057';
  const called = {
    offer: 'Free espresso',
    stores: new Map<string, string>(),
    fences: new Map([[fence, 'Coffee <b>Corner</b>']]),
  };
  const rule = base({
    scope: { fenceId: fence },
    when: {
      all: [
        leaf('visit.dwell_seconds', 'gte', 300),
        { any: [leaf('guest.returning', 'eq', true), { not: leaf('answer.taste', 'eq', 'tea') }] },
      ],
    },
    window: { days: [1, 2], hours: { from: '10:00', to: '20:00' } },
    caps: { guest: [{ n: 1, per: '7d' }], store: [{ n: 200, per: '1d' }] },
    quiet: { from: '22:00', to: '09:00' },
    group: { name: 'store-offer', priority: 5 },
    budget: { units: 500 },
  });

  test('in English', () => {
    expect(asText(toSentence(rule, called, 'en'))).toBe(
      'When somebody stays in Coffee <b>Corner</b>, and if time stayed is at least 5 minutes and (has been here before is yes or not (the answer to “taste” is tea)), issue Free espresso. Only on Mon, Tue. Only between 10:00 and 20:00. At most 1 per guest in 7 days. At most 200 per store in 1 day. Never between 22:00 and 09:00. One offer of the group store-offer in 4 hours; priority 5. 500 vouchers in all. 10 % of the guests are held out to measure the effect.',
    );
  });

  test('in Chinese', () => {
    expect(asText(toSentence(rule, called, 'zh-CN'))).toBe(
      '当有人停留在Coffee <b>Corner</b>，并且停留时间至少5分钟且(曾经来过为是或非(问题“taste”的回答为tea))，则发放Free espresso。仅限周一、周二。仅限10:00至20:00。每位顾客在7天内至多1次。每家门店在1天内至多200次。22:00至09:00之间不发放。同组（store-offer）在4小时内只发一个优惠，优先级5。总共500张券。10 %的顾客留作对照，用于衡量效果。',
    );
  });

  test.each([
    [0, '0 seconds', '0秒'],
    [1, '1 second', '1秒'],
    [90, '1 minute 30 seconds', '1分钟30秒'],
    [3600, '1 hour', '1小时'],
    [5400, '1 hour 30 minutes', '1小时30分钟'],
    [90_000, '25 hours', '25小时'],
    [0.5, '0.5 seconds', '0.5秒'],
    [-60, '-60 seconds', '-60秒'],
  ])('%s s are told as people say it', (seconds, inEnglish, inChinese) => {
    expect(tellSeconds(seconds, words.en)).toBe(inEnglish);
    expect(tellSeconds(seconds, words['zh-CN'])).toBe(inChinese);
  });

  test('bold parts are what the merchant chose, as plain text', () => {
    const parts = toSentence(base({ experiment: { holdout: 0 } }), called, 'en');
    expect(parts).toEqual([
      { text: 'When somebody ' },
      { text: 'stays in', strong: true },
      { text: ' ' },
      { text: 'any place', strong: true },
      { text: ', issue ' },
      { text: 'Free espresso', strong: true },
      { text: '. Nobody is held out, so the effect is not measured.' },
    ]);
  });

  test('a deleted fence is told as such', () => {
    const gone = { ...called, fences: new Map<string, string>() };
    expect(asText(toSentence(rule, gone, 'en'))).toContain('stays in a deleted fence');
  });
});

test('every reason and gate has words in both languages', () => {
  for (const told of [...Object.values(reasons), ...Object.values(gateNames)]) {
    expect(told.en.length).toBeGreaterThan(2);
    expect(told['zh-CN']).toMatch(/\p{Script=Han}/u);
  }
  expect(reasonText('too-late', 'en')).toBe('The news came too late to act upon.');
  expect(reasonText('constructor', 'en')).toBe('constructor');
});
