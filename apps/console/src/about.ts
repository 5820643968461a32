import type { About } from '@activation-hub/console-contract';
import { useQuery } from '@tanstack/react-query';
import { ask } from './session.ts';

/** What the page is about, asked once. */
export function useAbout(): About | undefined {
  return useQuery({ queryKey: ['about'], queryFn: () => ask<About>('about'), staleTime: Infinity }).data;
}

/**
 * How often something is asked again: of an environment each look costs requests of its storage
 * account, so less often, or not by itself.
 */
export function useRefetch(localEveryMs: number, deployedEveryMs: number | false): number | false {
  return useAbout()?.isLocal === false ? deployedEveryMs : localEveryMs;
}
