import { createMatcher } from '@activation-hub/activation-file';
import type { Control } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { lease, type Identity } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import {
  DisturbedLedger,
  eventOf,
  fansId,
  fansKey,
  openActivation,
  parseTestFile,
  personExport,
  travellersId,
  type TestActivation,
} from '../testing/index.ts';
import { explain, takeOut, type ErasurePlace, type PersonStory, type RouteStory } from './index.ts';

const { signal } = new AbortController();
const ada: Identity = { namespace: 'crmid', value: 'p1' };

const fileOf = (mode = 'live', more = ''): string => `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate:
      - { destination: crm, identity: [crmid], mode: ${mode} }
${more}`;

/** The story by the stores of an activation, as a file tells it. */
function storyIn(
  { context, clock }: TestActivation,
  text = fileOf(),
  identities: readonly Identity[] = [ada],
  places?: readonly ErasurePlace[],
  controls: readonly Control[] = [],
): Promise<PersonStory> {
  const file = parseTestFile(text);
  const asItIs = [...file.destinations.values()].map(({ ledgerName }) => ({
    ledgerName,
    forms: ({ value }: Identity) => [value],
  }));
  const { ledger, retryQueue, deadLetters } = context;
  const stores = { ledger, retryQueue, deadLetters };
  return explain(
    identities,
    { file, matcher: createMatcher(file), places: places ?? asItIs, ...stores, controls, nowMs: clock.nowMs },
    signal,
  );
}

async function routeIn(opened: TestActivation, text = fileOf()): Promise<RouteStory> {
  const { routes } = await storyIn(opened, text);
  const [route] = routes;
  if (route === undefined) throw new Error('The story has no route.');
  return route;
}

const down = (): never => {
  throw new DestinationError('transient', '503 Service Unavailable');
};

test('a person’s story says when the destination was told, after which refusals, and of which exports, in the order of time', async () => {
  const opened = openActivation({ file: fileOf() });
  const { activate, retryDue, retryQueue, crm, clock } = opened;
  crm.onRequest = down;
  const entry = eventOf(personExport(), 1);
  await activate(entry);
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  await retryDue();
  const refusedMs = clock.nowMs;
  crm.onRequest = () => undefined;
  clock.nowMs = retryQueue.nextDueAtMs ?? 0;
  await retryDue();
  const toldMs = clock.nowMs;
  clock.nowMs += 60_000;
  const exit = eventOf(personExport({ status: 'exited', at: 60 }), 2, { enqueuedAtMs: clock.nowMs - 1_000 });
  await activate(exit, eventOf(personExport({ person: 'p2' }), 3));
  const story = await storyIn(opened);
  expect(story.events.map(({ atMs, what, says }) => [atMs, what, says])).toEqual([
    [entry.enqueuedAtMs, 'export', 'The event hub took an export of the person.'],
    [
      refusedMs,
      'transition',
      'Told that the person entered: not taken, to be tried again (transient: 503 Service Unavailable) (2 times).',
    ],
    [toldMs, 'transition', 'Told that the person entered by a retry: the destination took it.'],
    [exit.enqueuedAtMs, 'export', 'The event hub took an export of the person.'],
    [clock.nowMs, 'transition', 'Told that the person left: the destination took it.'],
  ]);
  expect(story.events[1]).toMatchObject({ destination: 'crm', audience: 'sports-fans', identity: ada });
  expect(story.routes).toMatchObject([
    {
      destination: 'crm',
      audience: 'sports-fans',
      mode: 'live',
      identity: ada,
      state: 'told',
      says: 'The destination was told that the person left.',
      toldAtMs: clock.nowMs,
      known: { isMember: false },
      delivered: { isMember: false },
      inDoubt: false,
      actions: [],
    },
  ]);
  expect(story).toMatchObject({ retries: [], deadLetters: [], unreadable: [], linkedIdentities: [] });
});

test('what waits says which retry tells it and when, and what waits for nothing says so', async () => {
  const opened = openActivation({ file: fileOf() });
  opened.crm.onRequest = down;
  const event = eventOf(personExport(), 1);
  await opened.activate(event, eventOf(personExport({ person: 'p2' }), 2));
  const dueAtMs = opened.retryQueue.nextDueAtMs;
  const story = await storyIn(opened);
  expect(story.retries).toMatchObject([
    { destination: 'crm', attempts: 1, dueAtMs, class: 'transient', enqueuedAtMs: [event.enqueuedAtMs] },
  ]);
  expect(story.routes).toMatchObject([
    {
      state: 'waiting',
      says: 'Not taken yet; a retry tells it (transient: 503 Service Unavailable).',
      nextAttemptAtMs: dueAtMs,
      actions: [{ action: 'retry-now', command: ['activation', 'retry-now', 'crm'] }],
    },
  ]);
  expect(story.events.at(-1)).toMatchObject({ atMs: dueAtMs, what: 'retry', destination: 'crm' });
  await opened.retryQueue.remove(story.retries[0]?.id ?? '', signal);
  expect(await routeIn(opened)).toMatchObject({
    state: 'waiting-for-nothing',
    actions: [{ action: 'resync', command: ['activation', 'resync', 'crm', '--audience', 'sports-fans'] }],
  });
});

test('what was rejected names its dead letter, with the command that replays it', async () => {
  const opened = openActivation({ file: fileOf() });
  opened.crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no such field' });
  await opened.activate(eventOf(personExport(), 1), eventOf(personExport({ person: 'p2' }), 2));
  const story = await storyIn(opened);
  expect(story.deadLetters).toMatchObject([
    {
      destination: 'crm',
      outcome: 'rejected',
      class: 'invalid',
      failures: [{ audience: 'sports-fans', reason: 'no such field' }],
    },
  ]);
  expect(story.routes).toMatchObject([
    {
      state: 'rejected',
      says: 'The destination rejected it (invalid: no such field).',
      deadLetters: [story.deadLetters[0]?.name],
      actions: [
        {
          action: 'replay',
          command: ['activation', 'dead-letters', 'replay', '--destination', 'crm', '--class', 'invalid'],
        },
      ],
    },
  ]);
  expect(story.events.at(-1)).toMatchObject({ what: 'dead-letter', destination: 'crm' });
});

test('a person without consent is withheld, and one who was never there is nothing to tell', async () => {
  const opened = openActivation({ file: fileOf() });
  await opened.activate(eventOf(personExport({ consent: 'n' }), 1));
  expect(await routeIn(opened)).toMatchObject({
    state: 'withheld',
    says: 'Never told: the consent attribute does not say yes.',
  });
  await opened.activate(eventOf(personExport({ status: 'exited', at: 60 }), 2));
  expect(await routeIn(opened)).toMatchObject({ state: 'nothing-to-tell' });
  await opened.activate(eventOf(personExport({ at: 120 }), 3));
  expect(await routeIn(opened)).toMatchObject({ state: 'told', says: 'The destination has the person.' });
  await opened.activate(eventOf(personExport({ at: 120, consent: 'n' }), 4));
  expect(await routeIn(opened)).toMatchObject({ state: 'withheld', delivered: { isMember: false } });
});

test('an identity by which the route does not know the person, or not any more, is no matter of consent', async () => {
  const text = fileOf().replace('identity: [crmid]', 'identity: [crmid, email]');
  const opened = openActivation({ file: text });
  const mail: Identity = { namespace: 'email', value: 'p1@example.com' };
  const standing = async (): Promise<unknown> => {
    const { routes, events } = await storyIn(opened, text, [mail]);
    return [routes[0]?.state, routes[0]?.says, events.at(-1)?.says];
  };
  // Both identities at once: the route takes the first, and notes the other.
  await opened.activate(eventOf(personExport(), 1));
  expect(await standing()).toEqual([
    'nothing-to-tell',
    'Never told under this identity: the route knows the person by another one.',
    'Not told: the route knows the person by another identity.',
  ]);

  const later = openActivation({ file: text });
  await later.activate(eventOf(personExport({ identities: { email: [mail.value] } }), 1));
  await later.activate(eventOf(personExport(), 2));
  const { routes, events } = await storyIn(later, text, [mail]);
  expect([routes[0]?.state, routes[0]?.says, events.at(-1)?.says]).toEqual([
    'told',
    'The destination was told that the person left under this identity: the route knows the person by another one.',
    'Told that the person left because the identity is the person’s no more: the destination took it.',
  ]);
});

test('a person who was taken out to be erased is no matter of consent either', async () => {
  const opened = openActivation({ file: fileOf() });
  await opened.activate(eventOf(personExport(), 1));
  await takeOut({ context: opened.context, destination: 'crm', identities: [ada] }, { signal });
  expect(await routeIn(opened)).toMatchObject({
    state: 'told',
    says: 'The destination was told that the person left, because the person was to be erased.',
  });
});

test('a paused route says that its person waits, and once it is live what tells them', async () => {
  const opened = openActivation({ file: fileOf('paused') });
  await opened.activate(eventOf(personExport(), 1));
  expect(await routeIn(opened, fileOf('paused'))).toMatchObject({ mode: 'paused', state: 'paused', actions: [] });
  expect(await routeIn(opened)).toMatchObject({ state: 'paused', actions: [{ action: 'resync' }] });
});

test('a retired route, and one that the file has no more, say how who is left behind is taken out', async () => {
  const opened = openActivation({ file: fileOf() });
  await opened.activate(eventOf(personExport(), 1));
  expect(await routeIn(opened, fileOf('retired'))).toMatchObject({
    mode: 'retired',
    state: 'told',
    actions: [{ command: ['activation', 'retire', 'crm', '--audience', 'sports-fans'] }],
  });
  const gone = fileOf().replace('destination: crm', 'destination: ads');
  expect((await storyIn(opened, gone)).routes).toMatchObject([
    { destination: 'crm', audience: 'sports-fans', mode: 'gone', state: 'told', actions: [{ action: 'plan' }] },
    { destination: 'ads', state: 'unknown' },
  ]);
});

test('a route in shadow mode says what it would have told, and that nothing was sent', async () => {
  const opened = openActivation({ file: fileOf('shadow') });
  await opened.activate(eventOf(personExport(), 1));
  const story = await storyIn(opened, fileOf('shadow'));
  expect(story.routes).toMatchObject([{ destination: 'crm', state: 'shadowed', mode: 'shadow' }]);
  expect(story.routes[0]).not.toHaveProperty('toldAtMs');
  expect(story.events.at(-1)?.says).toBe('Would have told that the person entered; the route was in shadow mode.');
});

test('a lease says until when a process has it, and after that the destination was perhaps told', async () => {
  const ledger = new DisturbedLedger();
  const opened = openActivation({ ledger, file: fileOf() });
  const state = {
    status: 'realized',
    isMember: true,
    qualifiedAtMs: 1,
    enqueuedAtMs: 1,
    sequenceNumber: 0,
    content: '',
  } as const;
  const expiresAtMs = opened.clock.nowMs + 60_000;
  const occasion = { atMs: opened.clock.nowMs, because: 'export', kind: 'entered' } as const;
  await ledger.overwrite(
    fansKey(),
    lease(undefined, { state, attributes: {} }, { holder: 'h', expiresAtMs }, occasion),
  );
  expect(await routeIn(opened)).toMatchObject({ state: 'being-told', leaseUntilMs: expiresAtMs, inDoubt: true });
  opened.clock.nowMs = expiresAtMs + 1;
  expect(await routeIn(opened)).toMatchObject({ state: 'perhaps-told', actions: [{ action: 'resync' }] });
  expect((await storyIn(opened)).events.at(-1)?.says).toBe('Told that the person entered: no answer is known.');
});

test('a route without a row says whether an identity that it accepts was given', async () => {
  const more = `  travellers: { id: ${travellersId}, activate: [{ destination: ads, identity: [email, phone] }] }\n`;
  const opened = openActivation({ file: fileOf('live', more) });
  const { routes, events } = await storyIn(opened, fileOf('live', more));
  expect(routes.map(({ destination, audience, state, says }) => [destination, audience, state, says])).toEqual([
    [
      'crm',
      'sports-fans',
      'unknown',
      'No export with this audience and identity has been decided, or its row was swept.',
    ],
    [
      'ads',
      'travellers',
      'unknown',
      'No identity that this route accepts was given or is linked: ask by email or phone too.',
    ],
  ]);
  expect(events).toEqual([]);
});

test('a person is found in the form in which the destination stores identities, and under what links name', async () => {
  const text = fileOf().replace('identity: [crmid]', 'identity: [email], follow: [crmid]');
  const opened = openActivation({ file: text });
  const identities = { crmid: ['p1'], email: ['old@example.com'] };
  await opened.activate(eventOf(personExport({ identities }), 1));
  await opened.activate(eventOf(personExport({ identities: { ...identities, email: ['new@example.com'] } }), 2));
  const story = await storyIn(opened, text);
  expect(story.linkedIdentities).toContainEqual({ namespace: 'email', value: 'new@example.com' });
  expect(story.routes.find(({ identity }) => identity?.value === 'new@example.com')).toMatchObject({ state: 'told' });

  const upper: readonly ErasurePlace[] = [{ ledgerName: 'crm', forms: ({ value }) => [value.toUpperCase()] }];
  const formed = openActivation({ file: fileOf() });
  await formed.activate(eventOf(personExport({ person: 'P1' }), 1));
  expect((await storyIn(formed, fileOf(), [ada], upper)).routes).toMatchObject([
    { identity: { value: 'P1' }, state: 'told' },
  ]);
});

test('a route that an operator has paused says who did, until when and why, with the command that resumes it', async () => {
  const opened = openActivation({ file: fileOf() });
  await opened.activate(eventOf(personExport(), 1));
  const pause = { action: 'pause', atMs: 0, untilMs: opened.clock.nowMs + 1, by: 'ada', reason: 'migration' } as const;
  const command = async (over: object): Promise<unknown> => {
    const { routes } = await storyIn(opened, fileOf(), [ada], undefined, [{ ...pause, ...over }]);
    return routes[0]?.pause === undefined ? 'not paused' : routes[0].actions[0]?.command.slice(2).join(' ');
  };
  expect(await command({ destination: 'crm' })).toBe('crm');
  expect(await command({ destination: 'crm', audience: 'sports-fans' })).toBe('crm --audience sports-fans');
  expect(await command({})).toBe('--everything');
  expect(await command({ destination: 'ads' })).toBe('not paused');
  expect(await command({ untilMs: opened.clock.nowMs })).toBe('not paused');
});

test('a story reads, and writes nothing', async () => {
  const opened = openActivation({ file: fileOf() });
  opened.crm.onRequest = down;
  await opened.activate(eventOf(personExport(), 1));
  const before = JSON.stringify(await Array.fromAsync(opened.context.ledger.rows({}, signal)));
  await storyIn(opened);
  expect(JSON.stringify(await Array.fromAsync(opened.context.ledger.rows({}, signal)))).toBe(before);
  expect(await Array.fromAsync(opened.context.retryQueue.waiting(signal))).toHaveLength(1);
});
