import { expect, test } from 'vitest';
import { parseStackConfig } from './config-schema.ts';
import { madeWithOutput, refuseFixedChanges } from './made-with.ts';
import { fixtureConfiguration } from './testing/fixture-stacks.ts';
import { named, ofType, recordAnew } from './testing/stacks.ts';

const parse = (over: Readonly<Record<string, string>>) =>
  parseStackConfig({ stack: 'dev', values: { ...fixtureConfiguration('dev'), ...over }, secretNames: [] });
const noSecrets = { secretNames: [], storedSecrets: [] };
const change = (from: Readonly<Record<string, string>>, to: Readonly<Record<string, string>>) => () =>
  refuseFixedChanges(parse(to), madeWithOutput(parse(from), noSecrets));

test.each([
  ['location', 'westeurope', 'northeurope', 'deleted'],
  ['workload', 'acthub', 'contoso', 'deleted'],
  ['partitionCount', '2', '8', 'Event Hubs Standard keeps the number of partitions'],
  ['eventHubsTier', 'Standard', 'Premium', 'Event Hubs keeps the tier'],
  ['ledgerAccounts', '1', '4', 'rows would be looked for where they are not'],
  ['ledgerAccounts', '4', '2', 'How the ledger is moved: docs/operating/scale.md'],
  ['zoneRedundant', 'false', 'true', 'Event Hubs keeps the zones'],
  ['zoneRedundant', 'true', 'false', 'Event Hubs keeps the zones'],
])('%s cannot go from %s to %s once it is made', (key, from, to, why) => {
  const refused = change({ [key]: from }, { [key]: to });
  expect(refused).toThrow(`${key} was ${from} when the environment was made, and is ${to} now: `);
  expect(refused).toThrow(why);
  expect(refused).toThrow(`Write: pulumi config set ${key} '${from}'`);
  expect(change({ [key]: from }, { [key]: from })).not.toThrow();
  expect(() => refuseFixedChanges(parse({ [key]: to }), undefined)).not.toThrow();
});

test('an environment from before there were tiers is one of Standard', () => {
  const before = { ...madeWithOutput(parse({}), noSecrets), config: { partitionCount: 2 } };
  const refused = () => refuseFixedChanges(parse({ eventHubsTier: 'Premium', partitionCount: '64' }), before);
  expect(refused).toThrow('eventHubsTier was Standard');
  expect(refused).toThrow('partitionCount was 2');
  expect(() => refuseFixedChanges(parse({}), before)).not.toThrow();
});

test('an environment from before a ledger could be spread has it in one account', () => {
  const before = { ...madeWithOutput(parse({}), noSecrets), config: { partitionCount: 4 } };
  const refused = () => refuseFixedChanges(parse({ ledgerAccounts: '4' }), before);
  expect(refused).toThrow('ledgerAccounts was 1 when the environment was made, and is 4 now');
});

test('the ledger is moved to other accounts, or to Cosmos DB, by an operator who says so', () => {
  const cosmos = { ledgerCosmosEndpoint: 'https://contoso-ledger.table.cosmos.azure.com' };
  expect(change({}, cosmos)).toThrow('ledgerCosmosEndpoint was empty when the environment was made');
  for (const to of [cosmos, { ledgerAccounts: '4' }]) {
    expect(change({}, { ...to, moveLedger: 'true' })).not.toThrow();
    expect(change(to, { moveLedger: 'true' })).not.toThrow();
  }
  expect(change({}, { location: 'northeurope', moveLedger: 'true' })).toThrow('location was');
});

test('partitions of a Premium hub can be added, and not taken away', () => {
  const premium = (partitionCount: string) => ({ eventHubsTier: 'Premium', partitionCount });
  expect(change(premium('33'), premium('100'))).not.toThrow();
  expect(change(premium('100'), premium('33'))).toThrow('partitionCount was 100 when the environment was made');
});

test('a network that the app was in is kept until its subnet is free', () => {
  const [on, off, kept] = [{ privateNetwork: 'true' }, {}, { keepNetwork: 'true' }];
  expect(change(on, off)).toThrow("Write: pulumi config set keepNetwork 'true'");
  for (const [from, to] of [
    [on, kept],
    [kept, off],
    [off, on],
  ] as const) {
    expect(change(from, to)).not.toThrow();
  }
});

test('secrets of before have settings, and those in the vault stay as they are', async () => {
  const madeWith = {
    config: {},
    privateNetwork: false,
    secretNames: ['crm-signing-secret', 'old-key'],
    storedSecrets: ['old-key'],
  };
  const { resources, outputs } = await recordAnew('dev', {}, 'made', { madeWith });
  const settings = named(resources, 'handler-settings').inputs.properties as Record<string, string>;
  expect(settings.ACTIVATION_SECRET_OLD_KEY).toMatch(/\/secrets\/old-key\)$/);
  expect(ofType(resources, 'Secret').map(({ inputs }) => inputs.secretName)).toEqual(['old-key']);
  expect(outputs.madeWith).toMatchObject({ secretNames: madeWith.secretNames, storedSecrets: ['old-key'] });
  const dropped = await recordAnew('dev', { keepFormerSecrets: 'false' }, 'made', { madeWith });
  expect(JSON.stringify(dropped.resources)).not.toContain('old-key');
});
