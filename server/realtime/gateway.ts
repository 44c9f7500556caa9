/** The socket.io server: authenticated joins, catch-up after a reconnect, delivery to rooms. */
import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import type { Socket } from 'socket.io';
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { eventsAfter, newestPosition } from '../events/outbox.ts';
import type { DomainEvent } from '../events/types.ts';
import type { DeviceCaller, MerchantCaller } from '../http/route.ts';
import { ProblemError, problem } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ClientToServer, ServerToClient, SocketFacts, SocketPlace } from './messages.ts';
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
  /** Ends the sockets of those who signed out or were revoked; runs by itself each minute. */
  recheck(): Promise<void>;
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
    admit(socket, deps).then(
      () => next(),
      (error: unknown) => next(new Error(isRefusal(error) ? 'unauthenticated' : 'unavailable')),
    );
  });
  // Rooms only from here on: what is sent to a socket that is not connected yet is lost.
  io.on('connection', (socket) => {
    enter(socket, deps).catch((error: unknown) => {
      deps.log.error({ err: error }, 'a socket could not be caught up');
      // Not a refusal: a client whose transport closes tries again by itself.
      socket.conn.close();
    });
  });
  const recheck = (): Promise<void> => dropRevoked(io, deps.log);
  const timer = setInterval(() => void recheck(), recheckMs);
  timer.unref();
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
    recheck,
    async close() {
      clearInterval(timer);
      await io.close();
    },
  };
}

/** A browser page of another site must not ride on the staff cookie; apps send no Origin. */
function sameOrigin(headers: { origin?: string | undefined; host?: string | undefined }): boolean {
  if (!headers.origin) return true;
  return URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
}

/** Whether somebody was turned away, as opposed to storage being in trouble. */
function isRefusal(error: unknown): boolean {
  return error instanceof z.ZodError || (error instanceof ProblemError && error.status < 500);
}

/** Recognises who joins and notes what they will hear. */
async function admit(socket: FoyerSocket, deps: RealtimeDeps): Promise<void> {
  const asked = joinSchema.parse(socket.handshake.auth);
  const allowed =
    asked.kind === 'staff'
      ? () => staffPlace(socket, deps, asked.storeId)
      : () => devicePlace(deps, asked.token);
  socket.data.place = await allowed();
  socket.data.after = asked.after;
  const rooms = socket.data.place.rooms.join();
  socket.data.standing = () =>
    allowed().then(
      (place) => (place.rooms.join() === rooms ? 'same' : 'moved'),
      // Storage in trouble is no reason to send everybody away.
      (error: unknown) => (isRefusal(error) ? 'refused' : 'same'),
    );
}

async function staffPlace(
  socket: FoyerSocket,
  deps: RealtimeDeps,
  storeId: string,
): Promise<SocketPlace> {
  const { merchantId } = await deps.staff(socket.handshake.headers);
  if (!(await deps.ownsStore(merchantId, storeId))) throw problem('not-found');
  return {
    merchantId,
    audience: 'staff',
    rooms: [storeRoom(merchantId, storeId)],
    filter: { storeId, types: staffTypes },
  };
}

async function devicePlace(deps: RealtimeDeps, token: string): Promise<SocketPlace> {
  const { merchantId, deviceId, guestId } = await deps.device(token);
  return {
    merchantId,
    audience: 'subject',
    rooms: [deviceRoom(merchantId, deviceId), ...(guestId ? [guestRoom(merchantId, guestId)] : [])],
    filter: { deviceId, ...(guestId ? { guestId } : {}), types: subjectTypes },
  };
}

/** Joins first, then sends what was missed: an event in between comes twice, never not at all. */
async function enter(socket: FoyerSocket, deps: RealtimeDeps): Promise<void> {
  const { place, after } = socket.data;
  await socket.join(place.rooms);
  const { missed, position } = await deps.db.tx(
    async (tx) => ({
      // Before the events: a cursor must never be ahead of what was read.
      position: await newestPosition(tx, place.merchantId),
      missed:
        after === undefined
          ? []
          : await eventsAfter(tx, place.merchantId, after, place.filter, catchUpLimit + 1),
    }),
    { tenant: place.merchantId, readOnly: true },
  );
  const complete = missed.length <= catchUpLimit;
  for (const event of missed.slice(0, catchUpLimit)) {
    socket.emit('event', toMessage(event, place.audience));
  }
  const reached = complete ? position : missed[catchUpLimit - 1]!.position;
  socket.emit('caught-up', { position: Math.max(reached, after ?? 0), complete });
}

/** Sign-outs and revoked tokens end their sockets; who belongs to another guest now comes in again. */
async function dropRevoked(io: FoyerServer, log: Log): Promise<void> {
  for (const socket of io.sockets.sockets.values()) {
    const standing = await socket.data.standing();
    if (standing === 'same') continue;
    if (standing === 'moved') socket.conn.close();
    else socket.disconnect(true);
    log.info({ socket: socket.id, standing }, 'socket closed by the recheck');
  }
}
