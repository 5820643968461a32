import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import {
  changing,
  clientSecret,
  countOf,
  exported,
  madeByHand,
  sasKey,
  somebody,
  started,
} from './testing/aep-started.ts';

/** The error of a call, or undefined when it succeeds. */
const errorOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (reason: unknown) => reason,
  );

test('an existing dataflow is adopted by its id, changed in place, and then owned', async () => {
  const there = await started();
  const { inputs, engine, sandbox } = there;
  const adoptFlowId = await madeByHand(there);
  const pulumi = engine();
  expect(await pulumi.up({ ...inputs, adoptFlowId })).toBe('created');
  expect(pulumi.outputs().flowId).toBe(adoptFlowId);
  expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
  expect(exported(sandbox)).toEqual({ audiences: ['a-1', 'a-2'], attributes: inputs.attributes });
  expect(await pulumi.up({ ...inputs, adoptFlowId })).toBe('unchanged');
  await pulumi.destroy();
  // The connection to the Profile Service, made by hand, never became ours.
  expect(countOf(sandbox)).toEqual([0, 0, 0, 1]);
});

test('an adopted dataflow that a user deletes with its target is made anew, though its id is still configured', async () => {
  const there = await started();
  const adoptFlowId = await madeByHand(there);
  const inputs = { ...there.inputs, adoptFlowId };
  const pulumi = there.engine();
  await pulumi.up(inputs);
  const { flows, targetConnections } = somebody(there);
  for (const collection of [flows, targetConnections]) {
    for (const { id } of await collection.list()) await collection.delete(id);
  }
  expect(await pulumi.refresh(inputs)).toMatchObject({ isGone: false, changes: true });
  expect(await pulumi.up(inputs)).toBe('updated');
  expect(there.sandbox.flows().map(({ id }) => id)).toEqual([pulumi.outputs().flowId]);
  expect(pulumi.outputs().flowId).not.toBe(adoptFlowId);
  expect(await pulumi.up(inputs)).toBe('unchanged');
});

test('a dataflow of another owner is not adopted, and nothing of it is touched', async () => {
  const { platform, inputs, engine, sandbox } = await started();
  const theirs = engine();
  await theirs.up({ ...inputs, owner: 'somebody/else' });
  const before = JSON.stringify([sandbox.flows(), sandbox.connections()]);
  const ours = engine();
  const adoptFlowId = String(theirs.outputs().flowId);
  const requests = await changing(platform, () =>
    expect(ours.up({ ...inputs, adoptFlowId })).rejects.toThrow('it belongs to somebody/else'),
  );
  expect(requests).toEqual([]);
  expect(ours.state).toBeUndefined();
  expect(JSON.stringify([sandbox.flows(), sandbox.connections()])).toBe(before);
});

test('a deletion leaves nothing of its own behind, and all of the others; an existing connection stays', async () => {
  const { inputs, engine, sandbox } = await started();
  const theirs = engine();
  await theirs.up({ ...inputs, owner: 'somebody/else' });
  const before = JSON.stringify([sandbox.flows(), sandbox.connections()]);
  const { connectionId } = theirs.outputs().live as { connectionId: string };
  const [own, onTheirs] = [engine(), engine()];
  await own.up(inputs);
  await onTheirs.up({ ...inputs, owner: 'activation-hub/on-theirs', connectionId, sasKey: 'not-used' });
  expect(countOf(sandbox)).toEqual([3, 3, 3, 5]);
  expect(
    await onTheirs.refresh({ ...inputs, owner: 'activation-hub/on-theirs', connectionId, sasKey: 'not-used' }),
  ).toEqual({ drift: [], isGone: false, changes: false });
  await own.destroy();
  await onTheirs.destroy();
  expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
  expect(JSON.stringify([sandbox.flows(), sandbox.connections()])).toBe(before);
});

test('stopped after any request, a creation is completed by the next run, and a removal takes all of it away', async () => {
  let stops = 0;
  for (let requests = 1; ; requests++) {
    const { platform, inputs, engine, sandbox } = await started();
    const pulumi = engine();
    platform.faults.stopAfter(requests);
    const error = await errorOf(pulumi.up(inputs));
    platform.faults.clear();
    if (error === undefined) break;
    const told = inspect(error, { depth: 10, showHidden: true });
    for (const secret of [sasKey, clientSecret]) expect(told).not.toContain(secret);
    await pulumi.up(inputs);
    expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
    await pulumi.destroy();
    expect(countOf(sandbox)).toEqual([0, 0, 0, 0]);
    await platform.stop();
    stops++;
  }
  expect(stops).toBeGreaterThan(10);
});

test('what a refused creation left is in the state, so that a removal or the next run finds it', async () => {
  for (const then of ['destroy', 'up'] as const) {
    const { platform, inputs, engine, sandbox } = await started();
    const pulumi = engine();
    platform.faults.inject({ method: 'POST', path: 'flowservice/flows', status: 403, times: 10 });
    const error = await errorOf(pulumi.up(inputs));
    expect(error).toMatchObject({ message: expect.stringContaining('403') as unknown });
    expect(Object.keys(error as Error)).toEqual(['id', 'properties', 'reasons']);
    expect(countOf(sandbox)).toEqual([0, 1, 1, 2]);
    expect(pulumi.outputs()).toMatchObject({ flowId: '' });
    platform.faults.clear();
    if (then === 'up') expect(await pulumi.up(inputs)).toBe('updated');
    await pulumi.destroy();
    expect(countOf(sandbox)).toEqual([0, 0, 0, 0]);
  }
});

test('a creation that left nothing is not in the state', async () => {
  const { inputs, engine } = await started();
  const pulumi = engine();
  await expect(pulumi.up({ ...inputs, clientSecret: 'wrong' })).rejects.toThrow('client');
  expect(pulumi.state).toBeUndefined();
});

test('two runs at once make one of everything', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { inputs, engine, sandbox } = await started(seed);
    const [one, other] = [engine(), engine()];
    await Promise.all([one.up(inputs), other.up(inputs)]);
    expect(countOf(sandbox)).toEqual([1, 1, 1, 2]);
    expect(exported(sandbox)).toEqual({ audiences: ['a-1', 'a-2'], attributes: inputs.attributes });
    expect(one.outputs().flowId).toBe(other.outputs().flowId);
  }
});

test('in another sandbox it is another destination: made there, then taken away here', async () => {
  const { platform, inputs, engine, sandbox } = await started();
  const pulumi = engine();
  await pulumi.up(inputs);
  expect(await pulumi.up({ ...inputs, sandbox: 'trial' })).toBe('replaced');
  expect(countOf(sandbox)).toEqual([0, 0, 0, 0]);
  expect(countOf(platform.sandbox('trial'))).toEqual([1, 1, 1, 2]);
});
