/** A certificate for this machine, made on the spot: no key lies in the repository, no program is needed. */
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const size = body.length;
  const length =
    size < 128
      ? Buffer.from([size])
      : size < 256
        ? Buffer.from([0x81, size])
        : Buffer.from([0x82, size >> 8, size & 0xff]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
};

const hex = (text: string) => Buffer.from(text, 'hex');
const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
/** ecdsa-with-SHA256 */
const ALGORITHM = sequence(hex('06082a8648ce3d040302'));

function nameOf(common: string): Buffer {
  return sequence(der(0x31, sequence(hex('0603550403'), der(0x0c, Buffer.from(common)))));
}

function moment(year: number): Buffer {
  return der(0x18, Buffer.from(`${year}0101000000Z`));
}

/** Subject alternative names: 127.0.0.1 and localhost. */
function places(): Buffer {
  const list = sequence(der(0x87, hex('7f000001')), der(0x82, Buffer.from('localhost')));
  return der(0xa3, sequence(sequence(hex('0603551d11'), der(0x04, list))));
}

export interface SelfSigned {
  /** PEM texts. */
  cert: string;
  key: string;
  /** SHA-256 of the certificate, lower-case hex. */
  fingerprint: string;
}

export function selfSigned(common = 'localhost'): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(8)]);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ALGORITHM,
    nameOf(common),
    sequence(moment(2020), moment(2099)),
    nameOf(common),
    publicKey.export({ type: 'spki', format: 'der' }),
    places(),
  );
  const signature = createSign('sha256').update(body).sign(privateKey);
  const bytes = sequence(body, ALGORITHM, der(0x03, Buffer.from([0]), signature));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    fingerprint: createHash('sha256').update(bytes).digest('hex'),
  };
}
