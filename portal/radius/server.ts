/** RADIUS over UDP: one socket to ask at, one for accounting. */
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { unmapped } from './addresses.ts';
import type { Answers, Arrival } from './answers.ts';
import type { Counts } from './counts.ts';

/** Room for what arrives while one event is being worked on. */
const BUFFER_OCTETS = 4 * 1024 * 1024;

export interface RadiusServer {
  authPort: number;
  acctPort: number;
  close(): Promise<void>;
}

export interface ServerSettings {
  /** `0.0.0.0` takes IPv4 only, `::` both. */
  host: string;
  authPort: number;
  acctPort: number;
}

function serve(socket: Socket, door: Arrival['door'], answers: Answers, counts: Counts): void {
  const sent = (error: Error | null): void => {
    if (error !== null) counts['send-failed']++;
  };
  const heard = async (octets: Buffer, from: RemoteInfo): Promise<void> => {
    const { port } = from;
    const response = await answers.answer({ door, address: unmapped(from.address), port, octets });
    if (response === null) return;
    try {
      socket.send(response, port, from.address, sent);
    } catch {
      // Closed while the house was thinking.
      counts['send-failed']++;
    }
  };
  socket.on('message', (octets, from) => void heard(octets, from));
  // After it is bound a UDP socket reports what neighbours said of single packets: nothing to end for.
  socket.on('error', () => counts['send-failed']++);
}

function open(host: string, port: number): Promise<Socket> {
  const family = host.includes(':') ? 6 : 4;
  const socket = createSocket({
    type: `udp${family}`,
    // Answers go to addresses: nothing to look up, and no turn of the event loop lost to it.
    lookup: (name, _options, done) => {
      if (isIP(name) === 0) lookup(name, family, done);
      else done(null, name, family);
    },
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners('error');
      try {
        socket.setRecvBufferSize(BUFFER_OCTETS);
      } catch {
        // The system's own size serves as well, for fewer at a time.
      }
      resolve(socket);
    });
  });
}

const close = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.close(() => resolve());
  });

/** Opens both sockets, or none. */
export async function listenUdp(
  settings: ServerSettings,
  answers: Answers,
  counts: Counts,
): Promise<RadiusServer> {
  const auth = await open(settings.host, settings.authPort);
  let acct: Socket;
  try {
    acct = await open(settings.host, settings.acctPort);
  } catch (error) {
    await close(auth);
    throw error;
  }
  serve(auth, 'auth', answers, counts);
  serve(acct, 'acct', answers, counts);
  return {
    authPort: auth.address().port,
    acctPort: acct.address().port,
    async close() {
      await Promise.all([close(auth), close(acct)]);
    },
  };
}
