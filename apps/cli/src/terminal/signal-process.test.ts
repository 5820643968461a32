import { expect, test } from 'vitest';
import { signalProcess, type KeySignal } from './signal-process.ts';

function heard(platform: NodeJS.Platform, name: KeySignal): readonly string[] {
  const said: string[] = [];
  signalProcess(name, {
    platform,
    pid: 7,
    kill: (pid, signal) => void said.push(`kill ${pid} ${signal}`),
    emit: (signal) => void said.push(`emit ${signal}`),
  });
  return said;
}

test.each<[NodeJS.Platform, KeySignal, readonly string[]]>([
  ['linux', 'SIGINT', ['kill 7 SIGINT']],
  ['darwin', 'SIGQUIT', ['kill 7 SIGQUIT']],
  // A shell or npm may be the first process of the job.
  ['linux', 'SIGTSTP', ['kill 0 SIGTSTP']],
  // A signal would end the process before it has settled anything.
  ['win32', 'SIGINT', ['emit SIGINT']],
  ['win32', 'SIGTSTP', []],
  ['win32', 'SIGQUIT', []],
])('on %s, the key of %s does what a terminal does there', (platform, name, expected) => {
  expect(heard(platform, name)).toEqual(expected);
});
