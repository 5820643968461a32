import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseQualificationTime } from './parse-qualification-time.ts';
import { formatQualificationTime, timeSpellings } from '../testing/index.ts';

test.for([
  ['2022-01-11T21:24:39Z', Date.UTC(2022, 0, 11, 21, 24, 39)],
  ['2019-04-15T02:41:50+0000', Date.UTC(2019, 3, 15, 2, 41, 50)],
  ['2019-04-15T02:41:50.123+0000', Date.UTC(2019, 3, 15, 2, 41, 50, 123)],
  ['2021-06-30T18:40:07.591378Z', Date.UTC(2021, 5, 30, 18, 40, 7, 591)],
  ['2018-04-26T15:52:25+00:00', Date.UTC(2018, 3, 26, 15, 52, 25)],
  ['2018-04-26T15:52:25+05:30', Date.UTC(2018, 3, 26, 10, 22, 25)],
  ['2018-04-26T15:52:25-0800', Date.UTC(2018, 3, 26, 23, 52, 25)],
  ['2021-06-30T18:40:07.5Z', Date.UTC(2021, 5, 30, 18, 40, 7, 500)],
  ['2021-06-30T18:40:07.059Z', Date.UTC(2021, 5, 30, 18, 40, 7, 59)],
  ['2021-06-30T18:40:07.999999999Z', Date.UTC(2021, 5, 30, 18, 40, 7, 999)],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
  ['1969-12-31T23:59:59.999Z', -1],
  ['0000-01-01T00:00:00Z', -62_167_219_200_000],
  ['9999-12-31T23:59:59Z', 253_402_300_799_000],
] as const)('%s is %i', ([text, expected]) => {
  expect(parseQualificationTime(text)).toBe(expected);
});

test.for([
  '',
  '2022-01-11',
  '2022-01-11T21:24:39',
  '2022-01-11T21:24Z',
  '2022-01-11 21:24:39Z',
  '2022-01-11t21:24:39z',
  ' 2022-01-11T21:24:39Z',
  '2022-01-11T21:24:39Z ',
  '2022-01-11T21:24:39Z\n',
  '2022-1-11T21:24:39Z',
  '+022-01-11T21:24:39Z',
  '+002022-01-11T21:24:39Z',
  '2022-02-30T00:00:00Z',
  '2023-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2022-04-31T00:00:00Z',
  '2022-00-10T00:00:00Z',
  '2022-13-10T00:00:00Z',
  '2022-01-00T00:00:00Z',
  '2022-01-11T24:00:00Z',
  '2022-01-11T25:00:00Z',
  '2022-01-11T21:60:00Z',
  '2022-01-11T21:24:60Z',
  '2022-01-11T21:24:39.Z',
  '2022-01-11T21:24:39.1234567890Z',
  '2022-01-11T21:24:39,123Z',
  '2022-01-11T21:24:39+00',
  '2022-01-11T21:24:39+0:00',
  '2022-01-11T21:24:39+00:0',
  '2022-01-11T21:24:39+24:00',
  '2022-01-11T21:24:39+00:60',
  '2022-01-11T21:24:39+0000Z',
  '2022-01-11T21:24:39ZZ',
  '２０２２-01-11T21:24:39Z',
  '1641936279',
  'yesterday',
])('%j is no time of AEP', (text) => {
  expect(parseQualificationTime(text)).toBeUndefined();
});

const anyInstant = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });

test('every instant of the years 0 to 9999 comes back from each spelling', () => {
  fc.assert(
    fc.property(anyInstant, fc.constantFrom(...timeSpellings), (timeMs, spelling) => {
      const keepsMilliseconds = spelling === 'milliseconds-offset' || spelling === 'microseconds-z';
      const expected = keepsMilliseconds ? timeMs : Math.floor(timeMs / 1000) * 1000;
      expect(parseQualificationTime(formatQualificationTime(timeMs, spelling))).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});

test('with any offset it agrees with Date, which knows offsets with a colon', () => {
  const twoDigits = (value: number): string => String(value).padStart(2, '0');
  fc.assert(
    fc.property(
      anyInstant,
      fc.constantFrom('+', '-'),
      fc.integer({ min: 0, max: 23 }),
      fc.integer({ min: 0, max: 59 }),
      (timeMs, sign, hours, minutes) => {
        const local = new Date(timeMs).toISOString().slice(0, -1);
        const expected = Date.parse(`${local}${sign}${twoDigits(hours)}:${twoDigits(minutes)}`);
        expect(parseQualificationTime(`${local}${sign}${twoDigits(hours)}:${twoDigits(minutes)}`)).toBe(expected);
        expect(parseQualificationTime(`${local}${sign}${twoDigits(hours)}${twoDigits(minutes)}`)).toBe(expected);
      },
    ),
  );
});
