/** GPSLogger takes its settings from a file: what stands in it, and the short-lived address it has. */
import { seal, unseal } from '../ids.ts';
import type { SetupInput } from './setup.ts';

const purpose = 'gpslogger settings';
const HOUR = 3_600_000;

/** PURE. What GPSLogger fills in by itself. */
const placeholders =
  'lat=%LAT&lon=%LON&timestamp=%TIMESTAMP&acc=%ACC&spd=%SPD&batt=%BATT&ischarging=%ISCHARGING&prov=%PROV&hdop=%HDOP';

/** PURE. The settings file: where to send, as whom, and once a minute. */
export function gpsLoggerProperties({ publicUrl, deviceId, token }: SetupInput): string {
  const settings = {
    log_customurl_enabled: 'true',
    log_customurl_url: `${publicUrl}/gpslogger`,
    log_customurl_method: 'POST',
    log_customurl_body: placeholders,
    log_customurl_headers: 'Content-Type: application/x-www-form-urlencoded',
    log_customurl_basicauth_username: deviceId,
    log_customurl_basicauth_password: token,
    log_customurl_discard_offline_locations_enabled: 'false',
    autocustomurl_enabled: 'true',
    time_before_logging: '30',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return `${lines.join('\n')}\n`;
}

/** An address part that stands for this token until an hour from now. */
function newGrant(secret: Buffer, token: string, now: number): string {
  return seal(secret, purpose, '', JSON.stringify({ token, until: now + HOUR })).toString(
    'base64url',
  );
}

/** The token of a grant that is still good; else null. */
export function openGrant(secret: Buffer, grant: string, now: number): { token: string } | null {
  const text = unseal(secret, purpose, '', Buffer.from(grant, 'base64url'));
  if (text === null) return null;
  const { token, until } = JSON.parse(text) as { token: string; until: number };
  return until > now ? { token } : null;
}

const placeOf = (input: GrantInput): string =>
  `${input.publicUrl}/v1/setup/gpslogger/${newGrant(input.secret, input.token, input.now)}`;

type GrantInput = SetupInput & { secret: Buffer; now: number };

/** The link that hands GPSLogger its settings; it must be followed from a page. */
export function gpsLoggerLink(input: GrantInput): string {
  return `gpslogger://properties/${placeOf(input)}/foyer.properties`;
}

/** Where a scanned code leads: a page with that link, since cameras do not follow it. */
export function gpsLoggerPage(input: GrantInput): string {
  return placeOf(input);
}

const words = {
  en: ['Set up GPSLogger', 'Install GPSLogger first, then tap:', 'Hand over the settings'],
  'zh-CN': ['设置 GPSLogger', '请先安装 GPSLogger，然后点按：', '导入设置'],
} as const;

/** PURE. The page behind the code: one link, no script, nothing from outside. */
export function gpsLoggerPageHtml(publicUrl: string, grant: string, languages: string): string {
  const language = /^\s*zh/i.test(languages) ? 'zh-CN' : 'en';
  const [title, lead, action] = words[language];
  const link = `gpslogger://properties/${publicUrl}/v1/setup/gpslogger/${encodeURIComponent(grant)}/foyer.properties`;
  return `<!doctype html>
<html lang="${language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:30em;padding:40px 24px;color-scheme:light dark}a{display:block;padding:12px;border-radius:6px;background:#0b57d0;color:#fff;text-align:center;text-decoration:none;font-weight:600}</style>
<h1>${title}</h1><p>${lead}</p><p><a href="${link.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}">${action}</a></p>
</html>
`;
}
