import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  reading,
  type Connector,
  defineDestination,
  type Delivery,
  DestinationError,
  type DestinationDefinition,
  documentedErrors,
  errorForResponse,
  type HttpResponse,
  Secret,
  secret,
  type Verdict,
} from '../src/index.ts';
import {
  type CaseName,
  describeDestinationContract,
  destinationContract,
  type StandInVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from './index.ts';

/**
 * A small vendor and a right connector for it; each wrong connector below differs from it in one
 * respect.
 */
interface Row {
  readonly id: string;
  readonly kind: string;
  readonly person: string;
  readonly attributes: Record<string, string>;
}
type Result = readonly [id: string, status: 'taken' | 'refused' | 'unknown', why?: string];

async function startVendor(): Promise<StandInVendor> {
  const members = new Map<string, Record<string, string>>();
  const refused = new Set<string>();
  const omitted = new Set<string>();
  let isNearlyUsed = false;
  const answer = ({ method, body }: VendorRequest): VendorResponse => {
    if (method === 'GET') return { status: 200, body: '{}' };
    const results: Result[] = [];
    for (const { id, kind, person, attributes } of JSON.parse(body) as Row[]) {
      if (refused.has(person)) results.push([id, 'refused', `${person} is not known`]);
      else if (!members.has(person) && kind === 'updated') {
        results.push([id, 'unknown', `nobody is called ${person}`]);
        continue;
      } else if (!omitted.has(person)) results.push([id, 'taken']);
      if (kind === 'exited') members.delete(person);
      else if (!refused.has(person)) members.set(person, attributes);
    }
    const headers = isNearlyUsed ? { 'x-left': '0' } : {};
    return { status: 200, headers, body: JSON.stringify(results.reverse()) };
  };
  const server = await startVendorServer(answer, ({ method }) => method === 'GET');
  return {
    ...server,
    member: (identity) => members.get(identity),
    refuse: (identity) => void refused.add(identity),
    omit: (identity) => void omitted.add(identity),
    answerWithError: (code) => {
      const response = { status: 409, body: JSON.stringify({ code }) };
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer: () => response });
    },
    poison: (naming) => server.setFault({ kind: 'answer', naming, answer: () => ({ status: 409, body: '{}' }) }),
    forgetPerson: (identity) => void members.delete(identity),
    sayQuotaIsNearlyUsed: (next) => {
      isNearlyUsed = next;
    },
  };
}

const settings = z.strictObject({ url: z.string(), key: secret(), version: z.string().default('v1') });
const options = z.strictObject({ list: z.string() });
type Toy = DestinationDefinition<typeof settings, typeof options>;

const toyRows = (deliveries: readonly Delivery[]): Row[] =>
  deliveries.map(({ change }) => ({
    id: change.id,
    kind: change.kind,
    person: change.identity.value,
    attributes: change.attributes as Record<string, string>,
  }));

const errors = documentedErrors([
  { code: 'FULL', means: 'set-up', advice: 'Make room.', source: 'this test' },
  { code: 'BAD', means: 'rejected', source: 'this test' },
]);

/** This vendor says by 409 that the account is full, or that a row of the request is bad. */
function toyError(response: HttpResponse, nowMs: number): DestinationError {
  if (response.status !== 409) return errorForResponse(response, nowMs);
  const isFull = response.body.includes('"FULL"');
  return new DestinationError(isFull ? 'set-up' : 'invalid', 'Failed to deliver: 409.');
}

const toy: Toy = defineDestination({
  type: 'toy',
  title: 'Toy',
  description: 'A vendor for this test.',
  settings,
  options,
  limits: () => ({ batchCount: 60, batchBytes: 100_000, requestsPerSecond: 1, concurrency: 1 }),
  batchBy: 'route',
  takes: () => ({ identities: { email: 'Is the person.' }, attributes: {}, otherAttributes: 'Is told.' }),
  versions: { setting: 'version', ends: { v1: '2027-01-01' }, source: 'this test' },
  connect: ({ url, key }, { http, now }) => {
    let heldUntilMs = 0;
    const lookUp = async (signal: AbortSignal) => {
      const response = await http.send({ method: 'GET', url, headers: {} }, signal);
      if (response.status === 400) throw new DestinationError('set-up', 'Failed to find the list.');
      if (response.status !== 200) throw errorForResponse(response, now());
    };
    const tell: Connector['enter'] = async (deliveries, signal) => {
      if (now() < heldUntilMs) throw new DestinationError('throttled', 'Failed.', { notBeforeMs: heldUntilMs });
      await reading(lookUp(signal));
      const body = JSON.stringify(toyRows(deliveries));
      const response = await http.send({ method: 'PUT', url, headers: { authorization: key.reveal() }, body }, signal);
      if (response.status !== 200) throw toyError(response, now());
      if (response.headers['x-left'] === '0') heldUntilMs = now() + 60_000;
      let results: Result[];
      try {
        results = JSON.parse(response.body) as Result[];
      } catch {
        throw new DestinationError('transient', 'Failed to read the answer: it is not JSON.', { doubt: 'answered' });
      }
      return deliveries.map(({ change: { id } }): Verdict => {
        const status = results.find(([of]) => of === id)?.[1];
        if (status === undefined)
          return { id, status: 'retry', reason: 'no answer about this change', doubt: 'answered' };
        if (status === 'unknown') return { id, status: 'not-found', reason: 'nobody has this identity' };
        return status === 'taken' ? { id, status: 'delivered' } : { id, status: 'rejected', reason: 'not known' };
      });
    };
    return { enter: tell, update: tell, exit: tell };
  },
});

const contractOf = (definition: Toy) =>
  destinationContract({
    definition,
    settings: ({ origin }) => ({ url: origin, key: new Secret('key-not-to-be-seen') }),
    options: { list: 'fans' },
    startVendor,
    errors,
  });

test.each(contractOf(toy).map((contractCase) => [contractCase.title, contractCase] as const))(
  'a right connector passes: %s',
  async (_title, { run }) => {
    await run();
  },
);

/** Wraps every call of the right connector. */
type Wrong = (
  right: Connector['enter'],
  around: {
    readonly settings: z.output<typeof settings>;
    readonly context: Parameters<Toy['connect']>[1];
  },
) => Connector['enter'];

const wrongly = (wrong: Wrong): Toy => ({
  ...toy,
  connect: (settings, context) => {
    const right: Connector = toy.connect(settings, context);
    return {
      enter: wrong((...call) => right.enter(...call), { settings, context }),
      update: wrong((...call) => right.update(...call), { settings, context }),
      exit: wrong((...call) => right.exit(...call), { settings, context }),
    };
  },
});

const put = (url: string, deliveries: readonly Delivery[]) =>
  ({ method: 'PUT', url, headers: {}, body: JSON.stringify(toyRows(deliveries)) }) as const;
const allDelivered = (deliveries: readonly Delivery[]): Verdict[] =>
  deliveries.map(({ change: { id } }) => ({ id, status: 'delivered' }));

const wrongConnectors: readonly (readonly [what: string, Toy, caught: Partial<Record<CaseName, RegExp>>])[] = [
  [
    'answers by position',
    wrongly((_right, { settings, context }) => async (deliveries, signal) => {
      const { body } = await context.http.send(put(settings.url, deliveries), signal);
      const results = JSON.parse(body) as Result[];
      return deliveries.map(({ change: { id } }, index): Verdict =>
        results[index]?.[1] === 'taken' ? { id, status: 'delivered' } : { id, status: 'rejected', reason: 'not known' },
      );
    }),
    { 'bad-row': /delivered/, 'partial-answer': /delivered/, 'malformed-answer': /DestinationError/ },
  ],
  [
    'swallows every error',
    wrongly((right) => async (deliveries, signal) => {
      try {
        return await right(deliveries, signal);
      } catch {
        return allDelivered(deliveries);
      }
    }),
    {
      'malformed-answer': /nothing is delivered/,
      unauthorized: /class set-up/,
      'refused-batch': /class invalid/,
      'throttled-for-seconds': /class throttled/,
      'server-error': /class transient/,
      reset: /class transient/,
      timeout: /class transient/,
      aborted: /class transient/,
      'aborted-before': /transient/,
    },
  ],
  [
    'reads the status of the answer only',
    wrongly((_right, { settings, context }) => async (deliveries, signal) => {
      const response = await context.http.send(put(settings.url, deliveries), signal);
      if (response.status !== 200) throw errorForResponse(response, context.now());
      return allDelivered(deliveries);
    }),
    { 'bad-row': /delivered/, 'partial-answer': /delivered/, 'malformed-answer': /nothing is delivered/ },
  ],
  [
    'waits with a batch for one row',
    wrongly((right) => async (deliveries, signal) => {
      try {
        return await right(deliveries, signal);
      } catch (error) {
        if (!(error instanceof DestinationError) || error.class !== 'invalid') throw error;
        throw new DestinationError('transient', error.message);
      }
    }),
    { 'poisonous-row': /asks for halves/ },
  ],
  [
    'takes a failure of the account for one of the rows',
    wrongly((right) => async (deliveries, signal) => {
      try {
        return await right(deliveries, signal);
      } catch (error) {
        if (!(error instanceof DestinationError) || error.class !== 'set-up') throw error;
        return deliveries.map(({ change: { id } }): Verdict => ({ id, status: 'rejected', reason: 'full' }));
      }
    }),
    { 'account-failure': /FULL is of the account/ },
  ],
  [
    'takes an unknown person for a refusal',
    wrongly(
      (right) => async (deliveries, signal) =>
        (await right(deliveries, signal)).map((verdict) =>
          verdict.status === 'not-found' ? { ...verdict, status: 'rejected' } : verdict,
        ),
    ),
    { 'person-unknown': /not-found/, 'person-erased': /not-found/ },
  ],
  [
    'uses up the quota',
    // A new one for each call remembers nothing of the answer before.
    wrongly((_right, { settings, context }) => (deliveries, signal) => {
      const fresh: Connector = toy.connect(settings, context);
      return fresh.enter(deliveries, signal);
    }),
    { 'quota-nearly-used': /class throttled/ },
  ],
  [
    'is certain that what was not answered in time was not taken',
    wrongly((right) => async (deliveries, signal) => {
      try {
        return await right(deliveries, signal);
      } catch (error) {
        if (!(error instanceof DestinationError) || error.doubt !== 'unanswered') throw error;
        throw new DestinationError('transient', error.message);
      }
    }),
    { 'late-answer': /in doubt exactly/ },
  ],
  [
    'fails the batch for one bad row',
    wrongly((right) => async (deliveries, signal) => {
      const verdicts = await right(deliveries, signal);
      if (verdicts.some(({ status }) => status === 'rejected')) throw new DestinationError('invalid', 'A row is bad.');
      return verdicts;
    }),
    { 'bad-row': /does not fail the batch/ },
  ],
  [
    'puts the identity into the URL',
    wrongly((right, { settings, context }) => async (deliveries, signal) => {
      const people = deliveries.map(({ change }) => encodeURIComponent(change.identity.value)).join();
      await context.http.send(put(`${settings.url}/?people=${people}`, deliveries), signal);
      return await right(deliveries, signal);
    }),
    { enter: /holds "person-1@example.com"/ },
  ],
  [
    'puts the secret into the URL',
    wrongly((right, { settings, context }) => async (deliveries, signal) => {
      await context.http.send(put(`${settings.url}/?key=${settings.key.reveal()}`, deliveries), signal);
      return await right(deliveries, signal);
    }),
    { enter: /holds "key-not-to-be-seen"/ },
  ],
  [
    'repeats in its error what the vendor echoes',
    wrongly((right, { settings, context }) => async (deliveries, signal) => {
      const { status, body } = await context.http.send(put(settings.url, deliveries), signal);
      if (status === 400) throw new DestinationError('invalid', `Failed to deliver: ${body}`);
      return await right(deliveries, signal);
    }),
    { 'refused-batch': /an error, a reason, a printed line or a URL holds/ },
  ],
  [
    'hangs the answer onto its error',
    wrongly((right, { settings, context }) => async (deliveries, signal) => {
      const cause = await context.http.send(put(settings.url, deliveries), signal);
      if (cause.status === 400) throw new DestinationError('invalid', 'Failed to deliver.', { cause });
      return await right(deliveries, signal);
    }),
    { 'refused-batch': /an error, a reason, a printed line or a URL holds/ },
  ],
  [
    'names the person in its reason',
    wrongly(
      (right) => async (deliveries, signal) =>
        (await right(deliveries, signal)).map((verdict) =>
          verdict.status === 'rejected' ? { ...verdict, reason: 'person-2@example.com is not known' } : verdict,
        ),
    ),
    { 'bad-row': /holds "person-2@example.com"/ },
  ],
  [
    'prints the person',
    wrongly((right, { context }) => async (deliveries, signal) => {
      for (const { change } of deliveries) context.print(JSON.stringify(change.attributes));
      return await right(deliveries, signal);
    }),
    { enter: /holds "Forename1"/ },
  ],
  [
    'does not pass the signal on',
    wrongly((right) => (deliveries) => right(deliveries, new AbortController().signal)),
    { 'aborted-before': /transient/ },
  ],
  [
    'forgets a change',
    wrongly((right) => async (deliveries, signal) => (await right(deliveries, signal)).slice(1)),
    { enter: /every change of the batch has a verdict/ },
  ],
  [
    'judges a change that it was not given',
    wrongly((right) => async (deliveries, signal) => [
      ...(await right(deliveries, signal)),
      { id: 'of-somebody-else', status: 'delivered' },
    ]),
    { enter: /nothing else has/ },
  ],
  [
    'gives two verdicts for one change',
    wrongly((right) => async (deliveries, signal) => {
      const verdicts = await right(deliveries, signal);
      return [...verdicts, ...verdicts];
    }),
    { enter: /two verdicts/ },
  ],
  [
    'cuts off what is over a limit of its own',
    wrongly((right) => async (deliveries, signal) => {
      await right(deliveries.slice(0, 50), signal);
      return allDelivered(deliveries);
    }),
    { 'batch-at-limit': /everyone who entered/ },
  ],
  [
    'doubts what it only looked up',
    wrongly((right) => async (deliveries, signal) => {
      try {
        return await right(deliveries, signal);
      } catch (error) {
        if (!(error instanceof DestinationError)) throw error;
        throw new DestinationError(error.class, error.message, { doubt: 'answered' });
      }
    }),
    { 'failed-look-up': /in doubt exactly/ },
  ],
  [
    'takes a refused look-up for a refusal of its rows',
    wrongly((right, { settings, context }) => async (deliveries, signal) => {
      const { status } = await context.http.send({ method: 'GET', url: settings.url, headers: {} }, signal);
      if (status === 400) throw new DestinationError('invalid', 'Failed to find the list.');
      return await right(deliveries, signal);
    }),
    { 'refused-look-up': /set-up/ },
  ],
  [
    'never reads Retry-After',
    wrongly((right) => async (deliveries, signal) => {
      try {
        return await right(deliveries, signal);
      } catch (error) {
        if (error instanceof DestinationError) throw new DestinationError(error.class, error.message);
        throw error;
      }
    }),
    { 'throttled-for-seconds': /120 seconds/, 'throttled-until-date': /undefined/, 'server-error': /in doubt/ },
  ],
  [
    'follows redirects',
    wrongly((right, { settings, context }) => async (deliveries, signal) => {
      const { status, headers } = await context.http.send(put(settings.url, deliveries), signal);
      if (status === 307) await context.http.send(put(`${settings.url}${headers.location ?? ''}`, deliveries), signal);
      return await right(deliveries, signal);
    }),
    { redirect: /the redirect is not followed/ },
  ],
  [
    'sends every exit as an entry',
    wrongly(
      (right) => (deliveries, signal) =>
        right(
          deliveries.map(({ change, options }) => ({ change: { ...change, kind: 'entered' }, options })),
          signal,
        ),
    ),
    { exit: /nobody who left/, 'identity-changed': /nobody who left/, 'exit-of-stranger': /nobody who left/ },
  ],
  [
    'sends nothing',
    wrongly(() => (deliveries) => Promise.resolve(allDelivered(deliveries))),
    { enter: /everyone who entered/, update: /strictly|deep/i, 'server-error': /class transient/ },
  ],
  [
    'rejects what it has seen before',
    wrongly((right) => {
      const seen = new Set<string>();
      return async (deliveries, signal) =>
        (await right(deliveries, signal)).map((verdict) => {
          if (!seen.has(verdict.id)) return (seen.add(verdict.id), verdict);
          return { id: verdict.id, status: 'rejected', reason: 'seen before' };
        });
    }),
    { repetition: /rejected/ },
  ],
  [
    'hashes an identity that is hashed already',
    { ...toy, identity: ({ value }) => ({ status: 'formed', value: Buffer.from(value).toString('base64') }) },
    { identity: /stays as it is/ },
  ],
  [
    'names versions of which it has none',
    { ...toy, versions: { setting: 'url', ends: { v1: '2027-01-01' }, source: 'this test' } },
    { 'version-ends': /the table has the version/ },
  ],
  [
    'declares less than it takes',
    { ...toy, takes: () => ({ identities: { email: 'Is the person.' }, attributes: { city: 'Is told.' } }) },
    { declared: /firstname of the person is declared/ },
  ],
  ['takes any settings', { ...toy, settings: z.looseObject(settings.shape) }, { described: /unknown key is refused/ }],
];

/**
 * An error's message, and what node:assert compared: where colours are forced, the message mixes
 * the two letter by letter.
 */
function inWords(error: unknown): string {
  if (error instanceof AssertionError) return inspect([error.message, error.actual, error.expected]);
  return error instanceof Error ? error.message : String(error);
}

test.each(
  wrongConnectors.flatMap(([what, definition, caught]) =>
    Object.entries(caught).map(([name, sentence]) => [what, name, definition, sentence] as const),
  ),
)('a connector that %s fails: %s', async (_what, name, definition, sentence) => {
  const contractCase = contractOf(definition).find((candidate) => candidate.name === name);
  const failure = await contractCase?.run().then(
    () => 'it passes',
    (error: unknown) => inWords(error),
  );
  expect(failure).toMatch(sentence);
});

test('every case of the contract catches a wrong connector', () => {
  const caught = new Set(wrongConnectors.flatMap(([, , cases]) => Object.keys(cases)));
  expect(contractOf(toy).filter(({ name }) => !caught.has(name))).toEqual([]);
});

test('a case is left out only with a reason', () => {
  expect(() => destinationContract({ ...unreachable, leftOut: { timeout: ' ' } })).toThrow('no reason');
});

test('a case that is left out must fail', async () => {
  const registered = new Map<string, () => Promise<void>>();
  const leftOut = { described: 'it describes itself all the same', 'bad-row': 'there is no vendor here' };
  describeDestinationContract((title, run) => registered.set(title, run), { ...unreachable, leftOut });
  expect(registered.size).toBe(destinationContract(unreachable).length);
  const runOf = (words: string) => [...registered].find(([title]) => title.includes(words))?.[1];
  await expect(runOf(leftOut['bad-row'])?.()).resolves.toBeUndefined();
  await expect(runOf(leftOut.described)?.()).rejects.toThrow('do not leave this case out');
});

test('a case that needs a vendor fails when there is none', async () => {
  const badRow = destinationContract(unreachable).find(({ name }) => name === 'bad-row');
  await expect(badRow?.run()).rejects.toThrow('leave it out with a reason');
});

/** The right connector without a vendor. */
const unreachable = {
  definition: toy,
  settings: () => ({ url: 'http://127.0.0.1', key: new Secret('value') }),
  options: { list: 'fans' },
};
