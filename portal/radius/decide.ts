/** What is said to a genuine packet: by the gateway's policy, by the house, and kept before it is acknowledged. */
import type { LiveDoors, Network, Peer } from '../ports-network.ts';
import type { Clock, Log } from '../ports.ts';
import { eapFailure, proxyStates, readAccess } from './access.ts';
import { readAccounting } from './accounting.ts';
import type { Counts } from './counts.ts';
import { attributes, codes } from './dictionary.ts';
import type { Notices } from './notices.ts';
import type { createOnceIn, createTries } from './pace.ts';
import type { Attribute, Packet } from './packet.ts';
import { authenticatorOf, encode, has, text } from './packet.ts';
import { limitAttributes, planOf, sessionClass } from './profiles.ts';
import type { Proof } from './signing.ts';
import { signResponse, unsignedMac } from './signing.ts';
import type { Strangers } from './strangers.ts';

export interface Limits {
  /** Packets of one address, on average and at once. */
  perSecond: number;
  burst: number;
  /** Requests in hand, of all and of one gateway. */
  working: number;
  workingPerGateway: number;
  /** Longest that the house may think before a guest is told to try again. */
  answerMs: number;
}

/** A chain behind one proxy sends a few hundred packets a second; a mall after a power cut ten times that. */
export const usualLimits: Limits = {
  perSecond: 5_000,
  burst: 10_000,
  working: 2_048,
  workingPerGateway: 1_024,
  answerMs: 8_000,
};

export interface Deps {
  network: Network;
  doors: LiveDoors;
  clock: Clock;
  log: Log;
  counts: Counts;
  /** Remembers who is no gateway's. */
  strangers?: Strangers;
  limits?: Partial<Limits>;
}

/** What every decision needs at hand. */
export interface Desk extends Deps {
  limits: Limits;
  notices: Notices;
  /** Gateways that showed attribute 80, before the house's own memory of it is read again. */
  learnt: Set<string>;
  tries: ReturnType<typeof createTries>;
  seldom: ReturnType<typeof createOnceIn>;
}

const TRY_AGAIN = 'Something went wrong on our side. Please try again in a minute.';

/** What a response says beside attribute 80. */
interface Said {
  code: number;
  list: Attribute[];
}

const ZEROS = Buffer.alloc(16);

/**
 * A response with attribute 80 first and the request's Proxy-States last. No RFC says what attribute 80
 * covers where accounting is acknowledged: FreeRADIUS 3 takes sixteen zeros, FreeRADIUS 4 the request's
 * authenticator, and each drops the other's. So only who signed the report gets it, over zeros, and nobody
 * over TLS, which proves as much.
 */
function respond(
  desk: Desk,
  packet: Packet,
  { gateway }: Peer,
  { code, list }: Said,
  tls = false,
): Buffer | null {
  const request = authenticatorOf(packet);
  const reports = packet.code === codes.accountingRequest;
  const signs = !reports || (!tls && has(packet, attributes.messageAuthenticator));
  const whole = [...(signs ? [unsignedMac] : []), ...list, ...proxyStates(packet)];
  const raw = encode(code, packet.id, request, whole);
  if (raw === null) {
    desk.counts['reply-too-long']++;
    return null;
  }
  return signResponse(raw, request, gateway.radius!.secret, reports ? ZEROS : request);
}

/** Whether the BlastRADIUS policy of this gateway lets an Access-Request in (CVE-2024-3596). */
export function policyAllows(
  desk: Desk,
  packet: Packet,
  peer: Peer,
  proof: Proof,
  tls: boolean,
): boolean {
  const { counts, notices } = desk;
  const settings = peer.gateway.radius!;
  if (proof === 'signed') {
    const learning = settings.messageAuthenticator === 'learn' && settings.learnt !== true;
    if (learning && !desk.learnt.has(peer.gateway.id)) learn(desk, peer);
    return true;
  }
  // RFC 3579 and RFC 5997 demand it of these whatever carries them.
  if (has(packet, attributes.eapMessage) || packet.code === codes.statusServer) {
    counts['no-message-authenticator']++;
    return false;
  }
  if (tls) return true;
  if (has(packet, attributes.proxyState)) {
    counts['proxied-unsigned']++;
    return false;
  }
  const known = settings.learnt === true || desk.learnt.has(peer.gateway.id);
  const demanded =
    settings.messageAuthenticator === 'require' ||
    (settings.messageAuthenticator === 'learn' && known);
  counts[demanded ? 'no-message-authenticator' : 'unsigned-by-choice']++;
  if (demanded || settings.messageAuthenticator === 'off')
    notices.noticed(peer, 'radius-no-message-authenticator', { dropped: String(demanded) });
  return !demanded;
}

function learn(desk: Desk, peer: Peer): void {
  if (desk.learnt.size >= 65_536) desk.learnt.clear();
  desk.learnt.add(peer.gateway.id);
  desk.network.learnt(peer).catch((error: unknown) => {
    desk.learnt.delete(peer.gateway.id);
    if (desk.seldom('learnt', desk.clock()))
      desk.log.warn({ err: error }, 'what a gateway taught was not kept');
  });
}

/** The promise, or a rejection when it takes too long. */
function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the house took too long')), ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

const rejection = (message?: string): Said => ({
  code: codes.accessReject,
  list: message === undefined ? [] : [text(attributes.replyMessage, message)],
});

async function decide(desk: Desk, packet: Packet, peer: Peer): Promise<Said> {
  const { counts, notices, network } = desk;
  const settings = peer.gateway.radius!;
  const asked = readAccess(packet, settings);
  if (asked.kind === 'refuse') {
    notices.noticed(peer, 'radius-rejected', { reason: asked.reason });
    return asked.reason === 'eap'
      ? { code: codes.accessReject, list: [eapFailure(packet)] }
      : rejection();
  }
  const { request } = asked;
  const now = desk.clock();
  const name = `${peer.gateway.id} ${request.userName}`;
  if (desk.tries.locked(name, now)) {
    counts['locked-out']++;
    return rejection('Too many tries. Please wait a minute.');
  }
  const decision = await within(network.authorise(peer, request), desk.limits.answerMs);
  const plan = decision.accept ? planOf(decision.grant, settings.interimSeconds, now) : null;
  if (!decision.accept || plan === null) {
    if (!request.byMac) desk.tries.failed(name, now);
    const reason = decision.accept ? 'expired' : decision.reason;
    // A device that is new here is the usual case, not a fault.
    if (!request.byMac) notices.noticed(peer, 'radius-rejected', { reason });
    return rejection(decision.accept ? undefined : decision.message);
  }
  notices.noticed(peer, 'radius-ok');
  return {
    code: codes.accessAccept,
    list: [...limitAttributes(settings.profile, plan), sessionClass(decision.grant.sessionId)],
  };
}

export async function access(desk: Desk, packet: Packet, peer: Peer): Promise<Buffer | null> {
  const said = await decide(desk, packet, peer).catch((error: unknown) => {
    desk.counts['storage-away']++;
    if (desk.seldom('authorise', desk.clock()))
      desk.log.error({ err: error }, 'an access request could not be decided');
    return rejection(TRY_AGAIN);
  });
  desk.counts[said.code === codes.accessAccept ? 'accepted' : 'rejected']++;
  return respond(desk, packet, peer, said);
}

/** Answered only once it is kept: until then the gateway repeats it. */
export async function account(
  desk: Desk,
  packet: Packet,
  peer: Peer,
  tls: boolean,
): Promise<Buffer | null> {
  const { counts, notices } = desk;
  const read = readAccounting(packet, peer.gateway.radius!, desk.clock());
  try {
    if (read.kind === 'report') {
      if (desk.doors.report === undefined) throw new Error('nobody keeps reports');
      const { store, gateway } = peer;
      await within(desk.doors.report(store, gateway.id, read.report), desk.limits.answerMs);
      notices.noticed(peer, 'accounting-ok');
    } else if (read.kind === 'restart') {
      await within(desk.network.restarted(peer, read.at), desk.limits.answerMs);
      counts.restarts++;
    } else if (read.why === 'incomplete') counts['incomplete-accounting']++;
  } catch (error) {
    counts['not-kept']++;
    if (desk.seldom('report', desk.clock()))
      desk.log.error({ err: error }, 'an accounting report could not be kept');
    return null;
  }
  counts.accounted++;
  return respond(desk, packet, peer, { code: codes.accountingResponse, list: [] }, tls);
}

export function status(desk: Desk, packet: Packet, peer: Peer, acct: boolean): Buffer | null {
  desk.counts.status++;
  const code = acct ? codes.accountingResponse : codes.accessAccept;
  return respond(desk, packet, peer, { code, list: [] });
}
