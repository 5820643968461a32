import { systemClock } from '@activation-hub/delivery';
import { startAdobePlatform } from '@activation-hub/flow-service/testing';
import { expect, onTestFinished, test } from 'vitest';
import { createTenant, type Tenant } from '../traffic/tenant.ts';
import { emulateExports } from './emulated-exports.ts';

test('without a dataflow it sleeps between its looks, and takes no export of the tenant, at the rate 0 too', async () => {
  const platform = await startAdobePlatform();
  onTestFinished(() => platform.stop());
  const stopping = new AbortController();
  const sleeps: number[] = [];
  let taken = 0;
  const tenant = createTenant({
    ...{ seed: 1, profiles: 5, namespaces: ['email'], attributes: [], consents: [] },
    audiences: [{ namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02', name: 'fans' }],
  });
  const counting: Pick<Tenant, 'next'> = {
    next: (atMs) => {
      taken += 1;
      // Ends a run that never sleeps.
      if (taken === 3) stopping.abort();
      return tenant.next(atMs);
    },
  };
  await emulateExports({
    platform,
    sandbox: 'prod',
    eventHubsUrl: 'sb://127.0.0.1:1',
    tenant: counting,
    rate: 0,
    credentialsAgeMs: 1_000,
    clock: {
      ...systemClock,
      now: () => 1_700_000_000_000,
      sleep: (durationMs) => {
        sleeps.push(durationMs);
        if (sleeps.length === 3) stopping.abort();
        return Promise.resolve();
      },
    },
    signal: stopping.signal,
  });
  expect({ taken, sleeps }).toEqual({ taken: 0, sleeps: [100, 100, 100] });
});
