const hourMs = 60 * 60 * 1000;
/** Runs older than a week are not kept. */
const hoursMax = 24 * 7;

export interface ProfileCount {
  readonly received: number;
  readonly failed: number;
}

/**
 * When dataflows were switched on, and what they exported in which hour: what their hourly runs are
 * made of.
 */
export class FlowRuns {
  readonly #now: () => number;
  readonly #enabled = new Map<string, { from: number; to: number | undefined }[]>();
  readonly #counts = new Map<string, ProfileCount>();

  constructor(now: () => number) {
    this.#now = now;
  }

  setEnabled(flowId: string, enabled: boolean): void {
    const spans = this.#enabled.get(flowId) ?? [];
    const last = spans.at(-1);
    const isOn = last !== undefined && last.to === undefined;
    if (enabled && !isOn) spans.push({ from: this.#now(), to: undefined });
    if (!enabled && isOn) last.to = this.#now();
    this.#enabled.set(flowId, spans);
  }

  count(flowId: string, { received, failed }: ProfileCount): void {
    const key = `${flowId} ${Math.floor(this.#now() / hourMs)}`;
    const before = this.#counts.get(key) ?? { received: 0, failed: 0 };
    this.#counts.set(key, { received: before.received + received, failed: before.failed + failed });
  }

  /** One per full hour in which the dataflow was on for a while, newest first. */
  list(flowId: string): Record<string, unknown>[] {
    const spans = this.#enabled.get(flowId) ?? [];
    const lastHour = Math.floor(this.#now() / hourMs) - 1;
    const hours = Array.from({ length: hoursMax }, (_, ago) => lastHour - ago);
    return hours
      .filter((hour) =>
        spans.some(({ from, to }) => from < (hour + 1) * hourMs && (to === undefined || to > hour * hourMs)),
      )
      .map((hour) => this.#run(flowId, hour));
  }

  #run(flowId: string, hour: number): Record<string, unknown> {
    const { received, failed } = this.#counts.get(`${flowId} ${hour}`) ?? { received: 0, failed: 0 };
    const startedAtUTC = hour * hourMs;
    const completedAtUTC = startedAtUTC + hourMs;
    const failedInfo = failed === 0 ? [] : [{ code: 'UPS-DEST-5001', message: 'Failed to deliver', count: failed }];
    return {
      id: `${flowId}-${hour}`,
      flowId,
      createdAt: completedAtUTC,
      updatedAt: completedAtUTC,
      etag: `"${hour}"`,
      metrics: {
        durationSummary: { startedAtUTC, completedAtUTC },
        recordSummary: {
          inputRecordCount: received,
          outputRecordCount: received - failed,
          skippedRecordCount: 0,
          failedRecordCount: failed,
          failedInfo,
        },
        statusSummary: { status: received > 0 && failed === received ? 'failed' : 'success', errors: [] },
      },
    };
  }
}
