/** What the page says of numbers and times, the same everywhere. */

export function timeOf(atMs: number): string {
  const at = new Date(atMs);
  return `${at.toLocaleTimeString('en-GB')}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

export function dateTimeOf(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${at.toLocaleTimeString('en-GB')}`;
}

/**
 * A day as an address has it (`2026-02-01`), from its first to its last millisecond where the
 * person is, as the times of the page are; undefined for what is none.
 */
export function dayOf(text: string): { readonly fromMs: number; readonly toMs: number } | undefined {
  const from = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : NaN);
  if (Number.isNaN(from.getTime())) return undefined;
  const to = new Date(from);
  to.setDate(to.getDate() + 1);
  return { fromMs: from.getTime(), toMs: to.getTime() - 1 };
}

/** A duration with as many figures as say something. */
export function durationOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
  return ms < 172_800_000
    ? `${(ms / 3_600_000).toFixed(1).replace('.0', '')} h`
    : `${Math.round(ms / 86_400_000)} days`;
}

export function agoOf(atMs: number, nowMs: number): string {
  const ms = Math.max(0, nowMs - atMs);
  return ms < 2_000 ? 'now' : `${durationOf(Math.floor(ms / 1_000) * 1_000).replace('.0 ', ' ')} ago`;
}

export function numberOf(value: number): string {
  return value.toLocaleString('en-GB').replaceAll(',', ' ');
}

export function countOf(value: number, noun: string): string {
  return `${numberOf(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** JSON with indents; anything else as it is. */
export function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/**
 * What a list offers, and what an address asks for besides: a name that the activation file does
 * not have any more can be meant all the same.
 */
export function withChosen(values: readonly string[] | undefined, chosen: string | null): readonly string[] {
  return [...new Set([...(values ?? []), ...(chosen === null || chosen === '' ? [] : [chosen])])];
}

const two = (value: number): string => String(value).padStart(2, '0');
