import type { Identity } from '@activation-hub/membership';
import { CommandError } from '../terminal/command-error.ts';

/**
 * Reads `namespace:identity`; the identity may have colons itself. Throws `CommandError` (2), which
 * does not show what it got.
 */
export function readPerson(text: string): Identity {
  const end = text.indexOf(':');
  const namespace = text.slice(0, Math.max(end, 0)).toLowerCase();
  const value = text.slice(end + 1);
  if (!/^[^\s:]+$/.test(namespace) || value === '') {
    throw new CommandError(
      2,
      'Failed to read the identity: write namespace:identity, such as crmid:C-1, with the identity as AEP exports it.',
    );
  }
  return { namespace, value };
}
