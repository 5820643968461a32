import { expect, test } from 'vitest';
import { affectedEnvironments } from './affected-environments.ts';

const environments = ['dev', 'prod', 'staging'];
const affectedBy = (...files: string[]): readonly string[] =>
  affectedEnvironments({
    files,
    environments,
    isProgramAffected: (others) => others.some((file) => file.startsWith('infra/')),
  });

test.each([
  ['nothing', [], []],
  ['a document', ['README.md', 'infra/README.md'], []],
  ['code that the program does not use', ['apps/cli/src/main.ts'], []],
  ['the program', ['infra/index.ts'], environments],
  ['the configuration of one', ['infra/Pulumi.prod.yaml'], ['prod']],
  ['the activation file of one', ['apps/handler/activations/dev.yaml'], ['dev']],
  ['files of two, and code', ['infra/Pulumi.prod.yaml', 'infra/Pulumi.dev.yaml', 'apps/cli/a.ts'], ['dev', 'prod']],
  ['what all share', ['infra/Pulumi.yaml'], environments],
  ['the configuration of one that is no more', ['infra/Pulumi.test.yaml'], []],
])('%s changes %j: %j', (_what, files, expected) => {
  expect(affectedBy(...files)).toEqual(expected);
});
