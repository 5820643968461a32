import { posix } from 'node:path';
import { isConnectorFile } from './connector-files.ts';
import { isNeedingShell } from './need-shell.ts';
import { isCommentLine, type RepositoryFile } from './repository.ts';

/**
 * A rule of the repository's own text: what is looked for in which files, and what to do instead.
 */
export interface TidyRule {
  readonly name: string;
  readonly instead: string;
  readonly applies: (path: string) => boolean;
  /** Gives the offending lines, or one for the whole file. */
  readonly offences: (file: RepositoryFile) => readonly string[];
}

const isCode = (path: string): boolean => /\.(tsx?|js|mjs)$/.test(path) && !path.includes('/fixtures/');
const isOwnRule = (path: string): boolean => path.startsWith('tools/tidy');
const isText = (path: string): boolean => !path.endsWith('package-lock.json') && !isOwnRule(path);

/**
 * The name of a file in the folder of a connector, or of a template of one; `undefined` for any
 * other path.
 */
const connectorFile = (path: string): string | undefined =>
  /^libs\/destinations\/src\/[^/]+\/(.+)$/.exec(path)?.[1] ??
  /^tools\/destination\/files\/(.+)\.template$/.exec(path)?.[1];

/** The longest that a file of code may be. */
const linesMax = 400;

/** The widest that a line of a comment may be, its indentation included. */
const commentColumnsMax = 100;

/** A row of a table, an address or a rule's exception cannot be broken. */
const isUnbreakable = (line: string): boolean => /^\s*(\/\/|\*)\s*(\|.*\||\S+|npm run .*|eslint-disable.*)$/.test(line);

/** Stand-ins for a process, a row or a person, and passives without one (docs/style.md). */
const hidesTheActor =
  /\b(nobody|somebody|everybody|whoever|whomever|none of ours|whose clock|becomes? of|became of|(is|are|was|were) to be)\b/i;

/** The text of a page with its blocks and spans of code emptied; the lines keep their numbers. */
const withoutBlocks = (text: string): string =>
  text
    .replaceAll(/^ *```[^]*?^ *```$/gm, (block) => block.replaceAll(/[^\n]/g, ''))
    .replaceAll(/`[^`\n]*`|\]\([^)\n]*\)/g, '');

/**
 * What runs for the person at the machine, and in every test; not the benches, and not what only
 * GitHub's Linux runs.
 */
const runsAnywhere = (path: string): boolean =>
  (isCode(path) || path === 'package.json') &&
  !/\/(bench|chaos)\/|^tools\/foreign\//.test(path) &&
  !isOwnRule(path) &&
  !isNeedingShell(path);

/**
 * Commands that are scripts of a shell on Windows, or that only POSIX has: a spawn without a shell
 * does not find them there.
 */
const shellCommands = 'npm|npx|nx|az|tsc|vitest|eslint|prettier|sh|which|open|xdg-open|kill|cp|mv|rm|mkdir|cat';

const matching =
  (pattern: RegExp) =>
  ({ path, text }: RepositoryFile): readonly string[] =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 80)}`] : []));

/** The folder of the project in which a path lies; undefined at the root. */
const projectOf = (path: string): string | undefined =>
  /^(?:(?:apps|libs)\/[^/]+|infra|tools|own)(?=\/)/.exec(path)?.[0];

/** Sources of other projects that a file imports by their address. */
const importedByAddress = ({ path, text }: RepositoryFile): readonly string[] =>
  [...text.matchAll(/import\(\s*new URL\(\s*(['"`])(\.[^'"`]+\.(?:ts|mjs|js))\1/g)].flatMap(([, , address = '']) => {
    const target = posix.join(posix.dirname(path), address);
    return projectOf(target) === projectOf(path) ? [] : [`${path}: ${target}`];
  });

const wholeFile =
  (isOffence: (file: RepositoryFile) => boolean) =>
  (file: RepositoryFile): readonly string[] =>
    isOffence(file) ? [file.path] : [];

export const tidyRules: readonly TidyRule[] = [
  {
    name: 'no leftover markers',
    instead: 'Do it now, or write it down as work to do outside of the code.',
    applies: (path) => isCode(path) && !isOwnRule(path),
    offences: matching(/\b(TODO|FIXME|XXX|HACK)\b/),
  },
  {
    name: 'no test that does not run',
    instead: 'Run it, or remove it.',
    applies: (path) => path.endsWith('.test.ts') && !isOwnRule(path),
    offences: matching(/\b(it|test|describe)\.(only|skip|todo|skipIf|runIf)\b/),
  },
  {
    name: 'no swallowed error',
    instead: 'Handle what is expected, and rethrow the rest with its cause.',
    applies: (path) => isCode(path) && !isOwnRule(path),
    // A sleep that is aborted rejects, and that is how it is meant; any other silence needs its
    // reason in a comment.
    offences: matching(
      /catch *(\([^)]*\))? *\{ *\}|(?<!sleep\(.*|\/\/.*)\.catch\(\(\) => (undefined|null|\{\})\)(?!.*\/\/)/,
    ),
  },
  {
    name: 'no check switched off without its reason',
    instead: 'Give the reason after `--`, or change the code.',
    applies: (path) => isCode(path) && !isOwnRule(path),
    offences: matching(/@ts-(ignore|nocheck)|eslint-disable(?!.* -- )/),
  },
  {
    name: 'no path of a machine, no private registry',
    instead: 'Paths are relative to the repository; packages come from where npm is configured to get them.',
    applies: (path) => !isOwnRule(path),
    offences: matching(/(^|[\s"'`(=])\/(work|home|root|Users)\/[a-z]|"resolved": *"https?:\/\//),
  },
  {
    name: 'no source of another project is imported by its address',
    instead: 'Import it by the name of its package, for ESLint holds the layers by names alone.',
    applies: (path) => isCode(path) && !isOwnRule(path),
    offences: importedByAddress,
  },
  {
    name: 'what runs imports nothing of what only tests need',
    instead: 'Move the file out of its folder `testing`, beside what runs.',
    applies: (path) => isCode(path) && !/\.test\.tsx?$|(?:^|\/)(?:testing|bench|chaos)\/|^tools\//.test(path),
    offences: matching(/\bfrom '(?:\.{1,2}\/)+(?:[\w-]+\/)*testing\/|\bimport\('(?:\.{1,2}\/)+(?:[\w-]+\/)*testing\//),
  },
  {
    name: 'the reporter alone chooses between text and JSON',
    instead: 'Give the fact and its words to report; what is followed has one narrator for each, chosen once.',
    applies: (path) =>
      /^apps\/cli\/src\/.*(?<!\.test)\.ts$/.test(path) &&
      !/\/terminal\/reporter\.ts$|\/local\/run-local\.ts$/.test(path),
    offences: matching(/(?<!-)\bjson\b.* \? (?!json(?:Voice|Narrator)\()|\bif \(!?(?:options\.)?json\)/),
  },
  {
    name: 'no drawer for unrelated things',
    instead: 'Name the file after what it holds, beside what uses it.',
    applies: isText,
    offences: wholeFile(({ path }) => /(^|\/)(utils?|helpers?|common|shared|misc)(\/|\.[a-z]+$)/.test(path)),
  },
  {
    name: 'file names are kebab case',
    instead: 'Lower case and hyphens; a test is named after what it tests.',
    applies: (path) => /\.tsx?$/.test(path),
    offences: wholeFile(({ path }) => !/^[a-z0-9-]+(\.[a-z0-9-]+)*\.tsx?$/.test(path.split('/').at(-1) ?? '')),
  },
  {
    name: 'a folder of a connector holds files of the known kinds',
    instead:
      'Say it in a file of one of the kinds of docs/specs/destination.md, or in a part of one: request-template.ts.',
    applies: (path) => connectorFile(path) !== undefined,
    offences: wholeFile(({ path }) => !isConnectorFile(connectorFile(path) ?? '')),
  },
  {
    name: `no file of code over ${linesMax} lines`,
    instead: 'Split it where it says two things.',
    applies: (path) => isCode(path) && !path.endsWith('.test.ts'),
    offences: wholeFile(({ text }) => text.split('\n').length > linesMax),
  },
  {
    name: `no comment over ${commentColumnsMax} columns`,
    instead: 'Break the line.',
    applies: (path) => isCode(path),
    offences: ({ text }) =>
      text
        .split('\n')
        .filter(
          (line) => line.length > commentColumnsMax && /^\s*(\/\/|\/\*\*|\* )/.test(line) && !isUnbreakable(line),
        ),
  },
  {
    name: 'comments and pages say which process, row or person acts',
    instead: 'docs/style.md: name the actor; "nobody", "whoever", "is to be" and "becomes of" hide it.',
    applies: (path) => isCode(path) || (path.endsWith('.md') && !/^docs\/style\.md$|\/fixtures\//.test(path)),
    // Quotations of what a command prints stay as they are: blocks of code in a page.
    offences: ({ path, text }) =>
      (path.endsWith('.md') ? withoutBlocks(text) : text)
        .split('\n')
        .flatMap((line, index) =>
          (path.endsWith('.md') || isCommentLine(line)) && hidesTheActor.test(line)
            ? [`${path}:${index + 1}: ${line.trim().slice(0, 80)}`]
            : [],
        ),
  },
  {
    name: 'tests say what is, not what should be',
    instead: 'Write the sentence in the present tense.',
    applies: (path) => path.endsWith('.test.ts') && !isOwnRule(path),
    offences: matching(/\b(test|it)(\.each\([^)]*\))?\(\s*['"`][^'"`]*\bshould\b/),
  },
  {
    name: 'no test depends on the speed of the machine',
    instead: 'Wait with expect.poll, as long as vitest.config.ts says; assert no time that the machine took.',
    applies: (path) => /\.test\.ts$|\/testing\//.test(path) && !isOwnRule(path),
    // `vi.waitFor` gives up after a second. A patience of less than two minutes, and a duration of
    // less than fifteen seconds, are what a machine under load takes now and then.
    offences: matching(
      /\bvi\.wait(For|Until)\(|\b(timeout|patientMs)(:| =) \d{1,2}_?\d{3}\b|now\(\) - \w+\)\.toBeLessThan(OrEqual)?\((\d{1,4}|\d_\d{3}|1[0-4]_?\d{3})\)/,
    ),
  },
  {
    name: 'time is an argument',
    instead: 'Wait for what is to happen, with a bound; a test that sleeps is slow and still wrong.',
    applies: (path) => path.endsWith('.test.ts') && !isOwnRule(path),
    offences: matching(/setTimeout\(\s*resolve\s*,\s*\d{3,}/),
  },
  {
    name: 'nothing is spawned that Windows starts by a shell only',
    instead:
      'Spawn process.execPath with the file of the program, or say in a comment on the line that only Linux runs it.',
    applies: runsAnywhere,
    offences: matching(
      new RegExp(`\\b(?:spawn|spawnSync|execFile|execFileSync)\\(\\s*'(?:${shellCommands})'(?!.*// (?:only|Linux))`),
    ),
  },
  {
    name: 'a path and an address are made of each other by Node',
    instead: 'Use fileURLToPath and pathToFileURL: /C:/a is no path of Windows.',
    applies: runsAnywhere,
    offences: matching(/import\.meta\.url\)\.pathname|new URL\(url\)\.pathname\)|`file:\/\/\$\{/),
  },
  {
    name: 'no place that only POSIX has',
    instead: 'Use tmpdir(), homedir(), devNull, delimiter and sep.',
    applies: runsAnywhere,
    offences: matching(
      /['"`]\/(?:tmp|dev|proc|bin|usr|etc)\/(?!passwd)|PATH[^;]*\.split\(':'\)|:\$\{process\.env\.PATH|process\.env\.HOME\b|process\.(?:getuid|umask|setuid)\(/,
    ),
  },
  {
    name: 'a process is not sent a signal that Windows takes for its end',
    instead: 'Use signalProcess, or a message to the process: on Windows a signal ends it without asking.',
    applies: (path) => runsAnywhere(path) && !path.endsWith('.test.ts') && !path.includes('/testing/'),
    offences: matching(
      /^(?!.*(?:platform !== 'win32'|\/\/)).*(?:process\.kill\(process\.pid|\.kill\('SIG(?:INT|TERM|HUP|USR\d)'\))/,
    ),
  },
  {
    name: 'a link to a folder is one that Windows lets everybody make',
    instead: "Give 'junction' as its type; other systems leave that aside.",
    applies: runsAnywhere,
    offences: matching(/\bsymlink(?:Sync)?\((?!.*'(?:junction|file)')[^)]*\)/),
  },
  {
    name: 'a name is one that every file system can hold',
    instead: 'No sign that Windows forbids, no name of a device, no dot or blank at the end, and not longer than 180.',
    applies: () => true,
    offences: wholeFile(
      ({ path }) =>
        path.length > 180 ||
        path.split('/').some((part) => /[<>:"|?*\\]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(part)),
    ),
  },
  {
    name: 'npm scripts are of words that every shell reads alike',
    instead: 'Write a script of Node: cmd.exe knows neither NAME=value command nor ;, single quotes, $( ) and rm.',
    applies: (path) => /(^|\/)package\.json$/.test(path),
    offences: matching(
      /^ {4}"[a-z:-]+": "(?:[A-Z_]+=|(?:rm|cp|mv|cat|export|bash|sh) |[^"]*(?:;|'|\$\(|&& (?:rm|cp|mv) ))/,
    ),
  },
  {
    name: 'a decision names what was weighed against it',
    instead: 'Add a section or a paragraph that begins with what else was weighed, each with why not.',
    applies: (path) => /^docs\/decisions\/(?!README)[^/]+\.md$/.test(path),
    offences: wholeFile(({ text }) => !/\b(weighed|alternatives?)\b/i.test(text)),
  },
];
