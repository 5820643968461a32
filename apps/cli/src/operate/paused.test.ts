import { InMemoryControls, UnreadableDocumentError } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { renamedFile } from '../../testing/renamed-file.ts';
import { keptControls, presentControls, refuseWhilePaused, resumeWords } from './paused.ts';

const unreadable = new UnreadableDocumentError('Failed to read the controls: no JSON.', 'controls.json');
const broken = { read: () => Promise.reject(unreadable), edit: () => Promise.reject(unreadable) };
const { signal } = new AbortController();

test('a destination that may be paused is not told: controls that cannot be read are no absence of pauses', async () => {
  const terminal = capturedTerminal();
  const refused = (controls: object) =>
    refuseWhilePaused({ destination: 'ads' }, { file: renamedFile, controls: controls as never }, 'tell', terminal);
  await expect(refused(broken)).rejects.toThrow(unreadable);
  await expect(presentControls(broken, renamedFile, signal)).rejects.toThrow(unreadable);
  const readable = new InMemoryControls();
  await refused(readable);
  for (const destination of ['ads', 'crm']) {
    await readable.edit(() => [{ action: 'pause', destination, atMs: 0, by: 'ada', reason: 'a freeze' }], signal);
    await expect(refused(readable)).rejects.toThrow(
      'ads is paused by ada (a freeze). Resume it first: activation resume ads.',
    );
    expect(await presentControls(readable, undefined, signal)).toMatchObject([{ destination }]);
  }
});

test('what is shown beside something else is shown without controls that cannot be read, and says so', async () => {
  const terminal = capturedTerminal();
  expect(await keptControls(broken, renamedFile, terminal)).toEqual([]);
  expect(terminal.said).toEqual(['Failed to read the controls: no JSON.']);
});

test('the command that resumes can be copied, whatever the store has as names', () => {
  expect(resumeWords({})).toBe('--everything');
  expect(resumeWords({ destination: 'crm', audience: 'sports-fans' })).toBe('crm --audience sports-fans');
  expect(resumeWords({ destination: 'crm; reboot', audience: '$(id)' })).toBe("'crm; reboot' --audience '$(id)'");
});
