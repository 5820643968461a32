/**
 * A key as activation files have them: lower-case letters, digits and hyphens, beginning with a
 * letter, at most 63.
 */
export function keyOf(name: string, otherwise: string): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const word = plain
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return word === '' ? otherwise : word;
}

/** A key for each of these names of audiences, in their order, each once. */
export function audienceKeys(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const word = keyOf(name, 'audience');
    let key = word;
    for (let number = 2; taken.has(key); number += 1) key = `${word.slice(0, 58)}-${number}`;
    taken.add(key);
    return key;
  });
}
