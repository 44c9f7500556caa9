/** What every page of the portal works with, made once. */
import type { Journey, Seal } from './context.ts';
import { createSeal } from './context.ts';
import type { CrowdLimits } from './crowd.ts';
import type { Gateways } from './gateways/all.ts';
import { createGateways } from './gateways/all.ts';
import type { Oidc } from './methods/oidc.ts';
import { createOidc } from './methods/oidc.ts';
import type { Once } from './once.ts';
import { createOnce } from './once.ts';
import type { Language, StoreView } from './ports-store.ts';
import type { PortalPorts } from './ports.ts';
import type { Refuses } from './reach.ts';
import { elsewhereOnly, neverEquipment } from './reach.ts';
import type { Renderer } from './render.ts';
import { createRenderer } from './render.ts';
import type { Resume } from './resume.ts';
import { createResume } from './resume.ts';
import type { Texts } from './texts.ts';
import { createTexts } from './texts.ts';
import type { Throttle } from './throttle.ts';
import { createThrottle } from './throttle.ts';

export interface PortalSettings {
  /** At least 32 octets; seals the journeys. Changing it restarts journeys under way. */
  secret: Buffer;
  /** Scheme, host and port under which guests and gateways reach this portal. */
  publicUrl: string;
  /** Keep compiled templates; off while they are being edited. */
  viewCache: boolean;
  /**
   * Operating systems' probe hosts whose traffic the network brings here, each with the slug of the
   * store to lead to. Empty by default: then such hosts are answered like any other.
   */
  probes?: Record<string, string>;
  /** What one network may ask of the guests' pages; the usual when left out. */
  crowd?: CrowdLimits;
  /** How long an offer request may be held open (ms). */
  offerWaitMs?: number;
  /** How long a form waits for a gateway before its page goes on without the answer (ms). */
  doorMs?: number;
  /** Gateways and controllers may stand on this machine itself; by default they may not. */
  equipmentHere?: boolean;
}

export interface Kit {
  ports: PortalPorts;
  settings: PortalSettings;
  gateways: Gateways;
  /** Where nothing is sent on a merchant's word. */
  refuses: Refuses;
  seal: Seal;
  texts: Texts;
  renderer: Renderer;
  once: Once;
  resume: Resume;
  oidc: Oidc;
  /** Wrong short links by network address: their keys are short enough to be guessed at. */
  guesses: Throttle;
}

const GUESSES = { most: 20, windowMs: 10 * 60_000 };

export function createKit(ports: PortalPorts, settings: PortalSettings): Kit {
  if (settings.secret.length < 32) throw new Error('the portal secret needs at least 32 octets');
  const texts = createTexts();
  const refuses = settings.equipmentHere === true ? neverEquipment : elsewhereOnly;
  return {
    ports,
    settings,
    texts,
    gateways: createGateways(ports, refuses),
    refuses,
    seal: createSeal(settings.secret, ports.clock),
    renderer: createRenderer(texts, settings.viewCache),
    once: createOnce(ports.clock),
    resume: createResume(ports.clock),
    oidc: createOidc({
      clock: ports.clock,
      plainLoopback:
        settings.equipmentHere === true && new URL(settings.publicUrl).protocol === 'http:',
    }),
    guesses: createThrottle(ports.clock, GUESSES),
  };
}

export function basePath(store: StoreView): string {
  return `/p/${encodeURIComponent(store.slug)}`;
}

/** The address of the page a journey has reached. */
export function stepPath(kit: Kit, store: StoreView, journey: Journey): string {
  return `${basePath(store)}/go?j=${kit.seal.close(journey, store)}`;
}

export function inLanguage(journey: Journey, language: Language | null): Journey {
  return language === null ? journey : { ...journey, language };
}
