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
  ledgerAccounts: [1, 2, 4, 8, 16, 32],
  /** Of one storage account. */
  tableRequestsPerSecond: 20_000,
  /** Of a partition of a table, which is a bucket of a destination. */
  bucketRowsPerSecond: 2_000,
} as const;

/** Buckets of a destination in each account of the ledger (`ledger-entity.ts`). */
export const bucketsPerAccount = 8;

/** Which stacks have to share the audiences. */
export interface Stacks {
  readonly tier: keyof typeof stackLimits.partitions;
  readonly count: number;
  /** Over how many accounts each spreads its ledger. */
  readonly ledgerAccounts: number;
}

/** What a stack has that configures nothing: the defaults of `infra/Pulumi.yaml`. */
export const stackDefaults = {
  throughputUnits: 4,
  partitions: 4,
  ledgerAccounts: 1,
  logGbPerDay: 5,
  logLinesPerMinute: 60,
  tracesPerMinute: 10,
} as const;

/** One throughput unit, in. */
const unit = { eventsPerSecond: 1_000, megabytesPerSecond: 1 };
const partitionMegabytesPerSecond = 1;
/** A partition that is at work for more of the time falls behind at every peak. */
const busyMax = 0.7;

/** How the ledger is used. */
export interface LedgerUse {
  /** Whether the rows of a bucket share a request, or each row has one of its own. */
  readonly isGrouped: boolean;
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
  /** Rows of the ledger that are read or written. */
  readonly tableRowsPerSecond: number;
}

/** `capacity` is what one partition settles a second when it is at work all the time. */
export function needOf(load: Load, ledger: LedgerUse, capacity: number): Need {
  const exportsPerSecond = (load.exportsPerDay / 86_400) * load.peak;
  const megabytesPerSecond = (exportsPerSecond * load.bytesPerExport) / 1e6;
  const tableRowsPerSecond = exportsPerSecond * load.changing * ledger.timesPerChange;
  return {
    exportsPerSecond,
    megabytesPerSecond,
    throughputUnits: Math.ceil(
      Math.max(exportsPerSecond / unit.eventsPerSecond, megabytesPerSecond / unit.megabytesPerSecond),
    ),
    partitions: Math.ceil(
      Math.max(megabytesPerSecond / partitionMegabytesPerSecond, exportsPerSecond / (capacity * busyMax)),
    ),
    tableRowsPerSecond,
  };
}

/**
 * A stack of Standard where one is enough. Else those of Premium, more than one where a single one
 * cannot have what is needed.
 */
export function stacksFor(need: Need): Stacks {
  const { Standard, Premium } = stackLimits.partitions;
  const isStandard = Math.max(need.throughputUnits / stackLimits.throughputUnits, need.partitions / Standard) <= 1;
  const most = Math.max(...stackLimits.ledgerAccounts);
  const count = isStandard ? 1 : Math.ceil(Math.max(need.partitions / Premium, accountsOf(need) / most));
  const accounts = accountsOf(need) / count;
  const ledgerAccounts = stackLimits.ledgerAccounts.find((each) => each >= accounts) ?? most;
  return { tier: isStandard ? 'Standard' : 'Premium', count, ledgerAccounts };
}

/**
 * How many accounts the rows of one destination ask for. Azure does not say whether a transaction
 * counts as one request or as its rows, so each row counts; and the buckets of the destination that
 * an account has answer less than the account.
 */
function accountsOf({ tableRowsPerSecond }: Need): number {
  const { tableRequestsPerSecond, bucketRowsPerSecond } = stackLimits;
  const ofAccount = Math.min(tableRequestsPerSecond, bucketRowsPerSecond * bucketsPerAccount);
  return tableRowsPerSecond / (ofAccount * busyMax);
}

/** What of a stack that configures nothing is too little, the scarcest first. */
export function scarce(need: Need, logGbPerDay: number): readonly string[] {
  const shares: readonly (readonly [string, number])[] = [
    ['throughput units', need.throughputUnits / stackDefaults.throughputUnits],
    ['partitions', need.partitions / stackDefaults.partitions],
    ['accounts of the ledger', accountsOf(need) / stackDefaults.ledgerAccounts],
    ['logs', logGbPerDay / stackDefaults.logGbPerDay],
  ];
  return shares
    .filter(([, share]) => share > 1)
    .toSorted((left, right) => right[1] - left[1])
    .map(([name]) => name);
}
