import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import { startAzurite } from '@activation-hub/azurite';
import { startEventHubsEmulator } from '@activation-hub/event-hubs-emulator';
import { startFunctionsHost } from '@activation-hub/functions-host';
import { metricName, spans as spanDefinitions, instruments } from '@activation-hub/telemetry';
import { startOtlpCollector, type OtlpCollector } from '@activation-hub/telemetry/testing';
import { EventHubProducerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { buildHandler } from '../build.ts';

const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
/** Of the person; nothing of it may be exported. */
const personal = ['kunde-4711', 'zuleika@example.org', 'Zuleika'];
const [crmid = '', email = '', firstName = ''] = personal;

let folder: string;
let app: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'handler-telemetry-'));
  ({ folder: app } = await buildHandler({ outputFolder: join(folder, 'app'), mapsFolder: join(folder, 'maps') }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Of 127.0.0.1, made for tests; Azure's exporter speaks TLS only. */
const pem = (name: string): string =>
  join(import.meta.dirname, '..', '..', '..', 'libs', 'destination-kit', 'fixtures', 'proxy', `${name}.pem`);

async function listen(listener: RequestListener, server: Server = createServer()): Promise<string> {
  server.on('request', listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * A receiver that is not well at first: it asks for more patience than a batch has, so that the
 * change comes again as a retry.
 */
async function startReceiver() {
  const requests: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const address = await listen((request, response) => {
    void text(request).then((body) => {
      requests.push({ headers: request.headers, body });
      if (requests.length === 1) response.writeHead(503, { 'retry-after': '6' }).end();
      else response.writeHead(204).end();
    });
  });
  return { url: `http://${address}`, requests };
}

interface Envelope {
  readonly iKey: string;
  readonly data: { readonly baseType: string; readonly baseData: Readonly<Record<string, unknown>> };
}

/**
 * Where Azure's exporter sends: `POST v2.1/track` of the ingestion endpoint takes envelopes as a
 * JSON array, compressed, and answers how many it took (the specification of the client,
 * `sdk/monitor/monitor-opentelemetry-exporter` in Azure/azure-sdk-for-js).
 */
async function startIngestion() {
  const envelopes: Envelope[] = [];
  const identity = { cert: await readFile(pem('server')), key: await readFile(pem('server-key')) };
  const address = await listen((request, response) => {
    void buffer(request).then((body) => {
      const json = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      const sent = JSON.parse(json.toString()) as Envelope[];
      envelopes.push(...sent);
      const answer = { itemsReceived: sent.length, itemsAccepted: sent.length, errors: [] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  }, createHttpsServer(identity));
  return { endpoint: `https://${address}`, envelopes };
}

/** Runs the built app as Azure would, with what a webhook needs. */
async function startApp(webhookUrl: string, settings: Readonly<Record<string, string>>) {
  const azurite = await startAzurite();
  const emulator = await startEventHubsEmulator({
    eventHubs: [{ name: 'exports', partitionCount: 1, consumerGroups: ['handler'] }],
  });
  const file = join(folder, 'file.yaml');
  await writeFile(
    file,
    `version: 1
destinations: { hook: { type: webhook, settings: { url: "${webhookUrl}/changes" } } }
audiences:
  fans:
    id: ${audienceId}
    activate: [{ destination: hook, identity: [crmid], attributes: { firstname: person.name.firstName } }]
`,
  );
  const lines: string[] = [];
  const host = await startFunctionsHost({
    appFolder: app,
    settings: {
      ACTIVATION_FILE: file,
      ACTIVATION_ALLOW_PRIVATE_ADDRESSES: 'true',
      AzureWebJobsStorage: azurite.connectionString,
      DataStorage: azurite.connectionString,
      EventHubConnection: emulator.connectionString(),
      EVENT_HUB_NAME: 'exports',
      EVENT_HUB_CONSUMER_GROUP: 'handler',
      ...settings,
    },
    log: ({ message }) => void lines.push(message),
  });
  const producer = new EventHubProducerClient(emulator.connectionString(), 'exports');
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await host.stop();
    await producer.close();
    await emulator.stop();
    await azurite.stop();
  };
  onTestFinished(stop);
  const person = buildProfileExport({
    attributes: { 'person.name.firstName': firstName },
    memberships: [{ audienceId, status: 'realized', qualifiedAtMs: Date.now() - 60_000 }],
    identities: { crmid: [crmid], email: [email] },
  });
  return {
    lines,
    stop,
    send: () => producer.sendBatch([{ body: Buffer.from(encodeProfileExport(person)) }]),
  };
}

const spansOf = ({ spans }: OtlpCollector, name: string) => spans.filter((span) => span.name === name);

test(
  'a batch is a trace, its retry is linked to it, and the webhook is told in which of both it is called',
  { timeout: 300_000 },
  async () => {
    const collector = await startOtlpCollector();
    onTestFinished(() => collector.stop());
    const ingestion = await startIngestion();
    const receiver = await startReceiver();
    const running = await startApp(receiver.url, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=of the collector',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=dev',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_BSP_SCHEDULE_DELAY: '200',
      NODE_EXTRA_CA_CERTS: pem('server'),
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=${ingestion.endpoint}/`,
    });
    await running.send();
    await expect.poll(() => receiver.requests).toHaveLength(2);
    await expect.poll(() => spansOf(collector, 'process retry')).toHaveLength(1);
    // What the end of the process still holds comes with it.
    await running.stop();

    const [batch] = spansOf(collector, 'process events');
    const [retry] = spansOf(collector, 'process retry');
    expect(batch).toMatchObject({
      kind: 'consumer',
      attributes: { 'messaging.system': 'eventhubs', 'messaging.destination.partition.id': '0' },
      resource: { 'service.name': 'activation-hub', 'deployment.environment.name': 'dev' },
    });
    const ofTrace = (traceId?: string) => collector.spans.filter((span) => span.traceId === traceId);
    const stages = ['read', 'route', 'resolve', 'decide', 'settle', 'tell', 'follow'];
    for (const root of [batch, retry]) {
      const names = ofTrace(root?.traceId).map(({ name }) => name);
      expect(names.sort()).toEqual([...stages, 'send changes', root?.name].sort());
    }
    // The retry was put while the batch was telling.
    const tell = ofTrace(batch?.traceId).find(({ name }) => name === 'tell');
    expect(retry?.links).toEqual([{ traceId: batch?.traceId, spanId: tell?.spanId }]);
    expect(retry?.traceId).not.toBe(batch?.traceId);

    const sent = spansOf(collector, 'send changes');
    expect(sent.map(({ traceId, isError }) => [traceId, isError])).toEqual([
      [batch?.traceId, true],
      [retry?.traceId, false],
    ]);
    expect(receiver.requests.map(({ headers }) => headers.traceparent)).toEqual(
      sent.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
    );

    const measured = new Map(collector.points.map((point) => [point.metric, point]));
    const of = { 'activation.destination': 'hook' };
    expect(measured.get('activation.change_age')).toMatchObject({ unit: 's', attributes: of, count: 1 });
    expect(measured.get('activation.retry_age')).toMatchObject({ attributes: of, count: 1 });
    expect(measured.get('activation.batch_events')).toMatchObject({ count: 1, value: 1 });
    expect(measured.get('activation.cache_bytes')?.value).toBeGreaterThan(0);
    const circuits = collector.points.filter(
      ({ metric, attributes }) =>
        metric === 'activation.circuit_state' && attributes['activation.destination'] === 'hook',
    );
    expect(circuits.at(-4)).toMatchObject({ attributes: { 'activation.circuit.state': 'closed' }, value: 1 });
    const names = (Object.keys(instruments) as (keyof typeof instruments)[]).map((name) => metricName(name));
    expect(names).toEqual(expect.arrayContaining([...measured.keys()]));
    expect(Object.keys(spanDefinitions)).toEqual(expect.arrayContaining(collector.spans.map(({ name }) => name)));
    expect(collector.headers.every((headers) => headers['x-api-key'] === 'of the collector')).toBe(true);

    // The same arrived at Application Insights.
    const types = new Set(
      ingestion.envelopes.map(({ data: { baseType, baseData } }) => `${baseType} ${String(baseData.name)}`),
    );
    for (const type of ['RequestData process events', 'RequestData process retry', 'RemoteDependencyData send changes'])
      expect(types).toContain(type);
    expect(types).toContain('MetricData undefined');

    // Nothing of the person was exported, and nothing of it was looked for in vain: the webhook was
    // told.
    const exported = collector.text() + JSON.stringify(ingestion.envelopes) + running.lines.join('\n');
    expect(personal.filter((value) => exported.includes(value))).toEqual([]);
    expect(exported).toContain('activation.change_age');
    expect(receiver.requests[1]?.body).toContain(crmid);
    expect(receiver.requests[1]?.body).toContain(firstName);
  },
);

test(
  'a collector that refuses everything is complained about in the log, and everything else goes on',
  { timeout: 300_000 },
  async () => {
    const collector = await startOtlpCollector({ status: 401 });
    onTestFinished(() => collector.stop());
    const receiver = await startReceiver();
    const running = await startApp(receiver.url, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_METRIC_EXPORT_INTERVAL: '200',
    });
    await running.send();
    await expect.poll(() => receiver.requests).toHaveLength(2);
    await expect.poll(() => running.lines.join('\n')).toContain('"signal":"telemetry-refused"');
    expect(running.lines.join('\n')).toContain('The collector of OTLP took no metrics or spans');
  },
);
