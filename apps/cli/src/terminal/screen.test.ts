import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { createScreen } from './screen.ts';

/** A screen of 20 columns, what stands on it, and a keyboard. */
function open({ isForeground = true } = {}) {
  const input = Object.assign(new PassThrough(), {
    raw: [] as boolean[],
    setRawMode: (isRaw: boolean): void => void input.raw.push(isRaw),
  });
  const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { columns: 20 });
  const signals: string[] = [];
  let written = '';
  output.on('data', (text: string) => (written += text));
  const screen = createScreen({
    input,
    output,
    paint: (line) => `(${line})`,
    signal: (name) => void signals.push(name),
    isForeground: () => isForeground,
  });
  onTestFinished(() => screen.close());
  const print = (line: string): void => screen.above(() => output.write(`${line}\n`));
  const typed = async (text: string): Promise<void> => {
    input.write(text);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const taken = (): string => {
    const before = written;
    written = '';
    return before.replaceAll('\r\u001B[2K', '<clear>');
  };
  return { screen, print, typed, taken, input, output, signals };
}

test('what is printed stands above the line that stays', () => {
  const { screen, print, taken } = open();
  print('before');
  screen.setStatus(() => '2 wait');
  print('one');
  screen.setStatus(() => '2 wait');
  screen.setStatus(() => '1 waits');
  screen.setStatus(() => '');
  print('after');
  expect(taken()).toBe('before\n(2 wait)<clear>one\n(2 wait)<clear>(1 waits)<clear>after\n');
});

test('the line is made for the width of the terminal, one column less than it has, each time that it is drawn', () => {
  const { screen, print, taken, output } = open();
  screen.setStatus((columns) => `${columns} columns`);
  output.columns = 40;
  print('one');
  expect(taken()).toBe('(19 columns)<clear>one\n(39 columns)');
});

test('keys are heard one by one, and given back at the end', async () => {
  const { screen, typed, input } = open();
  const heard: string[] = [];
  const stop = screen.hearKeys((key) => void heard.push(key));
  await typed('s?Q');
  await typed('é');
  stop();
  await typed('x');
  expect(heard).toEqual(['s', '?', 'Q', 'é']);
  expect(input.raw).toEqual([true, false]);
  expect(input.isPaused()).toBe(true);
});

test('Ctrl-C, Ctrl-\\ and Ctrl-Z do what they do elsewhere, and after Ctrl-Z it goes on with keys and line', async () => {
  const { screen, typed, taken, input, signals } = open();
  screen.setStatus(() => '2 wait');
  const heard: string[] = [];
  screen.hearKeys((key) => void heard.push(key));
  await typed('\u0003\u001C\u001A');
  expect(signals).toEqual(['SIGINT', 'SIGQUIT', 'SIGTSTP']);
  expect(heard).toEqual([]);
  expect(input.raw).toEqual([true, false]);
  expect(taken()).toBe('(2 wait)<clear>');
  process.emit('SIGCONT');
  expect(input.raw).toEqual([true, false, true]);
  expect(taken()).toBe('(2 wait)');
});

test('in the background the terminal is left as it is', () => {
  const { screen, input } = open({ isForeground: false });
  screen.hearKeys(() => undefined);
  expect(input.raw).toEqual([]);
});

test('closing takes the line away and gives the keys back, once', () => {
  const { screen, taken, input } = open();
  screen.hearKeys(() => undefined);
  screen.setStatus(() => '2 wait');
  screen.close();
  screen.close();
  expect(taken()).toBe('(2 wait)<clear>');
  expect(input.raw).toEqual([true, false]);
});
