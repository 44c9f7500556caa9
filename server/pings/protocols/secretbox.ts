/** OwnTracks' payload encryption: libsodium's secretbox under a passphrase, nonce before the box, in base64. */
import { randomBytes } from 'node:crypto';
import { secretbox } from '@noble/ciphers/salsa.js';

const KEY = 32;
const NONCE = 24;
const MAC = 16;
/** Signs of base64 of the longest message worth opening. */
const LONGEST = 512 * 1024;

/** PURE. The app pads the passphrase's bytes with zeros; longer ones it does not take. */
function keyOfPassphrase(passphrase: string): Buffer {
  const key = Buffer.alloc(KEY);
  Buffer.from(passphrase, 'utf8').copy(key, 0, 0, KEY);
  return key;
}

/** PURE. The JSON inside, or undefined: another key, a changed byte, no JSON, no box at all. */
export function openMessage(passphrase: string, data: unknown): unknown {
  if (typeof data !== 'string' || data.length > LONGEST) return undefined;
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length <= NONCE + MAC) return undefined;
  try {
    const box = secretbox(keyOfPassphrase(passphrase), bytes.subarray(0, NONCE));
    const clear = box.open(bytes.subarray(NONCE));
    return JSON.parse(Buffer.from(clear).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** The message as the app with this passphrase reads it. */
export function sealMessage(
  passphrase: string,
  message: unknown,
  random: (bytes: number) => Buffer = randomBytes,
): { _type: 'encrypted'; data: string } {
  const nonce = random(NONCE);
  const clear = Buffer.from(JSON.stringify(message), 'utf8');
  const sealed = secretbox(keyOfPassphrase(passphrase), nonce).seal(clear);
  return { _type: 'encrypted', data: Buffer.concat([nonce, sealed]).toString('base64') };
}
