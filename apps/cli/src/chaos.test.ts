import { expect, test } from 'vitest';
import { encodeProfileExport } from '@activation-hub/audience-events/testing';
import { runChaos, tenantOf } from '../chaos/chaos.ts';
import { LeakScan } from '../chaos/leak-scan.ts';
import { Receiver } from '../chaos/receivers.ts';
import { makeSchedule } from '../chaos/schedule.ts';
import { compare, SentStates } from '../chaos/truth.ts';

const minuteMs = 60_000;

test(
  'hosts, workers and storage that are killed lose nothing and contradict nothing',
  async () => {
    const report = await runChaos({ exports: 600, kills: 3, seed: 1, durationMaxMs: 8 * minuteMs });
    expect(report).toMatchObject({
      lost: 0,
      contradicted: 0,
      drained: true,
      deadLetters: 0,
      orphans: 0,
      log: { leaks: 0, controlFinds: true },
    });
    expect(report.duplicates).toBeLessThanOrEqual(report.inFlight);
    expect(report.faults['host-killed'] + report.faults['worker-killed']).toBe(3);
    for (const { kind, applied, faults } of report.receivers) {
      expect(applied, kind).toBeGreaterThan(0);
      if (kind !== 'reliable') expect(faults, kind).toBeGreaterThan(0);
    }
  },
  10 * minuteMs,
);

test('a seed gives the same schedule again, another seed another, and kills are as many as asked for', () => {
  const schedule = makeSchedule({ seed: 7, kills: 50 });
  expect(makeSchedule({ seed: 7, kills: 50 })).toEqual(schedule);
  expect(makeSchedule({ seed: 8, kills: 50 })).not.toEqual(schedule);
  const count = (kind: string): number => schedule.filter((fault) => fault.kind === kind).length;
  expect(count('host-killed') + count('worker-killed')).toBe(50);
  expect(count('host-added')).toBe(count('host-removed'));
  expect(count('storage-stopped')).toBeGreaterThan(0);
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
  expect(receiver.counts).toMatchObject({ contradicted: 2 });
  await tell(item('exited', 5, 'gone', 'gated'), item('entered', 5, 'back', 'gated'));
  expect(receiver.counts).toMatchObject({ contradicted: 2 });
  await receiver.stop();
});

test('the comparison finds members who are missing, extra or outdated', async () => {
  const tenant = tenantOf(3, 500);
  const sent = new SentStates();
  for (let second = 0; second < 400; second += 1) sent.note(tenant.next(1_760_000_000_000 + second * 1_000).body);
  const receiver = await Receiver.start('closing', 1);
  await receiver.stop();
  const empty = compare(tenant, sent, receiver);
  expect(empty.members).toBeGreaterThan(20);
  expect(empty.missing).toBe(empty.members);

  receiver.members.set('third crmid NOBODY', '{}');
  const [row] = [...tenant.truth({ namespaces: ['crmid', 'email'], identities: 'first' })].filter(
    ({ audience, status, identity }) =>
      audience.name === 'third' &&
      status === 'realized' &&
      !sent.isThereAndBack(`third ${identity.namespace} ${identity.value}`),
  );
  receiver.members.set(
    `third ${row?.identity.namespace ?? ''} ${row?.identity.value ?? ''}`,
    '{"tier":"of yesterday"}',
  );
  expect(compare(tenant, sent, receiver)).toMatchObject({ missing: empty.missing - 1, extra: 1, outdated: 1 });
});
