import { Config, getProject, getStack, type Output } from '@pulumi/pulumi';
import { allConfig } from '@pulumi/pulumi/runtime/index.js';
import type { NeededExports } from '@activation-hub/activation-file';
import { activationNeeds } from './activation-needs.ts';
import { parseStackConfig, secretConfigKey, type StackConfig } from './config-schema.ts';

export interface Stack {
  readonly config: StackConfig;
  readonly secrets: {
    /** What the environment's activation file names. */
    readonly secretNames: readonly string[];
    /** Those of them that the configuration has a value for. */
    readonly values: ReadonlyMap<string, Output<string>>;
  };
  /** What AEP has to export, by the environment's activation file. */
  readonly exports: NeededExports;
  /** The client secret of Adobe's credential; absent where AEP is connected by hand. */
  readonly aepClientSecret?: Output<string>;
}

/**
 * Reads and checks the configuration of the stack that runs, and the activation file of its
 * environment in a folder.
 */
export function readStack(activationsFolder: string): Stack {
  const stack = getStack();
  const prefix = `${getProject()}:`;
  const values = Object.fromEntries(
    Object.entries(allConfig() as Record<string, string>)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const { secretNames, exports } = activationNeeds(stack, activationsFolder);
  const config = parseStackConfig({ stack, values, secretNames });
  const own = new Config();
  const secretValues = secretNames.flatMap((name) => {
    const value = own.getSecret(secretConfigKey(name));
    return value === undefined ? [] : [[name, value] as const];
  });
  const aepClientSecret = config.aepClientSecret === '' ? undefined : own.requireSecret('aepClientSecret');
  return {
    config,
    secrets: { secretNames, values: new Map(secretValues) },
    exports,
    ...(aepClientSecret === undefined ? {} : { aepClientSecret }),
  };
}
