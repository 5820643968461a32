const daysPerMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const minuteMs = 60_000;
const dayMs = 86_400_000;
const fractionStart = 'YYYY-MM-DDTHH:MM:SS'.length;
const fractionDigitsMax = 9;

/**
 * The instant that AEP's spelling of a time means, in epoch milliseconds; undefined when the text
 * is none of AEP's spellings: `2022-01-11T21:24:39Z`, `2019-04-15T02:41:50+0000`,
 * `2019-04-15T02:41:50.000+0000`, `2021-06-30T18:40:07.591378Z`, `2018-04-26T15:52:25+00:00`. That
 * is: date and time to the second, at will a fraction of up to nine digits (cut to milliseconds),
 * and a zone: `Z`, `+hhmm` or `+hh:mm`. Times that do not exist (30 February, hour 24 or more,
 * second 60) and times without a zone are refused. Parsed by hand, because `Date.parse` promises
 * only one of the five.
 */
export function parseQualificationTime(text: string): number | undefined {
  const length = text.length;
  if (length <= fractionStart || length > fractionStart + 1 + fractionDigitsMax + 6) return undefined;
  // '-' is 45, 'T' 84, ':' 58
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45 || text.charCodeAt(10) !== 84) return undefined;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return undefined;
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  // One test for "every character is a digit": a pair that is not two digits is negative, and so is
  // the bitwise or.
  if ((century | yearOfCentury | month | day | hour | minute | second) < 0) return undefined;
  const year = century * 100 + yearOfCentury;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;

  let position = fractionStart;
  let milliseconds = 0;
  if (text.charCodeAt(position) === 46 /* . */) {
    position += 1;
    const start = position;
    for (let digit = digitAt(text, position); digit >= 0; digit = digitAt(text, position)) {
      const place = position - start;
      if (place < 3) milliseconds += digit * (place === 0 ? 100 : place === 1 ? 10 : 1);
      position += 1;
    }
    if (position === start || position - start > fractionDigitsMax) return undefined;
  }
  const offsetMinutes = zoneOffsetMinutes(text, position);
  if (offsetMinutes === undefined) return undefined;
  return (
    daysSinceEpoch(year, month, day) * dayMs +
    (hour * 60 + minute - offsetMinutes) * minuteMs +
    second * 1000 +
    milliseconds
  );
}

/**
 * Minutes east of Greenwich that the zone from `position` to the end of the text means; undefined
 * if it is no zone.
 */
function zoneOffsetMinutes(text: string, position: number): number | undefined {
  const sign = text.charCodeAt(position);
  if (sign === 90 /* Z */) return text.length === position + 1 ? 0 : undefined;
  if (sign !== 43 /* + */ && sign !== 45 /* - */) return undefined;
  const hasColon = text.charCodeAt(position + 3) === 58;
  const minutePosition = position + (hasColon ? 4 : 3);
  if (text.length !== minutePosition + 2) return undefined;
  const hours = twoDigits(text, position + 1);
  const minutes = twoDigits(text, minutePosition);
  if ((hours | minutes) < 0 || hours > 23 || minutes > 59) return undefined;
  return sign === 43 ? hours * 60 + minutes : -(hours * 60 + minutes);
}

/** The digit at `position`, or -1. */
function digitAt(text: string, position: number): number {
  const digit = text.charCodeAt(position) - 48;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

/** The number that two digits at `position` mean, or a negative number. */
function twoDigits(text: string, position: number): number {
  const tens = digitAt(text, position);
  const ones = digitAt(text, position + 1);
  return (tens | ones) < 0 ? -1 : tens * 10 + ones;
}

function daysIn(year: number, month: number): number {
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeapYear ? 29 : (daysPerMonth[month - 1] ?? 0);
}

/**
 * Days from 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the
 * leap day comes last.
 */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}
