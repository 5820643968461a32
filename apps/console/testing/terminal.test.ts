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
    const { type, shows, written, ended } = startInTerminal(words, { columns });
    await shows(/Ready after/);
    type('s');
    await shows(/out receiver +entered +sports-fans .* delivered/);
    type('b');
    await shows(/Break receiver how\?/);
    type('d');
    await shows(/receiver is down\./);
    type('s');
    await shows(/out receiver +entered +sports-fans .* deferred/);
    await shows(/ 1 waits? .*receiver is broken|receiver is broken.* 1 waits? /);
    type('bm');
    await shows(/receiver is mended/);
    type('r');
    await shows(/Asked for: 1 waiting retry/);
    await shows(/deferred[^]*out receiver +entered +sports-fans .* delivered/);
    const { page, lines } = await drawTerminal(written(), columns);
    await keepScreenshot(page, 'terminal');
    expect(lines.filter((line) => / told\/s /.test(line))).toEqual([lines.findLast((line) => line !== '')]);
    expect(lines.filter((line) => /^out receiver .* delivered/.test(line))).toHaveLength(2);

    type('q');
    expect(await ended).toBe(0);
    const { lines: atTheEnd } = await drawTerminal(written(), columns);
    expect(atTheEnd.filter((line) => / told\/s /.test(line))).toEqual([]);
    expect(atTheEnd).toContain('Stopped.');
  },
);

test('a terminal shows a person of an environment, its lag, and what is told there', { timeout: 300_000 }, async () => {
  const { folder, variables, end } = await startDeployedEnvironment();
  onTestFinished(end);
  const place = { columns: 150, folder, variables };
  const sessions: string[] = [];
  for (const words of [['lag'], ['explain', 'email:person.2@example.com'], ['resync', 'crm', '--audience', 'vip']]) {
    const { written, ended } = startInTerminal([...words, '--environment', 'dev'], place);
    expect(await ended).toBe(0);
    sessions.push(`$ activation ${words.join(' ')} --environment dev\r\n${written()}\r\n`);
  }
  const { page, lines } = await drawTerminal(sessions.join(''), place.columns);
  await keepScreenshot(page, 'terminal-environment');
  expect(lines).toContain('Told crm of 40 memberships; 0 were left to other processes, 0 failed.');
  expect(lines.find((line) => line.startsWith('3 events are not settled'))).toBeDefined();
  expect(lines.find((line) => line.includes('activation retry-now ads --environment dev'))).toBeDefined();
});
