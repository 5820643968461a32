const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const month = `(?<month>${monthNames.join('|')})`;
const time = String.raw`(?<hours>\d{2}):(?<minutes>\d{2}):(?<seconds>\d{2})`;

/** The three forms of RFC 9110, section 5.6.7: the preferred one, RFC 850's and C's asctime. */
const httpDates = [
  new RegExp(String.raw`^[A-Z][a-z]{2}, (?<day>\d{2}) ${month} (?<year>\d{4}) ${time} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{5,8}, (?<day>\d{2})-${month}-(?<year>\d{2}) ${time} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{2} ${month} (?<day>[ \d]\d) ${time} (?<year>\d{4})$`),
];

/**
 * From here on a number cannot be meant as a wait (that would be thirty years): it is a time since
 * 1970, in seconds, then in milliseconds.
 */
const epochSecondsFrom = 1e9;
const epochMsFrom = 1e11;

/**
 * When a request may be tried again, in epoch milliseconds, from the value of a `Retry-After`
 * header: seconds (a fraction is taken too, for some vendors send one), an HTTP date, or what some
 * vendors send though RFC 9110 does not know it: a time in seconds or milliseconds since 1970. The
 * wait is not shortened, however long it is: delivery bounds it. A time that has passed gives
 * `nowMs`. `undefined` when the header is absent or says none of these.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  const value = header?.trim() ?? '';
  const atMs = /^\d+(\.\d+)?$/.test(value) ? timeOf(Number(value), nowMs) : parseHttpDate(value, nowMs);
  if (atMs === undefined || Number.isNaN(new Date(atMs).getTime())) return undefined;
  return Math.max(atMs, nowMs);
}

function timeOf(number: number, nowMs: number): number {
  if (number >= epochMsFrom) return Math.ceil(number);
  return number >= epochSecondsFrom ? Math.ceil(number * 1000) : nowMs + Math.ceil(number * 1000);
}

function parseHttpDate(value: string, nowMs: number): number | undefined {
  for (const form of httpDates) {
    const parts = form.exec(value)?.groups;
    if (parts === undefined) continue;
    const number = (name: string) => Number(parts[name]);
    return Date.UTC(
      fullYear(parts.year ?? '', nowMs),
      monthNames.indexOf(parts.month ?? ''),
      number('day'),
      number('hours'),
      number('minutes'),
      number('seconds'),
    );
  }
  return undefined;
}

/**
 * RFC 9110: a two-digit year that seems more than 50 years ahead is the latest past one with these
 * digits.
 */
function fullYear(digits: string, nowMs: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
