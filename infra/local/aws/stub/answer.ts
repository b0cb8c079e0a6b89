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

const failures: Record<Exclude<Health, 'up'>, StubAnswer> = {
  throttled: failed('ThrottlingException'),
  denied: failed('AccessDeniedException'),
  down: failed('InternalServerError', 500),
  silent: undefined,
};

/** What a service answers that is up, else its failure. */
export function ifUp(health: Health, answer: () => StubAnswer): StubAnswer {
  return health === 'up' ? answer() : failures[health];
}
