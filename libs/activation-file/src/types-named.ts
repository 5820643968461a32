import { isMapping } from './deep-freeze.ts';
import { readYamlDocument } from './yaml-document.ts';

/**
 * The `type` of every destination in the text of an activation file, each once, in the order of the
 * file; for loading what is needed to check it. Never throws: of what is not as it should be,
 * `parseActivationFile` speaks.
 */
export function typesNamed(text: string): readonly string[] {
  const document = readYamlDocument(text);
  const file = 'value' in document ? document.value : undefined;
  const destinations = isMapping(file) && isMapping(file.destinations) ? Object.values(file.destinations) : [];
  const types = destinations.map((entry) => (isMapping(entry) ? entry.type : undefined));
  return [...new Set(types.filter((type) => typeof type === 'string'))];
}
