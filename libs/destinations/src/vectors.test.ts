import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formField, type FormedValue, type PersonalField, Secret } from '@activation-hub/destination-kit';
import { expect, test } from 'vitest';
import { pinterestProfile } from './pinterest/takes.ts';
import { destinationTypes, loadDestinations } from './registry.ts';
import { snapchatProfile } from './snapchat/takes.ts';
import { tiktokFields } from './tiktok/takes.ts';

/** One line of a file of vectors: what a value becomes, and where that is published. */
interface Vector {
  /** The field of a connector's own profile, or else the identifier that an identity is told as. */
  readonly field?: string;
  readonly identifier?: string;
  readonly value: string;
  readonly plain?: string;
  /** Published as a hash. */
  readonly hash?: string;
  /** Published as a text, of which the hash is sent. */
  readonly hashOf?: string;
  readonly refused?: true;
  readonly source: string;
}

/**
 * The fields that a connector forms itself; those of Google, of Meta and in plain are of the kit,
 * which has their vectors.
 */
const profiles: Readonly<Record<string, Readonly<Record<string, PersonalField>>>> = {
  pinterest: pinterestProfile,
  snapchat: snapchatProfile,
  tiktok: tiktokFields,
};

/** Of connectors whose vectors are of identities. */
const settings: Readonly<Record<string, object>> = {
  'customer-io': { siteId: 'site', apiKey: new Secret('key'), identifiers: { email: 'email', id: 'id' } },
  iterable: { apiKey: new Secret('key'), identifiers: { email: 'email', userid: 'userId' } },
  salesforce: {
    myDomainUrl: 'https://contoso.my.salesforce.com',
    clientId: 'hub',
    clientSecret: new Secret('secret'),
    personType: 'person-account',
    identifiers: { id: 'Id' },
  },
};

const fileOf = (type: string): string => join(import.meta.dirname, type, 'vectors.json');
const vectorsOf = (type: string): readonly Vector[] => JSON.parse(readFileSync(fileOf(type), 'utf8')) as Vector[];
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const definitions = await loadDestinations(destinationTypes);

function formOf(type: string, { field, identifier, value }: Vector): FormedValue | undefined {
  if (identifier === undefined) {
    const profileField = profiles[type]?.[field ?? ''];
    return profileField && formField(profileField, value);
  }
  const definition = definitions.get(type);
  const namespace = identifier.toLowerCase();
  return definition?.identity?.({ namespace, value }, definition.settings.parse(settings[type]));
}

const withVectors = destinationTypes.filter((type) => existsSync(fileOf(type)));
const vectors = withVectors.flatMap((type) =>
  vectorsOf(type).map((vector) => ({ type, of: vector.field ?? vector.identifier, ...vector })),
);

test.each(vectors)('$type: $of, $value becomes what is published', ({ type, of, ...vector }) => {
  expect(of).toBeDefined();
  expect(vector.source).toMatch(/^[a-z.]+\.(com|io)\//);
  const form = formOf(type, vector);
  if (vector.refused) expect(form).toMatchObject({ status: 'refused' });
  else {
    const { plain, hash, hashOf = '' } = vector;
    expect(form).toEqual({ status: 'formed', value: hash ?? plain ?? sha256(hashOf) });
  }
});

test.each(Object.entries(profiles))('every field of %s has a vector', (type, profile) => {
  expect(new Set(vectorsOf(type).map(({ field }) => field))).toEqual(new Set(Object.keys(profile)));
});

/** Whose vectors are those of a profile of the kit. */
const ofProfiles = new Set(['braze', 'google-customer-match', 'meta-custom-audiences']);

test.each(destinationTypes)('%s has vectors, or its folder says why there are none', (type) => {
  const hasVectors = ofProfiles.has(type) || withVectors.includes(type);
  const readme = readFileSync(join(import.meta.dirname, type, 'README.md'), 'utf8').replaceAll(/\s+/g, ' ');
  expect(/no vectors:/i.test(readme)).toBe(!hasVectors);
});
