/**
 * How the engine marks, on the way to a program or a provider, what is unknown and what is secret
 * (sdk/go/common/resource/properties.go).
 */
const unknownMark = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const signatureKey = '4dabf18193072939515e22adb298388d';
const secretSignature = '1b47061264138c4ac30d75fd1eb44270';

/**
 * A value from the wire for people to see: `{unknown: true}` and `{secret: true}` instead of the
 * marks.
 */
export function hidden(value: unknown): unknown {
  return unmarked(value, () => ({ secret: true }));
}

/**
 * A value from the wire as a service gets it: secrets in plain text, `{unknown: true}` for what is
 * not known yet.
 */
export function revealed(value: unknown): unknown {
  return unmarked(value, (inner) => revealed(inner));
}

/** The same for the inputs or outputs of a resource. */
export function revealedProperties(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, revealed(value)]));
}

function unmarked(value: unknown, secretly: (inner: unknown) => unknown): unknown {
  if (value === unknownMark) return { unknown: true };
  if (Array.isArray(value)) return value.map((item) => unmarked(item, secretly));
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Readonly<Record<string, unknown>>;
  if (record[signatureKey] === secretSignature) return secretly(record.value);
  return Object.fromEntries(Object.entries(record).map(([key, inner]) => [key, unmarked(inner, secretly)]));
}
