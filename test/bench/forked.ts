import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program in a process of its own, so its work is not counted as ours. */
export interface Forked extends AsyncDisposable {
  /** What it said first. */
  greeting: string;
  /** Sends it a question, and waits for the answer. One at a time. */
  ask(question: string): Promise<unknown>;
}

/** Starts one of `programs/` with these options, and waits until it says that it is there. */
export async function forkProgram(name: string, options: object): Promise<Forked> {
  const program = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const child = fork(program);
  child.send(options);
  const greeting = await nextMessage(child);
  return {
    greeting: String(greeting),
    ask: (question) => {
      const answer = nextMessage(child);
      child.send(question);
      return answer;
    },
    [Symbol.asyncDispose]: () => ended(child),
  };
}

/** The next message of a process; rejects if it ends before it sends one. */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`${child.spawnargs.join(' ')} ended with ${code} before it answered.`);
      }),
    ]);
  } finally {
    waiting.abort();
  }
}

/** Ends a process, and waits until it has ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}
