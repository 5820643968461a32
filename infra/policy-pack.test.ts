import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { policyName } from './policy/policies.ts';
import { rules, type CheckedResource } from './policy/rules.ts';
import { packLoaders, startPolicyPack, type Breach, type PolicyPackProcess } from './testing/policy-pack-process.ts';
import { changedBy, ruleBreaks } from './testing/rule-breaks.ts';
import { named, recordTestedStack, testedStacks } from './testing/stacks.ts';

/** Starting a pack takes seconds, and much longer on a busy machine. */
const timeout = 300_000;
const ruled = rules.filter(({ needsSecrecy }) => needsSecrecy !== true);

async function startedPack(...loader: Parameters<typeof startPolicyPack>): Promise<PolicyPackProcess> {
  const pack = await startPolicyPack(...loader);
  onTestFinished(() => pack.stop());
  return pack;
}

/** Everything that a run of Pulumi would ask. */
async function breachesOf(resources: readonly CheckedResource[], pack: PolicyPackProcess): Promise<readonly Breach[]> {
  const found: Breach[] = [];
  for (const resource of resources) found.push(...(await pack.analyze(resource)));
  return [...found, ...(await pack.analyzeStack())];
}

test.each(Object.keys(packLoaders) as (keyof typeof packLoaders)[])(
  'the pack starts by %s, with a policy for every rule that does not ask what is secret',
  { timeout },
  async (loader) => {
    const names = await (await startedPack(loader)).policyNames();
    expect(names).toEqual(ruled.map(policyName));
    expect(names).toContain('the-only-key-is-adobes');
    expect(names).not.toContain('secrets-are-secret');
  },
);

test.each(testedStacks)('%s breaks no policy, made or in its first preview', { timeout }, async (stack) => {
  for (const time of ['made', 'planned'] as const) {
    const { resources } = await recordTestedStack(stack, {}, time);
    expect(resources.length).toBeGreaterThan(40);
    expect(await breachesOf(resources, await startedPack())).toEqual([]);
  }
});

let pack: PolicyPackProcess;
let everything: readonly CheckedResource[];
beforeAll(async () => {
  pack = await startPolicyPack();
  everything = (await recordTestedStack('everything')).resources;
  await breachesOf(everything, pack);
}, timeout);
afterAll(() => pack.stop());

const breaksInPack = ruleBreaks.filter(({ rule }) => ruled.some(({ name }) => name === rule));

test.each(breaksInPack)('control: "$rule" stops Pulumi where $resource is $inputs', async ({ rule, ...change }) => {
  const before = named(everything as Parameters<typeof named>[0], change.resource);
  const after = changedBy(change, everything).find(({ name }) => name === change.resource) ?? before;
  const breaches = [...(await pack.analyze(after)), ...(await pack.analyzeStack())];
  await pack.analyze(before);
  expect(breaches).toContainEqual({
    policy: policyName({ name: rule }),
    message: expect.stringContaining(`${change.foundAt}: `) as string,
    isMandatory: true,
  });
});

test('control: what was broken and is mended is right again', async () => {
  expect(await pack.analyzeStack()).toEqual([]);
});

test('what is only known later is no breach, and no failure of the pack', async () => {
  const hub = named(everything as Parameters<typeof named>[0], 'storage-data');
  expect(await pack.analyze({ ...hub, inputs: { ...hub.inputs, allowBlobPublicAccess: { unknown: true } } })).toEqual(
    [],
  );
  await pack.analyze(hub);
});
