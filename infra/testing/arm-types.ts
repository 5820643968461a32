import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArmResource } from '../arm-resources.ts';

/**
 * The format of bicep-types-az: a file is a list of types, which refer to each other by their place
 * in it.
 */
interface Reference {
  readonly $ref: string;
}
export type ArmType =
  | { readonly $type: 'AnyType' | 'BooleanType' | 'NullType' }
  | { readonly $type: 'ArrayType'; readonly itemType: Reference }
  | {
      readonly $type: 'DiscriminatedObjectType';
      readonly discriminator: string;
      readonly baseProperties: Properties;
      readonly elements: Readonly<Record<string, Reference>>;
    }
  | { readonly $type: 'IntegerType'; readonly minValue?: number; readonly maxValue?: number }
  | { readonly $type: 'ObjectType'; readonly properties?: Properties; readonly additionalProperties?: Reference }
  | { readonly $type: 'ResourceFunctionType' }
  | { readonly $type: 'ResourceType'; readonly name: string; readonly body: Reference }
  | { readonly $type: 'StringLiteralType'; readonly value: string }
  | {
      readonly $type: 'StringType';
      readonly minLength?: number;
      readonly maxLength?: number;
      readonly pattern?: string;
    }
  | { readonly $type: 'UnionType'; readonly elements: readonly Reference[] };
export type Properties = Readonly<Record<string, { readonly type: Reference; readonly flags: number }>>;

/**
 * Where the facts of Azure's published types are that are used here; its README says from which
 * version.
 */
export const armTypesFolder = join(import.meta.dirname, 'arm-types');

/** The types of one file. */
export class ArmTypes {
  readonly #types: readonly ArmType[];

  constructor(file: string) {
    this.#types = JSON.parse(readFileSync(join(armTypesFolder, file), 'utf8')) as readonly ArmType[];
  }

  at({ $ref }: Reference): ArmType {
    const type = this.#types[Number($ref.slice(2))];
    if (type === undefined) throw new Error(`Failed to read Azure's types: nothing is at ${$ref}.`);
    return type;
  }

  /** The body of a resource type, in whatever version the file has. */
  bodyOf(name: string): ArmType {
    const wanted = `${name}@`.toLowerCase();
    const found = this.#types.find(
      (type) => type.$type === 'ResourceType' && type.name.toLowerCase().startsWith(wanted),
    );
    if (found?.$type !== 'ResourceType') throw new Error(`Failed to read Azure's types: ${name} is not among them.`);
    return this.at(found.body);
  }
}

const files = new Map<string, ArmTypes>();

/** The types of a resource, read once; `undefined` for one of which Azure publishes none. */
export function armTypesOf({ typesFile }: ArmResource): ArmTypes | undefined {
  if (typesFile === undefined) return undefined;
  const types = files.get(typesFile) ?? new ArmTypes(typesFile);
  files.set(typesFile, types);
  return types;
}
