import { parseActivationFile } from '@activation-hub/activation-file';
import { loadDestinations } from '@activation-hub/destinations';
import { expect, test } from 'vitest';
import { EnvironmentSource, type EnvironmentSourceOptions } from './environment-source.ts';

const file = parseActivationFile(
  `version: 1
destinations: { crm: { type: log } }
audiences: { fans: { id: fans, activate: [{ destination: crm, identity: crmid }] } }
`,
  { fileName: 'own.yaml', destinations: await loadDestinations(['log']) },
);
const ledger = {
  atMs: 0,
  tookMs: 5,
  rows: 1,
  isCut: false,
  cells: [],
  series: [],
  destinations: new Map([
    [
      'crm',
      {
        waiting: 2,
        failures: [{ atMs: 0, verdict: 'transient', reason: 'it answered 503', changes: 2 }],
        isRefusing: true,
      },
    ],
  ]),
};

/** A source whose ledger is looked at when `ledgers` says so, and whose other parts are empty. */
function sourceOf(over: Partial<EnvironmentSourceOptions> = {}) {
  let nowMs = 0;
  let looks = 0;
  const source = new EnvironmentSource({
    file,
    now: () => nowMs,
    ledger: () => {
      looks += 1;
      return Promise.resolve(ledger);
    },
    deadLetters: () => Promise.resolve(new Map()),
    controls: () => Promise.resolve([]),
    partitions: () => Promise.resolve([]),
    explained: (error) => error,
    ...over,
  });
  return { source, looks: () => looks, pass: (ms: number) => (nowMs += ms) };
}

test('an environment is looked at when a person opens the page, and after half a minute again', async () => {
  const { source, looks, pass } = sourceOf();
  expect(source.begin()).toEqual({ is: 'begin', rows: [], series: [] });
  await source.look();
  // The one that the page asked for, and the one that was asked for meanwhile.
  expect(looks()).toBe(2);
  expect(source.overview()).toMatchObject({ is: 'begin', overview: { ledger: { rows: 1 } } });
  pass(29_999);
  expect(source.overview()).toBeUndefined();
  expect(looks()).toBe(2);
  pass(1);
  source.overview();
  expect(looks()).toBe(3);
});

test('an environment that takes long to look at is looked at for a tenth of the time and no more', async () => {
  const { source, looks, pass } = sourceOf({
    deadLetters: () => {
      pass(20_000);
      return Promise.resolve(new Map());
    },
  });
  await source.look();
  pass(199_999);
  source.overview();
  expect(looks()).toBe(1);
  pass(1);
  source.overview();
  expect(looks()).toBe(2);
});

test('one part that fails hides no other, and says why first', async () => {
  const { source } = sourceOf({
    deadLetters: () => Promise.reject(new Error('Failed to list the dead letters: no.')),
    explained: (error) => new Error(`${(error as Error).message} You lack a role.`),
  });
  await source.look();
  const message = source.overview();
  expect(message).toMatchObject({
    overview: {
      attention: [
        { text: 'Failed to list the dead letters: no. You lack a role.' },
        { text: 'crm does not take changes; 2 changes wait. Its last answer: it answered 503' },
      ],
      waiting: 2,
      partitions: [],
    },
  });
  expect(message?.overview?.deadLetters).toBeUndefined();
});

test('a destination that is paused is said to be, and not to be broken', async () => {
  const pause = { action: 'pause', atMs: 0, by: 'ada', reason: 'a freeze', untilMs: 99 } as const;
  const { source } = sourceOf({ controls: () => Promise.resolve([pause]) });
  await source.look();
  expect(source.overview()).toMatchObject({
    overview: {
      attention: [],
      circuits: [{ destination: 'crm', state: 'paused', untilMs: 99, reason: 'ada: a freeze' }],
    },
  });
});

test('of two pauses the one that lasts longest is shown, and none that has ended since the last look', async () => {
  const pause = { action: 'pause', atMs: 0, by: 'ada', reason: 'a freeze' } as const;
  const controls = [
    { ...pause, untilMs: 50 },
    { ...pause, destination: 'crm', untilMs: 99, reason: 'a migration' },
  ];
  const { source, pass } = sourceOf({ controls: () => Promise.resolve(controls) });
  await source.look();
  expect(source.begin().overview?.circuits).toMatchObject([{ untilMs: 99, reason: 'ada: a migration' }]);
  pass(99);
  expect(source.begin().overview?.circuits).toEqual([]);
});
