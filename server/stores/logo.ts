/** PURE. A shop's logo: an uploaded PNG is read, made small and drawn anew, so that only its pixels are kept. */
import { PNG } from 'pngjs';
import { problem } from '../errors.ts';

export interface KeptLogo {
  /** PNG, base64. */
  data: string;
  width: number;
  height: number;
  alt: string;
}

/** Twice the CSS pixels it is drawn at, for dense screens. */
const MOST_WIDTH = 480;
const MOST_HEIGHT = 160;
const MOST_BYTES = 60_000;
const MOST_UPLOADED = 300_000;
/** A small file can unpack into a very large picture. */
const MOST_SIDE = 3000;
const SIGNATURE = '89504e470d0a1a0a';

function refuse(message: string): never {
  throw problem('invalid-request', {
    detail: `The logo cannot be used: ${message}.`,
    errors: [{ path: 'settings.logo', message }],
  });
}

export function keptLogo({ data, alt }: { data: string; alt: string }): KeptLogo {
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length > MOST_UPLOADED) refuse('it is larger than 300 kB');
  const picture = shrunk(decoded(bytes));
  // Its usual strategy, made for photographs, takes five times the room for signs and patterns.
  const drawn = PNG.sync.write(picture, { colorType: 6, deflateLevel: 9, deflateStrategy: 0 });
  if (drawn.length > MOST_BYTES) refuse('it has too much detail; a plainer one is sharper, too');
  return {
    data: drawn.toString('base64'),
    width: picture.width,
    height: picture.height,
    alt,
  };
}

function decoded(bytes: Buffer): PNG {
  if (bytes.length < 33 || bytes.subarray(0, 8).toString('hex') !== SIGNATURE) {
    refuse('it must be a PNG');
  }
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  if (width < 1 || height < 1 || width > MOST_SIDE || height > MOST_SIDE) {
    refuse(`each side must be 1 to ${MOST_SIDE} pixels`);
  }
  // The reader unpacks these without a bound; 300 kB can hold as many megabytes.
  if (bytes[28] !== 0) refuse('it is interlaced: save it without');
  try {
    return PNG.sync.read(bytes);
  } catch {
    return refuse('the file is damaged');
  }
}

/** Each new pixel is the mean of those it covers, weighted by how solid they are. */
function shrunk(from: PNG): PNG {
  const scale = Math.max(1, from.width / MOST_WIDTH, from.height / MOST_HEIGHT);
  if (scale === 1) return from;
  const width = Math.max(1, Math.floor(from.width / scale));
  const height = Math.max(1, Math.floor(from.height / scale));
  const to = new PNG({ width, height });
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const box = {
        left: Math.floor((x * from.width) / width),
        right: Math.ceil(((x + 1) * from.width) / width),
        top: Math.floor((y * from.height) / height),
        bottom: Math.ceil(((y + 1) * from.height) / height),
      };
      to.data.set(meanOf(from, box), (y * width + x) * 4);
    }
  }
  return to;
}

function meanOf(
  { data, width }: PNG,
  box: { left: number; right: number; top: number; bottom: number },
): [number, number, number, number] {
  let [red, green, blue, alpha, count] = [0, 0, 0, 0, 0];
  for (let y = box.top; y < box.bottom; y += 1) {
    for (let x = box.left; x < box.right; x += 1) {
      const at = (y * width + x) * 4;
      const solid = data[at + 3]!;
      red += data[at]! * solid;
      green += data[at + 1]! * solid;
      blue += data[at + 2]! * solid;
      alpha += solid;
      count += 1;
    }
  }
  const share = (sum: number) => (alpha === 0 ? 0 : Math.round(sum / alpha));
  return [share(red), share(green), share(blue), Math.round(alpha / count)];
}
