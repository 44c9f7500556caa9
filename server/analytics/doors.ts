/** SQL shared by the figures: which visits count for a store, and whether one device came at all. */

/**
 * Fences at a store's door: not inside another fence of the same store (that would count twice), and
 * not made of fences that are counted themselves. $1 is the merchant.
 */
export const doors = `doors as (
  select f.id from fences f
  left join fences p on p.id = f.parent_id and p.store_id = f.store_id
  where f.merchant_id = $1 and p.id is null and not (
    f.kind = 'composite' and exists (
      select 1 from fences m
      where m.merchant_id = $1 and m.store_id = f.store_id and m.parent_id is distinct from f.id
        and f.members @> to_jsonb(m.id::text))))`;

/**
 * Visits to a store that began in a span: $2 the store, $3 and $4 the span. Retracted ones never were.
 * Doubtful ones count with their small probability: many small chances make a visit, and to leave
 * them out would make every figure too small.
 */
export const counted = `v.merchant_id = $1 and v.store_id = $2
  and v.entry_at >= $3 and v.entry_at < $4 and v.status <> 'retracted'`;

/**
 * Probability that one at least of a group's visits was real. Beyond e^-700, where an exponential
 * would underflow and the database refuse to answer, nothing is left of the doubt anyway.
 */
export const came = `1 - exp(greatest(-700, sum(ln(greatest(1 - v.score, 1e-9)))))`;
