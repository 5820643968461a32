import { expect, test } from 'vitest';
import { exampleDelivery } from '../testing/index.ts';
import type { DeliveryResult } from './deliver.ts';
import { retryAttempts } from './retry-attempts.ts';

const clock = { now: () => 0, sleep: () => Promise.resolve(), random: () => 0.5 };

/** What becomes of one change when its attempts end so, one after the other. */
async function resultAfter(...attempts: readonly DeliveryResult[]): Promise<DeliveryResult | undefined> {
  const left = [...attempts];
  const send = (): Promise<ReadonlyMap<string, DeliveryResult>> => {
    const result = left.shift();
    return Promise.resolve(new Map(result === undefined ? [] : [['change-0', result]]));
  };
  const limits = { clock, notAfterMs: 60_000, signal: new AbortController().signal };
  return (await retryAttempts([exampleDelivery(0)], send, limits)).get('change-0');
}

const failed: DeliveryResult = { status: 'retry', class: 'transient', reason: 'error 500', wasTried: true };
const inDoubt: DeliveryResult = { ...failed, doubt: 'answered' };
const untried: DeliveryResult = { ...failed, reason: 'its circuit breaker is open', wasTried: false };

test('doubt that one attempt leaves stays when a later one ends without any', async () => {
  for (const last of [untried, failed])
    expect(await resultAfter(inDoubt, last, failed)).toMatchObject({ doubt: 'answered', wasTried: true });
  expect(await resultAfter(failed, untried)).not.toHaveProperty('doubt');
  expect(await resultAfter(inDoubt, { ...failed, doubt: 'unanswered' })).toMatchObject({ doubt: 'unanswered' });
  const refused: DeliveryResult = { status: 'rejected', class: 'invalid', reason: 'no such person' };
  expect(await resultAfter(inDoubt, refused)).toEqual({ ...refused, doubt: 'answered' });
  expect(await resultAfter(failed, refused)).toEqual(refused);
  expect(await resultAfter(inDoubt, { status: 'delivered' })).toEqual({ status: 'delivered' });
});
