import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { arbitraryDisturbances, arbitraryPeople } from '../testing/arbitraries.ts';
import { passingOverRows } from '../testing/broken-protocols.ts';
import { fansId } from '../testing/index.ts';
import {
  everyChangeCountedOnce,
  exactlyTheCurrentIdentities,
  newestStateWins,
  noRowWaitsForNothing,
  nothingLeftBehind,
  nothingOlderAfterNewer,
} from '../testing/invariants.ts';
import { replaying, resyncing, retiring } from '../testing/operations.ts';
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
import type { Breakage, Disturbances } from '../testing/world-options.ts';
import type { ReceivedEvent } from './index.ts';

/** What the files say of the one route, and what its destination is called by then. */
const versionsOf = (identities: 'first' | 'all') => ({
  live: peopleFile(identities),
  paused: peopleFile(identities, 'mode: paused'),
  shadow: peopleFile(identities, 'mode: shadow'),
  retired: peopleFile(identities, 'mode: retired'),
  'with another name of the destination': peopleFile(
    identities,
    'mode: live',
    'ads: { type: recording, formerly: crm }',
  ),
  'with another name of the audience': peopleFile(identities).replace('sports-fans:', 'fans:'),
  'with the other choice of identities': peopleFile(identities === 'first' ? 'all' : 'first'),
  'without the route': `
version: 1
destinations: { crm: { type: recording } }
audiences: { sports-fans: { id: ${fansId}, activate: [] } }
`,
});
type Version = keyof ReturnType<typeof versionsOf>;

/**
 * Whether the destination is sent changes meanwhile. If it is not, a resync afterwards also sends a
 * row that waited under an identity which the person has lost since: no process has followed the
 * person yet, so the ledger does not know (docs/specs/ledger.md, section 9).
 */
const isTold = (version: Version): boolean => !['paused', 'shadow', 'without the route'].includes(version);
const memberOf = (value: string): string => `${fansId} ${value}`;

interface Deployments {
  readonly between: readonly Version[];
  readonly last: Version;
  readonly fileChanges: readonly number[];
  readonly replacedEvery: number;
  readonly identities: 'first' | 'all';
}

const every = Object.keys(versionsOf('first')) as Version[];
const arbitraryDeployments = (last: readonly Version[], between = every): fc.Arbitrary<Deployments> =>
  fc.record({
    between: fc.array(fc.constantFrom(...between), { maxLength: 2 }),
    last: fc.constantFrom(...last),
    fileChanges: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 3, maxLength: 3 }),
    replacedEvery: fc.constantFrom(0, 20, 60),
    identities: fc.constantFrom('first', 'all'),
  });

async function play(
  scheduler: fc.Scheduler,
  disturbed: Disturbances,
  people: readonly PeopleBatch[],
  { between, last, fileChanges, replacedEvery, identities }: Deployments,
  breakage?: Breakage,
): Promise<void> {
  const world = new ProtocolWorld(scheduler, disturbed, {
    ...(breakage === undefined ? {} : { breakage }),
    files: ['live' as const, ...between, last].map((version) => versionsOf(identities)[version]),
    fileChanges,
    replacedEvery,
    cacheAgeMs: -1,
    changesOf: (event, file) =>
      [...file.audiences.values()]
        .flatMap(({ routes }) => routes)
        .reduce((sum, route) => sum + changesOf(event, route.identities), 0),
  });
  const workers = disturbed.clockOffsetsMs.length;
  const jobs = Array.from({ length: workers }, (): ReceivedEvent[][] => []);
  const batches = numbered(people);
  for (const { worker, states, twice } of batches) {
    const events = states.map((state) => exportOf(state, String(worker % workers)));
    if (events.length === 0) continue;
    jobs[worker % workers]?.push(events);
    if (twice) jobs[(worker + 1) % workers]?.push(events);
  }
  await world.run(jobs);
  world.deployLast();
  world.outliveLeases();
  const destination = last === 'with another name of the destination' ? 'ads' : 'crm';
  if (last === 'retired') {
    await world.operate(retiring(destination));
    nothingLeftBehind(world);
  } else {
    // What was given up while the route was gone is replayed, what came meanwhile is told by the
    // next export, and what waits as paused by a resync.
    await world.operate(replaying(destination));
    const newest = newestOfEach(batches.flatMap(({ states }) => states));
    await world.give(newest.map((state) => exportOf(state, '0')));
    await world.operate(resyncing(destination));
    const truth = truthOf(newest, identities);
    if (between.every(isTold)) exactlyTheCurrentIdentities(world, truth);
    else expect([...world.destination.members.keys()]).toEqual(expect.arrayContaining([...truth.keys()].map(memberOf)));
    newestStateWins(world, truth);
    nothingOlderAfterNewer(world);
  }
  await noRowWaitsForNothing(world);
  everyChangeCountedOnce(world);
}

function model(deployments: fc.Arbitrary<Deployments>, breakage?: Breakage, failure?: string) {
  return fc.asyncProperty(
    fc.scheduler(),
    arbitraryDisturbances,
    arbitraryPeople,
    deployments,
    async (scheduler, disturbed, people, deployed) => {
      try {
        await play(scheduler, disturbed, people, deployed, breakage);
      } catch (error) {
        if (failure === undefined || String(error).includes(failure)) throw error;
      }
    },
  );
}

const live = fc.oneof(
  arbitraryDeployments(['live', 'with another name of the destination']),
  // A dead letter names its audience by the key that it had, and is not replayed under another.
  arbitraryDeployments(
    ['with another name of the audience'],
    every.filter((version) => version !== 'without the route'),
  ),
);
const numRuns = 300;

test('whatever files are deployed meanwhile, one worker after the other, the destination ends with what the last one says', async () => {
  await fc.assert(model(live), { numRuns });
});

test('when the route is retired in the end, no person is left behind', async () => {
  await fc.assert(model(arbitraryDeployments(['retired'])), { numRuns });
});

test('control: it is caught when a retirement passes over rows', async () => {
  const property = model(arbitraryDeployments(['retired']), passingOverRows, 'nothingLeftBehind');
  const checked = await fc.check(property, { numRuns: 1_000, seed: 20261129, endOnFailure: true });
  expect(checked.failed).toBe(true);
  expect(String(checked.errorInstance)).toContain('nothingLeftBehind');
});
