import type { ChangeKind } from '@activation-hub/destination-kit';
import type { LedgerRecord } from './ledger.ts';
import type { MembershipState } from './state.ts';

/** On whose account a row changes. */
export type Because = (typeof becauseCodes)[keyof typeof becauseCodes];

/**
 * What happened to a row. The first three are attempts to tell the destination; the others were
 * written without asking it.
 */
export type Did = (typeof didCodes)[keyof typeof didCodes];

/** How an attempt ended. */
export type AttemptOutcome = (typeof outcomeCodes)[keyof typeof outcomeCodes];

/** One thing that happened to a row, or the same thing several times in a row. */
export interface Transition {
  readonly did: Did;
  readonly because: Because;
  /**
   * A member of the audience who is not to be in the destination: consent does not say yes, or the
   * route is retired.
   */
  readonly isWithheld: boolean;
  /**
   * When the hub took the export from which the state comes, in epoch milliseconds; of several the
   * newest.
   */
  readonly enqueuedAtMs: number;
  /** When the row was leased or written for it, in epoch milliseconds; of several the first. */
  readonly atMs: number;
  /** When the attempt ended, or when it happened again for the last time; `atMs` when neither. */
  readonly lastAtMs: number;
  readonly times: number;
  /**
   * How the attempt ended, each time the same; absent while that is not known, and for what is no
   * attempt.
   */
  readonly outcome?: AttemptOutcome;
  /** The destination may have taken it all the same. */
  readonly inDoubt: boolean;
  /**
   * The class of the failure and its reason, which holds no personal data and no secret; cut after
   * a word to 120 characters.
   */
  readonly class?: string;
  readonly reason?: string;
}

/** The transitions that a row keeps, from old to new. */
export interface History {
  readonly transitions: readonly Transition[];
  /** How many others there were that are not kept any more, or that this version cannot read. */
  readonly omitted: number;
}

/** When and on whose account a row changes. */
export interface Occasion {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly because: Because;
}

/** Why something was not told, or not taken. */
export interface Explanation {
  readonly class?: string | undefined;
  readonly reason?: string | undefined;
}

/** How an attempt ended, and when. */
export interface Ending extends Explanation {
  readonly outcome: AttemptOutcome;
  readonly atMs: number;
  readonly inDoubt: boolean;
}

/**
 * A row keeps its last eight transitions, as many of them as 600 characters take
 * (docs/specs/ledger.md, section 10).
 */
const transitionsMax = 8;
export const historyCharactersMax = 600;
const reasonCharactersMax = 120;
const classCharactersMax = 32;

const becauseCodes = {
  x: 'export',
  r: 'retry',
  y: 'replay',
  p: 'repair',
  s: 'resync',
  w: 'renewal',
  l: 'fill',
  o: 'retirement',
  g: 'erasure',
  f: 'former-identity',
} as const;

const didCodes = {
  e: 'entered',
  u: 'updated',
  x: 'exited',
  d: 'delivered',
  n: 'noted',
  p: 'paused',
  h: 'deferred',
  g: 'given-up',
  k: 'overtaken',
} as const;

const outcomeCodes = { d: 'delivered', r: 'rejected', f: 'not-found', g: 'given-up', h: 'deferred' } as const;

const becauseLetters = lettersOf(becauseCodes);
const didLetters = lettersOf(didCodes);
const outcomeLetters = lettersOf(outcomeCodes);

const betweenTransitions = '|';
const betweenFields = ',';
/**
 * In an attempt that was taken, which is news each time. A reason that holds it by chance is not
 * merged with its like.
 */
const takenMark = `${betweenFields}${outcomeLetters.delivered}${betweenFields}`;

/** The history of a row, spelled out. */
export function historyOf({ history }: Pick<LedgerRecord, 'history'>): History {
  const { entries, omitted } = entriesOf(history);
  const transitions = entries.flatMap((entry) => read(entry) ?? []);
  return { transitions, omitted: omitted + entries.length - transitions.length };
}

/**
 * The history when a row is leased, so that an attempt begins, or is written without asking the
 * destination.
 */
export function began(
  history = '',
  { status, isMember, enqueuedAtMs }: Pick<MembershipState, 'status' | 'isMember' | 'enqueuedAtMs'>,
  did: Did,
  { atMs, because, class: cause, reason }: Occasion & Explanation,
): string {
  const isWithheld = status === 'realized' && !isMember;
  const head = `${becauseLetters[because]}${didLetters[did]}${isWithheld ? 'w' : ''}`;
  const entry = `${head},${timesText(enqueuedAtMs, atMs)}`;
  if (isAttempt(did)) return appended(history, entry);
  return again(history, explained(entry, { class: cause, reason }));
}

/**
 * The history when the attempt with which it ends is over. A row that has no such attempt keeps the
 * ending alone.
 */
export function ended(history = '', state: MembershipState, ending: Ending): string {
  const start = history.lastIndexOf(betweenTransitions) + 1;
  const open = history.slice(start);
  if (isOpen(open)) return again(history.slice(0, Math.max(0, start - 1)), endedEntry(open, ending));
  const { outcome, atMs } = ending;
  const occasion = { atMs, because: 'retry', class: ending.class, reason: ending.reason } as const;
  if (outcome === 'given-up') return began(history, state, outcome, occasion);
  return ended(began(history, state, state.isMember ? 'entered' : 'exited', occasion), state, ending);
}

/**
 * The history of a row that another process has written since our attempt began, with the ending of
 * our attempt, as far as the row still has it: `leased` is the history with which the attempt
 * began.
 */
export function endedLate(history: string | undefined, leased: string | undefined, ending: Ending): string | undefined {
  const open = entriesOf(leased).entries.at(-1);
  const { entries, omitted } = entriesOf(history);
  if (open === undefined || !isOpen(open) || !entries.includes(open)) return history;
  return joined(
    entries.map((entry) => (entry === open ? endedEntry(open, ending) : entry)),
    omitted,
  );
}

function endedEntry(open: string, ending: Ending): string {
  const { outcome, inDoubt, atMs } = ending;
  const [, enqueued = '', at = ''] = open.split(betweenFields);
  const lasted = atMs - Number.parseInt(enqueued, 36) - Number.parseInt(at, 36);
  const entry = `${open},${outcomeLetters[outcome]}${inDoubt ? '?' : ''},${base36(lasted)}`;
  return outcome === 'delivered' ? entry : explained(entry, ending);
}

/** Adds the fields of an explanation to an entry that has none yet. */
function explained(entry: string, { class: cause, reason }: Explanation): string {
  if (cause === undefined && reason === undefined) return entry;
  const absent = betweenFields.repeat(6 - entry.split(betweenFields).length);
  return `${entry}${absent},${clean(cause ?? '', classCharactersMax).replaceAll(betweenFields, ' ')},${clean(reason ?? '', reasonCharactersMax)}`;
}

/** One line of whole words, without what ends a transition; `…` stands for what is left out. */
function clean(text: string, charactersMax: number): string {
  return cut(text, charactersMax)
    .toWellFormed()
    .replaceAll(/[\p{Cc}|]/gu, ' ');
}

function cut(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const kept = text.slice(0, charactersMax - 1);
  // A word may be longer than all that is kept: then it is cut itself.
  return `${kept.replace(/\s+\S*$/, '') || kept}…`;
}

/**
 * The history with an entry more, or with one that says that the last thing happened again in the
 * same way.
 */
function again(history: string, entry: string): string {
  const start = history.lastIndexOf(betweenTransitions) + 1;
  const merged = mergedEntry(history.slice(start), entry);
  return merged === undefined ? appended(history, entry) : appended(history.slice(0, Math.max(0, start - 1)), merged);
}

/**
 * Both as one, when they differ in nothing but their times and their account; undefined when they
 * do not.
 */
function mergedEntry(earlier: string, later: string): string | undefined {
  // Most often they say different things, which the letters after the account show.
  if (earlier.charAt(1) !== later.charAt(1) || later.includes(takenMark)) return undefined;
  const left = earlier.split(betweenFields);
  const right = later.split(betweenFields);
  if (left[0]?.slice(1) !== right[0]?.slice(1) || (left[3] ?? '') !== (right[3] ?? '')) return undefined;
  // The same attempt again is about the same state.
  if ((right[3] ?? '') !== '' && left[1] !== right[1]) return undefined;
  if (left.slice(6).join(betweenFields) !== right.slice(6).join(betweenFields)) return undefined;
  const [before, after] = [read(earlier), read(later)];
  if (before === undefined || after === undefined) return undefined;
  const fields = [
    left[0],
    right[1],
    base36(before.atMs - after.enqueuedAtMs),
    left[3] ?? '',
    base36(after.lastAtMs - before.atMs),
    String(before.times + after.times),
    ...left.slice(6),
  ];
  return fields.join(betweenFields);
}

function appended(history: string, entry: string): string {
  // As of every row that is new.
  if (history === '') return entry;
  const { entries, omitted } = entriesOf(history);
  return joined([...entries, entry], omitted);
}

function entriesOf(history = ''): { readonly entries: readonly string[]; readonly omitted: number } {
  if (history === '') return { entries: [], omitted: 0 };
  const entries = history.split(betweenTransitions);
  const first = entries[0] ?? '';
  if (!first.startsWith('+')) return { entries, omitted: 0 };
  const omitted = Number.parseInt(first, 10);
  return { entries: entries.slice(1), omitted: Number.isNaN(omitted) ? 0 : omitted };
}

/** As many of the newest entries as a row keeps, with the number of those that it does not. */
function joined(entries: readonly string[], omitted: number): string {
  let left = Math.max(0, entries.length - transitionsMax);
  for (;;) {
    const kept = entries.slice(left);
    const text = (omitted + left === 0 ? kept : [`+${omitted + left}`, ...kept]).join(betweenTransitions);
    if (text.length <= historyCharactersMax || kept.length <= 1) return text;
    left += 1;
  }
}

function read(entry: string): Transition | undefined {
  const [head = '', enqueued = '', at = '', outcome = '', last = '', times = '', cause = '', ...reason] =
    entry.split(betweenFields);
  const because = codeOf(becauseCodes, head.charAt(0));
  const did = codeOf(didCodes, head.charAt(1));
  const how = codeOf(outcomeCodes, outcome.charAt(0));
  const enqueuedAtMs = Number.parseInt(enqueued, 36);
  const atMs = enqueuedAtMs + Number.parseInt(at, 36);
  const lastAtMs = last === '' ? atMs : atMs + Number.parseInt(last, 36);
  const count = times === '' ? 1 : Number(times);
  if (because === undefined || did === undefined || (outcome !== '' && how === undefined)) return undefined;
  if (![atMs, lastAtMs, count].every(Number.isSafeInteger)) return undefined;
  const why = reason.join(betweenFields);
  return {
    did,
    because,
    isWithheld: head.charAt(2) === 'w',
    enqueuedAtMs,
    atMs,
    lastAtMs,
    times: count,
    ...(how === undefined ? {} : { outcome: how }),
    inDoubt: outcome.endsWith('?'),
    ...(cause === '' ? {} : { class: cause }),
    ...(why === '' ? {} : { reason: why }),
  };
}

function isAttempt(did: Did | undefined): did is ChangeKind {
  return did === 'entered' || did === 'updated' || did === 'exited';
}

/** An attempt whose ending is not recorded yet. */
function isOpen(entry: string): boolean {
  if (!isAttempt(codeOf(didCodes, entry.charAt(1)))) return false;
  const second = entry.indexOf(betweenFields, entry.indexOf(betweenFields) + 1);
  return second !== -1 && !entry.includes(betweenFields, second + 1);
}

let lastTimes: { readonly enqueuedAtMs: number; readonly atMs: number; readonly text: string } | undefined;

/** The rows of an export come one after the other, and mostly have both times in common. */
function timesText(enqueuedAtMs: number, atMs: number): string {
  if (lastTimes?.enqueuedAtMs !== enqueuedAtMs || lastTimes.atMs !== atMs)
    lastTimes = { enqueuedAtMs, atMs, text: `${base36(enqueuedAtMs)},${base36(atMs - enqueuedAtMs)}` };
  return lastTimes.text;
}

function base36(value: number): string {
  return Math.round(value).toString(36);
}

function codeOf<Words extends Readonly<Record<string, string>>>(
  codes: Words,
  letter: string,
): Words[keyof Words] | undefined {
  return Object.hasOwn(codes, letter) ? codes[letter as keyof Words] : undefined;
}

function lettersOf<Words extends Readonly<Record<string, string>>>(codes: Words): Record<Words[keyof Words], string> {
  const letters = Object.entries(codes).map(([letter, word]) => [word, letter]);
  return Object.fromEntries(letters) as Record<Words[keyof Words], string>;
}
