import * as fc from 'fast-check';
import type { PeopleBatch, PersonState } from './people.ts';
import type { Disturbances, RequestFault } from './world-options.ts';

const arbitrarySteps = (maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 150 }), { maxLength });

/** Requests that fail one by one, or an outage in which circuits open. */
const arbitraryRequests = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.array(
      fc.constantFrom<RequestFault>('none', 'refused', 'answered', 'unheard', 'unanswered', 'late', 'partly'),
      { maxLength: 10 },
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat({ max: 3 }), fc.integer({ min: 3, max: 20 }))
      .map(([before, times]): RequestFault[] => [
        ...Array.from({ length: before }, () => 'none' as const),
        ...Array.from({ length: times }, () => 'refused' as const),
      ]),
  },
);
const common = {
  clockOffsetsMs: fc.array(fc.integer({ min: -3_000, max: 3_000 }), { minLength: 1, maxLength: 3 }),
  ticksMs: fc.array(fc.constantFrom(0, 100, 2_500, 5_000), { maxLength: 10 }),
  repeatsMessages: fc.boolean(),
};

/**
 * Workers that stand still for longer than their leases live, and live on; no request is on its way
 * for as long.
 */
export const arbitraryStandstills: fc.Arbitrary<Disturbances> = fc.record({
  ...common,
  requests: fc.array(fc.constantFrom('none', 'refused', 'answered', 'unheard', 'partly'), { maxLength: 10 }),
  crashes: fc.constant([]),
  storeFailures: fc.constant([]),
  standstills: arbitrarySteps(4),
});

const yearMs = 365 * 86_400_000;

/**
 * Two workers, of which the clock of one is years ahead or behind; every request has an answer
 * (docs/specs/ledger.md, section 5).
 */
export const arbitraryWrongClocks: fc.Arbitrary<Disturbances> = fc.record({
  ...common,
  clockOffsetsMs: fc.constantFrom([0, 3 * yearMs], [0, -3 * yearMs], [3 * yearMs, 0]),
  requests: fc.array(fc.constantFrom('none', 'refused', 'answered', 'partly'), { maxLength: 10 }),
  crashes: fc.constant([]),
  storeFailures: fc.constant([]),
  standstills: fc.constant([]),
});

/** Workers that crash and stores that fail, but no process outlives a lease. */
export const arbitraryDisturbances: fc.Arbitrary<Disturbances> = fc.record({
  ...common,
  requests: arbitraryRequests,
  crashes: arbitrarySteps(2),
  storeFailures: arbitrarySteps(2),
  standstills: fc.constant([]),
});

const arbitraryNumbers = fc.uniqueArray(fc.nat({ max: 2 }), { maxLength: 2 });

/** Exports of two people whose identities come, go and change. */
export const arbitraryPeople: fc.Arbitrary<readonly PeopleBatch[]> = fc.array(
  fc.record({
    worker: fc.nat({ max: 2 }),
    states: fc.array(
      fc.record({
        person: fc.nat({ max: 1 }),
        at: fc.nat({ max: 2 }),
        isExit: fc.boolean(),
        crmids: arbitraryNumbers,
        emails: arbitraryNumbers,
      }),
      { minLength: 1, maxLength: 3 },
    ),
    twice: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
);

/**
 * Bodies that bring one person several times with one state, as an evaluation does, under
 * identities that come and go.
 */
export const arbitraryBodies: fc.Arbitrary<readonly (readonly PersonState[])[]> = fc.array(
  fc
    .record({
      at: fc.nat({ max: 2 }),
      isExit: fc.constantFrom(false, false, true),
      identities: fc.array(fc.record({ crmids: fc.subarray([0, 1], { maxLength: 1 }), emails: fc.subarray([0, 1]) }), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .map(({ at, isExit, identities }) => identities.map((each) => ({ person: 0, at, isExit, ...each }))),
  { minLength: 1, maxLength: 3 },
);
