import {
  accountErrorIn,
  type AnswerRules,
  DestinationError,
  errorFor,
  type HttpResponse,
} from '@activation-hub/destination-kit';
import { marketingCloudErrors } from './errors.ts';

/**
 * The kind of the SOAP fault that the answer is: `Security`, `Client`, `Server`; `undefined` when
 * it is none.
 */
export const faultIn = ({ body }: HttpResponse): string | undefined =>
  /<faultcode[^>]*>(?:[\w-]+:)?(\w+)<\/faultcode>/.exec(body)?.[1];

/**
 * An answer is judged by its fault, which is of the whole request, else by its status. Where the
 * account is throttled, it is a fault of the server too ("Rate Limiting").
 */
export const marketingCloudAnswers: AnswerRules = {
  vendor: 'Marketing Cloud',
  errors: marketingCloudErrors,
  codesOf: (response) => [faultIn(response) ?? []].flat(),
  undocumented: () => 'transient',
  throttledMs: 60_000,
};

/** The result of one row: only its place when it was accepted. */
export interface RowResult {
  readonly isTaken: boolean;
  readonly code: string;
  /** Marketing Cloud names a column whose value, or the key, it does not take. */
  readonly isInvalid: boolean;
}

/** The text of this element, where the part of the answer has one. */
const textIn = (part: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(part)?.[1];

const partsOf = ({ body }: HttpResponse, name: string): readonly string[] =>
  [...body.matchAll(new RegExp(`<${name}[\\s>].*?</${name}>`, 'gs'))].map(([part]) => part);

/** A success that is one of these, whole. Throws `DestinationError` for any other. */
function requireWhole(response: HttpResponse, kind: string): void {
  const isWhole =
    !response.isUnread && response.body.includes('<OverallStatus') && response.body.includes(`</${kind}>`);
  if (isWhole) return;
  const why = 'the answer is not what the vendor documents. Check the SOAP Base URI.';
  throw new DestinationError('transient', `Failed to read the answer: ${why}`, { doubt: 'answered' });
}

/**
 * The results of rows that were written or deleted, by their places in the request (`OrdinalID`).
 * Throws `DestinationError` where the failure is of the account: then no row is judged.
 */
export function readResults(
  response: HttpResponse,
  kind: 'UpdateResponse' | 'DeleteResponse',
  count: number,
): ReadonlyMap<number, RowResult> {
  requireWhole(response, kind);
  const results = new Map<number, RowResult>();
  for (const part of partsOf(response, 'Results')) {
    results.set(Number(textIn(part, 'OrdinalID') ?? Number.NaN), {
      isTaken: textIn(part, 'StatusCode') === 'OK',
      code: textIn(part, 'ErrorCode') ?? '',
      isInvalid: /<(?:KeyError|ValueError)[\s>]/.test(part),
    });
  }
  const codes = Array.from({ length: count }, (_, place) => results.get(place)).map((result) =>
    result === undefined || result.isTaken ? undefined : result.code,
  );
  const ofAccount = accountErrorIn(marketingCloudErrors, codes);
  if (ofAccount === undefined) return results;
  throw errorFor(ofAccount, `Marketing Cloud answered with the error ${ofAccount.code}`, { doubt: 'answered' });
}

/** The keys of the rows that were found. */
export function readKeys(response: HttpResponse): ReadonlySet<string> {
  requireFound(response);
  return new Set(partsOf(response, 'Results').map((part) => unescaped(textIn(part, 'Value') ?? '').toLowerCase()));
}

export interface Column {
  readonly name: string;
  readonly isKey: boolean;
}

/** The columns of a data extension; none where there is no such data extension. */
export function readColumns(response: HttpResponse): readonly Column[] {
  requireFound(response);
  return partsOf(response, 'Results').map((part) => ({
    name: unescaped(textIn(part, 'Name') ?? ''),
    isKey: textIn(part, 'IsPrimaryKey') === 'true',
  }));
}

function requireFound(response: HttpResponse): void {
  requireWhole(response, 'RetrieveResponseMsg');
  if (textIn(response.body, 'OverallStatus') === 'OK') return;
  const why = 'Marketing Cloud could not look. Check that the integration may read data extensions, and its data.';
  throw new DestinationError('set-up', `Failed to look for rows: ${why}`);
}

const characters: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (_all, decimal?: string, hex?: string, name?: string) =>
    name === undefined
      ? String.fromCodePoint(decimal === undefined ? parseInt(hex ?? '', 16) : Number(decimal))
      : (characters[name] ?? ''),
  );
