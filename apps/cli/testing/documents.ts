import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..', '..');

/** A command that a document shows. */
export interface DocumentedCommand {
  /** `README.md:72`. */
  readonly place: string;
  /**
   * As it is written, without the prompt and without a comment; lines that end with a backslash are
   * joined.
   */
  readonly line: string;
  /** What the document says that it prints; empty where it does not say. */
  readonly output: readonly string[];
  /** In the text of a sentence, where it may be the name of a command rather than a whole one. */
  readonly isInline: boolean;
}

const programs = 'activation|az|bash|curl|event-hubs-emulator|gh|git|node|npm|npx|nx|pulumi';
const commandLine = new RegExp(`^(\\$ )?((?:[A-Z][A-Z_]+=\\S+ )*(?:${programs})(?: .*)?)$`);
const inlineCommand = new RegExp(`\`((?:[A-Z][A-Z_]+=\\S+ )*(?:${programs}) [^\`]+)\``, 'g');

/**
 * Every document of the repository that git tracks, by path, but for those that a company keeps in
 * its folder.
 */
export function documents(): readonly { readonly path: string; readonly text: string }[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((path) => path !== '' && !/^own\/[^/]+\//.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The commands of one document, in their order. */
export function commandsOf({ path, text }: { readonly path: string; readonly text: string }): DocumentedCommand[] {
  const commands: DocumentedCommand[] = [];
  const lines = text.split('\n');
  let fence: string | undefined;
  let margin = 0;
  let current: { line: string; output: string[] } | undefined;
  for (const [index, written] of lines.entries()) {
    const place = `${path}:${index + 1}`;
    const [, indent = '', opening] = /^( *)```(\w*)/.exec(written) ?? [];
    if (opening !== undefined) {
      fence = fence === undefined ? opening : undefined;
      // Of a block in a list, by which all of it is indented.
      margin = indent.length;
      current = undefined;
    } else if (fence === undefined) {
      for (const [, line = ''] of written.matchAll(inlineCommand))
        commands.push({ place, line, output: [], isInline: true });
    } else if (['', 'sh', 'console'].includes(fence)) {
      if (current?.line.endsWith('\\') === true) {
        current.line = `${current.line.slice(0, -1).trimEnd()} ${written.trim()}`;
        continue;
      }
      const text = written.slice(margin);
      const [, prompt, line] = commandLine.exec(text) ?? [];
      if (line !== undefined && (prompt !== undefined || current === undefined || current.output.length === 0)) {
        current = { line: line.replace(/\s+#\s.*$/, '').trimEnd(), output: [] };
        commands.push(Object.assign(current, { place, isInline: false }));
      } else current?.output.push(text);
    }
  }
  return commands;
}

/**
 * The words of a command line as a shell would part them, quotes taken off; pipes and redirections
 * end it.
 */
export function wordsOf(line: string): readonly string[] {
  const words = [...line.matchAll(/(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"']+))+/g)].map(([word]) =>
    word.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, '$1$2'),
  );
  const end = words.findIndex((word) => ['|', '>', '<', '&&', ';'].includes(word));
  return end === -1 ? words : words.slice(0, end);
}
