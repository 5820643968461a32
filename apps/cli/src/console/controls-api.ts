import { counted } from '../terminal/counted.ts';
import { pause, resume, retryNow, type AskContext } from '@activation-hub/activation';
import { createMatcher } from '@activation-hub/activation-file';
import type { ActResult, PauseView } from '@activation-hub/console-contract';
import { controlTextCharactersMax, isSameScope, type Control, type ControlScope } from '@activation-hub/delivery';
import { z } from 'zod';
import { heldWords, pauseWords, presentControls, scopeWords } from '../operate/paused.ts';
import { ApiError } from './answers.ts';
import type { Api } from './console-server.ts';
import type { Operator } from './operator.ts';
import { read } from './read-body.ts';

/** Strict, for what is left out means everything. */
const controlSchema = z.strictObject({
  destination: z.string().exactOptional(),
  audience: z.string().exactOptional(),
  reason: z
    .string()
    .trim()
    .max(controlTextCharactersMax)
    .regex(/^\P{Cc}*$/u, 'it must be one line'),
  untilMs: z.number().int().positive().exactOptional(),
  isShadow: z.literal(true).exactOptional(),
});

/**
 * Pause, resume and try now, as the command has them: the function app follows within some five
 * seconds, without a deployment.
 */
export function controlsApi(operator: Operator): Api {
  const { file, storage, now } = operator;
  const matcher = createMatcher(file);
  const context = (): AskContext => ({
    file,
    controls: storage.controls,
    retryQueue: storage.retryQueue,
    nowMs: now(),
  });
  const asker = async (reason: string) => ({ by: await storage.operatorName(), reason });
  const scopeOf = ({ destination, audience }: ControlScope): ControlScope => {
    const key = destination === undefined ? undefined : matcher.destination(destination)?.key;
    if (destination !== undefined && key === undefined)
      throw new ApiError(404, `The activation file has no destination ${destination}.`);
    if (audience !== undefined && (key === undefined || matcher.route(audience, key) === undefined))
      throw new ApiError(404, `The activation file has no route of ${audience} to ${destination ?? 'nobody'}.`);
    return {
      ...(key === undefined ? {} : { destination: key }),
      ...(audience === undefined ? {} : { audience }),
    };
  };
  return {
    'GET pauses': async ({ signal }): Promise<readonly PauseView[]> => {
      const controls = await presentControls(storage.controls, file, signal);
      return controls.filter(({ action }) => action === 'pause').map(pauseView);
    },
    'POST controls/pause': async ({ body, signal }): Promise<ActResult> => {
      const asked = read(controlSchema, body);
      if (asked.reason === '') throw new ApiError(422, 'Say why, for those who see it.');
      if (asked.untilMs !== undefined && asked.untilMs <= now())
        throw new ApiError(422, `Failed to pause ${scopeWords(asked)}: the time at which it ends is over.`);
      const until = asked.untilMs === undefined ? {} : { untilMs: asked.untilMs };
      const shadow = asked.isShadow === undefined ? {} : { isShadow: asked.isShadow };
      const scope = scopeOf(asked);
      await pause(scope, { ...(await asker(asked.reason)), ...until, ...shadow }, context(), signal);
      const said = asked.isShadow ? `In shadow: ${scopeWords(scope)}` : `Paused ${scopeWords(scope)}`;
      return { lines: [`${said}. Its changes wait.`], problems: [] };
    },
    'POST controls/resume': async ({ body, signal }): Promise<ActResult> => {
      const scope = scopeOf(read(controlSchema, body));
      const { ended, stillPaused, woken } = await resume(scope, context(), signal);
      if (ended === undefined) throw new ApiError(409, `${scopeWords(scope)} is not paused.`);
      return {
        lines: [`Resumed ${scopeWords(scope)}; ${retriesWords(woken)}.`],
        problems:
          stillPaused === undefined
            ? []
            : [`${scopeWords(stillPaused)} is still ${heldWords(stillPaused)} by ${stillPaused.by}.`],
      };
    },
    'POST controls/retry-now': async ({ body, signal }): Promise<ActResult> => {
      const asked = read(controlSchema, body);
      const scope = scopeOf(asked);
      const pauses = (await presentControls(storage.controls, file, signal)).filter(({ action }) => action === 'pause');
      const held = pauses.find((each) => isWholly(each, scope));
      if (held !== undefined)
        throw new ApiError(409, `Failed to try ${scopeWords(scope)}: ${pauseWords(held)}. Resume it first.`);
      const woken = await retryNow(scope, await asker(asked.reason), context(), signal);
      return {
        lines: [`${capital(retriesWords(woken))}. The function app follows within some five seconds.`],
        problems: pauses
          .filter(({ destination }) => scope.destination === undefined || destination === scope.destination)
          .map((each) => `${pauseWords(each)}: nothing of it is tried.`),
      };
    },
  };
}

/** Whether a pause holds all of what is asked for. */
function isWholly(pause: ControlScope, scope: ControlScope): boolean {
  return isSameScope(pause, {}) || isSameScope(pause, scope);
}

function pauseView({ destination, audience, atMs, untilMs, isShadow, by, reason }: Control): PauseView {
  const scope = {
    ...(destination === undefined ? {} : { destination }),
    ...(audience === undefined ? {} : { audience }),
  };
  return {
    what: scopeWords(scope),
    ...scope,
    atMs,
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(isShadow === undefined ? {} : { isShadow }),
    by,
    reason,
  };
}

function retriesWords(woken: number): string {
  return `${counted(woken, 'waiting retry is', 'waiting retries are')} tried from now on`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
