/** Traccar Client and the OsmAnd protocol: GET or POST, the token where they have the device's name. */
import { z } from 'zod';
import type { AnyRoute, SentParts } from '../../http/route.ts';
import type { PingDeps } from './door.ts';
import { route } from '../../http/route.ts';
import { text } from '../ping.ts';
import { osmAndToken, parseOsmAnd } from '../protocols/osmand.ts';
import { readMessage } from '../protocols/message.ts';
import { SMALL, tag, takeIn } from './door.ts';

const value = (words: string) => z.unknown().optional().describe(words);
const query = z.looseObject({
  id: value('The device token (also `deviceid`).'),
  token: value('The device token, when `id` is used for something else.'),
  lat: value('Latitude in degrees; with `lon` or together as `location=lat,lon`.'),
  lon: value('Longitude in degrees.'),
  timestamp: value(
    'Seconds or milliseconds since 1970, ISO 8601, or `yyyy-MM-dd HH:mm:ss` in UTC.',
  ),
  accuracy: value('Accuracy in metres.'),
  speed: value('Speed in knots.'),
  batt: value('Battery in percent.'),
  wifi: value('Access point heard, `aa-bb-cc-dd-ee-ff,-70`; may come several times.'),
  valid: value('`false`: the phone does not believe the position itself.'),
});
const body = z.unknown().optional().describe('A form with the same names, or JSON.');
const tokenParam = z.object({ token: z.string().max(200).describe('Device token.') });
const example = {
  location: {
    timestamp: '2026-11-21T10:00:00Z',
    coords: { latitude: 30.2741, longitude: 120.1551, accuracy: 8, speed: 0.3 },
    is_moving: true,
  },
};

/** In the address of the door, or where the protocol has its device's name. */
function tokenOf({ params, query: asked, body: sent }: SentParts): string | null {
  return text(params['token'], 200) ?? osmAndToken(readMessage({ ...asked }, sent));
}

function osmAndRoute(deps: PingDeps, method: 'get' | 'post', path: string): AnyRoute {
  return route({
    method,
    path,
    summary: 'Traccar Client and the OsmAnd protocol',
    description:
      'Positions in the address, a form, a JSON object of Traccar Client 9 or a list of them. The answer is empty. What holds no position is counted and answered with 200; only a wrong token is a 401. Credentials: the device token as `id`, as the last part of the address, as `?token=`, or in a header.',
    tag,
    access: 'device',
    ...(path.includes(':') ? { params: tokenParam } : {}),
    query,
    ...(method === 'post' ? { body } : {}),
    bodyLimit: SMALL,
    textBody: true,
    tokenIn: tokenOf,
    replyAs: 'empty',
    reply: z.object({}),
    example: { body: example, reply: {} },
    handler: async ({ caller, query: asked, headers, ...rest }) => {
      const message = readMessage(asked, (rest as { body?: unknown }).body);
      const parsed = parseOsmAnd(message, headers['user-agent'] ?? '', deps.clock());
      await takeIn(deps, 'osmand', caller, parsed);
      return {};
    },
  });
}

export function osmAndRoutes(deps: PingDeps): AnyRoute[] {
  return ['/osmand', '/v1/osmand', '/osmand/:token'].flatMap((path) => [
    osmAndRoute(deps, 'get', path),
    osmAndRoute(deps, 'post', path),
  ]);
}
