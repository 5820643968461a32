import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readWorkflows } from './workflow.ts';

const workflows = readWorkflows();

interface Finished {
  readonly ok: boolean;
  /** Both streams. */
  readonly said: string;
  /** What the step hands on. */
  readonly outputs: string;
}

/**
 * A folder in which the script of a step can be run, as GitHub runs it; other commands are what
 * they are told to be.
 */
function createWorkplace(commands: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  mkdirSync(join(folder, 'package'));
  mkdirSync(join(folder, 'bin'));
  for (const [name, script] of Object.entries(commands)) {
    writeFileSync(join(folder, 'bin', name), `#!/usr/bin/env bash\n${script}\n`, { mode: 0o755 });
  }
  const run = (job: string, step: string, variables: Readonly<Record<string, string>>): Finished => {
    const found = workflows.flatMap(({ jobs }) => jobs).find(({ id }) => id === job);
    const script = found?.steps.find(({ name }) => name === step)?.run;
    if (script === undefined) throw new Error(`Failed to find the step: there is no ${step} in ${job}.`);
    writeFileSync(join(folder, 'outputs'), '');
    const { status, stdout, stderr } = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
      cwd: folder,
      encoding: 'utf8',
      env: {
        PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}`,
        GITHUB_OUTPUT: join(folder, 'outputs'),
        GITHUB_STEP_SUMMARY: join(folder, 'summary'),
        ...variables,
      },
    });
    return { ok: status === 0, said: stdout + stderr, outputs: readFileSync(join(folder, 'outputs'), 'utf8') };
  };
  return { folder, run };
}

const digestOf = (bytes: string): string => createHash('sha256').update(bytes).digest('hex');

test.each([
  ['the package that was tested', digestOf('tested'), true],
  ['another package', digestOf('other'), false],
  ['no digest', '', false],
])('%s: a deployment goes on only with what was tested', (_what, digest, goesOn) => {
  const { folder, run } = createWorkplace();
  writeFileSync(join(folder, 'package', 'handler.zip'), 'tested');
  const { ok, said } = run('deploy-environment.yml/deploy', 'Compare the package with the one that was tested', {
    ENVIRONMENT: 'dev',
    DIGEST: digest,
  });
  expect(ok).toBe(goesOn);
  expect(said.includes(`Deploying to dev: sha256 ${digest}`)).toBe(goesOn);
});

test('the digest that is handed on is that of the package that was built', () => {
  const { folder, run } = createWorkplace();
  const job = 'deploy.yml/check';
  expect(run(job, 'Read the digest of the package', {}).ok).toBe(false);
  mkdirSync(join(folder, 'apps', 'handler', 'dist'), { recursive: true });
  writeFileSync(join(folder, 'apps', 'handler', 'dist', 'handler.zip'), 'built');
  expect(run(job, 'Read the digest of the package', {}).outputs).toBe(`digest=${digestOf('built')}\n`);
});

const origin = '.github/workflows/deploy.yml push main contoso/activations';
/** A `gh` that knows one run. */
const runOf = (from: string, state = 'success'): string =>
  `case "$*" in *.conclusion*) echo '${state}' ;; *.head_sha*) echo 'abc123' ;; *) echo '${from}' ;; esac`;

test.each([
  ['a run of the pipeline on main', '4711', origin, /^$/],
  ['a run on a branch', '4711', origin.replace('main', 'mine'), /is not one of the pipeline on main/],
  ['a run of a pull request', '4711', origin.replace('push', 'pull_request'), /is not one of the pipeline on main/],
  ['a run of another workflow', '4711', origin.replace('deploy.yml', 'mine.yml'), /is not one of the pipeline on main/],
  ['a run of a fork', '4711', origin.replace('contoso', 'mallory'), /is not one of the pipeline on main/],
  ['no run', '', origin, /run must be the id of a run/],
  ['something else than a number', '1/../../x', origin, /run must be the id of a run/],
])('a rollback to %s', (_what, run, found, words) => {
  const workplace = createWorkplace({ gh: runOf(found, 'failure') });
  const { ok, said, outputs } = workplace.run('operate.yml/find-package', 'Check where the package comes from', {
    ACTION: 'rollback',
    RUN: run,
    GH_REPO: 'contoso/activations',
  });
  expect(said.trim()).toMatch(words);
  expect(ok).toBe(words.source === '^$');
  expect(outputs).toBe(ok ? 'commit=abc123\n' : '');
});

test.each([
  ['success', true],
  ['failure', false],
  ['in_progress', false],
])('a package whose train is %s is deployed by hand: %s', (state, goesOn) => {
  const { ok, said } = createWorkplace({ gh: runOf(origin, state) }).run(
    'operate.yml/find-package',
    'Check where the package comes from',
    { ACTION: 'deploy', RUN: '4711', GH_REPO: 'contoso/activations' },
  );
  expect(ok).toBe(goesOn);
  expect(said.includes(`run 4711 is not through the environments before, but: ${state}`)).toBe(!goesOn);
});

test.each([
  ['GitHub knows reviewers of prod', 'true', '', 'true'],
  ['GitHub knows none', 'false', '', 'false'],
  ['GitHub knows none and the repository says that none are needed', 'false', 'true', 'true'],
])('where %s, prod is deployed by itself: %s', (_what, reviewed, unreviewed, open) => {
  const { run } = createWorkplace({ gh: `[ "$2" = repos/contoso/activations/environments/prod ] && echo ${reviewed}` });
  const variables = { RUN: '4711', GH_REPO: 'contoso/activations', UNREVIEWED: unreviewed };
  const { ok, outputs, said } = run('deploy.yml/gate', 'Look whether somebody has to agree', variables);
  expect({ ok, outputs }).toEqual({ ok: true, outputs: `open=${open}\n` });
  expect(said.includes('gh workflow run operate.yml -f action=deploy -f environment=prod -f run=4711')).toBe(
    open === 'false',
  );
});

test('where GitHub does not say whether prod has reviewers, nothing is deployed there', () => {
  const { run } = createWorkplace({ gh: 'exit 1' });
  const variables = { RUN: '4711', GH_REPO: 'contoso/activations', UNREVIEWED: '' };
  expect(run('deploy.yml/gate', 'Look whether somebody has to agree', variables)).toMatchObject({
    ok: false,
    outputs: '',
  });
});

test('a destroyed environment is made anew with another vault, and the command for it is said', () => {
  const { run } = createWorkplace({ pulumi: '[[ "$*" = *"config get vaultNumber"* ]] && echo 3; true' });
  const { said } = run('operate.yml/destroy', 'Destroy', { ENVIRONMENT: 'dev' });
  expect(said).toContain('pulumi -C infra config set vaultNumber 4 --stack dev');
});

test('a rollback does not go on where GitHub does not answer', () => {
  const { run } = createWorkplace({ gh: 'exit 1' });
  const variables = { RUN: '4711', GH_REPO: 'contoso/activations' };
  expect(run('operate.yml/find-package', 'Check where the package comes from', variables).ok).toBe(false);
});

test.each([
  ['that belongs to the package', digestOf('old'), true],
  ['of another package', digestOf('new'), false],
])('a rollback reads the digest %s', (_what, digest, goesOn) => {
  const { folder, run } = createWorkplace();
  writeFileSync(join(folder, 'package', 'handler.zip'), 'old');
  writeFileSync(join(folder, 'package', 'handler.json'), JSON.stringify({ digest, contents: 'c' }));
  const { ok, outputs } = run('operate.yml/find-package', 'Read its digest', {});
  expect(ok).toBe(goesOn);
  expect(outputs).toBe(goesOn ? `digest=${digest}\n` : '');
});

test('the app is found in the outputs of the stack, and a stack without it stops the deployment', () => {
  const step = ['deploy-environment.yml/deploy', 'Find the app', { ENVIRONMENT: 'dev' }] as const;
  const known = createWorkplace({ pulumi: 'echo "value of $5"; echo "$*" >&2' }).run(...step);
  expect(known.said).toContain('-C infra stack output functionApp --stack dev');
  expect(known.outputs.split('\n').map((line) => line.split('=')[0])).toEqual([
    'resourceGroup',
    'functionApp',
    'healthUrl',
    '',
  ]);
  const unknown = createWorkplace({ pulumi: 'echo "error: no such output" >&2; exit 255' }).run(...step);
  expect([unknown.ok, unknown.outputs]).toEqual([false, '']);
});

test('a destroy that is not confirmed fails', () => {
  expect(createWorkplace().run('operate.yml/refuse', 'Refuse', {})).toMatchObject({ ok: false });
});
