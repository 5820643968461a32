import { createMatcher, parseActivationFile, type ActivationFile } from '@activation-hub/activation-file';
import {
  createTarget,
  InMemoryControls,
  InMemoryDeadLetters,
  InMemoryRetryQueue,
  type Clock,
  type ControlStore,
  type DeadLetter,
  type Target,
} from '@activation-hub/delivery';
import { InMemoryLedger, type Ledger } from '@activation-hub/membership';
import { Counters, createTelemetry, type TelemetryExport } from '@activation-hub/telemetry';
import { z } from 'zod';
import {
  activate,
  activateRetry,
  FollowedControls,
  defaultTiming,
  LedgerCache,
  RetriesInWork,
  type LedgerCacheOptions,
  type ActivationContext,
  type ReceivedEvent,
  type Timing,
} from '../src/index.ts';
import { fansId, noonMs } from './example-events.ts';
import { RecordingDestination } from './recording-destination.ts';

/** One audience, one destination, gated by consent. */
export const defaultFile = `
version: 1
destinations:
  crm: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate:
      - destination: crm
        identity: [crmid, email]
        attributes: { firstname: person.name.firstName }
`;

interface TestActivationOptions {
  /** The activation file's text. Destinations of type `recording`, called `crm` and `ads`. */
  readonly file?: string;
  readonly ledger?: Ledger;
  readonly deadLetters?: InMemoryDeadLetters;
  /** The retry queue of other parts, as another worker has it. */
  readonly retryQueue?: InMemoryRetryQueue;
  readonly timing?: Timing;
  /** Where operators write what they ask of it. */
  readonly controls?: Pick<ControlStore, 'read'>;
  readonly cache?: Partial<LedgerCacheOptions>;
  /** For how many days `crm` keeps a member whom it is not told of again; for ever by default. */
  readonly membershipDays?: number;
  /** The destinations of other parts, as another worker or a later start has them. */
  readonly destinations?: Readonly<Record<'crm' | 'ads', RecordingDestination>>;
  /** Where metrics and spans go besides; nowhere by default. */
  readonly exported?: TelemetryExport;
}

/**
 * A context of real parts that live in the process, and the handles by which a test looks at them.
 */
export interface TestActivation {
  readonly context: ActivationContext;
  readonly crm: RecordingDestination;
  readonly ads: RecordingDestination;
  /** Every line of telemetry. */
  readonly lines: string[];
  /** What time it is; a test moves it. */
  readonly clock: { nowMs: number };
  readonly retryQueue: InMemoryRetryQueue;
  /**
   * Does what the trigger of the retry queue does with everything that is due, and says how many
   * retries that were.
   */
  readonly retryDue: () => Promise<number>;
  readonly activate: (...events: readonly ReceivedEvent[]) => Promise<void>;
  /** How many changes ended in each outcome so far, by `destination outcome`. */
  readonly outcomes: () => Readonly<Record<string, number>>;
  readonly counter: (name: string) => number;
  readonly letters: () => readonly DeadLetter[];
}

/** An activation file of destinations of type `recording`. */
export function parseTestFile(text: string): ActivationFile {
  return parseActivationFile(text, {
    fileName: 'test.yaml',
    destinations: new Map([['recording', { settings: z.strictObject({}), options: z.strictObject({}) }]]),
  });
}

export function openActivation(options: TestActivationOptions = {}): TestActivation {
  const file = parseTestFile(options.file ?? defaultFile);
  const { crm, ads } = options.destinations ?? { crm: new RecordingDestination(), ads: new RecordingDestination() };
  const clock = { nowMs: noonMs + 3_600_000 };
  const lines: string[] = [];
  const deadLetters = options.deadLetters ?? new InMemoryDeadLetters();
  const counters = new Counters();
  const contextClock: Clock = {
    now: () => clock.nowMs,
    sleep: (durationMs) => {
      clock.nowMs += durationMs;
      return Promise.resolve();
    },
    random: () => 0.5,
  };
  const limits = { batchCount: 5, batchBytes: 100_000, requestsPerSecond: 1_000, concurrency: 2 };
  const targetOf = (key: string, connector: RecordingDestination): readonly [string, Target] => [
    key,
    createTarget(
      {
        key,
        connector,
        limits,
        batchBy: 'destination',
        giveUpAfterMs: file.destinations.get(key)?.giveUpAfterMs ?? 86_400_000,
        membershipDays: () => (key === 'crm' ? options.membershipDays : undefined),
      },
      contextClock,
    ),
  ];
  const retryQueue = options.retryQueue ?? new InMemoryRetryQueue();
  const context: ActivationContext = {
    matcher: createMatcher(file),
    targets: new Map([targetOf('crm', crm), targetOf('ads', ads)]),
    ledger: options.ledger ?? new InMemoryLedger(),
    ledgerCache: new LedgerCache({ bytesMax: 2_000_000, ageMaxMs: 600_000, ...options.cache }),
    deadLetters,
    retryQueue,
    retriesInWork: new RetriesInWork(),
    stall: file.stall,
    controls: new FollowedControls(options.controls ?? new InMemoryControls(), contextClock),
    telemetry: createTelemetry({
      level: 'debug',
      counters,
      write: (_, line) => void lines.push(line),
      exported: options.exported,
    }),
    // Attempts within a call are the concern of delivery: here one call is one attempt.
    timing: options.timing ?? { ...defaultTiming, waitMaxMs: 0 },
    clock: contextClock,
  };
  return {
    context,
    crm,
    ads,
    lines,
    clock,
    letters: () => [...deadLetters.letters.values()],
    retryQueue,
    activate: (...events) => activate({ events }, context),
    retryDue: async () => {
      let done = 0;
      for (const message of retryQueue.takeDue(clock.nowMs)) {
        await activateRetry(message, context);
        done += 1;
      }
      return done;
    },
    outcomes: () =>
      Object.fromEntries(
        counters
          .values()
          .filter(({ counter }) => counter === 'changes-settled')
          .map(({ labels, value }) => [`${labels.destination ?? ''} ${labels.outcome ?? ''}`, value]),
      ),
    counter: (name) =>
      counters
        .values()
        .filter(({ counter }) => counter === name)
        .reduce((sum, { value }) => sum + value, 0),
  };
}
