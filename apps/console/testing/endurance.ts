/**
 * `npm run endure:console`: ten minutes of 10,000 changes each, on the page in a real browser. Says
 * every task of the page that took longer than 100 ms, and how much memory it held; exits with 1
 * when there was such a task, or when memory grew.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { closeBrowser, openPage } from './browser.ts';

const flood = fileURLToPath(new URL('../../cli/bench/flooded-console.ts', import.meta.url));

/** A person sees a page that does nothing for so long. */
export const stutterMs = 100;
/**
 * What the page may hold more at the end than at the beginning, of some 5,000 rows that it keeps
 * all the time.
 */
export const growthBytesMax = 8 * 1024 * 1024;
/** With as many rows the page is full: each that comes takes the place of another. */
const fullRows = 5_500;
const fillPerMinute = 60_000;
const sampleEveryMs = 5_000;

export interface Endured {
  readonly changes: number;
  readonly seconds: number;
  /** Tasks of the page that took longer than `stutterMs`, in milliseconds. */
  readonly stutters: readonly number[];
  /**
   * How many processes wanted a core of this machine in the last minute: where there are more than
   * cores, a task waits in the middle.
   */
  readonly machineLoad: number;
  /** The longest task of the page. */
  readonly longestMs: number;
  /** Bytes that the page holds after a garbage collection, every few seconds. */
  readonly heaps: readonly number[];
}

export interface Load {
  readonly perMinute: number;
  readonly seconds: number;
  /** Runs in the page when it is full, as a control that what it does is found. */
  readonly disturb?: (page: Page) => Promise<void>;
}

/**
 * Fills the page, then feeds it for so long: two thirds of the time it shows Live, then the
 * overview with its charts.
 */
export async function endure({ perMinute, seconds, disturb }: Load): Promise<Endured> {
  const console = await startFlood();
  try {
    const { page, complaints } = await openPage(console.url, '/live');
    console.setRate(fillPerMinute);
    while ((await newestChange(page)) < fullRows) await pause(200);
    console.setRate(perMinute);
    await observeTasks(page);
    await disturb?.(page);
    const first = await newestChange(page);
    const measuring: Span[] = [];
    const measure = async (): Promise<number> => {
      const startMs = await timeOf(page);
      const bytes = await heapOf(page);
      measuring.push({ startMs, endMs: await timeOf(page) });
      return bytes;
    };
    const heaps = [await measure()];
    const startedMs = performance.now();
    const liveMs = (seconds * 2_000) / 3;
    const passedMs = (): number => performance.now() - startedMs;
    for (; passedMs() < liveMs; heaps.push(await measure())) await pause(Math.min(sampleEveryMs, liveMs / 2));
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await pause(Math.max(0, seconds * 1_000 - passedMs()));
    const took = passedMs() / 1_000;
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await page.getByRole('grid', { name: 'Changes' }).waitFor();
    heaps.push(await measure());
    const changes = (await newestChange(page)) - first;
    const observed = await page.evaluate(() => (globalThis as unknown as { tasks: Span[] }).tasks);
    const tasks = observed
      .filter((task) => !isOfMeasuring(task, measuring))
      .map(({ startMs, endMs }) => endMs - startMs);
    await page.context().close();
    if (complaints.length > 0) throw new Error(`The page complained: ${complaints.join('; ')}`);
    const stutters = tasks.filter((ms) => ms > stutterMs);
    const [machineLoad = 0] = loadavg();
    return { changes, seconds: took, stutters, machineLoad, longestMs: Math.max(0, ...tasks), heaps };
  } finally {
    await console.end();
  }
}

async function startFlood() {
  const child = spawn(process.execPath, [flood], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    url: (JSON.parse(line) as { readonly consoleUrl: string }).consoleUrl,
    setRate: (perMinute: number) => void child.stdin.write(`${perMinute}\n`),
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** By the clock of the page. */
interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** The browser reports tasks of 50 ms and more (Long Tasks API). */
async function observeTasks(page: Page): Promise<void> {
  await page.evaluate(() => {
    const tasks: Span[] = [];
    (globalThis as unknown as { tasks: Span[] }).tasks = tasks;
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries())
        tasks.push({ startMs: startTime, endMs: startTime + duration });
    }).observe({ type: 'longtask' });
  });
}

function timeOf(page: Page): Promise<number> {
  return page.evaluate(() => performance.now());
}

/**
 * A garbage collection that is asked for collects everything at once, in a task of the page, of 25
 * to 35 ms of processor time here (a trace of `V8.GCLowMemoryNotification`): no page that a person
 * looks at has that task. The API gives times to the millisecond, so one is allowed.
 */
export function isOfMeasuring({ startMs, endMs }: Span, measuring: readonly Span[]): boolean {
  return measuring.some((each) => startMs >= each.startMs - 1 && endMs <= each.endMs + 1);
}

/** Ids rise by one with each change. */
async function newestChange(page: Page): Promise<number> {
  const row = page.getByRole('grid', { name: 'Changes' }).getByRole('row').nth(1);
  if ((await row.count()) === 0) return 0;
  return Number((await row.getAttribute('id'))?.replace('change-', '') ?? 0);
}

/** In bytes, after a garbage collection. */
export async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** What came of it, in a line. */
export function endurance({ changes, seconds, stutters, machineLoad, longestMs, heaps }: Endured): string {
  const perMinute = Math.round((changes / seconds) * 60);
  const slow = stutters.map((ms) => `${Math.round(ms)} ms`).join(', ');
  return `${changes} changes in ${Math.round(seconds)} s (${perMinute} a minute): ${stutters.length} tasks over ${stutterMs} ms${slow === '' ? '' : ` (${slow})`}, the longest of ${Math.round(longestMs)} ms; memory ${mebibytes(heaps[0] ?? 0)}, at most ${mebibytes(Math.max(...heaps))}, in the end ${mebibytes(heaps.at(-1) ?? 0)}; load of the machine ${machineLoad.toFixed(1)} on ${availableParallelism()} cores`;
}

export function isFlat({ heaps }: Pick<Endured, 'heaps'>): boolean {
  return (heaps.at(-1) ?? 0) - (heaps[0] ?? 0) < growthBytesMax;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { minutes: { type: 'string', default: '10' }, rate: { type: 'string', default: '10000' } },
  });
  const endured = await endure({ perMinute: Number(values.rate), seconds: Number(values.minutes) * 60 });
  await closeBrowser();
  const isFine = endured.stutters.length === 0 && isFlat(endured);
  process.stdout.write(`${isFine ? 'Fine' : 'Not fine'}: ${endurance(endured)}\n`);
  process.exitCode = isFine ? 0 : 1;
}
