import type { Sent } from '@activation-hub/console-contract';
import { useState } from 'react';
import { useAbout } from './about.ts';
import { ComposeExport } from './compose-export.tsx';
import { BreakDestinations } from './break-destinations.tsx';
import { PlayTenant } from './play-tenant.tsx';
import { Outcome, PageHead } from './parts.tsx';
import { Link, setQuery, usePlace } from './router.tsx';
import { useLive } from './live-state.ts';
import { countOf, durationOf } from './words.ts';

const ways = [
  { value: '', name: 'Play the tenant' },
  { value: 'compose', name: 'Compose an export' },
] as const;

/** What one may try: people who do what one says, exports of one's own, destinations that fail. */
export function TryItPage() {
  const { query } = usePlace();
  const way = query.get('way') ?? '';
  const isLocal = useAbout()?.isLocal;
  const [sent, setSent] = useState<Sent & { readonly what: string }>();
  if (isLocal === false) return <LookOnly />;
  return (
    <>
      <PageHead
        title="Try it"
        about="Be the tenant, send an export of your own, break a destination: see what each change becomes."
      >
        <div className="chips" role="group" aria-label="What to try">
          {ways.map(({ value, name }) => (
            <button key={value} type="button" aria-pressed={way === value} onClick={() => setQuery({ way: value })}>
              {name}
            </button>
          ))}
        </div>
      </PageHead>
      <div className="try">
        <div>{way === 'compose' ? <ComposeExport onSent={setSent} /> : <PlayTenant onSent={setSent} />}</div>
        <div>
          <FollowedExport sent={sent} />
          <BreakDestinations />
        </div>
      </div>
    </>
  );
}

/**
 * The page sends nothing to a deployed environment; it shows what the hub would do with an export
 * all the same.
 */
function LookOnly() {
  return (
    <>
      <PageHead title="Try it" about="What would become of an export, by the activation file; nothing is sent." />
      <p className="quiet-text">
        To play the tenant, to send exports and to break destinations start <code>activation local --vendor</code> with
        this file on your machine.
      </p>
      <ComposeExport />
    </>
  );
}

function FollowedExport({ sent }: { readonly sent: (Sent & { readonly what: string }) | undefined }) {
  const rows = useLive((state) => state.rows);
  const own = sent === undefined ? [] : rows.filter(({ exportId }) => exportId === sent.exportId);
  return (
    <section aria-labelledby="followed" className="followed-export">
      <h2 id="followed">What became of it</h2>
      {sent === undefined ? (
        <p className="quiet-text">Let a person do something, or send an export: each change of it appears here.</p>
      ) : (
        <>
          <p role="status">
            <bdi>{sent.what}</bdi>{' '}
            {own.length === 0 ? 'The export is in the event hub …' : `${countOf(own.length, 'change')} came of it.`}
          </p>
          <ul className="lines outcomes">
            {own.map(({ id, kind, status, audience, destination, outcome, why, ageMs }) => (
              <li key={id}>
                <Link to={`/live?change=${id}`}>
                  {kind ?? status ?? ''} {audience} → {destination}
                </Link>
                <span>
                  <Outcome outcome={outcome} /> <small>{ageMs === undefined ? '' : durationOf(ageMs)}</small>
                </span>
                <small className="whole">
                  <bdi>{why}</bdi>
                </small>
              </li>
            ))}
          </ul>
          {own.length > 0 ? <Link to={`/live?export=${sent.exportId}`}>Follow it in Live</Link> : null}
        </>
      )}
    </section>
  );
}
