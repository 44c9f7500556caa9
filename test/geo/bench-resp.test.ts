/** The geo bench's Tile38 client, against a server that speaks RESP and keeps what it was told. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { benchTile38 } from '../../scripts/bench/geo-tile38.ts';
import { shopTown } from '../../scripts/bench/geo-town.ts';
import { decode, encode, openResp } from '../../scripts/bench/resp.ts';
import { randomFrom } from '../../scripts/lib/random.ts';

const heard: string[][] = [];

/** Replies arrive a few bytes at a time, cut anywhere. */
function answer(socket: Socket, command: string[]): void {
  heard.push(command);
  const replies: Record<string, string> = {
    SERVER: '*2\r\n$7\r\nversion\r\n$4\r\n1.26\r\n',
    SETCHAN: ':1\r\n',
    SET: '+OK\r\n',
    GET: '$-1\r\n',
    BAD: '-ERR unknown command\r\n',
  };
  const bytes = Buffer.from(replies[command[0] ?? ''] ?? ':0\r\n');
  for (let at = 0; at < bytes.length; at += 3) socket.write(bytes.subarray(at, at + 3));
}

const server = createServer((socket) => {
  let rest = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    let at = 0;
    for (let found = decode(rest, at); found !== null; found = decode(rest, at)) {
      at = found.next;
      if ((found.reply as string[])[0] === 'HANGUP') socket.destroy();
      else answer(socket, found.reply as string[]);
      if (at === rest.length) break;
    }
    rest = rest.subarray(at);
  });
});
let url = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  url = `tile38://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

describe('RESP', () => {
  test.each([
    ['+OK\r\n', 'OK'],
    [':-12\r\n', -12],
    ['$2\r\né\r\n', 'é'],
    ['$-1\r\n', null],
    ['*-1\r\n', null],
    ['*2\r\n:1\r\n*1\r\n$0\r\n\r\n', [1, ['']]],
  ])('%j', (text, reply) => {
    const bytes = Buffer.from(text);
    expect(decode(bytes, 0)).toEqual({ reply, next: bytes.length });
    for (let cut = 0; cut < bytes.length; cut++)
      expect(decode(bytes.subarray(0, cut), 0)).toBeNull();
  });

  test('what is sent is what is read', () => {
    const command = ['SET', 'flotte', 'gerät 1', ''];
    expect(decode(Buffer.from(encode(command)), 0)?.reply).toEqual(command);
  });

  test('replies keep their order, errors stand in their place', async () => {
    const resp = await openResp(url);
    const first = resp.pipeline([['SET', 'a'], ['BAD'], ['GET', 'a']]);
    const second = resp.pipeline([['SERVER']]);
    const [ok, error, none] = await first;
    expect([ok, none]).toEqual(['OK', null]);
    expect((error as Error).message).toBe('ERR unknown command');
    expect(await second).toEqual([['version', '1.26']]);
    await expect(resp.pipeline([['HANGUP']])).rejects.toThrow('closed the connection');
    resp.close();
  });
});

test('the bench sets one channel a fence, then points, and clears up', async () => {
  heard.length = 0;
  const town = shopTown(30, randomFrom(1));
  const row = await benchTile38(url, town, 2, randomFrom(2));
  expect(row).toMatchObject({ fences: 30, version: '1.26', points: 2000 });
  const said = (name: string) => heard.filter(([first]) => first === name);
  expect(said('SETCHAN')).toHaveLength(30);
  expect(said('SETCHAN')[0]?.slice(2, 4)).toEqual(['INTERSECTS', said('SET')[0]?.[1]]);
  const shape = JSON.parse(said('SETCHAN')[0]?.at(-1) ?? '') as { type: string };
  expect(shape.type).toBe('Polygon');
  expect(said('SET')).toHaveLength(2000);
  const [, , , kind, lat, lon] = said('SET')[0] ?? [];
  expect(kind).toBe('POINT');
  expect(Number(lat)).toBeCloseTo(30.27, 1);
  expect(Number(lon)).toBeCloseTo(120, 1);
  expect([said('PDELCHAN'), said('DROP')].map((list) => list.length)).toEqual([1, 1]);
});
