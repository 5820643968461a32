import type { ActResult, JobStarted, JobView } from '@activation-hub/console-contract';
import { useRef, useState } from 'react';
import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { ask, send } from './session.ts';
import { numberOf } from './words.ts';

interface ActProps {
  /** On the button. */
  readonly name: string;
  /** What it will do, in a sentence. */
  readonly about: string;
  readonly isDangerous?: boolean;
  readonly isDisabled?: boolean;
  /**
   * Does it, or says what it would do; gives the result, or the work that will have one. What it
   * said is given to it when the person has seen that.
   */
  readonly run: (dryRun: boolean, would?: ActResult) => Promise<ActResult | JobStarted>;
  /** Called when the person has read what came of it: its place on the page may go then. */
  readonly onDone?: () => void;
}

type State =
  | { readonly is: 'looking'; readonly job?: JobView }
  | { readonly is: 'asking'; readonly would: ActResult }
  | { readonly is: 'doing'; readonly job?: JobView }
  | { readonly is: 'done'; readonly did: ActResult }
  | { readonly is: 'failed'; readonly message: string; readonly dryRun: boolean };

const pollEveryMs = 250;

/**
 * Something that changes data: what it would do first, then, when the person says so, the thing
 * itself with its progress.
 */
export function Act({ name, about, isDangerous = false, isDisabled = false, run, onDone }: ActProps) {
  const [state, setState] = useState<State>();
  const current = useRef(new AbortController());
  const step = async (dryRun: boolean, would?: ActResult): Promise<void> => {
    current.current = new AbortController();
    const { signal } = current.current;
    // What a person has cancelled does not come back when its answer does.
    const show = (next: State): void => {
      if (!signal.aborted) setState(next);
    };
    show({ is: dryRun ? 'looking' : 'doing' });
    try {
      const onProgress = (job: JobView): void => show({ is: dryRun ? 'looking' : 'doing', job });
      const result = await resultOf(await run(dryRun, would), onProgress, signal);
      show(dryRun ? { is: 'asking', would: result } : { is: 'done', did: result });
    } catch (error) {
      show({ is: 'failed', message: error instanceof Error ? error.message : String(error), dryRun });
    }
  };
  const close = (): void => {
    current.current.abort();
    setState(undefined);
    if (state?.is === 'done' || (state?.is === 'failed' && !state.dryRun)) onDone?.();
  };
  return (
    <>
      <Button className={isDangerous ? 'danger' : 'secondary'} isDisabled={isDisabled} onPress={() => void step(true)}>
        {name} …
      </Button>
      <ModalOverlay
        className="overlay"
        isOpen={state !== undefined}
        onOpenChange={close}
        isDismissable={state?.is !== 'doing'}
        isKeyboardDismissDisabled={state?.is === 'doing'}
      >
        <Modal className="modal">
          <Dialog>
            <Heading slot="title">{name}</Heading>
            <p className="quiet-text">{about}</p>
            {state === undefined ? null : <Body state={state} />}
            <div className="actions">
              {state?.is === 'asking' ? (
                <Button className={isDangerous ? 'danger' : 'primary'} onPress={() => void step(false, state.would)}>
                  {name} now
                </Button>
              ) : null}
              <Button className="secondary" isDisabled={state?.is === 'doing'} onPress={close}>
                {state?.is === 'done' || state?.is === 'failed' ? 'Close' : 'Cancel'}
              </Button>
            </div>
          </Dialog>
        </Modal>
      </ModalOverlay>
    </>
  );
}

function Body({ state }: { readonly state: State }) {
  switch (state.is) {
    case 'looking':
      return (
        <p role="status">
          Looking what it would do … <Done job={state.job} />
        </p>
      );
    case 'asking':
      return (
        <>
          <h3>It would do this</h3>
          <Result result={state.would} />
        </>
      );
    case 'doing':
      return (
        <p role="status">
          {state.job?.total === undefined ? 'At it …' : null} <Done job={state.job} />
        </p>
      );
    case 'done':
      return <Result result={state.did} />;
    case 'failed':
      return (
        <p className="failure" role="alert">
          {state.message}
        </p>
      );
  }
}

/** How far work is, as soon as it is known how much there is. */
function Done({ job }: { readonly job: JobView | undefined }) {
  if (job?.total === undefined) return null;
  const { done, total } = job;
  return (
    <>
      {numberOf(done)} of {numberOf(total)}
      {total === 0 ? null : <progress max={total} value={done} aria-label="Progress" />}
    </>
  );
}

function Result({ result: { lines, problems } }: { readonly result: ActResult }) {
  return (
    <div role="status">
      {lines.map((line) => (
        <p key={line}>
          <bdi>{line}</bdi>
        </p>
      ))}
      {problems.map((problem) => (
        <p key={problem} className="failure">
          <bdi>{problem}</bdi>
        </p>
      ))}
    </div>
  );
}

async function resultOf(
  started: ActResult | JobStarted,
  onProgress: (job: JobView) => void,
  signal: AbortSignal,
): Promise<ActResult> {
  if (!('job' in started)) return started;
  for (;;) {
    const job = await ask<JobView>(`jobs/${started.job}`, { signal });
    if (job.result !== undefined) return job.result;
    if (job.isOver) throw new Error(job.failure ?? 'It ended without saying why.');
    onProgress(job);
    await new Promise((resolve) => setTimeout(resolve, pollEveryMs));
  }
}

/** Runs something of the server that may be work with progress. */
export function act(path: string, body: unknown): Promise<ActResult | JobStarted> {
  return send<ActResult | JobStarted>(path, body);
}
