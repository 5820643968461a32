import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { devNull } from 'node:os';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import type { ITheme, Terminal } from '@xterm/xterm';
import type { Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { openBrowser } from './browser.ts';

const command = fileURLToPath(new URL('../../cli/bin/activation.js', import.meta.url));
const rows = 22;

/** Where a command runs. */
interface SessionPlace {
  readonly columns: number;
  readonly folder?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** A command before a terminal of its own, as a person starts it. */
export interface TerminalSession {
  /** Everything that was written so far, as a terminal takes it. */
  readonly written: () => string;
  type(keys: string): void;
  /** Waits until what was written, without colours and movements, has this. */
  shows(pattern: RegExp): Promise<void>;
  /** The exit code, at its end. */
  readonly ended: Promise<number | null>;
}

/**
 * Starts the command under `script`, which gives it a pseudo-terminal (script(1) of util-linux and
 * of macOS, whose words differ). It is ended with the running test.
 */
export function startInTerminal(words: readonly string[], place: SessionPlace): TerminalSession {
  const { columns, folder, variables = {} } = place;
  // The terminal of `script` has no size of its own where its input is a pipe.
  const sized = `stty rows ${rows} cols ${columns}; exec ${[process.execPath, command, ...words].map(quoted).join(' ')}`;
  const options = process.platform === 'linux' ? ['-qefc', sized, devNull] : ['-q', devNull, 'sh', '-c', sized];
  const child = spawn('script', options, {
    cwd: folder,
    env: {
      ...process.env,
      ...variables,
      TERM: 'xterm-256color',
      NO_COLOR: undefined,
      FORCE_COLOR: undefined,
      CI: undefined,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let written = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (written += more));
  const ended = once(child, 'close').then(() => child.exitCode);
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return {
    written: () => written,
    type: (keys) => void child.stdin.write(keys),
    shows: (pattern) => expect.poll(() => stripVTControlCharacters(written)).toMatch(pattern),
    ended,
  };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

const themes = {
  light: { background: '#ffffff', foreground: '#1f2328', brightBlack: '#6e7781' },
  dark: { background: '#16181d', foreground: '#e6e6e6', brightBlack: '#8b949e' },
} satisfies Record<string, ITheme>;

/** What a terminal shows, drawn by xterm.js in a page that follows its colour scheme. */
export interface DrawnTerminal {
  readonly page: Page;
  /** The lines that stand on it, as text. */
  readonly lines: readonly string[];
}

/** Draws what was written for a terminal of so many columns; the page is closed with the test. */
export async function drawTerminal(written: string, columns: number): Promise<DrawnTerminal> {
  const context = await (await openBrowser()).newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const { resolve } = createRequire(import.meta.url);
  await page.setContent('<!doctype html><title>Terminal</title><body style="margin: 0"><div id="terminal"></div>');
  // A picture has a margin, and no bar to scroll with.
  const style = `#terminal { display: inline-block } .xterm { margin: 12px } .xterm .scrollbar { display: none }
    body { background: ${themes.light.background} }
    @media (prefers-color-scheme: dark) { body { background: ${themes.dark.background} } }`;
  await page.addStyleTag({ path: resolve('@xterm/xterm/css/xterm.css') });
  await page.addStyleTag({ content: style });
  await page.addScriptTag({ path: resolve('@xterm/xterm/lib/xterm.js') });
  const lines = await page.evaluate(drawInPage, { written, columns, rows, themes });
  const box = await page.locator('#terminal').boundingBox();
  await page.setViewportSize({ width: Math.ceil(box?.width ?? 0), height: Math.ceil(box?.height ?? 0) });
  return { page, lines };
}

/** Runs in the page, so it takes nothing from this file. */
async function drawInPage(
  picture: Readonly<{ written: string; columns: number; rows: number; themes: typeof themes }>,
): Promise<readonly string[]> {
  const element = document.querySelector<HTMLElement>('#terminal');
  if (element === null) throw new Error('Failed to draw a terminal: the page has no place for it.');
  const XTerm = (globalThis as unknown as { Terminal: typeof Terminal }).Terminal;
  const isDark = matchMedia('(prefers-color-scheme: dark)');
  const theme = (): ITheme => picture.themes[isDark.matches ? 'dark' : 'light'];
  const terminal = new XTerm({
    cols: picture.columns,
    rows: picture.rows,
    fontFamily: 'monospace',
    fontSize: 13,
    cursorInactiveStyle: 'none',
    theme: theme(),
  });
  isDark.addEventListener('change', () => (terminal.options.theme = theme()));
  terminal.open(element);
  await new Promise<void>((resolve) => terminal.write(picture.written, resolve));
  const { active } = terminal.buffer;
  return Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true) ?? '');
}
