/** Which doors beside HTTP the settings open. */
import type { Config } from '../config.ts';

type Keys =
  | 'HOST'
  | 'RADIUS_PORT'
  | 'RADIUS_ACCT_PORT'
  | 'RADSEC_PORT'
  | 'RADSEC_CERT'
  | 'RADSEC_KEY'
  | 'RADSEC_CA'
  | 'PORTAL2_PORT';

/** The shape of portal/equipment.ts EquipmentSettings. */
export function equipmentSettings(config: Pick<Config, Keys>) {
  const { RADIUS_PORT: auth, RADSEC_PORT: tls, RADSEC_CERT: cert, RADSEC_KEY: key } = config;
  const next = auth === 0 ? 0 : (auth ?? 0) + 1;
  return {
    host: config.HOST,
    ...(auth === undefined
      ? {}
      : { radius: { authPort: auth, acctPort: config.RADIUS_ACCT_PORT ?? next } }),
    ...(tls === undefined || cert === undefined || key === undefined
      ? {}
      : {
          radsec: {
            port: tls,
            cert,
            key,
            ...(config.RADSEC_CA === undefined ? {} : { ca: config.RADSEC_CA }),
          },
        }),
    ...(config.PORTAL2_PORT === undefined ? {} : { portal2: { port: config.PORTAL2_PORT } }),
  };
}

/** Whether what a merchant registers may be this machine: where it is said, and where it is tried out. */
export function equipmentHere(config: Pick<Config, 'EQUIPMENT_HERE' | 'PUBLIC_URL'>): boolean {
  const { hostname } = new URL(config.PUBLIC_URL);
  return config.EQUIPMENT_HERE ?? /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}
