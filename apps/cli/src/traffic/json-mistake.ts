const token =
  /[ \t\n\r]+|[{}[\],:]|"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;

/**
 * What may come next: `first…` is right after an opening bracket, where a closing one may come at
 * once.
 */
type Expected = 'value' | 'first value' | 'key' | 'first key' | 'colon' | 'separator';

/**
 * The line, from 1, on which a text stops being JSON; undefined when it is JSON. For error
 * sentences: the parser's own message quotes the text, and says where it stands only sometimes.
 */
export function lineOfJsonMistake(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let offset = 0;
  const line = (): number => text.slice(0, offset).split('\n').length;
  while (offset < text.length) {
    token.lastIndex = offset;
    const [found] = token.exec(text) ?? [];
    if (found === undefined) return line();
    if (found.trim() !== '') {
      const next = after(found, expected, open);
      if (next === undefined) return line();
      expected = next;
    }
    offset += found.length;
  }
  return expected === 'separator' && open.length === 0 ? undefined : line();
}

/**
 * What may come after this token; undefined when the token may not stand here. Opens and closes
 * brackets.
 */
function after(found: string, expected: Expected, open: ('{' | '[')[]): Expected | undefined {
  switch (found) {
    case '{':
    case '[':
      if (!expected.endsWith('value')) return undefined;
      open.push(found);
      return found === '{' ? 'first key' : 'first value';
    case '}':
    case ']': {
      const [opening, first] = found === '}' ? (['{', 'first key'] as const) : (['[', 'first value'] as const);
      if ((expected !== first && expected !== 'separator') || open.pop() !== opening) return undefined;
      return 'separator';
    }
    case ':':
      return expected === 'colon' ? 'value' : undefined;
    case ',':
      if (expected !== 'separator' || open.length === 0) return undefined;
      return open.at(-1) === '{' ? 'key' : 'value';
    default:
      if (expected.endsWith('key')) return found.startsWith('"') ? 'colon' : undefined;
      return expected.endsWith('value') ? 'separator' : undefined;
  }
}
