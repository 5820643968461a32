/**
 * The five ways in which Adobe's documentation and captures write a time, named by what sets them
 * apart: `2022-01-11T21:24:39Z`, `2019-04-15T02:41:50+0000`, `2019-04-15T02:41:50.000+0000`,
 * `2021-06-30T18:40:07.591378Z` and `2018-04-26T15:52:25+00:00`.
 */
export const timeSpellings = [
  'seconds-z',
  'seconds-offset',
  'milliseconds-offset',
  'microseconds-z',
  'seconds-colon-offset',
] as const;
export type TimeSpelling = (typeof timeSpellings)[number];

/**
 * Writes an instant as AEP would. Spellings without a fraction cut the milliseconds off. The
 * instant must be in the years 0 to 9999.
 */
export function formatQualificationTime(timeMs: number, spelling: TimeSpelling = 'seconds-z'): string {
  const iso = new Date(timeMs).toISOString();
  const seconds = iso.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
  const milliseconds = iso.slice(0, -1);
  switch (spelling) {
    case 'seconds-z':
      return `${seconds}Z`;
    case 'seconds-offset':
      return `${seconds}+0000`;
    case 'milliseconds-offset':
      return `${milliseconds}+0000`;
    case 'microseconds-z':
      return `${milliseconds}000Z`;
    case 'seconds-colon-offset':
      return `${seconds}+00:00`;
  }
}
