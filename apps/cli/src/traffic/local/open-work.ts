import { isUnreadable } from '@activation-hub/delivery';
import { isUnreadableRow, ledgerKeyText, type ReadRow } from '@activation-hub/membership';
import type { DataStorage } from '../../environment/data-storage.ts';
import { counted } from '../../terminal/counted.ts';
import { existing } from '../../environment/existing.ts';

/** What is not at its end when everything stops. */
export interface OpenWork {
  /**
   * Changes that wait for another attempt, by destination: each once, however often it was tried.
   */
  readonly waiting: Readonly<Record<string, number>>;
  readonly deadLetters: number;
  /** Events in the hub that are not settled. */
  readonly events: number;
  /** There is more than was counted. */
  readonly isCut: boolean;
}

/** So many retries are looked into; each may hold a hundred events. */
const retriesMax = 2_000;

/**
 * Looks through the retry queue, the rows for which it is responsible, and the names of dead
 * letters. A row that was settled on another way is at its end, though its retry still waits to
 * learn that. Throws what the stores throw.
 */
export async function findOpenWork(
  { ledger, retryQueue, deadLetters }: Pick<DataStorage, 'ledger' | 'retryQueue' | 'deadLetters'>,
  events: number,
  signal: AbortSignal,
): Promise<OpenWork> {
  const changes = new Map<string, Set<string>>();
  let retries = 0;
  for await (const retry of existing(retryQueue.waiting(signal))) {
    if (++retries > retriesMax) break;
    if (isUnreadable(retry)) continue;
    const known = changes.get(retry.destination) ?? new Set<string>();
    changes.set(retry.destination, known);
    const keys = [...retry.rows, ...retry.events.flatMap(({ rows }) => rows)];
    const distinct = new Map(keys.map((key) => [ledgerKeyText(key), key]));
    const rows = await ledger.read([...distinct.values()], signal);
    for (const [index, text] of [...distinct.keys()].entries()) if (isOpen(rows[index])) known.add(text);
  }
  let letters = 0;
  for await (const name of existing(deadLetters.names('', signal))) if (name !== '') letters += 1;
  return {
    waiting: Object.fromEntries(
      [...changes].flatMap(([destination, known]) => (known.size === 0 ? [] : [[destination, known.size]])),
    ),
    deadLetters: letters,
    events,
    isCut: retries > retriesMax,
  };
}

function isOpen(row: ReadRow): boolean {
  if (isUnreadableRow(row)) return true;
  const is = row?.record.rowState.is;
  return is === undefined || is === 'deferred' || is === 'leased';
}

/** What is still open and how it is kept, a line each; nothing when all is at its end. */
export function openWorkLines(
  { waiting, deadLetters, events, isCut }: OpenWork,
  data: string | undefined,
): readonly string[] {
  const open = [
    ...Object.entries(waiting).map(
      ([destination, changes]) =>
        `${isCut ? 'at least ' : ''}${counted(changes, 'change waits', 'changes wait')} for ${destination}`,
    ),
    ...(events === 0 ? [] : [counted(events, 'event is not settled', 'events are not settled')]),
    ...(deadLetters === 0
      ? []
      : [counted(deadLetters, 'dead letter is for a person', 'dead letters are for a person')]),
  ];
  if (open.length === 0) return [];
  const kept =
    data === undefined
      ? 'It is gone with this run. Start with --data <folder>, and the next start with that folder goes on with it.'
      : `It is kept: the next start with --data ${data} goes on with it.`;
  return ['Still open:', ...open.map((line) => `  ${line}`), kept];
}
