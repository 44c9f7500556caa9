/** The socket.io server: authenticated joins, catch-up after a reconnect, delivery to rooms. */
import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import type { Socket } from 'socket.io';
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { eventsAfter, newestPosition } from '../events/outbox.ts';
import type { FeedFilter } from '../events/outbox.ts';
import type { DomainEvent } from '../events/types.ts';
import type { DeviceCaller, MerchantCaller } from '../http/route.ts';
import type { Log } from '../log.ts';
import type { ClientToServer, ServerToClient, SocketFacts } from './messages.ts';
import { staffTypes, subjectTypes, toMessage } from './messages.ts';
import { deviceRoom, guestRoom, storeRoom } from './rooms.ts';

type FoyerSocket = Socket<ClientToServer, ServerToClient, Record<string, never>, SocketFacts>;
type FoyerServer = Server<ClientToServer, ServerToClient, Record<string, never>, SocketFacts>;

export interface RealtimeDeps {
  db: Database;
  log: Log;
  /** Recognises a staff sign-in from the handshake's headers, allowed to read events; throws otherwise. */
  staff(headers: Record<string, string | string[] | undefined>): Promise<MerchantCaller>;
  device(token: string): Promise<DeviceCaller>;
  /** Whether the store is one of this merchant's. */
  ownsStore(merchantId: string, storeId: string): Promise<boolean>;
}

export interface Realtime {
  /** Subscriber of the dispatcher. */
  deliver(event: DomainEvent): Promise<void>;
  connections(): number;
  close(): Promise<void>;
}

/** Beyond this a client is told to reload over HTTP instead of being flooded. */
const catchUpLimit = 1_000;
const recheckMs = 60_000;
const maxConnections = 10_000;

const joinSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('staff'), storeId: z.uuid(), after: z.int().min(0).optional() }),
  z.object({
    kind: z.literal('device'),
    token: z.string().max(200),
    after: z.int().min(0).optional(),
  }),
]);

export function createRealtime(server: HttpServer, deps: RealtimeDeps): Realtime {
  const io: FoyerServer = new Server(server, {
    path: '/live',
    serveClient: false,
    maxHttpBufferSize: 16 * 1024,
    connectTimeout: 10_000,
    allowRequest: (request, answer) => {
      answer(null, io.engine.clientsCount < maxConnections && sameOrigin(request.headers));
    },
  });
  io.use((socket, next) => {
    join(socket, deps).then(
      () => next(),
      () => next(new Error('unauthenticated')),
    );
  });
  const recheck = setInterval(() => void dropRevoked(io, deps.log), recheckMs);
  recheck.unref();
  return {
    async deliver(event) {
      if (event.storeId && staffTypes.includes(event.type)) {
        io.to(storeRoom(event.merchantId, event.storeId)).emit('event', toMessage(event, 'staff'));
      }
      if (!subjectTypes.includes(event.type)) return;
      const rooms = [
        ...(event.guestId ? [guestRoom(event.merchantId, event.guestId)] : []),
        ...(event.deviceId ? [deviceRoom(event.merchantId, event.deviceId)] : []),
      ];
      if (rooms.length > 0) io.to(rooms).emit('event', toMessage(event, 'subject'));
    },
    connections: () => io.engine.clientsCount,
    async close() {
      clearInterval(recheck);
      await io.close();
    },
  };
}

/** A browser page of another site must not ride on the staff cookie; apps send no Origin. */
function sameOrigin(headers: { origin?: string | undefined; host?: string | undefined }): boolean {
  if (!headers.origin) return true;
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}

async function join(socket: FoyerSocket, deps: RealtimeDeps): Promise<void> {
  const asked = joinSchema.parse(socket.handshake.auth);
  if (asked.kind === 'staff') await joinStaff(socket, deps, asked.storeId, asked.after);
  else await joinDevice(socket, deps, asked.token, asked.after);
}

async function joinStaff(
  socket: FoyerSocket,
  deps: RealtimeDeps,
  storeId: string,
  after: number | undefined,
): Promise<void> {
  const allowed = async () => {
    const caller = await deps.staff(socket.handshake.headers);
    if (!(await deps.ownsStore(caller.merchantId, storeId))) throw new Error('not this store');
    return caller;
  };
  const { merchantId } = await allowed();
  await enter(
    socket,
    deps,
    [storeRoom(merchantId, storeId)],
    { merchantId, audience: 'staff', after },
    allowed,
    {
      storeId,
      types: staffTypes,
    },
  );
}

async function joinDevice(
  socket: FoyerSocket,
  deps: RealtimeDeps,
  token: string,
  after: number | undefined,
): Promise<void> {
  const allowed = () => deps.device(token);
  const { merchantId, deviceId, guestId } = await allowed();
  const rooms = [
    deviceRoom(merchantId, deviceId),
    ...(guestId ? [guestRoom(merchantId, guestId)] : []),
  ];
  await enter(socket, deps, rooms, { merchantId, audience: 'subject', after }, allowed, {
    deviceId,
    ...(guestId ? { guestId } : {}),
    types: subjectTypes,
  });
}

/** Joins first, then sends what was missed: an event in between comes twice, never not at all. */
async function enter(
  socket: FoyerSocket,
  deps: RealtimeDeps,
  rooms: string[],
  who: { merchantId: string; audience: 'staff' | 'subject'; after: number | undefined },
  allowed: () => Promise<unknown>,
  filter: FeedFilter,
): Promise<void> {
  socket.data.merchantId = who.merchantId;
  socket.data.stillAllowed = () =>
    allowed().then(
      () => true,
      () => false,
    );
  await socket.join(rooms);
  const { missed, position } = await deps.db.tx(
    async (tx) => ({
      missed:
        who.after === undefined
          ? []
          : await eventsAfter(tx, who.merchantId, who.after, filter, catchUpLimit + 1),
      position: await newestPosition(tx, who.merchantId),
    }),
    { tenant: who.merchantId, readOnly: true },
  );
  const complete = missed.length <= catchUpLimit;
  for (const event of missed.slice(0, catchUpLimit)) {
    socket.emit('event', toMessage(event, who.audience));
  }
  const reached = complete ? position : missed[catchUpLimit - 1]!.position;
  socket.emit('caught-up', { position: Math.max(reached, who.after ?? 0), complete });
}

/** Sign-outs and revoked tokens end their sockets within a minute. */
async function dropRevoked(io: FoyerServer, log: Log): Promise<void> {
  for (const socket of await io.fetchSockets()) {
    if (await socket.data.stillAllowed()) continue;
    socket.disconnect(true);
    log.info({ socket: socket.id }, 'socket closed: no longer allowed');
  }
}
