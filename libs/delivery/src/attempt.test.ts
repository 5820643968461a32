import { DestinationError, type Connector, type Verdict } from '@activation-hub/destination-kit';
import { silentTelemetry, type Telemetry } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import { attempt } from './attempt.ts';

test.each([
  ['answered', () => Promise.resolve([])],
  ['failed', () => Promise.reject(new DestinationError('transient', 'Not reached.'))],
] as [string, () => Promise<readonly Verdict[]>][])(
  'telemetry says how long a request took that %s',
  async (how, answer) => {
    const clock = new VirtualClock(1_000);
    const emitted: object[] = [];
    const telemetry: Telemetry = {
      ...silentTelemetry,
      emit: (signal, fields) => void emitted.push({ signal, ...fields }),
    };
    const slow = async (): Promise<readonly Verdict[]> => {
      await clock.advance(250);
      return answer();
    };
    const connector: Connector = { enter: slow, update: slow, exit: slow };
    const { signal } = new AbortController();
    const target = { key: 'crm', connector, retryAfterMaxMs: 0 };
    await attempt(target, [exampleDelivery(1)], { telemetry, clock, signal });
    expect(emitted).toMatchObject([{ signal: `request-${how}`, durationMs: 250 }]);
  },
);
