import type {
  ActResult,
  DeadLetterDetail,
  DeadLetterFilterView,
  DeadLetterList,
  DeadLetterView,
} from '@activation-hub/console-contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from 'react-aria-components';
import { Act, act } from './act.tsx';
import { useAbout } from './about.ts';
import { useLive } from './live-state.ts';
import { Code, Columns, Empty, Failure, Loading, Outcome, PageHead } from './parts.tsx';
import { setQuery, usePlace } from './router.tsx';
import { ask, send } from './session.ts';
import { countOf, dateTimeOf, dayOf, readable, withChosen } from './words.ts';

/** What will not be tried again by itself: read, replayed, purged. */
export function DeadLettersPage() {
  const { query } = usePlace();
  const total = useLive(({ overview }) => overview?.deadLetters);
  const filter = filterOf(query);
  const list = useQuery({
    queryKey: ['dead-letters', filter, total],
    // Of a filter that is being written, no letters are read but those of its last state.
    queryFn: ({ signal }) => send<DeadLetterList>('dead-letters/list', filter, signal),
    placeholderData: (before) => before,
  });
  const chosen = query.get('letter') ?? '';
  return (
    <>
      <PageHead title="Dead letters" about="Events and changes that are not tried again by themselves, kept whole." />
      <Filter query={query} list={list.data} />
      <Actions filter={filter} list={list.data} onDone={() => void list.refetch()} />
      <div className={chosen === '' ? 'split closed' : 'split'}>
        {list.error !== null ? (
          <Failure title="The dead letters cannot be read" error={list.error} />
        ) : list.data === undefined ? (
          <Loading what="the dead letters" />
        ) : list.data.letters.length === 0 ? (
          <NoLetter isFiltered={Object.keys(filter).length > 0} more={list.data.more} />
        ) : (
          <Letters list={list.data} chosen={chosen} />
        )}
        {chosen === '' ? null : <Letter key={chosen} name={chosen} onDone={() => void list.refetch()} />}
      </div>
    </>
  );
}

function NoLetter({ isFiltered, more }: { readonly isFiltered: boolean; readonly more: number }) {
  if (more > 0)
    return (
      <Empty title="Among the newest dead letters none is like that">
        {countOf(more, 'older letter')} {more === 1 ? 'was' : 'were'} not looked at: say from when to when.
      </Empty>
    );
  if (isFiltered) return <Empty title="No dead letter is like that">Take something out of the filter.</Empty>;
  return (
    <Empty title="There is no dead letter">
      Whatever destinations refuse for good comes here, with the reason, until you replay or purge it.
    </Empty>
  );
}

function filterOf(query: URLSearchParams): DeadLetterFilterView {
  const fromMs = dayOf(query.get('from') ?? '')?.fromMs;
  const toMs = dayOf(query.get('to') ?? '')?.toMs;
  const text = (name: 'destination' | 'class' | 'reason') => {
    const value = query.get(name) ?? '';
    return value === '' ? {} : { [name]: value };
  };
  return {
    ...text('destination'),
    ...text('class'),
    ...text('reason'),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(toMs === undefined ? {} : { toMs }),
  };
}

function Filter({ query, list }: { readonly query: URLSearchParams; readonly list: DeadLetterList | undefined }) {
  const about = useAbout();
  const classes = [...new Set([...(list?.counts ?? []).map((count) => count.class), query.get('class') ?? ''])].filter(
    (word) => word !== '',
  );
  const destinations = withChosen(
    about?.destinations.map(({ key }) => key),
    query.get('destination'),
  ).filter((key) => key !== '_event');
  return (
    <div className="filters" role="search" aria-label="Filter of the dead letters">
      <input
        data-filter=""
        type="search"
        aria-label="Text in a reason"
        placeholder="Text in a reason   /"
        value={query.get('reason') ?? ''}
        onChange={(event) => setQuery({ reason: event.target.value })}
      />
      <select
        aria-label="destination"
        value={query.get('destination') ?? ''}
        onChange={(event) => setQuery({ destination: event.target.value })}
      >
        <option value="">All destinations</option>
        {destinations.map((key) => (
          <option key={key}>{key}</option>
        ))}
        <option value="_event">events that could not be read</option>
      </select>
      <select
        aria-label="class"
        value={query.get('class') ?? ''}
        onChange={(event) => setQuery({ class: event.target.value })}
      >
        <option value="">All classes</option>
        {classes.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {(['from', 'to'] as const).map((name) => (
        <label key={name} className="inline">
          {name === 'from' ? 'taken from' : 'to'}{' '}
          <input
            type="date"
            value={query.get(name) ?? ''}
            onChange={(event) => setQuery({ [name]: event.target.value })}
          />
        </label>
      ))}
    </div>
  );
}

const nothingRead: DeadLetterList = { letters: [], counts: [], unreadable: [], more: 0 };

interface ActionsProps {
  readonly filter: DeadLetterFilterView;
  /** Absent while it is read. */
  readonly list: DeadLetterList | undefined;
  readonly onDone: () => void;
}

/** Keeps out what has come since a person was shown what would be deleted, nothing included. */
function shownIn(would: ActResult | undefined): DeadLetterFilterView {
  return would === undefined ? {} : { givenUpToMs: would.newestGivenUpAtMs ?? 0 };
}

function Actions({ filter, list = nothingRead, onDone }: ActionsProps) {
  const hasNone = list.letters.length + list.more === 0;
  const which = Object.keys(filter).length === 0 ? 'all dead letters' : 'those that pass the filter';
  return (
    <div className="actions spaced">
      <Act
        name="Replay"
        isDisabled={hasNone}
        about={`Gives ${which} to the function app again, only to where they had failed, within the usual limits.`}
        run={(dryRun) => act('dead-letters/replay', { filter, dryRun })}
        onDone={onDone}
      />
      <Act
        name="Purge"
        isDisabled={hasNone}
        about={`Deletes ${which}. What is deleted is gone.`}
        isDangerous
        run={(dryRun, would) => act('dead-letters/purge', { filter: { ...filter, ...shownIn(would) }, dryRun })}
        onDone={onDone}
      />
      <span className="quiet-text">
        {list.counts.map(({ destination, class: cause, letters }) => `${destination} ${cause}: ${letters}`).join(' · ')}
        {list.more > 0 ? ` · and ${countOf(list.more, 'older letter')} that are not shown` : ''}
        {list.unreadable.length > 0 ? ` · ${list.unreadable.length} cannot be read` : ''}
      </span>
    </div>
  );
}

function Letters({ list, chosen }: { readonly list: DeadLetterList; readonly chosen: string }) {
  return (
    <table className="letters">
      <Columns names={['Kept at', 'Destination', 'Class', 'Outcome', 'Attempts', 'Reason']} />
      <tbody>
        {list.letters.map((letter) => (
          <Row key={letter.name} letter={letter} isChosen={letter.name === chosen} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ letter, isChosen }: { readonly letter: DeadLetterView; readonly isChosen: boolean }) {
  const { name, destination, class: cause, outcome, attempts, givenUpAtMs, reasons } = letter;
  return (
    <tr aria-selected={isChosen} className={isChosen ? 'chosen' : undefined}>
      <td className="time">
        <button type="button" className="link" onClick={() => setQuery({ letter: isChosen ? '' : name })}>
          {dateTimeOf(givenUpAtMs)}
        </button>
      </td>
      <td>{destination ?? '–'}</td>
      <td>{cause}</td>
      <td>
        <Outcome outcome={outcome} />
      </td>
      <td>{attempts}</td>
      <td>
        <bdi>{reasons.join(' ').slice(0, 300)}</bdi>
      </td>
    </tr>
  );
}

function Letter({ name, onDone }: { readonly name: string; readonly onDone: () => void }) {
  const [isShown, setIsShown] = useState(false);
  const letter = useQuery({
    queryKey: ['dead-letter', name],
    queryFn: () => ask<DeadLetterDetail>(`dead-letters/${encodeURIComponent(name)}`),
  });
  const close = (): void => setQuery({ letter: '' });
  const done = (): void => {
    void letter.refetch();
    onDone();
  };
  return (
    <aside className="panel" aria-label="The dead letter">
      <div className="panel-head">
        <h2>Dead letter</h2>
        <Button className="quiet" aria-label="Close" onPress={close}>
          ✕
        </Button>
      </div>
      {letter.error !== null ? (
        <Failure title="This dead letter is not there" error={letter.error} />
      ) : letter.data === undefined ? (
        <Loading what="the dead letter" />
      ) : (
        <>
          <dl className="facts">
            <dt>Name</dt>
            <dd>{name}</dd>
            <dt>Outcome</dt>
            <dd>
              <Outcome outcome={letter.data.outcome} /> after {countOf(letter.data.attempts, 'attempt')}
            </dd>
            <dt>Taken</dt>
            <dd>by the event hub at {dateTimeOf(letter.data.enqueuedAtMs)}</dd>
            <dt>Why</dt>
            <dd>
              <Reasons reasons={letter.data.reasons} />
            </dd>
          </dl>
          <div className="actions">
            <Act
              name="Replay this one"
              about="Gives it to the function app again, only to where it had failed."
              run={(dryRun) => act('dead-letters/replay', { filter: { name }, dryRun })}
              onDone={done}
            />
            <Act
              name="Purge this one"
              about="Deletes it. What is deleted is gone."
              isDangerous
              run={(dryRun) => act('dead-letters/purge', { filter: { name }, dryRun })}
              onDone={done}
            />
          </div>
          <h3>The event, as AEP sent it</h3>
          {isShown ? (
            <Code label="The event" text={readable(letter.data.body)} />
          ) : (
            <button type="button" className="link" onClick={() => setIsShown(true)}>
              Show it: it is personal data
            </button>
          )}
        </>
      )}
    </aside>
  );
}

function Reasons({ reasons }: Pick<DeadLetterView, 'reasons'>) {
  return reasons.map((reason) => (
    <p key={reason}>
      <bdi>{reason}</bdi>
    </p>
  ));
}
