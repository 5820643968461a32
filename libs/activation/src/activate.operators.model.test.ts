import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryDisturbances, arbitraryPeople } from '../testing/arbitraries.ts';
import { ignoringVersions, withoutLeases } from '../testing/broken-protocols.ts';
import {
  everyChangeCountedOnce,
  exactlyTheCurrentIdentities,
  newestStateWins,
  noRowWaitsForNothing,
  nothingOfTheForgotten,
  nothingOlderAfterNewer,
} from '../testing/invariants.ts';
import { forgetting, renewing, replaying, resyncing } from '../testing/operations.ts';
import {
  changesOf,
  exportOf,
  newestOfEach,
  numbered,
  peopleFile,
  truthOf,
  type PeopleBatch,
} from '../testing/people.ts';
import { ProtocolWorld } from '../testing/protocol-world.ts';
import type { Breakage, Disturbances, Operation } from '../testing/world-options.ts';
import type { ReceivedEvent } from './index.ts';

/** What operators, and the night, do meanwhile, each before one of the batches. */
type Operated = readonly { readonly before: number; readonly is: 'resync' | 'replay' | 'forget' | 'renew' }[];

const arbitraryOperations = (...kinds: readonly Operated[number]['is'][]): fc.Arbitrary<Operated> =>
  fc.array(fc.record({ before: fc.nat({ max: 5 }), is: fc.constantFrom(...kinds) }), { maxLength: 3 });
const arbitraryRejections = arbitraryDisturbances.chain((disturbed) =>
  fc
    .array(fc.constantFrom('none', 'rejected', 'not-found', 'refused', 'unanswered', 'late', 'answered', 'unheard'), {
      maxLength: 12,
    })
    .map((requests): Disturbances => ({ ...disturbed, requests })),
);
/** Who is forgotten, where an operator forgets. */
const forgotten = 1;
const operations = { resync: resyncing(), replay: replaying(), forget: forgetting(forgotten), renew: renewing() };

interface Playing {
  readonly breakage?: Breakage;
  readonly lastForget?: Operation;
  /**
   * For how many days the destination keeps a member; a life of a day is told again by every night.
   */
  readonly membershipDays?: number;
}

async function play(
  scheduler: fc.Scheduler,
  disturbed: Disturbances,
  people: readonly PeopleBatch[],
  operated: Operated,
  { breakage, lastForget, membershipDays }: Playing,
): Promise<void> {
  const world = new ProtocolWorld(scheduler, disturbed, {
    ...(breakage === undefined ? {} : { breakage }),
    ...(membershipDays === undefined ? {} : { membershipDays }),
    files: [peopleFile('first')],
    cacheAgeMs: -1,
    giveUpAfterMs: 300_000,
    changesOf: (event) => changesOf(event, 'first'),
  });
  const workers = disturbed.clockOffsetsMs.length;
  const jobs = Array.from({ length: workers }, (): (ReceivedEvent[] | Operation)[] => []);
  const batches = numbered(people);
  for (const [index, { worker, states, twice }] of batches.entries()) {
    for (const { before, is } of operated) if (before === index) jobs[(worker + 1) % workers]?.push(operations[is]);
    const events = states.map((state) => exportOf(state, String(worker % workers)));
    if (events.length === 0) continue;
    jobs[worker % workers]?.push(events);
    if (twice) jobs[(worker + 1) % workers]?.push(events);
  }
  await world.run(jobs);
  for (let times = 0; world.letters.length > 0; times += 1) {
    if (times > 10) throw new Error('The replay does not come to an end.');
    await world.operate(replaying());
  }
  // A person whom the destination did not know is sent again with the next change; and every person
  // changes.
  const states = batches.flatMap(({ states: ofBatch }) => ofBatch);
  const last = newestOfEach(states);
  if (disturbed.requests.includes('not-found')) await world.give(last.map((state) => exportOf(state, '0')));
  // A row that a resync has left under the lease of a crashed process is told by the next one, when
  // the lease has expired.
  if (operated.some(({ is }) => is === 'resync')) {
    world.outliveLeases();
    await world.operate(resyncing());
  }
  // So does the next night with what one has left.
  if (operated.some(({ is }) => is === 'renew')) {
    world.outliveLeases();
    await world.operate(renewing());
  }
  const isForgetting = operated.some(({ is }) => is === 'forget');
  if (!isForgetting) nothingOlderAfterNewer(world);
  const truth = truthOf(disturbed.requests.includes('not-found') ? last : states, 'first');
  if (isForgetting || lastForget !== undefined) {
    await world.operate(lastForget ?? operations.forget);
    await nothingOfTheForgotten(world, forgotten);
  } else {
    exactlyTheCurrentIdentities(world, truth);
    newestStateWins(world, truth);
  }
  expect(world.letters).toEqual([]);
  await noRowWaitsForNothing(world);
  everyChangeCountedOnce(world);
}

function model(
  disturbances: fc.Arbitrary<Disturbances>,
  operated: fc.Arbitrary<Operated>,
  playing: Playing = {},
  failure?: string,
) {
  return fc.asyncProperty(
    fc.scheduler(),
    disturbances,
    arbitraryPeople,
    operated,
    async (scheduler, disturbed, people, operations) => {
      try {
        await play(scheduler, disturbed, people, operations, playing);
      } catch (error) {
        if (failure === undefined || String(error).includes(failure)) throw error;
      }
    },
  );
}

const numRuns = 200;

test('while an operator resyncs, every destination ends with the newest state and hears none after a newer one', async () => {
  await fc.assert(model(arbitraryDisturbances, arbitraryOperations('resync')), { numRuns });
});

test('while the night tells members again, every destination ends with the newest state and hears none after a newer one', async () => {
  await fc.assert(model(arbitraryDisturbances, arbitraryOperations('renew', 'resync'), { membershipDays: 1 }), {
    numRuns,
  });
});

test('with rejections, unknown people, give-up and replay everything is told in the end', async () => {
  await fc.assert(model(arbitraryRejections, arbitraryOperations('resync', 'replay')), { numRuns });
});

test('of a person who is forgotten nothing is left', async () => {
  await fc.assert(model(arbitraryRejections, arbitraryOperations('forget', 'replay')), { numRuns });
});

test.each([
  ['no process leases', withoutLeases, 'nothingOlderAfterNewer'],
  ['no process finds out that another one wrote first', ignoringVersions, 'exactlyTheCurrentIdentities'],
] as const)('control: while the night tells, it is caught when %s', async (_, breakage, failure) => {
  const property = model(arbitraryDisturbances, arbitraryOperations('renew'), { breakage, membershipDays: 1 }, failure);
  const checked = await fc.check(property, { numRuns: 1_000, seed: 20261129, endOnFailure: true });
  expect(checked.failed).toBe(true);
  expect(String(checked.errorInstance)).toContain(failure);
});

test('control: it is caught when erasure leaves out the links of a person', async () => {
  const property = model(
    arbitraryDisturbances,
    arbitraryOperations('replay'),
    { lastForget: forgetting(forgotten, []) },
    'nothingOfTheForgotten',
  );
  const checked = await fc.check(property, { numRuns: 500, seed: 20261122, endOnFailure: true });
  expect(checked.failed).toBe(true);
  expect(String(checked.errorInstance)).toContain('nothingOfTheForgotten');
});
