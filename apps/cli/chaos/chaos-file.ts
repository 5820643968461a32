import type { IdentityChoice } from '@activation-hub/membership';
import type { ReceiverKind } from './receivers.ts';

/** Mapped attributes of every route: name in the destination, and XDM path. */
export const mappedAttributes = {
  tier: 'loyalty.tier',
  mail: 'personalEmail.address',
  firstName: 'person.name.firstName',
} as const;
export const consentPath = 'consents.marketing.email.val';

export const audiences = ['gated', 'second', 'third'] as const;
export type ChaosAudience = (typeof audiences)[number];
/**
 * The audience in which consent counts: there an entry may follow an exit of the same
 * qualification.
 */
export const gatedAudience: ChaosAudience = 'gated';

/** The activation file before and after it changes in the middle of the run. */
export type FileVersion = 'before' | 'after';

/** One line of the activation file. */
export interface ChaosRoute {
  readonly audience: ChaosAudience;
  readonly receiver: ReceiverKind;
  readonly choice: IdentityChoice;
  readonly follow: readonly string[];
  /** Its change when the file changes; none when absent. */
  readonly changes?: 'added' | 'retired';
}

/** The first that a person has, while better ones and smaller ones appear and addresses change. */
const best = { choice: { namespaces: ['crmid', 'email'], identities: 'first' }, follow: ['ecid'] } as const;
const address = { choice: { namespaces: ['email'], identities: 'first' }, follow: ['crmid', 'ecid'] } as const;
/** All that a person has, while some come and go. */
const devices = { choice: { namespaces: ['ecid'], identities: 'all' }, follow: ['ecid'] } as const;

/**
 * Of every receiver each audience that it hears of: the reliable one of all, and beside it those
 * that fail.
 */
export const routes: readonly ChaosRoute[] = [
  { audience: 'gated', receiver: 'reliable', ...best },
  { audience: 'gated', receiver: 'down', ...best },
  { audience: 'gated', receiver: 'throttling', ...address },
  { audience: 'second', receiver: 'reliable', ...best, changes: 'retired' },
  { audience: 'second', receiver: 'hanging', ...best },
  { audience: 'second', receiver: 'halving', ...address },
  { audience: 'third', receiver: 'reliable', ...devices },
  { audience: 'third', receiver: 'closing', ...best },
  { audience: 'third', receiver: 'down', ...devices },
  { audience: 'third', receiver: 'halving', ...devices, changes: 'added' },
];

/**
 * From which destination a route that the file adds is filled: one of the same audience and the
 * same identities.
 */
export const filledFrom: ReceiverKind = 'reliable';
/** The destination that gets another name when the file changes. */
export const renamed = { receiver: 'throttling', after: 'slow' } as const;

/** The namespaces of identities that the tenant's people have. */
export const identityNamespaces = ['crmid', 'email', 'ecid'] as const;

/**
 * How long a request may take: the one number that is shorter than the default, so that hanging
 * costs less of a short run.
 */
const timeoutMs = 2_000;

/** The key of a receiver's destination in a version of the file. */
export function destinationKey(kind: ReceiverKind, version: FileVersion): string {
  return version === 'after' && kind === renamed.receiver ? renamed.after : kind;
}

/** Whose destination has this key in some version of the file. */
export function receiverOf(key: string): string {
  return key === renamed.after ? renamed.receiver : key;
}

/**
 * An activation file with a webhook for each receiver. `x-host` says which host told, and is a
 * secret of that host.
 */
export function chaosFile(urls: ReadonlyMap<ReceiverKind, string>, version: FileVersion): string {
  const quoted = (words: readonly string[]): string => `[${words.join(', ')}]`;
  const attributes = Object.entries(mappedAttributes).map(([name, path]) => `${name}: ${path}`);
  const lines = ['version: 1', 'destinations:'];
  for (const [kind, url] of urls) {
    const key = destinationKey(kind, version);
    lines.push(
      `  ${key}:`,
      '    type: webhook',
      ...(key === kind ? [] : [`    formerly: ${kind}`]),
      '    settings:',
      `      url: ${url}`,
      `      timeoutMs: ${timeoutMs}`,
      '      signingSecret: { secret: signing }',
      '      headers: { x-host: { secret: host } }',
    );
  }
  lines.push('audiences:');
  for (const audience of audiences) {
    lines.push(`  ${audience}:`, `    id: chaos-${audience}`);
    if (audience === gatedAudience) lines.push(`    consent: ${consentPath}`);
    lines.push('    activate:');
    for (const { receiver, choice, follow, changes } of routes.filter((each) => each.audience === audience)) {
      if (!urls.has(receiver) || (changes === 'added' && version === 'before')) continue;
      lines.push(
        `      - destination: ${destinationKey(receiver, version)}`,
        `        identity: ${quoted(choice.namespaces)}`,
        `        identities: ${choice.identities}`,
        `        follow: ${quoted(follow)}`,
        `        attributes: { ${attributes.join(', ')} }`,
        ...(changes === 'retired' && version === 'after' ? ['        mode: retired'] : []),
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
