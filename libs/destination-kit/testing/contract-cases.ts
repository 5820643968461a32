import assert from 'node:assert/strict';
import { z } from 'zod';
import { refusalOfAttribute, takesIdentity, versionWarning } from '../src/index.ts';
import { assertMembers, at, type Case, define, deliver, findsNobody, halving } from './contract-checks.ts';
import { failureCases } from './contract-failures.ts';

/** What a connector says and does, case by case. */
const tellingCases = {
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
    assert(versions !== undefined, 'the definition says until when the versions of the API are served');
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
      assert(stage.vendor.forgetPerson !== undefined, 'the vendor says when it does not know a person');
      await deliver(stage, stage.deliveries('entered', [2]));
      await findsNobody(stage, 1, [1, 2]);
      await deliver(stage, stage.deliveries('exited', [1, 2], 3));
      await assertMembers(stage, [], [1, 2]);
    },
  ),
  'person-erased': define('does not bring back by an update whom the vendor erased', async (stage) => {
    const { vendor } = stage;
    assert(vendor.forgetPerson !== undefined, 'the vendor says when it does not know a person any more');
    const batch = stage.deliveries('entered', [1, 2]);
    await deliver(stage, batch);
    vendor.forgetPerson(at(batch, 0).identity.value);
    await findsNobody(stage, 1, [1, 2]);
    await assertMembers(stage, [2], [1]);
    await deliver(stage, stage.deliveries('exited', [1, 2], 3));
    await assertMembers(stage, [], [1, 2]);
  }),
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
} satisfies Record<string, Case>;

/** The contract, case by case. */
export const contractCases = { ...tellingCases, ...failureCases };

export type CaseName = keyof typeof contractCases;
