import { counted } from '../../terminal/counted.ts';
import { pause, resume, retryNow, type AskContext } from '@activation-hub/activation';
import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import type { ConsoleServer } from '../../console/console-server.ts';
import type { Breakables } from '../../console/breakable.ts';
import type { DataStorage } from '../../environment/data-storage.ts';
import type { EventSender } from '../event-sender.ts';
import { heldWords, pauseWords, presentControls, scopeWords } from '../../operate/paused.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { KeyActs } from './keys.ts';
import type { Samples } from './samples.ts';

export interface LocalActsOptions {
  /** As it is now. */
  readonly file: () => ActivationFile;
  /** Absent where the file has no audience. */
  readonly samples: () => Samples | undefined;
  readonly storage: Pick<DataStorage, 'controls' | 'retryQueue' | 'operatorName'>;
  readonly sender: Pick<EventSender, 'send'>;
  readonly breakables: Breakables;
  /** Absent with `--no-console`. */
  readonly console: Pick<ConsoleServer, 'url' | 'oneTimeUrl'> | undefined;
  readonly openInBrowser: (server: Pick<ConsoleServer, 'oneTimeUrl'>) => void;
  readonly terminal: Pick<Terminal, 'interrupted'>;
  readonly end: () => void;
}

const reason = 'asked for by a key of activation local';

/** What the keys of `activation local` do: the same as its commands and its page. */
export function localActs(options: LocalActsOptions): KeyActs {
  const { file, samples, storage, sender, breakables, console, openInBrowser, terminal, end } = options;
  const { interrupted } = terminal;
  const context = (): AskContext => ({ ...storage, file: file(), nowMs: systemClock.now() });
  const asker = async () => ({ by: await storage.operatorName(), reason });
  const pauses = async () =>
    (await presentControls(storage.controls, file(), interrupted)).filter(({ action }) => action === 'pause');
  return {
    openConsole() {
      if (console === undefined) return 'There is no console: start without --no-console.';
      openInBrowser(console);
      return `The console: ${console.url}`;
    },
    async sendSample() {
      const sample = samples()?.next();
      if (sample === undefined) return 'There is nothing to send: the activation file has no audience.';
      await sender.send([sample.body]);
      return `Sent: ${sample.words}.`;
    },
    async pauseOrResume() {
      const isPaused = (await pauses()).some(({ destination }) => destination === undefined);
      if (!isPaused) {
        await pause({}, await asker(), context(), interrupted);
        return 'Paused everything within some five seconds: changes wait. p resumes.';
      }
      const { woken, stillPaused } = await resume({}, context(), interrupted);
      const still = stillPaused === undefined ? '' : ` ${scopeWords(stillPaused)} is still ${heldWords(stillPaused)}.`;
      return `Resumed everything: ${retryWords(woken)}.${still}`;
    },
    async retryNow() {
      const held = await pauses();
      const all = held.find(({ destination }) => destination === undefined);
      if (all !== undefined) return `${pauseWords(all)}: nothing is tried until it is resumed.`;
      const woken = await retryNow({}, await asker(), context(), interrupted);
      const besides = held.map((each) => ` ${pauseWords(each)}.`).join('');
      return `Asked for: ${retryWords(woken)}${woken === 0 && held.length > 0 ? ' that is not paused' : ''}.${besides}`;
    },
    breaking: {
      destinations: () => Object.keys(breakables.faults).filter((key) => file().destinations.has(key)),
      break: (destination, fault) => breakables.break(destination, fault),
    },
    words: () => words,
    end,
  };
}

function retryWords(woken: number): string {
  return woken === 0
    ? 'nothing waits'
    : `${counted(woken, 'waiting retry is', 'waiting retries are')} tried within some five seconds`;
}

const words: readonly string[] = [
  '',
  'o  opens the console, the page on which all of this is seen',
  's  sends a sample: the export of a made-up person who enters or leaves an audience',
  'p  pauses every destination, or resumes: changes wait meanwhile',
  'r  tries at once what waits for a destination',
  'b  breaks a stand-in (it refuses, throttles, hangs or is down), or mends it',
  'q  ends: what has arrived is settled first. Ctrl-C does the same; twice stops at once',
  '',
  'in   a change that needed no request: unchanged, superseded, withheld, unresolved, shadowed, paused or retired; or held back by an open circuit, a pause or a shadow (in shadow)',
  'out  a change that was sent to a destination: delivered, not-found, rejected (a dead letter), given-up (one too) or deferred (tried again)',
  'in shadow   waits as in a pause, and can be looked at: activation shadow --look, or the console',
  '!    what needs your attention',
  'age  from the event hub to the destination, in the last ten seconds;  behind: events that are not settled;  wait: changes that are tried again',
  '',
];
