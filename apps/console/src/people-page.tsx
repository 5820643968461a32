import type { PersonEvent, PersonRoute, PersonView } from '@activation-hub/console-contract';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type SubmitEvent } from 'react';
import { Button } from 'react-aria-components';
import { Act, act } from './act.tsx';
import { useAbout, useRefetch } from './about.ts';
import { Columns, Empty, Failure, Loading, PageHead, Stale } from './parts.tsx';
import { Link, setHash, usePlace } from './router.tsx';
import { send } from './session.ts';
import { agoOf, dateTimeOf } from './words.ts';

/** What stands after the `#`; as it is where it was not encoded. */
function peopleIn(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

/** The words of the search: an address of e-mail alone is meant as one. */
function identitiesIn(asked: string): readonly string[] {
  const words = asked.split(/\s+/).filter((word) => word !== '');
  return words.map((word) => (word.includes('@') && !word.includes(':') ? `email:${word}` : word));
}

/** One person: where each route stands with them, what happened, and what can be done. */
export function PeoplePage() {
  const asked = peopleIn(usePlace().hash);
  const [text, setText] = useState(asked);
  useEffect(() => setText(asked), [asked]);
  const people = identitiesIn(asked);
  const story = useQuery({
    queryKey: ['person', asked],
    queryFn: () => send<PersonView>('people/explain', { people }),
    enabled: people.length > 0,
    staleTime: 0,
    // Every retry and every dead letter is looked into.
    refetchInterval: useRefetch(3_000, false),
  });
  const look = (event: SubmitEvent): void => {
    event.preventDefault();
    // Who presses again while it looks waits for the same look.
    if (text.trim() === asked) void story.refetch({ cancelRefetch: false });
    else setHash(text.trim());
  };
  return (
    <>
      <PageHead title="People" about="One person's story: what was told to whom, when and why." />
      <form className="filters" role="search" onSubmit={look}>
        <input
          data-filter=""
          className="wide"
          aria-label="Identities of the person"
          placeholder="ada@example.com crmid:C-1   /"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Button className="primary" type="submit" isDisabled={text.trim() === ''}>
          Look
        </Button>
      </form>
      {people.length === 0 ? (
        <Empty title="Whom do you look for?">
          Write an e-mail address, or every identity that you know as namespace:identity, as AEP exports it. What the
          ledger links with them is found too.
        </Empty>
      ) : story.data === undefined ? (
        story.error === null ? (
          <Loading what="the story" />
        ) : (
          <Failure title="The person cannot be looked for" error={story.error} />
        )
      ) : (
        <>
          <Stale error={story.error} />
          <Story story={story.data} people={people} onDone={() => void story.refetch()} />
          <Erase people={people} onDone={() => void story.refetch()} />
        </>
      )}
    </>
  );
}

interface StoryProps {
  readonly story: PersonView;
  readonly people: readonly string[];
  readonly onDone: () => void;
}

function Story({ story, people, onDone }: StoryProps) {
  const { routes, events, linked, unreadable } = story;
  if (events.length === 0 && routes.every(({ state }) => state === 'unknown')) {
    return (
      <Empty title="Nothing is known of this person">
        No row of the ledger, no retry and no dead letter has one of these identities. Check the namespace and the
        spelling, as AEP exports them.
      </Empty>
    );
  }
  return (
    <>
      {linked.length === 0 ? null : (
        <p className="quiet-text">
          Looked for as well, because the ledger links them: <bdi>{linked.join(', ')}</bdi>
        </p>
      )}
      {unreadable.map((name) => (
        <p key={name} className="failure">
          {name} cannot be read: the person may be in it.
        </p>
      ))}
      <section aria-labelledby="now">
        <h2 id="now">Now</h2>
        <Routes routes={routes} people={people} onDone={onDone} />
      </section>
      <section aria-labelledby="happened">
        <h2 id="happened">What happened</h2>
        <Timeline events={events} />
      </section>
    </>
  );
}

/**
 * Beside the story and not within it: the result of an erasure stays readable when the story is
 * gone.
 */
function Erase({ people, onDone }: Omit<StoryProps, 'story'>) {
  return (
    <section aria-labelledby="erase">
      <h2 id="erase">Erase</h2>
      <p className="quiet-text">
        Takes the person out of every destination, and erases their events in retries and dead letters and their rows of
        the ledger. Erase them in AEP too, or the next export brings them back.
      </p>
      <div className="actions">
        <Act
          name="Erase the person"
          about="What is kept of the person here goes, after their destinations were told."
          isDangerous
          run={(dryRun) => act('people/erase', { people, dryRun })}
          onDone={onDone}
        />
      </div>
    </section>
  );
}

const goodStates = ['told', 'shadowed'];
const badStates = ['rejected', 'given-up', 'not-found', 'waiting-for-nothing', 'perhaps-told'];

function stateClass(state: string): string {
  if (goodStates.includes(state)) return 'good';
  if (badStates.includes(state)) return 'bad';
  return state.startsWith('waiting') || state === 'being-told' || state === 'paused' ? 'waits' : 'plain';
}

function Routes({ routes, people, onDone }: Omit<StoryProps, 'story'> & { readonly routes: readonly PersonRoute[] }) {
  const about = useAbout();
  // Nothing can be told to a destination that the file has no more.
  const isInFile = (key: string): boolean => about?.destinations.some((each) => each.key === key) ?? false;
  const known = [
    ...new Set(
      routes
        .filter(({ state, mode, destination }) => state !== 'unknown' && mode !== 'shadow' && isInFile(destination))
        .map(({ destination }) => destination),
    ),
  ];
  return (
    <>
      <table>
        <Columns names={['Destination', 'Audience', 'Known as', 'State', 'What it means']} />
        <tbody>
          {routes.map((route, index) => (
            <tr key={index}>
              <td>{route.destination}</td>
              <td>
                {route.audience} {route.mode === 'live' ? null : <small>{route.mode}</small>}
              </td>
              <td>
                <bdi>{route.identity ?? '–'}</bdi>
              </td>
              <td>
                <span className={`outcome ${stateClass(route.state)}`}>{route.state}</span>
              </td>
              <td>
                <Meaning route={route} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className="actions">
        {known.map((destination) => (
          <Act
            key={`resync ${destination}`}
            name={`Resync at ${destination}`}
            about={`Tells ${destination} again what it should know of the person, in every audience.`}
            run={(dryRun) => act('people/resync', { people, dryRun, destination })}
            onDone={onDone}
          />
        ))}
        {known.map((destination) => (
          <Act
            key={destination}
            name={`Take out of ${destination}`}
            about={`Tells ${destination} that the person left, in every audience in which it has them.`}
            run={(dryRun) => act('people/take-out', { people, dryRun, destination })}
            onDone={onDone}
          />
        ))}
      </div>
    </>
  );
}

function Meaning({ route }: { readonly route: PersonRoute }) {
  const { says, toldAtMs, nextAttemptAtMs, pause, inDoubt, deadLetters, actions } = route;
  const nowMs = Date.now();
  return (
    <>
      <bdi>{says}</bdi>
      {toldAtMs === undefined ? '' : ` Told at ${dateTimeOf(toldAtMs)}, ${agoOf(toldAtMs, nowMs)}.`}
      {nextAttemptAtMs === undefined ? '' : ` Next attempt at ${dateTimeOf(nextAttemptAtMs)}.`}
      {pause === undefined ? null : (
        <>
          {' '}
          {pause.isShadow ? 'In shadow' : 'Paused'} by <bdi>{pause.by}</bdi>: <bdi>{pause.reason}</bdi>
          {pause.untilMs === undefined ? '.' : `, until ${dateTimeOf(pause.untilMs)}.`}
        </>
      )}
      {inDoubt ? ' It may have taken something else since.' : ''}
      {deadLetters.map((name) => (
        <p key={name}>
          <Link to={`/dead-letters?letter=${encodeURIComponent(name)}`}>Dead letter {name.split('/').at(-1)}</Link>
        </p>
      ))}
      {actions.map(({ says: why, command }) => (
        <p key={command} className="quiet-text">
          {why} <code>{command}</code>
        </p>
      ))}
    </>
  );
}

function Timeline({ events }: { readonly events: readonly PersonEvent[] }) {
  if (events.length === 0)
    return <p className="quiet-text">Nothing that is kept: what changes nothing leaves no trace.</p>;
  return (
    <table className="timeline">
      <Columns names={['When', 'Destination', 'Audience', 'What']} />
      <tbody>
        {events.toReversed().map((event, index) => (
          <tr key={index}>
            <td className="time">{dateTimeOf(event.atMs)}</td>
            <td>{event.destination ?? ''}</td>
            <td>{event.audience ?? ''}</td>
            <td>
              <bdi>{event.says}</bdi>
              {event.firstAtMs === undefined ? '' : ` First at ${dateTimeOf(event.firstAtMs)}.`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
