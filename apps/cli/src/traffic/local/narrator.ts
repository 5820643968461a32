import type { ChangeRow } from '@activation-hub/console-contract';
import type { OutcomesByDestination } from '@activation-hub/telemetry';
import { oneLine } from '../../activation-file/audience-names.ts';
import type { KeptAttempt } from '../../console/observed-requests.ts';
import { counted } from '../../terminal/counted.ts';
import { fitted } from '../../terminal/fitted.ts';
import { maskedValue } from '../../terminal/masked-identity.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { attemptLines, changeLine, changePaints, isSilent } from './change-lines.ts';
import { PacedLines } from './paced-lines.ts';
import { readyLines, type Ready } from './ready-lines.ts';
import { OutcomeCounts, type Signal } from './signals.ts';
import type { ToldChange } from './receiver.ts';
import { warningOf } from './signal-warnings.ts';

/** Says what happens while everything runs on this machine. */
export interface Narrator {
  ready(ready: Ready): void;
  signal(signal: Signal): void;
  /** One change as it ended or was deferred, where each is observed. */
  change(row: ChangeRow): void;
  /** What a destination was asked, and what it answered, where a person wants to see it. */
  attempt(attempt: KeptAttempt): void;
  /** What the receiver of the example was told. */
  told(changes: readonly ToldChange[]): void;
  /** What a destination of the activation file prints. */
  printed(line: string): void;
  /** Something that a person should look at. */
  warning(message: string): void;
  /**
   * The activation file was edited: what is otherwise, a line each, which is taken up now. Nothing
   * where it means the same.
   */
  editsFound(difference: readonly string[]): void;
  /** The function app runs with the edits. */
  editsTaken(running: Pick<Ready, 'healthUrls' | 'inspectPorts'>): void;
  /** The function app runs on without the edits. */
  editsRefused(message: string): void;
  /** The stand-in of Adobe's side has begun to export. */
  aepExports(): void;
  stopping(): void;
  stopped(summary: Summary): void;
  /** Says what is left to say, and no more after it. `stopped` does it too. */
  end(): void;
}

export interface Summary {
  /** By the simulator. */
  readonly exportsSent: number;
  /** By the handler, repetitions included: a batch that is held comes again. */
  readonly eventsReceived: number;
  readonly outcomes: OutcomeCounts;
  readonly unreadable: number;
  readonly receiver?: {
    readonly entered: number;
    readonly updated: number;
    readonly exited: number;
    readonly refusedRequests: number;
    readonly members: Readonly<Record<string, number>>;
  };
  /** What the stand-ins hold: how many members, by destination and audience. */
  readonly members?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** One JSON object per line; identities masked. */
export function jsonNarrator({ print }: Pick<Terminal, 'print'>): Narrator {
  const event = (name: string, fields: object): void => print(JSON.stringify({ event: name, ...fields }));
  return {
    ready: (ready) => event('ready', ready),
    signal: ({ name, ...fields }) => event(name, fields),
    change: () => undefined,
    attempt: () => undefined,
    told: (changes) => event('told', { changes: changes.map((each) => ({ ...each, identity: maskedIdentity(each) })) }),
    printed: (line) => event('printed', { line }),
    warning: (message) => event('warning', { message }),
    editsFound: (difference) => event('edits-found', { difference }),
    editsTaken: (running) => event('edits-taken', running),
    editsRefused: (message) => event('edits-refused', { message }),
    aepExports: () => event('aep-exports', {}),
    stopping: () => event('stopping', {}),
    stopped: (summary) => event('stopped', summary),
    end: () => undefined,
  };
}

/**
 * Of the lines of a second, so many for changes that needed no request: most do not, and the others
 * are what a person looks for.
 */
const silentLinesMax = 6;

/**
 * Prose for a person, which stays readable at any rate. `end` ends it. `eachChange`: changes are
 * observed one by one, so batches and what the receiver was told are not said besides.
 */
export function proseNarrator(
  { print: printLine, colors, columns }: Pick<Terminal, 'print' | 'colors' | 'columns'>,
  { eachChange }: { readonly eachChange: boolean },
): Narrator {
  const { bold, dim, yellow } = colors;
  const print = (line: string): void => printLine(fitted(line, columns()));
  const paint = changePaints(colors);
  const paced = new PacedLines({ print, colors });
  return {
    ready: (ready) => readyLines(ready, bold, dim).forEach(printLine),
    signal: (signal) => saySignal(signal, eachChange, paced, { print, colors }),
    change(row) {
      if (paced.take(isSilent(row) ? silentLinesMax : undefined)) print(changeLine(row, colors));
      else paced.rest.addChange(row);
    },
    attempt(attempt) {
      if (paced.take()) attemptLines(attempt, colors).forEach(printLine);
      else paced.rest.requests += attempt.exchanges.length;
    },
    told(changes) {
      if (eachChange) return;
      for (const each of changes) {
        const { change, audience } = each;
        const { namespace, value } = maskedIdentity(each);
        const text = `${paint[change](change.padEnd(10))} ${bold(audience)}  ${namespace} ${value}`;
        if (paced.take()) print(`${dim('out receiver     ')} ${text}`);
        else paced.rest.told[change] += 1;
      }
    },
    printed(line) {
      if (paced.take()) print(`${dim('out prints       ')} ${line}`);
      else paced.rest.printed += 1;
    },
    warning: (message) => paced.warn(message),
    editsFound: (difference) => differenceLines(difference, colors).forEach(print),
    editsTaken({ healthUrls, inspectPorts }) {
      print(`The function app runs with the edits. ${healthUrls.join(' ')}`);
      for (const port of inspectPorts) print(`A debugger can attach to port ${port}.`);
    },
    editsRefused(message) {
      for (const line of message.split('\n')) print(`${yellow('!')} ${oneLine(line)}`);
      print('The edits are not taken up; everything runs on as it was.');
    },
    aepExports: () => print(`${dim('aep')} AEP exports: a dataflow is enabled and has audiences.`),
    stopping() {
      paced.endSecond();
      print(dim('Stopping: what has arrived is settled first. Ctrl-C again stops at once.'));
    },
    stopped(summary) {
      paced.end();
      summaryLines(summary, bold).forEach(print);
    },
    end: () => paced.end(),
  };
}

/** What the function app says of itself. */
function saySignal(
  signal: Signal,
  eachChange: boolean,
  paced: PacedLines,
  { print, colors: { dim } }: Pick<Terminal, 'print' | 'colors'>,
): void {
  const settled = (events: number, outcomes: OutcomesByDestination, line: (counts: string) => string): void => {
    if (paced.take()) print(line(countsOf(outcomes)));
    else paced.rest.addBatch(events, outcomes);
  };
  switch (signal.name) {
    case 'batch-settled': {
      const { events, outcomes, partitionId } = signal;
      // Where each change is observed, only a batch without any is of interest.
      if (eachChange && countsOf(outcomes) !== '') return;
      const start = `${dim('in ')} ${dim(`partition ${partitionId}`.padEnd(13))} ${counted(events, 'event').padEnd(10)}`;
      settled(events, outcomes, (counts) => `${start} ${counts || 'nothing is routed'}`);
      return;
    }
    case 'retry-settled': {
      const { events, outcomes } = signal;
      if (eachChange) return;
      const start = `${dim('re ')} ${dim('retry'.padEnd(13))} ${counted(events, 'event').padEnd(10)}`;
      settled(events, outcomes, (counts) => `${start} ${counts || 'nothing is routed any more'}`);
      return;
    }
    // Where each change is observed, its own line says the reason of these.
    case 'changes-rejected':
    case 'changes-deferred':
    case 'changes-given-up':
      if (!eachChange) paced.warn(warningOf(signal));
      return;
    case 'destination-resumed':
      paced.note(`The pause of ${signal.destination} is over: what waits is told.`);
      return;
    case 'retry-asked':
      paced.note(`What waits for ${signal.destination} is tried at once.`);
      return;
    default:
      paced.warn(warningOf(signal));
  }
}

function countsOf(outcomes: OutcomesByDestination): string {
  const counts = new OutcomeCounts();
  counts.add(outcomes);
  return counts.toString();
}

/** What an edit of the activation file changed. */
function differenceLines(difference: readonly string[], colors: Terminal['colors']): readonly string[] {
  const { bold, dim } = colors;
  if (difference.length === 0) return [dim('The activation file was written, and means what it meant before.')];
  return [
    bold('The activation file was edited:'),
    ...difference.map((line) => `  ${paintDifference(line, colors)}`),
    dim('The function app is deployed anew, as in Azure: the old one ends what it has begun.'),
  ];
}

function paintDifference(line: string, { green, yellow, red }: Terminal['colors']): string {
  return line.startsWith('+') ? green(line) : line.startsWith('-') ? red(line) : yellow(line);
}

function summaryLines(
  { exportsSent, eventsReceived, outcomes, unreadable, receiver, members = {} }: Summary,
  bold: (text: string) => string,
): readonly string[] {
  return [
    '',
    bold('Stopped.'),
    `  ${counted(exportsSent, 'export')} sent by the simulator, ${counted(eventsReceived, 'event')} taken by the handler, repetitions included`,
    ...(unreadable > 0 ? [`  ${counted(unreadable, 'event')} could not be read`] : []),
    ...Object.entries(outcomes.toJSON()).flatMap(([destination, counts]) => {
      // Each deferral is an attempt: the changes that wait are said as open.
      const ended = Object.entries(counts).filter(([outcome]) => outcome !== 'deferred');
      return ended.length === 0
        ? []
        : [`  ${destination}: ${ended.map(([outcome, by]) => `${by} ${outcome}`).join(', ')}`];
    }),
    ...(receiver === undefined
      ? []
      : [
          `  the receiver was told of ${receiver.entered} entered, ${receiver.updated} updated, ${receiver.exited} exited`,
          ...Object.entries(receiver.members).map(([audience, held]) => `    ${audience}: ${counted(held, 'member')}`),
        ]),
    ...Object.entries(members).flatMap(([destination, audiences]) =>
      Object.entries(audiences).map(
        ([audience, held]) => `  ${destination} holds ${counted(held, 'member')} of ${audience}`,
      ),
    ),
  ];
}

/** The namespace with as little of the value as tells people apart. */
function maskedIdentity({ identity: { namespace, value } }: ToldChange): ToldChange['identity'] {
  return { namespace, value: maskedValue(value) };
}
