import type { z } from 'zod';
import type { HttpSender } from './authorized.ts';
import { type DocumentedErrors, errorOfAnswer } from './documented-error.ts';
import type { HttpRequest, HttpResponse } from './http-message.ts';
import { readAnswer } from './read-answer.ts';
import type { DestinationError, DestinationErrorClass } from './verdict.ts';

/** How a vendor says that it did not do what it was asked. */
export interface AnswerRules {
  /** How the vendor is called in an error. */
  readonly vendor: string;
  readonly errors: DocumentedErrors;
  /** The statuses with which it says that it did; 200 and 201 when absent. */
  readonly successes?: readonly number[];
  /** The codes in an answer, the most telling first; the status alone decides when absent. */
  readonly codesOf?: (response: HttpResponse) => readonly string[];
  /**
   * For a vendor that answers so to what failed too: an answer with a code is no success then, and
   * this says what a code means that the table of errors does not have, where the status is 2xx.
   */
  readonly undocumented?: (code: string) => DestinationErrorClass;
  /**
   * How long is waited after a limit where the answer says nothing of it; delivery finds out when
   * absent.
   */
  readonly throttledMs?: number | ((codes: readonly string[], response: HttpResponse) => number | undefined);
}

/** One vendor's API: sends requests, and reads answers by what its documents say of errors. */
export class VendorApi {
  readonly #http: HttpSender;
  readonly #rules: AnswerRules;
  readonly #now: () => number;

  constructor(http: HttpSender, rules: AnswerRules, now: () => number) {
    this.#http = http;
    this.#rules = rules;
    this.#now = now;
  }

  /** Gives the answer of a success. Throws `DestinationError` for any other. */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const response = await this.#http.send(request, signal);
    if (this.#hasFailed(response)) throw this.#errorOf(response);
    return response;
  }

  /** Gives the JSON of a success. Throws `DestinationError` for any other answer. */
  async ask<Schema extends z.ZodType>(
    request: HttpRequest,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.output<Schema>> {
    return readAnswer(await this.send(request, signal), schema);
  }

  /**
   * Asks for one thing: gives `undefined` where the vendor says, by one of these codes or statuses,
   * that it has none such.
   */
  async find<Schema extends z.ZodType>(
    request: HttpRequest,
    schema: Schema,
    absent: readonly string[],
    signal: AbortSignal,
  ): Promise<z.output<Schema> | undefined> {
    const response = await this.#http.send(request, signal);
    if (!this.#hasFailed(response)) return readAnswer(response, schema);
    const said = [String(response.status), ...this.#codesOf(response)];
    if (said.some((code) => absent.includes(code))) return undefined;
    throw this.#errorOf(response);
  }

  #codesOf(response: HttpResponse): readonly string[] {
    return this.#rules.codesOf?.(response) ?? [];
  }

  #hasFailed(response: HttpResponse): boolean {
    if (!(this.#rules.successes ?? [200, 201]).includes(response.status)) return true;
    return this.#rules.undocumented !== undefined && this.#codesOf(response).length > 0;
  }

  #errorOf(response: HttpResponse): DestinationError {
    return vendorError(this.#rules, response, this.#now());
  }
}

/** What an answer that is no success means for the whole request, by the rules of its vendor. */
export function vendorError(rules: AnswerRules, response: HttpResponse, nowMs: number): DestinationError {
  const { vendor, errors, codesOf, throttledMs, undocumented } = rules;
  const codes = codesOf?.(response) ?? [];
  return errorOfAnswer(errors, codes, response, nowMs, {
    vendor,
    throttledMs: typeof throttledMs === 'function' ? throttledMs(codes, response) : throttledMs,
    undocumented,
  });
}
