import { isCommentLine, type RepositoryFile } from './repository.ts';

/**
 * The kinds of files that the folder of a connector may hold, each with what such a file says. A
 * light connector has a few of them, a heavier one has more, and none has any other: a reader who
 * knows one folder knows them all. docs/specs/destination.md shows this table.
 */
export const connectorFileKinds: Readonly<Record<string, string>> = {
  'destination.ts':
    'The declared value: what the destination is called, takes and may do, and the order in which a batch is told.',
  'settings.ts': 'The schemas of the settings and of the options of a route.',
  'takes.ts': 'Which identities and attributes are used, and how.',
  'versions.ts': 'Until when each version of the API is served.',
  'errors.ts': 'Every error that the vendor documents, with its class and its source.',
  'sign-in.ts': 'How requests are signed in.',
  'quota.ts': "How the vendor's allowance is kept.",
  'connection.ts': 'The connection, where the protocol is not HTTP.',
  'request.ts': 'Describes what is sent.',
  'response.ts': 'Judges what is answered.',
  'lists.ts': 'Finds, and makes, what the options of a route name: a list, a campaign, an audience, a segment.',
  'persons.ts': 'Finds, and writes, the records of persons that the vendor keeps.',
  'members.ts': 'Brings persons into a list and takes them out of it, where that is more than one request.',
  'vendor.ts': 'The stand-in of the vendor.',
  'vectors.json': 'What values become by the rules of the vendor, each with where that is published.',
  'wire.txt': 'The exact requests of one person, as a snapshot.',
  'README.md': 'The effect of each change, and what only a live account can settle.',
};

/**
 * A kind that says too much for one file is split, and the part stands behind a hyphen:
 * `vendor-answers.ts`, `lists-segment.ts`.
 */
const part = '(?:-[a-z0-9]+)*';
const escaped = (text: string): string => text.replaceAll('.', '\\.');
const kinds = Object.keys(connectorFileKinds).map((name) => {
  const [, stem = '', ending = ''] = /^([^.]+)(\..+)$/.exec(name) ?? [];
  const test = ending === '.ts' ? '(?:(?:\\.[a-z0-9-]+)?\\.test)?' : '';
  return `${escaped(stem)}${stem === 'README' ? '' : part}${test}${escaped(ending)}`;
});
const known = new RegExp(`^(?:${kinds.join('|')})$`);

/**
 * Whether a file of this name may lie in the folder of a connector; a test has the name of what it
 * tests.
 */
export const isConnectorFile = (name: string): boolean => known.test(name);

/**
 * How many lines a connector has of its own, of the files of its folder: those of code, without
 * comments, blank lines, tests and the stand-in.
 */
export const ownLines = (files: readonly RepositoryFile[]): number =>
  files
    .filter(({ path }) => path.endsWith('.ts') && !/\.test\.ts$|\/vendor[^/]*$/.test(path))
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line.trim() !== '' && !isCommentLine(line)).length;
