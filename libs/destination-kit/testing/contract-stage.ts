import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import type { z } from 'zod';
import {
  type ChangeKind,
  type Connector,
  createHttpClient,
  type Delivery,
  DestinationError,
  type DestinationDefinition,
  type DocumentedError,
  type DocumentedErrors,
  type FormedValue,
  formed,
  isOfAccount,
  type JsonValue,
  secretsIn,
  type Takes,
  type Verdict,
} from '../src/index.ts';
import type { StandInVendor } from './vendor-server.ts';

/** Whom a change is about, in the form in which the connector under test gets it. */
export interface Person {
  readonly identity: { readonly namespace: string; readonly value: string };
  readonly attributes: Readonly<Record<string, JsonValue>>;
}

/** What the suite needs to know of a connector. */
export interface ContractSubject<Settings extends z.ZodType, Options extends z.ZodType> {
  readonly definition: DestinationDefinition<Settings, Options>;
  /**
   * Settings for a vendor at `origin` (empty when there is none), every secret as a `Secret` with a
   * value. A connector with a timeout of its own is to use `timeoutMs`.
   */
  readonly settings: (vendor: { readonly origin: string; readonly timeoutMs: number }) => z.input<Settings>;
  readonly options: z.input<Options>;
  /** Starts the stand-in; absent for a destination that sends no requests. */
  readonly startVendor?: () => Promise<StandInVendor>;
  /**
   * The person with this number; by default one with an e-mail address, a first name and a city.
   */
  readonly person?: (number: number) => Person;
  /**
   * The table of the errors that the vendor documents; absent where the vendor has none of its own.
   */
  readonly errors?: DocumentedErrors;
}

/** What one call of the connector came to. */
export interface Attempt {
  /** By change id; empty when the request failed as a whole. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly error: DestinationError | undefined;
}

/** A connected connector with its vendor, for one case. */
export interface Stage {
  readonly definition: DestinationDefinition;
  /** As the definition's schema gives them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly batchCount: number;
  /** Throws when the connector has no stand-in: the case must then be left out. */
  readonly vendor: StandInVendor;
  readonly hasVendor: boolean;
  /** What the definition declares to take with these settings and options. */
  readonly takes: Takes | undefined;
  /** Of the table, those that are of the account; of codes of a list that are alike, the first. */
  readonly accountErrors: readonly DocumentedError[];
  /** The identity as the definition forms it. */
  formIdentity(identity: Person['identity']): FormedValue;
  /**
   * Changes of the persons with the given numbers. `revision` tells states of one person apart,
   * later ones higher.
   */
  deliveries(kind: ChangeKind, persons: readonly number[], revision?: number): Delivery[];
  /** Asks the connector what is wrong with its target, where it has a probe. */
  probe(): Promise<void>;
  /**
   * Calls the connector with deliveries of one kind and checks that what comes back is well formed.
   */
  attempt(deliveries: readonly Delivery[], signal?: AbortSignal): Promise<Attempt>;
}

/**
 * Runs one case, then looks through all that became visible in it for personal data and secrets.
 */
export async function withStage<Settings extends z.ZodType, Options extends z.ZodType>(
  subject: ContractSubject<Settings, Options>,
  timeoutMs: number,
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  const vendor = await subject.startVendor?.();
  const http = createHttpClient({ allowPrivateAddresses: true, timeoutMs });
  let connected: Connector | undefined;
  try {
    const { definition } = subject;
    const settings = definition.settings.parse(subject.settings({ origin: vendor?.origin ?? '', timeoutMs }));
    const options = definition.options.parse(subject.options);
    const visible: string[] = [];
    const hidden = secretsIn(settings).map((secret) => secret.reveal());
    const print = (line: string) => void visible.push(line);
    const connector = definition.connect(settings, { http, now: Date.now, print });
    connected = connector;
    await run({
      definition,
      settings: settings as Readonly<Record<string, unknown>>,
      batchCount: definition.limits(settings).batchCount,
      hasVendor: vendor !== undefined,
      takes: definition.takes?.(settings, options),
      accountErrors: toPlay(subject.errors),
      formIdentity: (identity) => definition.identity?.(identity, settings) ?? formed(identity.value),
      get vendor() {
        return vendor ?? assert.fail('this case needs a stand-in vendor; leave it out with a reason');
      },
      deliveries: (kind, persons, revision = 1) =>
        persons.map((number) => {
          const person = (subject.person ?? defaultPerson)(number);
          hidden.push(
            person.identity.value,
            ...Object.values(person.attributes).filter((value) => typeof value === 'string'),
          );
          return { change: makeChange(kind, person, revision), options };
        }),
      probe: async () => {
        await connector.probe?.([options], new AbortController().signal);
      },
      attempt: (deliveries, signal = new AbortController().signal) => attempt(connector, deliveries, signal, visible),
    });
    visible.push(...(vendor?.requests ?? []).map(({ method, url }) => `${method} ${url}`));
    assertNothingLeaks(visible, hidden);
  } finally {
    await connected?.close?.();
    await vendor?.close();
    await http.close();
  }
}

/**
 * A list has thousands of codes; those that are alike differ in nothing that a connector could do
 * about them.
 */
function toPlay(errors: DocumentedErrors | undefined): readonly DocumentedError[] {
  const ofAccount = [...(errors?.values() ?? [])].filter(isOfAccount);
  const alike = Map.groupBy(ofAccount, ({ code, ...said }) => JSON.stringify(said.isListed === true ? said : [code]));
  return [...alike.values()].flatMap(([first]) => first ?? []);
}

function defaultPerson(number: number): Person {
  return {
    identity: { namespace: 'email', value: `person-${number}@example.com` },
    attributes: { firstname: `Forename${number}`, city: `Ville-${number}-sur-Mer` },
  };
}

function makeChange(kind: ChangeKind, person: Person, revision: number): Delivery['change'] {
  const state = [kind, person.identity.namespace, person.identity.value, revision];
  return {
    id: createHash('sha256').update(JSON.stringify(state)).digest('base64url'),
    kind,
    audience: { key: 'sports-fans', namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02', name: 'Sports fans' },
    identity: person.identity,
    qualifiedAt: new Date(Date.UTC(2026, 0, revision)).toISOString(),
    attributes: Object.fromEntries(
      Object.entries(person.attributes).map(([name, value]) => [
        name,
        typeof value === 'string' && revision > 1 ? `${value}-${revision}` : value,
      ]),
    ),
  };
}

const methods = { entered: 'enter', updated: 'update', exited: 'exit' } as const;

async function attempt(
  connector: Connector,
  deliveries: readonly Delivery[],
  signal: AbortSignal,
  visible: string[],
): Promise<Attempt> {
  const [first] = deliveries;
  assert(first !== undefined, 'the batch is empty');
  const method = methods[first.change.kind];
  const told = await ask(() => connector[method](deliveries, signal), deliveries, visible);
  const verdicts = new Map(told.verdicts);
  let { error } = told;
  for (let round = 0; error === undefined && round < pollsMax; round += 1) {
    const accepted = deliveries.filter(({ change }) => verdicts.get(change.id)?.status === 'accepted');
    const groups = Map.groupBy(accepted, ({ change }) => receiptOf(verdicts.get(change.id)));
    for (const [receipt, group] of groups) {
      assert(connector.poll !== undefined, 'what was accepted can be asked for: there is a poll');
      const answer = await ask(() => connector.poll?.(receipt, group, signal) ?? Promise.resolve([]), group, visible);
      error ??= answer.error;
      for (const [id, verdict] of answer.verdicts) verdicts.set(id, verdict);
    }
  }
  return error === undefined ? { verdicts, error } : { verdicts: new Map(), error };
}

/** How often a vendor that answers later is asked before its stand-in has to know. */
const pollsMax = 5;

const receiptOf = (verdict: Verdict | undefined): string => (verdict?.status === 'accepted' ? verdict.receipt : '');

/** One call of the connector, of which what comes back is well formed. */
async function ask(
  call: () => Promise<readonly Verdict[]>,
  deliveries: readonly Delivery[],
  visible: string[],
): Promise<Attempt> {
  let verdicts: readonly Verdict[];
  try {
    verdicts = await call();
  } catch (error) {
    // Whatever was thrown may end in a log, with all that hangs on it.
    visible.push(inspect(error, { depth: 10 }), JSON.stringify(error), String(error));
    assert(error instanceof DestinationError, `a connector throws DestinationError, not ${inspect(error)}`);
    return { verdicts: new Map(), error };
  }
  visible.push(...verdicts.map((verdict) => ('reason' in verdict ? verdict.reason : '')));
  const byId = new Map(verdicts.map((verdict) => [verdict.id, verdict]));
  assert.equal(byId.size, verdicts.length, 'no change has two verdicts');
  const asked = new Set(deliveries.map(({ change }) => change.id));
  assert.deepEqual(new Set(byId.keys()), asked, 'every change of the batch has a verdict, and nothing else has');
  for (const verdict of verdicts) {
    if (verdict.status === 'accepted')
      assert.match(verdict.receipt, /^[\x21-\x7e]{1,200}$/, 'a receipt is short and plain');
    else if (verdict.status !== 'delivered') assert.match(verdict.reason, /\S/, 'what is not delivered has a reason');
  }
  visible.push(...verdicts.map(receiptOf));
  return { verdicts: byId, error: undefined };
}

/** Rejects a text that holds a hidden value as it is, URL-encoded or in base64. */
function assertNothingLeaks(visible: readonly string[], hidden: readonly string[]): void {
  // A batch at its limit makes many lines, mostly the same ones.
  const text = [...new Set(visible)].join('\n').toLowerCase();
  for (const value of new Set(hidden)) {
    for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString('base64')]) {
      assert(
        !text.includes(form.toLowerCase()),
        `an error, a reason, a printed line or a URL holds ${JSON.stringify(value)}`,
      );
    }
  }
}
