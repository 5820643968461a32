import type { ChangeRow } from '@activation-hub/console-contract';
import type { ReactNode } from 'react';

/** In which group an outcome is, by which it has its colour; the word stands beside it always. */
export function groupOf(outcome: string): 'good' | 'waits' | 'bad' | 'plain' {
  switch (outcome) {
    case 'delivered':
      return 'good';
    case 'deferred':
    case 'in shadow':
    case 'accepted':
    case 'paused':
    case 'retry':
    case 'throttled':
    case 'transient':
      return 'waits';
    case 'rejected':
    case 'given-up':
    case 'unreadable':
    case 'invalid':
    case 'set-up':
    case 'fatal':
      return 'bad';
    default:
      return 'plain';
  }
}

/** The word in which a change ended, or for which it waits. */
export function outcomeOf({ outcome, isInShadow }: Pick<ChangeRow, 'outcome' | 'isInShadow'>): string {
  return isInShadow ? 'in shadow' : outcome;
}

export function Outcome({ outcome }: { readonly outcome: string }) {
  return <span className={`outcome ${groupOf(outcome)}`}>{outcome}</span>;
}

/** The head of a table, a column for each name. */
export function Columns({ names }: { readonly names: readonly string[] }) {
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th scope="col" key={name}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** The answer of the server did not come. */
export function Failure({ title, error }: { readonly title: string; readonly error: Error }) {
  return (
    <div className="empty" role="alert">
      <h2>{title}</h2>
      <p>{error.message}</p>
    </div>
  );
}

/** What is shown is what was: it was asked for anew, and did not come. */
export function Stale({ error }: { readonly error: Error | null }) {
  if (error === null) return null;
  return (
    <p className="failure" role="alert">
      This is what was; it cannot be read anew. <bdi>{error.message}</bdi>
    </p>
  );
}

/** There is nothing, and what to do so that there is something. */
export function Empty({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p className="loading" role="status">
      Loading {what} …
    </p>
  );
}

export function PageHead({
  title,
  about,
  children,
}: {
  readonly title: string;
  readonly about: string;
  readonly children?: ReactNode;
}) {
  return (
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        <p>{about}</p>
      </div>
      <div className="tools">{children}</div>
    </header>
  );
}

export function Code({ label, text }: { readonly label: string; readonly text: string }) {
  return (
    <pre className="code" tabIndex={0} role="region" aria-label={label}>
      <bdi>{text}</bdi>
    </pre>
  );
}
