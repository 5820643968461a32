import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readyLines } from './ready-lines.ts';

const plain = (text: string): string => text;
const functions = [
  'on-audience-events',
  'on-retry-due',
  'on-retry-poisoned',
  'sweep-ledger',
  'export-ledger',
  'report-lag',
  'health',
];
const ready = {
  eventHubsConnectionString: 'Endpoint=sb://127.0.0.1:1/',
  eventHubName: 'profile-exports',
  consumerGroup: 'activation-hub',
  partitions: 4,
  storageConnectionString: '',
  activationFile: join('temporary', 'copy.yaml'),
  editedFile: 'my.yaml',
  functions,
  healthUrls: ['http://127.0.0.1:1/health'],
  processIds: { local: 1, workers: [2] },
  inspectPorts: [9229],
  standIns: [
    'braze',
    'dynamics-365',
    'google-customer-match',
    'meta-custom-audiences',
    'salesforce',
    'hubspot',
    'iterable',
  ],
  simulator: { rate: 5, profiles: 30, seed: 1 },
  readyAfterMs: 1_200,
};

test('the lines at the start fit a terminal of 100 columns, and part between words', () => {
  const shown = readyLines({ ...ready, receiverUrl: 'http://127.0.0.1:2/x' }, plain, plain).join('\n');
  expect(shown.split('\n').filter((line) => line.length > 100)).toEqual([]);
  for (const name of functions) expect(shown).toMatch(new RegExp(`(?<![\\w-])${name}(?![\\w-])`));
});

test('the file that stays is named, commands that are on the path, and where the debugger listens', () => {
  const shown = readyLines(ready, plain, plain).join('\n');
  expect(shown).toContain('Activations    my.yaml');
  expect(shown).not.toContain('copy.yaml');
  expect(shown).not.toContain('deleted at the end');
  expect(shown).toContain('npx activation send libs/audience-events/fixtures/known-customer.json');
  expect(shown).toContain('with EVENT_HUB_CONNECTION_STRING set to the connection above');
  expect(shown).toContain('debugger on 127.0.0.1:9229');
});

test('the file of the example is shown as a copy that is deleted at the end', () => {
  const shown = readyLines({ ...ready, receiverUrl: 'http://127.0.0.1:2/x' }, plain, plain).join('\n');
  expect(shown).toContain('a copy of apps/cli/examples/activation.yaml, deleted at the end;');
});
