/** The cloud's side of Meraki click-through: a grant link per guest, followed by the browser. */
import { randomBytes } from 'node:crypto';
import { openDoor, sendTo } from './doors.ts';
import type { EmulatedClient, Emulator, EmulatorOptions } from './emulator.ts';

export interface MerakiEmulator extends Emulator {
  /** Seconds granted, by MAC; 0 when the link said nothing. */
  granted: Map<string, number>;
}

export async function startMeraki(options: EmulatorOptions): Promise<MerakiEmulator> {
  const { portal, slug, say = () => undefined } = options;
  const links = new Map<string, string>();
  const granted = new Map<string, number>();
  const cloud = await openDoor((url, response) => {
    const mac = links.get(url.pathname);
    if (mac === undefined) {
      response.writeHead(404);
      response.end();
      return;
    }
    granted.set(mac, Number(url.searchParams.get('duration') ?? 0));
    say(`${mac} is in`);
    sendTo(response, url.searchParams.get('continue_url') ?? 'http://example.com/');
  }, options.port);
  const base = `http://127.0.0.1:${cloud.port}`;

  return {
    url: base,
    granted,
    async join({ mac, ip, url = 'http://example.com/' }: EmulatedClient) {
      const path = `/splash/${randomBytes(6).toString('hex')}/grant`;
      links.set(path, mac);
      const query = new URLSearchParams({
        base_grant_url: `${base}${path}?hs=1`,
        user_continue_url: url,
        node_id: '149624921787028',
        node_mac: '88:15:44:50:0a:94',
        gateway_id: '149624921787029',
        client_ip: ip,
        client_mac: mac,
      });
      return `${portal}/p/${slug}?${query.toString()}`;
    },
    inside: (mac) => granted.has(mac),
    async leave(mac) {
      granted.delete(mac);
    },
    // The cloud counts for itself and tells nobody.
    traffic: () => undefined,
    tick: async () => undefined,
    close: () => cloud.close(),
  };
}
