import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, ServerResponse } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { after, mock } from 'node:test';

/** Idle turns of the event loop before time passes, so that what has arrived is handled first. */
const quietTurns = 3;

/**
 * Makes minutes pass at once in this process, for the rest of the file: all timers and `performance.now()` jump ahead when
 * there is nothing else to do. Time stands still while a request or an answer is on the wire, so that a busy machine makes
 * no difference. `Math.random` is fixed, so that waits do not vary.
 *
 * @returns a function that stops time until its result is disposed of, for work in other threads.
 */
export function startVirtualTime(): () => Disposable {
  let now = performance.now();
  let onTheWire = 0;
  // A call that waits for a connection or for the server's answer is not on the wire: it waits for time.
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
