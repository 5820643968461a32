import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  operatorRoles,
  startDeployedEnvironment,
  type DeployedEnvironment,
} from '../../testing/deployed-environment.ts';
import { vipMembers } from '../../testing/environment-seed.ts';
import { runActivation } from '../../testing/run-activation.ts';

let environment: DeployedEnvironment;
beforeAll(async () => {
  environment = await startDeployedEnvironment();
});
afterAll(() => environment.stop());
beforeEach(() => {
  for (const role of operatorRoles) environment.roles.add(role);
});

const run = (...words: readonly string[]) =>
  runActivation([...words, '--activations', 'apps/handler/activations/dev.yaml', '--environment', 'dev'], {
    folder: environment.folder,
    environment: environment.variables,
  });

test(
  'resync and forget read the secrets of a destination from the vault of the environment',
  { timeout: 300_000 },
  async () => {
    const resynced = await run('resync', 'crm', '--audience', 'vip');
    expect(resynced).toMatchObject({ code: 0, errors: '' });
    expect(resynced.output).toContain(`Told crm of ${vipMembers} memberships`);
    environment.roles.delete('Key Vault Secrets User');
    const refused = await run('resync', 'crm', '--audience', 'vip');
    expect(refused.code).toBe(2);
    expect(refused.errors).toContain('Give yourself the role Key Vault Secrets User');
    environment.roles.add('Key Vault Secrets User');
    const forgotten = await run('forget', 'crmid:C-3', '--tell');
    expect(forgotten).toMatchObject({ code: 0, errors: '' });
    expect(forgotten.output).toMatch(/told crm +2 exits$/m);
  },
);

test(
  'forget asks Pulumi once for the storage and once for the vault, however many destinations know the person',
  { timeout: 300_000 },
  async () => {
    const asked = join(environment.folder, 'pulumi.asked');
    await rm(asked, { force: true });
    // The vault refuses, so that neither destination is called.
    environment.roles.delete('Key Vault Secrets User');
    const { output } = await run('forget', 'crmid:C-1', 'email:person.1@example.com', '--tell');
    expect(output).toMatch(/^ +told crm +not taken/m);
    expect(output).toMatch(/^ +told ads +not taken/m);
    const words = 'stack output --json --show-secrets --stack dev\n';
    expect(await readFile(asked, 'utf8')).toBe(words.repeat(2));
  },
);

test('retire sets up its destination with the secrets of the vault', async () => {
  // None of its routes is retired, which is said after it was set up.
  expect((await run('retire', 'crm', '--dry-run')).errors).toContain('none of its routes has mode: retired');
  environment.roles.delete('Key Vault Secrets User');
  expect((await run('retire', 'crm', '--dry-run')).errors).toContain('Give yourself the role Key Vault Secrets User');
});
