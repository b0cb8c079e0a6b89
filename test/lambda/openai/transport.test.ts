import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '../../../lambda/openai/transport.ts';

const started = async () => {
  const server = createServer((_request, response) => response.end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};
const connectionsOf = (server: Server) =>
  new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
const call = async (server: Server) => {
  const { port } = server.address() as AddressInfo;
  const { body } = await send('GET', new URL(`http://127.0.0.1:${port}/`), {}, AbortSignal.timeout(10_000));
  for await (const _chunk of body);
};

const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);

test('of many hosts at most a hundred keep a connection, and the one that was called last is among them', async () => {
  const servers = await Promise.all(Array.from({ length: 150 }, started));
  try {
    for (const server of servers) await call(server);
    let connections = await Promise.all(servers.map(connectionsOf));
    // A closed connection takes a moment to reach the other end; one that is kept stays for longer than this waits.
    for (let waits = 0; waits < 20 && sum(connections) > 100; waits += 1) {
      await sleep(100);
      connections = await Promise.all(servers.map(connectionsOf));
    }
    assert.ok(sum(connections) <= 100, `${sum(connections)} connections`);
    assert.equal(connections.at(-1), 1);
  } finally {
    for (const server of servers) server.close().closeAllConnections();
  }
});
