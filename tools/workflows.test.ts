import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { root } from './repository.ts';
import { parseWorkflow, readWorkflows } from './workflow.ts';
import { workflowRules } from './workflow-rules.ts';

const workflows = readWorkflows();

test('the workflows are the pipeline, its part for one environment, releases, other systems, and what is done by hand or by the clock', () => {
  expect(workflows.map(({ name }) => name)).toEqual([
    'deploy-environment.yml',
    'deploy.yml',
    'drift.yml',
    'life.yml',
    'operate.yml',
    'release.yml',
    'run-pulumi.yml',
    'systems.yml',
    'upgrades.yml',
  ]);
});

test.each(workflowRules)('$name', ({ faults }) => {
  expect(faults(workflows)).toEqual([]);
});

test('the folder that a release is gathered in is ignored by git, so that no test reads it as a page', () => {
  const made = workflows.find(({ name }) => name === 'release.yml')?.text ?? '';
  const [, notes = ''] = /release-notes -- "\$TAG" > (\S+)$/m.exec(made) ?? [];
  expect(notes).toBe('release/notes.md');
  expect(spawnSync('git', ['check-ignore', '--quiet', notes], { cwd: root }).status).toBe(0);
});

const checkout = 'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1';
const rule = {
  pinned: 'every action is one that we know, at its commit, with its version beside it',
  permissions: 'a workflow grants nothing by itself; each job states what it needs, and no more',
  secrets: 'no stored secret',
  scripts: 'a script takes values from its environment, never pasted into its text',
  environment: 'what signs in to Azure belongs to an environment, and its turn is kept',
  pulumi: 'Pulumi previews before it changes anything, and asks the policies',
  deployed: 'what is deployed is the package whose digest was compared, and it must prove itself',
  tested: 'the digest is of the package that was tested, which is the one that is kept',
  train: 'the train goes from dev to staging to prod',
  published: 'what publishes a release runs nothing of the repository, and vouches for the package that it publishes',
  released: 'a release is of a commit of main',
  public: 'releases, and the tests on other systems, do not run in a private copy',
};

/** A workflow, what is changed in it, and the rule that must then be broken. */
const mistakes: readonly (readonly [what: string, file: string, from: string, to: string, broken: string])[] = [
  ['a tag for a commit', 'deploy.yml', checkout, 'actions/checkout@v7.0.1', rule.pinned],
  ['another commit', 'deploy.yml', '3d3c42e5', '3d3c42e6', rule.pinned],
  [
    'a version that is not that of the commit',
    'deploy.yml',
    checkout,
    checkout.replace('v7.0.1', 'v7.0.0'),
    rule.pinned,
  ],
  ['no version beside the commit', 'deploy.yml', ' # v7.0.1', '', rule.pinned],
  ['an action that nobody knows', 'operate.yml', 'azure/login@', 'azure/logon@', rule.pinned],
  [
    'a workflow that is not there',
    'deploy.yml',
    './.github/workflows/deploy-environment.yml',
    './.github/workflows/x.yml',
    rule.pinned,
  ],
  [
    'an input with a slip of the pen',
    'deploy.yml',
    'fetch-depth: 0',
    'fetch-depht: 0',
    'every input of an action is one that it has',
  ],
  ['rights for a whole workflow', 'deploy.yml', 'permissions: {}', 'permissions: write-all', rule.permissions],
  [
    'a right that is not needed',
    'deploy.yml',
    'contents: read\n    outputs:',
    'contents: write\n    outputs:',
    rule.permissions,
  ],
  [
    'one right more',
    'operate.yml',
    'actions: read\n    outputs:',
    'actions: read\n      packages: write\n    outputs:',
    rule.permissions,
  ],
  ['a right to write issues that is missing', 'drift.yml', 'issues: write', 'issues: read', rule.permissions],
  ['a right that is missing', 'deploy.yml', 'pull-requests: write', 'issues: write', rule.permissions],
  [
    'a job that states none',
    'operate.yml',
    'timeout-minutes: 5\n    permissions: {}',
    'timeout-minutes: 5',
    rule.permissions,
  ],
  ['a secret', 'operate.yml', 'vars.AZURE_CLIENT_ID', 'secrets.AZURE_CLIENT_ID', rule.secrets],
  [
    'all secrets handed on',
    'deploy.yml',
    '    with:\n      environment: dev',
    '    secrets: inherit\n    with:\n      environment: dev',
    rule.secrets,
  ],
  [
    'an event with rights for forks',
    'deploy.yml',
    '  pull_request:\n',
    '  pull_request_target:\n',
    'nothing of a fork runs with rights of ours',
  ],
  [
    'what a stranger wrote in a script',
    'deploy.yml',
    'run: bash .ci/run',
    'run: echo "${{ github.event.head_commit.message }}"',
    rule.scripts,
  ],
  ['an input in a script', 'operate.yml', '"$RUN" =~', '"${{ inputs.run }}" =~', rule.scripts],
  [
    'a shell that goes on after a failure',
    'operate.yml',
    'shell: bash',
    'shell: sh',
    'a script stops at the first command that fails',
  ],
  [
    'a checkout that keeps its token',
    'operate.yml',
    'persist-credentials: false',
    'persist-credentials: true',
    'a checkout leaves no credentials behind',
  ],
  [
    'a machine of whatever version',
    'operate.yml',
    'ubuntu-24.04',
    'ubuntu-latest',
    'a job runs on a machine of a stated version, for a stated time',
  ],
  [
    'a system of whatever version',
    'systems.yml',
    'windows-2025',
    'windows-latest',
    'a job runs on a machine of a stated version, for a stated time',
  ],
  [
    'a job without an end',
    'operate.yml',
    '    timeout-minutes: 60\n',
    '',
    'a job runs on a machine of a stated version, for a stated time',
  ],
  [
    'a sign-in without an environment',
    'deploy-environment.yml',
    '    environment: ${{ inputs.environment }}\n',
    '',
    rule.environment,
  ],
  [
    'a cache beside rights in Azure',
    'deploy-environment.yml',
    'package-manager-cache: false',
    'cache: npm',
    rule.environment,
  ],
  ['two deployments at once', 'deploy-environment.yml', 'environment-${{', 'env-${{', rule.environment],
  [
    'a deployment that is broken off',
    'deploy-environment.yml',
    'cancel-in-progress: false',
    'cancel-in-progress: true',
    rule.environment,
  ],
  ['a deployment whose place in the line is taken', 'deploy-environment.yml', 'queue: max', '', rule.environment],
  [
    'a preview with rights to write',
    'operate.yml',
    '    environment: ${{ inputs.environment }}-preview',
    '    environment: ${{ inputs.environment }}',
    rule.environment,
  ],
  [
    'another Pulumi',
    'deploy.yml',
    'pulumi-version: 3.276.0',
    'pulumi-version: 3.269.0',
    'the version of Pulumi is that of the program',
  ],
  ['a preview without policies', 'deploy.yml', '          policyPacks: policy\n', '', rule.pulumi],
  [
    'a preview that reads what it may not',
    'drift.yml',
    'bash tools/preview-with-refresh.sh',
    'pulumi -C infra preview --refresh',
    rule.pulumi,
  ],
  ['an update without policies', 'deploy-environment.yml', ' --policy-pack policy', '', rule.pulumi],
  ['an `up` that asks no policy', 'run-pulumi.yml', ' --policy-pack policy', '', rule.pulumi],
  ['a destroy without a preview', 'operate.yml', '--yes --non-interactive', '--yes --skip-preview', rule.pulumi],
  ['an update by the action', 'deploy.yml', 'command: preview', 'command: up', rule.pulumi],
  [
    'another file deployed',
    'deploy-environment.yml',
    '"$APP" package/handler.zip',
    '"$APP" apps/handler/dist/handler.zip',
    rule.deployed,
  ],
  [
    'a digest of somewhere else',
    'deploy-environment.yml',
    'DIGEST: ${{ inputs.digest }}',
    'DIGEST: ${{ inputs.run }}',
    rule.deployed,
  ],
  ['no comparison', 'deploy-environment.yml', '| sha256sum --check --strict', '| cat', rule.deployed],
  ['no canary', 'deploy-environment.yml', 'activation canary', 'activation check', rule.deployed],
  ['no wait for health', 'deploy-environment.yml', 'tools/wait-for-health.ts', 'tools/wait.ts', rule.deployed],
  [
    'a digest of another file',
    'deploy.yml',
    'sha256sum apps/handler/dist/handler.zip',
    'sha256sum apps/handler/dist/app.zip',
    rule.tested,
  ],
  ['a package that was not tested', 'deploy.yml', 'run: bash .ci/run', 'run: npx nx build handler', rule.tested],
  [
    'a digest that is not handed on',
    'deploy.yml',
    'digest: ${{ steps.package.outputs.digest }}',
    'digest: none',
    rule.tested,
  ],
  ['no source maps kept', 'deploy.yml', '            apps/handler/dist/maps\n', '', rule.tested],
  [
    'source maps of no package',
    'deploy.yml',
    'dist/maps\n            apps/handler/dist/handler.json',
    'dist/maps',
    rule.tested,
  ],
  ['staging beside dev', 'deploy.yml', 'needs: [check, dev]', 'needs: [check]', rule.train],
  ['prod without staging', 'deploy.yml', 'needs: [check, staging, gate]', 'needs: [check, gate]', rule.train],
  ['prod without a gate', 'deploy.yml', "    if: needs.gate.outputs.open == 'true'\n", '', rule.train],
  [
    'a publisher that runs the repository',
    'release.yml',
    '      - name: Fetch what was built\n',
    `      - uses: ${checkout}\n        with:\n          persist-credentials: false\n      - name: Fetch what was built\n`,
    rule.published,
  ],
  ['a package without its list', 'release.yml', '          sbom-path: release/handler.cdx.json\n', '', rule.published],
  [
    'another package published',
    'release.yml',
    '          release/handler.zip release',
    '          release/app.zip release',
    rule.published,
  ],
  ['a release that may write too much', 'release.yml', 'attestations: write', 'packages: write', rule.permissions],
  ['a release of any commit', 'release.yml', 'git merge-base --is-ancestor HEAD', 'git log HEAD', rule.released],
  ['a release without the history of main', 'release.yml', 'fetch-depth: 0', 'fetch-depth: 1', rule.released],
  [
    'a release of a private copy',
    'release.yml',
    'if: ${{ !github.event.repository.private }}',
    'if: true',
    rule.public,
  ],
  [
    'other systems for a private copy',
    'systems.yml',
    'if: ${{ !github.event.repository.private }}',
    'if: true',
    rule.public,
  ],
  ['prod twice', 'deploy.yml', 'environment: staging\n', 'environment: prod\n', rule.train],
];

test.each(mistakes)('control: %s is found', (_what, file, from, to, broken) => {
  const text = workflows.find(({ name }) => name === file)?.text ?? '';
  expect(text).toContain(from);
  const changed = workflows.map((workflow) =>
    workflow.name === file ? parseWorkflow(file, text.replace(from, to)) : workflow,
  );
  const found = workflowRules.filter(({ faults }) => faults(changed).length > 0).map(({ name }) => name);
  expect(found).toContain(broken);
});

test('control: every rule is broken by one of the mistakes', () => {
  expect(new Set(mistakes.map(([, , , , broken]) => broken))).toEqual(new Set(workflowRules.map(({ name }) => name)));
});
