import type { MatrixCell, Overview, PartitionLag, SeriesPoint } from '@activation-hub/console-contract';
import { useMutation } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import { useAbout } from './about.ts';
import { Chart } from './chart.tsx';
import { PauseOrResume, Pauses, TryNow } from './controls.tsx';
import { useLive } from './live-state.ts';
import { Empty, Loading, PageHead } from './parts.tsx';
import { Link } from './router.tsx';
import { send } from './session.ts';
import { agoOf, countOf, durationOf, numberOf, timeOf } from './words.ts';

/** What needs a person first, then what goes where, then how fast. */
export function OverviewPage() {
  const overview = useLive((state) => state.overview);
  const series = useLive((state) => state.series);
  const trouble = useLive((state) => state.connection);
  const isDeployed = useAbout()?.isLocal === false;
  return (
    <>
      <PageHead
        title="Overview"
        about={
          isDeployed && overview !== undefined
            ? lookWords(overview)
            : 'Which audiences arrive where, and what needs you.'
        }
      >
        {isDeployed ? <LookAgain /> : null}
        <PauseOrResume scope={{}} />
        <TryNow scope={{}} />
      </PageHead>
      {overview === undefined ? (
        trouble === 'lost' ? null : (
          <Loading what={isDeployed ? 'ledger, dead letters and event hub' : 'what happens'} />
        )
      ) : (
        <>
          <Pauses />
          <Attention overview={overview} />
          <Numbers overview={overview} series={series} />
          <Matrix overview={overview} />
          {series.length === 0 ? null : <Charts series={series} />}
          <Partitions overview={overview} />
        </>
      )}
    </>
  );
}

function Attention({ overview: { attention } }: { readonly overview: Overview }) {
  return (
    <section aria-labelledby="attention" className="attention">
      <h2 id="attention">What needs you</h2>
      {attention.length === 0 ? (
        <p className="well">Nothing. Every destination takes its changes.</p>
      ) : (
        <ul>
          {attention.map(({ level, text, advice, link }) => (
            <li key={text} className={level}>
              <span className="level">{level === 'problem' ? 'Problem' : 'Notice'}</span>
              <span>
                <strong>
                  <bdi>{text}</bdi>
                </strong>{' '}
                {advice}
              </span>
              {link === '/' ? null : <Link to={link}>Look</Link>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** An environment is looked at every now and then; at once where a person asks. */
function LookAgain() {
  const look = useMutation({ mutationFn: () => send('look', {}) });
  return (
    <>
      <span role="status" className="failure">
        {look.error?.message}
      </span>
      <Button className="secondary" isDisabled={look.isPending} onPress={() => look.mutate()}>
        {look.isPending ? 'Looking …' : 'Look again'}
      </Button>
    </>
  );
}

function lookWords({ atMs, ledger }: Overview): string {
  const read =
    ledger === undefined ? '' : `, from ${countOf(ledger.rows, 'row')} of the ledger in ${durationOf(ledger.tookMs)}`;
  return `As of ${timeOf(atMs).slice(0, 8)}${read}.`;
}

function Numbers({ overview, series }: { readonly overview: Overview; readonly series: readonly SeriesPoint[] }) {
  const lately = series.slice(-60);
  const delivered = lately.reduce((sum, point) => sum + point.delivered, 0);
  const ages = lately.flatMap(({ ageMedianMs }) => ageMedianMs ?? []).sort((left, right) => left - right);
  const age = ages[Math.floor(ages.length / 2)];
  const { long } = useStep();
  const known = (value: number | undefined): string => (value === undefined ? 'not known' : numberOf(value));
  const isRead = series.length > 0;
  const numbers: readonly (readonly [string, string])[] = [
    [`delivered in the last ${long}`, known(isRead ? delivered : undefined)],
    ['median age when delivered', age === undefined ? '–' : durationOf(age)],
    ['changes wait', known(overview.waiting)],
    ['dead letters', known(overview.deadLetters)],
    ...(overview.exports === undefined ? [] : [['exports since the start', numberOf(overview.exports)] as const]),
  ];
  return (
    <dl className="numbers">
      {numbers.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The step of the series, and how long sixty of them are. */
function useStep(): { readonly step: string; readonly long: string } {
  return useAbout()?.isLocal === false ? { step: 'minute', long: 'hour' } : { step: 'second', long: 'minute' };
}

function Matrix({ overview }: { readonly overview: Overview }) {
  const about = useAbout();
  if (about === undefined) return <Loading what="the activation file" />;
  if (about.routes.length === 0) {
    return (
      <Empty title="The activation file has no routes">
        The hub sends nothing. Add `activate` to an audience of {about.activationFile}.
      </Empty>
    );
  }
  return (
    <section aria-labelledby="matrix">
      <h2 id="matrix">Audiences and destinations</h2>
      <div className="scroll" tabIndex={0} role="region" aria-label="Audiences and destinations, as a table">
        <table className="matrix">
          <thead>
            <tr>
              <th scope="col">Audience</th>
              {about.destinations.map(({ key, type }) => (
                <th scope="col" key={key}>
                  {key} <small>{type}</small>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {about.audiences.map(({ key, name }) => (
              <tr key={key}>
                <th scope="row">
                  <bdi>{name}</bdi> <small>{key}</small>
                </th>
                {about.destinations.map((destination) => (
                  <td key={destination.key}>
                    <Cell
                      cell={overview.cells.find(
                        (cell) => cell.audience === key && cell.destination === destination.key,
                      )}
                      nowMs={overview.atMs}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const healthWords = {
  well: 'well',
  waiting: 'waits',
  failing: 'fails',
  quiet: 'quiet',
  unknown: 'not known',
} as const;
const failedOutcomes = ['rejected', 'given-up'];

function Cell({ cell, nowMs }: { readonly cell: MatrixCell | undefined; readonly nowMs: number }) {
  const { long } = useStep();
  if (cell === undefined) return <span className="no-route">–</span>;
  const { audience, destination, mode, outcomes, members, waiting, lately, deliveredAtMs, health } = cell;
  const failed = failedOutcomes.reduce((sum, outcome) => sum + (outcomes[outcome] ?? 0), 0);
  const [done, what] =
    mode === 'shadow'
      ? [outcomes.shadowed ?? 0, 'shadowed']
      : members === undefined
        ? [outcomes.delivered ?? 0, 'delivered']
        : [members, members === 1 ? 'member' : 'members'];
  // Of an environment no single change is seen: its destination says more.
  const link =
    members === undefined && health !== 'unknown'
      ? `/live?${new URLSearchParams({ audience, destination }).toString()}`
      : `/destinations?${new URLSearchParams({ destination }).toString()}`;
  return (
    <Link className="cell" to={link}>
      <span className={`health ${health}`}>{mode === 'live' ? healthWords[health] : mode}</span>
      {health === 'unknown' ? null : (
        <>
          <span className="main">
            {numberOf(done)} <small>{what}</small>
          </span>
          <span className="rest">
            {[
              `${numberOf(lately)} ${lately === 1 ? 'change' : 'changes'} in the last ${long}`,
              ...(waiting > 0 ? [`${numberOf(waiting)} wait`] : []),
              ...(failed > 0 ? [`${numberOf(failed)} failed`] : []),
              ...(deliveredAtMs === undefined ? [] : [`last ${agoOf(deliveredAtMs, nowMs)}`]),
            ].join(' · ')}
          </span>
        </>
      )}
    </Link>
  );
}

/** So many steps are shown at least, however young the server is. */
const stepsMin = 120;

function Charts({ series: all }: { readonly series: readonly SeriesPoint[] }) {
  const first = all.findIndex(({ delivered, deferred, failed, silent }) => delivered + deferred + failed + silent > 0);
  const series = all.slice(Math.max(0, Math.min(first < 0 ? Infinity : first - 5, all.length - stepsMin)));
  const times = series.map(({ atMs }) => atMs);
  const { step, long } = useStep();
  const last = series.slice(-60);
  const delivered = last.reduce((sum, point) => sum + point.delivered, 0);
  const age = series.findLast(({ ageHighMs }) => ageHighMs !== undefined);
  return (
    <div className="charts">
      <section aria-labelledby="throughput">
        <h2 id="throughput">Changes per {step}</h2>
        <Chart
          label={`Changes per ${step} over time. In the last ${long} ${countOf(delivered, 'change')} delivered.`}
          times={times}
          unit={(value) => numberOf(value)}
          lines={[
            { label: 'needed no request', color: 'plain', values: series.map(({ silent }) => silent) },
            { label: 'delivered', color: 'good', values: series.map((point) => point.delivered), fills: true },
            { label: 'deferred', color: 'waits', values: series.map(({ deferred }) => deferred) },
            { label: 'failed', color: 'bad', values: series.map(({ failed }) => failed) },
          ]}
        />
      </section>
      <section aria-labelledby="age">
        <h2 id="age">Age when delivered</h2>
        <Chart
          label={`Age of changes when they are delivered, from the event hub on. ${age?.ageHighMs === undefined ? 'Nothing was delivered yet.' : `Of the last ${step}, 95 of 100 are younger than ${durationOf(age.ageHighMs)}.`}`}
          times={times}
          unit={durationOf}
          lines={[
            { label: '95 of 100 are younger', color: 'waits', values: series.map(({ ageHighMs }) => ageHighMs) },
            { label: 'median', color: 'accent', values: series.map(({ ageMedianMs }) => ageMedianMs) },
          ]}
        />
      </section>
    </div>
  );
}

function Partitions({ overview: { partitions, atMs } }: { readonly overview: Overview }) {
  const hasNumbers = partitions?.some(({ lastSequenceNumber }) => lastSequenceNumber !== undefined) ?? false;
  return (
    <section aria-labelledby="partitions">
      <h2 id="partitions">Partitions of the event hub</h2>
      {partitions === undefined ? (
        <p className="quiet-text">Not read yet, or what needs you says why not.</p>
      ) : (
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Partition</th>
              <th scope="col" className="number">
                Events behind
              </th>
              <th scope="col" className="number">
                {hasNumbers ? 'Last event' : 'Oldest of them'}
              </th>
            </tr>
          </thead>
          <tbody>
            {partitions.map((partition) => (
              <tr key={partition.partitionId}>
                <th scope="row">{partition.partitionId}</th>
                <td className="number">{partition.events === 0 ? 'none' : numberOf(partition.events)}</td>
                <td className="number">{lastOf(partition, atMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function lastOf({ lastSequenceNumber, oldestEnqueuedAtMs }: PartitionLag, nowMs: number): string {
  if (lastSequenceNumber === undefined)
    return oldestEnqueuedAtMs === undefined ? '–' : agoOf(oldestEnqueuedAtMs, nowMs);
  return lastSequenceNumber < 0 ? 'none yet' : numberOf(lastSequenceNumber);
}
