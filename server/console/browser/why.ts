/** The page "Why (no) visit?": a slider through a device's positions, on the map and in words. */
import './why/why.css';
import { part, pageData, textOf } from './page/data.ts';
import type { Say, WhyData } from './why/model.ts';
import { showMoment } from './why/panel.ts';
import { createStage } from './why/stage.ts';
import { createStrip } from './why/strip.ts';

function clockOf({ language, timezone }: WhyData): (t: number) => string {
  const format = new Intl.DateTimeFormat(language, {
    timeZone: timezone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  return (t) => format.format(t);
}

/** The moment to begin with: where the first fence was entered, else where it was believed most. */
function firstOf({ pings }: WhyData): number {
  const views = pings.map((ping) => ping.fences.find(([fence]) => fence === 0));
  const entered = views.findIndex((view) => view?.[3] === 'inside');
  if (entered >= 0) return entered;
  const best = views.map((view) => view?.[1] ?? 0);
  return best.indexOf(Math.max(...best));
}

function start(): void {
  const data = pageData<WhyData>('why-data');
  const texts = { ...data.words, ...data.own };
  const say: Say = (key, values) => textOf(texts, key, values);
  const clock = clockOf(data);
  document.documentElement.classList.add('is-why');
  part<HTMLDetailsElement>('table').open = false;
  const slider = part<HTMLInputElement>('slider');
  slider.max = String(data.pings.length - 1);
  const choose = (index: number): void => {
    const at = Math.max(0, Math.min(data.pings.length - 1, index));
    const ping = data.pings[at];
    if (!ping) return;
    slider.value = String(at);
    const verdict = data.texts[ping.verdict] ?? '';
    slider.setAttribute('aria-valuetext', say('why.at', { time: clock(ping.t), verdict }));
    stage.show(at);
    strip.show(at);
    showMoment(part('panel'), data, at, clock, say);
  };
  const stage = createStage(part('map'), data, say, choose);
  const strip = createStrip(part('strip'), data, choose);
  slider.addEventListener('input', () => choose(slider.valueAsNumber));
  part('previous').addEventListener('click', () => choose(slider.valueAsNumber - 1));
  part('next').addEventListener('click', () => choose(slider.valueAsNumber + 1));
  const circles = part<HTMLInputElement>('circles');
  circles.addEventListener('change', () => stage.circles(circles.checked));
  choose(firstOf(data));
}

// A span without positions has nothing to show.
if (document.getElementById('why-data')) start();
