import type { Fault } from '@activation-hub/console-contract';
import { useMutation } from '@tanstack/react-query';
import { useAbout } from './about.ts';
import { TryNow } from './controls.tsx';
import { useLive } from './live-state.ts';
import { send } from './session.ts';
import { countOf } from './words.ts';

const words: Readonly<Record<Fault, string>> = {
  none: 'works',
  down: 'is down (503)',
  throttled: 'throttles (429)',
  hangs: 'hangs: no answer',
  refuses: 'refuses (400)',
};

/** Stand-ins that do not answer as they should until they are mended. */
export function BreakDestinations() {
  const about = useAbout();
  const overview = useLive((state) => state.overview);
  const set = useMutation({
    mutationFn: ({ destination, fault }: { readonly destination: string; readonly fault: Fault }) =>
      send(`faults/${encodeURIComponent(destination)}`, { fault }),
  });
  const breakable = about?.destinations.filter(({ canBreak }) => canBreak) ?? [];
  return (
    <section aria-labelledby="break">
      <h2 id="break">Break a destination</h2>
      {breakable.length === 0 ? (
        <p className="quiet-text">
          Only stand-ins can be broken. Start with <code>activation local --vendor</code>: then every destination has
          one.
        </p>
      ) : (
        <ul className="lines breakables">
          {breakable.map(({ key }) => {
            const circuit = overview?.circuits.find(({ destination }) => destination === key);
            const waiting = (overview?.cells ?? []).reduce(
              (sum, cell) => sum + (cell.destination === key ? cell.waiting : 0),
              0,
            );
            return (
              <li key={key}>
                <label>
                  {key}{' '}
                  <select
                    value={overview?.faults[key] ?? 'none'}
                    onChange={(event) => set.mutate({ destination: key, fault: event.target.value as Fault })}
                  >
                    {Object.entries(words).map(([fault, text]) => (
                      <option key={fault} value={fault}>
                        {text}
                      </option>
                    ))}
                  </select>
                </label>
                <span role="status">
                  {waiting > 0 ? `${countOf(waiting, 'change')} ${waiting === 1 ? 'waits' : 'wait'}` : ''}
                  {circuit === undefined || circuit.state === 'closed' ? '' : ` · circuit ${circuit.state}`}
                </span>
                {waiting > 0 ? <TryNow scope={{ destination: key }} /> : null}
              </li>
            );
          })}
        </ul>
      )}
      {set.error === null ? null : (
        <p className="failure" role="alert">
          {set.error.message}
        </p>
      )}
    </section>
  );
}
