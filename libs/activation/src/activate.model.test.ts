import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { byArrival, releasingInDoubt, settlingBlindly, withoutLeases } from '../testing/broken-protocols.ts';
import { eventOf, fansId, fansKey, noonMs, personExport } from '../testing/index.ts';
import { ProtocolWorld } from '../testing/protocol-world.ts';
import type { Breakage, Disturbances } from '../testing/world-options.ts';
import type { ReceivedEvent } from './index.ts';

/** One state of one person; what goes with it follows from it. */
interface State {
  readonly person: number;
  /** Seconds after noon. */
  readonly at: number;
  readonly isExit: boolean;
}

/** A batch, and who gets it; `twice` gives it to the next worker as well. */
interface Batch {
  readonly worker: number;
  readonly states: readonly State[];
  readonly twice: boolean;
}

const wrongEnd = 'the destination does not end with the newest state';
const wrongOrder = 'an older state was told after a newer one';

const rankOf = ({ at, isExit }: State): number => at * 2 + Number(isExit);

const arbitraryState = fc.record({ person: fc.nat({ max: 1 }), at: fc.nat({ max: 4 }), isExit: fc.boolean() });
const arbitraryBatches: fc.Arbitrary<readonly Batch[]> = fc.array(
  fc.record({
    worker: fc.nat({ max: 3 }),
    states: fc.array(arbitraryState, { minLength: 1, maxLength: 3 }),
    twice: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);
const arbitrarySteps = (maxLength: number) => fc.array(fc.integer({ min: 1, max: 120 }), { maxLength });
const common = {
  clockOffsetsMs: fc.array(fc.integer({ min: -3_000, max: 3_000 }), { minLength: 2, maxLength: 4 }),
  ticksMs: fc.array(fc.constantFrom(0, 100, 2_500, 5_000), { maxLength: 10 }),
  repeatsMessages: fc.boolean(),
};
/** Workers that crash and stores that fail, but no process outlives its lease. */
const withinLeases: fc.Arbitrary<Disturbances> = fc.record({
  ...common,
  requests: fc.array(fc.constantFrom('none', 'refused', 'answered', 'unheard', 'unanswered', 'late', 'partly'), {
    maxLength: 12,
  }),
  crashes: arbitrarySteps(3),
  storeFailures: arbitrarySteps(3),
  standstills: fc.constant([]),
});
/** Workers that stand still for longer than their leases live, and live on. */
const beyondLeases: fc.Arbitrary<Disturbances> = fc.record({
  ...common,
  requests: fc.array(fc.constantFrom('none', 'refused', 'answered', 'unheard', 'partly'), { maxLength: 12 }),
  crashes: fc.constant([]),
  storeFailures: fc.constant([]),
  standstills: arbitrarySteps(4),
});

function eventsFor(batches: readonly Batch[], workers: number): ReceivedEvent[][][] {
  const byWorker = Array.from({ length: workers }, (): ReceivedEvent[][] => []);
  let sequenceNumber = 0;
  for (const { worker, states, twice } of batches) {
    const events = states.map(({ person, at, isExit }) => {
      const status = isExit ? 'exited' : 'realized';
      const content = personExport({ person: `p${person}`, at, status, firstName: `Name ${at}` });
      return eventOf(content, (sequenceNumber += 1), { partitionId: String(worker % workers) });
    });
    byWorker[worker % workers]?.push(events);
    if (twice) byWorker[(worker + 1) % workers]?.push(events);
  }
  return byWorker;
}

/** What must be true when everything has ended. */
async function expectConverged(world: ProtocolWorld, batches: readonly Batch[]): Promise<void> {
  const newest = new Map<string, State>();
  for (const state of batches.flatMap(({ states }) => states)) {
    const other = newest.get(`p${state.person}`);
    if (other === undefined || rankOf(state) >= rankOf(other)) newest.set(`p${state.person}`, state);
  }
  const members = [...newest].filter(([, { isExit }]) => !isExit);
  const has = [...world.destination.members].map(([key, { attributes }]) => [key, attributes.firstname]);
  expect(new Map(has as [string, string][]), wrongEnd).toEqual(
    new Map(members.map(([person, { at }]) => [`${fansId} ${person}`, `Name ${at}`])),
  );
  const all = await world.rows();
  expect(all.map(({ record }) => record.rowState.is).filter((is) => is !== 'delivered' && is !== 'noted')).toEqual([]);
  // The destination knows every person by crmid; the row of the e-mail address is noted.
  const { crmid: rows = [], email: others = [] } = Object.groupBy(all, ({ key }) => key.identity.namespace);
  expect(others.map(({ record }) => record.rowState.is).filter((is) => is !== 'noted')).toEqual([]);
  expect(rows).toHaveLength(newest.size);
  for (const { key, record } of rows) {
    const state = newest.get(key.identity.value);
    expect(key).toMatchObject(fansKey(key.identity.value));
    expect(record.known.qualifiedAtMs).toBe(noonMs + (state?.at ?? NaN) * 1_000);
  }
  expect(world.miscounted).toEqual([]);
  expect(await world.retries()).toEqual([]);
  expect(world.letters).toEqual([]);
}

function expectNothingOlderAfterNewer({ destination }: ProtocolWorld): void {
  for (const told of Map.groupBy(destination.told, ({ identity }) => identity.value).values()) {
    const ranks = told.map(({ qualifiedAt, kind }) => Date.parse(qualifiedAt) * 2 + Number(kind === 'exited'));
    expect(ranks, wrongOrder).toEqual(ranks.toSorted((left, right) => left - right));
  }
}

type Model = fc.IAsyncPropertyWithHooks<[fc.Scheduler, Disturbances, readonly Batch[]]>;

/** With `failure`, all other failures are none. */
function model(
  disturbances: fc.Arbitrary<Disturbances>,
  isOrdered: boolean,
  breakage?: Breakage,
  failure?: string,
): Model {
  return fc.asyncProperty(fc.scheduler(), disturbances, arbitraryBatches, async (scheduler, disturbed, batches) => {
    const world = new ProtocolWorld(scheduler, disturbed, breakage === undefined ? {} : { breakage });
    try {
      await world.run(eventsFor(batches, disturbed.clockOffsetsMs.length));
      if (isOrdered) expectNothingOlderAfterNewer(world);
      await expectConverged(world, batches);
    } catch (error) {
      if (failure === undefined || String(error).includes(failure)) throw error;
    }
  });
}

const runs = 800;

test('in every interleaving, with lost replies, failing stores and crashes, the destination ends with the newest state and hears none after a newer one', async () => {
  await fc.assert(model(withinLeases, true), { numRuns: runs });
});

test('when workers outlive their leases, the destination still ends with the newest state', async () => {
  await fc.assert(model(beyondLeases, false), { numRuns: runs });
});

/**
 * The controls always see the same worlds. A failure of another kind than the expected one would
 * prove nothing.
 */
test.each([
  ['no process leases', withinLeases, withoutLeases, wrongOrder, 500],
  ['states are ordered by arrival', withinLeases, byArrival, wrongOrder, 500],
  ['a delivery in doubt releases its lease', withinLeases, releasingInDoubt, wrongOrder, 2_000],
  ['workers that outlive their leases do not find out', beyondLeases, settlingBlindly, wrongEnd, 2_000],
] as const)('control: it is caught when %s', async (_, disturbances, breakage, failure, numRuns) => {
  const isOrdered = failure === wrongOrder;
  const checked = await fc.check(model(disturbances, isOrdered, breakage, failure), {
    numRuns,
    seed: 20261122,
    endOnFailure: true,
  });
  expect(checked.failed).toBe(true);
  expect(String(checked.errorInstance)).toContain(failure);
});
