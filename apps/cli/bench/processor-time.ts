import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';

const ticksPerSecond = 100;

/** Seconds of processors that a process has taken so far. From /proc, so it needs Linux. */
export async function processorSeconds(processId: number): Promise<number> {
  const stat = await readFile(`/proc/${processId}/stat`, 'utf8');
  // After the name in brackets, utime and stime are the 12th and 13th field (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Begins to look at all processors; what it gives says what share of them was at work since. */
export function watchProcessors(): () => number {
  const before = processorTimes();
  return () => {
    const { all, idle } = processorTimes();
    return 1 - (idle - before.idle) / (all - before.all);
  };
}

function processorTimes(): { readonly all: number; readonly idle: number } {
  const times = cpus().map((each) => each.times);
  const idle = times.reduce((sum, each) => sum + each.idle, 0);
  const all = times.reduce((sum, { user, nice, sys, irq, idle: none }) => sum + user + nice + sys + irq + none, 0);
  return { all, idle };
}
