import { armBody, isHidden, isMapping, propertiesOf, variantOf } from './arm-body.ts';
import type { ArmResource } from '../arm-resources.ts';
import { armTypesOf, type ArmType, type ArmTypes } from './arm-types.ts';

/** Flags of a property in Azure's types. */
const required = 1;
const readOnly = 2;
const deployTimeConstant = 8;

/**
 * Compares a resource's inputs with the type that Azure publishes for it. Gives one line per fault,
 * with its path: what is required and missing, unknown, read-only, of the wrong kind, out of range,
 * or not among the published words, even where Azure would take others. Unknown outputs and secrets
 * pass for anything. A resource of which Azure publishes no type has no faults.
 */
export function armFaults(resource: ArmResource, inputs: Readonly<Record<string, unknown>>): readonly string[] {
  const types = armTypesOf(resource);
  if (types === undefined) return [];
  const body = armBody(resource, inputs, types);
  const faults = faultsOf(body, types.bodyOf(resource.type), '', types);
  return faults.filter((fault) => !(resource.notInTypes ?? []).some((path) => fault === `${path} is not known`));
}

function faultsOf(value: unknown, type: ArmType, path: string, types: ArmTypes): readonly string[] {
  if (isHidden(value)) return [];
  switch (type.$type) {
    case 'AnyType':
      return [];
    case 'BooleanType':
      return typeof value === 'boolean' ? [] : [`${path} must be true or false`];
    case 'IntegerType':
      return integerFaults(value, type, path);
    case 'StringType':
      return textFaults(value, type, path);
    case 'StringLiteralType':
      return value === type.value ? [] : [`${path} must be ${type.value}`];
    case 'UnionType':
      return unionFaults(
        value,
        type.elements.map((element) => types.at(element)),
        path,
      );
    case 'ArrayType': {
      const itemType = types.at(type.itemType);
      return Array.isArray(value)
        ? value.flatMap((item, index) => faultsOf(item, itemType, `${path}[${index}]`, types))
        : [`${path} must be a list`];
    }
    case 'DiscriminatedObjectType': {
      const key = isMapping(value) ? value[type.discriminator] : undefined;
      return typeof key === 'string' && key in type.elements && isMapping(value)
        ? objectFaults(value, variantOf(type, value, types), path, types)
        : [`${join(path, type.discriminator)} must be one of ${Object.keys(type.elements).join(', ')}`];
    }
    case 'ObjectType':
      return isMapping(value) ? objectFaults(value, type, path, types) : [`${path} must be an object`];
    case 'NullType':
    case 'ResourceType':
    case 'ResourceFunctionType':
      throw new Error(`Failed to validate ${path}: a ${type.$type} is no type of a value.`);
  }
}

function objectFaults(
  value: Readonly<Record<string, unknown>>,
  type: ArmType,
  path: string,
  types: ArmTypes,
): readonly string[] {
  const properties = propertiesOf(type);
  const others = type.$type === 'ObjectType' ? type.additionalProperties : undefined;
  const missing = Object.entries(properties)
    .filter(([key, { flags }]) => (flags & required) !== 0 && (flags & readOnly) === 0 && value[key] === undefined)
    .map(([key]) => `${join(path, key)} is missing`);
  const given = Object.entries(value).filter(([, item]) => item !== undefined);
  const wrong = given.flatMap(([key, item]) => {
    const property = properties[key];
    const itemPath = join(path, key);
    if (property === undefined) {
      return others === undefined ? [`${itemPath} is not known`] : faultsOf(item, types.at(others), itemPath, types);
    }
    const isReadOnly = (property.flags & readOnly) !== 0 && (property.flags & deployTimeConstant) === 0;
    return isReadOnly ? [`${itemPath} is Azure's to set`] : faultsOf(item, types.at(property.type), itemPath, types);
  });
  return [...missing, ...wrong];
}

function integerFaults(
  value: unknown,
  { minValue = -Infinity, maxValue = Infinity }: ArmType & { $type: 'IntegerType' },
  path: string,
): readonly string[] {
  if (typeof value !== 'number' || !Number.isInteger(value)) return [`${path} must be a whole number`];
  return value < minValue || value > maxValue ? [`${path} must be from ${minValue} to ${maxValue}`] : [];
}

function textFaults(
  value: unknown,
  { minLength = 0, maxLength = Infinity, pattern }: ArmType & { $type: 'StringType' },
  path: string,
): readonly string[] {
  if (typeof value !== 'string') return [`${path} must be text`];
  if (value.length < minLength || value.length > maxLength) {
    return [`${path} must have ${minLength} to ${maxLength} characters`];
  }
  return pattern !== undefined && !new RegExp(pattern).test(value) ? [`${path} must match ${pattern}`] : [];
}

function unionFaults(value: unknown, elements: readonly ArmType[], path: string): readonly string[] {
  const words = elements.flatMap((element) => (element.$type === 'StringLiteralType' ? [element.value] : []));
  return typeof value === 'string' && words.includes(value) ? [] : [`${path} must be one of ${words.join(', ')}`];
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
