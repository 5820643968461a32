import type { ChangeRow } from '@activation-hub/console-contract';
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

function prose(eachChange = false, columns?: number) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const lines: string[] = [];
  return {
    lines,
    narrator: proseNarrator({ print: (line) => void lines.push(line), colors, columns: () => columns }, { eachChange }),
  };
}

const summary: Summary = { exportsSent: 0, eventsReceived: 0, outcomes: new OutcomeCounts(), unreadable: 0 };

test('a quiet second has a line for each batch and each person, and identities are masked', () => {
  const { lines, narrator } = prose();
  narrator.told([told]);
  narrator.signal(batch);
  expect(lines).toEqual([
    'out receiver      entered    Sports Fans  email ●●●●1234',
    'in  partition 2   5 events   receiver 2 delivered, 3 unchanged · trial 1 shadowed',
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
    '… 480 events more: receiver 192 delivered, 288 unchanged · trial 96 shadowed · receiver told of 192 entered, 0 updated, 0 exited',
  );
  narrator.signal(batch);
  expect(lines).toHaveLength(14);
  vi.advanceTimersByTime(3000);
  expect(lines).toHaveLength(14);
});

const row: ChangeRow = {
  id: 1,
  atMs: 0,
  audience: 'fans',
  destination: 'crm',
  namespace: 'crmid',
  person: '●●●●0595',
  who: 'a',
  kind: 'entered',
  status: 'realized',
  outcome: 'delivered',
  why: 'Told that the person entered.',
  httpStatus: 204,
  requestMs: 3,
  ageMs: 240,
};

test('a terminal breaks a line between words, and the reason goes on below itself', () => {
  const { lines, narrator } = prose(true, 110);
  narrator.change({ ...row, outcome: 'deferred', why: 'It answered 503 Service Unavailable. It is tried again.' });
  const [line = ''] = lines;
  const [first = '', second = ''] = line.split('\n');
  expect(first).toMatch(/^out crm .* deferred {4}It answered 503 Service$/);
  expect(second).toMatch(/^ +Unavailable\. It is tried again\.$/);
  expect(second.search(/\S/)).toBe(first.indexOf('It answered'));
});

test('where each change has a line with its reason, no warning says the reason again', () => {
  const failed = { destination: 'crm', class: 'transient', reason: 'It answered 503.', changes: 1 } as const;
  const warned = (eachChange: boolean): readonly string[] => {
    const { lines, narrator } = prose(eachChange);
    for (const name of ['changes-deferred', 'changes-rejected', 'changes-given-up'] as const)
      narrator.signal({ name, ...failed } as unknown as Signal);
    return lines;
  };
  expect(warned(false)).toHaveLength(3);
  expect(warned(true)).toEqual([]);
});

test('where each change is observed it has a line with the reason, and batches and what the receiver was told have none', () => {
  const { lines, narrator } = prose(true);
  const { kind, httpStatus, requestMs, ...unsent } = row;
  expect([kind, httpStatus, requestMs]).toEqual(['entered', 204, 3]);
  narrator.signal(batch);
  narrator.told([told]);
  narrator.change(row);
  narrator.change({ ...unsent, outcome: 'unresolved', why: 'No identity.', namespace: '', person: '' });
  narrator.change({ ...row, outcome: 'deferred', httpStatus: 503, why: 'The destination answered 503.' });
  narrator.change({ ...unsent, outcome: 'deferred', why: 'Its circuit breaker is open.' });
  expect(lines).toEqual([
    'out crm          entered   fans               crmid ●●●●0595   delivered   204 after 3 ms, 0.2 s after it came',
    'in  crm          realized  fans               –                unresolved  No identity.',
    'out crm          entered   fans               crmid ●●●●0595   deferred    The destination answered 503.',
    'in  crm          realized  fans               crmid ●●●●0595   deferred    Its circuit breaker is open.',
  ]);
  narrator.signal({ ...batch, outcomes: {} });
  expect(lines.at(-1)).toBe('in  partition 2   5 events   nothing is routed');
});

test('changes that needed no request leave lines to those that did, and all are counted', () => {
  const { lines, narrator } = prose(true);
  for (let index = 0; index < 20; index += 1) narrator.change({ ...row, outcome: 'unchanged', why: 'Known.' });
  for (let index = 0; index < 20; index += 1) narrator.change(row);
  expect(lines.filter((line) => line.includes('unchanged'))).toHaveLength(6);
  expect(lines.filter((line) => line.includes('delivered'))).toHaveLength(6);
  vi.advanceTimersByTime(1000);
  expect(lines.at(-1)).toBe('… 28 changes more: crm 14 delivered, 14 unchanged');
});

test('a request is shown with its answer, in one piece, and nothing in it moves the cursor', () => {
  const { lines, narrator } = prose(true);
  narrator.attempt({
    destination: 'crm',
    atMs: 0,
    durationMs: 3,
    changes: 2,
    verdicts: new Map(),
    characters: 0,
    exchanges: [
      {
        method: 'POST',
        url: 'https://crm.example.com/hooks',
        headers: { 'webhook-signature': '[secret]' },
        body: `{"a":1}\n${'x'.repeat(2_000)}`,
        durationMs: 3,
        answer: { status: 503, headers: {}, body: 'busy \u001b[2J\u202eevil' },
      },
      { method: 'GET', url: 'https://crm.example.com/', headers: {}, body: '', durationMs: 9, failure: 'reset' },
    ],
  });
  expect(lines.map((line) => line.slice(0, 60))).toEqual([
    '>   crm          POST https://crm.example.com/hooks for 2 ch',
    '>     webhook-signature: [secret]',
    '>     {"a":1}',
    `>     ${'x'.repeat(54)}`,
    '>     … 8 more characters',
    '<   503 after 3 ms',
    '<     busy  [2J evil',
    '>   crm          GET https://crm.example.com/',
    '<   no answer after 9 ms: reset',
  ]);
});

test('edits are said with what is otherwise, and a refusal with every problem', () => {
  const { lines, narrator } = prose(true);
  narrator.editsFound(['+ vip → ads', '- vip → crm']);
  narrator.editsTaken({ healthUrls: ['http://127.0.0.1:1/health'], inspectPorts: [9230] });
  narrator.editsRefused('Failed to accept my.yaml. Correct this problem:\nmy.yaml:3:1: There is no such type.');
  narrator.editsFound([]);
  expect(lines).toEqual([
    'The activation file was edited:',
    '  + vip → ads',
    '  - vip → crm',
    'The function app is deployed anew, as in Azure: the old one ends what it has begun.',
    'The function app runs with the edits. http://127.0.0.1:1/health',
    'A debugger can attach to port 9230.',
    '! Failed to accept my.yaml. Correct this problem:',
    '! my.yaml:3:1: There is no such type.',
    'The edits are not taken up; everything runs on as it was.',
    'The activation file was written, and means what it meant before.',
  ]);
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
    editedFile: 'my.yaml',
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

test('who leaves is not shown as an error', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const lines: string[] = [];
  const print = (line: string): void => void lines.push(line);
  const narrator = proseNarrator(
    { print, colors: picocolors.createColors(true), columns: () => undefined },
    { eachChange: false },
  );
  narrator.told([{ ...told, change: 'exited' }]);
  narrator.told([{ ...told, change: 'updated' }]);
  expect(lines[0]).toContain('exited');
  // The codes of red and yellow.
  expect(lines.join('')).not.toMatch(/\u001b\[3[13]m/);
});
