import { DestinationError } from '@activation-hub/destination-kit';
import { compareStates, isSameWish, type Ledger, type LedgerRow, type LedgerWrite } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import type { Breakage } from './world-options.ts';

const noRow = 'no row';

/** No lease: the ledger answers that a lease is written, and does not write it. */
export const withoutLeases: Breakage = {
  ledger: (ledger) =>
    over(ledger, {
      write: async (writes, signal) => {
        const stored = writes
          .filter(({ record }) => record.rowState.is !== 'leased')
          .map((write) => (write.expected === noRow ? { ...write, expected: undefined } : write));
        const results = (await ledger.write(stored, signal)).values();
        return writes.map(({ record, expected }) => {
          if (record.rowState.is === 'leased') return { written: true, version: expected ?? noRow };
          return results.next().value ?? { written: false };
        });
      },
    }),
};

/** Whatever comes is newer than what is known. */
export const byArrival: Breakage = {
  ledger: (ledger) =>
    over(ledger, {
      read: async (keys, signal) =>
        (await readable(ledger).read(keys, signal)).map((row) => (row === undefined ? row : ageless(row))),
    }),
};

function ageless({ record, version }: LedgerRow): LedgerRow {
  return { version, record: { ...record, known: { ...record.known, qualifiedAtMs: 0, status: 'realized' } } };
}

/** A delivery without an answer is settled like any other, although it may still be under way. */
export const releasingInDoubt: Breakage = {
  connector: (connector) => {
    const certain = async <Answer>(answer: Promise<Answer>): Promise<Answer> =>
      await answer.catch((error: unknown) => {
        if (!(error instanceof DestinationError)) throw error;
        throw new DestinationError(error.class, error.message);
      });
    return {
      enter: (deliveries, signal) => certain(connector.enter(deliveries, signal)),
      update: (deliveries, signal) => certain(connector.update(deliveries, signal)),
      exit: (deliveries, signal) => certain(connector.exit(deliveries, signal)),
    };
  },
};

/**
 * Settling does not compare the version of its lease, so that no process notices a lost one.
 */
export const settlingBlindly: Breakage = {
  ledger: (ledger) =>
    over(ledger, {
      write: async (writes, signal) => {
        const rows = await readable(ledger).read(
          writes.map(({ key }) => key),
          signal,
        );
        return await ledger.write(
          writes.map((write, index) =>
            write.record.rowState.is === 'leased' ? write : { ...write, expected: rows[index]?.version },
          ),
          signal,
        );
      },
    }),
};

/** The ledger with some of its methods replaced. */
function over(ledger: Ledger, replaced: Partial<Ledger>): Ledger {
  return {
    read: (keys, signal) => readable(ledger).read(keys, signal),
    write: (writes, signal) => ledger.write(writes, signal),
    remove: (key, expected, signal) => ledger.remove(key, expected, signal),
    rows: (of, signal) => readable(ledger).rows(of, signal),
    ...replaced,
  };
}

/**
 * The ledger answers that rows are written whatever their version, and does not write them: no
 * process notices that another was first.
 */
export const ignoringVersions: Breakage = {
  ledger: (ledger) =>
    over(ledger, {
      write: async (writes, signal) => {
        const results = await ledger.write(writes, signal);
        return results.map((result) => (result.written ? result : { written: true, version: noRow }));
      },
    }),
};

/** What changed of a member is answered as taken, and is not. */
export const ignoringUpdates: Breakage = {
  connector: (connector) => ({
    enter: (deliveries, signal) => connector.enter(deliveries, signal),
    update: (deliveries) => Promise.resolve(deliveries.map(({ change: { id } }) => ({ id, status: 'delivered' }))),
    exit: (deliveries, signal) => connector.exit(deliveries, signal),
  }),
};

/** Of the rows of a destination one is passed over. */
export const passingOverRows: Breakage = {
  ledger: (ledger) =>
    over(ledger, {
      rows: async function* (of, signal) {
        let isFirst = true;
        for await (const row of readable(ledger).rows(of, signal)) {
          if (!isFirst) yield row;
          isFirst = false;
        }
      },
    }),
};

/** What was deferred is counted no more. */
export const countingNothingDeferred: Breakage = {
  telemetry: (telemetry) => ({
    ...telemetry,
    emit: (name, fields) => {
      if (!('outcomes' in fields)) telemetry.emit(name, fields);
      else {
        const outcomes = Object.fromEntries(
          Object.entries(fields.outcomes).map(([destination, counts]) => [destination, { ...counts, deferred: 0 }]),
        );
        telemetry.emit(name, { ...fields, outcomes });
      }
    },
  }),
};

/** Links are answered as written, and are not. */
export const forgettingLinks: Breakage = {
  ledger: (ledger) =>
    over(ledger, {
      write: async (writes, signal) => {
        const isLink = ({ key }: (typeof writes)[number]): boolean => key.destination.endsWith('~link');
        const results = (
          await ledger.write(
            writes.filter((write) => !isLink(write)),
            signal,
          )
        ).values();
        return writes.map((write) =>
          isLink(write) ? { written: true, version: noRow } : (results.next().value ?? { written: false }),
        );
      },
    }),
};

/** No row remembers whose it was. */
export const forgettingFormers: Breakage = {
  ledger: (ledger) =>
    over(ledger, {
      write: async (writes, signal) => await ledger.write(writes.map(withoutFormerOf), signal),
    }),
};

function withoutFormerOf(write: LedgerWrite): LedgerWrite {
  const record = { ...write.record };
  Reflect.deleteProperty(record, 'formerOf');
  return { ...write, record };
}

/** A newer state that changes nothing in its row is answered as written, and is not. */
export const ignoringMoves: Breakage = {
  ledger: (ledger) =>
    over(ledger, {
      write: async (writes, signal) => {
        const rows = await readable(ledger).read(
          writes.map(({ key }) => key),
          signal,
        );
        const moves = writes.map((write, index) => isMove(rows[index], write));
        const others = writes.filter((_, index) => moves[index] !== true);
        const results = (await ledger.write(others, signal)).values();
        return writes.map((_, index) => {
          if (moves[index] === true) return { written: true, version: rows[index]?.version ?? noRow };
          return results.next().value ?? { written: false };
        });
      },
    }),
};

function isMove(row: LedgerRow | undefined, { record }: LedgerWrite): boolean {
  if (row?.record.rowState.is !== record.rowState.is) return false;
  return isSameWish(row.record.known, record.known) && compareStates(record.known, row.record.known) > 0;
}

/** A retry is answered as put, and is not. */
export const losingRetries: Breakage = { retryQueue: (queue) => ({ ...queue, put: () => Promise.resolve() }) };
