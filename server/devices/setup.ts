/** Links and QR codes that set up a tracker app for one device. */
import QRCode from 'qrcode';

export interface AppSetup {
  app: 'owntracks' | 'overland';
  /** Opens the app and fills in its settings. Holds the token: show it once, never log it. */
  link: string;
  /** The link as an SVG QR code. */
  qr: string;
}

export interface DeviceSetup {
  /** Address for Foyer's own batches. */
  pingUrl: string;
  apps: AppSetup[];
}

export interface SetupInput {
  /** How phones reach this server, without a slash at the end. */
  publicUrl: string;
  deviceId: string;
  token: string;
}

/** PURE. OwnTracks takes base64 in the standard alphabet, with `+` and `=` percent-encoded. */
export function ownTracksLink({ publicUrl, deviceId, token }: SetupInput): string {
  const short = deviceId.replaceAll('-', '').slice(-8);
  const configuration = {
    _type: 'configuration',
    mode: 3,
    url: `${publicUrl}/owntracks`,
    auth: true,
    username: deviceId,
    password: token,
    deviceId: short,
    tid: short.slice(-2),
    monitoring: 1,
  };
  const inline = Buffer.from(JSON.stringify(configuration)).toString('base64');
  return `owntracks:///config?inline=${inline.replaceAll('+', '%2B').replaceAll('=', '%3D')}`;
}

/** PURE. */
export function overlandLink({ publicUrl, deviceId, token }: SetupInput): string {
  const part = encodeURIComponent;
  const short = deviceId.replaceAll('-', '').slice(-8);
  return `overland://setup?url=${part(`${publicUrl}/overland`)}&token=${part(token)}&device_id=${short}&unique_id=yes`;
}

/** Everything a person needs to put this device on the air. */
export async function deviceSetup(input: SetupInput): Promise<DeviceSetup> {
  const links = [
    { app: 'owntracks' as const, link: ownTracksLink(input) },
    { app: 'overland' as const, link: overlandLink(input) },
  ];
  return {
    pingUrl: `${input.publicUrl}/v1/pings`,
    apps: await Promise.all(links.map(async (each) => ({ ...each, qr: await svg(each.link) }))),
  };
}

function svg(text: string): Promise<string> {
  return QRCode.toString(text, { type: 'svg', errorCorrectionLevel: 'M', margin: 2 });
}
