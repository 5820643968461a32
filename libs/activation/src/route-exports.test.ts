import { createMatcher } from '@activation-hub/activation-file';
import type { DeferredEvent, Retry } from '@activation-hub/delivery';
import { encodeProfileExport } from '@activation-hub/audience-events/testing';
import { expect, test } from 'vitest';
import { eventOf, fansId, fansKey, noonMs, parseTestFile, personExport, travellersId } from '../testing/index.ts';
import { readEvents } from './read-events.ts';
import { routeExports } from './route-exports.ts';

const matcher = createMatcher(
  parseTestFile(`
version: 1
destinations:
  crm: { type: recording, formerly: customers }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid] }
      - { destination: ads, identity: [crmid] }
  travellers: { id: ${travellersId} }
`),
);

/** What a retry for a destination has of these events. */
function retryOf(destination: string, events: readonly DeferredEvent[]): Retry {
  return {
    id: 'r1',
    destination,
    events,
    rows: [],
    attempts: 1,
    firstDeferredAtMs: noonMs,
    class: 'transient',
    reason: 'It is down.',
    isReplay: false,
  };
}

const event = eventOf(personExport());
const { exports } = readEvents([event]);
const routed = (retry?: Retry) =>
  routeExports(exports, matcher, retry).memberships.map(({ audience, routes }) => [
    audience.key,
    ...routes.map(({ destination }) => destination),
  ]);

test('a membership goes on all routes of its audience', () => {
  expect(routed()).toEqual([['sports-fans', 'crm', 'ads']]);
});

test('a membership of an audience without a route concerns no destination, also when it cannot be read', () => {
  for (const status of ['realized', 'unheard-of']) {
    const body = { segmentMembership: { ups: { [travellersId]: { status } } } };
    const read = readEvents([{ ...event, body: encodeProfileExport(body) }]);
    expect(read.exports).toHaveLength(1);
    expect(routeExports(read.exports, matcher)).toEqual({ memberships: [], refused: [] });
  }
});

test.each(['crm', 'customers'])('of a retry for %s the named audience goes on that route only', (destination) => {
  expect(routed(retryOf(destination, [{ event, audiences: ['sports-fans'], rows: [] }]))).toEqual([
    ['sports-fans', 'crm'],
  ]);
});

test('of a retry an audience that is not named goes on the routes of its rows', () => {
  const rows = [{ ...fansKey(), destination: 'ads' }];
  expect(routed(retryOf('gone', [{ event, audiences: [], rows }]))).toEqual([['sports-fans', 'ads']]);
});

test('an event that a retry does not hold goes nowhere', () => {
  expect(routed(retryOf('crm', [{ event: { ...event }, audiences: ['sports-fans'], rows: [] }]))).toEqual([]);
});
