/** Shapes of devices over the API: what is sent, what is answered, and a row as it is answered. */
import { z } from 'zod';
import type { DeviceRow } from './queries.ts';
import { LONGEST_PASSPHRASE } from './passphrase.ts';
import { appNames } from './setup.ts';

const nameText = z
  .string()
  .trim()
  .min(1)
  .max(120)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters');

const passphraseText = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= LONGEST_PASSPHRASE, 'must not exceed 32 bytes')
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'must not hold control characters');

export const createBody = z.object({
  name: nameText.describe('What people call the device, 1 to 120 characters.'),
  guestId: z.uuid().nullish().describe('Guest who carries it; visits and offers become theirs.'),
  marketingConsent: z
    .boolean()
    .default(false)
    .describe('Whether the owner of the app agreed to offers; counts while no guest is linked.'),
  passphrase: passphraseText
    .nullish()
    .describe('OwnTracks’ encryption key, at most 32 bytes; kept sealed and never shown again.'),
  waypoints: z
    .boolean()
    .default(false)
    .describe('Whether the fences around it are pushed to OwnTracks as its own regions.'),
});
export const changeBody = z.object({
  name: nameText.optional().describe('New name.'),
  guestId: z.uuid().nullable().optional().describe('Guest to link; null unlinks.'),
  marketingConsent: z.boolean().optional().describe('Gives or withdraws the app’s own agreement.'),
  passphrase: passphraseText
    .nullable()
    .optional()
    .describe('New encryption key for OwnTracks; null: it sends in the clear from now on.'),
  waypoints: z
    .boolean()
    .optional()
    .describe('Whether fences are pushed to it. Setting it sends them all again.'),
});
export const idParams = z.object({ id: z.uuid().describe('Device id.') });

export const deviceReply = z.object({
  id: z.uuid().describe('Device id.'),
  name: z.string().describe('What people call the device.'),
  guestId: z.uuid().nullable().describe('Guest who carries it.'),
  marketingConsentAt: z.iso
    .datetime()
    .nullable()
    .describe('When the app’s owner agreed to offers.'),
  createdAt: z.iso.datetime().describe('When it was made.'),
  lastPingAt: z.iso
    .datetime()
    .nullable()
    .describe('When it last sent something, to the nearest half minute.'),
  lastApp: z.string().nullable().describe('Protocol it last spoke.'),
  revokedAt: z.iso.datetime().nullable().describe('When its token stopped working.'),
  encrypted: z.boolean().describe('Whether it has a passphrase for encrypted messages.'),
  waypoints: z.boolean().describe('Whether fences are pushed to it.'),
});
export const setupReply = z.object({
  device: deviceReply.describe('The device.'),
  token: z.string().describe('The device token. It is shown now and never again.'),
  setup: z
    .object({
      pingUrl: z.string().describe('Address for batches in Foyer’s own format.'),
      apps: z
        .array(
          z.object({
            app: z.enum(appNames).describe('App the link is for.'),
            link: z.string().describe('Link that configures the app; holds the token.'),
            qr: z.string().describe('QR code as SVG: the link, or what the app itself scans.'),
          }),
        )
        .describe('Ready-made settings for tracker apps.'),
      mqtt: z
        .object({
          host: z.string().describe('Host of the broker.'),
          port: z.int().describe('Port of the broker.'),
          tls: z.boolean().describe('Whether it is reached over TLS.'),
          username: z.string().describe('The device id; the token is the password.'),
          topic: z.string().describe('Topic the app publishes to.'),
          account: z
            .string()
            .describe('Line of mosquitto’s password file that lets this device in.'),
        })
        .nullable()
        .describe('How to publish over MQTT; null when no broker is configured.'),
    })
    .describe('How to put the device on the air.'),
});
export const listQuery = z.object({
  guestId: z.uuid().optional().describe('Only devices of this guest.'),
  revoked: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Whether revoked devices are listed too.'),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Devices per page.'),
  cursor: z.string().max(200).optional().describe('`next` of the page before.'),
});
export const listReply = z.object({
  devices: z.array(deviceReply).describe('Devices, newest first.'),
  next: z.string().nullable().describe('Cursor of the next page; null at the end.'),
});

export const exampleDevice = {
  id: '01933b2e-8f00-7000-8000-00000000000d',
  name: 'Till tablet',
  guestId: null,
  marketingConsentAt: null,
  createdAt: '2026-11-21T10:00:00.000Z',
  lastPingAt: null,
  lastApp: null,
  revokedAt: null,
  encrypted: false,
  waypoints: false,
};
export const exampleSetup = {
  device: exampleDevice,
  token: 'fd_zW3k0example0token0of0a0device00',
  setup: {
    pingUrl: 'https://foyer.example/v1/pings',
    apps: [{ app: 'overland' as const, link: 'overland://setup?url=…', qr: '<svg …/>' }],
    mqtt: null,
  },
};

function iso(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}

/** A row as the API shows it. */
export function present(row: DeviceRow) {
  return {
    id: row.id,
    name: row.name,
    guestId: row.guest_id,
    marketingConsentAt: iso(row.marketing_consent_at),
    createdAt: row.created_at.toISOString(),
    lastPingAt: iso(row.last_ping_at),
    lastApp: row.last_app,
    revokedAt: iso(row.revoked_at),
    encrypted: row.encrypted,
    waypoints: row.waypoints,
  };
}
