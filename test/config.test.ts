/** The settings: all problems at once, files for secrets, and an example that cannot go stale. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError, exampleEnv, probesOf, readConfig } from '../server/config.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'foyer-config-'));
const base = { DATA_DIR: folder };
afterAll(() => rmSync(folder, { recursive: true }));

describe('configuration', () => {
  test('.env.example is what config.ts prints', () => {
    const file = path.resolve(import.meta.dirname, '../.env.example');
    expect(readFileSync(file, 'utf8')).toBe(exampleEnv());
  });

  test('defaults are complete and frozen', () => {
    const config = readConfig({ ...base });
    expect(config).toMatchObject({
      PORT: 8080,
      PUBLIC_URL: 'http://localhost:8080',
      LOG_LEVEL: 'info',
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('every problem is listed at once', () => {
    const wrong = {
      ...base,
      PORT: 'eighty',
      DATABASE_URL: 'mysql://x',
      SECRET: 'short',
      SMS_WEBHOOK_URL: 'https://x.example',
    };
    try {
      readConfig(wrong);
      throw new Error('accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      const keys = (error as ConfigError).problems.map((problem) => problem.split(':')[0]);
      expect(new Set(keys)).toEqual(
        new Set(['DATABASE_URL', 'PORT', 'SECRET', 'SMS_WEBHOOK_SECRET']),
      );
    }
  });

  test('probe hosts are read with their stores, or refused', () => {
    const PROBE_HOSTS = 'captive.apple.com=harbour, Connectivitycheck.gstatic.com=harbour';
    expect(probesOf(readConfig({ ...base, PROBE_HOSTS }))).toEqual({
      'captive.apple.com': 'harbour',
      'connectivitycheck.gstatic.com': 'harbour',
    });
    expect(probesOf(readConfig({ ...base }))).toEqual({});
    for (const wrong of ['captive.apple.com', 'a=b=c', '=harbour', 'http://a.example=b'])
      expect(() => readConfig({ ...base, PROBE_HOSTS: wrong })).toThrow('PROBE_HOSTS: must be');
  });

  test('an empty value means not set', () => {
    expect(readConfig({ ...base, DATABASE_URL: '', SMTP_URL: '' }).DATABASE_URL).toBeUndefined();
  });

  test('a secret may come from a file, but not from both places', () => {
    const file = path.join(folder, 'my-secret');
    writeFileSync(file, `${'s'.repeat(40)}\n`);
    expect(readConfig({ ...base, SECRET_FILE: file }).SECRET.toString()).toBe('s'.repeat(40));
    expect(() => readConfig({ ...base, SECRET_FILE: file, SECRET: 'x'.repeat(40) })).toThrow(
      /both/,
    );
    expect(() => readConfig({ ...base, SECRET_FILE: path.join(folder, 'absent') })).toThrow(
      /cannot read/,
    );
  });

  test('without a secret one is made once, for the owner only', () => {
    const first = readConfig({ ...base }).SECRET;
    expect(first.length).toBeGreaterThanOrEqual(32);
    expect(readConfig({ ...base }).SECRET.equals(first)).toBe(true);
    expect(statSync(path.join(folder, 'secret')).mode & 0o077).toBe(0);
  });
});
