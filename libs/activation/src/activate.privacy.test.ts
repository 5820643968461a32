import { shownOf } from '@activation-hub/delivery';
import { DestinationError } from '@activation-hub/destination-kit';
import { spans as spanDefinitions } from '@activation-hub/telemetry';
import { recordOpenTelemetry } from '@activation-hub/telemetry/testing';
import { expect, test } from 'vitest';
import { DisturbedLedger, eventOf, openActivation, personExport } from '../testing/index.ts';
import type { ReceivedEvent } from './index.ts';

/** Every value of a person that goes into the events of this test. */
const personal = [
  'kunde-4711',
  'zuleika@example.org',
  'Zuleika',
  '41570065363492864046196480857364251150',
  'nein-danke',
];
const [crmid = '', email = '', firstName = '', ecid = '', consent = ''] = personal;

function isNamedIn(text: string): readonly string[] {
  return personal.filter((value) => text.includes(value));
}

test('whatever goes wrong, nothing personal is in a line, a metric or a span, nor in an error', async () => {
  const ledger = new DisturbedLedger();
  const person = { identities: { crmid: [crmid], email: [email], ecid: [ecid] }, firstName };
  const { exported, spans, points, text } = recordOpenTelemetry();
  const { activate, retryDue, crm, lines, clock, context, letters } = openActivation({ ledger, exported });
  const errors: string[] = [];
  const attempt = async (...events: ReceivedEvent[]): Promise<void> => {
    clock.nowMs += context.timing.leaseMs;
    const note = (error: unknown): void => void errors.push(String(error), (error as Error).stack ?? '');
    await activate(...events).catch(note);
    await retryDue().catch(note);
  };
  const good = eventOf(personExport(person), 1);
  crm.onRequest = () => {
    throw new TypeError(`${crmid} ${firstName} is not a function`);
  };
  await attempt(good);
  crm.onRequest = () => {
    throw new DestinationError('throttled', 'Too many requests.');
  };
  await attempt(good);
  crm.onRequest = () => undefined;
  for (const status of ['retry', 'rejected', 'delivered'] as const) {
    crm.answer = ({ id }) => ({ id, status, reason: 'it says so' });
    await attempt(good, eventOf(personExport({ ...person, at: 60, status: 'exited' }), 2));
    await attempt(eventOf(personExport({ ...person, at: 120 + crm.requests }), 3));
  }
  await attempt(eventOf(personExport({ ...person, at: 500, consent }), 4));
  ledger.beforeWrite = () => {
    throw new Error('the table is down');
  };
  await attempt(eventOf(personExport({ ...person, at: 600 }), 5));
  ledger.beforeWrite = () => undefined;
  const memberships = { ups: { [email]: { status: firstName } }, [ecid]: firstName };
  const bodies = [
    `{"email":"${email}",`,
    `"${firstName}"`,
    `[{"identityMap":{"${email}":"${email}"}},{"identityMap":{"email":[{"id":4711},"${email}"]}}]`,
    JSON.stringify({ identityMap: { [email]: [{ id: null }] } }),
    JSON.stringify({ segmentMembership: memberships }),
  ];
  await attempt(...bodies.map((body, n) => ({ ...good, sequenceNumber: 10 + n, body: Buffer.from(body) })));

  expect(isNamedIn(lines.join('\n'))).toEqual([]);
  expect(isNamedIn(await text())).toEqual([]);
  expect(isNamedIn(errors.join('\n'))).toEqual([]);
  expect(isNamedIn(JSON.stringify(letters().map(shownOf)))).toEqual([]);

  const signals = new Set(lines.map((line) => (JSON.parse(line) as { signal: string }).signal));
  expect([...signals].toSorted()).toEqual([
    'batch-settled',
    'changes-deferred',
    'changes-rejected',
    'event-unreadable',
    'request-answered',
    'request-failed',
    'retry-settled',
  ]);
  // All spans were there to be looked through, also those of what failed, and most metrics.
  expect(new Set(spans().map(({ name }) => name))).toEqual(new Set(Object.keys(spanDefinitions)));
  expect(spans().some(({ attributes }) => attributes['error.type'] === 'Error')).toBe(true);
  expect(new Set((await points()).map(({ metric }) => metric)).size).toBeGreaterThan(12);
  expect(errors.length).toBeGreaterThan(0);
  // What was put in did go through: the destination was handed it, and the search finds it there.
  expect(isNamedIn(JSON.stringify(crm.handed))).toEqual([crmid, firstName]);
  expect(
    isNamedIn(
      letters()
        .map(({ event }) => Buffer.from(event.body).toString())
        .join('\n'),
    ),
  ).toContain(email);
});

test('control: a value that a span or a metric held would be found', async () => {
  const { exported, text } = recordOpenTelemetry();
  await exported.span('process retry', { attributes: { 'activation.retry.id': email } }, () => Promise.resolve());
  exported.record('change-age', 1, { destination: crmid });
  expect(isNamedIn(await text())).toEqual([crmid, email]);
});
