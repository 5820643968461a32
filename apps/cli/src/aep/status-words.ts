import type { PartitionLag } from '@activation-hub/azure-adapters';
import type { DestinationState } from '@activation-hub/flow-service';
import { counted } from '../terminal/counted.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { oneLine } from '../activation-file/audience-names.ts';
import type { HubHours } from './hub-hours.ts';
import { hourMs, type AepHour, type StoreHours } from './status-numbers.ts';

/**
 * Everything that is known of the last hours; a part that is not configured, or could not be read,
 * is absent.
 */
export interface Status {
  readonly sandbox: string;
  readonly destination: DestinationState;
  /** Beginning of the first hour, in epoch milliseconds; the last hour is the present one. */
  readonly fromMs: number;
  readonly nowMs: number;
  readonly aep: readonly (AepHour | undefined)[];
  readonly hub?: HubHours;
  readonly lag?: readonly PartitionLag[];
  readonly stores?: StoreHours;
  /** Parts that are left out, and why. */
  readonly leftOut: readonly string[];
}

/** What a person reads: the dataflow, the hours as a table, and what stands out. */
export function statusLines(status: Status, { bold, green, yellow }: Terminal['colors']): readonly string[] {
  const { destination, sandbox } = status;
  const state = destination.enabled ? green('enabled') : yellow('disabled');
  const [head = '', ...rows] = tableLines(table(status));
  const found = remarks(status);
  return [
    `${bold(oneLine(destination.name))} in the sandbox ${sandbox}: ${state}, ${counted(destination.audiences.length, 'audience')}, ${counted(destination.attributes.length, 'attribute')}, to ${destination.eventHubName ?? '?'} of ${destination.namespace ?? '?'}`,
    '',
    bold(head),
    ...rows,
    '',
    ...(found.length === 0 ? ['Nothing stands out.'] : found.map((line) => `${yellow('!')} ${line}`)),
    '',
  ];
}

function table({ aep, hub, stores, fromMs }: Status): readonly (readonly string[])[] {
  const number = (value: number | undefined): string => (value === undefined ? '–' : String(value));
  const rows = aep.map((run, hour) => {
    const kept = stores?.hours[hour];
    return [
      `${new Date(fromMs + hour * hourMs).toISOString().slice(0, 13).replace('T', ' ')}:00`,
      ...[run?.received, run?.sent, run?.failed].map(number),
      ...(hub === undefined ? [] : [number(hub.events[hour])]),
      ...(kept === undefined ? [] : [kept.settled, kept.leased, kept.waiting, kept.deadLetters].map(number)),
    ];
  });
  return [
    [
      ...['hour (UTC)', 'AEP received', 'AEP sent', 'AEP failed'],
      ...(hub === undefined ? [] : ['event hub took']),
      ...(stores === undefined ? [] : ['settled', 'leased', 'waiting', 'dead letters']),
    ],
    ...rows,
  ];
}

/** What stands out, as sentences; none when nothing does. */
export function remarks(status: Status): readonly string[] {
  const { destination, aep, hub, lag, stores } = status;
  return [
    ...(destination.enabled ? [] : ['The dataflow is disabled: AEP sends nothing. activation aep apply enables it.']),
    ...(destination.audiences.length === 0 ? ['The dataflow has no audience: AEP sends nothing.'] : []),
    ...failures(status),
    ...(hub === undefined ? [] : missingAtHub(status, hub.events)),
    ...(destination.enabled && aep.every((run) => run === undefined)
      ? ['AEP shows no run in these hours. Runs are shown an hour or more after they began.']
      : []),
    ...behind(lag),
    ...(sum(stores?.hours.map(({ deadLetters }) => deadLetters)) > 0
      ? ['There are dead letters: see activation dead-letters list.']
      : []),
    ...(sum(stores?.hours.map(({ waiting }) => waiting)) > 0
      ? ['Something waits to be tried again: a destination does not take it now.']
      : []),
  ];
}

function failures({ aep }: Status): readonly string[] {
  const failed = sum(aep.map((run) => run?.failed ?? 0));
  if (failed === 0) return [];
  const codes = [
    ...new Set(aep.flatMap((run) => run?.failures.map(({ code, message }) => `${code} ${message}`) ?? [])),
  ];
  return [
    `AEP failed to send ${failed}: ${codes.join('; ') || 'it gives no reason'}. What it gives up is not sent again.`,
  ];
}

/** Only full hours that AEP has a run for can be compared. */
function missingAtHub({ aep, hub, fromMs }: Status, events: readonly number[]): readonly string[] {
  const compared = aep.flatMap((run, hour) =>
    run === undefined || hour === aep.length - 1 ? [] : [{ sent: run.sent, took: events[hour] ?? 0 }],
  );
  const sent = sum(compared.map((each) => each.sent));
  const took = sum(compared.map((each) => each.took));
  if (took >= sent || (hub?.keptFromMs ?? 0) > fromMs) return [];
  return [
    `In the full hours with a run AEP says it sent ${sent}, but the event hub took ${took}. One event may hold several profiles; if they always were one each, ${sent - took} are missing between AEP and the event hub.`,
  ];
}

function behind(lag: Status['lag']): readonly string[] {
  const events = sum(lag?.map((partition) => partition.events));
  if (events === 0) return [];
  const oldest = Math.min(...(lag ?? []).map(({ oldestEnqueuedAtMs }) => oldestEnqueuedAtMs ?? Infinity));
  const since = Number.isFinite(oldest) ? `, the oldest since ${new Date(oldest).toISOString()}` : '';
  return [
    `${counted(events, 'event')} of the event hub ${events === 1 ? 'is' : 'are'} not yet passed by the function${since}.`,
  ];
}

/** What each number is. */
export function legend({ hub, stores }: Status): readonly string[] {
  return [
    'AEP received, sent, failed: profiles in the hourly runs of the dataflow; AEP may count a failed one once per attempt.',
    ...(hub === undefined
      ? []
      : [
          'event hub took: events by the hour in which the event hub took them, from AEP and from anybody else who sends.',
          ...(hub.keptFromMs === undefined
            ? []
            : [
                `  What was taken before ${new Date(hub.keptFromMs).toISOString()} is no longer kept, and not counted.`,
              ]),
        ]),
    ...(stores === undefined
      ? []
      : [
          'settled, leased: rows of the ledger whose newest state came with an event of that hour; one event may concern no',
          '  row or many, and a newer event takes its rows over. waiting: events in the retry queue. dead letters: letters.',
          ...(stores.unreadable > 0
            ? [
                `  ${counted(stores.unreadable, 'row, dead letter or retry', 'rows, dead letters and retries')} cannot be read, and ${stores.unreadable === 1 ? 'is' : 'are'} not counted.`,
              ]
            : []),
          ...(stores.isCut ? ['  There is more than was looked at: these numbers are too low.'] : []),
        ]),
  ];
}

function sum(numbers: readonly number[] = []): number {
  return numbers.reduce((total, number) => total + number, 0);
}
