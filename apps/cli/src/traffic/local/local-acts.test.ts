import { parseActivationFile } from '@activation-hub/activation-file';
import { InMemoryControls, InMemoryRetryQueue } from '@activation-hub/delivery';
import { loadDestinations } from '@activation-hub/destinations';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../../testing/captured-terminal.ts';
import { localActs, type LocalActsOptions } from './local-acts.ts';

const file = parseActivationFile(
  `version: 1
destinations: { crm: { type: log } }
audiences: { fans: { id: fans, activate: [{ destination: crm, identity: crmid }] } }
`,
  { fileName: 'own.yaml', destinations: await loadDestinations(['log']) },
);

test('the key that tries now says what is paused, instead of that nothing waits', async () => {
  const controls = new InMemoryControls();
  const { pauseOrResume, retryNow } = localActs({
    file: () => file,
    storage: { controls, retryQueue: new InMemoryRetryQueue(), operatorName: () => Promise.resolve('ada') },
    terminal: capturedTerminal(),
  } as unknown as LocalActsOptions);
  expect(await retryNow?.()).toBe('Asked for: nothing waits.');
  await pauseOrResume?.();
  expect(await retryNow?.()).toMatch(/^everything is paused by ada \(.+\): nothing is tried until it is resumed\.$/);
  await controls.edit(
    () => [{ action: 'pause', destination: 'crm', atMs: 0, by: 'ada', reason: 'a freeze' }],
    new AbortController().signal,
  );
  expect(await retryNow?.()).toBe('Asked for: nothing waits that is not paused. crm is paused by ada (a freeze).');
});
