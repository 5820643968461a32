import { disconnect, runInPulumiStack, setAllConfig, setMocks } from '@pulumi/pulumi/runtime/index.js';
import { MockMonitor, type MockResourceResult, type Mocks } from '@pulumi/pulumi/runtime/mocks.js';
import { setMockOptions } from '@pulumi/pulumi/runtime/settings.js';
import { armId, armNames, armResources } from '../arm-resources.ts';
import { stableUuid } from '../place.ts';
import type { PlannedResource } from './planned-resource.ts';
import { azureAnswer, azureOutputs, subscriptionId } from './azure-answers.ts';
import { hidden } from './wire-values.ts';

/** A resource as the program asked the engine for it. */
export interface RecordedResource extends PlannedResource {
  readonly isProtected: boolean;
  /** The names of the resources that must exist before. */
  readonly dependsOn: readonly string[];
}

export interface RecordOptions {
  readonly stack: string;
  /** Configuration by key without the project's name, as Pulumi keeps it. */
  readonly config: Readonly<Record<string, string>>;
  /** The keys whose values are secret. */
  readonly secretKeys?: readonly string[];
  /**
   * `planned`: as in a preview of an empty subscription, outputs of Azure are unknown (ids are
   * known, for they are made of names). `made`: Azure has answered, with stand-ins such as one
   * principal per identity.
   */
  readonly time: 'planned' | 'made';
  /** The outputs that the stack has from its last `up`; by default there was none. */
  readonly formerOutputs?: Readonly<Record<string, unknown>>;
}

export interface Recording {
  readonly resources: readonly RecordedResource[];
  /** As the program returned them: plain values and outputs. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

export { subscriptionId, tenantId } from './azure-answers.ts';
export const project = 'activation-hub';
/** What the engine says where the state is in files or blobs, which know no organisations. */
const organization = 'organization';

/**
 * Runs a Pulumi program without an engine and without credentials, and gives what it would
 * register, sorted by name. Waits until every registration is through; rejects when one of them
 * fails. One at a time: the Pulumi runtime keeps its state in the process.
 */
export async function recordStack(
  program: () => Promise<Readonly<Record<string, unknown>>>,
  { stack, config, secretKeys = [], time, formerOutputs = {} }: RecordOptions,
): Promise<Recording> {
  const monitor = new RecordingMonitor(answers(time, formerOutputs));
  const isPreview = time === 'planned';
  await setMocks(monitor.mocks, project, stack, isPreview, organization);
  setMockOptions(monitor, project, stack, isPreview, organization);
  setAllConfig(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [`${project}:${key}`, value])),
    secretKeys.map((key) => `${project}:${key}`),
  );
  let outputs: Readonly<Record<string, unknown>> = {};
  let failure: { readonly error: unknown } | undefined;
  await runInPulumiStack(async () => {
    // Thrown inside, an error would also be reported by every output that waits for the stack.
    outputs = await program().catch((error: unknown) => {
      failure = { error };
      return {};
    });
    return outputs;
  });
  await disconnect();
  if (failure !== undefined) throw failure.error;
  // The runtime registers what is ready first, so its order is not the same every time.
  return { resources: monitor.recorded.toSorted((one, other) => compare(one.name, other.name)), outputs };
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** What of an engine's request is read here; the SDK has no types for it. */
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProtect(): boolean;
  getDependenciesList(): string[];
  getObject(): { toJavaScript(): Record<string, unknown> };
}

/**
 * The mock engine of the SDK, which also keeps what a mock is not told: parents, protection,
 * dependencies, secrecy.
 */
class RecordingMonitor extends MockMonitor {
  readonly recorded: RecordedResource[] = [];

  override async registerResource(request: RegisterRequest, callback: (error: unknown, response: unknown) => void) {
    const type = request.getType();
    if (type !== 'pulumi:pulumi:Stack') {
      const parent = nameInUrn(request.getParent());
      const isTop = request.getParent().includes('pulumi:pulumi:Stack::');
      this.recorded.push({
        type,
        name: request.getName(),
        ...(isTop ? {} : { parent }),
        inputs: hidden(request.getObject().toJavaScript()) as Record<string, unknown>,
        isProtected: request.getProtect(),
        dependsOn: request.getDependenciesList().map(nameInUrn),
      });
    }
    await super.registerResource(request, callback);
  }
}

function nameInUrn(urn: string): string {
  return urn.split('::').at(-1) ?? '';
}

/** Answers as Azure would, as far as the program reads answers. */
function answers(time: RecordOptions['time'], formerOutputs: Readonly<Record<string, unknown>>): Mocks {
  return {
    newResource: ({ type, name, inputs }): MockResourceResult => {
      const given = inputs as Record<string, unknown>;
      const resource = armResources[type];
      if (type === 'aep:index:Destination') {
        const outputs = time === 'made' ? { flowId: stableUuid(`dataflow of ${name}`), notes: [] } : {};
        return { id: name, state: { ...given, ...outputs } };
      }
      if (resource === undefined) return { id: name, state: given };
      const id = armId(resource, given, subscriptionId);
      const ownName = armNames(resource, given).at(-1);
      const named = ownName === undefined ? {} : { name: ownName };
      return { id, state: { ...given, ...named, ...(time === 'made' ? azureOutputs(type, name) : {}) } };
    },
    // The engine's own answer: what the stack was made with, where it was made before.
    call: ({ token }) => (token === 'pulumi:pulumi:readStackOutputs' ? { outputs: formerOutputs } : azureAnswer(token)),
  };
}
