import type { ActResult, PauseView } from '@activation-hub/console-contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type SubmitEvent } from 'react';
import { Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useRefetch } from './about.ts';
import { ask, send } from './session.ts';
import { dateTimeOf } from './words.ts';

function usePausesRead() {
  const refetchInterval = useRefetch(3_000, 15_000);
  return useQuery({ queryKey: ['pauses'], queryFn: () => ask<readonly PauseView[]>('pauses'), refetchInterval });
}

/** The present pauses, polled: another operator may have changed them. */
export function usePauses(): readonly PauseView[] {
  return usePausesRead().data ?? [];
}

/** A destination, with an audience one of its routes, or everything. */
export interface Scope {
  readonly destination?: string;
  readonly audience?: string;
}

interface ControlProps {
  readonly scope: Scope;
}

function nameOf({ destination, audience }: Scope): string {
  if (destination === undefined) return 'everything';
  return audience === undefined ? destination : `${destination} for ${audience}`;
}

/** Tries at once what waits: for a person who has mended something. */
export function TryNow({ scope }: ControlProps) {
  const tryNow = useMutation({
    mutationFn: () => send<ActResult>('controls/retry-now', { ...scope, reason: 'asked for on the console' }),
  });
  return (
    <>
      <Button className="secondary" isDisabled={tryNow.isPending} onPress={() => tryNow.mutate()}>
        {scope.destination === undefined ? 'Try everything now' : 'Try now'}
      </Button>
      <Said result={tryNow.data} error={tryNow.error} />
    </>
  );
}

/**
 * Pauses a destination, a route or everything, or puts it into shadow, or ends exactly that pause.
 */
export function PauseOrResume({ scope }: ControlProps) {
  const client = useQueryClient();
  const own = usePauses().find((each) => each.destination === scope.destination && each.audience === scope.audience);
  const settled = () => client.invalidateQueries({ queryKey: ['pauses'] });
  const resume = useMutation({
    mutationFn: () => send<ActResult>('controls/resume', { ...scope, reason: '' }),
    onSettled: settled,
  });
  const paused = async (): Promise<void> => {
    resume.reset();
    await settled();
  };
  if (own === undefined)
    return (
      <>
        <PauseDialog scope={scope} isShadow={false} onDone={paused} />
        <PauseDialog scope={scope} isShadow onDone={paused} />
        <Said result={resume.data} error={resume.error} />
      </>
    );
  return (
    <>
      <Button
        className="primary"
        aria-label={`Resume${suffixOf(scope)}`}
        isDisabled={resume.isPending}
        onPress={() => resume.mutate()}
      >
        {scope.destination === undefined ? 'Resume everything' : 'Resume'}
      </Button>
      <Said result={resume.data} error={resume.error} />
    </>
  );
}

const durations = [
  { words: 'until it is resumed', ms: 0 },
  { words: 'for 30 minutes', ms: 1_800_000 },
  { words: 'for 4 hours', ms: 14_400_000 },
  { words: 'for a day', ms: 86_400_000 },
];

/**
 * What a button is about, for who does not see where it stands; a destination's own page says it.
 */
function suffixOf(scope: Scope): string {
  return scope.destination !== undefined && scope.audience === undefined ? '' : ` ${nameOf(scope)}`;
}

const pauseWords = {
  verb: 'Pause',
  title: (name: string) => `Pause ${name}`,
  about:
    'The hub sends nothing there. Changes wait, are not given up, and are sent in their newest state when the pause is over.',
};
const shadowWords = {
  verb: 'Shadow',
  title: (name: string) => `Put ${name} into shadow`,
  about:
    'A pause in which one looks at what would be told: how many people enter and leave, what the connector would refuse, and the exact requests. Nothing is sent; everything waits, and is told in its newest state when it is resumed.',
};

function PauseDialog({
  scope,
  isShadow,
  onDone,
}: ControlProps & { readonly isShadow: boolean; readonly onDone: () => Promise<void> }) {
  const { verb, title, about } = isShadow ? shadowWords : pauseWords;
  const [reason, setReason] = useState('');
  const [forMs, setForMs] = useState(0);
  const pause = useMutation({
    mutationFn: () =>
      send<ActResult>('controls/pause', {
        ...scope,
        reason,
        ...(forMs === 0 ? {} : { untilMs: Date.now() + forMs }),
        ...(isShadow ? { isShadow } : {}),
      }),
    onSettled: onDone,
  });
  return (
    <DialogTrigger>
      <Button className="secondary" aria-label={`${verb}${suffixOf(scope)} …`}>
        {scope.destination === undefined ? `${verb} everything …` : `${verb} …`}
      </Button>
      <ModalOverlay className="overlay" isDismissable>
        <Modal className="modal">
          <Dialog>
            {({ close }) => (
              <form
                onSubmit={(event: SubmitEvent) => {
                  event.preventDefault();
                  pause.mutate(undefined, { onSuccess: close });
                }}
              >
                <Heading slot="title">{title(nameOf(scope))}</Heading>
                <p className="quiet-text">{about}</p>
                <label className="field">
                  <span>Why, for those who see it</span>
                  <input value={reason} maxLength={200} required onChange={(event) => setReason(event.target.value)} />
                </label>
                <label className="field">
                  <span>How long</span>
                  <select value={forMs} onChange={(event) => setForMs(Number(event.target.value))}>
                    {durations.map(({ words, ms }) => (
                      <option key={ms} value={ms}>
                        {words}
                      </option>
                    ))}
                  </select>
                </label>
                <Said result={undefined} error={pause.error} />
                <div className="actions">
                  <Button className="primary" type="submit" isDisabled={reason.trim() === '' || pause.isPending}>
                    {title(nameOf(scope))}
                  </Button>
                  <Button className="secondary" onPress={close}>
                    Cancel
                  </Button>
                </div>
              </form>
            )}
          </Dialog>
        </Modal>
      </ModalOverlay>
    </DialogTrigger>
  );
}

/** Says what is paused, where it matters. */
export function Pauses({ destination }: { readonly destination?: string }) {
  const { data = [], error } = usePausesRead();
  const shown = data.filter(
    (each) => destination === undefined || each.destination === undefined || each.destination === destination,
  );
  if (error !== null)
    return (
      <p className="failure" role="alert">
        It is not known what is paused. <bdi>{error.message}</bdi>
      </p>
    );
  return shown.map(({ what, atMs, untilMs, isShadow, by, reason }) => (
    <p className="banner" key={what}>
      <strong>
        {what} is {isShadow ? 'in shadow' : 'paused'}
      </strong>{' '}
      since {dateTimeOf(atMs)} {untilMs === undefined ? 'until it is resumed' : `until ${dateTimeOf(untilMs)}`} by{' '}
      <bdi>{by}</bdi>: <bdi>{reason}</bdi>
    </p>
  ));
}

function Said({ result, error }: { readonly result: ActResult | undefined; readonly error: Error | null }) {
  return (
    <span role="status" className="said">
      {error === null ? null : <span className="failure">{error.message}</span>}
      {result === undefined || error !== null ? null : [...result.lines, ...result.problems].join(' ')}
    </span>
  );
}
