import type { HeldView } from '@activation-hub/console-contract';
import { useQuery } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import { Code, Columns, Failure, Loading } from './parts.tsx';
import { ask, send } from './session.ts';
import { countOf, readable } from './words.ts';

/** So many requests are shown. */
const requestsMax = 20;

/**
 * What a destination would be told if what waits for it were tried now. While it is in shadow that
 * is looked at by itself, else when it is asked for: each look is a dry run of all that waits.
 */
export function Held({ destination, isInShadow }: { readonly destination: string; readonly isInShadow: boolean }) {
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['held', destination],
    queryFn: () => send<HeldView>(`destinations/${encodeURIComponent(destination)}/held`, {}),
    enabled: isInShadow,
    staleTime: Infinity,
  });
  return (
    <section aria-labelledby="held">
      <h2 id="held">What it would be told</h2>
      <p className="quiet-text">
        A dry run of what waits: a stand-in on this machine answers, and nothing is sent. What the vendor itself would
        refuse is not known.
      </p>
      <div className="actions look">
        <Button className="secondary" isDisabled={isFetching} onPress={() => void refetch()}>
          {isFetching ? 'Looking …' : data === undefined ? 'Look' : 'Look again'}
        </Button>
      </div>
      {error !== null ? (
        <Failure title="What waits cannot be looked at" error={error} />
      ) : data === undefined ? null : (
        <Seen held={data} isShown={false} nothing={`Nothing waits for ${destination}.`} />
      )}
    </section>
  );
}

/** The requests that one change which is held back would lead to now. */
export function HeldChange({ id, isShown }: { readonly id: number; readonly isShown: boolean }) {
  const { data, error } = useQuery({
    queryKey: ['held-change', id],
    queryFn: () => ask<HeldView>(`changes/${id}/held`),
    gcTime: 0,
  });
  return (
    <>
      <h3>What would be told now</h3>
      {error !== null ? (
        <Failure title="What waits cannot be looked at" error={error} />
      ) : data === undefined ? (
        <Loading what="what would be told" />
      ) : (
        <Seen
          key={String(isShown)}
          held={data}
          isShown={isShown}
          nothing="Nothing waits of this person any more: it was told, or something newer is known."
        />
      )}
    </>
  );
}

/** Requests hold personal data: they are open where people are shown. */
function Seen({
  held,
  isShown,
  nothing,
}: {
  readonly held: HeldView;
  readonly isShown: boolean;
  readonly nothing: string;
}) {
  const { routes, refusals, requests, printed, notShown, leftOut, unreadable } = held;
  if (notShown !== undefined)
    return (
      <p className="failure">
        It cannot be shown: <bdi>{notShown}</bdi>
      </p>
    );
  return (
    <div role="status">
      {routes.length === 0 ? (
        <p className="quiet-text">{nothing}</p>
      ) : (
        <table>
          <Columns names={['Audience', 'Entered', 'Updated', 'Exited', 'Not taken']} />
          <tbody>
            {routes.map(({ audience, entered, updated, exited, refused }) => (
              <tr key={audience}>
                <th scope="row">{audience}</th>
                <td>{entered}</td>
                <td>{updated}</td>
                <td>{exited}</td>
                <td>{refused === 0 ? 0 : <span className="outcome bad">{refused}</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {refusals.map(({ class: cause, reason, changes }) => (
        <p key={cause + reason} className="failure">
          {countOf(changes, 'change')} would not be taken ({cause}): <bdi>{reason}</bdi>
        </p>
      ))}
      {leftOut === 0 ? null : (
        <p className="quiet-text">Only the newest were looked at: {countOf(leftOut, 'older change')} besides.</p>
      )}
      {unreadable.map((name) => (
        <p key={name} className="failure">
          The retry {name} cannot be read: what it brings is not among them.
        </p>
      ))}
      <Requests requests={requests} isShown={isShown} />
      {printed.slice(0, requestsMax).map((line, index) => (
        <p key={index}>
          prints: <bdi>{line}</bdi>
        </p>
      ))}
    </div>
  );
}

function Requests({ requests, isShown }: { readonly requests: HeldView['requests']; readonly isShown: boolean }) {
  return (
    <>
      {requests.slice(0, requestsMax).map(({ method, url, headers, body }, index) => (
        <details key={index} open={isShown}>
          <summary>
            <span className="method">{method}</span> <bdi className="url">{url}</bdi>
          </summary>
          <Code
            label={`Request ${index + 1}`}
            text={[...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', readable(body)]
              .join('\n')
              .trim()}
          />
        </details>
      ))}
      {requests.length > requestsMax ? (
        <p className="quiet-text">and {countOf(requests.length - requestsMax, 'more request')}</p>
      ) : null}
    </>
  );
}
