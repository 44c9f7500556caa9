/** PURE. A second reading of RADIUS packets, written apart from the portal's: what must be believed, and what must not. */
import { createHash, createHmac } from 'node:crypto';

export type Field = [type: number, value: Buffer];

/** The attributes of a packet, or null when it is malformed. */
export function fieldsOf(packet: Buffer): Field[] | null {
  if (packet.length < 20) return null;
  const length = (packet[2]! << 8) + packet[3]!;
  if (length < 20 || length > 4096 || length > packet.length) return null;
  const fields: Field[] = [];
  let rest = packet.subarray(20, length);
  while (rest.length > 0) {
    const size = rest[1] ?? 0;
    if (size < 2 || size > rest.length || fields.length === 512) return null;
    fields.push([rest[0]!, rest.subarray(2, size)]);
    rest = rest.subarray(size);
  }
  return fields;
}

export function write(code: number, id: number, authenticator: Buffer, fields: Field[]): Buffer {
  const body = Buffer.concat(
    fields.flatMap(([type, value]) => [Buffer.from([type, value.length + 2]), value]),
  );
  const head = Buffer.from([code, id, (20 + body.length) >> 8, (20 + body.length) & 255]);
  return Buffer.concat([head, authenticator, body]);
}

const md5 = (...parts: (Buffer | string)[]): Buffer => {
  const sum = createHash('md5');
  for (const part of parts) sum.update(part);
  return sum.digest();
};

/** The packet with another authenticator, and with every attribute 80 zeroed where asked. */
function dressed(packet: Buffer, authenticator: Buffer, bare: boolean): Buffer {
  const fields = fieldsOf(packet)!.map(([type, value]): Field => {
    return [type, bare && type === 80 ? Buffer.alloc(value.length) : value];
  });
  return write(packet[0]!, packet[1]!, authenticator, fields);
}

/** Signs: attribute 80 (when there is one of 16 octets), then the digest of an accounting request. */
export function sign(packet: Buffer, secret: string): Buffer {
  const digest = packet[0] === 4;
  const zeros = Buffer.alloc(16);
  const authenticator = digest ? zeros : packet.subarray(4, 20);
  const sum = createHmac('md5', secret)
    .update(dressed(packet, authenticator, true))
    .digest();
  const fields = fieldsOf(packet)!.map(([type, value]): Field => {
    return [type, type === 80 && value.length === 16 ? sum : value];
  });
  const signed = write(packet[0]!, packet[1]!, authenticator, fields);
  if (digest) md5(signed, secret).copy(signed, 4);
  return signed;
}

function macHolds(packet: Buffer, authenticator: Buffer, secret: string): boolean | null {
  const sums = fieldsOf(packet)!.filter(([type]) => type === 80);
  if (sums.length === 0) return null;
  const sum = createHmac('md5', secret)
    .update(dressed(packet, authenticator, true))
    .digest();
  return sums.length === 1 && sums[0]![1].equals(sum);
}

/** Whether a request proves the secret: attribute 80 in a question, the digest in a report. */
export function isSigned(packet: Buffer, secret: string): boolean {
  const fields = fieldsOf(packet);
  if (fields === null) return false;
  if (packet[0] !== 4) return macHolds(packet, packet.subarray(4, 20), secret) === true;
  const zeros = Buffer.alloc(16);
  const own = md5(dressed(packet, zeros, false), secret).equals(packet.subarray(4, 20));
  return own && macHolds(packet, zeros, secret) !== false;
}

/**
 * Whether a reply proves the secret to who asked: attribute 80 stands first; where accounting is acknowledged
 * only for who signed it, over zeros.
 */
export function isReply(reply: Buffer, request: Buffer, secret: string): boolean {
  const fields = fieldsOf(reply);
  const asked = request.subarray(4, 20);
  if (fields === null || reply[1] !== request[1]) return false;
  const reports = request[0] === 4;
  const wanted = !reports || fieldsOf(request)!.some(([type]) => type === 80) ? true : null;
  if (macHolds(reply, reports ? Buffer.alloc(16) : asked, secret) !== wanted) return false;
  if (wanted && fields[0]?.[0] !== 80) return false;
  return md5(dressed(reply, asked, false), secret).equals(reply.subarray(4, 20));
}

/** Whether this name and password stand in the packet: only then may it be accepted. */
export function shows(packet: Buffer, name: string, password: string, secret: string): boolean {
  const fields = fieldsOf(packet)!;
  const value = (type: number): Buffer | undefined => fields.find(([own]) => own === type)?.[1];
  if (value(1)?.toString().trim() !== name) return false;
  const [pap, chap] = [value(2), value(3)];
  const asked = packet.subarray(4, 20);
  if (pap !== undefined && pap.length >= 16 && pap.length % 16 === 0 && pap.length <= 128) {
    const blocks = Array.from({ length: pap.length / 16 }, (_, i) => {
      const before = i === 0 ? asked : pap.subarray(i * 16 - 16, i * 16);
      const mask = md5(secret, before);
      return Buffer.from(pap.subarray(i * 16, i * 16 + 16).map((octet, j) => octet ^ mask[j]!));
    });
    if (Buffer.concat(blocks).toString('latin1').replace(/\0+$/, '') === password) return true;
  }
  if (chap?.length !== 17) return false;
  return md5(chap.subarray(0, 1), password, value(60) ?? asked).equals(chap.subarray(1));
}
