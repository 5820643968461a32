import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { TestContext } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /**
     * Why a test did not run, and what makes it run; the end of `npm test` says both
     * (`tools/test-reports.ts`).
     */
    skipped?: { readonly why: string; readonly command: string };
  }
}

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The browser of this machine; undefined where there is none. */
function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
}

/**
 * Skips a test where there is no browser, and prints so: a reader of the output must not think that
 * the test opened the page.
 */
export function requireChromium(context: TestContext): void {
  if (findChromium() !== undefined) return;
  const why = 'NOT TESTED in a browser: there is no Chromium.';
  context.task.meta.skipped = { why, command: 'apt-get install -y chromium && npx nx test console' };
  process.stderr.write(`\n${why}\n\n`);
  context.skip(why);
}

let browser: Browser | undefined;

export async function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('Failed to open a browser: there is no Chromium.');
  // Root, as in a container, has no sandbox; what is opened is our own page alone.
  browser ??= await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = undefined;
}

export interface OpenedPage {
  readonly page: Page;
  /**
   * What the page complained about: errors, refused scripts and styles, requests to anybody else.
   */
  readonly complaints: readonly string[];
}

/** Opens the console as a person does, by the address with the token, and then a page of it. */
export async function openPage(
  url: string,
  path = '/',
  { theme = 'light' }: { readonly theme?: 'light' | 'dark' } = {},
): Promise<OpenedPage> {
  const context = await (
    await openBrowser()
  ).newContext({ viewport: { width: 1280, height: 720 }, colorScheme: theme, reducedMotion: 'reduce' });
  // As long as the tests wait elsewhere (vitest.config.ts): by default it is half a minute.
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const { origin } = new URL(url);
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // An answer that says in words what cannot be done is one that the page shows.
    if (/^Failed to load resource: .* status of 4\d\d /.test(message.text())) return;
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== origin) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  if (path !== '/') {
    await page.goto(new URL(path, url).href);
    await page.getByRole('heading', { level: 1 }).waitFor();
  }
  return { page, complaints };
}

let axeSource: string | undefined;

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** What axe finds wrong, a line for each element. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  axeSource ??= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run(),
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${help}\n  ${html.slice(0, 200)}\n  ${failureSummary}`),
  );
}
