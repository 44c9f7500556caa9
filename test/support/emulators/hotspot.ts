/** What emulated hotspots that ask RADIUS have in common: a door for each guest, and the book of who is inside. */
import type { ServerResponse } from 'node:http';
import type { Passwords } from './authority.ts';
import { authorityFor } from './authority.ts';
import type { Door } from './doors.ts';
import { openDoor } from './doors.ts';
import type { EmulatedClient, Emulator, EmulatorOptions } from './emulator.ts';
import type { Nas, NasClient, NasOptions } from './nas.ts';
import { nasClient } from './nas.ts';

export interface HotspotOptions extends EmulatorOptions {
  /** In place of RADIUS. */
  passwords?: Passwords;
}

export interface HotspotEmulator extends Emulator {
  coaPort: number;
  clients: Map<string, NasClient>;
}

/** A guest, with what this kind of equipment remembers of each. */
export type HotspotGuest<Own> = NasClient & Own & { url: string; door: Door | null };

/** What one kind of equipment does its own way. */
export interface HotspotParts<Own> {
  nas: Pick<NasOptions, 'separator' | 'calledStation' | 'signs'>;
  fresh: () => Own;
  /** Somebody knocks at the door of this guest. */
  knock: (guest: HotspotGuest<Own>, url: URL, response: ServerResponse) => unknown;
  /** Where the browser of a guest who joins is sent. */
  redirect: (guest: HotspotGuest<Own>) => string;
}

export interface Hotspot<Own> {
  nas: Nas;
  known(mac: string): HotspotGuest<Own>;
  /** The guest asked to be let out. */
  logOff(guest: HotspotGuest<Own>): Promise<void>;
  emulator: HotspotEmulator;
}

const USER_REQUEST = 1;

export async function startHotspot<Own extends object>(
  options: HotspotOptions,
  parts: HotspotParts<Own>,
): Promise<Hotspot<Own>> {
  const guests = new Map<string, HotspotGuest<Own>>();
  const clients = () => guests.values();
  const nas = await authorityFor(options, { ...parts.nas, clients });
  const front = await openDoor((_url, response) => {
    response.writeHead(404);
    response.end('join first\n');
  }, options.port);

  function known(mac: string): HotspotGuest<Own> {
    const guest = guests.get(mac);
    if (guest === undefined) throw new Error(`nobody has joined as ${mac}`);
    return guest;
  }

  async function admitToNetwork({ mac, ip, url = '' }: EmulatedClient) {
    const guest: HotspotGuest<Own> = { ...nasClient(mac, ip), ...parts.fresh(), url, door: null };
    guest.door = await openDoor((where, response) => parts.knock(guest, where, response));
    guests.set(mac, guest);
    return guest;
  }

  async function logOff(guest: NasClient): Promise<void> {
    if (!guest.inside) return;
    guest.inside = false;
    await nas.account(guest, 'stop', USER_REQUEST);
  }

  const emulator: HotspotEmulator = {
    url: `http://127.0.0.1:${front.port}`,
    coaPort: nas.coaPort,
    clients: guests,
    async join(joining) {
      const guest = guests.get(joining.mac) ?? (await admitToNetwork(joining));
      Object.assign(guest, { ip: joining.ip, url: joining.url ?? guest.url });
      return parts.redirect(guest);
    },
    inside: (mac) => guests.get(mac)?.inside === true,
    leave: (mac) => logOff(known(mac)),
    traffic(mac, bytesIn, bytesOut) {
      const guest = known(mac);
      guest.bytesIn += bytesIn;
      guest.bytesOut += bytesOut;
    },
    async tick() {
      const inside = [...guests.values()].filter((guest) => guest.inside);
      await Promise.all(inside.map((guest) => nas.account(guest, 'interim')));
    },
    async close() {
      const doors = [...guests.values()].flatMap(({ door }) => (door === null ? [] : [door]));
      await Promise.all(doors.map((door) => door.close()));
      await front.close();
      await nas.close();
    },
  };
  return { nas, known, logOff, emulator };
}
