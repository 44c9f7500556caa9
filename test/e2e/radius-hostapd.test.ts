/** hostapd and wpa_supplicant on a wire: real accounting reaches us, and our Disconnect puts the guest out. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SessionReport } from '../../portal/ports-network.ts';
import type { DynamicReply } from '../../portal/radius/dynamic.ts';
import { furnishFreeRadius } from '../../scripts/lib/freeradius.ts';
import { partPresent, requirePart } from '../support/parts.ts';
import { soon } from '../support/radius.ts';

interface Line {
  ready?: true;
  report?: SessionReport;
  restart?: number;
  kicked?: string;
  reply?: DynamicReply;
}

const hostapd = `interface=v-cli
driver=wired
logger_stdout=-1
logger_stdout_level=2
ieee8021x=1
use_pae_group_addr=1
eap_reauth_period=0
own_ip_addr=127.0.0.1
nas_identifier=store-1
auth_server_addr=127.0.0.1
auth_server_port=1812
auth_server_shared_secret=of-the-oracle
acct_server_addr=127.0.0.1
acct_server_port=1813
acct_server_shared_secret=of-the-switch
radius_das_port=3799
radius_das_client=127.0.0.1 of-the-switch
radius_das_require_event_timestamp=1
radius_das_require_message_authenticator=1
`;
const supplicant = `ap_scan=0
network={
  key_mgmt=IEEE8021X
  eap=MD5
  identity="ada"
  password="pw1"
  eapol_flags=0
}
`;
const servers = `
client local {
  ipaddr = 127.0.0.1
  secret = of-the-oracle
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = 1812
  }
  authorize {
    files
    eap
  }
  authenticate {
    eap
  }
}`;
const eap = `  eap {
    default_eap_type = md5
    timer_expire = 60
    max_sessions = 64
    md5 {
    }
  }`;

requirePart(
  'hostapd, wpa_supplicant and FreeRADIUS in namespaces (root)',
  partPresent.freeradius && partPresent.hostapd,
)('a wired authenticator', () => {
  const lines: Line[] = [];
  let work = '';
  let rig: ChildProcess | undefined;

  const told = (): string =>
    ['freeradius.log', 'hostapd.log', 'supplicant.log']
      .map((name) => {
        try {
          return `--- ${name}\n${readFileSync(path.join(work, name), 'utf8').slice(-2_000)}`;
        } catch {
          return `--- ${name}: none`;
        }
      })
      .join('\n');
  const until = async (fits: (line: Line) => boolean, from = 0): Promise<Line> => {
    const line = await soon(() => lines.slice(from).find(fits), Boolean, 3_000);
    if (line === undefined) throw new Error(`${JSON.stringify(lines)}\n${told()}`);
    return line;
  };

  beforeAll(async () => {
    work = mkdtempSync(path.join(tmpdir(), 'foyer-wired-'));
    const users = 'ada Cleartext-Password := "pw1"\n\tClass = 0x76313a73657373696f6e2d31\n';
    furnishFreeRadius(path.join(work, 'raddb'), { servers, users, modules: eap });
    writeFileSync(path.join(work, 'hostapd.conf'), hostapd);
    writeFileSync(path.join(work, 'supplicant.conf'), supplicant);
    const own = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const script = path.join(import.meta.dirname, 'radius/wired-rig.sh');
    const server = path.join(import.meta.dirname, 'radius/wired-server.ts');
    const program = [process.execPath, '--import', 'tsx', server, work];
    rig = spawn('unshare', [...own, '--propagation', 'private', 'bash', script, work, ...program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: rig.stdout! }).on('line', (line) =>
      lines.push(JSON.parse(line) as Line),
    );
    await until(({ ready }) => ready === true);
  }, 60_000);
  afterAll(async () => {
    if (rig !== undefined && rig.exitCode === null) {
      const ended = new Promise((resolve) => rig?.once('exit', resolve));
      rig.kill('SIGKILL');
      await ended;
    }
    rmSync(work, { recursive: true, force: true });
  });

  const kick = async (nasSession: string): Promise<DynamicReply | undefined> => {
    rig?.stdin?.write(`${nasSession}\n`);
    return (await until(({ kicked }) => kicked === nasSession)).reply;
  };

  test('says that it started, and that a guest came; Class comes back', async () => {
    await until(({ restart }) => restart !== undefined);
    const { report } = await until((line) => line.report?.kind === 'start');
    expect(report).toMatchObject({ mac: '02:00:00:00:00:50', sessionId: 'session-1' });
    expect(Math.abs((report?.at ?? 0) - Date.now())).toBeLessThan(600_000);
  }, 60_000);

  test('knows nobody of another session', async () => {
    expect(await kick('no-such-session')).toEqual({ kind: 'nak', cause: 503 });
  }, 60_000);

  test('puts the guest out, and says so', async () => {
    const { report } = await until((line) => line.report?.kind === 'start');
    const { nasSession = '' } = report ?? {};
    expect(await kick(nasSession)).toEqual({ kind: 'ack' });
    const stop = await until(
      (line) => line.report?.kind === 'stop' && line.report.nasSession === nasSession,
    );
    expect(stop.report).toMatchObject({
      mac: '02:00:00:00:00:50',
      sessionId: 'session-1',
    });
    expect(stop.report?.seconds).toBeGreaterThanOrEqual(0);
  }, 60_000);
});
