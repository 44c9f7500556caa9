/** PURE. RFC 8910: how a network's own DHCP and router advertisements tell clients of the portal's API. */
import { dhcpdString, routerOs, shellWord } from './quote.ts';

export type DhcpServer = 'dnsmasq' | 'openwrt' | 'isc-dhcpd' | 'kea' | 'mikrotik';

export interface CapportFile {
  server: DhcpServer;
  content: string;
}

/** DHCPv4 option 114, DHCPv6 option 103, router advertisements option 37. */
export const OPTIONS = { dhcp4: 114, dhcp6: 103, ra: 37 } as const;

/** RFC 8910 section 2: an option of DHCPv4 holds 255 octets, and the API is only ever https. */
export function fitForDhcp(apiUrl: string): boolean {
  return /^https:\/\/[\x21-\x7e]+$/.test(apiUrl) && apiUrl.length <= 255;
}

function kea(apiUrl: string): string {
  const option = (code: number, space: string) => ({
    'option-def': [{ name: 'captive-portal-api', code, space, type: 'string' }],
    'option-data': [
      { name: 'captive-portal-api', code, space, data: apiUrl.replaceAll(',', '\\,') },
    ],
  });
  const file = { Dhcp4: option(OPTIONS.dhcp4, 'dhcp4'), Dhcp6: option(OPTIONS.dhcp6, 'dhcp6') };
  return JSON.stringify(file, null, 2);
}

/**
 * The same address for every client of the network: right where the portal sees clients' own addresses
 * or the gateway fills in placeholders. Null when the address cannot be handed out.
 */
export function capportFiles(apiUrl: string): CapportFile[] | null {
  if (!fitForDhcp(apiUrl)) return null;
  const quoted = dhcpdString(apiUrl);
  return [
    {
      server: 'dnsmasq',
      content: [
        `dhcp-option-force=${OPTIONS.dhcp4},${apiUrl}`,
        `dhcp-option=option6:${OPTIONS.dhcp6},${apiUrl}`,
      ].join('\n'),
    },
    {
      server: 'openwrt',
      content: [
        `uci add_list dhcp.lan.dhcp_option_force=${shellWord(`${OPTIONS.dhcp4},${apiUrl}`)}`,
        `uci set dhcp.lan.captive_portal_uri=${shellWord(apiUrl)}`,
        'uci commit dhcp',
        'service dnsmasq restart',
        'service odhcpd restart',
      ].join('\n'),
    },
    {
      server: 'isc-dhcpd',
      content: [
        `option captive-portal-api code ${OPTIONS.dhcp4} = text;`,
        `option captive-portal-api ${quoted};`,
      ].join('\n'),
    },
    { server: 'kea', content: kea(apiUrl) },
    {
      server: 'mikrotik',
      content: [
        `/ip dhcp-server option add name=captive-portal-api code=${OPTIONS.dhcp4} value=${routerOs(`s'${apiUrl.replaceAll("'", '%27')}'`)}`,
        '/ip dhcp-server network set [find] dhcp-option=captive-portal-api',
      ].join('\n'),
    },
  ];
}

/** Octets of option 37 (RFC 8910 section 2.3): type, length in units of 8, the URI padded with NUL. */
export function raOption(apiUrl: string): Buffer {
  const uri = Buffer.from(apiUrl, 'ascii');
  const units = Math.ceil((uri.length + 2) / 8);
  if (units > 255) throw new RangeError('too long for a router advertisement');
  const option = Buffer.alloc(units * 8);
  option.set([OPTIONS.ra, units]);
  option.set(uri, 2);
  return option;
}
