/** What staff are told about a gateway: how to set it up, in their language, and what it can and cannot do. */
import { capportPath } from './capport.ts';
import type { Gateways } from './gateways/all.ts';
import type { Capabilities } from './gateways/gateway.ts';
import type { PortalSettings } from './kit.ts';
import type { RegisteredGateway } from './ports-store.ts';
import { walledGarden } from './setup/garden.ts';
import type { SetupOptions, SetupPart, SetupStore } from './setup/parts.ts';
import { OPTIONS, fitForDhcp } from './setup/rfc8910.ts';
import { setupFor } from './setup/setup.ts';
import type { GuideLanguage, GuideWords } from './setup/words.ts';
import { guideWords, spoken } from './setup/words.ts';

/** A part of a guide, its sentences said. */
export type GuidePart =
  | { kind: 'step' | 'warning'; text: string }
  /** To be put on the equipment as it is; may hold secrets. */
  | { kind: 'file'; text: string; name: string; content: string }
  | { kind: 'values'; text: string; rows: GuideRow[] };

export interface GuideRow {
  label: string;
  value: string;
  /** Shown only when asked for. */
  secret: boolean;
}

export interface Guide {
  parts: GuidePart[];
  /** Hosts that guests must reach before they are let in. */
  garden: string[];
  /** RFC 8910: the address of the portal's API, with `<mac>` where the client's MAC goes. */
  capport: { url: string; fits: boolean; dhcp4: number; dhcp6: number; ra: number };
}

export interface Help {
  guide(gateway: RegisteredGateway, store: SetupStore, language: GuideLanguage): Guide;
  capabilities(gateway: RegisteredGateway): Capabilities;
}

function said(words: GuideWords, part: SetupPart): GuidePart {
  const text = spoken(words, part.text);
  if (part.kind === 'file') return { ...part, text };
  if (part.kind !== 'values') return { kind: part.kind, text };
  const rows = part.rows.map(({ label, value, secret }) => ({
    label: spoken(words, label),
    value,
    secret: secret === true,
  }));
  return { kind: 'values', text, rows };
}

/** `options`: how equipment reaches the doors that are no web pages. */
export function createHelp(
  gateways: Gateways,
  { publicUrl, secret }: Pick<PortalSettings, 'publicUrl' | 'secret'>,
  options: SetupOptions,
): Help {
  const known = new Map<GuideLanguage, GuideWords>();
  const wordsOf = (language: GuideLanguage): GuideWords => {
    const words = known.get(language) ?? guideWords(language);
    known.set(language, words);
    return words;
  };
  return {
    guide(gateway, store, language) {
      const words = wordsOf(language);
      const url = publicUrl + capportPath(secret, store.slug);
      const about = { ...options, capportUrl: url };
      return {
        parts: setupFor(gateway, store, publicUrl, about).map((part) => said(words, part)),
        garden: walledGarden(store, publicUrl, options.hosts),
        capport: { url: `${url}<mac>`, fits: fitForDhcp(`${url}00:00:00:00:00:00`), ...OPTIONS },
      };
    },
    capabilities: (gateway) => gateways.of(gateway.kind).capabilities(gateway),
  };
}
