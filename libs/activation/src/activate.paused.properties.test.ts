import { DestinationError } from '@activation-hub/destination-kit';
import { InMemoryControls, pauseOf } from '@activation-hub/delivery';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, parseTestFile, personExport, travellersId } from '../testing/index.ts';
import { pause, resume, retryNow, type AskContext } from './set-controls.ts';
import { controlsAgeMaxMs } from './followed-controls.ts';

const { signal } = new AbortController();
const hourMs = 3_600_000;
const audienceIds = { 'sports-fans': fansId, travellers: travellersId } as const;
type Audience = keyof typeof audienceIds;

const text = `
version: 1
destinations: { crm: { type: recording, giveUpAfter: 30d } }
audiences:
  sports-fans: { id: ${fansId}, activate: [{ destination: crm, identity: [crmid] }] }
  travellers: { id: ${travellersId}, activate: [{ destination: crm, identity: [crmid] }] }
`;
const file = parseTestFile(text);

const scope = fc.constantFrom({}, { destination: 'crm' }, { destination: 'crm', audience: 'travellers' });
const step = fc.oneof(
  fc.record({
    is: fc.constant('export' as const),
    person: fc.constantFrom('p1', 'p2', 'p3'),
    audience: fc.constantFrom<Audience>('sports-fans', 'travellers'),
    isMember: fc.boolean(),
  }),
  fc.record({
    is: fc.constant('pause' as const),
    scope,
    forMs: fc.option(fc.integer({ min: 60_000, max: 12 * hourMs }), { nil: undefined }),
    isShadow: fc.boolean(),
  }),
  fc.record({ is: fc.constant('resume' as const), scope }),
  fc.record({ is: fc.constant('retry-now' as const) }),
  fc.record({ is: fc.constant('outage' as const), isDown: fc.boolean() }),
  fc.record({ is: fc.constant('pass' as const), ms: fc.integer({ min: 1_000, max: 6 * hourMs }) }),
);

test('whatever operators pause and resume, and whatever fails meanwhile, nothing is told in a pause and nothing is lost after it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const controls = new InMemoryControls();
      const opened = openActivation({ file: text, controls });
      const { clock, crm, context, retryQueue } = opened;
      const ask = (): AskContext => ({ file, controls, retryQueue: context.retryQueue, nowMs: clock.nowMs });
      const asker = { by: 'ada', reason: 'r' };
      const wanted = new Map<string, boolean>();

      /** Does some work, in which what is paused is told nothing. */
      const work = async (does: () => Promise<unknown>): Promise<void> => {
        const pauses = await controls.read(signal);
        const handed = crm.handed.length;
        const beganMs = clock.nowMs;
        await does();
        for (const { audience } of crm.handed.slice(handed))
          expect(pauseOf(pauses, { destination: 'crm', audience: audience.key }, beganMs)).toBeUndefined();
      };
      const pass = async (durationMs: number): Promise<void> => {
        for (const endMs = clock.nowMs + durationMs; clock.nowMs < endMs;) {
          clock.nowMs = Math.min(endMs, Math.max(clock.nowMs + 1_000, retryQueue.nextDueAtMs ?? endMs));
          await work(opened.retryDue);
        }
      };

      let number = 0;
      for (const each of steps) {
        number += 1;
        clock.nowMs += 1_000;
        if (each.is === 'export') {
          const { person, audience, isMember } = each;
          const status = isMember ? 'realized' : 'exited';
          const body = personExport({ person, audienceId: audienceIds[audience], status, at: number });
          wanted.set(`${audience} ${person}`, isMember);
          await work(() => opened.activate(eventOf(body, number)));
        } else if (each.is === 'outage') {
          crm.onRequest = () => {
            if (each.isDown) throw new DestinationError('transient', 'down');
          };
        } else if (each.is === 'pass') await pass(each.ms);
        else {
          if (each.is === 'pause') {
            const until = each.forMs === undefined ? {} : { untilMs: clock.nowMs + each.forMs };
            const shadow = each.isShadow ? ({ isShadow: true } as const) : {};
            await pause(each.scope, { ...asker, ...until, ...shadow }, ask(), signal);
          } else if (each.is === 'resume') await resume(each.scope, ask(), signal);
          else await retryNow({ destination: 'crm' }, asker, ask(), signal);
          clock.nowMs += controlsAgeMaxMs;
        }
      }

      crm.onRequest = () => undefined;
      for (const ended of [{}, { destination: 'crm' }, { destination: 'crm', audience: 'travellers' }])
        await resume(ended, ask(), signal);
      await pass(3 * hourMs);
      const members = [...wanted].filter(([, isMember]) => isMember).map(([name]) => name);
      expect([...crm.members.keys()].sort()).toEqual(members.sort());
      expect(await Array.fromAsync(context.retryQueue.waiting(signal))).toEqual([]);
      expect(opened.letters()).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
