/** PURE. One fence that may be true with a ping, in the words that belief and state machine use. */
import type { Contender } from './belief.ts';
import type { Fence } from './fence.ts';
import type { Kin } from './kin.ts';
import type { Metres } from './lonlat.ts';
import type { Moment } from './moment.ts';
import type { Policy } from './policy.ts';
import type { Sure } from './radio.ts';
import type { FenceState } from './state.ts';
import { isOpen } from './hours.ts';
import { EVIDENCE_MEMORY } from './radio.ts';

/** Standard deviations in inradii from which on a fix shows nothing about a fence. */
const TOO_COARSE = 3;
/** How loudly a sign-in speaks at first. */
const EVIDENCE_ODDS = 1000;
const OTHER_FLOOR = 0.1;
const NO_PARTS: readonly Contender[] = [];

/** The fence and what was worked out of it; `certain` when this very ping proves it. */
export function contenderOf(
  fence: Fence,
  kin: Kin,
  old: FenceState | null,
  still: number,
  moving: number,
  weight: number,
  wide: boolean,
  certain: boolean,
  now: Moment,
  sure: Sure | null,
  policy: Policy,
): Contender {
  return {
    fence,
    kin,
    old,
    p: 0,
    none: 1,
    overlaps: kin.overlaps,
    still: certain ? Math.max(0.5, still) : still,
    moving: certain ? Math.max(0.5, moving) : moving,
    weight,
    wide,
    certain: certain && sure !== null ? sure.kind : null,
    vague: now.track.odd,
    mayOpen: certain || now.sigma <= TOO_COARSE * kin.inradius,
    caution: certain ? 0 : cautionOf(now.sigma, kin.inradius, policy),
    parts: NO_PARTS,
    allOf: false,
  };
}

/**
 * A shop smaller than the error can only be told by averaging, which trusts that errors are no more
 * alike than assumed: there more belief is asked for, and a little less where the shop is twice as big.
 */
function cautionOf(sigma: Metres, inradius: Metres, policy: Policy): number {
  const beyond = sigma / Math.max(inradius, 0.1) - 1;
  return policy.coarseCaution * Math.min(1, Math.max(-0.5, beyond));
}

/**
 * Evidence makes its fence and what holds it a thousand times likelier, fading over half an hour, and
 * its fence is then open whatever its hours say. Any other place is less likely while it is closed.
 */
export function weightOf(
  fence: Fence,
  floor: string | null,
  now: Moment,
  sure: Sure | null,
  policy: Policy,
): number {
  const { hours } = fence.definition;
  if (sure !== null && sure.within.has(fence.id)) {
    return EVIDENCE_ODDS ** (1 - (now.fix.t - sure.t) / EVIDENCE_MEMORY);
  }
  const open = hours === undefined || isOpen(hours, now.fix.t) ? 1 : policy.closedOdds;
  if (sure === null || floor === null || sure.floor === null) return open;
  return floor === sure.floor ? open : open * OTHER_FLOOR;
}
