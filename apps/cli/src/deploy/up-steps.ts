import { CommandError } from '../terminal/command-error.ts';
import type { Shell } from './shell.ts';
import type { Step } from './steps.ts';

export interface UpSettings {
  readonly environment: string;
  readonly location?: string;
  readonly alertEmail?: string;
  /** The secrets that the activation file names. */
  readonly secrets: readonly string[];
}

/**
 * The name of the bootstrap's deployment in docs/operating/deploy.md, by which its outputs are
 * found.
 */
const deployment = ['az', 'deployment', 'sub', 'show', '--name', 'activation-hub'];
const usualLocation = 'westeurope';

/** What `azure up` makes true, in its order. The commands are those of docs/operating/deploy.md. */
export function upSteps({ environment, location, alertEmail, secrets }: UpSettings, shell: Shell): readonly Step[] {
  const { ask, run } = shell;
  const succeeds = async (...words: readonly string[]): Promise<boolean> => (await ask(...words)) !== undefined;
  const pulumi = (...words: readonly string[]): readonly string[] => ['pulumi', '-C', 'infra', ...words];
  const stack = ['--stack', environment];
  const configured = (...path: readonly string[]) => ask(...pulumi('config', 'get', ...path, ...stack));
  /** The line of a bootstrap's output that is about the environment. */
  const bootstrapLine = async (output: string, mark: string): Promise<string> => {
    const lines = await ask(...deployment, '--query', `properties.outputs.${output}.value`, '--output', 'tsv');
    const line = lines?.split('\n').find((each) => each.includes(mark));
    if (line !== undefined) return line;
    throw new CommandError(
      1,
      `Failed to find ${environment} in what the bootstrap made. Run the bootstrap with it among its environments (infra/bootstrap/README.md).`,
    );
  };
  const stateLine = () => bootstrapLine('pulumi', `pulumi-${environment}?`);
  const configuration: readonly Step[] = [
    ...(location === undefined ? [] : [{ key: ['location'], value: location, title: `the region is ${location}` }]),
    ...(alertEmail === undefined
      ? []
      : [{ key: ['--path', 'alertEmails[0]'], value: alertEmail, title: `alerts are written to ${alertEmail}` }]),
  ].map(({ key, value, title }) => ({
    title,
    isDone: async () => (await configured(...key)) === value,
    act: () => run(...pulumi('config', 'set', ...key, value, ...stack)),
  }));

  return [
    {
      title: 'you are signed in to Azure',
      isDone: () => succeeds('az', 'account', 'show'),
      act: () => run('az', 'login'),
    },
    {
      title: 'you are signed in to GitHub',
      isDone: () => succeeds('gh', 'auth', 'status'),
      act: () => run('gh', 'auth', 'login'),
    },
    {
      title: 'the state, its keys and the identities are there',
      isDone: async () =>
        (await ask(...deployment, '--query', 'properties.provisioningState', '--output', 'tsv')) === 'Succeeded',
      act: async () => {
        const subject = await ask(
          ...['gh', 'api', 'repos/{owner}/{repo}/actions/oidc/customization/sub', '--jq', '.sub_claim_prefix'],
        );
        const person = await ask(...['az', 'ad', 'signed-in-user', 'show', '--query', 'id', '--output', 'tsv']);
        if (subject === undefined || subject === '' || person === undefined) {
          throw new CommandError(
            1,
            'Failed to find who you are, or which repository this is: GitHub or Azure did not say. Run this where `origin` is the repository on GitHub, signed in as a person.',
          );
        }
        await run(
          ...['az', 'deployment', 'sub', 'create', '--name', 'activation-hub', '--location', location ?? usualLocation],
          ...['--template-file', 'infra/bootstrap/template.json'],
          ...['--parameters', `subjectPrefix=${subject}`, '--parameters', `operators=["${person}"]`],
        );
      },
    },
    {
      title: `GitHub has the environment ${environment}`,
      isDone: async () =>
        (await succeeds('gh', 'variable', 'get', 'PULUMI_BACKEND_URL', '--env', environment)) &&
        (await succeeds('gh', 'variable', 'get', 'PULUMI_BACKEND_URL', '--env', `${environment}-preview`)),
      act: async () => run('bash', '-c', await bootstrapLine('github', `environments/${environment}"`)),
    },
    {
      title: 'pulumi is signed in to the state',
      isDone: async () => (await ask('pulumi', 'whoami', '--verbose'))?.includes(`pulumi-${environment}?`) === true,
      act: async () => run('bash', '-c', (await stateLine()).split(' && ')[0] ?? ''),
      needsNewRoles: true,
    },
    {
      title: `the stack ${environment} is there`,
      isDone: () => succeeds(...pulumi('stack', 'output', '--json', ...stack)),
      act: async () => run('bash', '-c', (await stateLine()).split(' && ').slice(1).join(' && ')),
      needsNewRoles: true,
    },
    ...configuration,
    ...secrets.map((secret): Step => ({
      title: `the stack has the secret ${secret}`,
      // By its key alone: to read the value would be to decrypt it.
      isDone: async () =>
        (await ask(...pulumi('config', '--json', ...stack)))?.includes(`"activation-hub:secret-${secret}"`) === true,
      act: () => run(...pulumi('config', 'set', '--secret', `secret-${secret}`, ...stack)),
    })),
    {
      title: 'the configuration is committed',
      isDone: async () => (await ask('git', 'status', '--porcelain', '--', `infra/Pulumi.${environment}.yaml`)) === '',
      act: async () => {
        await run('git', 'add', '--', `infra/Pulumi.${environment}.yaml`);
        await run(
          ...['git', 'commit', '--message', `infra: the stack of ${environment}`],
          ...['--', `infra/Pulumi.${environment}.yaml`],
        );
      },
    },
    {
      title: 'the pipeline knows the tenant, and deploys from now on',
      isDone: () => succeeds('gh', 'variable', 'get', 'AZURE_TENANT_ID'),
      act: async () => run('bash', '-c', await bootstrapLine('tenant', 'AZURE_TENANT_ID')),
    },
  ];
}
