import { expect, test } from 'vitest';
import { exampleDeadLetter, exampleRetry } from '../testing/index.ts';
import { bodiesBytesMax, refuseUnkeepableLetter, refuseUnkeepableRetry } from './keepable.ts';

/** An event of so many bytes, which need not be there to be counted. */
function eventOf(byteLength: number) {
  return { ...exampleDeadLetter().event, body: { byteLength } as Uint8Array };
}

const refusal = `its events have more than ${bodiesBytesMax} bytes. This is a defect of the caller.`;

test('the events of a retry have together as many bytes as a document takes, and no more', () => {
  const retryOf = (...sizes: readonly number[]) =>
    exampleRetry({ events: sizes.map((size) => ({ event: eventOf(size), audiences: [], rows: [] })) });
  const half = bodiesBytesMax / 2;
  expect(() => refuseUnkeepableRetry(retryOf(half, half), 0)).not.toThrow();
  expect(() => refuseUnkeepableRetry(retryOf(half, half + 1), 0)).toThrow(`Failed to keep a retry: ${refusal}`);
});

test('the event of a letter has as many bytes as a document takes, and no more', () => {
  const letterOf = (size: number) => exampleDeadLetter({ event: eventOf(size) });
  expect(() => refuseUnkeepableLetter(letterOf(bodiesBytesMax))).not.toThrow();
  expect(() => refuseUnkeepableLetter(letterOf(bodiesBytesMax + 1))).toThrow(
    `Failed to keep a dead letter: ${refusal}`,
  );
});
