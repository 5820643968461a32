import type { ActResult, JobStarted, JobView } from '@activation-hub/console-contract';
import { useState } from 'react';
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
  /** Does it, or says what it would do; gives the result, or the work that will have one. */
  readonly run: (dryRun: boolean) => Promise<ActResult | JobStarted>;
  readonly onDone?: () => void;
}

type State =
  | { readonly is: 'looking' }
  | { readonly is: 'asking'; readonly would: ActResult }
  | { readonly is: 'doing'; readonly job?: JobView }
  | { readonly is: 'done'; readonly did: ActResult }
  | { readonly is: 'failed'; readonly message: string };

const pollEveryMs = 250;

/**
 * Something that changes data: what it would do first, then, when the person says so, the thing
 * itself with its progress.
 */
export function Act({ name, about, isDangerous = false, isDisabled = false, run, onDone }: ActProps) {
  const [state, setState] = useState<State>();
  const step = async (dryRun: boolean): Promise<void> => {
    setState(dryRun ? { is: 'looking' } : { is: 'doing' });
    try {
      const result = await resultOf(await run(dryRun), (job) =>
        setState(dryRun ? { is: 'looking' } : { is: 'doing', job }),
      );
      setState(dryRun ? { is: 'asking', would: result } : { is: 'done', did: result });
      if (!dryRun) onDone?.();
    } catch (error) {
      setState({ is: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <>
      <Button className={isDangerous ? 'danger' : 'secondary'} isDisabled={isDisabled} onPress={() => void step(true)}>
        {name} …
      </Button>
      <ModalOverlay
        className="overlay"
        isOpen={state !== undefined}
        onOpenChange={() => setState(undefined)}
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
                <Button className={isDangerous ? 'danger' : 'primary'} onPress={() => void step(false)}>
                  {name} now
                </Button>
              ) : null}
              <Button className="secondary" isDisabled={state?.is === 'doing'} onPress={() => setState(undefined)}>
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
      return <p role="status">Looking what it would do …</p>;
    case 'asking':
      return (
        <>
          <h3>It would do this</h3>
          <Result result={state.would} />
        </>
      );
    case 'doing': {
      const { done = 0, total } = state.job ?? {};
      return (
        <p role="status">
          {total === undefined ? 'At it …' : `${numberOf(done)} of ${numberOf(total)}`}
          {total === undefined || total === 0 ? null : <progress max={total} value={done} aria-label="Progress" />}
        </p>
      );
    }
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

async function resultOf(started: ActResult | JobStarted, onProgress: (job: JobView) => void): Promise<ActResult> {
  if (!('job' in started)) return started;
  for (;;) {
    const job = await ask<JobView>(`jobs/${started.job}`);
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
