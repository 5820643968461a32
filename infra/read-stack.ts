import { Config, getProject, getStack, type Output } from '@pulumi/pulumi';
import { allConfig } from '@pulumi/pulumi/runtime/index.js';
import { activationSecrets } from './activation-secrets.ts';
import { parseStackConfig, secretConfigKey, type StackConfig } from './config-schema.ts';

export interface Stack {
  readonly config: StackConfig;
  readonly secrets: {
    /** What the environment's activation file names. */
    readonly secretNames: readonly string[];
    /** Those of them that the configuration has a value for. */
    readonly values: ReadonlyMap<string, Output<string>>;
  };
}

/** Reads and checks the configuration of the stack that runs, and the activation file of its environment. */
export function readStack(): Stack {
  const stack = getStack();
  const prefix = `${getProject()}:`;
  const values = Object.fromEntries(
    Object.entries(allConfig() as Record<string, string>)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
  const secretNames = activationSecrets(stack);
  const config = parseStackConfig({ stack, values, secretNames });
  const own = new Config();
  const secretValues = secretNames.flatMap((name) => {
    const value = own.getSecret(secretConfigKey(name));
    return value === undefined ? [] : [[name, value] as const];
  });
  return { config, secrets: { secretNames, values: new Map(secretValues) } };
}
