import type { EventHubDefinition } from './event-hub.ts';

/** A configuration that is not understood. The message names the place in the file. */
export class InvalidConfigFile extends Error {
  override name = 'InvalidConfigFile';
}

/**
 * The Event Hubs that the `Config.json` of Microsoft's emulator defines:
 * `UserConfig.NamespaceConfig[0].Entities`, each with `Name`, `PartitionCount` (a number, or one in
 * quotes as in Microsoft's samples) and `ConsumerGroups` of `Name` ("Test locally with the Azure
 * Event Hubs emulator"). The name of the namespace and `LoggingConfig` change nothing. Throws
 * InvalidConfigFile, also for a second namespace, which Microsoft's emulator does not take either.
 */
export function readConfigFile(text: string): EventHubDefinition[] {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new InvalidConfigFile(`Failed to read the configuration: it is not JSON.`, { cause: error });
  }
  const path = 'UserConfig.NamespaceConfig';
  const namespaces = list(field(field(config, 'UserConfig'), 'NamespaceConfig'), path);
  if (namespaces.length !== 1) throw invalid(path, `has ${namespaces.length} namespaces; there is one`);
  const entities = list(field(namespaces[0], 'Entities'), `${path}[0].Entities`);
  return entities.map((entity, index) => readEntity(entity, `${path}[0].Entities[${index}]`));
}

function readEntity(entity: unknown, path: string): EventHubDefinition {
  const partitionCount = Number(field(entity, 'PartitionCount'));
  if (!Number.isInteger(partitionCount)) throw invalid(`${path}.PartitionCount`, 'is not a whole number');
  const groups = list(field(entity, 'ConsumerGroups') ?? [], `${path}.ConsumerGroups`);
  return {
    name: nameOf(entity, path),
    partitionCount,
    consumerGroups: groups.map((group, index) => nameOf(group, `${path}.ConsumerGroups[${index}]`)),
  };
}

function nameOf(value: unknown, path: string): string {
  const name = field(value, 'Name');
  if (typeof name !== 'string') throw invalid(`${path}.Name`, 'is not a text');
  return name;
}

function list(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(path, 'is not a list');
  return value;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function invalid(path: string, why: string): InvalidConfigFile {
  return new InvalidConfigFile(`Failed to read the configuration: ${path} ${why}.`);
}
