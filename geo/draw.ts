/** PURE. Drawing from distributions with a source of randomness that is handed in. */

export interface Draw {
  /** Uniform in [0, 1). */
  uniform(): number;
  between(from: number, to: number): number;
  /** Standard normal. */
  normal(): number;
  exponential(mean: number): number;
  /** Student's t: tails that fall off as a power, as the errors of indoor fixes do. */
  student(degrees: number): number;
  chance(p: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
}

/** `random` gives numbers in [0, 1). */
export function drawFrom(random: () => number): Draw {
  // Box-Muller; one minus, because the logarithm of zero is not a number to go on with.
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const exponential = (mean: number): number => -mean * Math.log(1 - random());
  return {
    uniform: random,
    between: (from, to) => from + (to - from) * random(),
    normal,
    exponential,
    student: (degrees) => {
      let chi = 0;
      for (let i = 0; i < degrees; i++) chi += normal() ** 2;
      return normal() / Math.sqrt(chi / degrees);
    },
    chance: (p) => random() < p,
    pick: <T>(items: readonly [T, ...T[]]): T =>
      items[Math.floor(random() * items.length)] ?? items[0],
  };
}
