/** PURE. Why the engine did what it did, as data that any language can word, and the English for it. */

/** A code with the figures that belong into its sentence. Beliefs 0..1, lengths metres, times seconds. */
export interface Sentence {
  readonly code: Clue;
  /** A value named `fence` is a fence's id. */
  readonly values: Readonly<Record<string, string | number>>;
}

/** `{{name}}` stands for a value. Worded so that no plural is needed. */
export const english = {
  // One fence at one ping: what is still missing, or what came of it.
  outside: 'Probably in none of the fences here ({{none}}); this one has {{p}}.',
  rival: 'Another fence is likelier: {{fence}} {{rival}}, this one {{p}}.',
  doubtful: 'Believed {{p}}; {{needs}} are needed to be taken for here.',
  closed: 'Closed at this hour, which makes it less likely: {{p}}.',
  coarse: 'The fix (± {{accuracy}} m) is too coarse for a fence of {{inradius}} m inradius.',
  'coarse-parts': 'The fix (± {{accuracy}} m) is too coarse for the fences it is made of.',
  wait: 'Believed {{p}}; needs {{needs}} s, {{soFar}} s so far.',
  'one-more': 'Believed {{p}}; needs {{needs}} fixes, so far {{soFar}}.',
  unsure: 'Believed {{p}}; {{needs}} are needed to open a visit.',
  dropped: 'Belief fell to {{p}}, below {{needs}}: the presence that had begun is forgotten.',
  entered: 'Entered: believed {{p}}.',
  proven: 'Entered: believed {{p}}, proven by more than the position.',
  inside: 'Inside: believed {{p}}, {{seconds}} s seen so far.',
  held: 'Still inside: {{p}} is too little to count this fix, but it takes {{leave}} to leave.',
  odd: 'A wild fix: it says neither inside nor outside.',
  unheard: 'Its signal was not heard this once: neither inside nor outside.',
  back: 'Back inside before the exit was sure: believed {{p}}.',
  leaving: 'Perhaps leaving: believed {{p}}; sure after {{needs}} s, {{soFar}} s so far.',
  left: 'Left: believed {{p}}.',
  gone: 'Left; coming back within {{seconds}} s continues the same visit.',
  returning: 'Perhaps coming back: believed {{p}}, {{soFar}} s so far.',
  settled: 'The visit is settled: a return from now on is a new one.',

  // One ping: why it was refused.
  'refused.not-finite': 'A number in it is not a number.',
  'refused.out-of-range': 'The position is not on earth.',
  'refused.lon-lat-swapped': 'Longitude and latitude seem to be swapped.',
  'refused.null-island': 'Zero, zero is what a receiver without a fix says.',
  'refused.mock': 'The device says that the position is simulated.',
  'refused.inaccurate':
    'The accuracy of {{accuracy}} m is worse than the {{most}} m that are of use.',
  'refused.duplicate': 'The same fix came before.',
  'refused.out-of-order': 'It is older than what was already judged.',
  'refused.too-frequent': 'It came too soon after the one before to say anything new.',
  'refused.impossible-speed': '{{metres}} m in {{seconds}} s is faster than anything here travels.',
  'refused.time-1970': 'The device’s clock was not set.',
  'refused.time-future': 'The device’s clock is too far ahead.',
  'refused.too-old': 'It is older than what is still used.',
  'refused.no-time': 'It came without a time that can be read.',
  'refused.invalid-fix': 'The device says that it had no fix.',
  'refused.old-position': 'The device sent an old position again.',
  'refused.too-much-to-replay': 'It came late, and too much would have had to be judged again.',
  'refused.too-late': 'It came so late that the visits of its time were final.',
  'refused.other': 'It was refused: {{reason}}.',

  // One accepted ping: what is odd about it, or certain.
  'note.spike': 'Far from where the device stood a moment ago: taken for a wild fix.',
  'note.jumped': 'A far jump that further fixes confirmed: believed, but with little trust.',
  'note.frozen': 'The same fine position again and again: no real receiver does that.',
  'note.ruled': 'It moves as if along a ruler: no real track does that.',
  'note.no-accuracy': 'It came without an accuracy: {{accuracy}} m are assumed.',
  'note.evidence': 'Proof of being at {{fence}}: {{kind}}.',

  // One fence over the whole span.
  visit: 'There is a visit: score {{score}}, band {{band}}.',
  'too-short': 'Somebody passed through: {{seconds}} s at most, {{needs}} s make a visit.',
  weak: 'The presence scored only {{score}}; what counted against it most: {{factor}}.',
  'no-fixes': 'The device sent nothing in this time.',
  'all-refused': 'Not one fix could be used; most often because of {{reason}}.',
  'too-brief': 'Believed up to {{p}}, but never for the {{needs}} s it takes: {{soFar}} s at most.',
  'too-few-fixes': 'Believed up to {{p}}, but with fewer than the {{needs}} fixes it takes.',
  'never-sure': 'Believed up to {{p}}; {{needs}} are needed to open a visit.',
  'too-coarse':
    'No fix was fine enough: ± {{accuracy}} m at best, for a fence of {{inradius}} m inradius.',
  'rival-won': '{{fence}} was likelier: {{rival}} against {{p}} at best.',
  'never-believed': 'Never believed by more than {{p}}; {{needs}} are needed.',
  'was-closed': 'It was closed: believed up to {{p}} only, {{needs}} are needed.',
  'never-near': 'Never believed to be there: the nearest fix was {{metres}} m away.',
  'never-seen': 'Nothing pointed to this fence.',
  'never-heard': 'None of its signals was heard.',
  wire: 'A line to be crossed: it has crossings, no visits.',

  // The device over the whole span.
  'trust.mock': 'Simulated positions: {{count}}.',
  'trust.impossible-speed': 'Jumps faster than anything travels: {{count}}.',
  'trust.jumped': 'Far jumps that were confirmed: {{count}}.',
  'trust.spike': 'Wild fixes set aside: {{count}}.',
  'trust.frozen': 'Fine positions that repeat without any noise: {{count}}.',
  'trust.ruled': 'Motions as if drawn with a ruler: {{count}}.',
  'trust.too-frequent': 'Fixes too close together in time to be of use: {{count}}.',
} as const;

export type Clue = keyof typeof english;

export const clues = Object.keys(english) as readonly Clue[];

export const say = (code: Clue, values: Sentence['values'] = {}): Sentence => ({ code, values });

/** Two digits, rounded down: what is not quite enough must not read as if it were. */
export const share = (p: number): number => Math.floor(p * 100 + 1e-9) / 100;

/** To the decimetre. */
export const metres = (value: number): number => Math.round(value * 10) / 10;

/** The sentence in English; `nameOf` turns a fence's id into what people call it. */
export function inWords(
  { code, values }: Sentence,
  nameOf: (fence: string) => string = (id) => id,
): string {
  return english[code].replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name] ?? '';
    return name === 'fence' ? nameOf(String(value)) : String(value);
  });
}
