import type { ActivationFile, AudienceEntry, DestinationEntry, KnownDestinations, Route } from './activation-file.ts';
import { activationFileSchema, entrySchemas, keyPattern } from './activation-file-schema.ts';
import type { WrittenActivationFile } from './activation-file-schema.ts';
import { canonicalId, canonicalNamespace } from './canonical-audience.ts';
import { checkReferences } from './check-references.ts';
import { checkValue } from './check-value.ts';
import type { Objection } from './check-value.ts';
import { deepFreeze, frozenMap, isMapping } from './deep-freeze.ts';
import { ActivationFileError, pathText } from './problem.ts';
import type { Problem } from './problem.ts';
import { readYamlDocument } from './yaml-document.ts';
import type { Finding, YamlDocument } from './yaml-document.ts';

export interface ParseOptions {
  /** What problems call the file. */
  readonly fileName: string;
  /** The kinds of destinations that may be used. */
  readonly destinations: KnownDestinations;
  /**
   * Epoch milliseconds, as of which versions of vendors' APIs are warned of before they end;
   * without it none is.
   */
  readonly nowMs?: number;
}

/**
 * Reads the text of an activation file and checks all of it. Throws `ActivationFileError` with
 * every problem found (for a text that is not YAML: with what the YAML parser found), sorted by
 * line and column, and nothing else unless a schema of a destination throws.
 */
export function parseActivationFile(text: string, { fileName, destinations, nowMs }: ParseOptions): ActivationFile {
  const document = readYamlDocument(text);
  if ('findings' in document) throw new ActivationFileError(problems(fileName, document.findings));
  if (document.value === null) {
    const message = 'The file is empty. Write version: 1, and below it destinations: and audiences:.';
    throw new ActivationFileError(problems(fileName, [{ line: 1, column: 1, path: [], message }]));
  }
  const form = checkValue(activationFileSchema, document.value, { path: [], showWords: true });
  const references = checkReferences(document.value, destinations, nowMs);
  const objections = [
    ...(form.success ? [] : form.objections),
    ...underBadKeys(document.value),
    ...references.objections,
  ];
  // Where something is wrong, a doubt about it is of no use.
  const wrong = new Set(objections.map(({ path }) => pathText(path)));
  const doubts = references.warnings.filter(({ path }) => !wrong.has(pathText(path)));
  const warnings = problems(fileName, located(doubts, document));
  if (!form.success || objections.length > 0) {
    throw new ActivationFileError(problems(fileName, located(objections, document)), warnings);
  }
  return assemble(form.data, {
    written: document.value as WrittenForm,
    options: references.options,
    warnings,
  });
}

/** What the schema of the file leaves unsaid: it looks at no entry whose key is wrong. */
function underBadKeys(written: unknown): readonly Objection[] {
  const file = isMapping(written) ? written : {};
  return (['destinations', 'audiences'] as const).flatMap((part) => {
    const { [part]: entries } = file;
    return Object.entries(isMapping(entries) ? entries : {}).flatMap(([key, entry]) => {
      if (keyPattern.test(key)) return [];
      const checked = checkValue(entrySchemas[part], entry, { path: [part, key], showWords: true });
      return checked.success ? [] : checked.objections;
    });
  });
}

/** What of the file as written is kept where the schema would fill in defaults. */
interface WrittenForm {
  readonly destinations: Readonly<Record<string, { readonly settings?: unknown }>>;
}

interface Findings {
  readonly written: WrittenForm;
  readonly options: ReadonlyMap<string, unknown>;
  readonly warnings: readonly Problem[];
}

function assemble(file: WrittenActivationFile, { written, options, warnings }: Findings): ActivationFile {
  const destinations = Object.entries(file.destinations).map(
    ([key, { formerly, type, limits = {}, giveUpAfter, retryAfterMax }]): [string, DestinationEntry] => [
      key,
      deepFreeze({
        key,
        formerly: listOf(formerly),
        ledgerName: listOf(formerly).at(-1) ?? key,
        type,
        settings: written.destinations[key]?.settings ?? {},
        limits,
        ...(giveUpAfter === undefined ? {} : { giveUpAfterMs: durationMs(giveUpAfter) }),
        ...(retryAfterMax === undefined ? {} : { retryAfterMaxMs: durationMs(retryAfterMax) }),
      }),
    ],
  );
  const audiences = Object.entries(file.audiences).map(([key, audience]): [string, AudienceEntry] => {
    const { name, consent } = audience;
    const namespace = canonicalNamespace(audience.namespace);
    const id = canonicalId(audience.id);
    const formerly = listOf(audience.formerly).map(canonicalId);
    const routes = audience.activate.map((route, index): Route => ({
      audience: key,
      destination: route.destination,
      identityNamespaces: listOf(route.identity).map(canonicalNamespace),
      identities: route.identities,
      follow: listOf(route.follow).map(canonicalNamespace),
      attributes: Object.entries(route.attributes).map(([as, path]) => ({ name: as, path: path.split('.') })),
      options: options.get(pathText(['audiences', key, 'activate', index])),
      mode: route.mode,
    }));
    return [
      key,
      deepFreeze({
        key,
        namespace,
        id,
        formerly,
        ledgerId: formerly.at(-1) ?? id,
        ...(name === undefined ? {} : { name }),
        ...(consent === undefined ? {} : { consentPath: consent.split('.') }),
        routes,
      }),
    ];
  });
  return Object.freeze({
    destinations: frozenMap(destinations),
    audiences: frozenMap(audiences),
    stall: Object.freeze(file.stall),
    routes: Object.freeze(audiences.flatMap(([, { routes }]) => routes)),
    warnings,
  });
}

/** Of what may be written as one text or as a list of them. */
function listOf(written: string | readonly string[] | undefined): readonly string[] {
  return written === undefined ? [] : [written].flat();
}

const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Of a duration that the schema has found to be one, such as `24h`. */
function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * (unitsMs[text.slice(-1)] ?? Number.NaN);
}

function located(objections: readonly Objection[], document: YamlDocument): readonly Finding[] {
  return objections.map(({ path, message, atKey }) => ({
    ...(atKey ? document.positionOfKey(path) : document.positionOf(path)),
    path,
    message,
  }));
}

function problems(fileName: string, findings: readonly Finding[]): readonly Problem[] {
  const sorted = [...findings].sort((left, right) => left.line - right.line || left.column - right.column);
  return deepFreeze(
    sorted.map(({ line, column, path, message }) => ({ fileName, line, column, path: pathText(path), message })),
  );
}
