import { availableParallelism, loadavg } from 'node:os';
import { rounded } from './statistics.ts';

/**
 * What else a machine had to do decides what a figure is worth: its cores, and the processes that
 * wanted one in the last minute.
 */
export interface MachineLoad {
  readonly cores: number;
  readonly loadBefore: number;
}

/** To be asked before a bench adds its own. */
export function machineLoad(): MachineLoad {
  return { cores: availableParallelism(), loadBefore: rounded(loadavg()[0] ?? 0, 1) };
}

/** As a line of a table's foot. */
export function loadLine({ cores, loadBefore }: MachineLoad): string {
  return `${cores} cores, load ${loadBefore} before the run\n`;
}
