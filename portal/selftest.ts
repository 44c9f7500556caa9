/** PURE. "Will the sign-in appear?": asks what every operating system asks, and judges what came back. */
import type { Probe } from './captive-api.ts';
import { PROBES } from './captive-api.ts';
import type { Sentence } from './setup/parts.ts';
import { say } from './setup/parts.ts';

/** One question of a system. With `https` only the handshake counts. */
export interface ProbeAsk {
  system: string;
  host: string;
  path: string;
  scheme: 'http' | 'https';
}

/** What came back. `resolved`: the address came from DNS, not from whoever runs the test. */
export type ProbeHeard =
  | {
      kind: 'answer';
      status: number;
      location: string | null;
      cacheControl: string | null;
      /** The first 2 kB. */
      body: string;
      /** Octets of the body, as far as they were read. */
      length: number;
      address: string;
      resolved: boolean;
    }
  /** A handshake came about; `trusted`: with a certificate that is good for this host. */
  | { kind: 'handshake'; trusted: boolean }
  | { kind: 'no-name' }
  | { kind: 'silence' }
  | { kind: 'refused' };

/** Asks without following redirects; never rejects. */
export type ProbeFetcher = (ask: ProbeAsk) => Promise<ProbeHeard>;

/** `captive`: the sign-in will appear. `open`: the system believes that the internet is there. */
export type Verdict = 'captive' | 'open' | 'broken';

export interface Judgement {
  ask: ProbeAsk;
  verdict: Verdict;
  /** Why, by a key of setup/texts. */
  reason: Sentence;
}

/** Android asks by both; the second must be left alone until the first is answered. */
const TLS_HOST = 'www.google.com';
const PRIVATE =
  /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::1$|f[cd][0-9a-f]{2}:|fe80:)/i;
/** Android takes such a body for a broken network, not for a sign-in. */
const TINY = 4;

function pathsOf({ paths }: Probe): string[] {
  return paths.map((path) => (path === '*' ? '/' : path));
}

function asksOf(probe: Probe): ProbeAsk[] {
  const { system, host } = probe;
  return pathsOf(probe).map((path) => ({ system, host, path, scheme: 'http' }));
}

/** Every question, system by system; only those of some hosts when they are told. */
export function planProbes(hosts?: readonly string[]): ProbeAsk[] {
  const wanted = PROBES.filter(({ host }) => hosts === undefined || hosts.includes(host));
  const tls: ProbeAsk = {
    system: 'android',
    host: TLS_HOST,
    path: '/generate_204',
    scheme: 'https',
  };
  return [...wanted.flatMap(asksOf), ...(hosts === undefined ? [tls] : [])];
}

function probeOf({ host, path, system }: ProbeAsk): Probe | undefined {
  return PROBES.find(
    (probe) => probe.system === system && probe.host === host && pathsOf(probe).includes(path),
  );
}

type Answer = Extract<ProbeHeard, { kind: 'answer' }>;
type Found = Omit<Judgement, 'ask'>;

const found = (
  verdict: Verdict,
  key: string,
  values: Record<string, string | number> = {},
): Found => ({
  verdict,
  reason: say(`selftest.${key}`, values),
});

function isOnline(answer: Answer, { online }: Probe): boolean {
  if (answer.status !== online.status) return false;
  const plain = (text: string) => text.replaceAll(/\s+/g, ' ').trim().toLowerCase();
  return online.status === 204 || plain(answer.body) === plain(online.body);
}

function redirected(answer: Answer, portalUrl: string): Found {
  const { location, status } = answer;
  const base = `http://${answer.address}/`;
  if (location === null || !URL.canParse(location, base)) return found('broken', 'no-target');
  const target = new URL(location, base);
  if (target.protocol !== 'http:' && target.protocol !== 'https:')
    return found('broken', 'no-target');
  const lasting = status === 301 || status === 308;
  const kept = /max-age=[1-9]/.test(answer.cacheControl ?? '');
  if (lasting || kept) return found('captive', 'kept-too-long', { host: target.hostname });
  const ours = target.hostname === new URL(portalUrl).hostname;
  return found('captive', ours ? 'to-portal' : 'to-elsewhere', { host: target.hostname });
}

function judgeAnswer(answer: Answer, probe: Probe | undefined, portalUrl: string): Found {
  if (answer.resolved && PRIVATE.test(answer.address))
    return found('broken', 'private-address', { address: answer.address });
  if (probe !== undefined && isOnline(answer, probe)) return found('open', 'online');
  const { status } = answer;
  if (status >= 300 && status < 400) return redirected(answer, portalUrl);
  if (status < 200 || status >= 400) return found('broken', 'error-status', { status });
  if (status !== 200 || answer.length <= TINY)
    return found('broken', 'tiny-body', { status, length: answer.length });
  return found('captive', 'in-place');
}

function judgeHandshake(heard: ProbeHeard): Found {
  if (heard.kind !== 'handshake') return found('captive', 'https-left');
  return heard.trusted ? found('open', 'https-passes') : found('broken', 'https-touched');
}

/** What one answer means to the system that asked. */
export function judge(ask: ProbeAsk, heard: ProbeHeard, portalUrl: string): Judgement {
  if (ask.scheme === 'https') return { ask, ...judgeHandshake(heard) };
  if (heard.kind === 'answer') return { ask, ...judgeAnswer(heard, probeOf(ask), portalUrl) };
  const key = heard.kind === 'handshake' ? 'silence' : heard.kind;
  return { ask, ...found('broken', key, { host: ask.host }) };
}

/** `appears`: every question leads to the sign-in. `perhaps`: some do. */
export type Outlook = 'appears' | 'perhaps' | 'online' | 'fails';

export interface SystemReport {
  system: string;
  outlook: Outlook;
  judgements: Judgement[];
}

function outlookOf(judgements: Judgement[]): Outlook {
  const verdicts = judgements.filter(({ ask }) => ask.scheme === 'http').map((one) => one.verdict);
  const spoiled = judgements.some(({ verdict }) => verdict === 'broken');
  if (verdicts.every((verdict) => verdict === 'captive')) return spoiled ? 'perhaps' : 'appears';
  if (verdicts.includes('captive')) return 'perhaps';
  return verdicts.every((verdict) => verdict === 'open') ? 'online' : 'fails';
}

export function bySystem(judgements: readonly Judgement[]): SystemReport[] {
  const systems = [...new Set(judgements.map(({ ask }) => ask.system))];
  return systems.map((system) => {
    const own = judgements.filter(({ ask }) => ask.system === system);
    return { system, outlook: outlookOf(own), judgements: own };
  });
}

/** Asks everything, a few at a time. */
export async function runSelftest(
  fetcher: ProbeFetcher,
  portalUrl: string,
  asks: readonly ProbeAsk[] = planProbes(),
  atOnce = 6,
): Promise<SystemReport[]> {
  const judgements: Judgement[] = [];
  let next = 0;
  const lane = async () => {
    for (let at = next++; at < asks.length; at = next++) {
      const ask = asks[at];
      if (ask !== undefined) judgements[at] = judge(ask, await fetcher(ask), portalUrl);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return bySystem(judgements);
}

/**
 * Our own answers on the hosts that the network brings here (`PortalSettings.probes`): each must lead to
 * the portal. Null when there are none.
 */
export async function checkOwnProbes(
  fetcher: ProbeFetcher,
  portalUrl: string,
  probes: Readonly<Record<string, string>>,
): Promise<SystemReport[] | null> {
  const asks = planProbes(Object.keys(probes));
  return asks.length === 0 ? null : runSelftest(fetcher, portalUrl, asks);
}
