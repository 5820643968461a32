import { readFile } from 'node:fs/promises';

/** What was used for some changes. */
export interface Usage {
  readonly changes: number;
  readonly exports: number;
  /** Invocations of the function. */
  readonly batches: number;
  /** How long one instance was busy. */
  readonly seconds: number;
  readonly requests: { readonly blob: number; readonly queue: number; readonly table: number };
}

/** The prices of `infra/prices.json`, in US dollars. */
export interface Prices {
  readonly memoryGb: number;
  readonly logKbPerBatch: number;
  readonly prices: {
    readonly millionEventsIn: number;
    readonly gbSecond: number;
    readonly millionExecutions: number;
    readonly tableOperations: number;
    readonly blobOperations: number;
    readonly logGb: number;
  };
}

/**
 * What a million changes cost at that rate, in US dollars, by what is paid for. What is free every
 * month is not taken off.
 */
export interface CostOfMillion {
  readonly ledger: number;
  readonly otherStorage: number;
  readonly handler: number;
  readonly events: number;
  readonly logs: number;
  readonly together: number;
}

export function costOfMillion(usage: Usage, { memoryGb, logKbPerBatch, prices }: Prices): CostOfMillion {
  const million = 1e6 / usage.changes;
  const ledger = usage.requests.table * prices.tableOperations * million;
  // Messages of a queue cost what operations of a table cost.
  const otherStorage =
    (usage.requests.blob * prices.blobOperations + usage.requests.queue * prices.tableOperations) * million;
  const handler =
    (usage.seconds * memoryGb * prices.gbSecond + (usage.batches / 1e6) * prices.millionExecutions) * million;
  const events = (usage.exports / 1e6) * prices.millionEventsIn * million;
  const logs = ((usage.batches * logKbPerBatch) / 1e6) * prices.logGb * million;
  return { ledger, otherStorage, handler, events, logs, together: ledger + otherStorage + handler + events + logs };
}

/** Projects do not import `infra`; its price list is data that the bench reads. */
export async function readPrices(): Promise<Prices> {
  return JSON.parse(await readFile(new URL('../../../infra/prices.json', import.meta.url), 'utf8')) as Prices;
}
