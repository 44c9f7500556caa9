/** Signing in with an identity provider (OpenID Connect Core 1.0): authorization code with PKCE, any provider. */
import { createHash } from 'node:crypto';
import * as client from 'openid-client';
import type { OidcProvider } from '../ports-store.ts';
import type { Clock, Proof } from '../ports.ts';
import { boundedFetch } from './bounded-fetch.ts';
import type { Method } from './method.ts';

/** Nothing is typed here: the way leads out to the provider and back. */
export const oidc: Method = { name: 'oidc' };

/** What has to be kept until the provider answers. */
export interface Errand {
  provider: string;
  verifier: string;
  nonce: string;
}

export type Answered =
  | { ok: true; proof: Extract<Proof, { method: 'oidc' }> }
  | { ok: false; reason: 'denied' | 'failed' };

export interface Oidc {
  /** Whether the provider's sign-in page answers: whom we send there we cannot follow. */
  awake(provider: OidcProvider): Promise<boolean>;
  /** Everything random that one sign-in needs. */
  errand(provider: OidcProvider): Errand;
  /** Where the browser goes; `state` is the key under which the journey waits. Rejects when the provider is away. */
  leave(provider: OidcProvider, errand: Errand, state: string, redirectUri: string): Promise<URL>;
  /** What the provider's answer proves; `url` is the whole address the browser came back to. */
  comeBack(provider: OidcProvider, errand: Errand, state: string, url: URL): Promise<Answered>;
}

const TIMEOUT_S = 6;
const KNOWN_MS = 60 * 60_000;
/** A provider that is away is not asked by every guest. */
const AWAY_MS = 10_000;
const MAX_KNOWN = 100;
const SKEW_S = 30;

/** In `settings` of a portal that is itself reached over plain http, and whose merchants may name this very machine: a provider there may be so too. */
export interface OidcSettings {
  clock: Clock;
  plainLoopback: boolean;
}

const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])$/;

function allowed(url: URL, { plainLoopback }: OidcSettings): boolean {
  if (url.username !== '' || url.password !== '') return false;
  if (url.protocol === 'https:') return true;
  return plainLoopback && url.protocol === 'http:' && LOOPBACK.test(url.hostname);
}

async function discover(provider: OidcProvider, settings: OidcSettings) {
  const issuer = new URL(provider.issuer);
  if (!allowed(issuer, settings)) throw new Error('an issuer needs https');
  const metadata = { client_secret: provider.clientSecret, [client.clockTolerance]: SKEW_S };
  const authentication =
    provider.clientSecret === '' ? client.None() : client.ClientSecretPost(provider.clientSecret);
  const plain = issuer.protocol === 'http:';
  return client.discovery(issuer, provider.clientId, metadata, authentication, {
    timeout: TIMEOUT_S,
    [client.customFetch]: boundedFetch,
    ...(plain ? { execute: [client.allowInsecureRequests] } : {}),
  });
}

/** One conversation per provider and its settings, kept for an hour; its keys are kept with it. */
function createKnown(settings: OidcSettings) {
  const known = new Map<string, { until: number; config: Promise<client.Configuration> }>();
  return (provider: OidcProvider): Promise<client.Configuration> => {
    const { issuer, clientId, clientSecret } = provider;
    const parts = JSON.stringify([issuer, clientId, clientSecret]);
    const key = createHash('sha256').update(parts).digest('base64url');
    const now = settings.clock();
    const found = known.get(key);
    if (found !== undefined && found.until > now) return found.config;
    const entry = { until: now + KNOWN_MS, config: discover(provider, settings) };
    entry.config.catch(() => (entry.until = now + AWAY_MS));
    known.delete(key);
    known.set(key, entry);
    const oldest = known.keys().next().value;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    return entry.config;
  };
}

/** A page that is there says so at once; who waits for this one stands in a shop. */
const PULSE_MS = 2_500;
const AWAKE_MS = 15_000;
/** What a server says for another that is away; anything else is an answer of the page's own. */
const AWAY = new Set([502, 503, 504]);

/** Any answer will do: most pages refuse a question without a sign-in in it. */
async function answers(url: URL): Promise<boolean> {
  const init = { method: 'HEAD', signal: AbortSignal.timeout(PULSE_MS) };
  return boundedFetch(url.href, init).then(
    ({ status }) => !AWAY.has(status),
    () => false,
  );
}

/** Whether a page answers, asked once for all guests of some seconds. */
function createPulse(clock: Clock): (url: URL) => Promise<boolean> {
  const known = new Map<string, { until: number; awake: Promise<boolean> }>();
  return (url) => {
    const now = clock();
    const found = known.get(url.href);
    if (found !== undefined && found.until > now) return found.awake;
    const entry = { until: now + AWAKE_MS, awake: answers(url) };
    void entry.awake.then((awake) => awake || (entry.until = now + AWAY_MS));
    known.delete(url.href);
    known.set(url.href, entry);
    const oldest = known.keys().next().value;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    return entry.awake;
  };
}

const text = (value: unknown, most: number): string | undefined =>
  typeof value === 'string' && value.length > 0 && value.length <= most ? value : undefined;

type Claims = Record<string, unknown>;

/** Many providers keep address and name for the userinfo endpoint; without it the subject is enough. */
async function moreClaims(
  config: client.Configuration,
  accessToken: string,
  subject: string,
  claims: Claims,
): Promise<Claims> {
  const wanted = claims['email'] === undefined || claims['name'] === undefined;
  if (!wanted || config.serverMetadata().userinfo_endpoint === undefined) return claims;
  try {
    return { ...(await client.fetchUserInfo(config, accessToken, subject)), ...claims };
  } catch {
    return claims;
  }
}

function proofOf(provider: string, subject: string, claims: Claims): Answered {
  const email = claims['email_verified'] === true ? text(claims['email'], 254) : undefined;
  const name = text(claims['name'], 100);
  const proof = {
    method: 'oidc' as const,
    provider,
    subject,
    ...(email === undefined ? {} : { email: email.toLowerCase() }),
    ...(name === undefined ? {} : { name }),
  };
  return { ok: true, proof };
}

const MAX_SUBJECT = 255;

export function createOidc(settings: OidcSettings): Oidc {
  const configOf = createKnown(settings);
  const pulse = createPulse(settings.clock);
  return {
    async awake(provider) {
      const page = (await configOf(provider)).serverMetadata().authorization_endpoint;
      if (page === undefined || !URL.canParse(page)) return false;
      const url = new URL(page);
      return allowed(url, settings) && pulse(url);
    },

    errand: ({ id }) => ({
      provider: id,
      verifier: client.randomPKCECodeVerifier(),
      nonce: client.randomNonce(),
    }),

    async leave(provider, { verifier, nonce }, state, redirectUri) {
      const config = await configOf(provider);
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: [...new Set(['openid', ...provider.scopes])].join(' '),
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        response_type: 'code',
        nonce,
        state,
      });
      if (!allowed(url, settings)) throw new Error('a provider’s page needs https');
      return url;
    },

    async comeBack(provider, { verifier, nonce }, state, url) {
      const error = url.searchParams.get('error');
      if (error !== null)
        return { ok: false, reason: error === 'access_denied' ? 'denied' : 'failed' };
      const config = await configOf(provider);
      const tokens = await client.authorizationCodeGrant(config, url, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined || claims.sub.length > MAX_SUBJECT)
        return { ok: false, reason: 'failed' };
      const { sub } = claims;
      const all = await moreClaims(config, tokens.access_token, sub, claims);
      return proofOf(provider.id, sub, all);
    },
  };
}
