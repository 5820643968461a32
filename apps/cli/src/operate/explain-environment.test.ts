import { expect, onTestFinished, test } from 'vitest';
import { startDeployedEnvironment } from '../../testing/deployed-environment.ts';
import { runActivation } from '../../testing/run-activation.ts';

test(
  'of an environment, explain finds the activation file too, and names commands that find the same',
  { timeout: 300_000 },
  async () => {
    const environment = await startDeployedEnvironment();
    onTestFinished(() => environment.stop());
    const { folder, variables } = environment;
    const told = await runActivation(['explain', 'email:person.2@example.com', '--environment', 'dev'], {
      folder,
      environment: variables,
    });
    expect(told.errors).toBe('');
    expect(told.output).toMatch(/^ {2}ads {2}vip .* waiting {2}Not taken yet; a retry tells it/m);
    expect(told.output).toMatch(/ activation retry-now ads --environment dev\n$/);
  },
);
