import { expect, test } from 'vitest';
import { readable } from '@activation-hub/membership/testing';
import { eventOf, fansId, fansKey, openActivation, personExport } from '../testing/index.ts';

const { signal } = new AbortController();
const file = `
version: 1
destinations:
  crm: { type: recording, giveUpAfter: 1h }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - { destination: crm, identity: crmid, attributes: { firstname: person.name.firstName } }
      - { destination: ads, identity: crmid }
`;
const events = (count: number) =>
  Array.from({ length: count }, (_, n) => eventOf(personExport({ person: `p${n}` }), n));

function openStalling() {
  const opened = openActivation({ file });
  opened.crm.answer = ({ id }) => ({ id, status: 'rejected', reason: 'no such field' });
  const passTime = async (): Promise<void> => {
    opened.clock.nowMs = Math.max(opened.clock.nowMs, opened.retryQueue.nextDueAtMs ?? 0);
    await opened.retryDue();
  };
  const stateOf = async (person: string) =>
    (await readable(opened.context.ledger).read([fansKey(person)], signal))[0]?.record;
  return { ...opened, passTime, stateOf };
}

test('what a destination rejects is held back when that is nearly everything, and the others go on', async () => {
  const { activate, letters, lines, outcomes, stateOf, counter } = openStalling();
  await activate(...events(30));
  expect(outcomes()).toEqual({ 'crm deferred': 30, 'ads delivered': 30 });
  expect(letters()).toEqual([]);
  expect(await stateOf('p7')).toMatchObject({ rowState: { is: 'deferred' } });
  const [said] = lines.filter((line) => line.includes('"destination-stalled"'));
  expect(said).toContain('crm is stalled');
  expect(said).toContain('no such field');
  expect(counter('destinations-stalled')).toBe(1);
});

test('when the destination is mended, what was held back is delivered, and everything is counted once', async () => {
  const { activate, crm, letters, outcomes, passTime } = openStalling();
  await activate(...events(30));
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await passTime();
  expect(outcomes()).toMatchObject({ 'crm delivered': 30, 'ads delivered': 30 });
  expect(letters()).toEqual([]);
  expect(crm.members.size).toBe(30);
});

test('what was held back stays held back when it is rejected again, also in small pieces, until it is given up', async () => {
  const { activate, clock, letters, outcomes, passTime, retryQueue } = openStalling();
  await activate(...events(30));
  for (let attempt = 0; attempt < 3; attempt += 1) await passTime();
  expect(letters()).toEqual([]);
  clock.nowMs += 3_600_000;
  await passTime();
  expect(letters()).toHaveLength(30);
  expect(outcomes()).toMatchObject({ 'crm rejected': 30 });
  expect(retryQueue.nextDueAtMs).toBeUndefined();
});

test('rejections of a few are dead letters at once, and so are those of a destination that takes most', async () => {
  const few = openStalling();
  await few.activate(...events(19));
  expect(few.outcomes()).toMatchObject({ 'crm rejected': 19 });
  expect(few.letters()).toHaveLength(19);

  const most = openStalling();
  most.crm.answer = ({ id, identity }) =>
    identity.value.endsWith('3') ? { id, status: 'rejected', reason: 'no' } : { id, status: 'delivered' };
  await most.activate(...events(30));
  expect(most.outcomes()).toMatchObject({ 'crm rejected': 3, 'crm delivered': 27 });
});

test('people whom the destination does not know stall nothing, fill no dead letters, and are sent again when they change', async () => {
  const { activate, crm, letters, lines, outcomes, retryQueue, stateOf } = openStalling();
  crm.answer = ({ id }) => ({ id, status: 'not-found', reason: 'no contact has this e-mail address' });
  await activate(...events(30));
  expect(outcomes()).toMatchObject({ 'crm not-found': 30 });
  expect(letters()).toEqual([]);
  expect(retryQueue.nextDueAtMs).toBeUndefined();
  expect(lines.some((line) => line.includes('"destination-stalled"'))).toBe(false);
  expect(await stateOf('p7')).toMatchObject({ rowState: { is: 'not-found' } });

  const handed = crm.handed.length;
  await activate(eventOf(personExport({ person: 'p7' }), 40));
  expect(crm.handed).toHaveLength(handed);
  crm.answer = ({ id }) => ({ id, status: 'delivered' });
  await activate(eventOf(personExport({ person: 'p7', firstName: 'Grace' }), 41));
  expect(crm.story).toEqual(['entered sports-fans p7']);
});
