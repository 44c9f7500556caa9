/** The generic door: a position from some other system, in Home Assistant's shape or flat. */
import { z } from 'zod';
import type { AnyRoute } from '../../http/route.ts';
import type { PingDeps } from './door.ts';
import { route } from '../../http/route.ts';
import { readMessage } from '../protocols/message.ts';
import { parseWebhook } from '../protocols/webhook.ts';
import { LARGE, tag, takeIn } from './door.ts';
import { batchReply } from './native.ts';

const example = {
  type: 'update_location',
  data: { gps: [30.2741, 120.1551], gps_accuracy: 8, battery: 80 },
};

export function webhookRoutes(deps: PingDeps): AnyRoute[] {
  return [
    route({
      method: 'post',
      path: '/v1/pings/webhook',
      summary: 'Positions from another system',
      description:
        'JSON or a form: Home Assistant’s `update_location`, a GeoJSON point, or flat fields under the usual names (`lat`/`latitude`, `lon`/`lng`/`longitude`, `accuracy`, `timestamp`, `speed` in m/s, `battery`, `bssid` …); a list of these, bare or under `pings`, `positions`, `locations`, `points`. Without a time it is now. What holds no position is counted under `ignored`. Credentials: a header, or `?token=`.',
      tag,
      access: 'device',
      body: z.unknown().optional().describe('The message.'),
      bodyLimit: LARGE,
      textBody: true,
      reply: z.object({
        ...batchReply,
        ignored: z
          .record(z.string(), z.int())
          .describe('Messages that held no position, counted by reason.'),
      }),
      example: {
        body: example,
        reply: { accepted: 1, duplicates: 0, refused: [], ignored: {} },
      },
      handler: async ({ caller, body, headers }) => {
        const message = readMessage({}, body);
        const parsed = parseWebhook(message, headers['user-agent'] ?? '', deps.clock());
        const result = await takeIn(deps, 'webhook', caller, parsed);
        return { ...result, ignored: parsed.ignored };
      },
    }),
  ];
}
