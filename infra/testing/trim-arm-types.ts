import { armResources } from '../arm-resources.ts';
import type { ArmType } from './arm-types.ts';

/** The types that the bootstrap uses and the stacks do not, with the file that has them. */
export const bootstrapTypes: Readonly<Record<string, string>> = {
  'Microsoft.KeyVault/vaults/keys': 'keyvault-microsoft.keyvault-2024-11-01.json',
  'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials':
    'msi-microsoft.managedidentity-2023-01-31.json',
  'Microsoft.Authorization/roleDefinitions': 'authorization-microsoft.authorization-2022-04-01.json',
};

/** What is kept: for each file of types, the resources in it that are used. */
export function usedTypes(): ReadonlyMap<string, readonly string[]> {
  const used = [
    ...Object.values(armResources).flatMap(({ typesFile, typeInFile, type }) =>
      typesFile === undefined ? [] : [{ file: typesFile, type: typeInFile ?? type }],
    ),
    ...Object.entries(bootstrapTypes).map(([type, file]) => ({ file, type })),
  ];
  return new Map(
    [...Map.groupBy(used, ({ file }) => file)]
      .map(([file, types]) => [file, [...new Set(types.map(({ type }) => type))].toSorted()] as const)
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** Flags of a property in Azure's types. */
const readOnly = 2;
const deployTimeConstant = 8;

/**
 * The facts of the named resources out of a file of Azure's types: names, kinds, flags, patterns,
 * bounds and words. Texts are left out, and so is what is inside of a property that only Azure
 * sets. The same input gives the same output; what was trimmed before comes out as it is. Throws
 * when a resource is not in the file.
 */
export function trimArmTypes(types: readonly ArmType[], resources: readonly string[]): readonly ArmType[] {
  const kept: ArmType[] = [];
  const places = new Map<string, string>();
  const place = (key: string, make: () => ArmType): { $ref: string } => {
    const known = places.get(key);
    if (known !== undefined) return { $ref: known };
    const ref = `#/${kept.length}`;
    places.set(key, ref);
    // Holds the place, for a type may contain itself.
    const index = kept.push({ $type: 'NullType' }) - 1;
    kept[index] = make();
    return { $ref: ref };
  };
  const refer = ({ $ref }: { readonly $ref: string }) => place($ref, () => factsOf(typeAt(types, $ref)));
  const anything = () => place('anything', () => ({ $type: 'AnyType' }));
  const propertiesOf = (
    properties: Readonly<Record<string, { readonly type: { $ref: string }; readonly flags: number }>>,
  ) =>
    Object.fromEntries(
      Object.entries(properties).map(([name, { type, flags }]) => {
        const isAzures = (flags & readOnly) !== 0 && (flags & deployTimeConstant) === 0;
        return [name, { type: isAzures ? anything() : refer(type), flags }];
      }),
    );

  function factsOf(type: ArmType): ArmType {
    switch (type.$type) {
      case 'AnyType':
      case 'BooleanType':
      case 'NullType':
        return { $type: type.$type };
      case 'ArrayType':
        return { $type: type.$type, itemType: refer(type.itemType) };
      case 'IntegerType':
        return only(type, ['minValue', 'maxValue']);
      case 'StringType':
        return only(type, ['minLength', 'maxLength', 'pattern']);
      case 'StringLiteralType':
        return only(type, ['value']);
      case 'UnionType':
        return { $type: type.$type, elements: type.elements.map(refer) };
      case 'ObjectType':
        return {
          $type: type.$type,
          ...(type.properties === undefined ? {} : { properties: propertiesOf(type.properties) }),
          ...(type.additionalProperties === undefined
            ? {}
            : { additionalProperties: refer(type.additionalProperties) }),
        };
      case 'DiscriminatedObjectType':
        return {
          $type: type.$type,
          discriminator: type.discriminator,
          baseProperties: propertiesOf(type.baseProperties),
          elements: Object.fromEntries(Object.entries(type.elements).map(([word, element]) => [word, refer(element)])),
        };
      case 'ResourceType':
        return { $type: type.$type, name: type.name, body: refer(type.body) };
      case 'ResourceFunctionType':
        throw new Error('Failed to keep a function of a resource: no body refers to one.');
    }
  }

  for (const name of resources) {
    const index = types.findIndex(
      (type) => type.$type === 'ResourceType' && type.name.toLowerCase().startsWith(`${name.toLowerCase()}@`),
    );
    if (index < 0) throw new Error(`Failed to keep Azure's types: ${name} is not in the file.`);
    refer({ $ref: `#/${index}` });
  }
  return kept;
}

function typeAt(types: readonly ArmType[], ref: string): ArmType {
  const type = types[Number(ref.slice(2))];
  if (type === undefined) throw new Error(`Failed to keep Azure's types: nothing is at ${ref}.`);
  return type;
}

/** The kind, and those of the named facts that the type has. */
function only<Type extends ArmType>(type: Type, facts: readonly (keyof Type)[]): Type {
  const known = facts.filter((fact) => type[fact] !== undefined).map((fact) => [fact, type[fact]] as const);
  return { $type: type.$type, ...Object.fromEntries(known) } as Type;
}

/** A type a line, so that a difference between two versions can be read. */
export function typesText(types: readonly ArmType[]): string {
  return `[\n${types.map((type) => JSON.stringify(type)).join(',\n')}\n]\n`;
}
