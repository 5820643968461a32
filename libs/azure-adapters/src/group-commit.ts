/** What a transaction groups by, and counts. */
export interface GroupedWrite {
  /** One transaction writes rows of one partition. */
  readonly partitionKey: string;
  /** One transaction writes a row once. */
  readonly rowKey: string;
  /** As many bytes as it takes at most in a transaction. */
  readonly bytes: number;
}

/**
 * The outcome of one write of a transaction: its result; its own failure; or `again`, because
 * the transaction failed for another row, so that the caller sends the write again.
 */
export type CommitAnswer<Result> = { readonly result: Result } | { readonly failure: unknown } | 'again';

export interface GroupCommitOptions<Write, Result> {
  /**
   * Sends one transaction and answers for each of its writes, in their order. A write that is alone
   * is answered for good. What it throws is thrown to every call that has a write in the
   * transaction.
   */
  readonly commit: (group: readonly Write[], signal: AbortSignal) => Promise<readonly CommitAnswer<Result>[]>;
  /** How many transactions are under way at most, over all partitions and calls. */
  readonly concurrencyMax: number;
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/**
 * Group commit: whatever is written to a partition while one of its transactions is under way, by
 * whichever call, goes together in the next. A write that finds its partition idle goes at once;
 * nothing waits for a timer.
 *
 * When a transaction fails for some of its rows, those are answered and the rest goes again, before
 * what came later. Each such failure halves the size of the partition's next transaction, and each
 * success doubles it, so that a storm of lost races does not send the same rows over and over.
 *
 * A call that gives up, or of which one write fails, takes its waiting writes back and leaves the
 * others alone; a transaction that no caller waits for any more is aborted. Writes to one row keep
 * their order.
 */
export class GroupCommit<Write extends GroupedWrite, Result> {
  readonly #options: GroupCommitOptions<Write, Result>;
  /** Those with writes: each has a transaction under way or is ready for one. */
  readonly #partitions = new Map<string, Partition<Write, Result>>();
  /** Partitions without a transaction under way, the longest waiting first. */
  readonly #ready = new Set<Partition<Write, Result>>();
  #underWay = 0;

  constructor(options: GroupCommitOptions<Write, Result>) {
    this.#options = options;
  }

  /**
   * Gives the results in the order of the writes. Throws the first failure of one of them, or the
   * signal's reason when it is aborted.
   */
  write(writes: readonly Write[], signal: AbortSignal): Promise<readonly Result[]> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const call = new Call<Result>(writes.length, signal);
    for (const [index, write] of writes.entries()) {
      this.#partitionOf(write.partitionKey).waiting.push({ write, index, call });
    }
    this.#startReady();
    return call.promise;
  }

  #partitionOf(key: string): Partition<Write, Result> {
    let partition = this.#partitions.get(key);
    if (partition === undefined) {
      partition = { key, waiting: [], rowsMax: this.#options.rowsMax };
      this.#partitions.set(key, partition);
      this.#ready.add(partition);
    }
    return partition;
  }

  #startReady(): void {
    for (const partition of this.#ready) {
      if (this.#underWay >= this.#options.concurrencyMax) return;
      this.#ready.delete(partition);
      const group = this.#takeGroup(partition);
      if (group.length === 0) this.#partitions.delete(partition.key);
      else void this.#run(partition, group);
    }
  }

  /**
   * The next writes of a partition that fit into one transaction; those of calls that are over are
   * dropped.
   */
  #takeGroup(partition: Partition<Write, Result>): Waiting<Write, Result>[] {
    const group: Waiting<Write, Result>[] = [];
    const left: Waiting<Write, Result>[] = [];
    const rowKeys = new Set<string>();
    let bytes = 0;
    let isFull = false;
    for (const each of partition.waiting) {
      if (each.call.isOver) continue;
      const { rowKey, bytes: more } = each.write;
      isFull ||= group.length >= partition.rowsMax || (group.length > 0 && bytes + more > this.#options.bytesMax);
      if (isFull || rowKeys.has(rowKey)) {
        left.push(each);
        continue;
      }
      group.push(each);
      rowKeys.add(rowKey);
      bytes += more;
    }
    partition.waiting = left;
    return group;
  }

  async #run(partition: Partition<Write, Result>, group: readonly Waiting<Write, Result>[]): Promise<void> {
    this.#underWay += 1;
    const calls = new Set(group.map(({ call }) => call));
    const transaction = new Transaction(calls);
    for (const call of calls) call.transactions.add(transaction);
    try {
      const answers = await this.#options.commit(
        group.map(({ write }) => write),
        transaction.signal,
      );
      const again: Waiting<Write, Result>[] = [];
      for (const [place, each] of group.entries()) {
        const answer = answers[place] ?? 'again';
        if (answer === 'again') again.push(each);
        else if ('result' in answer) each.call.answer(each.index, answer.result);
        else each.call.fail(answer.failure);
      }
      partition.waiting = [...again, ...partition.waiting];
      partition.rowsMax =
        again.length > 0
          ? Math.max(1, Math.floor(group.length / 2))
          : Math.min(this.#options.rowsMax, partition.rowsMax * 2);
    } catch (error) {
      for (const { call } of group) call.fail(error);
    } finally {
      this.#underWay -= 1;
      this.#ready.add(partition);
      this.#startReady();
    }
  }
}

interface Partition<Write, Result> {
  readonly key: string;
  waiting: Waiting<Write, Result>[];
  /** Of its next transaction. */
  rowsMax: number;
}

interface Waiting<Write, Result> {
  readonly write: Write;
  /** Which of the call's writes it is. */
  readonly index: number;
  readonly call: Call<Result>;
}

/** One call of `write`, until each of its writes has a result or one has failed. */
class Call<Result> {
  readonly promise: Promise<readonly Result[]>;
  isOver = false;
  /** Those that took a write of it; to one that has ended it means nothing that the call leaves. */
  readonly transactions = new Set<Transaction>();
  readonly #results: Result[] = [];
  readonly #signal: AbortSignal;
  readonly #giveUp = (): void => this.fail(this.#signal.reason);
  readonly #resolve: (results: readonly Result[]) => void;
  readonly #reject: (reason: unknown) => void;
  #open: number;

  constructor(writes: number, signal: AbortSignal) {
    this.#open = writes;
    this.#signal = signal;
    const { promise, resolve, reject } = Promise.withResolvers<readonly Result[]>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener('abort', this.#giveUp);
    if (writes === 0) this.#end(() => this.#resolve([]));
  }

  answer(index: number, result: Result): void {
    this.#results[index] = result;
    this.#open -= 1;
    if (this.#open === 0) this.#end(() => this.#resolve(this.#results));
  }

  fail(reason: unknown): void {
    this.#end(() => this.#reject(reason));
    for (const transaction of this.transactions) transaction.leave(this);
  }

  #end(settle: () => void): void {
    this.isOver = true;
    this.#signal.removeEventListener('abort', this.#giveUp);
    settle();
  }
}

/** A transaction under way, which is aborted when every call has left it. */
class Transaction {
  readonly #controller = new AbortController();
  readonly #calls: Set<unknown>;

  constructor(calls: ReadonlySet<unknown>) {
    this.#calls = new Set(calls);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  leave(call: unknown): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0) this.#controller.abort();
  }
}
