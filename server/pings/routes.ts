/** The doors for pings, one file per protocol in doors/. Each answers once the pings are durable. */
import type { AnyRoute } from '../http/route.ts';
import type { PingDeps } from './doors/door.ts';
import { backgroundRoutes } from './doors/background-geolocation.ts';
import { gpsLoggerRoutes } from './doors/gpslogger.ts';
import { nativeRoutes } from './doors/native.ts';
import { osmAndRoutes } from './doors/osmand.ts';
import { overlandRoutes } from './doors/overland.ts';
import { ownTracksRoutes } from './doors/owntracks.ts';
import { radarRoutes } from './doors/radar.ts';
import { webhookRoutes } from './doors/webhook.ts';

export function pingRoutes(deps: PingDeps & { publicUrl?: string }): AnyRoute[] {
  return [
    ...nativeRoutes(deps),
    ...webhookRoutes(deps),
    ...ownTracksRoutes(deps),
    ...overlandRoutes(deps),
    ...osmAndRoutes(deps),
    ...gpsLoggerRoutes(deps),
    ...backgroundRoutes(deps),
    ...radarRoutes(deps),
  ];
}
