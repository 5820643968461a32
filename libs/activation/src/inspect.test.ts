import { createMatcher, parseActivationFile } from '@activation-hub/activation-file';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  eventOf,
  fansId,
  openActivation,
  parseTestFile,
  personExport,
  riderAlongId,
  travellersId,
} from '../testing/index.ts';
import { inspect, type Inspection } from './index.ts';

const { signal } = new AbortController();

/** One audience to a live destination and one in shadow mode; another audience goes nowhere. */
const file = parseActivationFile(
  `
version: 1
destinations:
  crm: { type: recording }
  ads: { type: recording }
audiences:
  sports-fans:
    id: ${fansId}
    consent: consents.marketing.email.val
    activate:
      - { destination: crm, identity: [crmid], attributes: { firstname: person.name.firstName } }
      - { destination: ads, identity: [email], mode: shadow }
`,
  {
    fileName: 'test.yaml',
    destinations: new Map([['recording', { settings: z.strictObject({}), options: z.strictObject({}) }]]),
  },
);

async function inspected(
  body: Uint8Array,
): Promise<{ inspection: Inspection; opened: ReturnType<typeof openActivation> }> {
  const opened = openActivation();
  const { context } = opened;
  const inspection = await inspect(body, {
    matcher: createMatcher(file),
    targets: context.targets,
    telemetry: context.telemetry,
    clock: context.clock,
    signal,
  });
  return { inspection, opened };
}

test('an entry is shown with its change, and with the answer of a live destination', async () => {
  const { inspection, opened } = await inspected(eventOf(personExport()).body);
  expect(inspection.exports).toEqual([
    {
      path: '$',
      identities: { ecid: 1, crmid: 1, email: 1 },
      audiences: 2,
      routedAudiences: 1,
      notRouted: [{ namespace: 'ups', id: riderAlongId, because: 'The activation file does not name it.' }],
    },
  ]);
  expect(inspection.unreadable).toEqual([]);
  expect(inspection.decisions).toMatchObject([
    {
      audience: 'sports-fans',
      status: 'realized',
      destination: 'crm',
      mode: 'live',
      decision: 'entered',
      absentAttributes: [],
      change: { identity: { namespace: 'crmid', value: 'p1' }, attributes: { firstname: 'Ada' } },
      result: { status: 'delivered' },
    },
    { destination: 'ads', mode: 'shadow', decision: 'entered', change: { identity: { value: 'p1@example.com' } } },
  ]);
  expect(inspection.decisions[1]).not.toHaveProperty('result');
  expect(inspection.decisions[0]?.change?.audience).toEqual({ key: 'sports-fans', namespace: 'ups', id: fansId });
  expect(inspection.decisions[0]?.change).not.toHaveProperty('isInDoubt');
  expect(opened.ads.requests).toBe(0);
});

test('why nothing is told is said in a sentence', async () => {
  const cases = [
    [
      personExport({ consent: 'n' }),
      'withheld',
      'The consent attribute does not say yes, and the destination was never told of this person.',
    ],
    [
      personExport({ status: 'exited' }),
      'not-told',
      'The destination was never told of this person, so there is nothing to take back.',
    ],
    [
      personExport({ identities: { ecid: ['14575006536349286404619648085736425115'] } }),
      'unresolved',
      'The profile has no identity in crmid.',
    ],
    [
      { ...personExport(), identityMap: { ecid: [{ id: 'e1' }], crmid: [] } },
      'unresolved',
      'The profile has no identity in crmid.',
    ],
  ] as const;
  for (const [body, decision, because] of cases) {
    const { inspection, opened } = await inspected(eventOf(body).body);
    expect(inspection.decisions[0]).toMatchObject({ destination: 'crm', decision, because });
    expect(inspection.decisions[0]).not.toHaveProperty('change');
    expect(opened.crm.requests).toBe(0);
  }
});

test('a member of a retired route is shown as that, and who has left as nothing to take back', async () => {
  const { context } = openActivation();
  const { targets, telemetry, clock } = context;
  const retired = parseTestFile(`
version: 1
destinations: { crm: { type: recording } }
audiences: { sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid], mode: retired }] } }
`);
  const options = { matcher: createMatcher(retired), targets, telemetry, clock, signal };
  const of = async (status: 'realized' | 'exited'): Promise<unknown> =>
    (await inspect(eventOf(personExport({ status })).body, options)).decisions;
  expect(await of('realized')).toMatchObject([
    { decision: 'retired', because: 'The route is retired: whom the destination was told of is taken out.' },
  ]);
  expect(await of('exited')).toMatchObject([{ decision: 'not-told' }]);
});

test('of a destination without a target the change is shown, and no answer', async () => {
  const { context } = openActivation();
  const { telemetry, clock } = context;
  const options = { matcher: createMatcher(file), targets: new Map(), telemetry, clock, signal };
  const { decisions } = await inspect(eventOf(personExport()).body, options);
  expect(decisions[0]).toMatchObject({
    decision: 'entered',
    because: 'The destination was never told of this person in this audience.',
  });
  expect(decisions[0]).not.toHaveProperty('result');
});

test.each([
  [
    'are too large for a row',
    (text: string) => text.replace('"big":0', `"big":"${'x'.repeat(300_000)}"`),
    'take more than',
  ],
  [
    'are nested too deeply',
    (text: string) => text.replace('"big":0', `"big":${'['.repeat(200)}${']'.repeat(200)}`),
    'deep',
  ],
])('a change whose attributes %s is shown as rejected, in every mode that would keep it', async (_, grown, why) => {
  const { context, crm } = openActivation();
  const { targets, telemetry, clock } = context;
  const fileOf = (mode: string) => `
version: 1
destinations: { crm: { type: recording } }
audiences: { sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid], mode: ${mode}, attributes: { big: big } }] } }
`;
  const of = async (mode: string, status: 'realized' | 'exited'): Promise<unknown> => {
    const options = { matcher: createMatcher(parseTestFile(fileOf(mode))), targets, telemetry, clock, signal };
    const text = grown(JSON.stringify({ ...personExport({ status }), big: 0 }));
    return (await inspect(Buffer.from(text), options)).decisions;
  };
  for (const mode of ['live', 'shadow', 'paused']) {
    expect(await of(mode, 'realized')).toMatchObject([
      { decision: 'rejected', because: expect.stringContaining(why) as string },
    ]);
    expect(await of(mode, 'exited')).toMatchObject([{ decision: 'not-told' }]);
  }
  expect(crm.requests).toBe(0);
});

test('an attribute that is nested too deeply is shown at the route that maps it, and at no other', async () => {
  const { context } = openActivation();
  const { targets, telemetry, clock } = context;
  const routes = `
version: 1
destinations: { crm: { type: recording }, ads: { type: recording } }
audiences: { sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid] }, { destination: ads, identity: [crmid], attributes: { big: big } }] } }
`;
  const matcher = createMatcher(parseTestFile(routes));
  const body = JSON.stringify({ ...personExport(), big: 0 }).replace(
    '"big":0',
    `"big":${'['.repeat(200)}${']'.repeat(200)}`,
  );
  const { decisions } = await inspect(Buffer.from(body), { matcher, targets, telemetry, clock, signal });
  expect(decisions.map(({ destination, decision }) => `${destination} ${decision}`)).toEqual([
    'crm entered',
    'ads rejected',
  ]);
});

test('an identity that has no form at the destination is unresolved, and so is one that cannot be read', async () => {
  const opened = openActivation();
  const crm = opened.context.targets.get('crm');
  if (crm === undefined) throw new Error('there is no crm');
  const options = {
    matcher: createMatcher(file),
    targets: new Map([['crm', { ...crm, formIdentity: () => undefined }]]),
    telemetry: opened.context.telemetry,
    clock: opened.context.clock,
    signal,
  };
  const formless = await inspect(eventOf(personExport()).body, options);
  expect(formless.decisions[0]).toMatchObject({
    decision: 'unresolved',
    because: 'The profile has an identity in crmid, and none of its values has a form that the destination takes.',
  });
  const identityMap = { email: [{ id: 'p1@example.com' }], crmid: [{ id: 7 }] };
  const { inspection } = await inspected(eventOf({ ...personExport(), identityMap }).body);
  expect(inspection.decisions[0]).toMatchObject({ decision: 'unresolved' });
  expect(inspection.decisions[0]?.because).toMatch(/^The identity at \$\.identityMap\.crmid.* cannot be read: /);
});

test('a mapped attribute that the profile does not have is listed with its path', async () => {
  const { inspection } = await inspected(eventOf({ ...personExport(), person: {} }).body);
  expect(inspection.decisions[0]).toMatchObject({
    decision: 'entered',
    absentAttributes: [{ name: 'firstname', path: 'person.name.firstName' }],
  });
  const gone = await inspected(eventOf(personExport({ status: 'exited' })).body);
  expect(gone.inspection.decisions[0]?.absentAttributes).toEqual([]);
});

test('an audience of the file without a route is left alone, with the reason', async () => {
  const routeless = parseActivationFile(
    `version: 1\ndestinations: {}\naudiences: { sports-fans: { id: ${fansId} } }\n`,
    { fileName: 'test.yaml', destinations: new Map() },
  );
  const { context } = openActivation();
  const { telemetry, clock } = context;
  const options = { matcher: createMatcher(routeless), targets: new Map(), telemetry, clock, signal };
  const { exports } = await inspect(eventOf(personExport()).body, options);
  expect(exports[0]?.notRouted.map(({ because }) => because)).toEqual([
    'audiences.sports-fans has no route.',
    'The activation file does not name it.',
  ]);
});

test('of two states in one body the older is shown as superseded', async () => {
  const { inspection } = await inspected(eventOf([personExport({ at: 60 }), personExport({ at: 0 })]).body);
  expect(inspection.decisions.map(({ destination, decision }) => [destination, decision])).toEqual([
    ['crm', 'entered'],
    ['ads', 'entered'],
    ['crm', 'superseded'],
    ['ads', 'superseded'],
  ]);
  expect(inspection.decisions[2]?.because).toBe('The same body holds a newer state of this identity in this audience.');
});

test('an audience without a route is counted and not decided', async () => {
  const { inspection } = await inspected(eventOf(personExport({ audienceId: travellersId })).body);
  expect(inspection.exports[0]).toMatchObject({ audiences: 2, routedAudiences: 0 });
  expect(inspection.decisions).toEqual([]);
});

test('what cannot be read is shown with its path and its reason', async () => {
  const broken = { ups: { [fansId]: { status: 'member', lastQualificationTime: '2026-01-15T12:00:00Z' } } };
  const { inspection } = await inspected(Buffer.from(JSON.stringify([{ segmentMembership: broken }, 7])));
  expect(inspection.unreadable.map(({ path, code }) => [path, code])).toEqual([
    ['$[1]', 'not-an-object'],
    [expect.stringContaining('$[0].segmentMembership'), 'unknown-status'],
  ]);
  expect((await inspected(Buffer.alloc(0))).inspection.unreadable[0]?.code).toBe('empty-body');
});

test('of each export is said for itself that a membership cannot be read', async () => {
  const broken = { ups: { [fansId]: { status: 'member', lastQualificationTime: '2026-01-15T12:00:00Z' } } };
  const { inspection } = await inspected(
    eventOf([personExport(), { ...personExport(), segmentMembership: broken }]).body,
  );
  const unnamed = { namespace: 'ups', id: riderAlongId, because: 'The activation file does not name it.' };
  expect(inspection.exports.map(({ path, notRouted }) => [path, notRouted])).toEqual([
    ['$[0]', [unnamed]],
    ['$[1]', [{ namespace: 'ups', id: fansId, because: 'Its membership cannot be read.' }]],
  ]);
});

test('a membership that cannot be read leaves the other ones of the export alone, also that of the same id elsewhere', async () => {
  const { context } = openActivation();
  const { targets, telemetry, clock } = context;
  const audienceOf = (key: string, namespace: string, id: string): string =>
    `  ${key}: { namespace: ${namespace}, id: ${id}, activate: [{ destination: crm, identity: [crmid] }] }\n`;
  const three = parseTestFile(
    `version: 1\ndestinations: { crm: { type: recording } }\naudiences:\n` +
      audienceOf('sports-fans', 'ups', fansId) +
      audienceOf('travellers', 'ups', travellersId) +
      audienceOf('elsewhere', 'aam', fansId),
  );
  const realized = { status: 'realized', lastQualificationTime: '2026-01-15T12:00:00Z' };
  const segmentMembership = {
    ups: { [fansId]: { ...realized, status: 'member' }, [travellersId]: realized },
    aam: { [fansId]: realized },
  };
  const options = { matcher: createMatcher(three), targets, telemetry, clock, signal };
  const { exports } = await inspect(eventOf({ ...personExport(), segmentMembership }).body, options);
  expect(exports).toMatchObject([
    {
      audiences: 3,
      routedAudiences: 2,
      notRouted: [{ namespace: 'ups', id: fansId, because: 'Its membership cannot be read.' }],
    },
  ]);
});

test('a change has the name of its audience, where the export says it', async () => {
  const named = { status: 'realized', lastQualificationTime: '2026-01-15T12:00:00Z', name: 'Fans of sports' };
  const body = { ...personExport(), segmentMembership: { ups: { [fansId]: named } } };
  const { inspection } = await inspected(eventOf(body).body);
  expect(inspection.decisions[0]?.change?.audience).toMatchObject({ key: 'sports-fans', name: 'Fans of sports' });
});

test('of a route with several namespaces each is named, and the one that cannot be read, whichever it is', async () => {
  const { context } = openActivation();
  const { telemetry, clock, targets } = context;
  const crm = targets.get('crm');
  if (crm === undefined) throw new Error('there is no crm');
  const several = parseTestFile(`
version: 1
destinations: { crm: { type: recording } }
audiences: { sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid, email] }] } }
`);
  const formless = new Map([['crm', { ...crm, formIdentity: () => undefined }]]);
  const options = { matcher: createMatcher(several), targets: formless, telemetry, clock, signal };
  const whyNot = async (identityMap: object): Promise<string | undefined> =>
    (await inspect(eventOf({ ...personExport(), identityMap } as ReturnType<typeof personExport>).body, options))
      .decisions[0]?.because;
  const ids = (id: unknown): readonly object[] => [{ id }];
  expect(await whyNot({ ecid: ids('e1') })).toBe('The profile has no identity in crmid, email.');
  expect(await whyNot({ crmid: ids('c1'), email: ids('m1') })).toBe(
    'The profile has an identity in crmid, email, and none of its values has a form that the destination takes.',
  );
  expect(await whyNot({ ecid: ids('e1'), email: ids(7) })).toMatch(/^The identity at \$\.identityMap\.email/);
});
