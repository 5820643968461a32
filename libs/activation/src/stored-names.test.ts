import { createMatcher } from '@activation-hub/activation-file';
import type { Control } from '@activation-hub/delivery';
import { expect, test } from 'vitest';
import { fansId, parseTestFile } from '../testing/index.ts';
import { presentKey, routedAudiences, storedNames, underPresentKeys } from './stored-names.ts';

const file = parseTestFile(`
version: 1
destinations:
  ads: { type: recording, formerly: [crm, old-crm] }
  archive: { type: recording }
audiences:
  fans: { id: ${fansId}, activate: [{ destination: ads, identity: [crmid] }] }
  travellers: { id: t, activate: [{ destination: ads, identity: [crmid] }, { destination: archive, identity: [crmid] }] }
`);
const matcher = createMatcher(file);

test('a destination has its key and its earlier ones in stores, whichever of them is given', () => {
  expect(storedNames('ads', matcher)).toEqual(['ads', 'crm', 'old-crm']);
  expect(storedNames('crm', matcher)).toEqual(['ads', 'crm', 'old-crm']);
  expect(storedNames('gone', matcher)).toEqual(['gone']);
  expect(['ads', 'crm', 'gone'].map((name) => presentKey(name, matcher))).toEqual(['ads', 'ads', 'gone']);
});

test('a control gets the key that its destination has now, and is left as it is otherwise', () => {
  const control: Control = { action: 'pause', atMs: 1, by: 'ada', reason: 'a freeze', audience: 'fans' };
  const of = (destination: string): Control => ({ ...control, destination });
  const controls = [control, of('crm'), of('archive'), of('gone')];
  expect(controls.map((each) => underPresentKeys(each, matcher))).toStrictEqual([
    control,
    of('ads'),
    of('archive'),
    of('gone'),
  ]);
});

test('a control of a route gets the key that its audience has now, and holds by the old one where the file has no such route', () => {
  const of = (id: string, destination = 'crm'): Control => ({
    action: 'pause',
    atMs: 1,
    by: 'ada',
    reason: 'a freeze',
    destination,
    audience: 'vip',
    ledgerAudience: { namespace: 'ups', id },
  });
  const keys = (control: Control) => {
    const { destination, audience } = underPresentKeys(control, matcher);
    return [destination, audience];
  };
  expect(keys(of(fansId))).toEqual(['ads', 'fans']);
  expect(keys(of(fansId, 'archive'))).toEqual(['archive', 'vip']);
  expect(keys(of('unknown'))).toEqual(['ads', 'vip']);
  expect(keys(of(fansId, 'gone'))).toEqual(['gone', 'vip']);
});

test('a file routes by its own names, by earlier ones of destinations, and by the rows of audiences', () => {
  const { byDestination, isRoute, isRouteOf } = routedAudiences(file, matcher);
  expect([...byDestination]).toEqual([
    ['ads', new Set(['fans', 'travellers'])],
    ['archive', new Set(['travellers'])],
  ]);
  expect([isRoute('fans', 'ads'), isRoute('fans', 'crm'), isRoute('fans', 'archive')]).toEqual([true, true, false]);
  const rowOf = (destination: string) => ({
    destination,
    identity: { namespace: 'crmid', value: 'C-1' },
    audience: { namespace: 'ups', id: fansId },
  });
  expect([isRouteOf(rowOf('old-crm')), isRouteOf(rowOf('archive'))]).toEqual([true, false]);
});
