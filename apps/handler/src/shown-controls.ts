import { activeControls, type Clock, type Control, type ControlStore } from '@activation-hub/delivery';
import type { ShownControl } from './health.ts';

/** What operators ask for now, as the health page shows it. Throws as the store does. */
export async function shownControls(
  store: Pick<ControlStore, 'read'>,
  { now }: Pick<Clock, 'now'>,
  signal: AbortSignal,
): Promise<readonly ShownControl[]> {
  return activeControls(await store.read(signal), now()).map(shownControl);
}

function shownControl({ atMs, untilMs, ...control }: Control): ShownControl {
  const until = untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() };
  return { ...control, at: new Date(atMs).toISOString(), ...until };
}
