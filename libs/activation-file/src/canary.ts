import type { ActivationFile, AudienceEntry } from './activation-file.ts';
import type { Objection } from './check-value.ts';
import { deepFreeze, frozenMap, isMapping } from './deep-freeze.ts';
import { pathText } from './problem.ts';
import type { Path } from './problem.ts';

/**
 * The names under which a canary goes the whole way, from Event Hubs to the ledger. They are built
 * in, so that they work with every activation file; none may use them.
 */
export const canary = deepFreeze({
  /** The key of its destination and of its audience. */
  key: 'canary',
  audience: { namespace: 'activation-hub', id: 'canary' },
  identity: { namespace: 'activation-hub-canary', value: 'canary' },
  /**
   * The only attribute of a canary: another value each time, so that the destination is told each
   * time.
   */
  attribute: 'activationHubCanary',
});

/** The one row of the ledger that canaries have, every time the same. */
export const canaryLedgerKey = deepFreeze({
  destination: canary.key,
  identity: canary.identity,
  audience: canary.audience,
});

const canaryAudience: AudienceEntry = deepFreeze({
  key: canary.key,
  ...canary.audience,
  formerly: [],
  ledgerId: canary.audience.id,
  routes: [
    {
      audience: canary.key,
      destination: canary.key,
      identityNamespaces: [canary.identity.namespace],
      identities: 'first',
      follow: [],
      attributes: [{ name: 'sent', path: [canary.attribute] }],
      options: {},
      mode: 'live',
    },
  ],
});

/**
 * The file with the audience of the canary and its route besides; the destination is for the caller
 * to bring.
 */
export function withCanary(file: ActivationFile): ActivationFile {
  return Object.freeze({
    ...file,
    audiences: frozenMap([...file.audiences, [canary.key, canaryAudience]]),
    routes: Object.freeze([...file.routes, ...canaryAudience.routes]),
  });
}

type Mapping = Readonly<Record<string, unknown>>;

/**
 * Where a file, as it is written, uses a name of the canary. Upper and lower case are the same, as
 * they are in an export.
 */
export function namesOfCanary(file: {
  readonly destinations: Mapping;
  readonly audiences: Mapping;
}): readonly Objection[] {
  const objections: Objection[] = [];
  const take = (path: Path, atKey: boolean, advice: string): void => {
    const message = `${pathText(path)} is kept for the built-in canary. ${advice}`;
    objections.push({ path, message, atKey });
  };
  for (const part of ['destinations', 'audiences'] as const) {
    if (Object.hasOwn(file[part], canary.key)) take([part, canary.key], true, 'Take another key.');
  }
  for (const [key, entry] of Object.entries(file.audiences)) {
    if (!isMapping(entry)) continue;
    const path = ['audiences', key];
    if (isSame(entry.namespace, canary.audience.namespace)) {
      take([...path, 'namespace'], false, 'Write the namespace that AEP has for the audience.');
    }
    for (const [index, route] of (Array.isArray(entry.activate) ? entry.activate : []).entries()) {
      for (const name of ['identity', 'follow']) {
        const namespaces = isMapping(route) ? route[name] : undefined;
        const at = [...path, 'activate', index, name];
        if (isSame(namespaces, canary.identity.namespace)) take(at, false, 'Write another identity namespace.');
        for (const [place, namespace] of (Array.isArray(namespaces) ? namespaces : []).entries()) {
          if (isSame(namespace, canary.identity.namespace)) take([...at, place], false, 'Leave it out.');
        }
      }
    }
  }
  return objections;
}

function isSame(written: unknown, reserved: string): boolean {
  return typeof written === 'string' && written.toLowerCase() === reserved;
}
