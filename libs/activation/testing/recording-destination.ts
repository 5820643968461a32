import type { Change, Connector, Delivery, Verdict } from '@activation-hub/destination-kit';

/** What a third party remembers of one person in one audience. */
export interface Remembered {
  readonly attributes: Change['attributes'];
}

/** A third party that takes what it is told, remembers it, and fails where a test says so. */
export class RecordingDestination implements Connector {
  /** Every change that it took, in order. */
  readonly told: Change[] = [];
  /** Every change that it was handed, taken or not, in order. */
  readonly handed: Change[] = [];
  /** By what it knows an audience; a test of files that rename theirs takes the id. */
  audienceOf: (change: Change) => string = ({ audience }) => audience.key;
  /** Who is in it: by audience's key and identity value. */
  readonly members = new Map<string, Remembered>();
  requests = 0;

  /**
   * Called for every request before anything is taken; a test makes it throw what the connector
   * throws.
   */
  onRequest: (changes: readonly Change[]) => void | Promise<void> = () => undefined;
  /**
   * What is answered about a change; undefined gives no verdict. What is delivered is taken, and
   * nothing else.
   */
  answer: (change: Change) => Verdict | undefined = ({ id }) => ({ id, status: 'delivered' });

  enter(deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
    return this.#take(deliveries);
  }

  update(deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
    return this.#take(deliveries);
  }

  exit(deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
    return this.#take(deliveries);
  }

  /** The changes told so far, as `entered sports-fans p1`. */
  get story(): readonly string[] {
    return this.told.map(({ kind, audience, identity }) => `${kind} ${audience.key} ${identity.value}`);
  }

  /** Takes the change without an answer, as when the reply is lost. */
  take(change: Change): void {
    this.told.push(change);
    const key = `${this.audienceOf(change)} ${change.identity.value}`;
    if (change.kind === 'exited') this.members.delete(key);
    else this.members.set(key, { attributes: change.attributes });
  }

  async #take(deliveries: readonly Delivery[]): Promise<readonly Verdict[]> {
    const changes = deliveries.map(({ change }) => change);
    this.requests += 1;
    this.handed.push(...changes);
    await this.onRequest(changes);
    return changes.flatMap((change) => {
      const verdict = this.answer(change);
      if (verdict?.status === 'delivered') this.take(change);
      return verdict === undefined ? [] : [verdict];
    });
  }
}
