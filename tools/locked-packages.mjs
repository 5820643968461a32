// What a lockfile of npm says about the packages of this machine. Plain JavaScript, no dependency:
// `install.mjs` runs before anything is installed.
import process from 'node:process';

/**
 * The workspaces that `npm start` runs, a company's connectors among them; their libraries follow
 * from them.
 */
export const startedWorkspaces = ['apps/cli', 'apps/handler', 'apps/console', 'own'];

/** The paths of all that is installed on this machine, given the `packages` of a lockfile. */
export function allPaths(locked) {
  return Object.keys(locked).filter((path) => isInstalledPath(path) && fitsHere(locked[path]));
}

/**
 * The paths of all that npm takes to be needed by these workspaces without their tests, given the
 * `packages` of a lockfile: optional peers too, where the lockfile has them.
 */
export function pathsNeededBy(workspaces, locked) {
  const visited = new Set();
  const visit = (path) => {
    const entry = locked[path];
    if (visited.has(path) || !fitsHere(entry)) return;
    visited.add(path);
    const names = Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies });
    for (const found of entry.link ? [entry.resolved] : names.map((name) => resolve(path, name, locked))) {
      if (found !== undefined) visit(found);
    }
  };
  for (const [path, { link, resolved }] of Object.entries(locked))
    if (link && workspaces.includes(resolved)) visit(path);
  return [...visited].filter(isInstalledPath);
}

function isInstalledPath(path) {
  return /(^|\/)node_modules\//.test(path);
}

/** Where Node finds a package from here: in the nearest `node_modules` of the folders above. */
function resolve(from, name, locked) {
  const parts = from.split('/');
  for (let length = parts.length; length >= 0; length -= 1) {
    if (parts[length - 1] === 'node_modules') continue;
    const path = [...parts.slice(0, length), 'node_modules', name].join('/');
    if (locked[path] !== undefined) return path;
  }
  return undefined;
}

/** Whether npm would install this here, where it is for certain systems only. */
function fitsHere({ os, cpu, libc }) {
  const allows = (list, here) => {
    const names = [list ?? []].flat();
    const only = names.filter((name) => !name.startsWith('!'));
    return !names.includes(`!${here}`) && (only.length === 0 || only.includes(here));
  };
  return allows(os, process.platform) && allows(cpu, process.arch) && (libc === undefined || allows(libc, libcHere()));
}

function libcHere() {
  if (process.platform !== 'linux') return 'none';
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}
