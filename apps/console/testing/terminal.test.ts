import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { closeBrowser, requireChromium } from './browser.ts';
import { startDeployedEnvironment } from './deployed-environment.ts';
import { keepScreenshot } from './screenshots.ts';
import { drawTerminal, startInTerminal } from './terminal-session.ts';

beforeEach(requireChromium);
afterAll(closeBrowser);

test(
  'a terminal shows a line for each change, one status line below them, and what a key asked for',
  { timeout: 300_000 },
  async () => {
    const columns = 120;
    const words = ['local', '--event-hubs-port', '0', '--storage-port', '0', '--no-simulator', '--no-console'];
    const session = startInTerminal(words, { columns });
    const { ended } = session;
    await session.shows(/Ready after/);
    session.type('s');
    await session.shows(/out receiver +entered +sports-fans .* delivered/);
    session.type('b');
    await session.shows(/Break receiver how\?/);
    session.type('d');
    await session.shows(/receiver is down\./);
    session.type('s');
    await session.shows(/out receiver +entered +sports-fans .* deferred/);
    await session.shows(/ 1 waits? .*receiver is broken|receiver is broken.* 1 waits? /);
    // Seconds before the next attempt: until then the keys come first.
    await session.shows(/next try at \S+ \(in (?:[4-9]|\d\d+) s\)[^\r\n]*$/);
    session.type('bm');
    await session.shows(/receiver is mended/);
    session.type('r');
    await session.shows(/Asked for: 1 waiting retry/);
    await session.shows(/deferred[^]*out receiver +entered +sports-fans .* delivered/);
    // A line is written above the status line, which is written anew then.
    await session.shows(/ told\/s [^\n]*$/);
    const { page, lines } = await drawTerminal(session.written(), columns);
    await keepScreenshot(page, 'terminal');
    expect(lines.filter((line) => line.includes(' told/s '))).toEqual([lines.findLast((line) => line !== '')]);
    expect(lines.filter((line) => /^out receiver .* delivered/.test(line))).toHaveLength(2);

    session.type('q');
    expect(await ended).toBe(0);
    const { lines: atTheEnd } = await drawTerminal(session.written(), columns);
    expect(atTheEnd.filter((line) => line.includes(' told/s '))).toEqual([]);
    expect(atTheEnd).toContain('Stopped.');
  },
);

test('a terminal shows a person of an environment, its lag, and what is told there', { timeout: 300_000 }, async () => {
  const environment = await startDeployedEnvironment();
  onTestFinished(() => environment.end());
  const { folder, variables } = environment;
  const place = { columns: 150, folder, variables };
  const sessions: string[] = [];
  for (const words of [['lag'], ['explain', 'email:person.2@example.com'], ['resync', 'crm', '--audience', 'vip']]) {
    const session = startInTerminal([...words, '--environment', 'dev'], place);
    expect(await session.ended).toBe(0);
    sessions.push(`$ activation ${words.join(' ')} --environment dev\r\n${session.written()}\r\n`);
  }
  const { page, lines } = await drawTerminal(sessions.join(''), place.columns);
  await keepScreenshot(page, 'terminal-environment');
  expect(lines).toContain('Told crm of 40 memberships; 0 were left to other processes, 0 failed.');
  expect(lines.find((line) => line.startsWith('3 events are not settled'))).toBeDefined();
  expect(lines.find((line) => line.includes('activation retry-now ads --environment dev'))).toBeDefined();
});
