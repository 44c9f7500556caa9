/** One moment in words: the verdict, and for each fence its belief as a bar and what it still lacked. */
import { make } from '../page/data.ts';
import { lined } from './model.ts';
import type { Say, WhyData, WhyPing } from './model.ts';

const BADGES = { used: ' good', noted: ' warn', refused: ' bad' } as const;

export function showMoment(
  box: HTMLElement,
  data: WhyData,
  index: number,
  clock: (t: number) => string,
  say: Say,
): void {
  const ping = data.pings[index];
  if (!ping) return;
  box.replaceChildren(headOf(ping, data, index, clock, say));
  for (const text of ping.events) box.append(make('p', 'why-event', data.texts[text]));
  for (const text of ping.says) box.append(make('p', 'why-note', data.texts[text]));
  const list = make('ul', 'why-beliefs');
  const lines = lined(data);
  for (const [fence, p, , phase, says] of ping.fences) {
    const name = data.fences[fence]?.name ?? '';
    const line = lines.indexOf(fence);
    list.append(belief(name, p, say(`why.phase.${phase}`), data.texts[says] ?? '', line));
  }
  // In a mall and in none of its shops: only where all compete is there one "none".
  const [none, ...others] = new Set(ping.fences.map((each) => each[2]));
  if (none !== undefined && others.length === 0)
    list.append(belief(say('why.none_of'), none, '', '', -1));
  if (list.childElementCount > 0) box.append(list);
  else if (ping.mark !== 'refused') box.append(make('p', 'quiet', say('why.noFence')));
}

function headOf(
  ping: WhyPing,
  data: WhyData,
  index: number,
  clock: (t: number) => string,
  say: Say,
): HTMLElement {
  const head = make('div', 'why-moment');
  head.append(make('b', 'why-clock', clock(ping.t)));
  head.append(make('span', `badge${BADGES[ping.mark]}`, data.texts[ping.verdict]));
  const figures = make('p', 'quiet small');
  const parts = [say('why.stepOf', { n: index + 1, count: data.pings.length })];
  if (ping.accuracy !== null) parts.push(say('why.accuracy', { metres: ping.accuracy }));
  if (ping.fused) parts.push(say('why.standing', { share: ping.fused.still.toFixed(2) }));
  figures.textContent = parts.join(' · ');
  head.append(figures);
  return head;
}

function belief(name: string, p: number, phase: string, says: string, line: number): HTMLElement {
  const item = make('li', line >= 0 ? `why-line-${line + 1}` : 'why-line-none');
  const head = make('div', 'why-belief');
  head.append(make('b', '', name));
  if (phase) head.append(make('span', 'quiet small', phase));
  head.append(make('span', 'why-p', p.toFixed(2)));
  const track = make('div', 'why-bar');
  const fill = make('i');
  fill.style.width = `${Math.round(p * 100)}%`;
  track.append(fill);
  item.append(head, track);
  if (says) item.append(make('p', 'why-says', says));
  return item;
}
