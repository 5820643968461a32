import { outcomes } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { whyOf } from './why.ts';

test('no meaning has the words by which the page finds what a shadow holds back', () => {
  for (const outcome of outcomes) {
    const why = whyOf({ outcome, destination: 'crm', atMs: 0 });
    expect(why).toMatch(/^[A-Z].*\.$/);
    expect(why.toLowerCase()).not.toContain('in shadow');
  }
});
