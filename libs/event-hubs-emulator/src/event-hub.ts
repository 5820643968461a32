import { createHash } from 'node:crypto';
import type { PartitionLog } from './partition-log.ts';
import { PartitionOwnership } from './partition-ownership.ts';

export interface EventHubDefinition {
  /** Letters, digits, `.`, `-` and `_`; case does not matter. */
  readonly name: string;
  /** 1 to 32. */
  readonly partitionCount: number;
  /** Beside `$Default`, which is always there. */
  readonly consumerGroups?: readonly string[];
}

const namePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$/;

/** One Event Hub: its partitions, its consumer groups, and which partition an event goes to. */
export class EventHub {
  readonly name: string;
  readonly createdAtMs: number;
  readonly partitions: readonly PartitionLog[];
  /** Per consumer group, in lower case: the ownership of each partition. */
  readonly #consumerGroups = new Map<string, readonly PartitionOwnership[]>();
  #nextPartition = 0;

  /** Throws for a name or a number of partitions that Event Hubs does not allow. */
  constructor(
    definition: EventHubDefinition,
    createdAtMs: number,
    openPartition: (partitionId: string) => PartitionLog,
  ) {
    const { name, partitionCount } = definition;
    if (!namePattern.test(name)) {
      throw new RangeError(`Failed to create the Event Hub: "${name}" is not a name. Use letters, digits, . - and _.`);
    }
    if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > 32) {
      throw new RangeError(`Failed to create the Event Hub ${name}: ${partitionCount} partitions. Choose 1 to 32.`);
    }
    const consumerGroups = ['$Default', ...(definition.consumerGroups ?? [])];
    consumerGroups.forEach(checkConsumerGroupName);
    this.name = name;
    this.createdAtMs = createdAtMs;
    this.partitions = Array.from({ length: partitionCount }, (_, index) => openPartition(String(index)));
    for (const consumerGroup of consumerGroups) this.addConsumerGroup(consumerGroup);
  }

  /**
   * Adds the consumer group unless it is there. Throws for a name that Event Hubs does not allow.
   */
  addConsumerGroup(name: string): void {
    checkConsumerGroupName(name);
    const key = name.toLowerCase();
    if (this.#consumerGroups.has(key)) return;
    this.#consumerGroups.set(
      key,
      this.partitions.map(() => new PartitionOwnership()),
    );
  }

  hasConsumerGroup(name: string): boolean {
    return this.#consumerGroups.has(name.toLowerCase());
  }

  partition(partitionId: string): PartitionLog | undefined {
    return /^(0|[1-9]\d?)$/.test(partitionId) ? this.partitions[Number(partitionId)] : undefined;
  }

  ownership(consumerGroup: string, partitionId: string): PartitionOwnership | undefined {
    return this.#consumerGroups.get(consumerGroup.toLowerCase())?.[Number(partitionId)];
  }

  /** The same partition for the same key, for ever; without a key, one after the other. */
  choosePartition(partitionKey: string | undefined): PartitionLog {
    const count = this.partitions.length;
    const index =
      partitionKey === undefined
        ? this.#nextPartition++ % count
        : createHash('sha256').update(partitionKey).digest().readUInt32BE() % count;
    const partition = this.partitions[index];
    if (partition === undefined) throw new Error(`Failed to choose a partition of ${this.name}: there is no ${index}.`);
    return partition;
  }
}

function checkConsumerGroupName(name: string): void {
  if (name === '$Default' || namePattern.test(name)) return;
  throw new RangeError(`Failed to add the consumer group: "${name}" is not a name. Use letters, digits, . - and _.`);
}
