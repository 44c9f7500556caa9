/** A NAS that speaks RADIUS and sends nobody to our pages: known devices by their MAC, accounting, Disconnect. */
import type { Gateway } from './gateway.ts';
import { profiles } from '../radius/profiles.ts';

export const radiusOnly: Gateway = {
  capabilities({ radius }) {
    return {
      door: 'now',
      redirect: 'forgeable',
      limits: true,
      speed: radius !== undefined && profiles[radius.profile].speed,
      accounting: true,
      kick: radius?.coa === undefined && radius?.certificate === undefined ? 'never' : 'now',
      status: false,
      extend: false,
      knock: null,
    };
  },
  read: () => ({ kind: 'absent' }),
  open: async () => ({ kind: 'shut', reason: 'refused' }),
};
