import type { JsonObject } from '@activation-hub/audience-events';
import { exportsNeededBy, secretNames, type ActivationFile } from '@activation-hub/activation-file';
import { formed, refusalOfAttribute, takesIdentity, type DestinationDefinition } from '@activation-hub/destination-kit';
import { referenceEntries } from '@activation-hub/activation-file/reference';
import { exampleOf } from '@activation-hub/destinations';
import { secretVariable } from '@activation-hub/handler-contract';
import { stringify } from 'yaml';
import { keyOf } from '../audience-keys.ts';
import { CommandError } from '../../terminal/command-error.ts';

/** An audience as a new activation file has it. */
export interface NewAudience {
  readonly key: string;
  readonly id: string;
  readonly name?: string;
}

/** Where `receiver.mjs` listens, and the setting under which it finds its signing secret. */
const receiverSettings = {
  url: 'http://localhost:3000/audience-changes',
  signingSecret: { secret: 'webhook-signing-secret' },
};

/** Made-up identities by namespace, those first that a company most likely knows its people by. */
const samples: Readonly<Record<string, string>> = {
  crmid: 'C-100001',
  email: 'ann@example.com',
  phone: '+4915112345678',
  ecid: '14575006536349286404619648085736420001',
};

/** As many identities as a file shows precedence with. */
const identitiesMax = 2;

/**
 * The text of an activation file that tells one destination of these audiences, with the examples
 * of the destination's own schemas. Throws `CommandError` (2) for a destination whose identities
 * are none that a sample export can have.
 */
export function newActivationFile(
  type: string,
  definition: DestinationDefinition,
  audiences: readonly NewAudience[],
  schemaAddress: string,
): string {
  const settings = type === 'webhook' ? receiverSettings : exampleOf(definition.settings);
  const options = exampleOf(definition.options);
  const destination = keyOf(type.split('/').at(-1) ?? type, 'destination');
  const route = {
    destination,
    identity: identitiesFor(definition, settings, options),
    ...attributesFor(definition, settings, options),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
  const entries = audiences.map(({ key, id, name }) => [
    key,
    { id, ...(name === undefined ? {} : { name }), activate: [route] },
  ]);
  const yaml = (value: object): string => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
  return `# yaml-language-server: $schema=${schemaAddress}
# Which audience goes where. What each key means: npx activation destinations describe ${type}, and the schema in an editor.
version: 1
${yaml({ destinations: { [destination]: { type, ...(Object.keys(settings).length === 0 ? {} : { settings }) } } })}
# To tell only about people who said yes, add to an audience: consent: consents.marketing.email.val
${yaml({ audiences: Object.fromEntries(entries) as object })}`;
}

function identitiesFor(definition: DestinationDefinition, settings: object, options: object): readonly string[] {
  const parsed: unknown = definition.settings.parse(settings);
  const takes = definition.takes?.(parsed, definition.options.parse(options));
  const fits = Object.entries(samples).filter(
    ([namespace, value]) =>
      (takes === undefined || takesIdentity(takes, namespace)) &&
      (definition.identity?.({ namespace, value }, parsed) ?? formed(value)).status === 'formed',
  );
  if (fits.length > 0) return fits.slice(0, identitiesMax).map(([namespace]) => namespace);
  throw new CommandError(
    2,
    `Failed to make a file for ${definition.type}: it knows people by none of ${Object.keys(samples).join(', ')}. Write the file by hand: activation destinations describe ${definition.type}.`,
  );
}

/** The first name, under the name that the destination has for it. */
function attributesFor(definition: DestinationDefinition, settings: object, options: object): object {
  const takes = definition.takes?.(definition.settings.parse(settings), definition.options.parse(options));
  const known = Object.keys(takes?.attributes ?? {}).filter((name) => /^\W?f(irst)?_?n(ame)?$/i.test(name));
  const names = [...known, 'firstname'];
  const name = names.find((each) => takes === undefined || refusalOfAttribute(takes, each) === undefined);
  return name === undefined ? {} : { attributes: { [name]: 'person.name.firstName' } };
}

/**
 * An export, as AEP would write it, of a made-up person who at this time entered all audiences of
 * the file, or left them.
 */
export function sampleExport(file: ActivationFile, status: 'realized' | 'exited', atMs: number): JsonObject {
  const time = new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const memberships: Record<string, Record<string, JsonObject>> = {};
  for (const { namespace, id } of file.audiences.values()) {
    memberships[namespace] = { ...memberships[namespace], [id]: { lastQualificationTime: time, status } };
  }
  const namespaces = new Set(file.routes.flatMap(({ identityNamespaces }) => identityNamespaces));
  const body: Record<string, unknown> = { consents: { marketing: { email: { val: 'y' } } } };
  for (const path of exportsNeededBy(file).attributes) setAt(body, path.split('.'), 'Ann');
  return {
    ...(body as JsonObject),
    segmentMembership: memberships,
    identityMap: Object.fromEntries(
      [...namespaces].map((namespace) => [namespace, [{ id: samples[namespace] ?? 'sample' }]]),
    ),
  };
}

function setAt(body: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    body[name] = value;
    return;
  }
  const inner = (body[name] ??= {}) as Record<string, unknown>;
  setAt(inner, rest, value);
}

/**
 * The variables that the file needs on this machine, with what is known of their values, and those
 * of Adobe's side to be filled in.
 */
export function environmentText(
  file: ActivationFile,
  definition: DestinationDefinition,
  values: Readonly<Record<string, string>>,
): string {
  const meanings = new Map(referenceEntries(definition.settings).map(({ path, meaning }) => [path, meaning]));
  const [entry] = file.destinations.values();
  const settings = Object.entries(entry?.settings ?? {});
  const lines = secretNames(file).flatMap((name) => {
    const setting = settings.find(([, value]) => JSON.stringify(value) === JSON.stringify({ secret: name }))?.[0] ?? '';
    return [
      `# ${meanings.get(setting) ?? `The secret ${name} of the activation file.`}`,
      `${secretVariable(name)}=${values[name] ?? ''}`,
    ];
  });
  return `# Read by activation from the folder in which it runs. What is set in the environment counts first. Never commit the copy with values.
${lines.length === 0 ? '# The activation file names no secret.' : lines.join('\n')}

# Adobe's side, for activation aep …: docs/operating/connect-aep.md says where to find the values.
${['AEP_CLIENT_ID', 'AEP_CLIENT_SECRET', 'AEP_ORG_ID', 'AEP_SANDBOX'].map((name) => `# ${name}=`).join('\n')}
`;
}
