import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface DelayedServer extends AsyncDisposable {
  url: string;
}

/**
 * A server on loopback whose answers are those of another, each a little later: as if it were far away.
 *
 * @param target the URL of the other one, without a path.
 */
export async function startDelayed(target: string, delayMilliseconds: number): Promise<DelayedServer> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (caller) => {
    const called = connect({ host: hostname, port: Number(port), noDelay: true });
    for (const socket of [caller, called]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    caller.pipe(called);
    called.on('data', (chunk) => setTimeout(() => caller.write(chunk), delayMilliseconds));
    called.on('end', () => setTimeout(() => caller.end(), delayMilliseconds));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
