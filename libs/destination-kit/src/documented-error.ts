import type { z } from 'zod';
import { classOfStatus, errorForResponse } from './error-for-response.ts';
import type { HttpResponse } from './http-message.ts';
import { DestinationError, type DestinationErrorClass, type Doubt, type Verdict } from './verdict.ts';

/** An error that a vendor documents, as a row of the table in its connector's folder. */
export interface DocumentedError {
  /** As the vendor writes it: a code, a reason, or a status. */
  readonly code: string;
  /**
   * The class of the request as a whole, or the verdict of the one row of which it is said.
   * `set-up` and `throttled` are of the account: every change is held, and none is rejected for it.
   */
  readonly means: DestinationErrorClass | Exclude<Verdict['status'], 'accepted'>;
  /**
   * True where the vendor says the same of one record: it is of the account only when it is said of
   * every row of a request.
   */
  readonly alsoOfOneRow?: true;
  /** True where the vendor says by it that it has done a part of what it was told. */
  readonly inPart?: true;
  /** What a person is to do, in a sentence; needed where only a person can mend it. */
  readonly advice?: string;
  /** Where it is documented, or seen. */
  readonly source: string;
  /**
   * True for one code of a vendor's list, of which the same is said as of the others with that
   * class, advice and source.
   */
  readonly isListed?: true;
}

export type DocumentedErrors = ReadonlyMap<string, DocumentedError>;

/**
 * Codes of a vendor's own list that have the same class and meaning. `codes` is a text with the
 * codes between white space.
 */
export interface ListedErrors extends Omit<DocumentedError, 'code' | 'isListed'> {
  readonly codes: string;
}

/** Gives a vendor's list as one row a code. */
export function rowsOf(listed: readonly ListedErrors[]): readonly DocumentedError[] {
  return listed.flatMap(({ codes, ...row }) =>
    codes
      .trim()
      .split(/\s+/)
      .map((code) => ({ code, ...row, isListed: true as const })),
  );
}

/**
 * Rows for statuses that a vendor documents and that mean what HTTP says of them. `advice` is for
 * those that are of the account, by the status, or several between white space.
 */
export function httpErrors(
  source: string,
  statuses: string,
  advice: Readonly<Record<string, string>> = {},
): readonly ListedErrors[] {
  const row = (codes: string) => ({
    codes,
    means: classOfStatus(Number.parseInt(codes.replace('XX', '00'), 10), false)[0],
    source,
  });
  return [
    ...statuses.split(/\s+/).filter(Boolean).map(row),
    ...Object.entries(advice).map(([codes, sentence]) => ({ ...row(codes), advice: sentence })),
  ];
}

/**
 * Rows for what only a person can mend: what that person is to do, by the code, or several between
 * white space.
 */
export function setUpErrors(source: string, advice: Readonly<Record<string, string>>): readonly ListedErrors[] {
  return Object.entries(advice).map(([codes, sentence]) => ({ means: 'set-up', source, codes, advice: sentence }));
}

/**
 * Gives the errors by their codes: those of which a row of their own says more, and the rest of the
 * vendor's list. Throws when a code stands twice, when a `set-up` does not say what to do, or when
 * a row and the list differ in what a code means.
 */
export function documentedErrors(
  errors: readonly DocumentedError[],
  listed: readonly ListedErrors[] = [],
): DocumentedErrors {
  const list = byCodes(rowsOf(listed));
  const rows = byCodes(errors);
  for (const { code, means } of rows.values()) {
    const inList = list.get(code);
    if (inList !== undefined && inList.means !== means)
      throw refusal(code, `the list says ${inList.means}. Correct one.`);
  }
  return new Map([...list, ...rows]);
}

function byCodes(errors: readonly DocumentedError[]): DocumentedErrors {
  const byCode = new Map<string, DocumentedError>();
  for (const error of errors) {
    const { code } = error;
    if (byCode.has(code)) throw refusal(code, 'it stands twice. Remove one.');
    if (error.means === 'set-up' && error.advice === undefined)
      throw refusal(code, 'it does not say what to do. Add advice.');
    byCode.set(code, error);
  }
  return byCode;
}

const refusal = (code: string, why: string): Error => new Error(`Failed to read the documented error ${code}: ${why}`);

/** Whether the error is of the account, and not of a request or a row. */
export const isOfAccount = ({ means }: DocumentedError): boolean => means === 'set-up' || means === 'throttled';

/**
 * The error of the account, where an answer that judges row by row holds one; `codes` has the code
 * of each row, `undefined` for a row that was taken. What the vendor also says of one record is of
 * the account only where all rows have it.
 */
export function accountErrorIn(
  errors: DocumentedErrors,
  codes: readonly (string | undefined)[],
): DocumentedError | undefined {
  const found = codes.map((code) => {
    const error = code === undefined ? undefined : errors.get(code);
    return error !== undefined && isOfAccount(error) ? error : undefined;
  });
  const certain = found.find((error) => error !== undefined && error.alsoOfOneRow !== true);
  if (certain !== undefined) return certain;
  return found.every((error) => error !== undefined) ? found[0] : undefined;
}

const adviceByClass: Readonly<Record<DestinationErrorClass, string>> = {
  invalid: 'Compare the request with what the vendor expects.',
  throttled: 'It is tried again when the vendor allows.',
  'set-up': 'Check the settings.',
  transient: 'It is tried again.',
  fatal: 'This is a defect of the connector.',
};

/**
 * What a documented error means for a whole request. `answered` is what may be shown of the answer,
 * such as `Meta answered with the error 190`. Where the table gives the verdict of one row, the
 * request holds that row: it is `invalid`, and halved.
 */
export function errorFor(
  { means, advice }: Pick<DocumentedError, 'means'> & { readonly advice?: string | undefined },
  answered: string,
  options: { readonly notBeforeMs?: number | undefined; readonly doubt?: Doubt | undefined } = {},
): DestinationError {
  const errorClass = Object.hasOwn(adviceByClass, means) ? (means as DestinationErrorClass) : 'invalid';
  const { notBeforeMs, doubt } = options;
  return new DestinationError(errorClass, `Failed to deliver: ${answered}. ${advice ?? adviceByClass[errorClass]}`, {
    doubt,
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
  });
}

/**
 * What an answer outside 2xx means for the whole request: how the vendor is called, and how long is
 * waited where the answer says nothing of it.
 */
export interface Answered {
  readonly vendor: string;
  /** After a limit; when absent, delivery finds out. */
  readonly throttledMs?: number | undefined;
  /** After a failure that passes; when absent, as delivery waits after any. */
  readonly transientMs?: number | undefined;
  /**
   * What a code of `not-found` means of all: what they are told of is missing (`set-up`), or one
   * person is, who is looked for by halves; the latter when absent.
   */
  readonly notFound?: 'set-up' | 'invalid';
  /** What may be shown of the answer beside its status; the code that decided when absent. */
  readonly shown?: string | undefined;
  /** What a code means that the table does not have, in an answer of 2xx. */
  readonly undocumented?: ((code: string) => DestinationErrorClass) | undefined;
}

/**
 * What an answer that is no success means for the whole request: a limit where its status says so,
 * else by the first of its `codes` that the table has, else by its status, of which a row of the
 * table, or of its hundred (`5XX`), may say more; a status of 2xx says nothing, so `undocumented`
 * does. What the vendor calls transient and the status does not may
 * be done in part. The message holds the status and the code, and nothing else of the answer.
 */
export function errorOfAnswer(
  errors: DocumentedErrors,
  codes: readonly string[],
  response: HttpResponse,
  nowMs: number,
  { vendor, throttledMs, transientMs, notFound = 'invalid', shown, undocumented }: Answered,
): DestinationError {
  const byStatus = errorForResponse(response, nowMs);
  const status = String(response.status);
  const statuses = [status, `${status.slice(0, 1)}XX`];
  const inTable = [...codes, ...statuses].map((code) => errors.get(code)).find((error) => error !== undefined);
  const documented = inTable ?? (response.status < 300 ? unknownError(codes, undocumented) : undefined);
  const isLimit = byStatus.class === 'throttled' || documented?.means === 'throttled';
  const means = isLimit ? 'throttled' : (documented?.means ?? byStatus.class);
  // What is said of one row asks for halves, until it is alone.
  const ofRow: Readonly<Record<string, DestinationErrorClass>> = {
    retry: 'transient',
    rejected: 'invalid',
    'not-found': notFound,
  };
  const errorClass = (ofRow[means] ?? means) as DestinationErrorClass;
  const byCode = documented === undefined || statuses.includes(documented.code) ? undefined : documented.code;
  const told = shown ?? byCode;
  const waitMs = errorClass === 'throttled' ? throttledMs : errorClass === 'transient' ? transientMs : undefined;
  const adviceOfStatus = classOfStatus(response.status, byStatus.notBeforeMs !== undefined)[1];
  const advice = documented === undefined ? adviceOfStatus : isLimit ? undefined : documented.advice;
  return errorFor(
    { means: errorClass, advice },
    `${vendor} answered ${status}${told === undefined ? '' : `, ${told}`}`,
    {
      doubt: documented?.inPart ? 'answered' : doubtOf(errorClass, byStatus),
      notBeforeMs: byStatus.notBeforeMs ?? (waitMs === undefined ? undefined : nowMs + waitMs),
    },
  );
}

const doubtOf = (errorClass: DestinationErrorClass, byStatus: DestinationError): Doubt | undefined => {
  if (errorClass !== 'transient') return undefined;
  return byStatus.class === 'transient' ? byStatus.doubt : 'answered';
};

/**
 * What a code outside of the table means, where that is said; it is shown where it is a short
 * number.
 */
function unknownError(
  [code]: readonly string[],
  undocumented: Answered['undocumented'],
): Omit<DocumentedError, 'source'> | undefined {
  if (code === undefined || undocumented === undefined) return undefined;
  return { code: /^\d{1,6}$/.test(code) ? code : 'an undocumented error', means: undocumented(code) };
}

/**
 * The codes in an answer, where it is JSON of this shape; gateways in front of a vendor answer in
 * HTML, and the status then says all that can be said.
 */
export function codesIn<Schema extends z.ZodType>(
  { body }: HttpResponse,
  schema: Schema,
  codesOf: (answer: z.output<Schema>) => readonly string[],
): readonly string[] {
  try {
    return codesOf(schema.parse(JSON.parse(body)));
  } catch {
    return [];
  }
}
