import type { ChangeAttempt, ChangeDetail, ChangeRow, Exchange } from '@activation-hub/console-contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from 'react-aria-components';
import { Code, Failure, Loading, Outcome, outcomeOf } from './parts.tsx';
import { HeldChange } from './held.tsx';
import { setQuery } from './router.tsx';
import { useLive } from './live-state.ts';
import { ask } from './session.ts';
import { countOf, dateTimeOf, durationOf, readable, timeOf } from './words.ts';

/** One change: why it ended so, what was sent and answered, and from which export it comes. */
export function ChangePanel({ id, onClose }: { readonly id: number; readonly onClose: () => void }) {
  const { data, error } = useQuery({
    queryKey: ['change', id],
    queryFn: () => ask<ChangeDetail>(`changes/${id}`),
    staleTime: Infinity,
  });
  return (
    <aside className="panel" aria-label="The change">
      <div className="panel-head">
        <h2>Change {id}</h2>
        <Button className="quiet" aria-label="Close" onPress={onClose}>
          ✕
        </Button>
      </div>
      {error !== null ? (
        <Failure title="This change is not at hand" error={error} />
      ) : data === undefined ? (
        <Loading what="the change" />
      ) : (
        <Detail key={id} detail={data} />
      )}
    </aside>
  );
}

function Detail({ detail }: { readonly detail: ChangeDetail }) {
  const { row, attempts, isHeld, sameExport } = detail;
  const [showsThis, setShowsThis] = useState(false);
  const isShown = useLive((state) => state.showsPeople) || showsThis;
  const others = sameExport.filter(({ id }) => id !== row.id);
  return (
    <>
      <Facts row={row} isShown={isShown} onShow={() => setShowsThis(true)} />
      <div className="actions">
        {row.who === '' ? null : (
          <Button className="secondary" onPress={() => setQuery({ who: row.who, export: '' })}>
            Follow this person
          </Button>
        )}
        {row.exportId === undefined ? null : (
          <Button className="secondary" onPress={() => setQuery({ export: row.exportId ?? '', who: '' })}>
            All of this export
          </Button>
        )}
      </div>
      <h3>{attempts.length === 0 ? 'No request was sent' : countOf(attempts.length, 'attempt')}</h3>
      {attempts.length === 0 && !isHeld ? <p className="quiet-text">{row.why}</p> : null}
      {isHeld && row.person !== '' ? <HeldChange id={row.id} isShown={isShown} /> : null}
      {attempts.toReversed().map((attempt) => (
        <Attempt key={attempt.atMs} attempt={attempt} isShown={isShown} />
      ))}
      {others.length > 0 ? (
        <>
          <h3>Of the same export</h3>
          <ul className="lines">
            {others.map(({ id, audience, destination, outcome, kind }) => (
              <li key={id}>
                <button type="button" className="link" onClick={() => setQuery({ change: String(id) })}>
                  {kind ?? ''} {audience} → {destination}
                </button>
                <Outcome outcome={outcome} />
              </li>
            ))}
          </ul>
        </>
      ) : null}
      <ExportBody detail={detail} isShown={isShown} />
    </>
  );
}

function Facts({
  row,
  isShown,
  onShow,
}: {
  readonly row: ChangeRow;
  readonly isShown: boolean;
  readonly onShow: () => void;
}) {
  const { kind, status, audience, destination, namespace, person, why, atMs, ageMs, exportId } = row;
  return (
    <dl className="facts">
      <dt>Outcome</dt>
      <dd>
        <Outcome outcome={outcomeOf(row)} /> <bdi>{why}</bdi>
      </dd>
      <dt>Change</dt>
      <dd>
        {kind ?? status ?? '–'} <strong>{audience}</strong> → <strong>{destination}</strong>
      </dd>
      <dt>Person</dt>
      <dd className="person">
        {person === '' ? (
          'none that the route accepts'
        ) : isShown ? (
          <>
            {namespace} <bdi>{person}</bdi>
          </>
        ) : (
          <>
            {namespace} ●●●●{' '}
            <button type="button" className="link" onClick={onShow}>
              Show
            </button>
          </>
        )}
      </dd>
      <dt>{row.outcome === 'deferred' ? 'Deferred' : 'Ended'}</dt>
      <dd>
        {dateTimeOf(atMs)}
        {ageMs === undefined ? '' : `, ${durationOf(ageMs)} after the event hub took the export`}
      </dd>
      {exportId === undefined ? null : (
        <>
          <dt>Export</dt>
          <dd>{exportId.replace('-', ', number ').replace(/^/, 'partition ')}</dd>
        </>
      )}
    </dl>
  );
}

function Attempt({ attempt, isShown }: { readonly attempt: ChangeAttempt; readonly isShown: boolean }) {
  const { atMs, durationMs, changes, verdict, reason, exchanges } = attempt;
  return (
    <section className="attempt" aria-label={`Attempt at ${timeOf(atMs)}`}>
      <p>
        <Outcome outcome={verdict} /> {timeOf(atMs)} · {durationOf(durationMs)}
        {changes > 1 ? ` · together with ${countOf(changes - 1, 'other change')}` : ''}
      </p>
      {reason === undefined ? null : (
        <p>
          <bdi>{reason}</bdi>
        </p>
      )}
      {exchanges.map((exchange, index) => (
        <ExchangeView key={index} exchange={exchange} isShown={isShown} />
      ))}
    </section>
  );
}

export function ExchangeView({ exchange, isShown }: { readonly exchange: Exchange; readonly isShown: boolean }) {
  const { method, url, headers, body, durationMs, answer, failure } = exchange;
  return (
    <details open={isShown}>
      <summary>
        <span className="method">{method}</span> <bdi className="url">{originOf(url)}</bdi>
        <span className="number">{answer === undefined ? 'no answer' : answer.status}</span>
      </summary>
      <Code label="Request" text={[`${method} ${url}`, ...headerLines(headers), '', readable(body)].join('\n')} />
      {answer === undefined ? (
        <p className="failure">
          <bdi>{failure}</bdi>
        </p>
      ) : (
        <Code
          label="Answer"
          text={[
            `${answer.status} after ${durationOf(durationMs)}`,
            ...headerLines(answer.headers),
            '',
            readable(answer.body),
          ]
            .join('\n')
            .trimEnd()}
        />
      )}
    </details>
  );
}

function ExportBody({ detail, isShown }: { readonly detail: ChangeDetail; readonly isShown: boolean }) {
  if (detail.export === undefined) return null;
  return (
    <details open={isShown}>
      <summary>What AEP sent</summary>
      <Code label="What AEP sent" text={readable(detail.export.body)} />
    </details>
  );
}

function headerLines(headers: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}

function originOf(url: string): string {
  return url.replace(/^https?:\/\//, '').replace(/\?.*$/, '');
}
