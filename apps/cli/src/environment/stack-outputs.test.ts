import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { CommandError } from '../terminal/command-error.ts';
import { readStackOutputs } from './stack-outputs.ts';

/** A repository with a `pulumi` that runs this script of the shell. */
async function repositoryWith(script: string) {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'infra'));
  await writeFile(join(folder, 'infra', 'Pulumi.yaml'), 'name: activation-hub\n');
  await writeFile(join(folder, 'pulumi'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { folder, environment: { PATH: `${folder}${delimiter}${process.env.PATH ?? ''}` } };
}

test('Ctrl-C while pulumi is asked is said to be that, and no fault of pulumi', async () => {
  const repository = await repositoryWith('touch ../asked; sleep 600');
  const interruption = new AbortController();
  const asked = readStackOutputs('dev', capturedTerminal({ ...repository, interrupted: interruption.signal }));
  const failure = asked.catch((error: unknown) => error);
  await expect.poll(() => existsSync(join(repository.folder, 'asked'))).toBe(true);
  interruption.abort();
  expect(await failure).toEqual(new CommandError(1, 'Stopped, as asked.'));
});

test('a pulumi that is ended before it answers is not said to have no reason', async () => {
  const repository = await repositoryWith('kill -TERM $$');
  await expect(readStackOutputs('dev', capturedTerminal(repository))).rejects.toThrow(
    'Failed to read the outputs of the stack dev: pulumi gave no answer and was ended (SIGTERM), as it is after 120 s. Look whether it reaches its state: pulumi stack ls in infra.',
  );
});
