import assert from 'node:assert/strict';
import type { ChangeKind, Delivery, DestinationErrorClass, Doubt } from '../src/index.ts';
import type { Attempt, Stage } from './contract-stage.ts';
import type { VendorFault } from './vendor-server.ts';

/** One case of the contract. */
export interface Case {
  readonly title: string;
  /** How long the connector may wait for its vendor. */
  readonly timeoutMs: number;
  readonly run: (stage: Stage) => Promise<void>;
}

export const define = (title: string, run: Case['run'], timeoutMs = 10_000): Case => ({ title, timeoutMs, run });

/** Both ways of a membership: vendors often have a call of its own for each. */
export const directions = ['entered', 'exited'] as const satisfies readonly ChangeKind[];

/** Delivers a batch of which every change must end as delivered. */
export async function deliver(stage: Stage, batch: readonly Delivery[]): Promise<void> {
  const { verdicts, error } = await stage.attempt(batch);
  assert.equal(error, undefined, 'a healthy vendor takes the batch');
  for (const verdict of verdicts.values()) assert.equal(verdict.status, 'delivered');
}

/** Updates these persons, of whom the vendor does not know the one with the number `unknown`. */
export async function findsNobody(stage: Stage, unknown: number, persons: readonly number[]): Promise<void> {
  const updates = stage.deliveries('updated', persons, 2);
  const nobody = at(stage.deliveries('updated', [unknown], 2), 0);
  const { verdicts, error } = await stage.attempt(updates);
  assert.equal(error, undefined, 'an unknown person does not fail the batch');
  for (const { change } of updates) {
    assert.equal(verdicts.get(change.id)?.status, change.id === nobody.id ? 'not-found' : 'delivered');
  }
}

/**
 * Delivers a batch as delivery does: what is refused as a whole is told in halves, until the row at
 * fault is alone.
 */
export async function halving(stage: Stage, batch: readonly Delivery[]): Promise<ReadonlyMap<string, string>> {
  const { verdicts, error } = await stage.attempt(batch);
  if (error === undefined) return new Map([...verdicts].map(([id, { status }]) => [id, status]));
  assert.equal(error.class, 'invalid', 'a batch that is refused for one row asks for halves');
  if (batch.length === 1) return new Map(batch.map(({ change }) => [change.id, 'rejected']));
  const half = Math.ceil(batch.length / 2);
  return new Map([...(await halving(stage, batch.slice(0, half))), ...(await halving(stage, batch.slice(half)))]);
}

/**
 * Looks at both directions while the vendor is faulty; once it has recovered, the same changes are
 * delivered. So there is a member to take back when the exit meets the fault: a connector that
 * looks first would have nothing to tell else.
 */
export async function duringFault(
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
export function fails(errorClass: DestinationErrorClass, { doubt }: { doubt: Doubt | undefined }) {
  return ({ error }: Attempt): void => {
    assert(error !== undefined, `the connector reports the failure as an error of class ${errorClass}`);
    assert.equal(error.class, errorClass);
    assert.equal(error.doubt, doubt, 'in doubt exactly when the vendor may have taken it');
    if (errorClass !== 'throttled') assert.equal(error.notBeforeMs, undefined);
  };
}

export async function assertMembers(
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

export function at(batch: readonly Delivery[], index: number): Delivery['change'] {
  const delivery = batch[index];
  assert(delivery !== undefined);
  return delivery.change;
}
