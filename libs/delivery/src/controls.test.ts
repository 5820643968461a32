import { expect, test } from 'vitest';
import { describeControlsContract } from '../testing/index.ts';
import { activeControls, InMemoryControls, pauseOf, retryNowKeepMs, withControl, type Control } from './controls.ts';

describeControlsContract('controls in memory', (same) => Promise.resolve(same ?? new InMemoryControls()));

const pause = (over: Partial<Control> = {}): Control => ({
  action: 'pause',
  atMs: 0,
  by: 'ada',
  reason: 'migration',
  ...over,
});
const everything = pause();
const crm = pause({ destination: 'crm' });
const crmVip = pause({ destination: 'crm', audience: 'vip' });

test('a pause of everything, of a destination and of a route hold what they are about, and nothing else', () => {
  const of = (control: Control, destination: string, audience?: string): boolean =>
    pauseOf([control], audience === undefined ? { destination } : { destination, audience }, 1) === control;
  expect([of(everything, 'crm'), of(everything, 'ads', 'vip')]).toEqual([true, true]);
  expect([of(crm, 'crm'), of(crm, 'crm', 'vip'), of(crm, 'ads')]).toEqual([true, true, false]);
  expect([of(crmVip, 'crm', 'vip'), of(crmVip, 'crm', 'news'), of(crmVip, 'crm')]).toEqual([true, false, false]);
});

test('a pause ends by itself at its time, and of several the one that lasts longest is told', () => {
  const short = pause({ destination: 'crm', untilMs: 10 });
  expect(pauseOf([short], { destination: 'crm' }, 9)).toBe(short);
  expect(pauseOf([short], { destination: 'crm' }, 10)).toBeUndefined();
  const long = pause({ untilMs: 20 });
  for (const [lasting, other] of [
    [long, short],
    [everything, long],
    [everything, short],
  ] satisfies [Control, Control][])
    for (const both of [
      [lasting, other],
      [other, lasting],
    ])
      expect(pauseOf(both, { destination: 'crm' }, 9)).toBe(lasting);
});

test('a control replaces that of its own scope, and what is over goes', () => {
  const again = pause({ destination: 'crm', reason: 'still' });
  const over = pause({ destination: 'ads', untilMs: 5 });
  const asked: Control = { ...crm, action: 'retry-now' };
  expect(withControl([crm, crmVip, over, asked], again, 6)).toEqual([crmVip, asked, again]);
  expect(withControl([everything, crm], { ...everything, atMs: 1 }, 6)).toEqual([crm, { ...everything, atMs: 1 }]);
  const askedLater = { ...asked, atMs: 1_000 };
  expect(activeControls([asked, askedLater], retryNowKeepMs - 1)).toEqual([asked, askedLater]);
  expect(activeControls([asked, askedLater], retryNowKeepMs)).toEqual([askedLater]);
  expect(activeControls([asked, askedLater], retryNowKeepMs + 1_000)).toEqual([]);
});

test('a request to try again holds nothing', () => {
  expect(pauseOf([{ ...crm, action: 'retry-now' }], { destination: 'crm' }, 1)).toBeUndefined();
});
