/** Member cards in storage. */
import type { Queryable, Row } from '../db/database.ts';
import { uuidv7 } from '../ids.ts';

export interface CardRow extends Row {
  id: string;
  number: string;
  name: string | null;
  factor: 'pin' | 'phone';
  factor_hash: Buffer;
  guest_id: string | null;
  blocked_at: Date | null;
  expires_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS =
  'id, number, name, factor, factor_hash, guest_id, blocked_at, expires_at, created_at, updated_at';

export interface NewCard {
  number: string;
  name: string | null;
  factor: 'pin' | 'phone';
  factorHash: Buffer;
  /** Milliseconds since 1970. */
  expiresAt: number | null;
}

/** Adds cards in one statement; numbers that the merchant already has are left out. */
export async function insertCards(
  tx: Queryable,
  merchantId: string,
  cards: readonly NewCard[],
  now: number,
): Promise<CardRow[]> {
  const { rows } = await tx.query<CardRow>(
    `insert into member_cards (id, merchant_id, number, name, factor, factor_hash, expires_at, created_at, updated_at)
     select id, $1, number, name, factor, decode(factor_hash, 'hex'), expires_at, $2, $2
     from jsonb_to_recordset($3::jsonb) as c (id uuid, number text, name text, factor text,
       factor_hash text, expires_at timestamptz)
     on conflict (merchant_id, number) do nothing
     returning ${COLUMNS}`,
    [
      merchantId,
      new Date(now),
      JSON.stringify(
        cards.map((card) => ({
          id: uuidv7(now),
          number: card.number,
          name: card.name,
          factor: card.factor,
          factor_hash: card.factorHash.toString('hex'),
          expires_at: card.expiresAt === null ? null : new Date(card.expiresAt).toISOString(),
        })),
      ),
    ],
  );
  return rows;
}

export async function countCards(tx: Queryable, merchantId: string): Promise<number> {
  const { rows } = await tx.query<{ n: number }>(
    'select count(*) as n from member_cards where merchant_id = $1',
    [merchantId],
  );
  return rows[0]?.n ?? 0;
}

/**
 * Newest first, after the id already seen; `number` narrows to those that begin so, and with `name`
 * those of whose holder's name this is a part are among them.
 */
export async function listCards(
  tx: Queryable,
  merchantId: string,
  filter: { number: string | null; before: string | null; name?: string | null },
  limit: number,
): Promise<CardRow[]> {
  const { rows } = await tx.query<CardRow>(
    `select ${COLUMNS} from member_cards
     where merchant_id = $1 and ($2::uuid is null or id < $2)
       and (($3::text is null and $5::text is null) or starts_with(number, $3)
         or position(lower($5::text) in lower(name)) > 0)
     order by id desc limit $4`,
    [merchantId, filter.before, filter.number, limit, filter.name ?? null],
  );
  return rows;
}

export async function cardById(
  tx: Queryable,
  merchantId: string,
  id: string,
): Promise<CardRow | null> {
  const { rows } = await tx.query<CardRow>(
    `select ${COLUMNS} from member_cards where merchant_id = $1 and id = $2 for update`,
    [merchantId, id],
  );
  return rows[0] ?? null;
}

export async function cardByNumber(
  tx: Queryable,
  merchantId: string,
  number: string,
): Promise<CardRow | null> {
  const { rows } = await tx.query<CardRow>(
    `select ${COLUMNS} from member_cards where merchant_id = $1 and number = $2`,
    [merchantId, number],
  );
  return rows[0] ?? null;
}

/** The card for an admission: held until the transaction ends, so that two phones agree on its guest. */
export async function holdCard(
  tx: Queryable,
  merchantId: string,
  number: string,
): Promise<CardRow | null> {
  const { rows } = await tx.query<CardRow>(
    `select ${COLUMNS} from member_cards where merchant_id = $1 and number = $2 for update`,
    [merchantId, number],
  );
  return rows[0] ?? null;
}

export async function linkCard(
  tx: Queryable,
  merchantId: string,
  id: string,
  guestId: string,
): Promise<void> {
  await tx.query('update member_cards set guest_id = $3 where merchant_id = $1 and id = $2', [
    merchantId,
    id,
    guestId,
  ]);
}

export async function updateCard(
  tx: Queryable,
  merchantId: string,
  card: Pick<CardRow, 'id' | 'name' | 'factor' | 'factor_hash' | 'blocked_at' | 'expires_at'>,
  now: number,
): Promise<void> {
  await tx.query(
    `update member_cards set name = $3, factor = $4, factor_hash = $5, blocked_at = $6,
       expires_at = $7, updated_at = $8
     where merchant_id = $1 and id = $2`,
    [
      merchantId,
      card.id,
      card.name,
      card.factor,
      card.factor_hash,
      card.blocked_at,
      card.expires_at,
      new Date(now),
    ],
  );
}

export async function deleteCard(tx: Queryable, merchantId: string, id: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    'delete from member_cards where merchant_id = $1 and id = $2',
    [merchantId, id],
  );
  return rowCount === 1;
}
