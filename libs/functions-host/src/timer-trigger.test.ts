import { afterAll, beforeAll, expect, test } from 'vitest';
import { startAzurite, type Azurite } from '@activation-hub/azurite';
import { buildApp } from '../testing/built-app.ts';
import { runHost } from '../testing/running-host.ts';
import { parseSchedule } from './timer-trigger.ts';

let azurite: Azurite;
beforeAll(async () => (azurite = await startAzurite()));
afterAll(() => azurite.stop());

async function runTimerApp(settings: Record<string, string>, appFolder?: string) {
  const folder = appFolder ?? (await buildApp({ fixture: 'timer' }));
  return runHost({ appFolder: folder, settings: { AzureWebJobsStorage: azurite.connectionString, ...settings } });
}

test('a timer runs by its schedule and tells the function about it', async () => {
  const { reported } = await runTimerApp({ SCHEDULE: '* * * * * *' });
  const [first, second] = await reported<{ timer: unknown; at: number }>('TICK', 2);
  expect(first?.timer).toEqual({
    isPastDue: false,
    schedule: { adjustForDST: true },
    scheduleStatus: {
      last: expect.stringMatching(/Z$/) as string,
      next: expect.stringMatching(/Z$/) as string,
      lastUpdated: expect.stringMatching(/Z$/) as string,
    },
  });
  // Each begins in a second of its own, however late.
  expect(Math.floor((second?.at ?? 0) / 1_000)).toBeGreaterThan(Math.floor((first?.at ?? Infinity) / 1_000));
});

test('runOnStartup runs at once, whatever the schedule', async () => {
  const { reported } = await runTimerApp({ SCHEDULE: '0 0 0 1 1 *', RUN_ON_STARTUP: 'true' });
  expect(await reported('TICK', 1)).toHaveLength(1);
});

test('a run that takes longer than the interval is not overlapped', async () => {
  const { reported } = await runTimerApp({ SCHEDULE: '* * * * * *', TAKES_MS: '1500' });
  const [, secondStart] = await reported<{ at: number }>('TICK', 2);
  const [firstEnd] = await reported<{ at: number }>('TOCK', 1);
  expect(secondStart?.at).toBeGreaterThanOrEqual(firstEnd?.at ?? Infinity);
});

test('of two hosts of one app only one runs the timer, and the other takes over when it stops', async () => {
  const appFolder = await buildApp({ fixture: 'timer' });
  const first = await runTimerApp({ SCHEDULE: '* * * * * *' }, appFolder);
  await first.reported('TICK', 1);
  const second = await runTimerApp({ SCHEDULE: '* * * * * *' }, appFolder);
  await first.reported('TICK', 3);
  expect(second.finished).toEqual([]);
  await first.host.stop();
  await second.reported('TICK', 1);
});

test('an app with a timer needs the host storage', async () => {
  await expect(runTimerApp({ SCHEDULE: '* * * * * *', AzureWebJobsStorage: '' })).rejects.toThrow(
    'the setting AzureWebJobsStorage is missing',
  );
});

test('a schedule has six fields, runs in UTC, and asks for day of month and day of week both', () => {
  const next = (schedule: string, after: string): string | undefined =>
    parseSchedule('f', schedule).nextRun(new Date(after))?.toISOString();
  expect(next('0 30 9 * * *', '2026-07-01T00:00:00Z')).toBe('2026-07-01T09:30:00.000Z');
  expect(next('0 0 0 13 * 5', '2026-01-01T00:00:00Z')).toBe('2026-02-13T00:00:00.000Z');
  expect(next('0 */5 * * * *', '2026-01-01T00:01:00Z')).toBe('2026-01-01T00:05:00.000Z');
});

test.for(['*/5 * * * *', 'every day', '0 0 25 * * *'])('a schedule that is not one is refused: %s', (schedule) => {
  expect(() => parseSchedule('tick', schedule)).toThrow(
    `Failed to start function tick: its schedule "${schedule}" is not an NCRONTAB`,
  );
});
