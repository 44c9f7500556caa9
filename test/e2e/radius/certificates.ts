/** Certificates made for one test by openssl, in the test's own folder. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './programs.ts';

export interface Identity {
  certFile: string;
  keyFile: string;
  cert: string;
  key: string;
  /** SHA-256, lower-case hex. */
  fingerprint: string;
}

export interface Authority {
  folder: string;
  caFile: string;
  ca: string;
  issue(name: string): Promise<Identity>;
  remove(): void;
}

/** Words of a command, parted by blanks; files come apart, as their names may have some. */
async function openssl(words: string, files: Record<string, string>): Promise<void> {
  const named = Object.entries(files).flatMap(([name, file]) => [`-${name}`, file]);
  const { code, text } = await run(['openssl', ...words.split(' '), ...named]);
  if (code !== 0) throw new Error(`openssl ${words}: ${text}`);
}

export async function createAuthority(): Promise<Authority> {
  const folder = mkdtempSync(path.join(tmpdir(), 'foyer-radsec-'));
  const file = (name: string): string => path.join(folder, name);
  const curve = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  await openssl(`req -x509 ${curve} -days 2 -subj /CN=authority`, {
    keyout: file('ca.key'),
    out: file('ca.pem'),
  });
  return {
    folder,
    caFile: file('ca.pem'),
    ca: readFileSync(file('ca.pem'), 'utf8'),
    async issue(name) {
      const [keyFile, certFile, request, more] = ['key', 'pem', 'csr', 'ext'].map((ending) =>
        file(`${name}.${ending}`),
      ) as [string, string, string, string];
      writeFileSync(more, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
      await openssl(`req -new ${curve} -subj /CN=${name}`, { keyout: keyFile, out: request });
      await openssl('x509 -req -CAcreateserial -days 2', {
        in: request,
        CA: file('ca.pem'),
        CAkey: file('ca.key'),
        extfile: more,
        out: certFile,
      });
      const cert = readFileSync(certFile, 'utf8');
      const fingerprint = new X509Certificate(cert).fingerprint256
        .replaceAll(':', '')
        .toLowerCase();
      return { certFile, keyFile, cert, key: readFileSync(keyFile, 'utf8'), fingerprint };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
