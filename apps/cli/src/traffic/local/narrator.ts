import type { ChangeRow } from '@activation-hub/console-contract';
import { oneLine } from '../../activation-file/audience-names.ts';
import type { KeptAttempt } from '../../console/observed-requests.ts';
import { counted } from '../../terminal/counted.ts';
import { fitted } from '../../terminal/fitted.ts';
import { maskedValue } from '../../terminal/masked-identity.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { attemptLines, changeLine, changePaints, isSilent } from './change-lines.ts';
import { readyLines, type Ready } from './ready-lines.ts';
import { OutcomeCounts, type Signal } from './signals.ts';
import type { ToldChange } from './receiver.ts';
import { Rest } from './rest.ts';

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
 * Lines for a person: at most this many per second one by one, the rest of a second added up in one
 * line.
 */
const linesPerSecondMax = 12;
/**
 * Of these, so many for changes that needed no request: most do not, and the others are what a
 * person looks for.
 */
const silentLinesMax = 6;
const windowMs = 1000;

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
  let lines = 0;
  let rest = new Rest();
  const seen = new Set<string>();
  const endWindow = (): void => {
    if (!rest.isEmpty()) print(dim(`… ${rest.toString()}`));
    lines = 0;
    rest = new Rest();
    seen.clear();
  };
  const timer = setInterval(endWindow, windowMs);
  timer.unref();
  const end = (): void => {
    clearInterval(timer);
    endWindow();
  };
  const hasRoom = (linesMax = linesPerSecondMax): boolean => {
    if (lines >= linesMax) return false;
    lines += 1;
    return true;
  };
  const warn = (message: string): void => {
    if (seen.has(message)) return;
    seen.add(message);
    if (hasRoom()) print(`${yellow('!')} ${oneLine(message)}`);
    else rest.warnings += 1;
  };

  return {
    ready: (ready) => readyLines(ready, bold, dim).forEach(printLine),
    signal(signal) {
      switch (signal.name) {
        case 'batch-settled': {
          const { events, partitionId, outcomes } = signal;
          const counts = new OutcomeCounts();
          counts.add(outcomes);
          if (eachChange && counts.toString() !== '') return;
          const text = counts.toString() || 'nothing is routed';
          if (hasRoom())
            print(
              `${dim('in ')} ${dim(`partition ${partitionId}`.padEnd(13))} ${counted(events, 'export').padEnd(10)} ${text}`,
            );
          else rest.addBatch(events, outcomes);
          return;
        }
        case 'event-unreadable':
          warn(`An event could not be read (${signal.code}). It is kept as a dead letter.`);
          return;
        case 'request-failed':
          warn(`${signal.destination} was not told (${signal.class}): ${signal.reason}`);
          return;
        // Where each change is observed, its own line says the reason of the next three.
        case 'changes-rejected':
          if (eachChange) return;
          warn(`${signal.destination} rejected changes: ${signal.reason} They are kept as dead letters.`);
          return;
        case 'changes-deferred':
          if (eachChange) return;
          warn(`${signal.destination}: changes are tried again later (${signal.class}): ${signal.reason}`);
          return;
        case 'changes-given-up':
          if (eachChange) return;
          warn(`${signal.destination} was tried long enough: ${signal.reason} The changes are kept as dead letters.`);
          return;
        case 'destination-stalled':
          warn(`${signal.destination} rejects nearly everything, so its changes are held back: ${signal.reason}`);
          return;
        case 'memberships-delayed':
          warn(`Memberships at ${signal.destination} lapse, and a night is not enough to tell them again.`);
          return;
        case 'retry-message-refused':
          warn('A message of another origin was in the retry queue, and was dropped.');
          return;
        case 'retry-unreadable':
          warn(`The retry in ${signal.document} cannot be read, and stays where it is.`);
          return;
        case 'retry-removal-failed':
          warn(`A settled retry for ${signal.destination} could not be removed.`);
          return;
        case 'retry-settled': {
          if (eachChange) return;
          const counts = new OutcomeCounts();
          counts.add(signal.outcomes);
          const text = counts.toString() || 'nothing is routed any more';
          if (hasRoom())
            print(`${dim('re ')} ${dim('retry'.padEnd(13))} ${counted(signal.events, 'export').padEnd(10)} ${text}`);
          else rest.addBatch(signal.events, signal.outcomes);
          return;
        }
        case 'activation-file-warned':
          warn(signal.problem);
          return;
        case 'destination-paused':
          warn(`${signal.destination} is paused by an operator: its changes wait.`);
          return;
        case 'destination-shadowed':
          warn(`${signal.destination} is in shadow by an operator: its changes wait and can be looked at.`);
          return;
        case 'destination-resumed':
          if (hasRoom()) print(dim(`The pause of ${signal.destination} is over: what waits is told.`));
          return;
        case 'retry-asked':
          if (hasRoom()) print(dim(`What waits for ${signal.destination} is tried at once.`));
          return;
        case 'controls-unreadable':
          warn(`The controls of operators cannot be read, so the last ones count: ${signal.reason}`);
          return;
        case 'telemetry-not-started':
          warn(`OpenTelemetry does not start: ${signal.reason}`);
          return;
        case 'telemetry-refused':
          warn(`${signal.receiver} took no metrics or spans.`);
          return;
        case 'handler-started':
        case 'changes-accepted':
        case 'changes-shadowed':
        case 'request-answered':
        case 'lag-measured':
        case 'backlog-measured':
        case 'ledger-exported':
        case 'ledger-swept':
        case 'memberships-renewed':
          return;
      }
    },
    change(row) {
      if (hasRoom(isSilent(row) ? silentLinesMax : linesPerSecondMax)) print(changeLine(row, colors));
      else rest.addChange(row);
    },
    attempt(attempt) {
      if (hasRoom()) attemptLines(attempt, colors).forEach(printLine);
      else rest.requests += attempt.exchanges.length;
    },
    told(changes) {
      if (eachChange) return;
      for (const each of changes) {
        const { change, audience } = each;
        const { namespace, value } = maskedIdentity(each);
        const text = `${paint[change](change.padEnd(10))} ${bold(audience)}  ${namespace} ${value}`;
        if (hasRoom()) print(`${dim('out receiver     ')} ${text}`);
        else rest.told[change] += 1;
      }
    },
    printed(line) {
      if (hasRoom()) print(`${dim('out prints       ')} ${line}`);
      else rest.printed += 1;
    },
    warning: warn,
    editsFound(difference) {
      if (difference.length === 0) {
        print(dim('The activation file was written, and means what it meant before.'));
        return;
      }
      print(bold('The activation file was edited:'));
      for (const line of difference) print(`  ${paintDifference(line, colors)}`);
      print(dim('The function app is deployed anew, as in Azure: the old one ends what it has begun.'));
    },
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
      endWindow();
      print(dim('Stopping: what has arrived is settled first. Ctrl-C again stops at once.'));
    },
    stopped(summary) {
      end();
      summaryLines(summary, bold).forEach(print);
    },
    end,
  };
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
