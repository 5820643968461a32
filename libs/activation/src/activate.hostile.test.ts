import type { JsonObject } from '@activation-hub/audience-events';
import { shownOf } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { InMemoryLedger } from '@activation-hub/membership';
import * as fc from 'fast-check';
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hostileBodies, marker, markerNumber } from '../testing/hostile-bodies.ts';
import { noonMs, openActivation, RecordingDestination } from '../testing/index.ts';
import type { ReceivedEvent } from './index.ts';

const fixtures = new URL('../../audience-events/fixtures/', import.meta.url);
const samples = readdirSync(fixtures)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, fixtures), 'utf8')) as JsonObject);
/** Every audience of the samples, so that every readable membership has a route. */
const audienceIds = new Set(
  samples.flatMap(({ segmentMembership }) =>
    Object.keys((segmentMembership as { ups?: object } | undefined)?.ups ?? {}),
  ),
);
const file = `
version: 1
stall: { share: 1, minimum: 1000 }
destinations:
  crm: { type: recording }
audiences:
${[...audienceIds]
  .map(
    (id, index) => `  audience-${index}:
    id: ${id}
    activate:
      - { destination: crm, identity: [crmid, email, ecid], attributes: { firstname: person.name.firstName, all: person } }`,
  )
  .join('\n')}
`;

/** The exports in a body, by a reading of its own; undefined when it is not JSON. */
function looselyRead(body: Uint8Array): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return Array.isArray(value) ? (value as readonly unknown[]) : [value];
  } catch {
    return undefined;
  }
}

/** How many memberships of the activated audiences a body seems to have. */
function membershipsIn(body: Uint8Array): number {
  const own = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined;
  return (looselyRead(body) ?? []).reduce<number>((sum, each) => {
    const ups = own(own(each, 'segmentMembership'), 'ups');
    return (
      sum + (typeof ups === 'object' && ups !== null ? Object.keys(ups).filter((id) => audienceIds.has(id)).length : 0)
    );
  }, 0);
}

/** What of the markers is in a text; case and escapes do not hide them. */
function markersIn(text: string): readonly string[] {
  return [marker, String(markerNumber)].filter((each) => text.toLowerCase().includes(each));
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype] as const;
const valueOf = (of: object, key: PropertyKey): unknown => Object.getOwnPropertyDescriptor(of, key)?.value;
const untouched = prototypes.map((each) => new Map(Reflect.ownKeys(each).map((key) => [key, valueOf(each, key)])));

function expectPrototypesUntouched(): void {
  for (const [index, each] of prototypes.entries()) {
    const values = untouched[index] ?? new Map<PropertyKey, unknown>();
    expect(Reflect.ownKeys(each).length).toBe(values.size);
    for (const [key, value] of values) expect(valueOf(each, key) === value).toBe(true);
  }
}

/** A destination that takes most, and of which errors and refusals say what they should not. */
function indiscreetDestination(): RecordingDestination {
  const destination = new RecordingDestination();
  destination.onRequest = (changes) => {
    if (destination.requests % 7 === 3) throw new TypeError(`${JSON.stringify(changes)} is not a function`);
    if (destination.requests % 7 === 5) throw new DestinationError('transient', 'It is not reached.');
  };
  destination.answer = ({ id }) =>
    id.charCodeAt(0) % 10 === 0 ? { id, status: 'rejected', reason: 'no such field' } : { id, status: 'delivered' };
  return destination;
}

test('20,000 hostile bodies: nothing throws, hangs or pollutes a prototype, each event ends in an outcome, and nothing personal is said', async () => {
  const crm = indiscreetDestination();
  const shared = { file, ledger: new InMemoryLedger(), destinations: { crm, ads: crm } };
  const seen = { events: 0, letters: 0, outcomes: 0, nobody: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(hostileBodies(samples), { minLength: 100, maxLength: 100 }), async (bodies) => {
      const { activate, retryDue, letters, lines, outcomes, counter, clock, context } = openActivation(shared);
      clock.nowMs += seen.events * 10_000;
      const events = bodies.map((body, index): ReceivedEvent => {
        const sequenceNumber = seen.events + index;
        return { body, partitionId: '0', sequenceNumber, enqueuedAtMs: noonMs + sequenceNumber };
      });
      seen.events += events.length;
      await activate(...events);

      const unreadable = new Set<number>();
      for (const { event, outcome } of letters()) {
        expect(event).toBe(events.find(({ sequenceNumber }) => sequenceNumber === event.sequenceNumber));
        if (outcome === 'unreadable') unreadable.add(event.sequenceNumber);
      }
      let certain = 0;
      let possible = 0;
      for (const { body, sequenceNumber } of events) {
        const isUnreadable = unreadable.has(sequenceNumber);
        if (looselyRead(body) === undefined) expect(isUnreadable).toBe(true);
        const memberships = membershipsIn(body);
        possible += memberships;
        certain += isUnreadable ? 0 : memberships;
        if (!isUnreadable && memberships === 0) seen.nobody += 1;
      }
      const counted = Object.values(outcomes()).reduce((sum, count) => sum + count, 0);
      expect(counted).toBeGreaterThanOrEqual(certain);
      expect(counted).toBeLessThanOrEqual(possible);
      expect(counter('changes-settled')).toBe(counted);
      seen.letters += unreadable.size;
      seen.outcomes += counted;

      clock.nowMs += context.timing.leaseMs + 3_600_000;
      await retryDue();
      expectPrototypesUntouched();
      const said = lines.join('\n') + JSON.stringify(letters().map(shownOf));
      expect(markersIn(said)).toEqual([]);
    }),
    { numRuns: 200 },
  );
  expect(seen.events).toBeGreaterThanOrEqual(20_000);
  for (const kind of ['letters', 'outcomes', 'nobody'] as const) expect(seen[kind]).toBeGreaterThan(100);
  // What was put in did go through: the destination was handed it, and the search finds it there.
  expect(markersIn(JSON.stringify(crm.handed))).toContain(marker);
});

test('control: a marker in a line is found, whatever its case, and so is a polluted prototype', () => {
  expect(markersIn(`{"reason":"${marker.toUpperCase()} is unknown"}`)).toEqual([marker]);
  expect(markersIn(`{"reason":${markerNumber}}`)).toEqual([String(markerNumber)]);
  Reflect.set(Object.prototype, 'polluted', true);
  try {
    expect(expectPrototypesUntouched).toThrow();
  } finally {
    Reflect.deleteProperty(Object.prototype, 'polluted');
  }
  expectPrototypesUntouched();
});
