import { Help } from 'commander';

/** How wide help is: terminals are at least that. */
export const helpColumns = 100;

/**
 * Help with its prose filled up to `helpColumns`; a paragraph with indented lines (options,
 * examples) stays as it is.
 */
export function wrappedHelp(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => (/^[ \t]/m.test(paragraph) ? paragraph : filled(paragraph)))
    .join('\n\n');
}

function filled(paragraph: string): string {
  const prose = paragraph.trim();
  return paragraph.replace(prose, () => new Help().boxWrap(prose.replaceAll('\n', ' '), helpColumns));
}
