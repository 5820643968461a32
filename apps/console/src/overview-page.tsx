import type { MatrixCell, Overview, SeriesPoint } from '@activation-hub/console-contract';
import { useAbout } from './app.tsx';
import { Chart } from './chart.tsx';
import { Pauses } from './controls.tsx';
import { useLive } from './live-state.ts';
import { Empty, Loading, PageHead } from './parts.tsx';
import { Link } from './router.tsx';
import { agoOf, countOf, durationOf, numberOf } from './words.ts';

/** What needs a person first, then what goes where, then how fast. */
export function OverviewPage() {
  const overview = useLive((state) => state.overview);
  const series = useLive((state) => state.series);
  const trouble = useLive((state) => state.connection);
  return (
    <>
      <PageHead title="Overview" about="Which audiences arrive where, and what needs you." />
      {overview === undefined ? (
        trouble === 'lost' ? null : (
          <Loading what="what happens" />
        )
      ) : (
        <>
          <Pauses />
          <Attention overview={overview} />
          <Numbers overview={overview} series={series} />
          <Matrix overview={overview} />
          <Charts series={series} />
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

function Numbers({ overview, series }: { readonly overview: Overview; readonly series: readonly SeriesPoint[] }) {
  const minute = series.slice(-60);
  const perMinute = minute.reduce((sum, { delivered }) => sum + delivered, 0);
  const ages = minute.flatMap(({ ageMedianMs }) => ageMedianMs ?? []).sort((left, right) => left - right);
  const age = ages[Math.floor(ages.length / 2)];
  const numbers: readonly (readonly [string, string])[] = [
    ['delivered in the last minute', numberOf(perMinute)],
    ['median age when delivered', age === undefined ? '–' : durationOf(age)],
    ['changes wait', numberOf(overview.waiting)],
    ['dead letters', numberOf(overview.deadLetters)],
    ['exports since the start', numberOf(overview.exports)],
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

function Matrix({ overview }: { readonly overview: Overview }) {
  const about = useAbout();
  if (about === undefined) return <Loading what="the activation file" />;
  if (about.routes.length === 0) {
    return (
      <Empty title="The activation file has no routes">
        Nothing is told to anybody. Add `activate` to an audience of {about.activationFile}.
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

const healthWords = { well: 'well', waiting: 'waits', failing: 'fails', quiet: 'quiet' } as const;
const failedOutcomes = ['rejected', 'given-up'];

function Cell({ cell, nowMs }: { readonly cell: MatrixCell | undefined; readonly nowMs: number }) {
  if (cell === undefined) return <span className="no-route">–</span>;
  const { audience, destination, mode, outcomes, waiting, perMinute, deliveredAtMs, health } = cell;
  const failed = failedOutcomes.reduce((sum, outcome) => sum + (outcomes[outcome] ?? 0), 0);
  const done = mode === 'shadow' ? (outcomes.shadowed ?? 0) : (outcomes.delivered ?? 0);
  return (
    <Link className="cell" to={`/live?${new URLSearchParams({ audience, destination }).toString()}`}>
      <span className={`health ${health}`}>{mode === 'live' ? healthWords[health] : mode}</span>
      <span className="main">
        {numberOf(done)} <small>{mode === 'shadow' ? 'shadowed' : 'delivered'}</small>
      </span>
      <span className="rest">
        {[
          `${numberOf(perMinute)} changes/min`,
          ...(waiting > 0 ? [`${numberOf(waiting)} wait`] : []),
          ...(failed > 0 ? [`${numberOf(failed)} failed`] : []),
          ...(deliveredAtMs === undefined ? [] : [`last ${agoOf(deliveredAtMs, nowMs)}`]),
        ].join(' · ')}
      </span>
    </Link>
  );
}

/** So long a time is shown at least, however young the server is. */
const secondsMin = 120;

function Charts({ series: all }: { readonly series: readonly SeriesPoint[] }) {
  const first = all.findIndex(({ delivered, deferred, failed, silent }) => delivered + deferred + failed + silent > 0);
  const series = all.slice(Math.max(0, Math.min(first < 0 ? Infinity : first - 5, all.length - secondsMin)));
  const times = series.map(({ atMs }) => atMs);
  const last = series.slice(-60);
  const delivered = last.reduce((sum, point) => sum + point.delivered, 0);
  const age = series.findLast(({ ageHighMs }) => ageHighMs !== undefined);
  return (
    <div className="charts">
      <section aria-labelledby="throughput">
        <h2 id="throughput">Changes per second</h2>
        <Chart
          label={`Changes per second over time. In the last minute ${countOf(delivered, 'change')} delivered.`}
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
          label={`Age of changes when they are delivered, from the hub on. ${age?.ageHighMs === undefined ? 'Nothing was delivered yet.' : `Of the last second, 95 of 100 are younger than ${durationOf(age.ageHighMs)}.`}`}
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

function Partitions({ overview: { partitions } }: { readonly overview: Overview }) {
  return (
    <section aria-labelledby="partitions">
      <h2 id="partitions">Partitions of the event hub</h2>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Partition</th>
            <th scope="col" className="number">
              Events behind
            </th>
            <th scope="col" className="number">
              Last event
            </th>
          </tr>
        </thead>
        <tbody>
          {partitions.map(({ partitionId, events, lastSequenceNumber }) => (
            <tr key={partitionId}>
              <th scope="row">{partitionId}</th>
              <td className="number">{events === 0 ? 'none' : numberOf(events)}</td>
              <td className="number">{lastSequenceNumber < 0 ? 'none yet' : numberOf(lastSequenceNumber)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
