import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { runActivation } from '../../testing/run-activation.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';

/**
 * A repository and a PATH on which az, gh, pulumi and git keep what they made in a folder, a file
 * each, and answer by it. They take the commands that docs/operating/deploy.md has; every other
 * ends with 9. What changes something is written down.
 */
async function emptySubscription() {
  const folder = await temporaryFolder();
  const [bin, made] = [join(folder, 'bin'), join(folder, 'made')];
  for (const each of [bin, made, join(folder, 'infra'), join(folder, 'apps/handler/activations')]) {
    await mkdir(each, { recursive: true });
  }
  await writeFile(join(folder, 'infra', 'Pulumi.yaml'), 'name: activation-hub\n');
  await writeFile(
    join(folder, 'apps/handler/activations/dev.yaml'),
    `version: 1
destinations:
  crm: { type: webhook, settings: { url: "https://crm.example.com/", signingSecret: { secret: crm-signing } } }
audiences:
  vip: { id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09, activate: [{ destination: crm, identity: crmid }] }
`,
  );
  const script = `#!/usr/bin/env bash
cd '${made}'
words="$(basename "$0") $*"
did() { echo "$words" >> log; touch "$1"; exit 0; }
has() { [ -e "$1" ]; exit; }
case "$words" in
  'az account show') has az ;;
  'az login') did az ;;
  'gh auth status') has gh ;;
  'gh auth login') did gh ;;
  'az deployment sub show'*provisioningState*) [ -e bootstrap ] && echo Succeeded ;;
  'gh api repos/{owner}/{repo}/actions/oidc/customization/sub'*) echo 'repo:contoso/hub' ;;
  'az ad signed-in-user show'*) echo 'person-1' ;;
  'az deployment sub create'*) [ -e refuse ] && { echo 'no quota' >&2; exit 3; }; did bootstrap ;;
  *outputs.github*) printf 'gh made "repos/{owner}/{repo}/environments/dev" && gh made again\\ngh made "x/environments/prod"\\n' ;;
  'gh made again') did github ;;
  'gh made'*) exit 0 ;;
  'gh variable get PULUMI_BACKEND_URL'*) has github ;;
  *outputs.pulumi*) printf 'pulumi login "azblob://pulumi-dev?storage_account=a" && pulumi -C infra stack init dev --secrets-provider "azurekeyvault://k"\\n' ;;
  'pulumi whoami --verbose') [ -e login ] && echo 'Backend URL: azblob://pulumi-dev?storage_account=a' ;;
  'pulumi login azblob'*) did login ;;
  'pulumi -C infra stack output --json --stack dev') has stack ;;
  'pulumi -C infra stack init dev'*) did stack ;;
  'pulumi -C infra config get location'*) [ -e location ] && echo northeurope ;;
  'pulumi -C infra config set location northeurope'*) did location ;;
  'pulumi -C infra config --json --stack dev') [ -e secret ] && echo '{"activation-hub:secret-crm-signing":{"secret":true}}' || echo '{}' ;;
  'pulumi -C infra config set --secret secret-crm-signing'*) did secret ;;
  'git status'*) [ -e committed ] || echo ' M infra/Pulumi.dev.yaml' ;;
  'git add'*) exit 0 ;;
  'git commit'*) did committed ;;
  *outputs.tenant*) echo 'gh variable set AZURE_TENANT_ID --body t' ;;
  'gh variable set AZURE_TENANT_ID --body t') did tenant ;;
  'gh variable get AZURE_TENANT_ID') has tenant ;;
  *) echo "not known: $words" >&2; exit 9 ;;
esac
`;
  for (const name of ['az', 'gh', 'pulumi', 'git']) await writeFile(join(bin, name), script, { mode: 0o755 });
  const environment = { PATH: [bin, process.env.PATH ?? ''].join(delimiter) };
  const up = (...words: readonly string[]) =>
    runActivation(['azure', 'up', '--environment', 'dev', ...words], { folder, environment });
  return { up, folder, made, log: () => readFile(join(made, 'log'), 'utf8').catch(() => '') };
}

const order = [
  'az login',
  'gh auth login',
  'az deployment sub create --name activation-hub --location northeurope --template-file infra/bootstrap/template.json --parameters subjectPrefix=repo:contoso/hub --parameters operators=["person-1"]',
  'gh made again',
  'pulumi login azblob://pulumi-dev?storage_account=a',
  'pulumi -C infra stack init dev --secrets-provider azurekeyvault://k',
  'pulumi -C infra config set location northeurope --stack dev',
  'pulumi -C infra config set --secret secret-crm-signing --stack dev',
  'git commit --message infra: the stack of dev -- infra/Pulumi.dev.yaml',
  'gh variable set AZURE_TENANT_ID --body t',
];

test(
  'an empty subscription becomes an environment, step by step, and a second run changes nothing',
  { timeout: 300_000 },
  async () => {
    const { up, log } = await emptySubscription();
    const first = await up('--location', 'northeurope');
    expect({ ...first, output: '' }).toEqual({ code: 0, output: '', errors: '' });
    expect(first.output).toMatch(/^ 1\/10 doing {2}you are signed in to Azure\n 1\/10 done /);
    expect(first.output).toContain('dev is ready. `git push` deploys it');
    expect((await log()).trim().split('\n')).toEqual(order);
    const second = await up('--location', 'northeurope');
    expect(second.output).toContain('Everything was there already.');
    expect(second.output).not.toContain('doing');
    expect((await log()).trim().split('\n')).toEqual(order);
  },
);

test('a dry run says what is left and does nothing', async () => {
  const { up, log } = await emptySubscription();
  const { code, output } = await up('--dry-run', '--json');
  const steps = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { state: string; of: number });
  expect(code).toBe(0);
  expect(steps.map(({ state }) => state)).toEqual(Array.from({ length: 9 }, () => 'to do'));
  expect(await log()).toBe('');
});

test('a step that fails ends it with words, and the next run goes on there', async () => {
  const { up, made, log } = await emptySubscription();
  await writeFile(join(made, 'refuse'), '');
  const refused = await up();
  expect(refused.code).toBe(1);
  expect(refused.errors).toContain('no quota');
  expect(refused.errors).toContain(
    'Failed to run az deployment sub create: it ended with 3, and printed the reason above.',
  );
  expect((await log()).trim().split('\n')).toEqual(['az login', 'gh auth login']);
  await writeFile(join(made, 'bootstrap'), '');
  expect((await up()).code).toBe(0);
  expect(await log()).not.toContain('az deployment sub create');
});

test(
  'another folder, an environment without a file and one that the bootstrap does not have are said',
  { timeout: 300_000 },
  async () => {
    const nowhere = await runActivation(['azure', 'up', '-e', 'dev'], { folder: await temporaryFolder() });
    expect(nowhere).toMatchObject({ code: 2, output: '' });
    expect(nowhere.errors).toContain('Failed to find infra/Pulumi.yaml');
    const { up, folder } = await emptySubscription();
    expect((await up('-e', 'Dev')).errors).toContain('Failed to find the environment Dev');
    expect(await up('-e', 'prod')).toMatchObject({ code: 2 });
    await writeFile(
      join(folder, 'apps/handler/activations/qa.yaml'),
      await readFile(join(folder, 'apps/handler/activations/dev.yaml')),
    );
    const unknown = await up('-e', 'qa');
    expect(unknown.code).toBe(1);
    expect(unknown.errors).toContain('Failed to find qa in what the bootstrap made.');
  },
);
