import { setTimeout as sleep } from 'node:timers/promises';
import { encodeProfileExport } from '@activation-hub/audience-events/testing';
import { tenantOf } from './chaos.ts';
import { Stage } from './stage.ts';

export interface Isolation {
  readonly exports: number;
  /**
   * Changes per second at the reliable receiver while the other one answers, and while it hangs.
   */
  readonly answeringPerSecond: number;
  readonly hangingPerSecond: number;
  /** What the hanging one costs, as a share of 1; below 0 when it was faster. */
  readonly cost: number;
}

const usualClaimSeconds = 180;
const batchSize = 50;
const lookEveryMs = 50;

/**
 * Measures what a destination that hangs for the whole run costs another one, with one host and the
 * usual leases: twice each, in the order A B B A, so that a machine that becomes slower or faster
 * meanwhile does not decide.
 */
export async function measureIsolation(options: {
  readonly exports: number;
  readonly seed: number;
  readonly durationMaxMs: number;
}): Promise<Isolation> {
  const measured = { answering: 0, hanging: 0 };
  for (const other of ['answering', 'hanging', 'hanging', 'answering'] as const) {
    measured[other] += (await reliablePerSecond({ ...options, isHanging: other === 'hanging' })) / 2;
  }
  const { answering, hanging } = measured;
  return {
    exports: options.exports,
    answeringPerSecond: Math.round(answering),
    hangingPerSecond: Math.round(hanging),
    cost: Math.round((1 - hanging / answering) * 1_000) / 1_000,
  };
}

/**
 * The exports wait in the hub before the host starts, so that the handler alone decides how long
 * they take.
 */
async function reliablePerSecond(options: {
  readonly exports: number;
  readonly seed: number;
  readonly durationMaxMs: number;
  readonly isHanging: boolean;
}): Promise<number> {
  const signal = AbortSignal.timeout(options.durationMaxMs);
  const stage = await Stage.start({
    seed: options.seed,
    kinds: ['reliable', 'hanging'],
    answering: options.isHanging ? [] : ['hanging'],
    leaseSeconds: usualClaimSeconds,
    onLine: () => undefined,
    onSecret: () => undefined,
  });
  try {
    const tenant = tenantOf(options.seed, options.exports);
    for (let done = 0; done < options.exports; done += batchSize) {
      await stage.sender.send(
        Array.from({ length: batchSize }, () => encodeProfileExport(tenant.next(Date.now()).body)),
      );
    }
    await stage.hosts.start();
    while (stage.progress().settled < stage.progress().sent) await sleep(lookEveryMs, undefined, { signal });
    const reliable = stage.receivers.get('reliable');
    if (reliable === undefined) throw new Error('Failed to measure: there is no reliable receiver.');
    return (reliable.counts.applied / (reliable.lastAppliedAtMs - reliable.firstAppliedAtMs)) * 1_000;
  } finally {
    await stage.stop();
  }
}
