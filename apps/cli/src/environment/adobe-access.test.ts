import { AdobeError } from '@activation-hub/flow-service';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { withAdobe } from './adobe-access.ts';

const sentence = 'Failed to read the audiences: no answer came. Check the network.';

async function messageFor(platformUrl: string, status?: number): Promise<string> {
  const terminal = capturedTerminal({ environment: { AEP_PLATFORM_URL: platformUrl } });
  const facts = { kind: 'unavailable', ...(status === undefined ? {} : { status }) } as const;
  const failure = await withAdobe(terminal, () => Promise.reject(new AdobeError(sentence, facts))).catch(
    (error: unknown) => error as Error,
  );
  return failure.message;
}

test('where the stand-in of Adobe does not answer, the sentence names the commands that start it', async () => {
  const named = `${sentence} The stand-in of Adobe runs with activation local --aep, or activation aep emulator.`;
  expect(await messageFor('http://127.0.0.1:8790')).toBe(named);
  expect(await messageFor('http://localhost:8790/')).toBe(named);
  expect(await messageFor('http://127.0.0.1:8790', 503)).toBe(sentence);
  expect(await messageFor('https://platform-nld2.adobe.io')).toBe(sentence);
  expect(await messageFor('')).toBe(sentence);
});
