import {
  createMatcher,
  pathText,
  type ActivationFile,
  type AudienceEntry,
  type Problem,
} from '@activation-hub/activation-file';
import { attributeAt, readProfileExports, type ProfileExport, type Refusal } from '@activation-hub/audience-events';
import { CommandError } from '../terminal/command-error.ts';
import { openFile, readEventBodies } from '../traffic/event-bodies.ts';
import { byPlace, type Locate, type Place } from './locate-problem.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * Reads the profile exports of a file of events. Throws `CommandError` (2) where it cannot be read,
 * holds none, or has something in it that is not what AEP sends.
 */
export async function readExports(path: string, terminal: Pick<Terminal, 'folder'>): Promise<readonly ProfileExport[]> {
  const exports: ProfileExport[] = [];
  const refusals: Refusal[] = [];
  for await (const body of readEventBodies(await openFile(path, terminal), path)) {
    const read = readProfileExports(body);
    exports.push(...read.exports);
    refusals.push(...read.refusals);
  }
  const [refusal] = refusals;
  if (refusal !== undefined) throw new CommandError(2, `${path}: ${refusal.path}: ${refusal.message}`);
  if (exports.length === 0)
    throw new CommandError(2, `Failed to find an export in ${path}: it is empty. Give a file with one.`);
  return exports;
}

/**
 * What a file asks for and none of these exports has: audiences, identity namespaces, the consent
 * attribute, attributes.
 */
export function compareWithExports(
  file: ActivationFile,
  exports: readonly ProfileExport[],
  name: string,
  locate: Locate,
): readonly Problem[] {
  const problems: Problem[] = [];
  const lacks = (place: Place, what: string, consequence: string): void => {
    problems.push(locate(place, `${pathText(place)} ${what} is in no export of ${name}. ${consequence}`));
  };
  const hasAttribute = (path: readonly string[]): boolean =>
    exports.some(({ body }) => attributeAt(body, path) !== undefined);
  const audiences = audiencesIn(file, exports);
  for (const audience of file.audiences.values()) {
    const place = ['audiences', audience.key];
    if (!audiences.has(audience)) {
      lacks([...place, 'id'], audience.id, 'No destination would receive it. Compare the id with AEP.');
    }
    if (audience.consentPath !== undefined && !hasAttribute(audience.consentPath)) {
      const consequence = 'The hub would withhold every person. Map the attribute in AEP, or correct the path.';
      lacks([...place, 'consent'], audience.consentPath.join('.'), consequence);
    }
    for (const [index, { identityNamespaces, attributes, mode }] of audience.routes.entries()) {
      if (mode === 'retired') continue;
      const at = [...place, 'activate', index];
      if (!exports.some(({ identities }) => identityNamespaces.some((namespace) => identities.has(namespace)))) {
        lacks(
          [...at, 'identity'],
          identityNamespaces.join(', '),
          'The person would be unresolved. Compare the namespaces with AEP.',
        );
      }
      for (const { name: as, path } of attributes) {
        if (hasAttribute(path)) continue;
        lacks([...at, 'attributes', as], path.join('.'), 'It would be left out. Map it in AEP, or correct the path.');
      }
    }
  }
  return problems.sort(byPlace);
}

function audiencesIn(file: ActivationFile, exports: readonly ProfileExport[]): ReadonlySet<AudienceEntry | undefined> {
  const matcher = createMatcher(file);
  return new Set(
    exports.flatMap(({ segmentMembership }) =>
      Object.entries(segmentMembership).flatMap(([namespace, items]) =>
        Object.keys(items).map((id) => matcher.audience(namespace, id)),
      ),
    ),
  );
}
