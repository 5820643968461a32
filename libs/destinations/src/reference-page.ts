import { entryBlocks, referenceEntries, type ReferenceEntry } from '@activation-hub/activation-file/reference';
import type { DestinationDefinition } from '@activation-hub/destination-kit';
import { exampleOf } from './example.ts';

/**
 * The page of a kind of destination, in Markdown: every setting and term with its meaning, default
 * and example, and how each identity and attribute is used, with the settings of the example.
 */
export function referencePage(definition: DestinationDefinition): string {
  const { type, title, description, settings, options } = definition;
  return [
    `# ${title}`,
    description,
    `In the activation file: \`type: ${type}\`. What it does with each change, and what the vendor asks for: [${type}](../../libs/destinations/src/${type}/README.md).`,
    ...section('Settings', 'Once per destination, under `settings`.', referenceEntries(settings)),
    ...section('Options', 'Per route, under `options`.', referenceEntries(options)),
    ...takenSections(definition),
    ...membershipSection(definition),
    ...versionSection(definition),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** The page that leads to the others, and compares the destinations. */
export function referenceIndex(definitions: Iterable<DestinationDefinition>): string {
  const all = [...definitions];
  const links = all.map(({ type, title, description }) => `- [${title}](${type}.md): ${description}`);
  const about =
    'These pages are made from the schemas that check an activation file and from what each connector declares, by `npm run reference`.';
  return ['# Destinations', ...(links.length > 0 ? [links.join('\n'), ...comparisonSection(all)] : []), about, '']
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

const columns = [
  'destination',
  'who enters',
  'who leaves',
  'keeps a member',
  'changes in a request',
  'requests in a second',
  'hashed',
  'shown',
  'after an erasure',
  'never tried against the vendor',
];

/**
 * One row for each destination that declares what there is to compare; limits are those of the
 * example of its settings.
 */
function comparisonSection(definitions: readonly DestinationDefinition[]): readonly string[] {
  const rows = definitions.flatMap((definition) => {
    const { type, title, comparison, settings } = definition;
    if (comparison === undefined) return [];
    const { enters, leaves, keeps = untilExit, hashed, shownAfter, erasure, untried } = comparison;
    const { batchCount, requestsPerSecond } = definition.limits(settings.parse(exampleOf(settings)));
    const pace = [String(batchCount), String(requestsPerSecond)];
    const cells = [enters, leaves, keeps, ...pace, hashed, shownAfter, erasure, untried];
    return [[`[${title}](${type}.md)`, ...cells]];
  });
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
  const before =
    'What each does with a person, for how long it keeps a member that the hub does not send again ([the nightly sweep renews members in time](../decisions/memberships-lapse.md)), at most how fast, and what we have not seen at the vendor itself. We tried no connector against a live account: stand-ins answer as the vendors document.';
  return rows.length === 0 ? [] : ['## Compared', before, table];
}

const untilExit = 'until the exit';

const anyIdentity = 'Of any namespace, as it is.';
const anyAttribute = 'Of any name, as it is.';

/** How identities and attributes are used, as `takes` of the definition declares it. */
function takenSections(definition: DestinationDefinition): readonly string[] {
  const { settings, options } = definition;
  const taken = definition.takes?.(settings.parse(exampleOf(settings)), options.parse(exampleOf(options)));
  const { identities = anyIdentity, attributes = {}, otherAttributes, refusedAttributes = {} } = taken ?? {};
  const isOpen = typeof identities === 'string';
  const named = [lines(attributes), lines(refusedAttributes, 'refused. ')];
  const any = named.some(Boolean) ? 'any other' : 'any';
  const others = taken === undefined ? anyAttribute : (otherAttributes ?? `None: check refuses ${any} name.`);
  return [
    '## Identities',
    isOpen ? identities : 'By their namespaces, with the settings of the example; check refuses any other.',
    ...(isOpen ? [] : [lines(identities)]),
    '## Attributes',
    [named[0], `- ${any}: ${others}`, named[1]].filter(Boolean).join('\n'),
  ];
}

const lines = (sentences: Readonly<Record<string, string>>, before = ''): string =>
  Object.entries(sentences)
    .map(([name, sentence]) => `- \`${name}\`: ${before}${sentence}`)
    .join('\n');

/** How long a member stays, and by what that is known. */
function membershipSection({ comparison }: DestinationDefinition): readonly string[] {
  if (comparison?.lasting !== undefined) {
    return [
      '## Memberships',
      `A member is kept ${untilExit}: ${comparison.lasting} ([sources](../decisions/memberships-lapse.md)).`,
    ];
  }
  if (comparison?.keeps === undefined) return [];
  return [
    '## Memberships',
    `A member is kept ${comparison.keeps}. Every night those are told again who need it, twice in that time ([why](../decisions/memberships-lapse.md)).`,
  ];
}

function versionSection({ versions }: DestinationDefinition): readonly string[] {
  if (versions === undefined) return [];
  const ends = Object.entries(versions.ends).map(([name, end]) => `- \`${name}\`: ${end ?? 'no end is known'}`);
  return [
    '## Versions',
    `Of \`${versions.setting}\`, with the day on which each ends (${versions.source}).`,
    ends.join('\n'),
  ];
}

function section(title: string, where: string, entries: readonly ReferenceEntry[]): readonly string[] {
  if (entries.length === 0) return [`## ${title}`, 'None.'];
  return [`## ${title}`, where, ...entries.flatMap((entry) => entryBlocks(entry))];
}
