import type { InspectedExport, RecentExport, Sent } from '@activation-hub/console-contract';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from 'react-aria-components';
import { Code, Failure } from './parts.tsx';
import { ask, send } from './session.ts';
import { readable, timeOf } from './words.ts';

interface ComposeExportProps {
  /** Left out where nothing can be sent. */
  readonly onSent?: (sent: Sent & { readonly what: string }) => void;
}

/**
 * An export that one writes, pastes or takes from those that came: looked at first, then sent where
 * that is possible.
 */
export function ComposeExport({ onSent }: ComposeExportProps) {
  const [text, setText] = useState('');
  const recent = useQuery({
    queryKey: ['exports'],
    queryFn: () => ask<readonly RecentExport[]>('exports'),
    enabled: onSent !== undefined,
    staleTime: 0,
  });
  const inspect = useMutation({ mutationFn: (body: string) => send<InspectedExport>('inspect', { body }) });
  const submit = useMutation({
    mutationFn: async (body: string) => ({ ...(await send<Sent>('exports', { body })), what: 'Your export was sent.' }),
    onSuccess: (sent) => onSent?.(sent),
  });
  const take = (id: string): void => {
    const chosen = recent.data?.find((each) => each.id === id);
    if (chosen !== undefined) setText(readable(chosen.body));
    inspect.reset();
  };
  const error = submit.error ?? inspect.error;
  return (
    <section aria-labelledby="compose">
      <h2 id="compose">An export of your own</h2>
      {onSent === undefined ? null : (
        <label className="field">
          <span>Paste what AEP sends, or take one that came</span>
          <select value="" onChange={(event) => take(event.target.value)} onFocus={() => void recent.refetch()}>
            <option value="">{recent.data?.length === 0 ? 'No export has come yet' : 'Take a recent export …'}</option>
            {recent.data?.map(({ id, enqueuedAtMs }) => (
              <option key={id} value={id}>
                {timeOf(enqueuedAtMs)} · partition {id.replace('-', ', number ')}
              </option>
            ))}
          </select>
        </label>
      )}
      <textarea
        data-filter=""
        className="body"
        aria-label="Body of the export"
        spellCheck={false}
        rows={14}
        value={text}
        placeholder='{ "segmentMembership": { "ups": { … } }, "identityMap": { … } }'
        onChange={(event) => setText(event.target.value)}
      />
      <div className="actions">
        <Button
          className="secondary"
          isDisabled={text.trim() === '' || inspect.isPending}
          onPress={() => inspect.mutate(text)}
        >
          {inspect.isPending ? 'Looking …' : 'Look first'}
        </Button>
        {onSent === undefined ? null : (
          <Button
            className="primary"
            isDisabled={text.trim() === '' || submit.isPending}
            onPress={() => submit.mutate(text)}
          >
            {submit.isPending ? 'On its way …' : 'Send it'}
          </Button>
        )}
        <span className="quiet-text">Look first shows what would be sent, and sends nothing.</span>
      </div>
      {error === null ? null : <Failure title="That did not go" error={error} />}
      {inspect.data === undefined ? null : <Stages inspected={inspect.data} />}
    </section>
  );
}

function Stages({ inspected }: { readonly inspected: InspectedExport }) {
  const { exports, unreadable, decisions, requests, printed, notShown } = inspected;
  return (
    <ol className="stages" aria-label="What each stage makes of it">
      <li>
        <h3>Read</h3>
        {exports.length} readable, {unreadable.length} unreadable
        {unreadable.map(({ path, code, message }) => (
          <p key={path + code} className="failure">
            <strong>{code}</strong> at {path}: <bdi>{message}</bdi>
          </p>
        ))}
      </li>
      <li>
        <h3>Route</h3>
        {exports.map(({ path, audiences, routedAudiences, notRouted }) => (
          <div key={path}>
            {routedAudiences} of {audiences} audiences are routed
            {notRouted.slice(0, 8).map(({ namespace, id, because }) => (
              <p key={namespace + id} className="quiet-text">
                not routed: {namespace} <bdi>{id}</bdi>. {because}
              </p>
            ))}
            {notRouted.length > 8 ? <p className="quiet-text">and {notRouted.length - 8} more</p> : null}
          </div>
        ))}
      </li>
      <li>
        <h3>Resolve</h3>
        {exports.map(({ path, identities }) => (
          <div key={path}>
            identities:{' '}
            {Object.entries(identities)
              .map(([namespace, count]) => `${count} ${namespace}`)
              .join(', ') || 'none'}
          </div>
        ))}
      </li>
      <li>
        <h3>Decide, as if no destination knew the person</h3>
        {decisions.length === 0 ? 'Nothing: no audience of the export is routed.' : null}
        <ul className="lines outcomes">
          {decisions.map(({ audience, destination, mode, decision, because, identity, absentAttributes }, index) => (
            <li key={index}>
              <span>
                {audience} → {destination}
                {mode === 'live' ? '' : ` (${mode})`}{' '}
                <bdi>{identity === undefined ? '' : `${identity.namespace} ${identity.value}`}</bdi>
              </span>
              <strong>{decision}</strong>
              <small className="whole">
                {because}
                {absentAttributes.map(({ name, path }) => ` ${name} is absent: the profile has nothing at ${path}.`)}
              </small>
            </li>
          ))}
        </ul>
      </li>
      <li>
        <h3>Deliver</h3>
        {requests.length + printed.length === 0 ? 'No request would be sent.' : null}
        {requests.map(({ destination, method, url, headers, body }, index) => (
          <details key={index} open={requests.length === 1}>
            <summary>
              <strong>{destination}</strong> <span className="method">{method}</span> <bdi className="url">{url}</bdi>
            </summary>
            <Code
              label={`Request to ${destination}`}
              text={[...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', readable(body)]
                .join('\n')
                .trim()}
            />
          </details>
        ))}
        {printed.map(({ destination, line }, index) => (
          <p key={index}>
            <strong>{destination}</strong> prints: <bdi>{line}</bdi>
          </p>
        ))}
        {notShown.map(({ destination, reason }) => (
          <p key={destination}>
            <strong>{destination}</strong> cannot be shown: <bdi>{reason}</bdi>
          </p>
        ))}
      </li>
    </ol>
  );
}
