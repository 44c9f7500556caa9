/** One network's share of the portal: floods are turned away before they cost anything, everybody else goes on. */
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import { networkOf } from '../../portal/crowd.ts';
import { createPortal } from '../../portal/router.ts';
import { makeFakes } from '../support/fakes.ts';
import { settings } from './phone.ts';

describe('a network', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '20010db800010002'],
    ['2001:db8:1:2::9', '20010db800010002'],
    ['127.0.0.1', null],
    ['::1', null],
    ['::ffff:127.0.0.1', null],
    ['', ''],
  ])('%s is %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });
});

describe('the guests’ pages', () => {
  function portal() {
    const fakes = makeFakes();
    const app = express().set('trust proxy', true);
    app.use(createPortal(fakes.ports, settings({ crowd: { perSecond: 2, burst: 5 } })).router);
    app.use((_req, res) => void res.send('elsewhere'));
    const from = (ip: string, path = '/p/harbour') =>
      request(app).get(path).set('x-forwarded-for', ip);
    return { fakes, from };
  }

  test('turn away a flood, by network, until it has calmed down', async () => {
    const { fakes, from } = portal();
    const flood = async () => {
      const seen: number[] = [];
      for (let n = 0; n < 8; n++) seen.push((await from(`2001:db8:1:2::${n}`)).status);
      return seen.filter((status) => status === 429).length;
    };
    expect(await flood()).toBe(3);
    const asked = fakes.of('desk.store').length;
    const away = await from('2001:db8:1:2::77', '/capport/harbour/0123456789abcdef');
    expect([away.status, away.headers['retry-after']]).toEqual([429, '5']);
    expect(away.headers['content-security-policy']).toContain("default-src 'none'");
    expect(fakes.of('desk.store')).toHaveLength(asked);
    expect((await from('198.51.100.7')).status).not.toBe(429);
    expect((await from('2001:db8:1:2::77', '/wd/harbour/x/ping')).status).not.toBe(429);
    fakes.pass(2_000);
    expect(await flood()).toBe(4);
  });

  test('know no bound for this machine itself', async () => {
    const { from } = portal();
    for (let n = 0; n < 12; n++) expect((await from('127.0.0.1')).status).not.toBe(429);
  });
});
