import type { Attention, PartitionLag } from '@activation-hub/console-contract';
import { presentKey, type ObservedCircuit } from '@activation-hub/activation';
import type { Matcher } from '@activation-hub/activation-file';
import { counted } from '../terminal/counted.ts';

/** How everything is that a person may have to see to. */
export interface State {
  readonly nowMs: number;
  readonly circuits: readonly ObservedCircuit[];
  readonly waitingAt: (destination: string) => number;
  /** Dead letters by the name that their destination had. */
  readonly deadLetters: ReadonlyMap<string, number>;
  /** Of the activation file, which says what destinations are called now. */
  readonly matcher: Pick<Matcher, 'destination'>;
  readonly partitions: readonly PartitionLag[];
  /** What host and app complained about, the newest last. */
  readonly warnings: readonly string[];
  readonly leftOut: number;
}

/** A partition that is further behind than this is said to be. */
const lagMax = 1_000;

/** What needs a person, the worst first. Nothing when all is well. */
export function attentionOf(state: State): readonly Attention[] {
  return [
    ...state.circuits.flatMap((circuit) => circuitAttention(circuit, state)),
    ...[...lettersByKey(state)].map(([destination, letters]): Attention => ({
      level: 'problem',
      text: `${counted(letters, 'dead letter')} of ${destination === '_event' ? 'events that could not be read' : destination}.`,
      advice: 'The hub does not try them again by itself: read why each failed, correct that, and replay them.',
      link: `/dead-letters?destination=${encodeURIComponent(destination)}`,
    })),
    ...state.partitions.flatMap(({ partitionId, events }): readonly Attention[] =>
      events <= lagMax
        ? []
        : [
            {
              level: 'notice',
              text: `Partition ${partitionId} is ${counted(events, 'event')} behind.`,
              advice: 'It catches up by itself unless more comes than the function app can take: add workers then.',
              link: '/',
            },
          ],
    ),
    ...state.warnings.map((text): Attention => ({ level: 'notice', text, advice: '', link: '/file' })),
    ...(state.leftOut === 0
      ? []
      : [
          {
            level: 'notice' as const,
            text: `${counted(state.leftOut, 'line is', 'lines are')} missing on this page: more happened than it takes.`,
            advice: 'Nothing is missing in the ledger, nor at the destinations.',
            link: '/live',
          },
        ]),
  ];
}

function lettersByKey({ deadLetters, matcher }: State): ReadonlyMap<string, number> {
  const byKey = new Map<string, number>();
  for (const [name, letters] of deadLetters) {
    const key = presentKey(name, matcher);
    byKey.set(key, (byKey.get(key) ?? 0) + letters);
  }
  return byKey;
}

function circuitAttention(
  { destination, state, untilMs, reason }: ObservedCircuit,
  { nowMs, waitingAt }: State,
): readonly Attention[] {
  if (state === 'closed' || state === 'paused') return [];
  const waiting = waitingAt(destination);
  const waits = counted(waiting, 'change waits', 'changes wait');
  const inSeconds = untilMs === undefined ? 0 : Math.max(0, Math.ceil((untilMs - nowMs) / 1_000));
  return [
    {
      level: 'problem',
      text: `${destination} does not take changes; ${waits}.${reason === undefined ? '' : ` Its last answer: ${reason}`}`,
      advice:
        inSeconds > 0
          ? `Its circuit is open: the next try is in ${inSeconds} s. Others keep their pace.`
          : 'The next attempt decides. Others keep their pace.',
      link: `/destinations?destination=${encodeURIComponent(destination)}`,
    },
  ];
}
