/*
 * What a volume of exports asks of each part of Azure, and what one stack has of it. Sources:
 * "Scaling with Event Hubs" (throughput units; 1 MB/s for each partition), "Scalability and
 * performance targets for Table storage" (requests of an account, entities of a partition).
 */

/**
 * What one stack can have at the most: the bounds of `infra/config-schema.ts`, and those of one
 * storage account.
 */
export const stackLimits = {
  throughputUnits: 40,
  partitions: { Standard: 32, Premium: 100 },
  /** Of one storage account. */
  tableRequestsPerSecond: 20_000,
} as const;

/** Which stacks have to share the audiences. */
export interface Stacks {
  readonly tier: keyof typeof stackLimits.partitions;
  readonly count: number;
}

/** What a stack has that configures nothing: the defaults of `infra/Pulumi.yaml`. */
export const stackDefaults = { throughputUnits: 4, partitions: 4, logGbPerDay: 5 } as const;

/** One throughput unit, in. */
const unit = { eventsPerSecond: 1_000, megabytesPerSecond: 1 };
const partitionMegabytesPerSecond = 1;
/** A partition that is at work for more of the time falls behind at every peak. */
const busyMax = 0.7;

/** How the ledger is used. */
export interface LedgerUse {
  /** Rows in one request: 1 where each row has one of its own. */
  readonly rowsPerRequest: number;
  /** Times that the row of a change is read or written: read, leased, settled. */
  readonly timesPerChange: number;
  /** Requests of one batch that are under way at once. */
  readonly concurrency: number;
}

/** What is assumed of the exports. */
export interface Load {
  readonly exportsPerDay: number;
  /** The busiest hour, by the mean of the day. */
  readonly peak: number;
  readonly bytesPerExport: number;
  /** Of the exports, those that change something for a destination. */
  readonly changing: number;
}

/** What the exports of one second at the peak need. */
export interface Need {
  readonly exportsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly throughputUnits: number;
  readonly partitions: number;
  readonly tableRequestsPerSecond: number;
}

/** `capacity` is what one partition settles a second when it is at work all the time. */
export function needOf(load: Load, ledger: LedgerUse, capacity: number): Need {
  const exportsPerSecond = (load.exportsPerDay / 86_400) * load.peak;
  const megabytesPerSecond = (exportsPerSecond * load.bytesPerExport) / 1e6;
  const tableRequestsPerSecond = (exportsPerSecond * load.changing * ledger.timesPerChange) / ledger.rowsPerRequest;
  return {
    exportsPerSecond,
    megabytesPerSecond,
    throughputUnits: Math.ceil(
      Math.max(exportsPerSecond / unit.eventsPerSecond, megabytesPerSecond / unit.megabytesPerSecond),
    ),
    partitions: Math.ceil(
      Math.max(megabytesPerSecond / partitionMegabytesPerSecond, exportsPerSecond / (capacity * busyMax)),
    ),
    tableRequestsPerSecond,
  };
}

/**
 * A stack of Standard where one is enough. Else those of Premium, more than one where a single one
 * cannot have what is needed.
 */
export function stacksFor(need: Need): Stacks {
  const ofAccount = need.tableRequestsPerSecond / stackLimits.tableRequestsPerSecond;
  const { Standard, Premium } = stackLimits.partitions;
  const isStandard = Math.max(need.throughputUnits / stackLimits.throughputUnits, need.partitions / Standard) <= 1;
  if (isStandard && ofAccount <= 1) return { tier: 'Standard', count: 1 };
  return { tier: 'Premium', count: Math.ceil(Math.max(need.partitions / Premium, ofAccount)) };
}

/** What of a stack that configures nothing is too little, the scarcest first. */
export function scarce(need: Need, logGbPerDay: number): readonly string[] {
  const shares: readonly (readonly [string, number])[] = [
    ['throughput units', need.throughputUnits / stackDefaults.throughputUnits],
    ['partitions', need.partitions / stackDefaults.partitions],
    ['requests to the table', need.tableRequestsPerSecond / stackLimits.tableRequestsPerSecond],
    ['logs', logGbPerDay / stackDefaults.logGbPerDay],
  ];
  return shares
    .filter(([, share]) => share > 1)
    .toSorted((left, right) => right[1] - left[1])
    .map(([name]) => name);
}
