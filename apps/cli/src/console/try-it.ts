import { faults, type Play, type PlayedTenant, type RecentExport, type Sent } from '@activation-hub/console-contract';
import { z } from 'zod';
import type { EventSender } from '../traffic/event-sender.ts';
import { ApiError } from './answers.ts';
import type { Breakables } from './breakable.ts';
import type { Api } from './console-server.ts';
import type { LiveSource } from './live-source.ts';
import type { Tenant } from './played-tenant.ts';
import { read } from './read-body.ts';

export interface TryItOptions {
  readonly source: LiveSource;
  readonly sender: EventSender;
  readonly breakables: Breakables;
  /** Absent where the file has no audience that anybody could enter. */
  readonly tenant: Tenant | undefined;
}

const recentMax = 25;
/** So long an export that was sent may be on its way to the handler. */
const arrivesWithinMs = 15_000;

const bodySchema = z.object({ body: z.string().min(1, 'it is empty') });
const faultSchema = z.object({ fault: z.enum(faults) });
const playSchema = z.union([
  z.object({ does: z.enum(['enter', 'leave']), audience: z.string() }),
  z.object({ does: z.enum(['log-in', 'change-email', 'change-attributes', 'withdraw-consent', 'give-consent']) }),
]);

/**
 * What one may try on this machine: exports of one's own, people who do what one says, and
 * destinations that fail.
 */
export function tryItApi({ source, sender, breakables, tenant }: TryItOptions): Api {
  const sendAndFollow = async (body: Buffer, signal: AbortSignal): Promise<Sent> => {
    const arrived = source.arrival(body.toString(), AbortSignal.any([signal, AbortSignal.timeout(arrivesWithinMs)]));
    await sender.send([body]);
    const kept = await arrived;
    if (kept !== undefined) return { exportId: kept.id };
    throw new ApiError(
      504,
      'Failed to follow the export: it is in the event hub, and the handler has not taken it in 15 s.',
    );
  };
  return {
    'GET exports': (): readonly RecentExport[] => source.recentExports(recentMax),
    'POST exports': ({ body, signal }) => sendAndFollow(Buffer.from(read(bodySchema, body).body), signal),
    'GET tenant': (): PlayedTenant => tenant?.describe() ?? { people: [], asksConsent: false },
    'POST tenant/*': ({ name, body, signal }) => {
      if (tenant === undefined)
        throw new ApiError(422, 'The activation file has no audience that anybody could enter.');
      const play: Play = read(playSchema, body);
      return sendAndFollow(tenant.play(Number(name), play), signal);
    },
    'POST faults/*': ({ name, body }) => {
      if (!breakables.has(name))
        throw new ApiError(422, `${name} is no stand-in on this machine, and cannot be broken.`);
      breakables.break(name, read(faultSchema, body).fault);
    },
  };
}
