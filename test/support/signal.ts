/** A promise that is settled from outside: lets a test hold something half-way. */
export function signal(): [promise: Promise<void>, resolve: () => void] {
  const box: { resolve?: () => void } = {};
  const promise = new Promise<void>((done) => (box.resolve = done));
  return [promise, () => box.resolve?.()];
}
