/** Days gone by: the phones of regular visitors send their tracks, oldest first, as after a dead zone. */
import { randomPlan, planWalk } from './crowd.ts';
import type { Person, World } from './people.ts';
import { makePerson, report } from './people.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Share of a day's visitors that come in each hour from 9 to 20. */
const busy = [2, 3, 5, 8, 9, 7, 6, 7, 10, 11, 7, 3];

export interface History {
  people: number;
  fixes: number;
}

/**
 * Walks `people` regulars through the last `days` days; none of it is fresh, so no offer fires.
 * The same weekday last week gets as many visitors as today, so that the overview compares.
 */
export async function walkHistory(
  world: World,
  people: number,
  days: number,
  onProgress: (done: number, all: number) => void,
): Promise<History> {
  const { random } = world;
  const now = world.now();
  let fixes = 0;
  for (let index = 0; index < people; index += 1) {
    const person = await makePerson(
      world,
      `Regular ${index + 1}`,
      'overland',
      randomPlan(random),
      0,
    );
    const starts = [];
    for (let day = days; day >= 0; day -= 1) {
      const often = day === 0 || day === 7 ? 0.9 : 0.45;
      if (random.next() < often) starts.push(startOn(world, now - day * dayMs));
    }
    for (const start of starts.filter((start) => start < now - hourMs)) {
      fixes += await walkOnce(world, person, start);
    }
    onProgress(index + 1, people);
  }
  return { people, fixes };
}

/** A moment on that day, more often in busy hours. */
function startOn({ random }: World, moment: number): number {
  const midnight = Math.floor(moment / dayMs) * dayMs;
  let ticket = random.next() * busy.reduce((sum, share) => sum + share, 0);
  const slot = busy.findIndex((share) => (ticket -= share) < 0);
  return midnight + (8 + slot + random.next()) * hourMs;
}

async function walkOnce(world: World, person: Person, start: number): Promise<number> {
  person.walk = planWalk(randomPlan(world.random), world.random);
  person.startedAt = start;
  person.nextAt = start;
  return report(world, person, start + person.walk.seconds * 1000, 25_000);
}
