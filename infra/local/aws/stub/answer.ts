/** What the stub sends back; undefined sends nothing, ever. */
export type StubAnswer = { status: number; body: object } | undefined;

/** An operation of a service, from the text of the request to the answer. */
export type Operation = (request: string) => StubAnswer;

/** How a service fares. */
export type Health = 'up' | 'throttled' | 'denied' | 'down' | 'silent';

export function ok(body: object): StubAnswer {
  return { status: 200, body };
}

/** A failure by its AWS name, with whatever else AWS says with it. */
export function failed(name: string, status = 400, more: object = {}): StubAnswer {
  return { status, body: { __type: name, message: name, ...more } };
}

/**
 * The operations of a service, which fail while it does not fare well.
 *
 * @param health asked at every request.
 */
export function faring(
  health: () => Health,
  operations: Record<string, Operation>,
): Record<string, Operation> {
  const failures: Record<Exclude<Health, 'up'>, StubAnswer> = {
    throttled: failed('ThrottlingException'),
    denied: failed('AccessDeniedException'),
    down: failed('InternalServerError', 500),
    silent: undefined,
  };
  const entries = Object.entries(operations).map(([name, operation]): [string, Operation] => [
    name,
    (request) => {
      const now = health();
      return now === 'up' ? operation(request) : failures[now];
    },
  ]);
  return Object.fromEntries(entries);
}
