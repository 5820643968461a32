/**
 * The console with made-up changes: its own server, stream and page, fed as a function app reports
 * what it observes. Prints one JSON object with its address; each line of standard input is how
 * many changes a minute come from then on, none at first. Ends with standard input.
 */
import { createInterface } from 'node:readline';
import type { Observation } from '@activation-hub/activation';
import { parseActivationFile } from '@activation-hub/activation-file';
import type { About } from '@activation-hub/console-contract';
import { loadDestinations } from '@activation-hub/destinations';
import { startConsole } from '../src/console/console-server.ts';
import { createEventStream } from '../src/console/event-stream.ts';
import { LiveSource } from '../src/console/live-source.ts';
import { aboutFile } from '../src/console/operator-api.ts';
import { buildPage } from '../src/console/page-files.ts';

const tickMs = 20;
const people = 5_000;
const outcomes = [
  'delivered',
  'delivered',
  'delivered',
  'unchanged',
  'deferred',
  'delivered',
  'unchanged',
  'rejected',
] as const;
const audiences = ['vip', 'newsletter', 'cart'];
const destinations = ['crm', 'ads'];
const body = JSON.stringify({ person: { name: { firstName: 'Ada' } }, note: 'x'.repeat(900) });

const file = parseActivationFile(
  JSON.stringify({
    version: 1,
    destinations: Object.fromEntries(destinations.map((key) => [key, { type: 'log' }])),
    audiences: Object.fromEntries(
      audiences.map((id) => [
        id,
        { id, activate: destinations.map((destination) => ({ destination, identity: 'crmid' })) },
      ]),
    ),
  }),
  { fileName: 'flood.yaml', destinations: await loadDestinations(['log']) },
);
const source = new LiveSource({
  file,
  secrets: ['whsec_not-to-be-shown'],
  now: Date.now,
  partitions: () => [{ partitionId: '0', events: 0, lastSequenceNumber: sent }],
  deadLetters: () => new Map(),
  faults: () => ({}),
});
const stream = createEventStream(source);
const about: About = { ...aboutFile(file, 'flood.yaml', () => false), environment: 'local', isLocal: true };
const server = await startConsole({
  page: buildPage(),
  stream,
  api: () => ({
    'GET about': () => about,
    'GET pauses': () => [],
    'GET changes/*': ({ name }) => source.detail(Number(name)),
  }),
  port: 0,
  say: (line) => void process.stderr.write(`${line}\n`),
});
process.stdout.write(`${JSON.stringify({ consoleUrl: server.url })}\n`);

let sent = 0;
let perMinute = 0;
let owed = 0;
let lastMs = performance.now();
const timer = setInterval(() => {
  const nowMs = performance.now();
  owed += ((nowMs - lastMs) / 60_000) * perMinute;
  lastMs = nowMs;
  for (; owed >= 1; owed -= 1) for (const observation of nextChange()) source.observe(observation);
}, tickMs);

for await (const line of createInterface({ input: process.stdin })) perMinute = Number(line);
clearInterval(timer);
stream.close();
await server.stop();

/** What is observed of one change: the export, the attempt with its request, and how it ended. */
function nextChange(): readonly Observation[] {
  sent += 1;
  const atMs = Date.now();
  const changeId = `change-${sent}`;
  const of = {
    destination: destinations[sent % destinations.length] ?? '',
    audience: audiences[sent % audiences.length] ?? '',
    identity: { namespace: 'email', value: `person.${sent % people}@example.com` },
  };
  const event = { partitionId: '0', sequenceNumber: sent, enqueuedAtMs: atMs - 150 };
  const outcome = outcomes[sent % outcomes.length] ?? 'delivered';
  const headers = { 'content-type': 'application/json', 'webhook-signature': 'whsec_not-to-be-shown' };
  const request = { method: 'POST', url: 'http://127.0.0.1:9/changes', headers, body } as const;
  const response = { status: outcome === 'deferred' ? 503 : 204, headers: {}, body: '' };
  const kind = sent % 3 === 0 ? 'exited' : 'entered';
  return [
    { is: 'event', ...event, body },
    {
      is: 'attempt',
      destination: of.destination,
      atMs,
      durationMs: 12,
      changes: [{ id: changeId, kind, audience: of.audience, identity: of.identity, verdict: outcome }],
      exchanges: [{ request, response, durationMs: 12 }],
    },
    { is: 'change', ...of, outcome, kind, atMs, event, changeId },
  ];
}
