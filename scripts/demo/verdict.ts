/** What the demo promised against what the server says happened. */
import type { CastMember } from './cast.ts';
import { createApi } from './api.ts';
import { doorName, passageName } from './mall.ts';
import type { World } from './people.ts';
import type { Played } from './play.ts';

export interface Check {
  what: string;
  ok: boolean;
  seen: string;
}

interface VisitReply {
  fenceId: string;
  band: string;
  evidence: string[];
}

interface EventReply {
  type: string;
  payload: { fenceName?: string; change?: string };
}

interface DecisionReply {
  ruleId: string;
  outcome: string;
  reason: string;
}

export async function judge(
  world: World,
  cast: readonly CastMember[],
  played: Played,
  facts: { fences: Record<string, string>; rules: { shoes: string; welcome: string } },
): Promise<Check[]> {
  const checks: Check[] = [];
  let issued = 0;
  for (const member of cast) {
    const { person, shop, decides } = member;
    checks.push(await visitCheck(world, member, facts.fences));
    if (member.proves === 'evidence') checks.push(await evidenceCheck(world, member));
    if (member.proves === 'late') checks.push(await lateCheck(world, member));
    if (person.login) checks.push(await welcomeCheck(world, member, facts.rules.welcome));
    if (decides && shop) {
      const { check, issued: mine } = await ruleCheck(world, member, played, facts.rules.shoes);
      checks.push(check);
      issued += mine;
    }
  }
  checks.push(await doorCheck(world, cast));
  const spent = played.redeemed.size;
  const came = new Set([...played.offers.values()].flat());
  checks.push({
    what: 'offers reach phones',
    ok: issued > 0,
    seen: `${came.size} on screens, ${issued} from a stay`,
  });
  checks.push({
    what: 'the till redeems every offer once',
    ok: spent > 0 && [...came].every((code) => played.redeemed.has(code)),
    seen: `${spent} redeemed`,
  });
  checks.push({
    what: 'nothing failed on the way',
    ok: played.failures.length === 0,
    seen: played.failures.slice(0, 3).join('; ') || 'nothing',
  });
  return checks;
}

async function visitCheck(
  world: World,
  { person, shop }: CastMember,
  fences: Record<string, string>,
): Promise<Check> {
  const { visits } = await world.api.get<{ visits: VisitReply[] }>(
    `/v1/visits?deviceId=${person.deviceId}&band=low`,
  );
  const nameOf = new Map(Object.entries(fences).map(([name, id]) => [id, name]));
  const names = visits.map(({ fenceId }) => nameOf.get(fenceId) ?? '?');
  const inShops = names.filter((name) => name !== 'mall' && name !== passageName);
  const ok = names.includes('mall') && (shop ? inShops.includes(shop) : inShops.length === 0);
  return {
    what: shop ? `${person.name} visits ${shop}` : `${person.name}, is in the mall but in no shop`,
    ok,
    seen: names.join(', ') || 'no visit',
  };
}

/** What the phone's own feed was told, as its app would read it. */
async function toldTo({ base }: World, { person }: CastMember): Promise<EventReply[]> {
  const api = createApi(base, person.token);
  return (await api.get<{ events: EventReply[] }>('/v1/me/events?after=0')).events;
}

async function evidenceCheck(world: World, { person }: CastMember): Promise<Check> {
  const { visits } = await world.api.get<{ visits: VisitReply[] }>(
    `/v1/visits?deviceId=${person.deviceId}&band=low`,
  );
  const kinds = [...new Set(visits.flatMap(({ evidence }) => evidence))];
  return {
    what: `${person.name}'s sign-in counts as evidence of the visit`,
    ok: kinds.includes('portal_login'),
    seen: kinds.join(', ') || 'none',
  };
}

async function lateCheck(world: World, member: CastMember): Promise<Check> {
  const revised = (await toldTo(world, member)).filter(({ type }) => type === 'visit.revised');
  return {
    what: `${member.person.name}'s late pings bring the visit to ${member.shop}`,
    ok: revised.some(
      ({ payload }) => payload.fenceName === member.shop && payload.change === 'added',
    ),
    seen: revised.map(({ payload }) => `${payload.fenceName} ${payload.change}`).join(', ') || '–',
  };
}

/** Positions are too coarse for each crossing to be seen; most are, and none is made up. */
async function doorCheck(world: World, cast: readonly CastMember[]): Promise<Check> {
  let counted = 0;
  for (const member of cast) {
    const told = await toldTo(world, member);
    if (
      told.some(({ type, payload }) => type === 'fence.crossed' && payload.fenceName === doorName)
    )
      counted += 1;
  }
  return {
    what: `the ${doorName.toLowerCase()} counts who comes in`,
    ok: counted * 2 > cast.length,
    seen: `${counted} of ${cast.length}`,
  };
}

/** The login itself, and the welcome offer on the guest's own page: there, held out, or refused for want of consent. */
async function welcomeCheck(
  world: World,
  { person, decides }: CastMember,
  ruleId: string,
): Promise<Check> {
  const { items } = await world.api.get<{ items: DecisionReply[] }>(
    `/v1/decisions?ruleId=${ruleId}&guestId=${person.guestId}`,
  );
  const outcome = items[0]?.outcome ?? 'none';
  const shown = person.offerMs !== null;
  const ok =
    decides === 'for'
      ? shown === (outcome === 'issued') && outcome !== 'refused'
      : outcome === 'refused' && !shown;
  const { pages, took } = person.login!;
  const offer = shown ? `, offer on the page after ${Math.round(person.offerMs!)} ms` : '';
  return {
    what: `${person.name} logs in on the WiFi`,
    ok: ok && outcome !== 'none',
    seen: `${pages.length} pages, ${Math.round(took)} ms; welcome offer ${outcome}${offer}`,
  };
}

async function ruleCheck(
  world: World,
  { person, decides }: CastMember,
  played: Played,
  ruleId: string,
): Promise<{ check: Check; issued: number }> {
  const { items } = await world.api.get<{ items: DecisionReply[] }>(
    `/v1/decisions?ruleId=${ruleId}&guestId=${person.guestId}`,
  );
  const outcomes = items.map(({ outcome, reason }) => `${outcome} (${reason})`);
  const issued = items.some(({ outcome }) => outcome === 'issued');
  const heldOut = items.some(({ outcome }) => outcome === 'held_out');
  const offers = played.offers.get(person.deviceId)?.length ?? 0;
  const ok =
    decides === 'for'
      ? (issued && offers > 0) || heldOut
      : !issued &&
        !heldOut &&
        items.some(({ reason }) => reason.includes('consent')) &&
        offers === 0;
  return {
    check: {
      what:
        decides === 'for'
          ? `${person.name} gets the offer, or is held out`
          : `${person.name} refused marketing and gets nothing`,
      ok,
      seen: outcomes.join(', ') || 'no decision',
    },
    issued: issued ? 1 : 0,
  };
}
