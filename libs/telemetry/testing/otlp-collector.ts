import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { bytesAt, doubleAt, integerAt, messagesAt, readProtobuf, textAt, type ProtobufMessage } from './protobuf.ts';

export type CollectedAttributes = Readonly<Record<string, string | number | boolean>>;

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: string;
  readonly attributes: CollectedAttributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
  /** How many events it has: exceptions would be among them. */
  readonly events: number;
  readonly resource: CollectedAttributes;
}

/** A point of a metric; of a histogram `value` is the sum. */
export interface CollectedPoint {
  readonly metric: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge' | 'histogram';
  readonly attributes: CollectedAttributes;
  readonly value: number;
  /** Of a histogram: how many values. */
  readonly count?: number;
}

export interface OtlpCollector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly spans: readonly CollectedSpan[];
  /** Every point of every export, in their order. */
  readonly points: readonly CollectedPoint[];
  /** Of every request. */
  readonly headers: readonly IncomingHttpHeaders[];
  /** Everything that came, as text in which values can be looked for. */
  text(): string;
  stop(): Promise<void>;
}

/**
 * A collector that takes OTLP over HTTP as protobuf: paths, content type and answers by the OTLP
 * specification 1.9 ("OTLP/HTTP", opentelemetry.io/docs/specs/otlp), messages by
 * opentelemetry-proto 1.9 (`trace.proto`, `metrics.proto`, `common.proto`). Listens on 127.0.0.1.
 * With a `status` it refuses everything with that.
 */
export async function startOtlpCollector({ status = 200 }: { readonly status?: number } = {}): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const points: CollectedPoint[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const bodies: Buffer[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    headers.push(request.headers);
    bodies.push(body);
    const taken = { '/v1/traces': () => spansOf(body), '/v1/metrics': () => pointsOf(body) }[request.url ?? ''];
    if (request.method !== 'POST' || taken === undefined) return void response.writeHead(404).end();
    if (request.headers['content-type'] !== 'application/x-protobuf') return void response.writeHead(415).end();
    if (status === 200) {
      for (const each of taken())
        if ('spanId' in each) spans.push(each);
        else points.push(each);
    }
    // An empty ExportTraceServiceResponse, or ExportMetricsServiceResponse, is one of no bytes.
    response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    points,
    headers,
    // Protobuf holds texts as they are.
    text: () => Buffer.concat(bodies).toString(),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * `ExportTraceServiceRequest`: ResourceSpans at 1, in them the resource at 1 and ScopeSpans at 2,
 * in these the spans at 2.
 */
function spansOf(body: Buffer): readonly CollectedSpan[] {
  return messagesAt(readProtobuf(body), 1).flatMap((ofResource) => {
    const resource = resourceOf(ofResource);
    return messagesAt(ofResource, 2)
      .flatMap((ofScope) => messagesAt(ofScope, 2))
      .map((span) => spanOf(span, resource));
  });
}

/** `Span.SpanKind`, by its numbers. */
const spanKinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
/** `Status.STATUS_CODE_ERROR`. */
const statusError = 2;

function spanOf(span: ProtobufMessage, resource: CollectedAttributes): CollectedSpan {
  const [status] = messagesAt(span, 15);
  return {
    traceId: hexAt(span, 1),
    spanId: hexAt(span, 2),
    parentSpanId: hexAt(span, 4),
    name: textAt(span, 5),
    kind: spanKinds[integerAt(span, 6)] ?? '',
    attributes: attributesAt(span, 9),
    events: messagesAt(span, 11).length,
    links: messagesAt(span, 13).map((link) => ({ traceId: hexAt(link, 1), spanId: hexAt(link, 2) })),
    isError: status !== undefined && integerAt(status, 3) === statusError,
    resource,
  };
}

/**
 * `ExportMetricsServiceRequest`: ResourceMetrics at 1, in them ScopeMetrics at 2, in these the
 * metrics at 2.
 */
function pointsOf(body: Buffer): readonly CollectedPoint[] {
  return messagesAt(readProtobuf(body), 1)
    .flatMap((ofResource) => messagesAt(ofResource, 2))
    .flatMap((ofScope) => messagesAt(ofScope, 2))
    .flatMap(pointsOfMetric);
}

function pointsOfMetric(metric: ProtobufMessage): readonly CollectedPoint[] {
  const of = { metric: textAt(metric, 1), unit: textAt(metric, 3) };
  // NumberDataPoint: the value as a double at 4 or as an integer at 6, attributes at 7.
  const numbers = (kind: 'gauge' | 'sum', field: number): CollectedPoint[] =>
    messagesAt(metric, field)
      .flatMap((data) => messagesAt(data, 1))
      .map((point) => ({
        ...of,
        kind,
        attributes: attributesAt(point, 7),
        value: point.has(4) ? doubleAt(point, 4) : integerAt(point, 6),
      }));
  // HistogramDataPoint: count at 4, sum at 5, attributes at 9.
  const histograms = messagesAt(metric, 9)
    .flatMap((data) => messagesAt(data, 1))
    .map((point): CollectedPoint => ({
      ...of,
      kind: 'histogram',
      attributes: attributesAt(point, 9),
      count: integerAt(point, 4),
      value: doubleAt(point, 5),
    }));
  return [...numbers('gauge', 5), ...numbers('sum', 7), ...histograms];
}

function resourceOf(ofResource: ProtobufMessage): CollectedAttributes {
  const [resource] = messagesAt(ofResource, 1);
  return resource === undefined ? {} : attributesAt(resource, 1);
}

/**
 * `KeyValue`s: the key at 1, and at 2 `AnyValue`: text at 1, bool at 2, integer at 3, double at 4.
 */
function attributesAt(message: ProtobufMessage, field: number): CollectedAttributes {
  return Object.fromEntries(
    messagesAt(message, field).map((pair): [string, string | number | boolean] => {
      const [value = new Map() as ProtobufMessage] = messagesAt(pair, 2);
      if (value.has(2)) return [textAt(pair, 1), integerAt(value, 2) === 1];
      if (value.has(3)) return [textAt(pair, 1), integerAt(value, 3)];
      return [textAt(pair, 1), value.has(4) ? doubleAt(value, 4) : textAt(value, 1)];
    }),
  );
}

function hexAt(message: ProtobufMessage, field: number): string {
  return Buffer.from(bytesAt(message, field)).toString('hex');
}
