import { expect, test } from 'vitest';
import { doubtAbout } from './xdm-paths.ts';

test.each([
  ['person.name.firstName', undefined],
  ['_contoso.identification.core.ecid', undefined],
  ['consents.marketing.email.val', undefined],
  ['_contoso.attributes.profile', undefined],
  ['identityMap', 'is in every export anyway'],
  ['segmentMembership.ups', 'is in every export anyway'],
  ['consents.idSpecific.Email.x', 'is inside a map'],
  ['consents.marketing.email', 'such as consents.marketing.email.val'],
  ['person.name', 'is an object'],
  ['_contoso', 'name one field inside it'],
  ['Person.name.firstName', 'not known as a field'],
  ['xdm:person.xdm:name.firstName', 'Write person.name.firstName.'],
  ['/_contoso/loyalty/points', 'Write _contoso.loyalty.points.'],
  ['$.person.birthDate', 'Write person.birthDate.'],
  ['profile.attributes.person.birthDate', 'Write person.birthDate.'],
  ['$', 'begins with $, which is not known'],
])('of the path %s is thought: %s', (path, doubt) => {
  if (doubt === undefined) expect(doubtAbout(path)).toBeUndefined();
  else expect(doubtAbout(path)).toContain(doubt);
});
