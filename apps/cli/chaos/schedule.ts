import { seededRandom } from '@activation-hub/audience-events/testing';

/** What is done to the machine; what receivers do is in `receivers.ts`. */
export const faultKinds = [
  'host-killed',
  'worker-killed',
  'host-added',
  'host-removed',
  'connections-dropped',
  'storage-stopped',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface ScheduledFault {
  readonly kind: FaultKind;
  /** Which of the hosts it hits, as a share of 1 of those that run. */
  readonly pick: number;
  /** How long it lasts: a storage that is down, a host that is not yet started again. */
  readonly lastsMs: number;
}

/**
 * The faults of a run in their order, the same for the same seed: `kills` SIGKILLs, two thirds of them of whole hosts and
 * the rest of workers only, and for every five of them a host more, a host less, a cut of all connections and a stop of the
 * storage. Added hosts are removed again.
 */
export function makeSchedule({ seed, kills }: { readonly seed: number; readonly kills: number }): ScheduledFault[] {
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
  return kinds.map((kind) => {
    if (kind === 'host-added') isAdded = !isAdded;
    const drawn = kind === 'host-added' && isAdded ? 'host-removed' : kind;
    return { kind: drawn, pick: random(), lastsMs: Math.round(500 + random() * 2_500) };
  });
}
