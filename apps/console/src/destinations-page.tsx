import type { Circuit, DestinationView, ProbeView } from '@activation-hub/console-contract';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import { Act, act } from './act.tsx';
import { useAbout, useRefetch } from './about.ts';
import { PauseOrResume, Pauses, TryNow, usePauses } from './controls.tsx';
import { Held } from './held.tsx';
import { useLive } from './live-state.ts';
import { Code, Columns, Empty, Failure, Loading, Outcome, PageHead, Stale } from './parts.tsx';
import { Link, setQuery, usePlace } from './router.tsx';
import { ask, send } from './session.ts';
import { agoOf, countOf, dateTimeOf, durationOf, numberOf } from './words.ts';

/**
 * Each third party: how it is set up, how it is, and what it said when it did not take something.
 */
export function DestinationsPage() {
  const { query } = usePlace();
  const list = useQuery({
    queryKey: ['destinations'],
    queryFn: () => ask<readonly DestinationView[]>('destinations'),
    refetchInterval: useRefetch(2_000, 5_000),
  });
  const chosen = list.data?.find(({ key }) => key === query.get('destination')) ?? list.data?.[0];
  return (
    <>
      <PageHead title="Destinations" about="How each third party is set up, how it is, and what it said." />
      <Stale error={list.data === undefined ? null : list.error} />
      {list.data === undefined ? (
        list.error === null ? (
          <Loading what="the destinations" />
        ) : (
          <Failure title="The destinations cannot be shown" error={list.error} />
        )
      ) : chosen === undefined ? (
        <Empty title="The activation file has no destination">
          Add one under `destinations`: `activation destinations list` says which kinds there are.
        </Empty>
      ) : (
        <div className="master">
          <ul aria-label="Destinations" className="choices">
            {list.data.map((destination) => (
              <li key={destination.key}>
                <button
                  type="button"
                  aria-pressed={destination.key === chosen.key}
                  onClick={() => setQuery({ destination: destination.key })}
                >
                  <strong>{destination.key}</strong>
                  <small>{destination.title}</small>
                </button>
              </li>
            ))}
          </ul>
          <Details key={chosen.key} destination={chosen} />
        </div>
      )}
    </>
  );
}

function Details({ destination }: { readonly destination: DestinationView }) {
  const { key, title, about, settings, routes, versionWarning, failures } = destination;
  const circuit = useLive(({ overview }) => overview?.circuits.find((each) => each.destination === key));
  const isLocal = useAbout()?.isLocal;
  const isInShadow = usePauses().some(
    ({ destination: of, isShadow }) => isShadow === true && (of === undefined || of === key),
  );
  return (
    <div>
      <p>
        <strong>{title}</strong> <span className="quiet-text">{about}</span>
      </p>
      <Pauses destination={key} />
      {versionWarning === undefined ? null : <p className="banner">{versionWarning}</p>}
      <div className="two">
        <section aria-labelledby="state">
          <h2 id="state">State</h2>
          <Facts destination={destination} circuit={circuit} />
          <Doing destination={destination} />
        </section>
        <section aria-labelledby="settings">
          <h2 id="settings">Settings</h2>
          <Code label="Settings as YAML" text={settings === '{}' ? 'none' : settings} />
          <h3>Routes</h3>
          {routes.length === 0 ? <p>No audience goes there.</p> : null}
          <ul className="lines routes">
            {routes.map(({ audience, mode }) => (
              <li key={audience}>
                <span>
                  {isLocal ? (
                    <Link to={`/live?${new URLSearchParams({ destination: key, audience }).toString()}`}>
                      {audience}
                    </Link>
                  ) : (
                    audience
                  )}
                  {mode === 'live' ? '' : ` (${mode})`}
                </span>
                {mode === 'live' ? (
                  <span className="acts">
                    <PauseOrResume scope={{ destination: key, audience }} />
                  </span>
                ) : null}
              </li>
            ))}
          </ul>
        </section>
      </div>
      <Held destination={key} isInShadow={isInShadow} />
      <Failures of={failures} />
    </div>
  );
}

function Failures({ of: failures }: { readonly of: DestinationView['failures'] }) {
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">What it did not take lately</h2>
      {failures.length === 0 ? (
        <p className="quiet-text">Nothing: every attempt that is known here was taken.</p>
      ) : (
        <table>
          <Columns names={['Time', 'Result', 'HTTP', 'Changes', 'In its words']} />
          <tbody>
            {failures.map(({ atMs, verdict, reason, httpStatus, changes }, index) => (
              <tr key={index}>
                <td className="time">{dateTimeOf(atMs)}</td>
                <td>
                  <Outcome outcome={verdict} />
                </td>
                <td>{httpStatus ?? '–'}</td>
                <td>{changes}</td>
                <td>
                  <bdi>{reason}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** What an operator holds open is no failure. */
const circuitGroups = { closed: 'good', paused: 'waits', 'half-open': 'bad', open: 'bad' } as const;

function Facts({
  destination,
  circuit,
}: {
  readonly destination: DestinationView;
  readonly circuit: Circuit | undefined;
}) {
  const { limits, giveUpAfterMs, requestsLastMinute, busiestSecond } = destination;
  const nowMs = useLive(({ overview }) => overview?.atMs ?? 0);
  return (
    <dl className="facts wide">
      <dt>Circuit</dt>
      <dd>
        {circuit === undefined ? (
          <CircuitByLedger destination={destination} />
        ) : (
          <>
            <span className={`outcome ${circuitGroups[circuit.state]}`}>{circuit.state}</span>
            {circuit.untilMs === undefined
              ? ''
              : `, next try in ${durationOf(Math.max(0, circuit.untilMs - nowMs))}`}{' '}
            {circuit.state === 'closed' ? '' : <bdi>{circuit.reason}</bdi>}
          </>
        )}
      </dd>
      <dt>Requests</dt>
      <dd>
        at most {limits.requestsPerSecond} a second, {limits.concurrency} at once
        {busiestSecond === undefined
          ? ''
          : `; the busiest second of the last minute had ${busiestSecond}, the minute ${numberOf(requestsLastMinute ?? 0)}`}
      </dd>
      <dt>Batches</dt>
      <dd>
        at most {countOf(limits.batchCount, 'change')} and {numberOf(limits.batchBytes)} bytes
      </dd>
      <dt>Gives up</dt>
      <dd>after {durationOf(giveUpAfterMs)}</dd>
    </dl>
  );
}

/**
 * The circuits of an environment are in the workers of its function app: the ledger says what can
 * be said of them.
 */
function CircuitByLedger({ destination: { ledger, failures } }: { readonly destination: DestinationView }) {
  const isDeployed = useAbout()?.isLocal === false;
  const nowMs = useLive(({ overview }) => overview?.atMs ?? 0);
  if (!isDeployed || ledger === undefined) return 'not known yet';
  const { toldAtMs, waiting } = ledger;
  const [last] = failures;
  const told = toldAtMs === undefined ? 'It never took anything' : `It took something ${agoOf(toldAtMs, nowMs)}`;
  const refused = last === undefined ? '' : `, did not take something ${agoOf(last.atMs, nowMs)}`;
  const waits = waiting === 0 ? 'Nothing waits.' : `${countOf(waiting, 'change')} ${waiting === 1 ? 'waits' : 'wait'}.`;
  return `kept by each worker of the function app. By the ledger: ${told.charAt(0).toLowerCase()}${told.slice(1)}${refused}. ${waits}`;
}

function Doing({ destination: { key } }: { readonly destination: DestinationView }) {
  const probe = useMutation({ mutationFn: () => send<ProbeView>(`destinations/${encodeURIComponent(key)}/probe`, {}) });
  const isLocal = useAbout()?.isLocal;
  return (
    <>
      <div className="actions">
        <Button className="secondary" isDisabled={probe.isPending} onPress={() => probe.mutate()}>
          {probe.isPending ? 'Probing …' : 'Probe'}
        </Button>
        <Act
          name="Resync"
          about={`Tells ${key} everything that the ledger says it should know: for one that has lost its memory.`}
          run={(dryRun) => act(`destinations/${encodeURIComponent(key)}/resync`, { dryRun })}
        />
        <TryNow scope={{ destination: key }} />
        <PauseOrResume scope={{ destination: key }} />
        {isLocal ? <Link to={`/live?destination=${encodeURIComponent(key)}`}>Its changes</Link> : null}
      </div>
      <div role="status">
        {probe.data === undefined ? null : probe.data.outcome === 'well' ? (
          <p className="outcome good">Credentials and lists are well.</p>
        ) : probe.data.outcome === 'not-asked' ? (
          <p className="quiet-text">This kind has nothing that could be asked.</p>
        ) : (
          probe.data.problems.map((problem) => (
            <p key={problem} className="failure">
              <bdi>{problem}</bdi>
            </p>
          ))
        )}
        {probe.error === null ? null : <p className="failure">{probe.error.message}</p>}
      </div>
    </>
  );
}
