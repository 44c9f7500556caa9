/** PURE. What one-time codes are asked with, and the keyed hashes under which they are kept. */
import { networkOf } from '../http/network.ts';
import { deriveKey, keyedHash } from '../ids.ts';
import type { Language } from '../stores/words.ts';
import type { Channel } from './queries.ts';

/** The part of a store one-time codes need. */
export interface StoreRef {
  id: string;
  merchantId: string;
  name: string;
  /** ISO 3166-1 alpha-2. */
  country: string;
}

export interface SendRequest {
  store: StoreRef;
  channel: Channel;
  /** As `normalise` gave it. */
  address: string;
  /** Ties the code to the journey that asked. */
  binding: string;
  mac: string;
  ip: string;
  language: Language;
  realm?: Realm;
}

/**
 * Codes of another realm are counted apart from those that open the WiFi: how many were sent there tells
 * nobody here whether an address is known.
 */
export type Realm = 'self';

export interface VerifyRequest {
  store: StoreRef;
  channel: Channel;
  address: string;
  binding: string;
  code: string;
  realm?: Realm;
}

/** Where a kept hash comes from; the parts are joined unambiguously by `keyedHash`. */
export function hashesOf(secret: Buffer) {
  const key = deriveKey(secret, 'one-time codes');
  return {
    address: ({ store, channel, address, realm }: VerifyRequest | SendRequest) =>
      keyedHash(
        key,
        ...(realm ? ['address', realm] : ['address']),
        store.merchantId,
        channel,
        address,
      ),
    binding: (binding: string) => keyedHash(key, 'binding', binding),
    device: (merchantId: string, mac: string) => keyedHash(key, 'device', merchantId, mac),
    network: (merchantId: string, ip: string) =>
      keyedHash(key, 'network', merchantId, networkOf(ip)),
    /** Bound to store, address and journey: moved to another row it would fit nothing. */
    code: ({ store, channel, address, binding }: VerifyRequest | SendRequest, digits: string) =>
      keyedHash(key, 'code', store.id, channel, address, binding, digits),
  };
}

export type Hashes = ReturnType<typeof hashesOf>;
