import type { ReceiverKind } from './receivers.ts';

/** Mapped attributes of every route: name in the destination, and XDM path. */
export const mappedAttributes = {
  tier: 'loyalty.tier',
  mail: 'personalEmail.address',
  firstName: 'person.name.firstName',
} as const;
export const consentPath = 'consents.marketing.email.val';
/** The first of these that a person has names them at every destination. */
export const identityNamespaces = ['crmid', 'email'] as const;

/** Which receivers hear of which audience: each of every receiver, and those that fail beside the reliable one. */
export const audiences: Readonly<Record<string, readonly ReceiverKind[]>> = {
  gated: ['reliable', 'down', 'throttling'],
  second: ['reliable', 'hanging', 'halving'],
  third: ['reliable', 'closing', 'down'],
};

/** How long a request may take: the one number that is shorter than the default, so that hanging costs less of a short run. */
const timeoutMs = 2_000;

/** An activation file with a webhook for each receiver. `x-host` says which host told, and is a secret of that host. */
export function chaosFile(urls: ReadonlyMap<ReceiverKind, string>): string {
  const quoted = (words: readonly string[]): string => `[${words.join(', ')}]`;
  const attributes = Object.entries(mappedAttributes).map(([name, path]) => `${name}: ${path}`);
  const lines = ['version: 1', 'destinations:'];
  for (const [kind, url] of urls) {
    lines.push(
      `  ${kind}:`,
      '    type: webhook',
      '    settings:',
      `      url: ${url}`,
      `      timeoutMs: ${timeoutMs}`,
      '      signingSecret: { secret: signing }',
      '      headers: { x-host: { secret: host } }',
    );
  }
  lines.push('audiences:');
  for (const [key, kinds] of Object.entries(audiences)) {
    lines.push(`  ${key}:`, `    id: chaos-${key}`);
    if (key === 'gated') lines.push(`    consent: ${consentPath}`);
    lines.push('    activate:');
    for (const kind of kinds.filter((each) => urls.has(each))) {
      lines.push(
        `      - destination: ${kind}`,
        `        identity: ${quoted(identityNamespaces)}`,
        `        attributes: { ${attributes.join(', ')} }`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
