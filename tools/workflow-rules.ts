import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { knownActions } from './known-actions.ts';
import { root } from './repository.ts';
import { actionOf, type Job, type Step, type Workflow } from './workflow.ts';

/** What every workflow must hold. Gives one line per fault. */
export interface WorkflowRule {
  readonly name: string;
  readonly faults: (workflows: readonly Workflow[]) => readonly string[];
}

const environments = ['dev', 'staging', 'prod'];
const tokenPermission = 'id-token';

const everyJob =
  (faults: (job: Job, workflows: readonly Workflow[]) => readonly string[]) =>
  (workflows: readonly Workflow[]): readonly string[] =>
    workflows
      .flatMap(({ jobs }) => jobs)
      .flatMap((job) => faults(job, workflows).map((fault) => `${job.id}: ${fault}`));

const everyStep = (faults: (step: Step, job: Job) => readonly string[]): WorkflowRule['faults'] =>
  everyJob((job) =>
    job.steps.flatMap((step) => faults(step, job).map((fault) => `${step.name ?? step.uses ?? ''}: ${fault}`)),
  );

const unless = (holds: boolean, fault: string): readonly string[] => (holds ? [] : [fault]);

/**
 * One of GitHub's at a version, or the one that a company names for what must be in its network.
 */
const isStatedMachine = ({ runsOn, systems }: Job): boolean =>
  runsOn === 'ubuntu-24.04' ||
  runsOn === "${{ vars.DEPLOY_RUNNER || 'ubuntu-24.04' }}" ||
  (runsOn === '${{ matrix.system }}' && systems.length > 0 && systems.every((system) => /-\d+(\.\d+)?$/.test(system)));

const previewsByScript = (run: string): boolean => run.includes('tools/preview-with-refresh.sh');

export const workflowRules: readonly WorkflowRule[] = [
  {
    name: 'every action is one that we know, at its commit, with its version beside it',
    faults: (workflows) =>
      workflows.flatMap(({ name, text }) =>
        [...text.matchAll(/^.*\buses:\s*(\S+)(.*)$/gm)].flatMap(([, uses = '', comment = '']) =>
          unless(isPinned(uses, comment, workflows), `${name}: ${uses}${comment}`),
        ),
      ),
  },
  {
    name: 'every input of an action is one that it has',
    faults: everyStep((step) => {
      const known = knownActions[actionOf(step)]?.inputs ?? [];
      return Object.keys(step.with ?? {}).flatMap((input) => unless(known.includes(input), `${input} is not known`));
    }),
  },
  {
    name: 'a workflow grants nothing by itself; each job states what it needs, and no more',
    faults: (workflows) => [
      ...workflows.flatMap(({ name, permissions }) =>
        unless(JSON.stringify(permissions) === '{}', `${name} must have permissions: {}`),
      ),
      ...everyJob((job, all) => {
        const needed = JSON.stringify(neededPermissions(job, all));
        const stated = JSON.stringify(sortedByKey(job.permissions ?? { none: 'stated' }));
        return unless(stated === needed, `permissions are ${stated}, needed are ${needed}`);
      })(workflows),
    ],
  },
  {
    name: 'no stored secret',
    faults: (workflows) =>
      workflows.flatMap(({ name, text }) =>
        [...text.matchAll(/\bsecrets(\.|\[|:)[^\n]*/g)].map(([found]) => `${name}: ${found}`),
      ),
  },
  {
    name: 'nothing of a fork runs with rights of ours',
    faults: (workflows) =>
      workflows.flatMap(({ name, on }) =>
        ['pull_request_target', 'workflow_run'].flatMap((event) => unless(!(event in on), `${name}: ${event}`)),
      ),
  },
  {
    name: 'a script takes values from its environment, never pasted into its text',
    faults: everyStep(({ run = '' }) => unless(!run.includes('${{'), 'an expression is in the script')),
  },
  {
    name: 'a script stops at the first command that fails',
    faults: (workflows) =>
      workflows.flatMap(({ name, shell }) => unless(shell === 'bash', `${name}: defaults.run.shell must be bash`)),
  },
  {
    name: 'a checkout leaves no credentials behind',
    faults: everyStep((step) =>
      unless(
        actionOf(step) !== 'actions/checkout' || step.with?.['persist-credentials'] === false,
        'persist-credentials must be false',
      ),
    ),
  },
  {
    name: 'a job runs on a machine of a stated version, for a stated time',
    faults: everyJob((job) =>
      unless(
        job.calls !== undefined || (isStatedMachine(job) && typeof job.timeoutMinutes === 'number'),
        'runs-on or timeout-minutes',
      ),
    ),
  },
  {
    name: 'what signs in to Azure belongs to an environment, and its turn is kept',
    faults: everyJob((job) => {
      if (!job.steps.some((step) => actionOf(step) === 'azure/login')) return [];
      const { environment = '', concurrency } = job;
      const isPreview = environment.endsWith('-preview');
      const group = isPreview
        ? `preview-${environment.replace(/-preview$/, '')}-\${{ github.ref }}`
        : `environment-${environment}`;
      return [
        ...unless(/\binputs\.environment\b|\bmatrix\.environment\b/.test(environment), 'it has no environment'),
        ...unless(
          job.steps.every(({ with: input }) => input?.cache === undefined),
          'what others have cached has no place here',
        ),
        ...unless(concurrency.group === group, `its group must be ${group}`),
        ...unless(concurrency['cancel-in-progress'] === isPreview, 'only a preview may be broken off'),
        // Without it GitHub keeps one that waits, and the next takes its place.
        ...unless(isPreview || concurrency.queue === 'max', 'what waits must not be replaced: queue must be max'),
        ...unless(
          isPreview ||
            !job.steps.some(({ with: input, run = '' }) => input?.command === 'preview' || previewsByScript(run)),
          'a preview needs the identity that can only read',
        ),
      ];
    }),
  },
  {
    name: 'Pulumi previews before it changes anything, and asks the policies',
    faults: everyStep(({ with: input = {}, run = '' }) => [
      // The action skips the preview of what it makes and destroys: a destroy that protection
      // refuses has then deleted the rest.
      ...unless(input.command === undefined || input.command === 'preview', 'the action may only preview'),
      ...unless(input.command !== 'preview' || input.policyPacks === 'policy', 'policyPacks must be policy'),
      ...unless(!/pulumi .*\b(up|destroy)\b/.test(run) || !run.includes('--skip-preview'), 'the preview is skipped'),
      ...unless(!/pulumi .*\bup\b/.test(run) || run.includes('--policy-pack policy'), 'the policies are not asked'),
      ...unless(
        !/pulumi .*\bpreview\b/.test(run) && input.refresh !== true,
        'a refresh reads what the identity may not: use tools/preview-with-refresh.sh',
      ),
    ]),
  },
  {
    name: 'the version of Pulumi is that of the program',
    faults: everyStep((step) =>
      unless(
        actionOf(step) !== 'pulumi/actions' || step.with?.['pulumi-version'] === pulumiVersion(),
        `pulumi-version must be ${pulumiVersion()}`,
      ),
    ),
  },
  {
    name: 'what is deployed is the package whose digest was compared, and it must prove itself',
    faults: everyJob(deployFaults),
  },
  { name: 'the digest is of the package that was tested, which is the one that is kept', faults: buildFaults },
  { name: 'the train goes from dev to staging to prod', faults: trainFaults },
  {
    name: 'what publishes a release runs nothing of the repository, and vouches for the package that it publishes',
    faults: everyJob(publishFaults),
  },
  { name: 'a release is of a commit of main', faults: releasedCommitFaults },
  {
    name: 'releases, and the tests on other systems, do not run in a private copy',
    faults: everyJob(({ id, needs, systems, condition }) =>
      unless(
        (systems.length === 0 && (!id.startsWith('release.yml/') || needs.length > 0)) ||
          condition === '${{ !github.event.repository.private }}',
        'it runs in a private copy, which pays for its minutes',
      ),
    ),
  },
];

function isPinned(uses: string, comment: string, workflows: readonly Workflow[]): boolean {
  if (uses.startsWith('./')) return workflows.some(({ name }) => uses === `./.github/workflows/${name}`);
  const [action = '', commit] = uses.split('@');
  const known = knownActions[action];
  return known !== undefined && commit === known.commit && comment.trim() === `# ${known.version}`;
}

function neededPermissions(job: Job, workflows: readonly Workflow[]): Readonly<Record<string, string>> {
  const called = workflows.find(({ name }) => job.calls === `./.github/workflows/${name}`)?.jobs ?? [];
  const needed: Record<string, string> = Object.fromEntries(
    called.flatMap(({ permissions }) => Object.entries(permissions ?? {})),
  );
  for (const step of job.steps) {
    if (actionOf(step) === 'actions/checkout') needed.contents = 'read';
    if (actionOf(step) === 'azure/login') needed[tokenPermission] = 'write';
    if (actionOf(step) === 'actions/attest')
      Object.assign(needed, { attestations: 'write', [tokenPermission]: 'write' });
    const publishes = step.run?.includes('gh release create') === true;
    if (publishes) needed.contents = 'write';
    if (step.with?.['comment-on-pr'] === true) needed['pull-requests'] = 'write';
    const comments = step.run?.includes('tools/comment-activation-plan.sh') === true;
    if (comments) needed['pull-requests'] = 'write';
    const keepsIssue = step.run?.includes('tools/keep-issue.sh') === true;
    if (keepsIssue) needed.issues = 'write';
    if (
      step.with?.['run-id'] !== undefined ||
      (step.env?.GH_TOKEN !== undefined && !comments && !keepsIssue && !publishes)
    )
      needed.actions = 'read';
  }
  return sortedByKey(needed);
}

function sortedByKey(record: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function pulumiVersion(): string {
  const manifest = JSON.parse(readFileSync(join(root, 'infra', 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return manifest.dependencies['@pulumi/pulumi'] ?? 'declared in infra/package.json';
}

/** Fetch, compare, deploy, wait, sing: in this order, and all of the same file. */
function deployFaults({ steps }: Job): readonly string[] {
  const deploy = steps.findIndex(({ run = '' }) => run.includes('tools/deploy-package.ts'));
  if (deploy < 0) return [];
  const fetch = steps.findIndex((step) => actionOf(step) === 'actions/download-artifact');
  const compare = steps.findIndex(({ run = '' }) =>
    /echo "\$DIGEST {2}package\/handler\.zip" \| sha256sum --check --strict/.test(run),
  );
  const health = steps.findIndex(({ run = '' }) => run.includes('tools/wait-for-health.ts'));
  const canary = steps.findIndex(({ run = '' }) => run.includes('activation canary --environment "$ENVIRONMENT"'));
  return [
    ...unless(
      steps[fetch]?.with?.name === 'handler-package' && steps[fetch].with.path === 'package',
      'the package is not fetched',
    ),
    ...unless(steps[compare]?.env?.DIGEST === '${{ inputs.digest }}', 'the digest is not compared'),
    ...unless(steps[deploy]?.run?.trim().endsWith(' package/handler.zip') === true, 'another file is deployed'),
    ...unless(
      0 <= fetch && fetch < compare && compare < deploy && deploy < health && health < canary,
      'the order is wrong',
    ),
  ];
}

function buildFaults(workflows: readonly Workflow[]): readonly string[] {
  const job = workflows.flatMap(({ jobs }) => jobs).find(({ id }) => id === 'deploy.yml/check');
  if (job === undefined) return ['deploy.yml has no job check'];
  const built = job.steps.findIndex(({ run = '' }) => run.trim() === 'bash .ci/run');
  const read = job.steps.findIndex(({ run = '' }) => run.includes('sha256sum apps/handler/dist/handler.zip'));
  const keeping = (name: string): number =>
    job.steps.findIndex((step) => actionOf(step) === 'actions/upload-artifact' && step.with?.name === name);
  const filesOf = (step: number): readonly string[] => String(job.steps[step]?.with?.path).trim().split('\n');
  const kept = keeping('handler-package');
  const maps = keeping('handler-maps');
  return [
    ...unless(
      0 <= built && built < read && read < kept,
      'check must test and build, read the digest, and keep the package',
    ),
    ...unless(filesOf(kept).includes('apps/handler/dist/handler.zip'), 'the package is not kept'),
    // With the digests, which say of which package they are.
    ...unless(
      ['apps/handler/dist/maps', 'apps/handler/dist/handler.json'].every((file) => filesOf(maps).includes(file)) &&
        job.steps[maps]?.with?.['retention-days'] === job.steps[kept]?.with?.['retention-days'],
      'the source maps of the package are not kept for as long as it',
    ),
    ...unless(
      job.outputs.digest === `\${{ steps.${job.steps[read]?.id ?? ''}.outputs.digest }}`,
      'the digest is not handed on',
    ),
  ];
}

/** The rights to write are with a job that only takes what another one built. */
function publishFaults({ steps }: Job): readonly string[] {
  const published = steps.filter(({ run = '' }) => run.includes('gh release create'));
  const attests = steps.filter((step) => actionOf(step) === 'actions/attest');
  if (published.length + attests.length === 0) return [];
  const vouchedFor = (withList: boolean): boolean =>
    attests.some(
      ({ with: input = {} }) =>
        input['subject-path'] === 'release/handler.zip' &&
        input['sbom-path'] === (withList ? 'release/handler.cdx.json' : undefined),
    );
  return [
    ...unless(!steps.some((step) => actionOf(step) === 'actions/checkout'), 'it checks the repository out'),
    ...unless(vouchedFor(false) && vouchedFor(true), 'the package has no provenance, or no list of what is inside'),
    ...unless(
      published.some(({ run = '' }) =>
        / release\/handler\.zip release\/handler\.json release\/handler\.cdx\.json$/m.test(run),
      ),
      'something else is published',
    ),
  ];
}

/** Before anything of the commit runs. */
function releasedCommitFaults(workflows: readonly Workflow[]): readonly string[] {
  const steps = workflows.flatMap(({ jobs }) => jobs).find(({ id }) => id === 'release.yml/build')?.steps ?? [];
  const fetch = steps.findIndex(
    (step) => actionOf(step) === 'actions/checkout' && step.with?.['fetch-depth'] === 0 && !('ref' in step.with),
  );
  const compare = steps.findIndex(({ run = '' }) => /^git merge-base --is-ancestor HEAD origin\/main/m.test(run));
  const runs = steps.findIndex(({ run = '' }) => /\b(node|npm|npx|bash) /.test(run));
  return unless(0 <= fetch && fetch < compare && compare < runs, 'nothing compares the tag with the history of main');
}

function trainFaults(workflows: readonly Workflow[]): readonly string[] {
  const jobs = workflows.find(({ name }) => name === 'deploy.yml')?.jobs ?? [];
  const prod = jobs.find(({ id }) => id === 'deploy.yml/prod');
  const isGated = prod?.needs.includes('gate') === true && prod.condition === "needs.gate.outputs.open == 'true'";
  const faults = environments.flatMap((environment, index) => {
    const job = jobs.find(({ id }) => id === `deploy.yml/${environment}`);
    const before = environments.slice(Math.max(0, index - 1), index);
    return [
      ...unless(job?.calls === './.github/workflows/deploy-environment.yml', `${environment} is not deployed`),
      ...unless(
        before.every((earlier) => job?.needs.includes(earlier)),
        `${environment} does not wait for ${before.join()}`,
      ),
      ...unless(job?.inputs.environment === environment, `${environment} is deployed elsewhere`),
      ...unless(job?.inputs.digest === '${{ needs.check.outputs.digest }}', `${environment} gets another package`),
    ];
  });
  return [...faults, ...unless(isGated, 'prod does not wait for a person')];
}
