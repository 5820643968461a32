import assert from 'node:assert/strict';
import { z } from 'zod';
import {
  refusalOfAttribute,
  takesIdentity,
  versionWarning,
  type ChangeKind,
  type Delivery,
  type DestinationErrorClass,
  type Doubt,
} from '../src/index.ts';
import type { Attempt, Stage } from './contract-stage.ts';
import type { VendorFault } from './vendor-server.ts';

interface Case {
  readonly title: string;
  /** How long the connector may wait for its vendor. */
  readonly timeoutMs: number;
  readonly run: (stage: Stage) => Promise<void>;
}

const define = (title: string, run: Case['run'], timeoutMs = 10_000): Case => ({ title, timeoutMs, run });

/** Both ways of a membership: vendors often have a call of its own for each. */
const directions = ['entered', 'exited'] as const satisfies readonly ChangeKind[];

/** The contract, case by case. */
export const contractCases = {
  described: define('describes its settings and options as JSON Schema and refuses unknown keys', async (stage) => {
    const { settings, options } = stage.definition;
    for (const schema of [settings, options]) {
      for (const io of ['input', 'output'] as const) {
        assert.equal(z.toJSONSchema(schema, { io }).type, 'object', 'settings and options are objects');
      }
      const issues = schema.safeParse({ 'no such key': 1 }).error?.issues ?? [];
      assert(
        issues.some(({ code }) => code === 'unrecognized_keys'),
        'an unknown key is refused (use z.strictObject)',
      );
    }
    await Promise.resolve();
  }),
  declared: define('takes what it declares', async (stage) => {
    for (const { change } of stage.deliveries('entered', [1])) {
      const { takes } = stage;
      if (takes === undefined) return;
      assert(takesIdentity(takes, change.identity.namespace), 'the identity of the person of the suite is declared');
      for (const name of Object.keys(change.attributes)) {
        assert.equal(refusalOfAttribute(takes, name), undefined, `the attribute ${name} of the person is declared`);
      }
      const declared = typeof takes.identities === 'string' ? [] : Object.keys(takes.identities);
      assert(!takesIdentity(takes, 'no-such-namespace') || declared.length === 0, 'other identities are refused');
      const sentences = [takes.identities, takes.attributes, takes.refusedAttributes ?? {}].flatMap((of) =>
        typeof of === 'string' ? [of] : Object.values(of),
      );
      for (const sentence of sentences) assert.match(sentence, /^[A-Z].*\.$/s, 'it says how in a sentence');
    }
    await Promise.resolve();
  }),
  'version-ends': define('warns in time of the end of each version of the API', async (stage) => {
    const { versions } = stage.definition;
    if (versions === undefined) return;
    const named = stage.settings[versions.setting];
    assert(
      typeof named === 'string' && Object.hasOwn(versions.ends, named),
      `the table has the version of the setting`,
    );
    for (const [version, end] of Object.entries(versions.ends)) {
      if (end === undefined) continue;
      const endMs = Date.parse(`${end}T00:00:00Z`);
      assert(!Number.isNaN(endMs), `the end of ${version} is a day`);
      assert.match(versionWarning(versions, version, endMs - 30 * 86_400_000) ?? '', /in 30 days/);
      assert.equal(versionWarning(versions, version, endMs - 91 * 86_400_000), undefined);
    }
    await Promise.resolve();
  }),
  identity: define('forms the identity of a person once for all', async (stage) => {
    for (const { change } of stage.deliveries('entered', [1, 2])) {
      const form = stage.formIdentity(change.identity);
      assert(form.status === 'formed', 'the person of the suite is one whom the destination can know');
      assert.deepEqual(stage.formIdentity(change.identity), form, 'the same at any time');
      assert.equal(form.value, change.identity.value, 'a formed identity stays as it is');
    }
    for (const value of ['', ' ', 'null', '\u0000', '@', 'x'.repeat(5_000)]) {
      const form = stage.formIdentity({ namespace: 'email', value });
      const repeats = form.status === 'refused' && value.length > 4 && form.reason.includes(value);
      assert(!repeats, 'a refusal does not repeat the value');
    }
    await Promise.resolve();
  }),
  enter: define('tells the vendor who entered', async (stage) => {
    await deliver(stage, stage.deliveries('entered', [1, 2, 3]));
    if (stage.hasVendor) await assertMembers(stage, [1, 2, 3]);
  }),
  update: define('tells the vendor the new attributes of a member', async (stage) => {
    await deliver(stage, stage.deliveries('entered', [1, 2]));
    const updates = stage.deliveries('updated', [1, 2], 2);
    await deliver(stage, updates);
    if (!stage.hasVendor) return;
    for (const { change } of updates) {
      assert.deepEqual(await stage.vendor.member(change.identity.value), change.attributes);
    }
  }),
  exit: define('tells the vendor who left, and of nobody else', async (stage) => {
    await deliver(stage, stage.deliveries('entered', [1, 2, 3]));
    await deliver(stage, stage.deliveries('exited', [1, 3], 2));
    if (stage.hasVendor) await assertMembers(stage, [2], [1, 3]);
  }),
  'identity-changed': define('knows a person by the new identity, and by the earlier one no more', async (stage) => {
    await deliver(stage, stage.deliveries('entered', [1, 3]));
    await deliver(stage, stage.deliveries('exited', [1], 2));
    await deliver(stage, stage.deliveries('entered', [2], 3));
    // The earlier identity leaves a second time, late.
    await deliver(stage, stage.deliveries('exited', [1], 2));
    if (stage.hasVendor) await assertMembers(stage, [2, 3], [1]);
  }),
  'exit-of-stranger': define('delivers the exit of a person who never entered', async (stage) => {
    await deliver(stage, stage.deliveries('exited', [7]));
    if (stage.hasVendor) await assertMembers(stage, [], [7]);
  }),
  'person-unknown': define(
    'finds nobody where the vendor knows nobody, and creates nobody by an update',
    async (stage) => {
      // Vendors that find persons by hashes, or that are receivers of events, know nobody and never say so.
      if (!stage.hasVendor || stage.vendor.forgetPerson === undefined) return;
      await deliver(stage, stage.deliveries('entered', [1, 2]));
      const updates = stage.deliveries('updated', [1, 2], 2);
      const erased = at(updates, 0);
      stage.vendor.forgetPerson(erased.identity.value);
      const { verdicts, error } = await stage.attempt(updates);
      assert.equal(error, undefined, 'an unknown person does not fail the batch');
      for (const { change } of updates) {
        assert.equal(verdicts.get(change.id)?.status, change.id === erased.id ? 'not-found' : 'delivered');
      }
      await deliver(stage, stage.deliveries('exited', [1, 2], 3));
      await assertMembers(stage, [], [1, 2]);
    },
  ),
  repetition: define('does no harm when it repeats a batch', async (stage) => {
    for (const [kind, revision] of [
      ['entered', 1],
      ['exited', 2],
    ] as const) {
      const batch = stage.deliveries(kind, [1, 2], revision);
      await deliver(stage, batch);
      await deliver(stage, batch);
      if (stage.hasVendor)
        await assertMembers(stage, kind === 'entered' ? [1, 2] : [], kind === 'entered' ? [] : [1, 2]);
    }
  }),
  'batch-at-limit': define('delivers a batch as large as its limit', async (stage) => {
    const persons = Array.from({ length: stage.batchCount }, (_, index) => index + 1);
    await deliver(stage, stage.deliveries('entered', persons));
    if (stage.hasVendor) await assertMembers(stage, persons);
  }),
  'bad-row': define('rejects a row that the vendor refuses and delivers the others', async (stage) => {
    const batch = stage.deliveries('entered', [1, 2, 3, 4, 5]);
    const bad = at(batch, 1);
    stage.vendor.refuse(bad.identity.value);
    const { verdicts, error } = await stage.attempt(batch);
    assert.equal(error, undefined, 'one bad row does not fail the batch');
    for (const { change } of batch) {
      assert.equal(verdicts.get(change.id)?.status, change.id === bad.id ? 'rejected' : 'delivered');
    }
    await assertMembers(stage, [1, 3, 4, 5], [2]);
  }),
  'poisonous-row': define('finds the one row for which the vendor refuses the whole batch', async (stage) => {
    // Whoever calls nobody, is refused nothing.
    if (!stage.hasVendor) return;
    const { vendor } = stage;
    const batch = stage.deliveries('entered', [1, 2, 3, 4, 5]);
    const bad = at(batch, 3);
    if (vendor.poison === undefined) {
      const answer = () => ({ status: 400, body: JSON.stringify({ error: { message: 'refused' } }) });
      vendor.setFault({ kind: 'answer', naming: bad.identity.value, answer });
    } else vendor.poison(bad.identity.value);
    const told = await halving(stage, batch);
    for (const { change } of batch) {
      assert.equal(told.get(change.id), change.id === bad.id ? 'rejected' : 'delivered');
    }
    await assertMembers(stage, [1, 2, 3, 5], [4]);
  }),
  'account-failure': define('holds every change while the vendor refuses the account', async (stage) => {
    for (const documented of stage.accountErrors) {
      const { vendor } = stage;
      assert(vendor.answerWithError !== undefined, 'the stand-in answers with what the table of errors has');
      for (const [index, kind] of directions.entries()) {
        const batch = stage.deliveries(kind, [1, 2], index + 1);
        vendor.answerWithError(documented.code);
        const { error } = await stage.attempt(batch);
        assert.equal(error?.class, documented.means, `${documented.code} is of the account, and no row is judged`);
        vendor.answerWithError(undefined);
        await deliver(stage, batch);
      }
    }
  }),
  'partial-answer': define('tries a row again about which the answer is silent', async (stage) => {
    const batch = stage.deliveries('entered', [1, 2, 3, 4, 5]);
    const silent = at(batch, 3);
    stage.vendor.omit(silent.identity.value);
    const { verdicts, error } = await stage.attempt(batch);
    assert.equal(error, undefined, 'a row without an answer does not fail the batch');
    for (const { change } of batch) {
      assert.equal(verdicts.get(change.id)?.status, change.id === silent.id ? 'retry' : 'delivered');
    }
  }),
  'malformed-answer': define('takes an answer that it cannot read for no success', async (stage) => {
    await duringFault(stage, { kind: 'malformed' }, ({ verdicts, error }) => {
      const statuses = [...verdicts.values()].map(({ status }) => status);
      assert(error !== undefined || statuses.every((status) => status === 'retry'), 'nothing is delivered or rejected');
    });
  }),
  'failed-look-up': define('reports a look-up that failed as transient and without doubt', async (stage) => {
    const { vendor } = stage;
    const batch = stage.deliveries('entered', [1, 2]);
    vendor.setReadFault({ kind: 'status', status: 500 });
    fails('transient', { doubt: undefined })(await stage.attempt(batch));
    await assertMembers(stage, [], [1, 2]);
    vendor.setReadFault({ kind: 'reset' });
    fails('transient', { doubt: undefined })(await stage.attempt(batch));
    vendor.setReadFault(undefined);
    await deliver(stage, batch);
  }),
  unauthorized: define('reports refused credentials as set-up', async (stage) => {
    await duringFault(stage, { kind: 'status', status: 401 }, fails('set-up', { doubt: undefined }));
  }),
  'refused-batch': define('reports a refused batch without repeating what the vendor echoes', async (stage) => {
    await duringFault(stage, { kind: 'status', status: 400 }, fails('invalid', { doubt: undefined }));
  }),
  redirect: define('follows no redirect', async (stage) => {
    const fault = { kind: 'status', status: 307, headers: { location: '/elsewhere' } } as const;
    await duringFault(stage, fault, fails('set-up', { doubt: undefined }));
  }),
  'throttled-for-seconds': define('waits as many seconds as a 429 says', async (stage) => {
    const fault = { kind: 'status', status: 429, headers: { 'retry-after': '120' } } as const;
    await duringFault(stage, fault, (attempt, startedAtMs) => {
      fails('throttled', { doubt: undefined })(attempt);
      const notBeforeMs = attempt.error?.notBeforeMs ?? 0;
      assert(notBeforeMs >= startedAtMs + 120_000 && notBeforeMs <= Date.now() + 120_000, 'not before 120 seconds');
    });
  }),
  'throttled-until-date': define('waits until the date that a 429 says', async (stage) => {
    const until = Math.ceil(Date.now() / 1000) * 1000 + 3_600_000;
    const headers = { 'retry-after': new Date(until).toUTCString() };
    await duringFault(stage, { kind: 'status', status: 429, headers }, (attempt) => {
      fails('throttled', { doubt: undefined })(attempt);
      assert.equal(attempt.error?.notBeforeMs, until);
    });
  }),
  'server-error': define('reports a failing vendor as transient and in doubt', async (stage) => {
    await duringFault(stage, { kind: 'status', status: 500 }, fails('transient', { doubt: 'answered' }));
  }),
  reset: define('reports a lost connection as transient and in doubt', async (stage) => {
    await duringFault(stage, { kind: 'reset' }, fails('transient', { doubt: 'unanswered' }));
  }),
  timeout: define(
    'gives up on a silent vendor and reports that as transient and in doubt',
    async (stage) => {
      await duringFault(stage, { kind: 'silent' }, fails('transient', { doubt: 'unanswered' }));
    },
    1_500,
  ),
  aborted: define('stops a call that is under way when it is told to', async (stage) => {
    stage.vendor.setFault({ kind: 'silent' });
    const stop = new AbortController();
    const arrived = stage.vendor.nextRequest();
    const startedAtMs = Date.now();
    const attempt = stage.attempt(stage.deliveries('entered', [1]), stop.signal);
    await Promise.race([arrived, attempt]);
    stop.abort();
    fails('transient', { doubt: 'unanswered' })(await attempt);
    assert(Date.now() - startedAtMs < 9_000, 'the call stops at once and not at its timeout');
  }),
  'aborted-before': define('calls nobody when it is told to stop before it begins', async (stage) => {
    const { error } = await stage.attempt(stage.deliveries('entered', [1]), AbortSignal.abort());
    assert.equal(error?.class, 'transient');
    assert.equal(error.doubt, undefined, 'what was not sent is certain');
    assert.equal(stage.vendor.requests.length, 0);
  }),
} satisfies Record<string, Case>;

export type CaseName = keyof typeof contractCases;

/** Delivers a batch of which every change must end as delivered. */
async function deliver(stage: Stage, batch: readonly Delivery[]): Promise<void> {
  const { verdicts, error } = await stage.attempt(batch);
  assert.equal(error, undefined, 'a healthy vendor takes the batch');
  for (const verdict of verdicts.values()) assert.equal(verdict.status, 'delivered');
}

/** Delivers a batch as delivery does: what is refused as a whole is told in halves, until the row at fault is alone. */
async function halving(stage: Stage, batch: readonly Delivery[]): Promise<ReadonlyMap<string, string>> {
  const { verdicts, error } = await stage.attempt(batch);
  if (error === undefined) return new Map([...verdicts].map(([id, { status }]) => [id, status]));
  assert.equal(error.class, 'invalid', 'a batch that is refused for one row asks for halves');
  if (batch.length === 1) return new Map(batch.map(({ change }) => [change.id, 'rejected']));
  const half = Math.ceil(batch.length / 2);
  return new Map([...(await halving(stage, batch.slice(0, half))), ...(await halving(stage, batch.slice(half)))]);
}

/**
 * Looks at both directions while the vendor is faulty; once it has recovered, the same changes are delivered. So there is a
 * member to take back when the exit meets the fault: a connector that looks first would have nothing to tell else.
 */
async function duringFault(
  stage: Stage,
  fault: VendorFault,
  judge: (attempt: Attempt, startedAtMs: number) => void,
): Promise<void> {
  const { vendor } = stage;
  for (const [index, kind] of directions.entries()) {
    const batch = stage.deliveries(kind, [1, 2], index + 1);
    vendor.setFault(fault);
    const startedAtMs = Date.now();
    judge(await stage.attempt(batch), startedAtMs);
    if (fault.kind === 'status' && fault.status < 400) {
      assert(!vendor.requests.some(({ url }) => url === '/elsewhere'), 'the redirect is not followed');
    }
    vendor.setFault(undefined);
    await deliver(stage, batch);
  }
}

/** Demands that the request failed as a whole, with this class. */
function fails(errorClass: DestinationErrorClass, { doubt }: { doubt: Doubt | undefined }) {
  return ({ error }: Attempt): void => {
    assert(error !== undefined, `the connector reports the failure as an error of class ${errorClass}`);
    assert.equal(error.class, errorClass);
    assert.equal(error.doubt, doubt, 'in doubt exactly when the vendor may have taken it');
    if (errorClass !== 'throttled') assert.equal(error.notBeforeMs, undefined);
  };
}

async function assertMembers(
  stage: Stage,
  members: readonly number[],
  strangers: readonly number[] = [],
): Promise<void> {
  const held = new Set<number>();
  for (const number of [...members, ...strangers]) {
    const identity = at(stage.deliveries('entered', [number]), 0).identity.value;
    if ((await stage.vendor.member(identity)) !== undefined) held.add(number);
  }
  const isMember = (number: number) => held.has(number);
  assert.deepEqual(members.filter(isMember), members, 'the vendor holds everyone who entered');
  assert.deepEqual(strangers.filter(isMember), [], 'the vendor holds nobody who left or never entered');
}

function at(batch: readonly Delivery[], index: number): Delivery['change'] {
  const delivery = batch[index];
  assert(delivery !== undefined);
  return delivery.change;
}
