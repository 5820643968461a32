import process from 'node:process';

/** The signals of a terminal's keys. */
export type KeySignal = 'SIGINT' | 'SIGQUIT' | 'SIGTSTP';

/**
 * Gives this process what a terminal would at Ctrl-C, Ctrl-\ or Ctrl-Z. Windows ends a process that
 * is sent a signal without asking it (Node's `process.kill`), and knows no stopped jobs: there the
 * handlers of Ctrl-C are called, and the other keys do nothing.
 */
export function signalProcess(
  name: KeySignal,
  {
    platform,
    pid,
    kill,
    emit,
  }: Pick<NodeJS.Process, 'platform' | 'pid'> & {
    readonly kill: (pid: number, name: KeySignal) => void;
    readonly emit: (name: 'SIGINT') => void;
  } = {
    platform: process.platform,
    pid: process.pid,
    kill: process.kill.bind(process),
    emit: (signal) => void process.emit(signal),
  },
): void {
  if (platform !== 'win32') kill(name === 'SIGTSTP' ? 0 : pid, name);
  else if (name === 'SIGINT') emit(name);
}
