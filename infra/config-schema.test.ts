import { expect, test } from 'vitest';
import { activationNeeds } from './activation-needs.ts';
import { configFields, parseStackConfig } from './config-schema.ts';
import { activationsFolder, stackNames } from './operator-files.ts';
import { plannedConfiguration } from './plan/plan-stack.ts';
import { declaredConfig } from './plan/stack-configuration.ts';
import { fixtureConfiguration } from './testing/fixture-stacks.ts';

const secretNames = ['crm-signing-secret'];
const aep = {
  aepOrganisation: '0123456789ABCDEF@AdobeOrg',
  aepSandbox: 'prod',
  aepClientId: 'client',
  aepClientSecret: 'the-client-secret',
};
const parse = (over: Readonly<Record<string, string>> = {}, stack = 'dev') =>
  parseStackConfig({ stack, values: { ...fixtureConfiguration('dev'), ...over }, secretNames });

test.each(stackNames())('the configuration that an operator wrote for %s is right', (stack) => {
  const values = plannedConfiguration(stack);
  const { secretNames: named } = activationNeeds(stack, activationsFolder);
  expect(parseStackConfig({ stack, values, secretNames: named })).toMatchObject({ environment: stack });
});

test('a tag that looks like a number is text, for Pulumi writes it as a number', () => {
  expect(parse({ tags: '{"costCenter":4711,"owner":"data"}' }).tags).toEqual({ costCenter: '4711', owner: 'data' });
});

test('a list and a mapping are set by their parts, for Pulumi refuses them as one text', () => {
  const said = (key: string, value: string) => () => parse({ [key]: value });
  expect(said('alertEmails', 'x')).toThrow("Write: pulumi config set --path 'alertEmails[0]' 'on-call@example.com'");
  expect(said('tags', 'x')).toThrow("Write: pulumi config set --path 'tags.costCenter' '4711'");
  expect(said('location', 'X')).toThrow("Write: pulumi config set location 'westeurope'");
  expect(said('aepClientSecret', 'a b')).toThrow("Write: pulumi config set --secret aepClientSecret 'p8e-…'");
});

test('prod must say whom its alerts reach: people, or an action group that is there already', () => {
  const nobody = { alertEmails: '[]', alertActionGroups: '[]' };
  expect(() => parse(nobody, 'prod')).toThrow('prod needs alertEmails or alertActionGroups');
  expect(parse(nobody, 'dev').alertEmails).toEqual([]);
  expect(parse({ ...nobody, alertEmails: '["on-call@example.com"]' }, 'prod').environment).toBe('prod');
  const { example } = configFields.alertActionGroups;
  expect(parse({ ...nobody, alertActionGroups: example }, 'prod').environment).toBe('prod');
});

test.each(['dev', 'staging', 'prod'])('the configuration of %s that the tests run with is right', (stack) => {
  expect(parseStackConfig({ stack, values: fixtureConfiguration(stack), secretNames })).toMatchObject({
    environment: stack,
  });
});

test('text, numbers, flags and lists are read as what they are', () => {
  expect(
    parse({
      partitionCount: '8',
      archive: 'true',
      alertEmails: '["ada@example.com"]',
      'secret-crm-signing-secret': 'x',
    }),
  ).toMatchObject({ location: 'westeurope', partitionCount: 8, archive: true, alertEmails: ['ada@example.com'] });
});

test('Pulumi.yaml declares exactly the keys that are read, with their types', () => {
  expect(Object.keys(declaredConfig()).toSorted()).toEqual(Object.keys(configFields).toSorted());
  const config = parse();
  for (const [key, { type }] of Object.entries(declaredConfig())) {
    const value = config[key as keyof typeof config];
    const found = Array.isArray(value) ? 'array' : typeof value === 'number' ? 'integer' : typeof value;
    expect(`${key}: ${type}`).toBe(`${key}: ${found}`);
  }
});

const clusterId = configFields.eventHubsClusterId.example;

test('every example is accepted where it is given', () => {
  const together = { ...aep, privateNetwork: 'true', budgetStart: '2026-12-01', alertEmails: '["a@example.com"]' };
  for (const [key, { example }] of Object.entries(configFields)) {
    const tier = key === 'eventHubsClusterId' ? { eventHubsTier: 'Dedicated' } : {};
    expect(() => parse({ ...together, ...tier, [key]: example }), key).not.toThrow();
  }
});

test.each([
  ['partitionCount', '0', 'partitionCount must be a whole number from 1 to 1024, not 0.'],
  ['partitionCount', '2.5', 'partitionCount must be a whole number from 1 to 1024, not 2.5.'],
  ['partitionCount', 'many', "not many. Write: pulumi config set partitionCount '8'"],
  ['sendOnly', 'yes', 'sendOnly must be true or false, not yes.'],
  ['location', 'West Europe', 'location must be the name of an Azure region, not West Europe.'],
  ['location', '', 'not empty.'],
  ['workload', 'activation', 'workload must be 3 to 7 lower-case letters'],
  ['instanceMemoryMb', '1024', 'instanceMemoryMb must be 2048 or 4096, not 1024.'],
  ['ledgerAccounts', '3', 'ledgerAccounts must be 1, 2, 4, 8, 16 or 32, not 3.'],
  [
    'ledgerCosmosEndpoint',
    'https://contoso.documents.azure.com',
    'must be the table endpoint of an account of Cosmos DB',
  ],
  ['silenceHours', '7', 'silenceHours must be 1, 2, 3, 4, 5, 6, 24 or 48, not 7.'],
  ['logDailyQuotaGb', '0', 'logDailyQuotaGb must be'],
  ['logLevel', 'verbose', 'logLevel must be debug, information, warning or error, not verbose.'],
  ['alertEmails', 'ada@example.com', 'alertEmails must be a list of e-mail addresses'],
  ['alertEmails', '["ada"]', 'alertEmails must be a list of e-mail addresses'],
  ['alertActionGroups', '["on-call"]', 'alertActionGroups must be a list of at most 4 ids of action groups'],
  ['repositoryUrl', 'github.com/contoso', 'repositoryUrl must be the address of the branch on the web, or empty'],
  ['tags', '["a"]', 'tags must be a mapping of names to texts'],
  ['tags', '{"cost<center":"1"}', 'tags must be a mapping of names to texts'],
  ['tags', '{"environment":"x"}', 'tags must be a mapping of names to texts'],
  ['instanceMemoryMb', '512', 'instanceMemoryMb must be 2048 or 4096, not 512.'],
  ['adobeEgressRanges', '["203.0.113.0/99"]', 'adobeEgressRanges must be a list of IPv4 addresses or ranges'],
  ['adobeEgressRanges', '["0.0.0.0/0"]', 'adobeEgressRanges must be a list of IPv4 addresses or ranges'],
  ['addressSpace', '8.8.8.0/24', 'addressSpace must be a private /24 range'],
  ['budgetStart', '2026-12-02', 'budgetStart must be the first day of a month'],
  ['partitonCount', '8', 'partitonCount is not known. Known are location,'],
  ['secret-typo', 'x', 'It names crm-signing-secret.'],
  ['adobeEgressRanges', '["203.0.113.0/24"]', 'adobeEgressRanges needs privateNetwork'],
  ['privateVault', 'true', 'privateVault needs privateNetwork'],
  ['throughputUnits', '20', 'throughputUnitsMax (4) must not be lower than throughputUnits (20).'],
  ['partitionCount', '33', 'partitionCount (33) must be at most 32 where eventHubsTier is Standard.'],
  ['retentionHours', '169', 'retentionHours (169) must be at most 168 where eventHubsTier is Standard.'],
  ['eventHubsTier', 'Dedicated', 'eventHubsTier Dedicated needs eventHubsClusterId, and the other tiers have none.'],
  ['eventHubsClusterId', clusterId, 'eventHubsTier Dedicated needs eventHubsClusterId, and the other tiers have none.'],
  ['alwaysReady', '3', 'alwaysReady (3) must not exceed partitionCount (2)'],
  ['budgetMonthly', '500', 'budgetMonthly needs budgetStart'],
  ['budgetMonthly', '500', 'budgetMonthly needs alertEmails'],
  ['oldestMinutesMax', '1000', 'must be at most half of retentionHours (24)'],
  ['aepOrganisation', '0123', 'aepOrganisation must be the id of an organisation of Adobe'],
  ['aepSandbox', 'My sandbox', 'aepSandbox must be the name of a sandbox, or empty, not My sandbox.'],
  ['aepPlatformUrl', 'http://platform.adobe.io', 'aepPlatformUrl must be an https address'],
  ['aepImsUrl', '', "aepImsUrl must be an https address, not empty. Write: pulumi config set aepImsUrl 'https://"],
  ['aepConnectionId', 'c-1', 'aepConnectionId needs aepOrganisation, aepSandbox, aepClientId, aepClientSecret'],
  ['aepDataflowId', 'f-1', 'aepDataflowId needs aepOrganisation'],
])('%s: %s is refused with words that help', (key, value, words) => {
  expect(() => parse({ [key]: value })).toThrow(words);
});

test.each(Object.keys(aep))('AEP is connected with all four keys or none: without %s it is refused', (key) => {
  expect(() => parse(aep)).not.toThrow();
  expect(() => parse({ ...aep, [key]: '' })).toThrow(`${key} is empty, but others of aepOrganisation, aepSandbox,`);
  expect(() => parse({ ...aep, aepClientSecret: '' })).toThrow('pulumi config set --secret aepClientSecret');
});

test('the client secret is neither in an error nor in what is read', () => {
  expect(parse(aep).aepClientSecret).toBe('[secret]');
  const leak = () => parse({ ...aep, aepClientSecret: 'with a space', partitionCount: '0' });
  expect(leak).toThrow('aepClientSecret must be the client secret of the credential, or empty, not [secret].');
  expect(leak).not.toThrow('with a space');
});

test('a ledger is spread over storage accounts or is in Cosmos DB, not both', () => {
  const ledgerCosmosEndpoint = configFields.ledgerCosmosEndpoint.example;
  expect(() => parse({ ledgerCosmosEndpoint, ledgerAccounts: '4' })).toThrow(
    'ledgerAccounts (4) must be 1 where ledgerCosmosEndpoint is given',
  );
});

test('one always ready instance is refused where there are several zones', () => {
  expect(() => parse({ zoneRedundantApp: 'true', alwaysReady: '1' })).toThrow('alwaysReady must be 0 or at least 2');
});

test('everything that is wrong is told at once, and what is missing too', () => {
  const { location, ...values } = fixtureConfiguration('dev');
  expect(location).toBe('westeurope');
  const wrong = { ...values, workload: 'X', partitionCount: '-1', colour: 'blue' };
  expect(() => parseStackConfig({ stack: 'dev', values: wrong, secretNames })).toThrow(
    /^Failed to read the configuration of the stack dev:\n- colour is not known.*\n- location must be .*it is missing.*\n- workload .*\n- partitionCount .*$/,
  );
});

test.each(['production', 'd', 'Dev', 'my-dev', ''])('the stack name %j is refused', (stack) => {
  expect(() => parse({}, stack)).toThrow("The stack's name must be 2 to 7 lower-case letters or digits");
});

test('the value of a secret is in no error', () => {
  const leak = () => parse({ 'secret-typo': 'the-value', partitionCount: '0' });
  expect(leak).toThrow();
  expect(leak).not.toThrow('the-value');
});
