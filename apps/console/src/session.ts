import type { StreamMessage } from '@activation-hub/console-contract';

/** What the server refused or failed to do, in its own words. */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const tokenName = 'activation-hub-token';

/**
 * Takes the token from the address that the command printed, so that it stands in no address
 * afterwards.
 */
export function takeToken(): void {
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  if (token === undefined) return;
  localStorage.setItem(tokenName, token);
  history.replaceState(null, '', location.pathname + location.search);
}

function request(path: string, init: RequestInit): Promise<Response> {
  const headers = { authorization: `Bearer ${localStorage.getItem(tokenName) ?? ''}` };
  return fetch(`/api/${path}`, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } });
}

/** Asks the server; throws `ServerError` with a sentence for the person. */
export async function ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await request(path, init).catch(() => undefined); // What fetch says of it names nothing that helps.
  if (response === undefined) throw new ServerError(0, 'The command that serves this page has ended. Start it again.');
  const value = (await response.json()) as Answer & { readonly message?: string };
  if (!response.ok) throw new ServerError(response.status, value.message ?? `The server answered ${response.status}.`);
  return value;
}

export function send<Answer>(path: string, body: unknown, signal?: AbortSignal): Promise<Answer> {
  return ask<Answer>(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
    ...(signal === undefined ? {} : { signal }),
  });
}

/**
 * Reads server-sent events until the signal aborts or the server ends them; then resolves. Throws
 * `ServerError`.
 */
export async function readStream(
  path: string,
  onMessage: (message: StreamMessage) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await request(path, { signal });
  if (!response.ok || response.body === null) {
    const { message = '' } = (await response.json()) as { readonly message?: string };
    throw new ServerError(response.status, message);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) if (event.startsWith('data: ')) onMessage(JSON.parse(event.slice(6)) as StreamMessage);
  }
}
