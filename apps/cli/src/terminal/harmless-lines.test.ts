import { join } from 'node:path';
import { Readable } from 'node:stream';
import picocolors from 'picocolors';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { run } from '../main.ts';
import { withHarmlessLines } from './harmless-lines.ts';

const example = join(import.meta.dirname, '../..', 'examples', 'activation.yaml');
/** A window title, a cleared screen, an override of direction, and a C1 introducer. */
const hostile = 'C-1\u001B]0;owned\u0007\u001B[2J\u202Eevil\u009B31m';
const hostileExport = JSON.stringify({
  identityMap: { crmid: [{ id: hostile }] },
  segmentMembership: {
    ups: {
      '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a04': { lastQualificationTime: '2026-01-31T12:00:00Z', status: 'realized' },
      [hostile]: { lastQualificationTime: '2026-01-31T12:00:00Z', status: 'realized' },
    },
  },
});
const steering = /[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;

test('an identity and an audience of an export cannot steer the terminal', async () => {
  const terminal = capturedTerminal({ stdin: Readable.from([hostileExport]) });
  expect(await run(['inspect', '-', '--activations', example], terminal)).toBe(0);
  const text = terminal.printed.join('').replaceAll('\n', '');
  expect(text).toContain(String.raw`crmid C-1\u001b]0;owned\u0007\u001b[2J\u202eevil\u009b31m`);
  expect(text).not.toMatch(steering);
});

test('a line of JSON holds the same value as before, and steers nothing either', async () => {
  const terminal = capturedTerminal({ stdin: Readable.from([hostileExport]) });
  expect(await run(['inspect', '-', '--activations', example, '--json'], terminal)).toBe(0);
  const [line = ''] = terminal.printed;
  expect(line).not.toMatch(steering);
  expect(JSON.parse(line)).toMatchObject({ decisions: [{ change: { identity: { value: hostile } } }] });
});

test('what is said besides steers nothing either', () => {
  const terminal = capturedTerminal();
  withHarmlessLines(terminal).say(`Failed: ${hostile}\r\nTwo\tlines.`);
  expect(terminal.said).toEqual([
    `Failed: ${String.raw`C-1\u001b]0;owned\u0007\u001b[2J\u202eevil\u009b31m`}\nTwo\tlines.`,
  ]);
});

test('the colours of the terminal stay, and nothing that hides text or moves the cursor passes as one', () => {
  const colors = picocolors.createColors(true);
  const terminal = { ...capturedTerminal(), colors };
  const { print } = withHarmlessLines(terminal);
  const painted = [colors.bold('b'), colors.dim('d'), colors.cyan('c'), colors.yellow('y'), colors.red('r')].join(' ');
  print(painted);
  print('\u001B[8mhidden\u001B[28m \u001B[31;1H');
  expect(terminal.printed).toEqual([painted, `${String.raw`\u001b[8mhidden`}\u001B[28m ${String.raw`\u001b[31;1H`}`]);
});
