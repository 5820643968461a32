import { expect, test } from 'vitest';
import { CommandError } from '../terminal/command-error.ts';
import { refuseUnreadableRows, unreadableRowsWords } from './unreadable-rows.ts';

test('rows that cannot be read are named, ten of them, with what to do', () => {
  expect(unreadableRowsWords({ rows: 0, names: [] })).toEqual([]);
  const [one] = unreadableRowsWords({ rows: 1, names: ['column rowState of row crm.0/a'] });
  expect(one).toMatch(/^1 row of the ledger cannot be read.*: column rowState of row crm\.0\/a\. .*delete it/);
  const names = Array.from({ length: 12 }, (_, n) => `row ${n}`);
  expect(unreadableRowsWords({ rows: 12, names })[0]).toContain('row 9, and 2 more. ');
});

test('a command that could not read a row ends with 1', () => {
  expect(() => refuseUnreadableRows({ rows: 0, names: [] }, 'No.')).not.toThrow();
  const unreadable = { rows: 1, names: ['row a'] };
  expect(() => refuseUnreadableRows(unreadable, 'Not everything was done.')).toThrow(
    expect.objectContaining({
      exitCode: 1,
      message: expect.stringMatching(/^Not everything was done\. 1 row/) as string,
    }) as CommandError,
  );
});
