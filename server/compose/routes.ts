/** Every API route of the house, as one list: served by the app, printed as the OpenAPI document. */
import { accessVoucherRoutes } from '../access-vouchers/routes.ts';
import { consentRoutes } from '../consents/routes.ts';
import { approvalRoutes } from '../approvals/routes.ts';
import { memberRoutes } from '../members/routes.ts';
import { analyticsRoutes } from '../analytics/routes.ts';
import { codeRoutes } from '../codes/routes.ts';
import { deviceRoutes } from '../devices/routes.ts';
import { datumCheckRoutes } from '../fences/datum-check-routes.ts';
import { fenceRoutes } from '../fences/routes.ts';
import { capportRoutes } from '../guests/capport-routes.ts';
import { guestRoutes } from '../guests/routes.ts';
import type { AnyRoute } from '../http/route.ts';
import { offerRoutes } from '../offers/routes.ts';
import { pingRoutes } from '../pings/routes.ts';
import { eventRoutes } from '../realtime/routes.ts';
import { ruleRoutes } from '../rules/routes.ts';
import { sessionRoutes } from '../sessions/routes.ts';
import { storeRoutes } from '../stores/routes.ts';
import { rerunRoutes } from '../visits/rerun-routes.ts';
import { visitRoutes } from '../visits/routes.ts';
import { whyRoutes } from '../visits/why-routes.ts';
import type { Services } from './services.ts';

export function apiRoutes(services: Services): AnyRoute[] {
  return [
    ...pingRoutes(services),
    ...deviceRoutes(services),
    ...fenceRoutes(services),
    ...datumCheckRoutes(services),
    ...visitRoutes(services),
    ...whyRoutes(services),
    ...rerunRoutes(services),
    ...storeRoutes(services),
    ...sessionRoutes(services),
    ...guestRoutes(services),
    ...capportRoutes(services),
    ...consentRoutes(services),
    ...accessVoucherRoutes(services),
    ...memberRoutes(services),
    ...approvalRoutes(services),
    ...codeRoutes(services),
    ...offerRoutes(services),
    ...ruleRoutes(services),
    ...analyticsRoutes(services),
    ...eventRoutes(services),
  ];
}
