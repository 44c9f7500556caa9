/** PURE. Equipment by the names people know it by, and the kind of gateway each is. */
import type { GatewayKind, VendorProfile } from '../../stores/gateway-schema.ts';

export interface Card {
  /** Its words stand below `gateway-new.cards.<key>`. */
  key: string;
  kind: GatewayKind;
  /** Whose RADIUS attributes it understands, where its kind leaves that open. */
  profile?: VendorProfile;
}

export interface Family {
  /** Its words stand below `gateway-new.families.<key>`. */
  key: string;
  cards: readonly Card[];
}

export const families: readonly Family[] = [
  {
    key: 'router',
    cards: [
      { key: 'opennds', kind: 'opennds' },
      { key: 'wifidog', kind: 'wifidog' },
      { key: 'apfree', kind: 'apfree' },
    ],
  },
  {
    key: 'hotspot',
    cards: [
      { key: 'mikrotik', kind: 'mikrotik' },
      { key: 'coova', kind: 'coova' },
    ],
  },
  {
    key: 'controller',
    cards: [
      { key: 'unifi', kind: 'unifi' },
      { key: 'meraki', kind: 'meraki' },
    ],
  },
  {
    key: 'portal2',
    cards: [
      { key: 'huawei', kind: 'portal2', profile: 'huawei' },
      { key: 'h3c', kind: 'portal2', profile: 'h3c' },
      { key: 'ruijie', kind: 'portal2', profile: 'plain' },
      { key: 'zte', kind: 'portal2', profile: 'plain' },
    ],
  },
  {
    key: 'radius',
    cards: [
      { key: 'aruba', kind: 'radius', profile: 'aruba' },
      { key: 'ruckus', kind: 'radius', profile: 'ruckus' },
      { key: 'cisco', kind: 'radius', profile: 'airespace' },
      { key: 'radius', kind: 'radius', profile: 'wispr' },
    ],
  },
  { key: 'try', cards: [{ key: 'pretend', kind: 'pretend' }] },
];

export function cardOf(key: string): Card | null {
  return families.flatMap((family) => family.cards).find((card) => card.key === key) ?? null;
}
