import type { ActResult, PauseView } from '@activation-hub/console-contract';
import {
  InMemoryControls,
  InMemoryRetryQueue,
  UnreadableDocumentError,
  type ControlStore,
} from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { renamedFile } from '../../testing/renamed-file.ts';
import { controlsApi } from './controls-api.ts';
import type { Operator } from './operator.ts';

const nowMs = Date.now();

const route = { destination: 'crm', audience: 'vip' };
const hubFile = {
  destinations: new Map(['crm', 'ads'].map((key) => [key, { key, formerly: [] }])),
  audiences: new Map([['vip', { key: 'vip', namespace: 'ups', id: 'vip', ledgerId: 'vip', routes: [route] }]]),
  routes: [route],
};

/** The controls of a hub with two destinations, and a way to ask for them as the page does. */
function openControls(controls: ControlStore = new InMemoryControls(), file: object = hubFile) {
  const terminal = capturedTerminal();
  const retryQueue = new InMemoryRetryQueue();
  const api = controlsApi({
    file,
    storage: { controls, retryQueue, operatorName: () => Promise.resolve('ada') },
    terminal,
    now: () => nowMs,
  } as unknown as Operator);
  const { signal } = new AbortController();
  const ask = async <Answer = ActResult>(pattern: string, body?: object): Promise<Answer> =>
    (await api[pattern]?.({ name: '', query: new URLSearchParams(), body, signal })) as Answer;
  const pauses = () => ask<readonly PauseView[]>('GET pauses');
  return { ask, pauses, terminal };
}

test('a pause that would be over at once is refused, and nothing is said to wait', async () => {
  const { ask, pauses } = openControls();
  // An assistant that counts seconds means a day in 1970.
  for (const untilMs of [Math.floor(nowMs / 1_000) + 3_600, nowMs])
    await expect(ask('POST controls/pause', { destination: 'crm', reason: 'a freeze', untilMs })).rejects.toThrow(
      'Failed to pause crm: the time at which it ends is over.',
    );
  expect(await pauses()).toEqual([]);
  await ask('POST controls/pause', { destination: 'crm', reason: 'a freeze', untilMs: nowMs + 3_600_000 });
  expect(await pauses()).toMatchObject([{ destination: 'crm' }]);
});

test('a word that the form does not have is refused: left out, it would mean everything', async () => {
  const { ask, pauses } = openControls();
  for (const what of ['pause', 'resume', 'retry-now'])
    await expect(ask(`POST controls/${what}`, { destinaton: 'crm', reason: 'a freeze' })).rejects.toThrow('destinaton');
  expect(await pauses()).toEqual([]);
});

test('a pause under a name that the destination had before is shown, holds and ends under its present one', async () => {
  const controls = new InMemoryControls();
  const { ask, pauses } = openControls(controls, renamedFile);
  const former = { action: 'pause', destination: 'crm', atMs: nowMs, by: 'ada', reason: 'a freeze' } as const;
  await controls.edit(() => [former], new AbortController().signal);
  expect(await pauses()).toMatchObject([{ what: 'ads', destination: 'ads' }]);
  await expect(ask('POST controls/retry-now', { destination: 'ads', reason: 'mended' })).rejects.toThrow(
    'Failed to try ads: ads is paused by ada (a freeze). Resume it first.',
  );
  // An assistant, or a runbook, may know the earlier name.
  expect(await ask('POST controls/resume', { destination: 'crm', reason: '' })).toMatchObject({
    lines: ['Resumed ads; 0 waiting retries are tried from now on.'],
  });
  expect(await pauses()).toEqual([]);
  await ask('POST controls/pause', { destination: 'crm', audience: 'vip', reason: 'a list' });
  expect(await pauses()).toMatchObject([{ destination: 'ads', audience: 'vip' }]);
});

test('a reason is one line', async () => {
  const { ask } = openControls();
  await expect(ask('POST controls/pause', { reason: 'a freeze\u001B[2J' })).rejects.toThrow('line');
});

test('what is paused is not said to be tried now', async () => {
  const { ask } = openControls();
  await ask('POST controls/pause', { destination: 'crm', reason: 'a freeze' });
  await expect(ask('POST controls/retry-now', { destination: 'crm', reason: 'mended' })).rejects.toThrow(
    'Failed to try crm: crm is paused by ada (a freeze). Resume it first.',
  );
  const { lines, problems } = await ask('POST controls/retry-now', { reason: 'mended' });
  expect(lines).toEqual([
    '0 waiting retries are tried from now on. The function app follows within some five seconds.',
  ]);
  expect(problems).toEqual(['crm is paused by ada (a freeze): nothing of it is tried.']);
  await ask('POST controls/pause', { reason: 'night', isShadow: true });
  await expect(ask('POST controls/retry-now', { reason: 'mended' })).rejects.toThrow(
    'Failed to try everything: everything is in shadow by ada (night). Resume it first.',
  );
});

test('controls that cannot be read are not said to be none', async () => {
  const message = 'Failed to read the controls in controls.json: it is no JSON. Restore it from an earlier version.';
  const broken: ControlStore = {
    read: () => Promise.reject(new UnreadableDocumentError(message, 'controls.json')),
    edit: () => Promise.reject(new UnreadableDocumentError(message, 'controls.json')),
  };
  const { pauses, terminal } = openControls(broken);
  await expect(pauses()).rejects.toThrow(message);
  expect(terminal.said).toEqual([]);
});
