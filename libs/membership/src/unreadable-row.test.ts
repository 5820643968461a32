import { expect, test } from 'vitest';
import { isUnreadableRow, UnreadableRowCount } from './unreadable-row.ts';

const rowsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => ({ unreadable: `row ${from + n}` }));

test('a row that cannot be read is neither a row nor no row', () => {
  expect([{ unreadable: 'a' }, { version: '1' }, undefined].map(isUnreadableRow)).toEqual([true, false, false]);
});

test('a row that is met again counts once, and of a hundred the name is kept', () => {
  const count = new UnreadableRowCount();
  expect(count.now).toEqual({ rows: 0, names: [] });
  for (const row of [...rowsOf(0, 99), ...rowsOf(0, 99)]) count.add(row);
  expect(count.now).toEqual({ rows: 99, names: rowsOf(0, 99).map(({ unreadable }) => unreadable) });
  for (const row of [...rowsOf(99, 103), ...rowsOf(0, 1)]) count.add(row);
  expect(count.now).toEqual({ rows: 103, names: rowsOf(0, 100).map(({ unreadable }) => unreadable) });
});

test('what several walks could not read is counted together', () => {
  const [one, other] = [new UnreadableRowCount(), new UnreadableRowCount()];
  for (const row of rowsOf(0, 2)) one.add(row);
  for (const row of rowsOf(1, 106)) other.add(row);
  one.addAll(other.now);
  expect(one.now.rows).toBe(106);
  expect(one.now.names).toHaveLength(100);
});
