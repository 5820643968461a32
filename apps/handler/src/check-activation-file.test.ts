import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkActivationFile } from './check-activation-file.ts';

test.each([
  ['identity: crmid', '"crmid" names nobody there'],
  ['identity: email, attributes: { hs_object_id: a.b }', 'attributes.hs_object_id cannot be told to this destination'],
])('a mapping that cannot work stops the start: %s', async (route, sentence) => {
  const folder = await mkdtemp(join(tmpdir(), 'activation-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'own.yaml');
  await writeFile(
    path,
    `version: 1
destinations: { crm: { type: hubspot, settings: { accessToken: { secret: key } } } }
audiences:
  fans: { id: 9d161bbb-c785-474a-965b-7d7bc2adf879, activate: [{ destination: crm, ${route}, options: { list: A } }] }
`,
  );
  await expect(checkActivationFile(path)).rejects.toThrow(sentence);
});
