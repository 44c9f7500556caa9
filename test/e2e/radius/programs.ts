/** Runs the real RADIUS programs beside a server of this process: nothing here blocks it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { end } from '../../../scripts/lib/freeradius.ts';
import { soon } from '../../support/radius.ts';

export interface Said {
  code: number | null;
  text: string;
}

/** Feeds a program its input and gives all that it said. */
export async function run(words: string[], input = ''): Promise<Said> {
  const child = spawn(words[0]!, words.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

/** radclient: one packet, two tries. */
export const radclient = (
  port: number,
  what: 'auth' | 'acct' | 'status' | 'disconnect' | 'coa',
  secret: string,
  attributes: string,
): Promise<Said> =>
  run(['radclient', '-x', '-r', '2', '-t', '2', `127.0.0.1:${port}`, what, secret], attributes);

export interface Running {
  child: ChildProcess;
  log(): string;
  /** Waits until it has said this. */
  says(words: string): Promise<void>;
  stop(): Promise<void>;
}

/** A program that stays. */
export function start(words: string[]): Running {
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (chunk: Buffer): void => void (said = (said + chunk.toString()).slice(-50_000));
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.on('error', (error) => (said += String(error)));
  return {
    child,
    log: () => said,
    async says(text) {
      const there = await soon(
        () => said.includes(text) || child.exitCode !== null,
        Boolean,
        3_000,
      );
      if (!there || !said.includes(text)) throw new Error(`never said "${text}":\n${said}`);
    },
    stop: () => end(child),
  };
}
