/** The address that a phone's RFC 8908 question goes to, made for the network that hands it out. */
import { z } from 'zod';
import type { Database } from '../db/database.ts';
import { problem } from '../errors.ts';
import type { AnyRoute } from '../http/route.ts';
import { route } from '../http/route.ts';
import { clientKeyOf, clientKeys } from '../sessions/client-key.ts';
import { storeById } from '../stores/queries.ts';

export interface CapportDeps {
  db: Database;
  /** The installation's secret. */
  secret: Buffer;
  /** How guests reach this server, without a slash at the end. */
  publicUrl: string;
}

const mac = z
  .string()
  .regex(/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i, 'must look like 02:00:00:00:00:01')
  .transform((text) => text.toLowerCase().replaceAll('-', ':'));

export function capportRoutes({ db, secret, publicUrl }: CapportDeps): AnyRoute[] {
  return [
    route({
      method: 'post',
      path: '/v1/stores/:id/capport',
      summary: 'The captive-portal API address of one client',
      description:
        'For a DHCP server’s lease hook: hand the address out as option 114 (DHCPv6 103, router advertisements 37; RFC 8910). It differs by client and store and stays the same. Whoever has it sees whether the client is inside and its offers, so give it to that client only.',
      tag: 'Guests',
      access: 'guests:read',
      params: z.object({ id: z.uuid().describe('Store id.') }),
      body: z.strictObject({ mac: mac.describe('Hardware address of the client.') }),
      reply: z.object({ url: z.string().describe('Answers as RFC 8908 says.') }),
      example: {
        body: { mac: '02:00:00:00:00:01' },
        reply: { url: 'https://wifi.example/capport/harbour-cafe/q1Yl…' },
      },
      handler: async ({ caller: { merchantId }, params, body }) => {
        const store = await db.tx((tx) => storeById(tx, merchantId, params.id), {
          tenant: merchantId,
          readOnly: true,
        });
        if (!store) throw problem('not-found');
        const key = clientKeyOf(clientKeys(secret), store.id, body.mac);
        return { url: `${publicUrl}/capport/${store.slug}/${key}` };
      },
    }),
  ];
}
