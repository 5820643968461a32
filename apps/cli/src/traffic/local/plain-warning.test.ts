import { expect, test } from 'vitest';
import { plainWarning } from './plain-warning.ts';

test.each([
  [
    'Message 8f14 has reached MaxDequeueCount of 5 and moved to retries-poison.',
    'A retry failed five times, so it rests for a quarter of an hour. It is kept, and tried again by itself.',
  ],
  [
    'Message 8f14 has reached MaxDequeueCount of 5 and moved to retries-poison-poison.',
    'A retry could not even be put back, for the stores do not answer. It is kept, and the sweep of the night makes it due again: look at the storage first.',
  ],
  ['Something else moved to orders-poison.', 'Something else moved to orders-poison.'],
])('%j is said plainly', (written, said) => {
  expect(plainWarning(written)).toBe(said);
});
