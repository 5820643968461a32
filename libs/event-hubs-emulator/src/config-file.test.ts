import { expect, test } from 'vitest';
import { producerFor, emulatorForTest } from '../testing/official-client.ts';
import { InvalidConfigFile, readConfigFile } from './config-file.ts';
import { sampleKey } from './index.ts';

const entity = (PartitionCount: unknown) => ({ Name: 'eh1', PartitionCount, ConsumerGroups: [{ Name: 'cg1' }] });
const file = (...entities: unknown[]) =>
  JSON.stringify({
    UserConfig: { NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities: entities }] },
    LoggingConfig: { Type: 'File' },
  });

test("Microsoft's Config.json defines the Event Hubs, and its key is accepted where it is asked for", async () => {
  const eventHubs = readConfigFile(file(entity('2'), { Name: 'eh2', PartitionCount: 3 }));
  expect(eventHubs).toEqual([
    { name: 'eh1', partitionCount: 2, consumerGroups: ['cg1'] },
    { name: 'eh2', partitionCount: 3, consumerGroups: [] },
  ]);
  const keys = [{ name: 'RootManageSharedAccessKey', rights: ['Manage'], primaryKey: sampleKey }] as const;
  const emulator = await emulatorForTest({ eventHubs, keys });
  expect(emulator.connectionString()).toContain('SharedAccessKey=SAS_KEY_VALUE;');
  await producerFor(emulator, 'eh2').sendBatch([{ body: 'x' }], { partitionId: '2' });
});

test.each([
  ['{', 'it is not JSON'],
  ['{}', 'UserConfig.NamespaceConfig is not a list'],
  [file(entity('two')), 'Entities[0].PartitionCount is not a whole number'],
  [file({ PartitionCount: 1 }), 'Entities[0].Name is not a text'],
  [JSON.stringify({ UserConfig: { NamespaceConfig: [{}, {}] } }), 'has 2 namespaces; there is one'],
])('a configuration with a mistake is refused with its place: %s', (text, why) => {
  expect(() => readConfigFile(text)).toThrow(InvalidConfigFile);
  expect(() => readConfigFile(text)).toThrow(why);
});
