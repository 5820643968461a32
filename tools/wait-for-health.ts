import { readFileSync } from 'node:fs';
import { setTimeout as sleepFor } from 'node:timers/promises';

export interface HealthWait {
  /** The app's `/health`. */
  readonly url: string;
  /** The `build` that it must name: `contents` as the build printed it. */
  readonly build: string;
  /** How long to wait altogether. */
  readonly timeoutMs: number;
  /** Between two questions, and the longest that one may take. */
  readonly intervalMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** Told what the app says, when that changes. */
  readonly print: (line: string) => void;
}

/**
 * Asks until the app says that it is healthy and is this build. Throws after `timeoutMs` with what
 * the app said last: that an older build still runs, that the stores cannot be reached, or that
 * nothing answered.
 */
export async function waitForHealth(wait: HealthWait): Promise<void> {
  const { url, build, timeoutMs, intervalMs, now, sleep, print } = wait;
  const startedAt = now();
  let said = '';
  for (;;) {
    const answer = await ask(url, build, intervalMs);
    if (answer !== said) print(`${Math.round((now() - startedAt) / 1000)} s: ${answer}`);
    said = answer;
    if (answer === healthy) return;
    if (now() - startedAt + intervalMs > timeoutMs) {
      throw new Error(
        `Failed to see ${build} healthy within ${timeoutMs / 1000} s: ${said}. Look at the app's log stream and at its Application Insights.`,
      );
    }
    await sleep(intervalMs);
  }
}

const healthy = 'this build runs, and is healthy';

async function ask(url: string, build: string, timeoutMs: number): Promise<string> {
  let text: string;
  let status: number;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    status = response.status;
    text = await response.text();
  } catch (error) {
    return `no answer (${error instanceof Error ? error.message : 'unknown reason'})`;
  }
  const health = parseHealth(text);
  if (health === undefined) return `HTTP ${status}, and no health page`;
  if (health.build !== build) return `another build runs (${health.build ?? 'one that does not say which'})`;
  return status === 200 ? healthy : `this build runs, but HTTP ${status}: ${health.reason ?? 'it does not say why'}`;
}

function parseHealth(text: string): { readonly build?: string; readonly reason?: string } | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch (error) {
    // While the app starts, pages of Azure's own come.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

if (import.meta.main) {
  const [url, builtFile] = process.argv.slice(2);
  if (url === undefined || builtFile === undefined) {
    throw new Error('Failed to wait: run node tools/wait-for-health.ts <url> <handler.json>');
  }
  const { contents } = JSON.parse(readFileSync(builtFile, 'utf8')) as { readonly contents: string };
  await waitForHealth({
    url,
    build: contents,
    timeoutMs: 600_000,
    intervalMs: 5_000,
    now: Date.now,
    sleep: sleepFor,
    print: (line) => process.stdout.write(`${line}\n`),
  });
}
