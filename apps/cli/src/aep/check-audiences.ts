import {
  exportsNeededBy,
  type ActivationFile,
  type AudienceEntry,
  type Problem,
} from '@activation-hub/activation-file';
import type { Audience } from '@activation-hub/flow-service';
import { byPlace, problemLocator, type Place } from '../activation-file/locate-problem.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { AdobeAccess } from '../environment/adobe-access.ts';

export interface Findings {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

type Report = (place: Place, message: string) => void;

/** Soft limits of one destination ("Guardrails for destinations", of 2023). */
const audiencesMax = 250;
const attributesMax = 50;

/**
 * Compares a valid activation file with the sandbox: do its audiences exist there, are they
 * evaluated by streaming, do their merge policies agree, and is the export within Adobe's limits.
 * By line. Throws what the client throws.
 */
export async function checkAudiences(
  path: string,
  file: ActivationFile,
  { client, sandbox }: AdobeAccess,
  terminal: Terminal,
): Promise<Findings> {
  const entries = [...file.audiences.values()];
  const known = await client.audiences.get(
    entries.map(({ id }) => id),
    terminal.interrupted,
  );
  const locate = await problemLocator(path, terminal);
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const reportTo =
    (list: Problem[]): Report =>
    (place, message) =>
      list.push(locate(place, message));
  const wrong = reportTo(problems);
  const warn = reportTo(warnings);
  for (const entry of entries) {
    const audience = known.get(entry.id);
    if (audience === undefined) checkMissing(entry, sandbox, wrong, warn);
    else checkAudience(entry, audience, warn);
  }
  checkMergePolicies(entries, known, warn);
  checkLimits(file, warn);
  return { problems: problems.sort(byPlace), warnings: warnings.sort(byPlace) };
}

const isLive = ({ routes }: AudienceEntry): boolean => routes.some(({ mode }) => mode === 'live');
const isOfAep = ({ namespace }: AudienceEntry): boolean => namespace === 'ups';

function checkMissing(entry: AudienceEntry, sandbox: string, wrong: Report, warn: Report): void {
  const place = ['audiences', entry.key, 'id'];
  const message = `audiences.${entry.key}.id ${entry.id} is no audience of the sandbox ${sandbox}.`;
  if (!isOfAep(entry))
    warn(place, `${message} An audience from elsewhere may have another id there than in its exports.`);
  else (isLive(entry) ? wrong : warn)(place, `${message} Look for it with activation aep audiences.`);
}

function checkAudience(entry: AudienceEntry, audience: Audience, warn: Report): void {
  const place = ['audiences', entry.key, 'id'];
  const what = `audiences.${entry.key} ("${audience.name}" in AEP)`;
  const { evaluation, lifecycleState, type } = audience;
  if (lifecycleState !== '' && lifecycleState !== 'published') {
    warn(place, `${what} is ${lifecycleState}: AEP exports published audiences only.`);
  }
  if (!evaluation.includes('streaming') && !evaluation.includes('edge')) {
    const how = evaluation.includes('batch')
      ? 'in batch only: who enters or leaves is exported about once a day'
      : 'by no method that is switched on';
    warn(place, `${what} is evaluated ${how}. Change its evaluation in AEP to streaming if that is too late.`);
  }
  if (type.startsWith('External')) {
    warn(
      place,
      `${what} comes from elsewhere: Adobe's newest page on Event Hubs does not list such audiences as supported.`,
    );
  }
}

/**
 * An export carries the audiences that share a merge policy: where there are several, a person is
 * several profiles.
 */
function checkMergePolicies(
  entries: readonly AudienceEntry[],
  known: ReadonlyMap<string, Audience>,
  warn: Report,
): void {
  const live = entries.filter(isLive).flatMap((entry) => {
    const policy = known.get(entry.id)?.mergePolicyId;
    return policy === undefined ? [] : [{ key: entry.key, policy }];
  });
  const [first] = live;
  for (const { key, policy } of live) {
    if (first === undefined || policy === first.policy) continue;
    warn(
      ['audiences', key, 'id'],
      `audiences.${key} has the merge policy ${policy}, but audiences.${first.key} has ${first.policy}: the same person may have other identities and attributes in the exports of the one and the other.`,
    );
  }
}

function checkLimits(file: ActivationFile, warn: Report): void {
  const { audiences, attributes } = exportsNeededBy(file);
  if (audiences.length > audiencesMax) {
    warn(
      ['audiences'],
      `${audiences.length} audiences would be exported; Adobe recommends at most ${audiencesMax} for one destination.`,
    );
  }
  if (attributes.length > attributesMax) {
    warn(
      ['audiences'],
      `${attributes.length} attributes would be exported; Adobe recommends at most ${attributesMax} for one destination.`,
    );
  }
}
