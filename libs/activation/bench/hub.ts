/*
 * What the benches of the journey share: a hub of real parts in one process, and the exports of a
 * tenant.
 */
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
import type { Ledger } from '@activation-hub/membership';
import { Counters, createTelemetry } from '@activation-hub/telemetry';
import { z } from 'zod';
import { defaultTiming, LedgerCache, RetriesInWork, type ActivationContext, type ReceivedEvent } from '../src/index.ts';

export const nowMs = Date.UTC(2026, 0, 15);
const batchCount = 100;

export const random = seededRandom(1);
const audienceIds = Array.from({ length: 250 }, () => randomUuid(random));

/**
 * One destination, five audiences routed to it with three attributes each; the others ride along.
 */
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

/** A hub with this ledger, whose cache takes so many bytes. */
export function newHub(ledger: Ledger, cacheBytes: number): ActivationContext {
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
    ledger,
    ledgerCache: new LedgerCache({ bytesMax: cacheBytes, ageMaxMs: 600_000 }),
    deadLetters: new InMemoryDeadLetters(),
    retryQueue: new InMemoryRetryQueue(),
    retriesInWork: new RetriesInWork(),
    stall: file.stall,
    telemetry: createTelemetry({ level: 'error', counters: new Counters(), write: () => undefined }),
    timing: defaultTiming,
    clock: systemClock,
  };
}

/**
 * Exports of as many people, each in `audienceCount` audiences of which `routed` have a route.
 */
export function exportsOf(
  people: number,
  audienceCount: number,
  routed: number,
  withNames: boolean,
): readonly Buffer[] {
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

export function batchesOf(bodies: readonly Buffer[], enqueuedAtMs: number): readonly (readonly ReceivedEvent[])[] {
  const events = bodies.map((body, sequenceNumber) => ({ body, partitionId: '0', sequenceNumber, enqueuedAtMs }));
  return Array.from({ length: Math.ceil(events.length / batchCount) }, (_, n) =>
    events.slice(n * batchCount, (n + 1) * batchCount),
  );
}
