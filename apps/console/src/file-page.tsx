import type { FileView, PlanView } from '@activation-hub/console-contract';
import { useQuery } from '@tanstack/react-query';
import { useAbout } from './about.ts';
import { Failure, Loading, PageHead } from './parts.tsx';
import { Link } from './router.tsx';
import { ask } from './session.ts';
import { numberOf } from './words.ts';
import { RoutePicture } from './route-picture.tsx';

/**
 * The activation file: as a picture, with what is wrong in it, and against what destinations were
 * told.
 */
export function FilePage() {
  const about = useAbout();
  const file = useQuery({ queryKey: ['file'], queryFn: () => ask<FileView>('file'), refetchInterval: 3_000 });
  const plan = useQuery({ queryKey: ['plan'], queryFn: () => ask<PlanView>('plan'), staleTime: 0 });
  return (
    <>
      <PageHead
        title="File"
        about={file.data?.path ?? 'The activation file: which audience goes where, on what terms.'}
      />
      {file.error !== null ? (
        <Failure title="The file cannot be read" error={file.error} />
      ) : file.data === undefined || about === undefined ? (
        <Loading what="the file" />
      ) : (
        <>
          <Problems file={file.data} />
          <section aria-labelledby="picture">
            <h2 id="picture">Which audience goes where</h2>
            <RoutePicture routes={file.data.routes} />
          </section>
          <section aria-labelledby="plan">
            <h2 id="plan">What destinations were told, by the ledger</h2>
            {plan.error !== null ? (
              <Failure title="The ledger cannot be read" error={plan.error} />
            ) : plan.data === undefined ? (
              <Loading what="every row of the ledger" />
            ) : (
              <Plan plan={plan.data} />
            )}
          </section>
          <section aria-labelledby="text">
            <h2 id="text">As it is written</h2>
            <Text file={file.data} />
          </section>
        </>
      )}
    </>
  );
}

function Problems({ file: { problems, warnings } }: { readonly file: FileView }) {
  return (
    <section aria-labelledby="problems" className="attention">
      <h2 id="problems">What check says</h2>
      {problems.length + warnings.length === 0 ? <p className="well">The file is right.</p> : null}
      <ul>
        {[
          ...problems.map((each) => ({ ...each, level: 'problem' })),
          ...warnings.map((each) => ({ ...each, level: 'notice' })),
        ].map(({ message, line, column, level }) => (
          <li key={`${line}:${column}${message}`} className={level}>
            <span className="level">
              <a href={`#line-${line}`}>
                {line}:{column}
              </a>
            </span>
            <span>
              <bdi>{message}</bdi>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Plan({ plan: { routes, leftBehind } }: { readonly plan: PlanView }) {
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">Route</th>
            <th scope="col">Mode</th>
            <th scope="col" className="number">
              Members
            </th>
            <th scope="col">What to do</th>
          </tr>
        </thead>
        <tbody>
          {routes.map(({ audience, destination, mode, members, isNew, notes }) => (
            <tr key={`${audience} ${destination}`}>
              <th scope="row">
                {audience} →{' '}
                <Link to={`/destinations?destination=${encodeURIComponent(destination)}`}>{destination}</Link>
              </th>
              <td>{mode}</td>
              <td className="number">{isNew ? 'new' : numberOf(members)}</td>
              <td>{notes.join(' ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>{leftBehind.length === 0 ? 'No member is left behind.' : 'Left behind'}</h3>
      {leftBehind.map(({ name, why }) => (
        <p key={name}>
          <strong>
            <bdi>{name}</bdi>
          </strong>{' '}
          {why}
        </p>
      ))}
    </>
  );
}

function Text({ file: { text, problems } }: { readonly file: FileView }) {
  const wrong = new Set(problems.map(({ line }) => line));
  return (
    <pre className="code file-text" tabIndex={0} role="region" aria-label="The file">
      {text.split('\n').map((line, index) => (
        <span key={index} id={`line-${index + 1}`} className={wrong.has(index + 1) ? 'wrong' : undefined}>
          <i aria-hidden="true">{index + 1}</i>
          <bdi>{line}</bdi>
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
