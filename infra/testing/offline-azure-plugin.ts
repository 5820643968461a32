import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import structMessages, { type Struct } from 'google-protobuf/google/protobuf/struct_pb.js';
import plugin from '@pulumi/pulumi/proto/plugin_pb.js';
import providerServices from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import provider from '@pulumi/pulumi/proto/provider_pb.js';
import { armResources } from '../arm-resources.ts';
import { endWithParent } from './end-with-parent.ts';
import { OfflineAzure } from './offline-azure.ts';

/**
 * The plugin `azure-native` of the engine, with an offline Azure behind it instead of Microsoft's.
 * It speaks the protocol of providers itself, because the SDK's server for providers knows no
 * previews: what the original promises in a preview (provider/pkg/provider/provider.go: the inputs,
 * and of what exists the name and the place) decides what a preview shows of the resources that
 * depend on it.
 */
type Values = Readonly<Record<string, unknown>>;

/** Outputs that an update leaves as they are, so that the preview of one can promise them. */
const stableOutputs = ['name', 'location'];

/**
 * What a URN says of the type, of which the last one counts:
 * `…::parent$azure-native:eventhub:EventHub::name`.
 */
function typeIn(urn: string): string {
  return urn.split('::')[2]?.split('$').at(-1) ?? '';
}

/**
 * The inputs that say which resource it is, and where: with another value it is another resource.
 */
function fixedInputs(type: string): readonly string[] {
  const resource = armResources[type];
  if (resource === undefined) return [];
  const names = resource.names.filter((name) => !name.startsWith("'"));
  return ['resourceGroupName', 'location', ...names, ...(resource.extends === undefined ? [] : [resource.extends])];
}

const valuesOf = (struct: Struct | undefined): Values => struct?.toJavaScript() ?? {};
const structOf = (values: Values): Struct =>
  structMessages.Struct.fromJavaScript(values as Parameters<typeof structMessages.Struct.fromJavaScript>[0]);

/** A handler of the protocol; what it throws is the engine's to show. */
function answering<Request, Response>(answer: (request: Request) => Response) {
  return (call: ServerUnaryCall<Request, Response>, reply: sendUnaryData<Response>): void => {
    try {
      reply(null, answer(call.request));
    } catch (error) {
      reply(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

function providerOf(azure: OfflineAzure) {
  return {
    getPluginInfo: answering(() => {
      const response = new plugin.PluginInfo();
      response.setVersion('3.28.0');
      return response;
    }),
    checkConfig: answering((request: InstanceType<typeof provider.CheckRequest>) => {
      const response = new provider.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    diffConfig: answering(() => new provider.DiffResponse()),
    configure: answering(() => {
      const response = new provider.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),
    check: answering((request: InstanceType<typeof provider.CheckRequest>) => {
      const response = new provider.CheckResponse();
      response.setInputs(request.getNews());
      const faults = azure.faults(typeIn(request.getUrn()), valuesOf(request.getNews()));
      response.setFailuresList(
        faults.map((reason) => {
          const failure = new provider.CheckFailure();
          failure.setReason(reason);
          return failure;
        }),
      );
      return response;
    }),
    // What has changed, the engine sees for itself where a provider leaves that open; what cannot
    // change in place, it cannot.
    diff: answering((request: InstanceType<typeof provider.DiffRequest>) => {
      const [olds, news] = [valuesOf(request.getOldInputs()), valuesOf(request.getNews())];
      const response = new provider.DiffResponse();
      response.setReplacesList(fixedInputs(typeIn(request.getUrn())).filter((key) => news[key] !== olds[key]));
      response.setDeletebeforereplace(true);
      return response;
    }),
    create: answering((request: InstanceType<typeof provider.CreateRequest>) => {
      const response = new provider.CreateResponse();
      const inputs = valuesOf(request.getProperties());
      const made = request.getPreview() ? undefined : azure.create(typeIn(request.getUrn()), inputs);
      response.setId(made?.id ?? '');
      response.setProperties(structOf(made === undefined ? inputs : azure.outputsOf(made)));
      return response;
    }),
    read: answering((request: InstanceType<typeof provider.ReadRequest>) => {
      const response = new provider.ReadResponse();
      const stored = azure.read(request.getId());
      if (stored === undefined) return response;
      response.setId(stored.id);
      response.setProperties(structOf(azure.outputsOf(stored)));
      response.setInputs(structOf(stored.inputs));
      return response;
    }),
    update: answering((request: InstanceType<typeof provider.UpdateRequest>) => {
      const response = new provider.UpdateResponse();
      const [olds, news] = [valuesOf(request.getOlds()), valuesOf(request.getNews())];
      const kept = Object.fromEntries(stableOutputs.flatMap((key) => (key in olds ? [[key, olds[key]]] : [])));
      const outputs = request.getPreview()
        ? { ...news, ...kept }
        : azure.outputsOf(azure.update(request.getId(), news));
      response.setProperties(structOf(outputs));
      return response;
    }),
    delete: answering((request: InstanceType<typeof provider.DeleteRequest>) => {
      azure.delete(request.getId());
      return new emptyMessages.Empty();
    }),
    invoke: answering((request: InstanceType<typeof provider.InvokeRequest>) => {
      const response = new provider.InvokeResponse();
      response.setReturn(structOf(azure.answer(request.getTok(), valuesOf(request.getArgs()))));
      return response;
    }),
  };
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Failed to start the offline provider: give the folder of its resources.');
endWithParent();
const server = new Server();
server.addService(providerServices.ResourceProviderService, providerOf(new OfflineAzure(folder)));
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  // The engine reads the port from the first line.
  process.stdout.write(`${port}\n`);
});
