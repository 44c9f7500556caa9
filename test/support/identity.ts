/** A real OpenID provider on loopback, whose one account signs in by itself; and a browser with cookies for it. */
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Provider from 'oidc-provider';
import type { OidcProvider } from '../../portal/ports-store.ts';

export interface Account {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
}

export interface Identity {
  provider: OidcProvider;
  /** Who signs in next; null means that they refuse. */
  account: Account | null;
  /** Requests by path, as they came. */
  asked: string[];
  close(): Promise<void>;
}

const CLIENT = { id: 'foyer', secret: 'client-secret-of-the-tests' };

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function configuration(redirectUri: string, current: () => Account | null) {
  return {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    jwks: {
      keys: [
        generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
      ],
    },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
    cookies: { keys: ['cookies of the tests'] },
    interactions: { url: (_ctx: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_ctx: unknown, accountId: string) => ({
      accountId,
      claims: async () => ({ ...current(), sub: accountId }),
    }),
    // Whoever signs in agrees: what a guest agrees to is asked by the portal.
    async loadExistingGrant(ctx: {
      oidc: {
        provider: Provider;
        client: { clientId: string };
        session: { accountId: string | undefined };
      };
    }) {
      const { provider, client, session } = ctx.oidc;
      const grant = new provider.Grant({
        accountId: session.accountId,
        clientId: client.clientId,
      });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  };
}

/** It warns that it keeps all in memory and prefers a newer Node; here both are meant so. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return await work();
  } finally {
    console.warn = warn;
  }
}

export async function startIdentity(redirectUri: string): Promise<Identity> {
  const server = createServer();
  const port = await listen(server);
  const issuer = `http://127.0.0.1:${port}`;
  const provider: OidcProvider = {
    id: 'example',
    name: 'Example ID',
    issuer,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    scopes: ['openid', 'email', 'profile'],
  };
  const identity: Identity = {
    provider,
    account: { sub: 'ada', email: 'Ada@Example.org', email_verified: true, name: 'Ada Lovelace' },
    asked: [],
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const house = await quietly(async () => {
    const { default: OpenIdProvider } = await import('oidc-provider');
    return new OpenIdProvider(
      issuer,
      configuration(redirectUri, () => identity.account),
    );
  });
  const serve = house.callback();
  server.on('request', (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    identity.asked.push(path);
    if (!path.startsWith('/interaction/')) return serve(request, response);
    const { account } = identity;
    const result =
      account === null
        ? { error: 'access_denied', error_description: 'not today' }
        : { login: { accountId: account.sub } };
    void house.interactionFinished(request, response, result);
  });
  return identity;
}

/** Follows redirects with cookies, as a browser does, until one leads to `until`; gives that address. */
export async function browseTo(start: string, until: string): Promise<URL> {
  const jar = new Map<string, string>();
  let at = start;
  for (let hop = 0; hop < 12; hop++) {
    if (at.startsWith(until)) return new URL(at);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const cut = pair.indexOf('=');
      jar.set(pair.slice(0, cut), pair.slice(cut + 1));
    }
    const next = answer.headers.get('location');
    if (next === null) throw new Error(`stopped at ${at}: ${answer.status} ${await answer.text()}`);
    at = new URL(next, at).href;
  }
  throw new Error(`never came to ${until}`);
}
