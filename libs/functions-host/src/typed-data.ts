import type { LongValue, TypedData } from './rpc.ts';

/** What a trigger declares as `dataType`; none means that the host parses JSON itself. */
export type DataType = 'binary' | 'string' | undefined;

export function dataTypeOf(trigger: Readonly<Record<string, unknown>>): DataType {
  const declared = trigger.dataType;
  const dataType = typeof declared === 'string' ? declared.toLowerCase() : undefined;
  return dataType === 'binary' || dataType === 'string' ? dataType : undefined;
}

/**
 * Binds the bodies of a batch as Azure's host does (facts: GrpcMessageConversionExtensions,
 * GeneralScriptBindingProvider): `binary` keeps every body; `string` drops the empty ones, so that
 * the messages no longer line up with the metadata; without a dataType each body is parsed as JSON
 * here, and one that is not JSON throws, which fails the whole batch before the function is called.
 */
export function bindBatch(bodies: readonly Buffer[], dataType: DataType): TypedData {
  if (dataType === 'binary') return { collectionBytes: { bytes: bodies } };
  if (dataType === 'string') return strings(bodies.map((body) => body.toString('utf8')));
  return { json: `[${bodies.map(jsonOf).join(',')}]` };
}

/** Binds the body of a single event: the same rules, except that an empty string stays. */
export function bindSingle(body: Buffer, dataType: DataType): TypedData {
  if (dataType === 'binary') return { bytes: body };
  return dataType === 'string' ? { string: body.toString('utf8') } : { json: jsonOf(body) };
}

function jsonOf(body: Buffer): string {
  const text = body.toString('utf8');
  if (text.trim() === '') return 'null';
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    throw new Error(
      'Exception binding parameter: the body of an event is not JSON, and the trigger declares no dataType. ' +
        "Declare dataType 'binary' and parse in the function.",
      { cause: error },
    );
  }
}

/**
 * A `string[]`: the host leaves out empty and missing entries, for the Node worker does not ask to
 * keep them.
 */
export function strings(values: readonly (string | undefined)[]): TypedData {
  return { collectionString: { string: values.filter((value) => value !== undefined && value !== '') as string[] } };
}

/** A `long[]`: each number reaches JavaScript as an object of two halves. */
export function longs(values: readonly number[]): TypedData {
  return { collectionSint64: { sint64: values.map(long) } };
}

function long(value: number): LongValue {
  const bits = BigInt.asUintN(64, BigInt(value));
  return { low: Number(BigInt.asIntN(32, bits)), high: Number(BigInt.asIntN(32, bits >> 32n)), unsigned: false };
}

/** Everything else goes as JSON, dates included. */
export function json(value: unknown): TypedData {
  return { json: JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field)) };
}

/**
 * A .NET `DateTime` without a zone as Json.NET writes it: no `Z`, and no trailing zeros in the
 * fraction. Event Hubs' enqueued times come like this (`EnqueuedTime.DateTime`), in UTC;
 * `new Date()` reads them as local time.
 */
export function dateTimeWithoutZone(instant: Date): string {
  return instant.toISOString().replace(/\.?0*Z$/, '');
}

/** A .NET `DateTimeOffset` in UTC as Json.NET writes it. */
export function dateTimeOffset(instant: Date): string {
  return `${dateTimeWithoutZone(instant)}+00:00`;
}
