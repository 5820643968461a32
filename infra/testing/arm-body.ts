import { armNames, type ArmResource } from '../arm-resources.ts';
import type { ArmType, ArmTypes, Properties } from './arm-types.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * What Azure gets for the inputs of a Pulumi resource. Pulumi flattens: a key that the type does
 * not have, but its `properties` do, goes there, on every level. Some keys have other names, and
 * lists of identities are maps.
 */
export function armBody(resource: ArmResource, inputs: Values, types: ArmTypes): Values {
  const address = new Set(['resourceGroupName', ...resource.names, resource.extends]);
  const own = Object.entries(inputs).filter(([key]) => !address.has(key));
  const name = armNames(resource, inputs).at(-1) ?? { unknown: true };
  const type = variantOf(types.bodyOf(resource.type), { name }, types);
  const body = lifted({ name, ...Object.fromEntries(own) }, type, { types, renames: resource.renames ?? {} });
  return body as Values;
}

interface Mapping {
  readonly types: ArmTypes;
  readonly renames: Readonly<Record<string, string>>;
}

function lifted(value: unknown, type: ArmType | undefined, mapping: Mapping): unknown {
  const { types, renames } = mapping;
  if (Array.isArray(value)) {
    const itemType = type?.$type === 'ArrayType' ? types.at(type.itemType) : undefined;
    return value.map((item) => lifted(item, itemType, mapping));
  }
  if (!isMapping(value) || isHidden(value) || type === undefined) return value;
  const shape = variantOf(type, renamed(value, renames), types);
  const properties = propertiesOf(shape);
  const envelope = properties.properties;
  const inner = envelope === undefined ? {} : propertiesOf(variantOf(types.at(envelope.type), value, types));

  const own: Record<string, unknown> = {};
  const moved: Record<string, unknown> = {};
  for (const [written, item] of Object.entries(value)) {
    const key = renames[written] ?? written;
    const isMoved = !(key in properties) && envelope !== undefined && (key in inner || isTop(properties));
    const itemType = (isMoved ? inner : properties)[key] ?? undefined;
    const mapped =
      key === 'userAssignedIdentities' && Array.isArray(item)
        ? Object.fromEntries(item.map((id) => [String(id), {}]))
        : lifted(item, itemType === undefined ? undefined : types.at(itemType.type), mapping);
    (isMoved ? moved : own)[key] = mapped;
  }
  return Object.keys(moved).length === 0 ? own : { ...own, properties: { ...moved, ...(own.properties ?? {}) } };
}

function renamed(value: Values, renames: Mapping['renames']): Values {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [renames[key] ?? key, item]));
}

/**
 * A resource itself: what it does not know belongs under its `properties`, where the validator will
 * complain.
 */
const isTop = (properties: Properties): boolean => 'apiVersion' in properties;

/** A type as it is for this value: of types told apart by a key, the one that the key says. */
export function variantOf(type: ArmType, value: Values, types: ArmTypes): ArmType {
  if (type.$type !== 'DiscriminatedObjectType') return type;
  const { discriminator, elements, baseProperties } = type;
  const chosen = elements[String(value[discriminator])];
  const element = chosen === undefined ? undefined : types.at(chosen);
  return { $type: 'ObjectType', properties: { ...baseProperties, ...(element ? propertiesOf(element) : {}) } };
}

export function propertiesOf(type: ArmType): Properties {
  return type.$type === 'ObjectType' ? (type.properties ?? {}) : {};
}

export function isMapping(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Something that is not to be seen: an output that only Azure knows, or a secret. */
export function isHidden(value: unknown): boolean {
  return isMapping(value) && (value.unknown === true || value.secret === true);
}
