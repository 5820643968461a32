import { counted } from '../../terminal/counted.ts';
import type { ChangeRow, Exchange } from '@activation-hub/console-contract';
import { oneLine } from '../../activation-file/audience-names.ts';
import type { KeptAttempt } from '../../console/observed-requests.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type Colors = Terminal['colors'];

/** The outcomes for which nothing has to be seen to, and nothing was sent. */
const silentOutcomes: ReadonlySet<string> = new Set([
  'unchanged',
  'superseded',
  'withheld',
  'unresolved',
  'shadowed',
  'paused',
  'retired',
]);

/** Whether a change needed no request, as most do. */
export function isSilent({ outcome }: ChangeRow): boolean {
  return silentOutcomes.has(outcome);
}

/**
 * One change as a line: whether it went out, to whom, what it is, how it ended and why. The person
 * stands as the row has them.
 */
export function changeLine(row: ChangeRow, colors: Colors): string {
  const { destination, audience, kind, status, namespace, person } = row;
  // A change that an open circuit holds was not sent.
  const isHeld = row.outcome === 'deferred' && row.requestMs === undefined;
  const mark = isHeld || isSilent(row) ? 'in ' : 'out';
  const what = (kind ?? status ?? 'change').padEnd(9);
  const who = oneLine(`${namespace} ${person}`) || '–';
  const of = `${destination.padEnd(12)} ${paintKind(row, colors)(what)} ${audience.padEnd(18)} ${who.padEnd(16)}`;
  const word = row.isInShadow ? 'in shadow' : row.outcome;
  const line = `${mark} ${of} ${paintOutcome(row, colors)(word.padEnd(10))}  ${endOf(row)}`;
  return isSilent(row) ? colors.dim(line) : line;
}

function endOf({ outcome, why, httpStatus, requestMs, ageMs }: ChangeRow): string {
  const answered =
    requestMs === undefined
      ? []
      : [`${httpStatus === undefined ? 'answered' : String(httpStatus)} after ${requestMs} ms`];
  const age = ageMs === undefined ? [] : [`${seconds(ageMs)} after it came`];
  return outcome === 'delivered' ? [...answered, ...age].join(', ') : oneLine(why);
}

/** `0.2 s`, `3 min`, `2 h`: so much that a person sees how long it is. */
export function seconds(durationMs: number): string {
  if (durationMs < 10_000) return `${(durationMs / 1_000).toFixed(1)} s`;
  if (durationMs < 120_000) return `${Math.round(durationMs / 1_000)} s`;
  if (durationMs < 7_200_000) return `${Math.round(durationMs / 60_000)} min`;
  return `${Math.round(durationMs / 3_600_000)} h`;
}

/** Red and yellow are for what is wrong; who leaves an audience does nothing wrong. */
export function changePaints({ green, cyan, magenta }: Colors) {
  return { entered: green, updated: cyan, exited: magenta };
}

function paintKind({ kind, outcome }: ChangeRow, colors: Colors): (text: string) => string {
  return outcome !== 'delivered' || kind === undefined ? (text) => text : changePaints(colors)[kind];
}

function paintOutcome({ outcome }: ChangeRow, { yellow, red }: Colors): (text: string) => string {
  if (outcome === 'rejected' || outcome === 'given-up' || outcome === 'not-found') return red;
  return outcome === 'deferred' ? yellow : (text) => text;
}

/** So much of a body is printed; the page has the rest. */
const bodyCharactersMax = 2_000;

/**
 * What a destination was sent in one attempt, and what it answered: without secrets, and with
 * whatever personal data the bodies have.
 */
export function attemptLines({ destination, changes, exchanges }: KeptAttempt, { dim }: Colors): readonly string[] {
  return exchanges.flatMap((exchange, index) => [
    `${dim('>  ')} ${destination.padEnd(12)} ${exchange.method} ${oneLine(exchange.url)}${index === 0 ? dim(` for ${counted(changes, 'change')}`) : ''}`,
    ...contentLines('>', exchange, dim),
    ...answerLines(exchange, dim),
  ]);
}

function answerLines({ answer, failure, durationMs }: Exchange, dim: Colors['dim']): readonly string[] {
  if (answer === undefined)
    return [`${dim('<  ')} no answer after ${durationMs} ms: ${oneLine(failure ?? 'it is unknown why')}`];
  return [`${dim('<  ')} ${answer.status} after ${durationMs} ms`, ...contentLines('<', answer, dim)];
}

function contentLines(
  mark: '>' | '<',
  { headers, body }: Pick<Exchange, 'headers' | 'body'>,
  dim: Colors['dim'],
): readonly string[] {
  const left = body.length - bodyCharactersMax;
  const shown = left > 0 ? `${body.slice(0, bodyCharactersMax)}\n… ${left} more characters` : body;
  return [
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(shown === '' ? [] : shown.split('\n')),
  ].map((line) => dim(`${mark}     ${oneLine(line)}`));
}
