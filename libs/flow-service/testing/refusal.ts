export interface Reply {
  readonly status: number;
  /** Sent as JSON; nothing is sent when it is absent. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer of an error status, thrown wherever it is found out. */
export class Refusal extends Error implements Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    super(`the stand-in answers ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** As the Destinations API words it: `connections not found with id = [...]`. */
export function notFound(collection: string, id: string): Refusal {
  const errorMessage = `${collection} not found with id = [${id}]`;
  return new Refusal(404, { errorMessage, errorDetails: errorMessage });
}

export function invalid(errorMessage: string, status = 400): Refusal {
  return new Refusal(status, { errorMessage, errorDetails: errorMessage });
}
