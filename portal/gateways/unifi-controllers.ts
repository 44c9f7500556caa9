/** The controllers of all shops: each spoken to over one line, in the language it was registered with, with the other to fall back on. */
import { createHash } from 'node:crypto';
import type { RegisteredGateway, UnifiSettings } from '../ports-store.ts';
import type { Clock } from '../ports.ts';
import type { ControllerLine, LineOptions, Outcome } from './controller-http.ts';
import { LINE_DEFAULTS, openLine } from './controller-http.ts';
import type { UnifiApi } from './unifi-api.ts';
import { createLegacy } from './unifi-legacy.ts';
import type { OfficialPace } from './unifi-official.ts';
import { createOfficial, OFFICIAL_PACE } from './unifi-official.ts';

export interface UnifiOptions {
  line: LineOptions;
  pace: OfficialPace;
  /** After a grant: how often the controller is asked whether the guest is through, and for how long. */
  status: { everyMs: number; forMs: number };
  /** Longest that one guest's door may take to be granted. */
  grantMs: number;
}

export const UNIFI_DEFAULTS: UnifiOptions = {
  line: LINE_DEFAULTS,
  pace: OFFICIAL_PACE,
  status: { everyMs: 500, forMs: 10_000 },
  grantMs: 12_000,
};

const MAX_CONTROLLERS = 1_000;

/** Some keys may act but not list: the same is then asked the older way, where credentials allow it. */
export function withFallback(first: UnifiApi, second: UnifiApi | null): UnifiApi {
  if (second === null) return first;
  const either = async <T>(ask: (api: UnifiApi) => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const answer = await ask(first);
    const barred = !answer.ok && /^status 40[13]\b/.test(answer.detail);
    return barred ? ask(second) : answer;
  };
  return {
    admit: (who, signal) => either((api) => api.admit(who, signal)),
    admitted: (mac, signal) => either((api) => api.admitted(mac, signal)),
    dismiss: (mac) => either((api) => api.dismiss(mac)),
    list: () => either((api) => api.list()),
  };
}

function apiOver(
  line: ControllerLine,
  settings: UnifiSettings,
  clock: Clock,
  options: UnifiOptions,
): UnifiApi {
  const signsIn = settings.username !== undefined && settings.password !== undefined;
  const legacy = signsIn || settings.api === 'legacy' ? createLegacy(line, settings, clock) : null;
  if (settings.api === 'legacy' && legacy !== null) return legacy;
  return withFallback(createOfficial(line, settings, clock, options.pace), legacy);
}

export interface Controllers {
  /** Null when the gateway holds no controller. */
  of(gateway: RegisteredGateway): UnifiApi | null;
}

export function createControllers(clock: Clock, options: UnifiOptions): Controllers {
  const open = new Map<string, { mark: string; line: ControllerLine; api: UnifiApi }>();
  return {
    of({ id, unifi }) {
      if (unifi === undefined) return null;
      // Credentials are compared by their digest, so that they are held in one place only.
      const mark = createHash('sha256').update(JSON.stringify(unifi)).digest('hex');
      const known = open.get(id);
      open.delete(id);
      if (known?.mark === mark) {
        open.set(id, known);
        return known.api;
      }
      known?.line.close();
      const line = openLine(unifi, options.line);
      const api = apiOver(line, unifi, clock, options);
      open.set(id, { mark, line, api });
      const [oldest] = open;
      if (open.size > MAX_CONTROLLERS && oldest !== undefined) {
        open.delete(oldest[0]);
        oldest[1].line.close();
      }
      return api;
    },
  };
}
