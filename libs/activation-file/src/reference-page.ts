import { activationFileSchema } from './activation-file-schema.ts';
import { entryBlocks, referenceEntries } from './reference-entries.ts';

/** Complete files that the page shows as they are. */
export interface ExampleFiles {
  /** The smallest file that is right. */
  readonly minimal: string;
  /** One with every key. */
  readonly full: string;
}

interface Part {
  readonly heading: string;
  /** The path that the keys of this part begin with. */
  readonly prefix: string;
  readonly about: string;
}

const parts: readonly Part[] = [
  { heading: 'The file', prefix: '', about: 'Keys at the top of the file.' },
  {
    heading: 'A destination',
    prefix: 'destinations.<name>.',
    about:
      'Under `destinations`, by a key of your choice: lower-case letters, digits and hyphens after a letter, at most 63. [The destinations](../destinations/README.md) list what each takes in `settings`.',
  },
  {
    heading: 'Stall',
    prefix: 'stall.',
    about:
      'Under `stall`: when a destination [stalls](../decisions/a-destination-stalls-alone.md). It applies to every destination of the file.',
  },
  {
    heading: 'An audience',
    prefix: 'audiences.<name>.',
    about: 'Under `audiences`, by a key of your choice, in the same form as the key of a destination.',
  },
  {
    heading: 'A route',
    prefix: 'audiences.<name>.activate[].',
    about:
      'An item of `activate` of an audience. [The destinations](../destinations/README.md) list which identities and attributes each takes, and its `options`.',
  },
];

/**
 * The page of the activation file, in Markdown: complete files, then every key with its meaning,
 * default and example.
 */
export function activationFilePage(examples: ExampleFiles): string {
  const entries = referenceEntries(activationFileSchema);
  const sections = parts.flatMap(({ heading, prefix, about }) => {
    const own = entries.filter(({ path }) => path.startsWith(prefix) && partOf(path) === prefix);
    return [`## ${heading}`, about, ...own.flatMap((entry) => entryBlocks(entry, entry.path.slice(prefix.length)))];
  });
  return [...beginning(examples), ...sections, ''].join('\n\n').replace(/\n+$/, '\n');
}

/** The prefix of the innermost part to which a path belongs. */
function partOf(path: string): string {
  const prefixes = parts.map(({ prefix }) => prefix).filter((prefix) => path.startsWith(prefix));
  return prefixes.toSorted((one, other) => other.length - one.length)[0] ?? '';
}

const beginning = ({ minimal, full }: ExampleFiles): readonly string[] => [
  '# The activation file',
  'One YAML file for each environment says which audience goes to which destination. `activation check` reads it as the function app does and names every mistake with its line; the build refuses a wrong file. This page is made from the schema of the file by `npm run reference`.',
  'Editors complete and explain the keys when the first line names the schema, [`activation-file.schema.json`](../../libs/activation-file/schema/activation-file.schema.json):',
  fenced('# yaml-language-server: $schema=<path to>/libs/activation-file/schema/activation-file.schema.json'),
  'Unknown keys are refused. Anchors and aliases work; the merge key `<<`, tags and several documents in one file do not. A file has at most 1 MiB, 64 levels and, after aliases are expanded, 200,000 values.',
  'A secret is written `{ secret: name }`: the name of a secret in the Key Vault of the environment. On your machine its value comes from an environment variable, `ACTIVATION_SECRET_CRM_KEY` for `crm-key`.',
  '## The smallest file',
  fenced(minimal),
  '## A file with every key',
  fenced(full),
];

const fenced = (text: string): string => `\`\`\`yaml\n${text.trimEnd()}\n\`\`\``;
