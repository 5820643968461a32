import { DestinationError, type Connector, type Verdict } from '@activation-hub/destination-kit';
import { silentTelemetry, type Telemetry } from '@activation-hub/telemetry';
import { expect, test } from 'vitest';
import { exampleDelivery, VirtualClock } from '../testing/index.ts';
import { attempt } from './attempt.ts';

const unused = (): never => expect.unreachable();

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

test('a request is a span that says how many changes went to whom, and how many of them ended how', async () => {
  const spans: unknown[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    span: (name, { attributes }, work) => {
      const answers: unknown[] = [];
      const failures: string[] = [];
      spans.push({ name, attributes, answers, failures });
      return work({ set: (found) => void answers.push(found), fail: (type) => void failures.push(type) });
    },
  };
  const rest = { reason: 'so' } as const;
  const answers: Verdict[] = [
    { id: 'change-1', status: 'delivered' },
    { id: 'change-2', status: 'rejected', ...rest },
    { id: 'change-3', status: 'not-found', ...rest },
    { id: 'change-4', status: 'retry', ...rest },
    // It was not asked about this one.
    { id: 'change-9', status: 'delivered' },
  ];
  const batch = [1, 2, 3, 4, 5].map((n) => exampleDelivery(n, { kind: 'exited' }));
  const sentTo = async (exit: Connector['exit']): Promise<void> => {
    const connector: Connector = { enter: unused, update: unused, exit };
    const clock = new VirtualClock(1_000);
    const { signal } = new AbortController();
    await attempt({ key: 'crm', connector, retryAfterMaxMs: 0 }, batch, { telemetry, clock, signal });
  };
  await sentTo(() => Promise.resolve(answers));
  await sentTo(() => Promise.reject(new DestinationError('throttled', 'Later.')));
  const sent = {
    name: 'send changes',
    attributes: {
      'activation.destination': 'crm',
      'activation.change.kind': 'exited',
      'activation.changes': 5,
    },
  };
  const counts = {
    'activation.changes.delivered': 1,
    // One of them has no verdict.
    'activation.changes.retry': 2,
    'activation.changes.rejected': 1,
    'activation.changes.not_found': 1,
  };
  expect(spans).toEqual([
    { ...sent, answers: [counts], failures: [] },
    { ...sent, answers: [], failures: ['throttled'] },
  ]);
});
