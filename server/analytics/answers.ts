/** What guests answered to the store's question, with small groups hidden so that nobody stands out. */
import type { Queryable, Row } from '../db/database.ts';
import type { Span } from './day.ts';

export interface AnswerRow extends Row {
  answer: string;
  guests: number;
}

/** Answers given in a span, the most frequent first. */
export async function answersTo(
  tx: Queryable,
  merchantId: string,
  questionKey: string,
  span: Span,
): Promise<AnswerRow[]> {
  const { rows } = await tx.query<AnswerRow>(
    `select answer, count(distinct guest_id) as guests from guest_answers
     where merchant_id = $1 and question_key = $2 and not dismissed and answer is not null
       and answered_at >= $3 and answered_at < $4
     group by answer order by guests desc, answer limit 100`,
    [merchantId, questionKey, span.from, span.to],
  );
  return rows;
}

/** Fewest people a group of guests may have before its number is shown. */
export const fewest = 10;

export interface Cell {
  label: string;
  /** Null when hidden. */
  people: number | null;
  /** Hidden because it is small itself; otherwise only to protect the one that is. */
  few: boolean;
}

/**
 * PURE. Hides groups under `least` people. When exactly one group is hidden, whoever knows the total
 * could work it out by subtraction, so the smallest shown group is hidden with it.
 */
export function hideFew(
  cells: readonly { label: string; people: number }[],
  least = fewest,
): Cell[] {
  const small = cells.filter((cell) => cell.people < least);
  const shown = cells.filter((cell) => cell.people >= least);
  const [weakest] = shown.toSorted((a, b) => a.people - b.people);
  const alsoHidden = small.length === 1 ? weakest : undefined;
  return cells.map((cell) => {
    const few = cell.people < least;
    return { label: cell.label, people: few || cell === alsoHidden ? null : cell.people, few };
  });
}
