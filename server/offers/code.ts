/** Voucher codes: ten printable characters, the last a check character, shown in two groups of five. */
import { formatPrintableCode, newPrintableCode, parsePrintableCode } from '../codes/printable.ts';

/** Characters of a code, the check character included. */
export const CODE_LENGTH = 10;

/** A fresh code. `draw(n)` gives 0..n-1, unguessable. */
export function newCode(draw?: (below: number) => number): string {
  return newPrintableCode(CODE_LENGTH, draw);
}

/** As people see it. */
export function formatCode(code: string): string {
  return formatPrintableCode(code);
}

/** What was typed or scanned as a code, or null when it cannot be one: most slips stop here. */
export function parseCode(typed: string): string | null {
  const code = parsePrintableCode(typed);
  return code?.length === CODE_LENGTH ? code : null;
}
