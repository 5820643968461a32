import { expect, test } from 'vitest';
import { exampleDestinations } from '../testing/example-destinations.ts';
import { exportsNeededBy } from './needed-exports.ts';
import { parseActivationFile } from './parse-activation-file.ts';

const neededBy = (audiences: string) =>
  exportsNeededBy(
    parseActivationFile(
      `version: 1
destinations: { crm: { type: log }, trial: { type: log } }
audiences: ${audiences}
`,
      { fileName: 'test.yaml', destinations: exampleDestinations },
    ),
  );
const route = (destination: string, rest = ''): string => `{ destination: ${destination}, identity: email${rest} }`;

test('an audience is exported when one of its routes is live', () => {
  const { audiences } = neededBy(`
  live: { id: b, activate: [${route('crm')}] }
  one-live: { id: a, name: Sports Fans, activate: [${route('crm', ', mode: paused')}, ${route('trial')}] }
  shadow: { id: c, activate: [${route('crm', ', mode: shadow')}] }
  paused: { id: d, activate: [${route('crm', ', mode: paused')}] }
  retired: { id: f, activate: [${route('crm', ', mode: retired')}] }
  nowhere: { id: e }`);
  expect(audiences).toEqual([
    { id: 'a', name: 'Sports Fans' },
    { id: 'b', name: 'live' },
  ]);
});

test('an audience from elsewhere keeps its namespace, in lower case; of AEP’s own it is left out', () => {
  const { audiences } = neededBy(`
  own: { id: same, namespace: UPS, activate: [${route('crm')}] }
  other: { id: same, namespace: AAMSegments, activate: [${route('crm')}] }`);
  expect(audiences).toEqual([
    { id: 'same', name: 'other', namespace: 'aamsegments' },
    { id: 'same', name: 'own' },
  ]);
});

test('attributes are those of consent gates and of routes in any mode but retired, sorted, each once', () => {
  const { attributes } = neededBy(`
  one:
    id: a
    consent: consents.marketing.email.val
    activate:
      - ${route('crm', ', attributes: { first: person.name.firstName, loyalty: _tenant.level }')}
      - ${route('trial', ', mode: shadow, attributes: { given: person.name.firstName, born: person.birthDate }')}
  two: { id: b, consent: consents.marketing.email.val, activate: [${route('crm', ', mode: paused, attributes: { p: mobilePhone.number }')}] }
  three: { id: c, activate: [${route('crm', ', mode: retired, attributes: { gone: person.gender }')}] }`);
  expect(attributes).toEqual([
    '_tenant.level',
    'consents.marketing.email.val',
    'mobilePhone.number',
    'person.birthDate',
    'person.name.firstName',
  ]);
});

test('the order of the file makes no difference, and an empty file needs nothing', () => {
  const one = `one: { id: a, consent: x.y, activate: [${route('crm')}] }`;
  const two = `two: { id: b, activate: [${route('crm', ', attributes: { z: a.b }')}] }`;
  expect(neededBy(`\n  ${one}\n  ${two}`)).toEqual(neededBy(`\n  ${two}\n  ${one}`));
  expect(neededBy('{}')).toEqual({ audiences: [], attributes: [] });
});
