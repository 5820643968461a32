import type { NeededExports } from '@activation-hub/activation-file';
import { destinationWords } from '@activation-hub/flow-service';
import {
  ComponentResource,
  CustomResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Input,
  type Inputs,
  type Output,
} from '@pulumi/pulumi';
import { secretInputs, type DestinationInputs } from '../aep-inputs.ts';

export interface AepDestinationArgs {
  readonly environment: string;
  /** Where in Adobe, and the OAuth server-to-server credential for it. */
  readonly platform: {
    readonly organisation: string;
    readonly sandbox: string;
    readonly clientId: string;
    readonly clientSecret: Input<string>;
    readonly platformUrl: string;
    readonly imsUrl: string;
  };
  /** What AEP sends to, and the key that it signs in with. */
  readonly stream: {
    readonly namespaceName: string;
    readonly hubName: Input<string>;
    readonly adobeKeyName: Input<string>;
    readonly adobeKey: Input<string>;
  };
  readonly exports: NeededExports;
  readonly enabled: boolean;
  /** Tell AEP the hub together with the key. */
  readonly hubScopedKey: boolean;
  /** What AEP calls the way to sign in; absent for the documented one. */
  readonly authSpecName?: string;
  /** An existing connection to use as it is. */
  readonly connectionId?: string;
  /** An existing dataflow that becomes this destination. */
  readonly dataflowId?: string;
}

/**
 * The other half of the system: AEP's destination, with its connections, its dataflow, and the
 * audiences and attributes that the activation file needs. Audiences begin to flow as soon as it
 * exists, and their members follow within about an hour, so `dependsOn` has what must run by then;
 * it counts for the dataflow itself.
 */
export class AepDestination extends ComponentResource {
  /** The id of the dataflow in AEP. */
  readonly flowId: Output<string>;
  /**
   * What an operator should know, and no update changes, such as a connection whose key is left to
   * others.
   */
  readonly notes: Output<readonly string[]>;

  constructor(name: string, args: AepDestinationArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:AepDestination', name, {}, options);
    const { platform, stream, exports, enabled, hubScopedKey, authSpecName, connectionId, dataflowId } = args;
    const dataflow = new Dataflow(
      `${name}-dataflow`,
      {
        ...platform,
        ...destinationWords(args.environment),
        namespace: stream.namespaceName,
        eventHubName: stream.hubName,
        sasKeyName: stream.adobeKeyName,
        sasKey: stream.adobeKey,
        hubScopedKey,
        audiences: exports.audiences.map((audience) => ({ ...audience })),
        attributes: [...exports.attributes],
        enabled,
        ...(authSpecName === undefined ? {} : { authSpecName }),
        ...(connectionId === undefined ? {} : { connectionId }),
        ...(dataflowId === undefined ? {} : { adoptFlowId: dataflowId }),
      },
      { parent: this, ...(options?.dependsOn === undefined ? {} : { dependsOn: options.dependsOn }) },
    );
    this.flowId = dataflow.flowId;
    this.notes = dataflow.notes;
    this.registerOutputs({ flowId: this.flowId });
  }
}

/** The resource that the plugin in `aep-plugin` makes. */
class Dataflow extends CustomResource {
  declare readonly flowId: Output<string>;
  declare readonly notes: Output<readonly string[]>;

  constructor(
    name: string,
    inputs: { readonly [Key in keyof DestinationInputs]: Input<DestinationInputs[Key]> },
    options: CustomResourceOptions,
  ) {
    const outputs: Inputs = { flowId: undefined, live: undefined, drift: undefined, notes: undefined };
    super(
      'aep:index:Destination',
      name,
      { ...inputs, ...outputs },
      {
        ...options,
        additionalSecretOutputs: [...secretInputs],
      },
    );
  }
}
