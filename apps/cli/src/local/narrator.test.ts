import picocolors from 'picocolors';
import { expect, onTestFinished, test, vi } from 'vitest';
import { jsonNarrator, proseNarrator, type Summary } from './narrator.ts';
import { OutcomeCounts, readSignal, type Signal } from './signals.ts';

const colors = picocolors.createColors(false);

const batch: Extract<Signal, { name: 'batch-settled' }> = {
  name: 'batch-settled',
  partitionId: '2',
  events: 5,
  exports: 5,
  firstSequenceNumber: 0,
  lastSequenceNumber: 4,
  outcomes: { trial: { shadowed: 1 }, receiver: { delivered: 2, unchanged: 3 } },
  ledgerReads: 5,
  ledgerWrites: 4,
  formerIdentities: 0,
  durationMs: 3,
};

const told = {
  change: 'entered',
  audience: 'Sports Fans',
  identity: { namespace: 'email', value: 'ada.byron.1234@example.com' },
} as const;

function prose() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const lines: string[] = [];
  return { lines, narrator: proseNarrator({ print: (line) => void lines.push(line), colors }) };
}

const summary: Summary = { exportsSent: 0, eventsReceived: 0, outcomes: new OutcomeCounts(), unreadable: 0 };

test('a quiet second has a line for each batch and each person, and identities are masked', () => {
  const { lines, narrator } = prose();
  narrator.told([told]);
  narrator.signal(batch);
  expect(lines).toEqual([
    'out receiver      entered    Sports Fans  email ●●●●1234',
    'in  partition 2   5 exports  receiver 2 delivered, 3 unchanged · trial 1 shadowed',
  ]);
  narrator.told([{ ...told, identity: { namespace: 'crmid', value: '12345678' } }]);
  expect(lines.at(-1)).toMatch(/crmid ●●●●$/);
});

test('a busy second has some lines and one for all the rest, which adds up', () => {
  const { lines, narrator } = prose();
  for (let index = 0; index < 100; index += 1) {
    narrator.signal(batch);
    narrator.told([told, told]);
  }
  expect(lines).toHaveLength(12);
  vi.advanceTimersByTime(1000);
  expect(lines).toHaveLength(13);
  expect(lines.at(-1)).toBe(
    '… 480 exports more: receiver 192 delivered, 288 unchanged · trial 96 shadowed · receiver told of 192 entered, 0 updated, 0 exited',
  );
  narrator.signal(batch);
  expect(lines).toHaveLength(14);
  vi.advanceTimersByTime(3000);
  expect(lines).toHaveLength(14);
});

test('a warning is said once a second, however often it comes', () => {
  const { lines, narrator } = prose();
  for (let index = 0; index < 50; index += 1) narrator.warning('The receiver does not answer.');
  expect(lines).toEqual(['! The receiver does not answer.']);
  vi.advanceTimersByTime(1000);
  narrator.warning('The receiver does not answer.');
  expect(lines).toHaveLength(2);
});

test('the end of it leaves no timer behind', () => {
  const { narrator } = prose();
  narrator.stopped(summary);
  expect(vi.getTimerCount()).toBe(0);
});

test('for machines every line is one JSON object with its event', () => {
  const lines: string[] = [];
  const narrator = jsonNarrator({ print: (line) => void lines.push(line) });
  narrator.signal(batch);
  narrator.told([told]);
  narrator.stopped(summary);
  const events = lines.map((line) => JSON.parse(line) as object);
  expect(events).toMatchObject([
    { event: 'batch-settled', events: 5, outcomes: batch.outcomes },
    { event: 'told', changes: [{ change: 'entered', identity: { namespace: 'email', value: '●●●●1234' } }] },
    { event: 'stopped', outcomes: {} },
  ]);
});

test('only a line of the catalogue is a signal', () => {
  expect(readSignal('{"signal":"destination-stalled","message":"…","destination":"crm"}')).toMatchObject({
    name: 'destination-stalled',
  });
  expect(readSignal('{"signal": broken')).toBeUndefined();
  expect(readSignal('Worker started')).toBeUndefined();
});

test('the address of the console is printed first, and not at all without one', () => {
  const ready = {
    eventHubsConnectionString: '',
    eventHubName: 'profile-exports',
    consumerGroup: 'activation-hub',
    partitions: 4,
    storageConnectionString: '',
    activationFile: 'my.yaml',
    functions: [],
    healthUrls: [],
    processIds: { local: 1, workers: [2] },
    inspectPorts: [],
    readyAfterMs: 1_200,
  };
  const { lines, narrator } = prose();
  narrator.ready({ ...ready, consoleUrl: 'http://127.0.0.1:7411/#token=abc' });
  expect(lines.find((line) => line.startsWith('  '))).toBe('  Console        http://127.0.0.1:7411/#token=abc');
  lines.length = 0;
  narrator.ready(ready);
  expect(lines.join()).not.toContain('Console');
});
