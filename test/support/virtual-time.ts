import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, ServerResponse } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { after, mock } from 'node:test';

/** Turns of the event loop with nothing on the wire before time passes: what has arrived is dealt with first. */
const quietTurns = 3;

/**
 * Makes minutes of this process pass at once, for the rest of the file: all timers and `performance.now()` run as fast as
 * there is nothing else to do. Time stands still while a request or an answer is on the wire, so that a busy machine makes
 * no difference. `Math.random` is fixed: no wait is longer by chance than another.
 *
 * @returns a function that makes time stand still until what it returns is disposed of, for work in other threads.
 */
export function startVirtualTime(): () => Disposable {
  let now = performance.now();
  let onTheWire = 0;
  // A call that waits for a connection, or that the server has not answered yet, is not on the wire: it waits for time.
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { request: ClientRequest };
    const start = () => {
      onTheWire += 1;
      request.once('close', () => {
        onTheWire -= 1;
      });
    };
    request.once('socket', (socket) => (socket.connecting ? socket.once('connect', start) : start()));
  });
  subscribe('http.server.request.start', (message) => {
    onTheWire -= 1;
    const resume = () => {
      response.off('finish', resume).off('close', resume);
      onTheWire += 1;
    };
    const { response } = message as { response: ServerResponse };
    response.once('finish', resume).once('close', resume);
  });
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  mock.method(performance, 'now', () => now);
  mock.method(Math, 'random', () => 0.5);
  syncBuiltinESMExports();

  let isStopped = false;
  let quiet = 0;
  const pass = () => {
    turn = setImmediate(pass);
    quiet = onTheWire > 0 || isStopped ? 0 : quiet + 1;
    if (quiet < quietTurns) return;
    now += 1;
    mock.timers.tick(1);
  };
  let turn = setImmediate(pass);
  after(() => clearImmediate(turn));

  return () => {
    isStopped = true;
    return {
      [Symbol.dispose]: () => {
        isStopped = false;
      },
    };
  };
}
