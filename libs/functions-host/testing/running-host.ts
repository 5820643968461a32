import { onTestFinished } from 'vitest';
import {
  startFunctionsHost,
  type FinishedInvocation,
  type FunctionsHost,
  type FunctionsHostOptions,
  type HostLogEntry,
} from '../src/index.ts';

/** A host under test, with all that it logged and observed. Stopped with the test. */
export interface RunningHost {
  readonly host: FunctionsHost;
  readonly logged: readonly HostLogEntry[];
  readonly finished: readonly FinishedInvocation[];
  /**
   * Resolves with the first `count` entries that begin with `tag`, the rest of each parsed as JSON.
   * Throws after two minutes.
   */
  readonly reported: <Report>(tag: string, count: number) => Promise<Report[]>;
  /**
   * Resolves when the condition holds; looks whenever the host logs or observes something. Throws
   * after two minutes.
   */
  readonly until: (condition: () => boolean, what: string) => Promise<void>;
}

const deadlineMs = 120_000;

export async function runHost(options: Omit<FunctionsHostOptions, 'log' | 'observe'>): Promise<RunningHost> {
  const logged: HostLogEntry[] = [];
  const finished: FinishedInvocation[] = [];
  const watchers = new Set<() => void>();
  const changed = (): void => watchers.forEach((watch) => watch());
  const host = await startFunctionsHost({
    ...options,
    log: (entry) => {
      logged.push(entry);
      changed();
    },
    observe: (invocation) => {
      finished.push(invocation);
      changed();
    },
  });
  onTestFinished(() => host.stop());

  const until = (condition: () => boolean, what: string): Promise<void> => {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(watch);
        reject(new Error(`Waited in vain for: ${what}. Logged: ${JSON.stringify(logged.slice(-20), null, 1)}`));
      }, deadlineMs);
      const watch = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        watchers.delete(watch);
        resolve();
      };
      watchers.add(watch);
    });
  };
  const reports = (tag: string): string[] =>
    logged.flatMap(({ message }) => (message.startsWith(`${tag} `) ? [message.slice(tag.length + 1)] : []));
  return {
    host,
    logged,
    finished,
    until,
    async reported<Report>(tag: string, count: number): Promise<Report[]> {
      await until(() => reports(tag).length >= count, `${count} reports of ${tag}`);
      return reports(tag)
        .slice(0, count)
        .map((report) => JSON.parse(report) as Report);
    },
  };
}

/**
 * Asks again until the answer is not undefined, for what nothing signals. Throws after two minutes.
 */
export async function eventually<Answer>(ask: () => Promise<Answer | undefined>, what: string): Promise<Answer> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`Waited in vain for: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
