import {
  isRpcSecret,
  specialSecretSig,
  specialSigKey,
  unknownValue,
  unwrapRpcSecret,
} from '@pulumi/pulumi/runtime/rpc.js';

/** Properties of a resource as they travel between Pulumi's engine and a provider. */
export type Values = Readonly<Record<string, unknown>>;

/** The values without the marks of secrecy, on every level. */
export function unwrapped(values: Values): Values {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, unwrappedValue(value)]));
}

function unwrappedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrappedValue);
  if (typeof value !== 'object' || value === null) return value;
  if (isRpcSecret(value)) return unwrappedValue(unwrapRpcSecret(value));
  return unwrapped(value as Values);
}

/**
 * The values with these marked as secret, so that the engine encrypts them in the state and never
 * shows them.
 */
export function withSecrets(values: Values, secretKeys: readonly string[]): Values {
  const marked = (value: unknown): Values => ({ [specialSigKey]: specialSecretSig, value });
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, secretKeys.includes(key) ? marked(value) : value]),
  );
}

/**
 * Whether something in there is not known before another resource exists: so it is in a preview.
 */
export function hasUnknown(value: unknown): boolean {
  if (value === unknownValue) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasUnknown);
}
