import { DestinationError, type Change } from '@activation-hub/destination-kit';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LedgerWrite, LedgerWriteResult } from '@activation-hub/membership';
import {
  DisturbedLedger,
  eventOf,
  ForgetfulDestination,
  noonMs,
  openActivation,
  personExport,
  RecordingDestination,
} from '../testing/index.ts';
import { renew } from './tell-ledger.ts';

/** What AEP says of a person: that the membership began or ended so many hours ago. */
interface Said {
  readonly person: number;
  readonly isExit: boolean;
  readonly hoursAgo: number;
}

/** What one day brings. */
interface Day {
  readonly exports: readonly Said[];
  /** False when the function does not run in this night. */
  readonly hasNight: boolean;
  /**
   * The results of the first requests of the night: not accepted, or no answer, accepted or not.
   */
  readonly faults: readonly ('none' | 'refused' | 'unanswered' | 'unheard')[];
  /**
   * What comes while the night tells its first members: before it leases them, or with its first
   * request.
   */
  readonly meanwhile: (Said & { readonly isBeforeLease: boolean }) | undefined;
}

const { signal } = new AbortController();
const hourMs = 3_600_000;
const lifeDays = 30;
const missing = 'noMembershipLapses: a member is missing';
const tooMany = 'noMembershipLapses: a person who has left is there';

const arbitrarySaid = fc.record({ person: fc.nat({ max: 3 }), isExit: fc.boolean(), hoursAgo: fc.nat({ max: 23 }) });
const rarely = <Value>(arbitrary: fc.Arbitrary<Value>, otherwise: Value): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary });
const arbitraryFault = fc.constantFrom<Day['faults'][number]>('none', 'refused', 'unanswered', 'unheard');
const arbitraryDay: fc.Arbitrary<Day> = fc.record({
  exports: rarely(fc.array(arbitrarySaid, { minLength: 1, maxLength: 4 }), []),
  hasNight: rarely(fc.constant(false), true),
  faults: fc.array(arbitraryFault, { maxLength: 3 }),
  meanwhile: rarely<Day['meanwhile']>(
    fc.tuple(arbitrarySaid, fc.boolean()).map(([said, isBeforeLease]) => ({ ...said, isBeforeLease })),
    undefined,
  ),
});
const arbitraryDays = fc.array(arbitraryDay, { minLength: 45, maxLength: 110 });

/** A third party that may accept a renewal, and not carry it out. */
class IgnorantDestination extends ForgetfulDestination {
  readonly #ignores: (tellings: number) => boolean;
  readonly #tellings = new Map<string, number>();

  constructor(now: () => number, ignores: (tellings: number) => boolean) {
    super(lifeDays, now);
    this.#ignores = ignores;
  }

  override take(change: Change): void {
    const key = `${change.audience.key} ${change.identity.value}`;
    const isThere = this.remembered.includes(key);
    if (change.kind === 'exited' || !isThere) {
      this.#tellings.delete(key);
      super.take(change);
      return;
    }
    const before = this.#tellings.get(key) ?? 0;
    this.#tellings.set(key, before + 1);
    if (!this.#ignores(before)) super.take(change);
  }
}

/** A ledger in which every write wins, so that no process notices that another was first. */
class BlindLedger extends DisturbedLedger {
  override async write(writes: readonly LedgerWrite[], of: AbortSignal): Promise<readonly LedgerWriteResult[]> {
    if (writes.length > 0) await this.beforeWrite(0, writes);
    for (const { key, record } of writes) await this.overwrite(key, record);
    const rows = await this.read(
      writes.map(({ key }) => key),
      of,
    );
    return rows.map((row) => ({ written: true, version: row?.version ?? '' }));
  }
}

interface Playing {
  /**
   * Which renewals are accepted and not carried out; none by default.
   */
  readonly ignores?: (tellings: number) => boolean;
  /** For how many days the ledger takes a membership to live; as long as it lives by default. */
  readonly declaredDays?: number;
  readonly ledger?: () => DisturbedLedger;
}

/**
 * Plays the days, and looks at the end of each who is there. What a night leaves to retries is told
 * within the day.
 */
async function play(
  days: readonly Day[],
  { ignores = () => false, declaredDays = lifeDays, ledger: openLedger = () => new DisturbedLedger() }: Playing,
): Promise<void> {
  const ledger = openLedger();
  const crm: IgnorantDestination = new IgnorantDestination(() => opened.clock.nowMs, ignores);
  const opened = openActivation({
    membershipDays: declaredDays,
    ledger,
    destinations: { crm, ads: new RecordingDestination() },
  });
  const newest = new Map<string, { readonly atMs: number; readonly isExit: boolean }>();
  let number = 0;
  const give = async ({ person, isExit, hoursAgo }: Said): Promise<void> => {
    const atMs = opened.clock.nowMs - hoursAgo * hourMs;
    const key = `sports-fans p${person}`;
    const known = newest.get(key);
    if (known === undefined || atMs > known.atMs || (atMs === known.atMs && isExit)) newest.set(key, { atMs, isExit });
    number += 1;
    const status = isExit ? 'exited' : 'realized';
    const content = personExport({ person: `p${person}`, at: (atMs - noonMs) / 1_000, status });
    await opened.activate(eventOf(content, number, { enqueuedAtMs: opened.clock.nowMs }));
  };

  for (const [index, { exports, hasNight, faults, meanwhile }] of days.entries()) {
    opened.clock.nowMs = noonMs + (index + 2) * 24 * hourMs;
    for (const said of exports) await give(said);
    const left = [...faults];
    let comes = meanwhile;
    const come = async (isBeforeLease: boolean): Promise<void> => {
      const said = comes;
      if (said?.isBeforeLease !== isBeforeLease) return;
      comes = undefined;
      await give(said);
    };
    ledger.beforeWrite = () => come(true);
    crm.onRequest = async (changes) => {
      await come(false);
      const fault = left.shift() ?? 'none';
      if (fault === 'none') return;
      if (fault === 'refused') throw new DestinationError('transient', 'refused');
      if (fault === 'unheard') for (const change of changes) crm.take(change);
      throw new DestinationError('transient', 'no answer', { doubt: 'unanswered' });
    };
    const untilMs = opened.clock.nowMs + hourMs;
    // Two nights in a row at the most do not run.
    const isSkipped = !hasNight && days[index - 2]?.hasNight !== false;
    if (!isSkipped) await renew({ context: opened.context, destination: 'crm' }, { untilMs, signal });
    crm.onRequest = () => undefined;
    ledger.beforeWrite = () => undefined;
    for (let hour = 0; hour < 12; hour += 1) {
      opened.clock.nowMs += hourMs;
      while ((await opened.retryDue()) > 0);
    }
    const should = [...newest].flatMap(([key, { isExit }]) => (isExit ? [] : [key]));
    const { remembered } = crm;
    const lacks = should.filter((key) => !remembered.includes(key));
    expect(lacks, `${missing} on day ${index}`).toEqual([]);
    const has = remembered.filter((key) => !should.includes(key));
    expect(has, `${tooMany} on day ${index}`).toEqual([]);
  }
}

function model(playing: Playing = {}) {
  return fc.asyncProperty(arbitraryDays, (days) => play(days, playing));
}

test('whatever comes and fails, a member is at no night missing, and no person who has left is there', async () => {
  await fc.assert(model(), { numRuns: 150 });
});

test('so it is when every second telling is accepted and not carried out', async () => {
  await fc.assert(model({ ignores: (tellings) => tellings % 2 === 0 }), { numRuns: 100 });
});

test.each<[string, string, Playing]>([
  ['no telling is carried out', missing, { ignores: () => true }],
  ['two of three tellings are not carried out', missing, { ignores: (tellings) => tellings % 3 !== 2 }],
  ['a membership lives for a third of what is declared', missing, { declaredDays: 3 * lifeDays }],
  ['no process finds out that an exit came meanwhile', tooMany, { ledger: () => new BlindLedger() }],
])('control: it is caught when %s', async (_, failure, playing) => {
  const checked = await fc.check(model(playing), { numRuns: 200, seed: 20261129, endOnFailure: true });
  expect(checked.failed).toBe(true);
  expect(String(checked.errorInstance)).toContain(failure);
});
