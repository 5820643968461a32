/** A change as it ended or was deferred, as a line of the page. */
export interface ChangeRow {
  /** Rises; names the change for as long as the server runs. */
  readonly id: number;
  readonly atMs: number;
  /**
   * Partition and sequence number of its export, such as `0-4711`; absent where none is at hand.
   */
  readonly exportId?: string;
  readonly audience: string;
  readonly destination: string;
  readonly namespace: string;
  /**
   * As the destination gets it; masked unless the people are asked for. Empty when there is none.
   */
  readonly person: string;
  /**
   * The same for the same person at this destination, and different for others; says nothing of who
   * it is.
   */
  readonly who: string;
  readonly kind?: 'entered' | 'updated' | 'exited';
  /** What AEP says. */
  readonly status?: 'realized' | 'exited';
  readonly outcome: string;
  /** It waits because its destination or its route is in shadow. */
  readonly isInShadow?: true;
  /** In a sentence. */
  readonly why: string;
  /** HTTP status of the last answer. */
  readonly httpStatus?: number;
  /** How long the last request took. */
  readonly requestMs?: number;
  /** From the time at which the hub took the export until the change ended. */
  readonly ageMs?: number;
}

/** `GET /api/changes/:id`: with the person, and everything that is kept of it. */
export interface ChangeDetail {
  readonly row: ChangeRow;
  readonly export?: { readonly id: string; readonly enqueuedAtMs: number; readonly body: string };
  /** From old to new. */
  readonly attempts: readonly ChangeAttempt[];
  /** A shadow, a pause or an open circuit holds it back: the destination has not been asked. */
  readonly isHeld: boolean;
  /** Every change of the same export, itself included. */
  readonly sameExport: readonly ChangeRow[];
}

export interface ChangeAttempt {
  readonly atMs: number;
  readonly durationMs: number;
  readonly kind: string;
  /** How many changes were told together. */
  readonly changes: number;
  readonly verdict: string;
  readonly reason?: string;
  readonly exchanges: readonly Exchange[];
}

/** A request with its answer; every secret is shown as `[secret]`. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly durationMs: number;
  readonly answer?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  /** What came in place of an answer. */
  readonly failure?: string;
}
