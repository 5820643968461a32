import { seededRandom } from '@activation-hub/audience-events/testing';

/** What is done to the machine; what receivers do is in `receivers.ts`. */
export const faultKinds = [
  'host-killed',
  'worker-killed',
  'host-added',
  'host-removed',
  'connections-dropped',
  'storage-stopped',
  'file-changed',
  'receiver-down',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/**
 * What a run is about. `failing`: all receivers but one fail in their own ways to the end, and the
 * activation file changes in the middle. `outage`: every receiver answers, but one is down for ten
 * seconds in the middle, and must receive what waits for it within a minute of its return.
 */
export const plans = ['failing', 'outage'] as const;
export type Plan = (typeof plans)[number];

export interface ScheduledFault {
  readonly kind: FaultKind;
  /** Which of the hosts it hits, as a share of 1 of those that run. */
  readonly pick: number;
  /** How long it lasts: a storage that is down, a host that is not yet started again. */
  readonly lastsMs: number;
}

const outageMs = 10_000;

/**
 * The faults of a run in their order, the same for the same seed: `kills` SIGKILLs, two thirds of
 * them of whole hosts and the rest of workers only, and for every five of them a host more, a host
 * less, a cut of all connections and a stop of the storage. Added hosts are removed again. In the
 * middle comes what the plan is about.
 */
export function makeSchedule({
  seed,
  kills,
  plan,
}: {
  readonly seed: number;
  readonly kills: number;
  readonly plan: Plan;
}): ScheduledFault[] {
  const random = seededRandom(seed);
  const others = Math.ceil(kills / 5);
  const hostKills = Math.ceil((kills * 2) / 3);
  const repeat = (kind: FaultKind, count: number): FaultKind[] => Array.from({ length: count }, () => kind);
  const kinds = [
    ...repeat('host-killed', hostKills),
    ...repeat('worker-killed', kills - hostKills),
    ...repeat('host-added', 2 * others),
    ...repeat('connections-dropped', others),
    ...repeat('storage-stopped', others),
  ];
  for (let last = kinds.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [kinds[last], kinds[other]] = [kinds[other] ?? 'host-killed', kinds[last] ?? 'host-killed'];
  }
  let isAdded = true;
  const faults = kinds.map((kind): ScheduledFault => {
    if (kind === 'host-added') isAdded = !isAdded;
    const drawn = kind === 'host-added' && isAdded ? 'host-removed' : kind;
    return { kind: drawn, pick: random(), lastsMs: Math.round(500 + random() * 2_500) };
  });
  const middle: ScheduledFault =
    plan === 'outage'
      ? { kind: 'receiver-down', pick: 0, lastsMs: outageMs }
      : { kind: 'file-changed', pick: random(), lastsMs: 0 };
  faults.splice(Math.floor(faults.length / 2), 0, middle);
  return faults;
}
