import type { Transition } from '@activation-hub/membership';
import { expect, test } from 'vitest';
import { TailView } from './tail-view.ts';

const view = new TailView({ routes: [], destinations: new Map() } as never);
const noted: Transition = {
  did: 'noted',
  because: 'export',
  isWithheld: true,
  enqueuedAtMs: 0,
  atMs: 1,
  lastAtMs: 1,
  times: 1,
  inDoubt: false,
};

/** What is said of a row that was written without asking the destination. */
function said(transition: Transition) {
  const route = { audience: 'vip', destination: 'crm', mode: 'live' } as never;
  const identity = { namespace: 'crmid', value: 'C-1' };
  const { outcome, why } = view.add({ route, identity, isShadow: false, transition });
  return { outcome, why };
}

test('withheld is what consent forbids, and not who is known by another identity', () => {
  expect(said(noted)).toEqual({
    outcome: 'withheld',
    why: 'Not told: consent does not say yes, and the destination never knew the person.',
  });
  expect(said({ ...noted, because: 'former-identity' })).toEqual({
    outcome: 'unchanged',
    why: 'Not told: the route knows the person by another identity.',
  });
});
