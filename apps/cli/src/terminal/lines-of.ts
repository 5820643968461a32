/**
 * The lines of a stream of UTF-8, without their line breaks, which are line feeds with or without a
 * carriage return before them. `node:readline` breaks lines at U+2028 and U+2029 too, which JSON
 * leaves within a text as they are. Begins to read when the caller asks for the first line.
 */
export async function* linesOf(stream: AsyncIterable<unknown>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest: string[] = [];
  for await (const chunk of stream) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
    const [first = '', ...others] = text.split('\n');
    rest.push(first);
    for (const start of others) {
      yield withoutReturn(rest.join(''));
      rest = [start];
    }
  }
  const last = rest.join('') + decoder.decode();
  if (last !== '') yield withoutReturn(last);
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
