import type { InspectedExport } from '@activation-hub/console-contract';
import { z } from 'zod';
import { inspectBody } from '../activation-file/inspect.ts';
import type { Api } from './console-server.ts';
import type { Operator } from './operator.ts';
import { read } from './read-body.ts';

const bodySchema = z.object({ body: z.string().min(1, 'it is empty') });

/** What the hub would do with an export, sent to stand-ins on this machine only. */
export function inspectApi({ file }: Pick<Operator, 'file'>): Api {
  return {
    'POST inspect': async ({ body, signal }): Promise<InspectedExport> => {
      const { inspection, dryRun } = await inspectBody(Buffer.from(read(bodySchema, body).body), file, signal);
      const { requests, printed, notShown } = dryRun;
      const decisions = inspection.decisions.map(({ change, ...decision }) => ({
        ...decision,
        ...(change === undefined ? {} : { identity: change.identity }),
      }));
      return {
        ...inspection,
        decisions,
        requests: requests.map(({ body: sent = '', ...request }) => ({ ...request, body: sent })),
        printed,
        notShown,
      };
    },
  };
}
