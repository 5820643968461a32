import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryDisturbances, arbitraryPeople } from '../testing/arbitraries.ts';
import { ignoringMoves } from '../testing/broken-protocols.ts';
import {
  everyChangeCountedOnce,
  exactlyTheCurrentIdentities,
  newestStateWins,
  noDigestHidesAMember,
  noRowWaitsForNothing,
  onlyTheChosen,
} from '../testing/invariants.ts';
import { changesOf, exportOf, peopleFile, truthOf, type PeopleBatch } from '../testing/people.ts';
import { ProtocolWorld } from '../testing/protocol-world.ts';
import type { Breakage, Disturbances } from '../testing/world-options.ts';

interface Setting {
  readonly identities: 'first' | 'all';
  readonly isFollowing: boolean;
  /** Every export has one qualification, within which people come and go back. */
  readonly isWithinOne: boolean;
}

const arbitrarySetting: fc.Arbitrary<Setting> = fc.record({
  identities: fc.constantFrom('first', 'all'),
  isFollowing: fc.boolean(),
  isWithinOne: fc.boolean(),
});

/**
 * One partition, whose batches come one after the other, and go from worker to worker. Identities
 * come, go and come back as they like, also within one qualification and while their rows wait.
 */
async function play(
  scheduler: fc.Scheduler,
  disturbed: Disturbances,
  people: readonly PeopleBatch[],
  { identities, isFollowing, isWithinOne }: Setting,
  breakage?: Breakage,
): Promise<void> {
  const world = new ProtocolWorld(scheduler, disturbed, {
    ...(breakage === undefined ? {} : { breakage }),
    files: [isFollowing ? peopleFile(identities) : peopleFile(identities).replace('follow: ecid', '')],
    giveUpAfterMs: Number.MAX_SAFE_INTEGER,
    changesOf: (event) => changesOf(event, identities),
  });
  let number = 0;
  const batches = people.map(({ worker, states }) => ({
    worker: worker % disturbed.clockOffsetsMs.length,
    states: states.map((state) => ({ ...state, at: isWithinOne ? 0 : state.at, number: (number += 1) })),
  }));
  await world.runInOrder(
    batches.map(({ worker, states }) => ({ worker, events: states.map((state) => exportOf(state, '0')) })),
  );
  const states = batches.flatMap((batch) => batch.states);
  const truth = truthOf(states, identities);
  if (isFollowing) exactlyTheCurrentIdentities(world, truth);
  else onlyTheChosen(world, states, identities);
  newestStateWins(world, truth);
  await noDigestHidesAMember(world, states, { identities, follow: isFollowing ? ['ecid'] : [] });
  await noRowWaitsForNothing(world);
  expect(world.letters).toEqual([]);
  everyChangeCountedOnce(world);
}

/** With `failures`, all other failures are none. */
function model(breakage?: Breakage, failures?: RegExp) {
  return fc.asyncProperty(
    fc.scheduler(),
    arbitraryDisturbances,
    arbitraryPeople,
    arbitrarySetting,
    async (scheduler, disturbed, people, setting) => {
      try {
        await play(scheduler, disturbed, people, setting, breakage);
      } catch (error) {
        if (failures === undefined || failures.test(String(error))) throw error;
      }
    },
  );
}

test('in one partition, whatever identities come, go and come back while rows wait, the destination knows each person under exactly the current ones', async () => {
  await fc.assert(model(), { numRuns: 500 });
}, 120_000);

test('control: it is caught when newer states that change nothing in their rows are not written', async () => {
  const failures = /exactlyTheCurrentIdentities|onlyTheChosen/;
  const checked = await fc.check(model(ignoringMoves, failures), {
    numRuns: 1_000,
    seed: 20261130,
    endOnFailure: true,
  });
  expect(checked.failed).toBe(true);
  expect(String(checked.errorInstance)).toMatch(failures);
});
