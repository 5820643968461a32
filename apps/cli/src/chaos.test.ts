import { expect, test } from 'vitest';
import { encodeProfileExport } from '@activation-hub/audience-events/testing';
import { runChaos, tenantOf } from '../chaos/chaos.ts';
import { gatedAudience, mappedAttributes, routes, type FileVersion } from '../chaos/chaos-file.ts';
import { LeakScan } from '../chaos/leak-scan.ts';
import { Receiver, type ReceiverKind, type Return } from '../chaos/receivers.ts';
import { RecoveryWatch, type WaitingRetry } from '../chaos/recoveries.ts';
import { makeSchedule } from '../chaos/schedule.ts';
import { compare, SentStates } from '../chaos/truth.ts';
import type { Tenant } from './traffic/tenant.ts';

const minuteMs = 60_000;

test(
  'hosts, workers and storage that are killed, people and a file that change: nothing is lost, contradicted or left behind',
  async () => {
    const report = await runChaos({ plan: 'failing', exports: 600, kills: 3, seed: 1, durationMaxMs: 8 * minuteMs });
    // First, because it says of whom, and how that came about.
    expect(report.receivers.flatMap(({ kind, differences }) => differences.map((each) => ({ kind, ...each })))).toEqual(
      [],
    );
    expect(report).toMatchObject({
      lost: 0,
      contradicted: 0,
      leftBehind: 0,
      drained: true,
      deadLetters: 0,
      orphans: 0,
      log: { leaks: 0, controlFinds: true },
    });
    expect(report.duplicates).toBeLessThanOrEqual(report.inFlight);
    expect(report.faults['host-killed'] + report.faults['worker-killed']).toBe(3);
    expect(report.faults['file-changed']).toBe(1);
    expect(report.recoveries.length).toBeGreaterThan(0);
    for (const { kind, applied, faults } of report.receivers) {
      expect(applied, kind).toBeGreaterThan(0);
      if (kind !== 'reliable') expect(faults, kind).toBeGreaterThan(0);
    }
  },
  10 * minuteMs,
);

test('a seed gives the same schedule again, another seed another, and kills are as many as asked for', () => {
  const schedule = makeSchedule({ seed: 7, kills: 50, plan: 'failing' });
  expect(makeSchedule({ seed: 7, kills: 50, plan: 'failing' })).toEqual(schedule);
  expect(makeSchedule({ seed: 8, kills: 50, plan: 'failing' })).not.toEqual(schedule);
  const count = (kind: string): number => schedule.filter((fault) => fault.kind === kind).length;
  expect(count('host-killed') + count('worker-killed')).toBe(50);
  expect(count('host-added')).toBe(count('host-removed'));
  expect(count('storage-stopped')).toBeGreaterThan(0);
  expect(count('file-changed')).toBe(1);
  const outage = makeSchedule({ seed: 7, kills: 50, plan: 'outage' });
  expect(outage.filter(({ kind }) => kind === 'receiver-down')).toMatchObject([{ lastsMs: 10_000 }]);
  expect(outage.some(({ kind }) => kind === 'file-changed')).toBe(false);
});

test('an identity, an attribute value and a secret are found in a line, and a line without them is clean', () => {
  const scan = new LeakScan();
  const tenant = tenantOf(1, 500);
  const bodies = Array.from({ length: 200 }, (_, index) => tenant.next(1_760_000_000_000 + index * 1_000).body);
  for (const body of bodies) scan.addExport(body);
  scan.add('hush-9f3a');
  expect(scan.controlFinds()).toBe(true);
  for (const body of bodies) expect(scan.finds(Buffer.from(encodeProfileExport(body)).toString())).toBe(true);
  expect(scan.finds('x-host: hush-9f3a.')).toBe(true);
  expect(scan.finds('{"signal":"batch-settled","partitionId":"3","events":17,"lastSequenceNumber":90210}')).toBe(false);
});

const item = (change: string, second: number, id = `${change}-${second}`, key = 'second') => ({
  id,
  change,
  audience: { key },
  identity: { namespace: 'crmid', value: 'C-1' },
  qualifiedAt: new Date(1_760_000_000_000 + second * 1_000).toISOString(),
  attributes: {},
});

test('a receiver counts what comes again and what comes late', async () => {
  const receiver = await Receiver.start('reliable', 1);
  const tell = async (...data: unknown[]) => {
    const { status } = await fetch(receiver.url, { method: 'POST', body: JSON.stringify({ data }) });
    expect(status).toBe(204);
  };
  await tell(item('entered', 5), item('exited', 9));
  expect(receiver.counts).toMatchObject({ applied: 2, duplicates: 0, contradicted: 0 });
  await tell(item('exited', 9));
  expect(receiver.counts).toMatchObject({ duplicates: 1, contradicted: 0 });
  await tell(item('entered', 9));
  await tell(item('updated', 7));
  expect(receiver.counts).toMatchObject({ contradicted: 1 });
  expect(receiver.returns).toEqual([{ audience: 'second', identity: 'crmid C-1', atMs: 1_760_000_009_000 }]);
  await receiver.stop();
});

const sentOf = (tenant: Tenant, count: number): SentStates => {
  const sent = new SentStates();
  for (let second = 0; second < count; second += 1) {
    const atMs = 1_760_000_000_000 + second * 1_000;
    sent.note(tenant.next(atMs), atMs);
  }
  return sent;
};

/** A receiver that knows exactly what the tenant says. */
async function perfectReceiver(tenant: Tenant, kind: ReceiverKind, version: FileVersion): Promise<Receiver> {
  const receiver = await Receiver.start(kind, 1);
  await receiver.stop();
  for (const { audience: name, receiver: of, choice, changes } of routes) {
    if (of !== kind || changes === (version === 'before' ? 'added' : 'retired')) continue;
    for (const { audience, status, consentWithdrawn, identities, attributes } of tenant.truth(choice)) {
      if (audience.name !== name || status === 'exited' || (name === gatedAudience && consentWithdrawn)) continue;
      const told = Object.entries(mappedAttributes).map(([key, path]) => [key, attributes[path]] as const);
      for (const { namespace, value } of identities)
        receiver.members.set(`${name} ${namespace} ${value}`, JSON.stringify(Object.fromEntries(told)));
    }
  }
  return receiver;
}

test('the comparison finds members who are missing, outdated or left behind, and nothing else', async () => {
  const tenant = tenantOf(3, 500);
  const sent = sentOf(tenant, 400);
  const receiver = await perfectReceiver(tenant, 'closing', 'before');
  const right = compare(tenant, sent, receiver, 'before');
  expect(right.members).toBeGreaterThan(10);
  expect(right).toMatchObject({ missing: 0, outdated: 0, leftBehind: 0, contradicted: 0, thereAndBackDiffering: 0 });

  const [first = '', second = ''] = [...receiver.members.keys()];
  receiver.members.delete(first);
  receiver.members.set(second, '{"tier":"of yesterday"}');
  receiver.members.set('third crmid NOBODY', '{}');
  expect(compare(tenant, sent, receiver, 'before')).toMatchObject({ missing: 1, outdated: 1, leftBehind: 1 });

  receiver.members.clear();
  const empty = compare(tenant, sent, receiver, 'before');
  expect(empty).toMatchObject({ missing: empty.members, leftBehind: 0 });
});

test('a person who is known under an identity of before is left behind', async () => {
  const tenant = tenantOf(3, 500);
  const sent = sentOf(tenant, 1500);
  const receiver = await perfectReceiver(tenant, 'closing', 'before');
  const route = routes.find(({ receiver: kind }) => kind === 'closing');
  const now = [...tenant.truth(route?.choice ?? expect.unreachable())].filter(
    ({ audience, status, identities }) =>
      audience.name === 'third' && status === 'realized' && identities.some(({ namespace }) => namespace === 'crmid'),
  );
  const left = now.flatMap(({ profile, attributes, qualifiedAtMs }) => {
    // The address is a worse identity than the one that the person has now, and is still the
    // person's own.
    const email = attributes[mappedAttributes.mail];
    if (typeof email !== 'string') return expect.unreachable();
    const isKnown = sent.owner(`email ${email}`) === profile;
    const isLenient = sent.qualification('third', profile, qualifiedAtMs, 'realized')?.isThereAndBack === true;
    return isKnown && !isLenient ? [`third email ${email}`] : [];
  });
  expect(left.length).toBeGreaterThan(5);
  for (const key of left) receiver.members.set(key, '{}');
  expect(compare(tenant, sent, receiver, 'before')).toMatchObject({ missing: 0, leftBehind: left.length });
});

test('when the file has changed, no person of a retired route may be known, and each one of the new route must be', async () => {
  const tenant = tenantOf(3, 500);
  const sent = sentOf(tenant, 400);
  for (const kind of ['reliable', 'halving'] as const) {
    const [before, after] = [
      await perfectReceiver(tenant, kind, 'before'),
      await perfectReceiver(tenant, kind, 'after'),
    ];
    expect(compare(tenant, sent, after, 'after')).toMatchObject({ missing: 0, outdated: 0, leftBehind: 0 });
    const wrong = compare(tenant, sent, before, 'after');
    expect(kind === 'reliable' ? wrong.leftBehind : wrong.missing).toBeGreaterThan(20);
  }
});

test('a return within one qualification is right for a person who was out in between, and else contradicts', async () => {
  const tenant = tenantOf(5, 100);
  const sent = new SentStates();
  const simulated = Array.from({ length: 2_000 }, (_, second) => tenant.next(1_760_000_000_000 + second * 1_000));
  for (const each of simulated) sent.note(each, 0);
  const receiver = await Receiver.start('reliable', 1);
  await receiver.stop();
  const choice = routes.find((each) => each.receiver === 'reliable' && each.audience === 'gated')?.choice;
  const returnOf = (withdrawn: boolean): Return | undefined => {
    for (const { profile, memberships } of simulated) {
      for (const { audience, status, qualifiedAtMs: atMs } of memberships) {
        const states = [...(sent.qualification(audience.name, profile, atMs, status)?.states.values() ?? [])];
        const [state] = states;
        if (audience.name !== 'gated' || status === 'exited' || state === undefined || choice === undefined) continue;
        const [identity] = tenant.describe(profile, state, choice).identities;
        const isFit = withdrawn ? states.some((each) => each.withdrawn) : states.length === 1 && !state.withdrawn;
        if (identity === undefined || !isFit) continue;
        return { audience: 'gated', identity: `${identity.namespace} ${identity.value}`, atMs };
      }
    }
    return undefined;
  };
  receiver.returns.push(returnOf(true) ?? expect.unreachable());
  expect(compare(tenant, sent, receiver, 'before').contradicted).toBe(0);
  receiver.returns.push(returnOf(false) ?? expect.unreachable());
  expect(compare(tenant, sent, receiver, 'before').contradicted).toBe(1);
});

test('a recovery ends with the last retry that had waited, and what was deferred later does not count', async () => {
  let nowMs = 100_000;
  let waiting: WaitingRetry[] = [];
  const recoveries = new RecoveryWatch(
    () => (waiting.length === 0 ? Promise.reject(new Error('The storage is stopped.')) : Promise.resolve(waiting)),
    () => nowMs,
  );
  const retry = (atMs: number, receiver = 'down'): WaitingRetry => ({ receiver, firstDeferredAtMs: atMs });
  recoveries.returned({ kind: 'down', beganMs: 90_000, endedMs: 100_000 });
  recoveries.returned({ kind: 'throttling', beganMs: 99_900, endedMs: 100_000 });
  await recoveries.look();
  for (const [atMs, retries] of [
    [105_000, [retry(99_999), retry(100_001), retry(90_000, 'throttling'), retry(91_000, 'throttling')]],
    [107_000, [retry(100_001), retry(90_000, 'throttling')]],
    [109_000, [retry(100_001), retry(90_000, 'throttling')]],
  ] as const) {
    nowMs = atMs;
    waiting = [...retries];
    await recoveries.look();
  }
  recoveries.returned({ kind: 'halving', beganMs: 109_000, endedMs: 109_000 });
  recoveries.returned({ kind: 'halving', beganMs: 109_500, endedMs: 110_000 });
  expect(recoveries.end()).toEqual([
    { receiver: 'down', outageSeconds: 10, recoverySeconds: 7 },
    { receiver: 'halving', outageSeconds: 0 },
    // Nothing ever made the last one due.
    { receiver: 'throttling', outageSeconds: 0.1, recoverySeconds: 7 },
    { receiver: 'halving', outageSeconds: 0.5, recoverySeconds: 0 },
  ]);
});
