/**
 * `npm run endure:console`: ten minutes of 10,000 changes each, on the page in a real browser. Says
 * every task of the page that held the processor for longer than 100 ms, and how much memory the
 * page held; exits with 1 when there was such a task, or when memory grew.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { closeBrowser, openBrowser, openPage } from './browser.ts';
import { goByKeys } from './go-by-keys.ts';

const flood = fileURLToPath(new URL('../../cli/bench/flooded-console.ts', import.meta.url));

/** A person sees a page that does nothing for so long. */
export const stutterMs = 100;
const pageMark = 'endurance';
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
  /** Tasks of the page that held the processor for longer than `stutterMs`, in milliseconds. */
  readonly stutters: readonly number[];
  /** The longest task of the page. */
  readonly longestMs: number;
  /** Bytes that the page holds after a garbage collection, every few seconds. */
  readonly heaps: readonly number[];
}

export interface Load {
  readonly perMinute: number;
  readonly seconds: number;
  /** Live is shown until so many have come, on a slow machine for longer; 0 by default. */
  readonly changesMin?: number;
  /** Runs in the page when it is full, as a control that what it does is found. */
  readonly disturb?: (page: Page) => Promise<void>;
}

/**
 * Fills the page, then feeds it for so long: two thirds of the time it shows Live, then the
 * overview with its charts.
 */
export async function endure({ perMinute, seconds, changesMin = 0, disturb }: Load): Promise<Endured> {
  const console = await startFlood();
  try {
    const { page, complaints } = await openPage(console.url, '/live');
    console.setRate(fillPerMinute);
    while ((await newestChange(page)) < fullRows) await pause(200);
    console.setRate(perMinute);
    const first = await newestChange(page);
    // A garbage collection that is asked for is a long task that no person's page has: so the
    // memory is looked at between the traces.
    const heaps = [await heapOf(page)];
    const tasks: number[] = [];
    const observe = async (work: () => Promise<unknown>): Promise<void> => {
      tasks.push(...(await tasksDuring(page, work)));
    };
    const startedMs = performance.now();
    const passedMs = (): number => performance.now() - startedMs;
    const liveMs = (seconds * 2_000) / 3;
    if (disturb !== undefined) await observe(() => disturb(page));
    const isFed = async (): Promise<boolean> => (await newestChange(page)) - first > changesMin;
    for (; passedMs() < liveMs || !(await isFed()); heaps.push(await heapOf(page)))
      await observe(() => pause(Math.min(sampleEveryMs, liveMs / 2)));
    await observe(() => goByKeys(page, 'o', 'Overview'));
    for (let leftMs = 1; leftMs > 0; leftMs = seconds * 1_000 - passedMs())
      await observe(() => pause(Math.min(sampleEveryMs, leftMs)));
    const took = passedMs() / 1_000;
    await observe(async () => {
      await goByKeys(page, 'l', 'Live');
      await page.getByRole('grid', { name: 'Changes' }).waitFor();
    });
    heaps.push(await heapOf(page));
    const changes = (await newestChange(page)) - first;
    await page.context().close();
    if (complaints.length > 0) throw new Error(`The page complained: ${complaints.join('; ')}`);
    const stutters = tasks.filter((ms) => ms > stutterMs);
    return { changes, seconds: took, stutters, longestMs: Math.max(0, ...tasks), heaps };
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

/** An event of a trace of Chromium: times in microseconds, `tdur` of the processor alone. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
}

/**
 * How long each task of the page held the processor while `work` went on, in milliseconds. Not how
 * long it lasted: where other processes want the processor too, a task waits in the middle.
 */
async function tasksDuring(page: Page, work: () => Promise<unknown>): Promise<readonly number[]> {
  const session = await (await openBrowser()).newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const includedCategories = ['toplevel', 'blink.user_timing'];
  const traceConfig = { includedCategories, excludedCategories: ['*'] };
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig });
  // Of the many threads it is the one that leaves this mark.
  await page.evaluate((mark) => void performance.mark(mark), pageMark);
  await work();
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  const of = events.find(({ name }) => name === pageMark);
  if (of === undefined) throw new Error('Failed to find the page in the trace of the browser.');
  return events
    .filter(({ name, pid, tid }) => name === 'ThreadControllerImpl::RunTask' && pid === of.pid && tid === of.tid)
    .map(({ tdur = 0 }) => tdur / 1_000);
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
export function endurance({ changes, seconds, stutters, longestMs, heaps }: Endured): string {
  const perMinute = Math.round((changes / seconds) * 60);
  const slow = stutters.map((ms) => `${Math.round(ms)} ms`).join(', ');
  return `${changes} changes in ${Math.round(seconds)} s (${perMinute} a minute): ${stutters.length} tasks over ${stutterMs} ms${slow === '' ? '' : ` (${slow})`}, the longest of ${Math.round(longestMs)} ms; memory ${mebibytes(heaps[0] ?? 0)}, at most ${mebibytes(Math.max(...heaps))}, in the end ${mebibytes(heaps.at(-1) ?? 0)}`;
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
