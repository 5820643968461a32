import { logAlerts, type Alert, type AlertLimits } from './alert-rules.ts';
import { metricRules } from './metric-rules.ts';

/** Every alert of an environment, with what it means. */
export function alertsOf(limits: AlertLimits): readonly Alert[] {
  return [...metricRules, ...logAlerts(limits)];
}

/** Where the runbooks are in the repository; one per alert, named after it. */
export const runbooksFolder = 'docs/operating/runbooks';

/**
 * What an alert says to the operator on call: what it means, and its runbook, as a link where the
 * stack knows where the repository is on the web.
 */
export function alertWords({ name, meaning }: Alert, repositoryUrl: string): string {
  return `${meaning} Runbook: ${runbookOf(name, repositoryUrl)}`;
}

/** The address of an alert's runbook, or its path in the repository. */
export function runbookOf(name: string, repositoryUrl: string): string {
  const path = `${runbooksFolder}/${name}.md`;
  return repositoryUrl === '' ? path : `${repositoryUrl.replace(/\/+$/, '')}/${path}`;
}
