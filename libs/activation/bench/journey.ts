/* The journey in one process, against `JSON.parse` of the same bytes in the same run. Run: npm run bench [-- --json] */
import { createMatcher, parseActivationFile, type ActivationFile } from '@activation-hub/activation-file';
import {
  buildIdentities,
  buildProfileExport,
  encodeProfileExport,
  randomPerson,
  randomUuid,
  seededRandom,
  type MembershipContent,
} from '@activation-hub/audience-events/testing';
import { createTarget, InMemoryDeadLetters, InMemoryRetryQueue, systemClock } from '@activation-hub/delivery';
import type { Connector } from '@activation-hub/destination-kit';
import { InMemoryLedger } from '@activation-hub/membership';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import { z } from 'zod';
import { activate, defaultTiming, LedgerCache, type ActivationContext, type ReceivedEvent } from '../src/index.ts';

const nowMs = Date.UTC(2026, 0, 15);
const batchCount = 100;
const rounds = 15;
const warmUpRounds = 5;

const random = seededRandom(1);
const audienceIds = Array.from({ length: 250 }, () => randomUuid(random));

/** One destination, five audiences routed to it with three attributes each; the others ride along. */
const routedCount = 5;
const file: ActivationFile = parseActivationFile(
  [
    'version: 1',
    'destinations: { nowhere: { type: nowhere, settings: {} } }',
    'audiences:',
    ...audienceIds
      .slice(0, routedCount)
      .flatMap((id, index) => [
        `  audience-${index}:`,
        `    id: ${id}`,
        '    consent: consents.marketing.email.val',
        '    activate:',
        '      - destination: nowhere',
        '        identity: [crmid, email]',
        '        attributes: { firstname: person.name.firstName, lastname: person.name.lastName, city: homeAddress.city }',
      ]),
  ].join('\n'),
  {
    fileName: 'bench.yaml',
    destinations: new Map([['nowhere', { settings: z.strictObject({}), options: z.strictObject({}) }]]),
  },
);

const takeAll: Connector['enter'] = (deliveries) =>
  Promise.resolve(deliveries.map(({ change }) => ({ id: change.id, status: 'delivered' as const })));

function newHub(): ActivationContext {
  const limits = { batchCount: 100, batchBytes: 1_000_000, requestsPerSecond: 1_000_000, concurrency: 4 };
  return {
    matcher: createMatcher(file),
    targets: new Map([
      [
        'nowhere',
        createTarget(
          {
            key: 'nowhere',
            connector: { enter: takeAll, update: takeAll, exit: takeAll },
            limits,
            batchBy: 'destination',
            giveUpAfterMs: 86_400_000,
          },
          systemClock,
        ),
      ],
    ]),
    ledger: new InMemoryLedger(),
    ledgerCache: new LedgerCache({ bytesMax: 500_000_000, ageMaxMs: 600_000 }),
    deadLetters: new InMemoryDeadLetters(),
    retryQueue: new InMemoryRetryQueue(),
    stall: file.stall,
    telemetry: createTelemetry({ level: 'error', counters: new Counters(), write: () => undefined }),
    timing: defaultTiming,
    clock: systemClock,
  };
}

/** Exports of as many people, each in `audienceCount` audiences of which `routed` are of interest to somebody. */
function exportsOf(people: number, audienceCount: number, routed: number, withNames: boolean): readonly Buffer[] {
  return Array.from({ length: people }, () => {
    const person = randomPerson(random);
    const first = Math.floor(random() * (routedCount - routed + 1));
    const ids = [
      ...audienceIds.slice(first, first + routed),
      ...audienceIds.slice(routedCount, routedCount + audienceCount - routed),
    ];
    const memberships = ids.map((audienceId, index): MembershipContent => ({
      audienceId,
      status: 'realized',
      qualifiedAtMs: nowMs - index * 3_600_000,
      name: `Interest in plan ${index + 1}`,
      createdAtMs: nowMs - 86_400_000 * 100,
    }));
    return Buffer.from(
      encodeProfileExport(
        buildProfileExport({
          attributes: { ...person.attributes, 'consents.marketing.email.val': 'y' },
          memberships,
          identities: {
            ...buildIdentities(person, ['ECID', 'Email', 'Email_LC_SHA256'], random),
            crmid: [`CRM-${Math.floor(random() * 1e9)}`],
          },
          includeNames: withNames,
          includeTimestamps: withNames,
        }),
      ),
    );
  });
}

function batchesOf(bodies: readonly Buffer[], enqueuedAtMs: number): readonly (readonly ReceivedEvent[])[] {
  const events = bodies.map((body, sequenceNumber) => ({ body, partitionId: '0', sequenceNumber, enqueuedAtMs }));
  return Array.from({ length: Math.ceil(events.length / batchCount) }, (_, n) =>
    events.slice(n * batchCount, (n + 1) * batchCount),
  );
}

async function elapsedMs(work: () => Promise<void> | void): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

interface Row {
  readonly kind: string;
  readonly bytes: number;
  readonly parseEventsPerSecond: number;
  readonly journeyEventsPerSecond: number;
  readonly ratio: number;
}

async function measure(kind: string, bodies: readonly Buffer[], changesNothing: boolean): Promise<Row> {
  const parseTimes: number[] = [];
  const journeyTimes: number[] = [];
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const context = newHub();
    const play = async (enqueuedAtMs: number): Promise<void> => {
      for (const batch of batchesOf(bodies, enqueuedAtMs)) await activate({ events: batch }, context);
    };
    if (changesNothing) await play(nowMs);
    const parseMs = await elapsedMs(() => {
      for (const body of bodies) JSON.parse(body.toString());
    });
    const journeyMs = await elapsedMs(() => play(nowMs + 1_000));
    if (round < 0) continue;
    parseTimes.push(parseMs);
    journeyTimes.push(journeyMs);
  }
  const perSecond = (ms: number): number => Math.round((bodies.length / ms) * 1_000);
  return {
    kind,
    bytes: Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length),
    parseEventsPerSecond: perSecond(median(parseTimes)),
    journeyEventsPerSecond: perSecond(median(journeyTimes)),
    ratio: Number(median(journeyTimes.map((ms, index) => ms / (parseTimes[index] ?? Number.NaN))).toFixed(2)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const typical = exportsOf(5_000, 5, 2, true);
const large = exportsOf(500, 250, 5, false);
const rows = [
  await measure('typical, every export an entry (2 of 5 audiences routed)', typical, false),
  await measure('typical, nothing changes', typical, true),
  await measure('large, every export an entry (5 of 250 audiences routed)', large, false),
  await measure('large, nothing changes', large, true),
];

if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} else {
  process.stdout.write(
    'Events per second in one process; ratio = time of the journey / time of JSON.parse on the same bytes.\n\n',
  );
  for (const row of rows) {
    const figures = [row.bytes, row.parseEventsPerSecond, row.journeyEventsPerSecond].map((n) =>
      n.toLocaleString('en').padStart(9),
    );
    process.stdout.write(
      `${row.kind.padEnd(58)}${figures[0] ?? ''} bytes ${figures[1] ?? ''} JSON.parse ${figures[2] ?? ''} journey   ratio ${row.ratio.toFixed(2)}\n`,
    );
  }
}
