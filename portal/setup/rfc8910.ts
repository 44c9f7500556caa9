/** PURE. RFC 8910: the numbers under which a network tells its clients of the portal's API, and what fits there. */

/** DHCPv4 option 114, DHCPv6 option 103, router advertisements option 37. */
export const OPTIONS = { dhcp4: 114, dhcp6: 103, ra: 37 } as const;

/** RFC 8910 section 2: an option of DHCPv4 holds 255 octets, and the API is only ever https. */
export function fitForDhcp(apiUrl: string): boolean {
  return /^https:\/\/[\x21-\x7e]+$/.test(apiUrl) && apiUrl.length <= 255;
}
