import { matchesGlob } from 'node:path';

/**
 * Files of tests that need the shell of Linux and macOS: the scripts of workflows, which run on
 * Linux only, and commands of others for which a script of a shell stands, which Windows does not
 * start; signals to a group of processes. They are left out on Windows, and `npm test` says so
 * there.
 */
export const needShell: readonly string[] = [
  'apps/cli/src/aep/reconcile.test.ts',
  'apps/cli/src/aep/rotate-key.test.ts',
  'apps/cli/src/console/environment-console.test.ts',
  'apps/cli/src/deploy/azure.test.ts',
  'apps/cli/src/environment/stack-outputs.test.ts',
  'apps/cli/src/operate/canary.test.ts',
  'apps/cli/src/operate/explain-environment.test.ts',
  'apps/cli/src/operate/lag.test.ts',
  'apps/cli/src/operate/mcp/mcp.test.ts',
  'apps/cli/src/operate/secrets-of-walks.test.ts',
  'apps/cli/src/operate/storage-of-environment.test.ts',
  'apps/cli/src/operate/tail/tail.test.ts',
  'apps/cli/src/orphaned.test.ts',
  'apps/cli/src/traffic/local/ctrl-c.test.ts',
  'apps/cli/src/traffic/local/open-in-browser.script.test.ts',
  'apps/console/testing/environment.test.ts',
  'apps/console/testing/terminal.test.ts',
  'infra/aep-engine.test.ts',
  'infra/bootstrap.test.ts',
  'infra/build-pulumi.test.ts',
  'infra/engine*.test.ts',
  'infra/testing/end-with-parent.test.ts',
  'infra/testing/engine-workspace.test.ts',
  'tools/comment-activation-plan.test.ts',
  'tools/deploy-package.test.ts',
  'tools/keep-issue.test.ts',
  'tools/operator-commands.test.ts',
  'tools/say-how-to-roll-back.test.ts',
  'tools/workflow-scripts.test.ts',
];

/** Whether a file of tests is one of them. */
export const isNeedingShell = (path: string): boolean => needShell.some((pattern) => matchesGlob(path, pattern));

/** Those of the project in this folder of the repository, as paths and patterns in it. */
export function needShellIn(folder: string): readonly string[] {
  const prefix = `${folder.replaceAll('\\', '/')}/`;
  return needShell.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
}
