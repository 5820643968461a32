import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { formatFiles, generateFiles, names, type GeneratorCallback, type Tree } from '@nx/devkit';

export interface DestinationOptions {
  /** Kebab case. */
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  /**
   * Makes a connector of the company's own, in `own/connectors`, and changes no file that is there.
   */
  readonly own?: boolean;
}

const library = 'libs/destinations';
/** Where a company's own connectors are: no release changes anything there. */
const ownFolder = 'own/connectors';

/**
 * Makes the folder of a connector whose contract test passes, and registers it: registry, stand-ins
 * of local runs, README. What it gives writes the reference pages, which need the files on the
 * disk. One of the company's own needs neither. Throws when the type is not kebab case or is there
 * already.
 */
export default async function destinationGenerator(
  tree: Tree,
  {
    type,
    title = titleOf(type),
    description = `Keeps the members of lists of ${title}.`,
    own = false,
  }: DestinationOptions,
): Promise<GeneratorCallback> {
  const refuse = (why: string) => new Error(`Failed to make the destination ${JSON.stringify(type)}: ${why}`);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(type)) throw refuse('its type is not kebab case. Write it like acme-crm.');
  const folder = own ? `${ownFolder}/${type}` : `${library}/src/${type}`;
  if (tree.exists(folder)) throw refuse(`there is ${folder} already. Choose another type.`);
  const { propertyName: camel, className: pascal } = names(type);
  generateFiles(tree, join(import.meta.dirname, 'destination', 'files'), folder, {
    type,
    title,
    description,
    camel,
    pascal,
    escapedTitle: escaped(title),
    escapedDescription: escaped(description),
    named: own ? `own/${type}` : type,
    defaultExport: own ? `\nexport default ${camel};\n` : '',
  });
  if (own) {
    await formatFiles(tree);
    return () => undefined;
  }
  insertEntry(
    tree,
    `${library}/src/registry.ts`,
    type,
    `async () => (await import('./${type}/destination.ts')).${camel},`,
  );
  insertEntry(
    tree,
    `${library}/testing/local-vendors.ts`,
    type,
    `async () => (await import('../src/${type}/vendor.ts')).startLocal${pascal}Vendor,`,
  );
  insertRow(tree, type, description);
  await formatFiles(tree);
  return () => {
    execFileSync(process.execPath, [join(tree.root, library, 'write-reference-pages.ts')], { stdio: 'inherit' });
  };
}

/** `acme-crm` as `Acme Crm`. */
function titleOf(type: string): string {
  return type
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");

/** Adds an entry to the object of a file whose entries are by type, in their order. */
function insertEntry(tree: Tree, path: string, type: string, value: string): void {
  const text = textOf(tree, path);
  const entries = [...text.matchAll(/^ {2}'?([a-z0-9-]+)'?: (?:async \(\)|')/gm)];
  const next = entries.find(([, other = '']) => other > type);
  const place = next?.index ?? text.indexOf('\n};', entries.at(-1)?.index) + 1;
  if (entries.length === 0 || place === 0) throw new Error(`Failed to change ${path}: it has no entries by type.`);
  tree.write(path, `${text.slice(0, place)}  '${type}': ${value}\n${text.slice(place)}`);
}

/** Adds a line to the table of the library's README. */
function insertRow(tree: Tree, type: string, description: string): void {
  const path = `${library}/README.md`;
  const text = textOf(tree, path);
  const rows = [...text.matchAll(/^\| \[`([a-z0-9-]+)`\]/gm)];
  const place = (rows.find(([, other = '']) => other > type) ?? rows.at(-1))?.index;
  if (place === undefined) throw new Error(`Failed to change ${path}: it has no table of destinations.`);
  const tells = description.replace(/^Keeps (?:the )?|\.$/g, '');
  tree.write(path, `${text.slice(0, place)}| [\`${type}\`](src/${type}/README.md) | ${tells} |\n${text.slice(place)}`);
}

function textOf(tree: Tree, path: string): string {
  const text = tree.read(path, 'utf8');
  if (text === null) throw new Error(`Failed to change ${path}: it is not there. Run it in the repository.`);
  return text;
}
