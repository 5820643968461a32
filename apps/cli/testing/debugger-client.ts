/**
 * A client of the inspector protocol (Chrome DevTools Protocol, domain Debugger), as much of it as
 * a debugger needs to stop somewhere.
 */
export interface DebuggerClient {
  /** Calls a method and gives its result. Throws what the other side says. */
  call(method: string, parameters?: object): Promise<Readonly<Record<string, unknown>>>;
  /** The first event of this name, also one that came before. */
  event(name: string): Promise<InspectorEvent>;
  /**
   * The events of this name: those that came before, and each later one as it comes. Throws when
   * the connection ends.
   */
  each(name: string): AsyncGenerator<InspectorEvent, never>;
  close(): void;
}

export type InspectorEvent = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: InspectorEvent;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** Connects to the process whose inspector listens on this port of this machine. */
export async function connectDebugger(port: number): Promise<DebuggerClient> {
  const listed = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(listed[0]?.webSocketDebuggerUrl ?? '');
  const calls = new Map<number, PromiseWithResolvers<Readonly<Record<string, unknown>>>>();
  const events: { method: string; params: InspectorEvent }[] = [];
  let hasEnded = false;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const each of woken) each();
  };
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params = {}, result = {}, error } = JSON.parse(String(data)) as Message;
    if (method !== undefined) events.push({ method, params });
    const call = id === undefined ? undefined : calls.get(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error.message));
    wake();
  });
  socket.addEventListener('close', () => {
    hasEnded = true;
    for (const call of calls.values()) call.reject(new Error('The process ended the connection of the inspector.'));
    wake();
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('Failed to connect to the inspector.')), { once: true });
  });
  let lastId = 0;
  const each = async function* (name: string): AsyncGenerator<InspectorEvent, never> {
    for (let index = 0; ; index += 1) {
      while (index >= events.length) {
        if (hasEnded) throw new Error(`The process ended the connection of the inspector before ${name}.`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      const event = events[index];
      if (event?.method === name) yield event.params;
    }
  };
  return {
    each,
    call(method, parameters = {}) {
      lastId += 1;
      const call = Promise.withResolvers<Readonly<Record<string, unknown>>>();
      calls.set(lastId, call);
      socket.send(JSON.stringify({ id: lastId, method, params: parameters }));
      return call.promise;
    },
    event: async (name) => (await each(name).next()).value,
    close: () => socket.close(),
  };
}
