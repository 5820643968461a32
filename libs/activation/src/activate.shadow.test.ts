import { createMatcher } from '@activation-hub/activation-file';
import { createTarget, InMemoryControls, type Control } from '@activation-hub/delivery';
import { historyOf } from '@activation-hub/membership';
import { readable } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import {
  eventOf,
  fansId,
  fansKey,
  openActivation,
  parseTestFile,
  personExport,
  RecordingDestination,
  travellersId,
} from '../testing/index.ts';
import { activate } from './activate.ts';
import { dryResume, type DryResumed, type DryScope } from './dry-resume.ts';
import { controlsAgeMaxMs } from './followed-controls.ts';
import type { ObservedChange } from './observed-change.ts';
import { pause, resume } from './set-controls.ts';

const { signal } = new AbortController();
const text = `
version: 1
destinations:
  crm: { type: recording, giveUpAfter: 2h }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: [crmid], attributes: { firstname: person.name.firstName } }
      - { destination: ads, identity: [crmid] }
  travellers:
    id: ${travellersId}
    activate: [{ destination: crm, identity: [crmid] }]
`;
const file = parseTestFile(text);

/** An app that an operator puts into shadow, and the dry run by which one looks at what waits. */
function openInShadow() {
  const controls = new InMemoryControls();
  const opened = openActivation({ file: text, controls });
  const { clock, context } = opened;
  const follow = (): void => void (clock.nowMs += controlsAgeMaxMs);
  const asked = () => ({ file, controls, retryQueue: context.retryQueue, nowMs: clock.nowMs });
  return {
    ...opened,
    shadow: async (scope: Pick<Control, 'destination' | 'audience'>): Promise<void> => {
      await pause(scope, { by: 'ada', reason: 'a look', isShadow: true }, asked(), signal);
      follow();
    },
    resume: async (scope: Pick<Control, 'destination' | 'audience'>): Promise<void> => {
      await resume(scope, asked(), signal);
      for (let due = 1; due > 0; due = await opened.retryDue()) clock.nowMs += 60_000;
    },
    look: async (scope: DryScope, stranger = new RecordingDestination(), countMax?: number) => {
      const dry = { now: () => clock.nowMs, sleep: () => Promise.resolve(), random: () => 0.5 };
      const limits = { batchCount: 5, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 1 };
      const of = { connector: stranger, limits, batchBy: 'destination', giveUpAfterMs: 7_200_000 } as const;
      const targets = new Map(['crm', 'ads'].map((key) => [key, createTarget({ key, ...of }, dry)]));
      const { ledger, retryQueue } = context;
      const told = await dryResume(
        scope,
        { matcher: createMatcher(file), ledger, retryQueue, targets, clock: dry },
        signal,
        countMax,
      );
      return { ...told, requests: stranger.requests, story: stranger.story };
    },
  };
}

const words = ({ changes }: Pick<DryResumed, 'changes'>): readonly string[] =>
  changes.map(({ kind, audience, identity, outcome }) => `${kind} ${audience} ${identity?.value} ${outcome}`);

test('a destination in shadow is told nothing, and what it would be told is counted by its kind, once, as it comes', async () => {
  const opened = openInShadow();
  await opened.activate(eventOf(personExport({ person: 'p1' }), 1));
  await opened.shadow({ destination: 'crm' });
  await opened.activate(
    eventOf(personExport({ person: 'p1', firstName: 'Grace', at: 60 }), 2),
    eventOf(personExport({ person: 'p2' }), 3),
  );
  await opened.activate(eventOf(personExport({ person: 'p2', status: 'exited', at: 90 }), 4));
  await opened.activate(eventOf(personExport({ person: 'p2', status: 'exited', at: 90 }), 5));
  for (let turn = 0; turn < 5; turn += 1) {
    opened.clock.nowMs += 3_600_000;
    await opened.retryDue();
  }
  expect(opened.crm.requests).toBe(1);
  expect(opened.ads.requests).toBeGreaterThan(0);
  const line = (signalName: string) => opened.lines.filter((each) => each.includes(`"signal":"${signalName}"`));
  expect(line('changes-shadowed').map((each) => JSON.parse(each) as object)).toMatchObject([
    { destination: 'crm', entered: 1, updated: 1, exited: 0 },
  ]);
  expect(opened.counter('changes-shadowed')).toBe(2);
  expect(line('destination-shadowed')).toHaveLength(1);
  expect(line('destination-paused')).toHaveLength(0);
  const [row] = await readable(opened.context.ledger).read([fansKey()], signal);
  expect(historyOf(row?.record ?? {}).transitions.at(-1)).toMatchObject({
    did: 'deferred',
    class: 'paused',
    reason: 'an operator has put the destination into shadow',
  });
});

test('a look at a shadow goes the whole way with a stranger, and afterwards everything goes out as it was seen', async () => {
  const opened = openInShadow();
  await opened.activate(eventOf(personExport({ person: 'p1' }), 1));
  await opened.shadow({ destination: 'crm' });
  await opened.activate(
    eventOf(personExport({ person: 'p1', firstName: 'Grace', at: 60 }), 2),
    eventOf(personExport({ person: 'p2' }), 3),
    eventOf(personExport({ person: 'p3', audienceId: travellersId }), 4),
  );
  opened.clock.nowMs += 60_000;
  await opened.activate(eventOf(personExport({ person: 'p2', firstName: 'Lise', at: 90 }), 5));
  const before = await Array.fromAsync(readable(opened.context.ledger).rows({}, signal));

  const seen = await opened.look({ destination: 'crm' });
  expect(words(seen).toSorted()).toEqual([
    'entered sports-fans p2 delivered',
    'entered travellers p3 delivered',
    'updated sports-fans p1 delivered',
  ]);
  expect(await Array.fromAsync(readable(opened.context.ledger).rows({}, signal))).toEqual(before);
  expect(opened.crm.requests).toBe(1);
  expect(words(await opened.look({ destination: 'crm', audience: 'travellers' }))).toHaveLength(1);
  expect(words(await opened.look({ destination: 'crm', identity: { namespace: 'crmid', value: 'p1' } }))).toEqual([
    'updated sports-fans p1 delivered',
  ]);
  expect(words(await opened.look({ destination: 'ads' }))).toEqual([]);

  await opened.resume({ destination: 'crm' });
  expect(opened.crm.story.slice(1)).toEqual(seen.story);
  expect(opened.crm.members.get('sports-fans p2')).toEqual({ attributes: { firstname: 'Lise' } });
  expect(words(await opened.look({ destination: 'crm' }))).toEqual([]);
});

test('what the connector would refuse is seen with its reason, and is no dead letter', async () => {
  const opened = openInShadow();
  await opened.shadow({ destination: 'crm' });
  await opened.activate(eventOf(personExport({ person: 'p1' }), 1), eventOf(personExport({ person: 'p2' }), 2));
  const stranger = new RecordingDestination();
  stranger.answer = ({ id, identity }) =>
    identity.value === 'p1' ? { id, status: 'rejected', reason: 'no column' } : { id, status: 'delivered' };
  const { changes } = await opened.look({ destination: 'crm' }, stranger);
  expect(changes).toMatchObject([
    { outcome: 'rejected', class: 'invalid', reason: 'no column', kind: 'entered' },
    { outcome: 'delivered', kind: 'entered' },
  ]);
  expect(opened.letters()).toEqual([]);
});

test('a route in shadow waits as a paused one does, is counted once, and its destination goes on', async () => {
  const opened = openInShadow();
  await opened.shadow({ destination: 'crm', audience: 'sports-fans' });
  await opened.activate(
    eventOf(personExport({ person: 'p1' }), 1),
    eventOf(personExport({ person: 'p1', audienceId: travellersId }), 2),
  );
  for (let turn = 0; turn < 5; turn += 1) {
    opened.clock.nowMs += 3_700_000;
    await opened.retryDue();
  }
  expect(opened.crm.story).toEqual(['entered travellers p1']);
  expect(opened.counter('changes-shadowed')).toBe(1);
  expect(words(await opened.look({ destination: 'crm', audience: 'sports-fans' }))).toEqual([
    'entered sports-fans p1 delivered',
  ]);
  await opened.resume({ destination: 'crm', audience: 'sports-fans' });
  expect(opened.crm.story).toEqual(['entered travellers p1', 'entered sports-fans p1']);
});

test('changes of a batch that wait for their place when the shadow begins are counted in it', async () => {
  const opened = openInShadow();
  opened.crm.onRequest = async () => {
    if (opened.crm.requests === 1) await opened.shadow({ destination: 'crm', audience: 'sports-fans' });
    // As the timer of each call does it.
    await opened.context.controls?.follow(opened.context);
  };
  await opened.activate(...Array.from({ length: 20 }, (_, n) => eventOf(personExport({ person: `p${n}` }), n)));
  expect(opened.crm.story.length).toBeLessThan(20);
  expect(opened.counter('changes-shadowed')).toBe(20 - opened.crm.story.length);
});

test('what waited for a retry before its route came into shadow is counted there once', async () => {
  const opened = openInShadow();
  opened.crm.answer = ({ id }) => ({ id, status: 'retry', reason: 'not now', doubt: 'answered' });
  await opened.activate(eventOf(personExport(), 1));
  expect(opened.counter('changes-shadowed')).toBe(0);
  await opened.shadow({ destination: 'crm', audience: 'sports-fans' });
  for (let turn = 1; turn <= 3; turn += 1) {
    opened.clock.nowMs += 3_700_000;
    await opened.retryDue();
    expect(opened.counter('changes-shadowed')).toBe(1);
  }
});

test('of more than are looked at the newest are, and the others are counted', async () => {
  const opened = openInShadow();
  await opened.shadow({ destination: 'crm' });
  for (let number = 1; number <= 9; number += 1) {
    await opened.activate(eventOf(personExport({ person: `p${number}` }), number));
    opened.clock.nowMs += 1_000;
  }
  const { leftOut, story } = await opened.look({ destination: 'crm' }, undefined, 3);
  expect(story).toEqual(['entered sports-fans p9', 'entered sports-fans p8', 'entered sports-fans p7']);
  expect(leftOut).toBe(6);
});

test('a watcher of single changes sees of one that waits what it would tell', async () => {
  const opened = openInShadow();
  await opened.activate(eventOf(personExport({ person: 'p1' }), 1));
  await opened.shadow({ destination: 'crm' });
  const seen: ObservedChange[] = [];
  const context = { ...opened.context, observe: (change: ObservedChange) => void seen.push(change) };
  for (const events of [
    [eventOf(personExport({ person: 'p1', firstName: 'Grace', at: 60 }), 2)],
    [eventOf(personExport({ person: 'p1', status: 'exited', at: 90 }), 3)],
  ])
    await activate({ events }, context);
  const waiting = seen.filter(({ destination, outcome }) => destination === 'crm' && outcome === 'deferred');
  expect(waiting.map(({ kind }) => kind)).toEqual(['updated', 'exited']);
});
