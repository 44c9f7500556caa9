/** PURE. One line of the live feed from one event; the server writes the first lines, the browser the rest. */

/** An event as the socket and `GET /v1/events` send it. */
export interface FeedMessage {
  id: string;
  position: number;
  type: string;
  /** ISO 8601 UTC. */
  at: string;
  payload: Record<string, unknown>;
}

/** What a line looks like (its mark) and says (a text key with its values). */
export interface FeedLine {
  tone: 'in' | 'stay' | 'out' | 'cross' | 'mended' | 'wifi' | 'offer' | 'redeemed' | 'note';
  key: string;
  values: Record<string, string | number>;
  /** ISO 8601 UTC: when it became known, of what is told long after it happened. */
  told?: string;
}

/** Ten people reaching five minutes in one hall, or walking through one door, are one line with a number. */
export const stacking: readonly FeedLine['tone'][] = ['stay', 'cross', 'mended'];

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const minutes = (seconds: unknown): number =>
  typeof seconds === 'number' && seconds > 0 ? Math.max(1, Math.round(seconds / 60)) : 0;

function mended({ at }: FeedMessage['payload'], key: string, values: FeedLine['values']): FeedLine {
  return { tone: 'mended', key, values, ...(typeof at === 'string' ? { told: at } : {}) };
}

/** Null for events that say nothing on a shop's screen. */
export function feedLine({ type, payload }: FeedMessage): FeedLine | null {
  const who = payload['guestId'] ? 'guest' : 'visitor';
  const fence = text(payload['fenceName']);
  const headline = text(payload['headline']);
  switch (type) {
    case 'visit.entered':
      return { tone: 'in', key: `live.feed.entered.${who}`, values: { fence } };
    case 'visit.dwelled': {
      const values = { fence, minutes: minutes(payload['tierSeconds']) };
      return { tone: 'stay', key: `live.feed.stayed.${who}`, values };
    }
    case 'visit.left': {
      if (payload['reason'] === 'fence_changed')
        return { tone: 'mended', key: 'live.feed.redrawn', values: { fence } };
      const stayed = minutes(payload['dwellSeconds']);
      const key = stayed > 0 ? 'live.feed.left' : 'live.feed.leftSoon';
      return { tone: 'out', key: `${key}.${who}`, values: { fence, minutes: stayed } };
    }
    case 'fence.crossed':
      // Who walked straight through a shop is no news; who went through a door is counted.
      return payload['direction']
        ? { tone: 'cross', key: `live.feed.crossed.${who}`, values: { fence } }
        : null;
    case 'visit.revised': {
      const stayed = minutes(payload['dwellSeconds']);
      const change = payload['change'] === 'added' ? 'added' : 'changed';
      return mended(payload, `live.feed.${change}`, { fence, minutes: stayed });
    }
    case 'visit.retracted':
      return mended(payload, 'live.feed.retracted', { fence });
    case 'guest.admitted': {
      const key = payload['returning'] === true ? 'live.feed.wifiAgain' : 'live.feed.wifiFirst';
      return { tone: 'wifi', key, values: {} };
    }
    case 'offer.issued':
      return { tone: 'offer', key: `live.feed.offer.${who}`, values: { headline } };
    case 'voucher.redeemed': {
      const values = { headline, till: text(payload['till']) };
      return { tone: 'redeemed', key: 'live.feed.redeemed', values };
    }
    case 'approval.asked':
      return { tone: 'note', key: 'live.feed.asksIn', values: {} };
    case 'approval.decided': {
      const key = payload['granted'] === true ? 'live.feed.letIn' : 'live.feed.notLetIn';
      return { tone: 'wifi', key, values: {} };
    }
    case 'fence.changed':
      return { tone: 'note', key: 'live.feed.fences', values: {} };
    default:
      return null;
  }
}
