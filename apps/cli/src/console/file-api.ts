import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { planFile } from '@activation-hub/activation';
import { createMatcher, type ActivationFile, type Problem } from '@activation-hub/activation-file';
import type { FileProblem, FileView, PlanView } from '@activation-hub/console-contract';
import { loadActivations } from '../activation-file/activations.ts';
import { CommandError } from '../terminal/command-error.ts';
import { memberCount, nameOf, notesOf, whyOf } from '../operate/plan.ts';
import { unreadableRowsWords } from '../operate/unreadable-rows.ts';
import type { Api } from './console-server.ts';
import type { Operator } from './operator.ts';

/** The activation file as it is now, and against the ledger. */
export function fileApi(operator: Operator): Api {
  const { activationFile: path, storage, terminal } = operator;
  return {
    'GET file': async (): Promise<FileView> => {
      const text = await readFile(resolve(terminal.folder, path), 'utf8');
      try {
        const file = await loadActivations(path, terminal);
        return { path, text, problems: [], warnings: file.warnings.map(problemView), routes: routesOf(file) };
      } catch (error) {
        if (!(error instanceof CommandError) || !('problems' in error.details)) throw error;
        const { problems, warnings } = error.details as {
          readonly problems: readonly Problem[];
          readonly warnings: readonly Problem[];
        };
        return { path, text, problems: problems.map(problemView), warnings: warnings.map(problemView), routes: [] };
      }
    },
    'GET plan': async ({ signal }): Promise<PlanView> => {
      const file = await loadActivations(path, terminal);
      const plan = await planFile({ file, matcher: createMatcher(file), ledger: storage.ledger }, signal);
      return {
        routes: plan.routes.map((route) => {
          const { audience, destination, mode, members, isNew } = route;
          return { audience, destination, mode, members, isNew, notes: notesOf(route) };
        }),
        leftBehind: [
          ...plan.leftBehind.map((each) => ({
            name: `${nameOf(each)}: ${memberCount(each.members)}`,
            members: each.members,
            why: whyOf(each),
          })),
          ...unreadableRowsWords(plan.unreadable).map((why) => ({ name: 'Not counted', members: 0, why })),
        ],
      };
    },
  };
}

function problemView({ message, line, column }: Problem): FileProblem {
  return { message, line, column };
}

function routesOf({ routes, audiences }: ActivationFile): FileView['routes'] {
  return routes.map(({ audience, destination, mode, identityNamespaces, identities, attributes }) => {
    const consent = audiences.get(audience)?.consentPath?.join('.');
    return {
      audience,
      destination,
      mode,
      identity: `${identityNamespaces.join(', ')}${identities === 'all' ? ' (all)' : ''}`,
      attributes: attributes.map(({ name }) => name),
      ...(consent === undefined ? {} : { consent }),
    };
  });
}
