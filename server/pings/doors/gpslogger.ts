/** GPSLogger's custom URL, and the settings file that a link in a page hands to the app. */
import { z } from 'zod';
import type { AnyRoute, SentParts } from '../../http/route.ts';
import type { PingDeps } from './door.ts';
import { gpsLoggerPageHtml, gpsLoggerProperties, openGrant } from '../../devices/gpslogger.ts';
import { route } from '../../http/route.ts';
import { readMessage } from '../protocols/message.ts';
import { parseGpsLogger } from '../protocols/gpslogger.ts';
import { SMALL, tag, takeIn } from './door.ts';

const value = (words: string) => z.unknown().optional().describe(words);
const query = z.looseObject({
  token: value('The device token, when no header can carry it.'),
  lat: value('%LAT'),
  lon: value('%LON (also `longitude`).'),
  timestamp: value('%TIMESTAMP, or `time` with %TIME.'),
  acc: value('%ACC, metres.'),
  spd: value('%SPD, metres a second (also `s`); or `spd_kph` with %SPD_KPH.'),
  batt: value('%BATT, percent.'),
});
const body = z.unknown().optional().describe('A form with the same names, or JSON.');
const example = { lat: '30.2741', lon: '120.1551', timestamp: '1795255200', acc: '8', spd: '0.3' };
const methods = ['get', 'post', 'put', 'patch'] as const;

function customUrl(deps: PingDeps, method: (typeof methods)[number], path: string): AnyRoute {
  return route({
    method,
    path,
    summary: 'GPSLogger, custom URL',
    description:
      'The placeholders of GPSLogger in the address, a form (`%ALL` does both) or JSON. What holds no position is counted and answered with 200. Credentials: HTTP Basic with the device token as password, a header, or `?token=`.',
    tag,
    access: 'device',
    query,
    ...(method === 'get' ? {} : { body }),
    bodyLimit: SMALL,
    textBody: true,
    replyAs: 'empty',
    reply: z.object({}),
    example: { body: example, reply: {} },
    handler: async ({ caller, query: asked, ...rest }) => {
      const message = readMessage(asked, (rest as { body?: unknown }).body);
      await takeIn(deps, 'gpslogger', caller, parseGpsLogger(message, deps.clock()));
      return {};
    },
  });
}

/** Both addresses are their own credential, good for an hour. */
function setupRoutes({ clock, secret, publicUrl = '' }: PingDeps & { publicUrl?: string }) {
  const opened = (grant: unknown): string | null =>
    secret ? (openGrant(secret, String(grant), clock())?.token ?? null) : null;
  const shared = {
    method: 'get' as const,
    tag,
    access: 'device' as const,
    params: z.object({ grant: z.string().max(400).describe('Sealed token and time.') }),
    tokenIn: ({ params }: SentParts) => opened(params['grant']),
  };
  return [
    route({
      ...shared,
      path: '/v1/setup/gpslogger/:grant',
      summary: 'Page that hands GPSLogger its settings',
      description: 'What the code of a device’s page leads to; its one link opens the app.',
      replyAs: 'html',
      reply: z.string().describe('A page.'),
      example: { reply: '<!doctype html>…' },
      handler: ({ params, headers }) =>
        Promise.resolve(
          gpsLoggerPageHtml(publicUrl, params.grant, headers['accept-language'] ?? ''),
        ),
    }),
    route({
      ...shared,
      path: '/v1/setup/gpslogger/:grant/foyer.properties',
      summary: 'Settings file for GPSLogger',
      description: 'Fetched by the app when the link of a device’s page is followed.',
      replyAs: 'text',
      reply: z.string().describe('Properties, one on each line.'),
      example: { reply: 'log_customurl_enabled=true\n' },
      handler: ({ caller, params }) => {
        const token = opened(params.grant) ?? '';
        const { deviceId } = caller;
        return Promise.resolve(gpsLoggerProperties({ publicUrl, deviceId, token }));
      },
    }),
  ];
}

export function gpsLoggerRoutes(deps: PingDeps & { publicUrl?: string }): AnyRoute[] {
  const doors = ['/gpslogger', '/v1/gpslogger'].flatMap((path) =>
    methods.map((method) => customUrl(deps, method, path)),
  );
  return [...doors, ...setupRoutes(deps)];
}
