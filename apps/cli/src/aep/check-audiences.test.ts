import { expect, test } from 'vitest';
import { aepEnvironment, audience, audienceIds } from '../../testing/aep-environment.ts';

const [a = '', b = '', c = ''] = audienceIds;
const check = ['check', 'dev.yaml', '--aep'];

test('a file whose audiences are in the sandbox and stream is fine', async () => {
  const started = await aepEnvironment();
  await started.writeFile(
    [audience('fans', a, 'consent: consents.marketing.email.val,'), audience('new', b)].join('\n'),
  );
  const { code, output, errors } = await started.activation(check);
  expect(errors).toBe('');
  expect(output).toMatch(/^dev\.yaml\n {2}audience +destination/);
  expect(output).not.toContain('warning');
  expect(code).toBe(0);
});

test(
  'an audience that the sandbox does not have is a problem where a route sends it',
  { timeout: 300_000 },
  async () => {
    const started = await aepEnvironment();
    await started.writeFile(
      [
        audience('fans', 'nowhere'),
        audience('later', 'not-yet').replace('email }', 'email, mode: shadow }'),
        audience('loaded', 'from-a-file', 'namespace: CustomerAudienceUpload,'),
      ].join('\n'),
    );
    const { code, errors } = await started.activation(check);
    expect(errors).toMatch(
      /^dev\.yaml:4:15: audiences\.fans\.id nowhere is no audience of the sandbox prod\. Look for it/,
    );
    expect(errors).toContain('warning dev.yaml:5:16: audiences.later.id not-yet is no audience');
    expect(errors).toContain(
      'warning dev.yaml:6:17: audiences.loaded.id from-a-file is no audience of the sandbox prod. An audience',
    );
    expect(errors).toContain('Failed to accept dev.yaml.');
    expect(code).toBe(2);
    const json = await started.activation([...check, '--json']);
    expect(JSON.parse(json.output)).toMatchObject({ ok: false, files: [{ problems: [{ line: 4, column: 15 }] }] });
  },
);

test(
  'evaluation, state, origin, merge policy and attributes that will not do are warnings',
  { timeout: 300_000 },
  async () => {
    const started = await aepEnvironment({
      audiences: [
        { id: a, name: 'Slow', evaluation: ['batch'] },
        { id: b, name: 'Old', lifecycleState: 'archived', evaluation: [] },
        { id: c, name: 'Bought', type: 'ExternalSegment', evaluation: ['edge'], mergePolicyId: 'another' },
      ],
    });
    const route = 'activate: [{ destination: crm, identity: email, attributes: { f: firstName, e: personalEmail } }]';
    await started.writeFile(
      [`slow: { id: "${a}", ${route} }`, audience('old', b, 'consent: _contoso,'), audience('bought', c)].join('\n'),
    );
    const { code, output } = await started.activation(check);
    const lines = output.split('\n').filter((line) => line.startsWith('warning'));
    expect(lines).toEqual([
      expect.stringContaining('dev.yaml:4:15: audiences.slow ("Slow" in AEP) is evaluated in batch only'),
      expect.stringMatching(
        /^warning dev\.yaml:4:\d+: audiences\.slow\.activate\[0\]\.attributes\.f "firstName" begins with firstName, which is not known/,
      ),
      expect.stringMatching(
        /^warning dev\.yaml:4:\d+: audiences\.slow\.activate\[0\]\.attributes\.e "personalEmail" is an object; .* such as personalEmail\.address\.$/,
      ),
      expect.stringContaining('audiences.old ("Old" in AEP) is archived'),
      expect.stringContaining('audiences.old ("Old" in AEP) is evaluated by no method'),
      expect.stringContaining('"_contoso" is the whole of your own fields'),
      expect.stringContaining('audiences.bought ("Bought" in AEP) comes from elsewhere'),
      expect.stringContaining('audiences.bought has the merge policy another, but audiences.slow has 87c94d51'),
    ]);
    expect(code).toBe(0);
  },
);
