import { CachedLookup } from './cached-lookup.ts';
import { afterPart } from './after-part.ts';
import { reading } from './reading.ts';
import { DestinationError, SignInError } from './verdict.ts';

/**
 * The list to use of those that were found; or why none is usable, in a sentence with what to do.
 */
export type Choice<List> = { readonly use: List } | { readonly refuse: string };

/** An answer that may say that the list is gone, of a class that does not say so. */
export class ListGone extends DestinationError {}

/**
 * How a connector finds what the options of a route name: a list, a campaign, an audience, a
 * segment.
 */
export interface ListRules<Options, Found, List> {
  /**
   * All that the options may mean; in the same order for every process, where a name may be of
   * several.
   */
  readonly find: (options: Options, signal: AbortSignal) => Promise<readonly Found[]>;
  /** Whether the options allow to create what is not there. */
  readonly mayCreate: (options: Options) => boolean;
  /**
   * Creates it, and gives what it created. Another process may create one at the same time, so
   * `find` is asked once more after it, also where the vendor refuses, and `choose` gets what is
   * there then: what was created counts only where nothing is found yet.
   */
  readonly create: (options: Options, signal: AbortSignal) => Promise<readonly Found[]>;
  /** Chooses from what was found, nothing and several included. */
  readonly choose: (
    found: readonly Found[],
    options: Options,
    signal: AbortSignal,
  ) => Choice<List> | Promise<Choice<List>>;
  /** What a person should mend, though what was found can be used; none when absent. */
  readonly flaw?: (found: readonly Found[], options: Options) => string | undefined;
}

/**
 * What options name at a vendor, looked up once and remembered, and created once where the options
 * allow it. Options are plain JSON. When a method throws `DestinationError`, no change was sent, so
 * it is without doubt.
 */
export class NamedLists<Options, Found, List> {
  readonly #rules: ListRules<Options, Found, List>;
  readonly #lists = new CachedLookup((key, signal) => this.#findOrCreate(JSON.parse(key) as Options, signal));

  constructor(rules: ListRules<Options, Found, List>) {
    this.#rules = rules;
  }

  /**
   * Gives the list. Throws `DestinationError`: class `set-up` when there is none that can be used,
   * or the vendor refuses to look for it or to make it.
   */
  get(options: Options, signal: AbortSignal): Promise<List> {
    return this.#lists.get(JSON.stringify(options), signal);
  }

  /** The next one looks anew: the list turned out to be gone or closed. */
  forget(options: Options): void {
    this.#lists.forget(JSON.stringify(options));
  }

  /** Looks anew: gives the list that there is now. */
  getAnew(options: Options, signal: AbortSignal): Promise<List> {
    this.forget(options);
    return this.get(options, signal);
  }

  /**
   * Tells something of the list, by `call`. A vendor answers a list that is gone like a row that it
   * refuses: then the list is looked up anew, which says so, and where there is another one now,
   * `call` is repeated with it. Throws what `call` throws where the list is still the same.
   */
  async use<Told>(options: Options, call: (list: List) => Promise<Told>, signal: AbortSignal): Promise<Told> {
    const list = await this.get(options, signal);
    try {
      return await call(list);
    } catch (error) {
      if (!(error instanceof DestinationError) || error.doubt === 'unanswered') throw error;
      if (!maySayGone(error)) throw error;
      const again = async () => {
        const current = await this.#lists.getAfter(list, JSON.stringify(options), signal);
        if (current === list) throw error;
        return await call(current);
      };
      return await (error.doubt === undefined ? again() : afterPart(again()));
    }
  }

  /** Says what is wrong with the list of these options; creates nothing. */
  async problem(options: Options, signal: AbortSignal): Promise<string | undefined> {
    const { find, mayCreate, choose, flaw } = this.#rules;
    const found = await reading(find(options, signal));
    if (found.length === 0 && mayCreate(options)) return undefined;
    const choice = await reading(Promise.resolve(choose(found, options, signal)));
    return 'refuse' in choice ? choice.refuse : flaw?.(found, options);
  }

  /** Gives the list of these options where there is one that can be used; creates nothing. */
  async found(options: Options, signal: AbortSignal): Promise<List | undefined> {
    const { find, choose } = this.#rules;
    const choice = await reading(find(options, signal).then((found) => choose(found, options, signal)));
    return 'use' in choice ? choice.use : undefined;
  }

  /**
   * The connector's `probe`, where there is nothing else to look at: says what is wrong with the
   * lists of these routes.
   */
  async probe(routes: readonly Options[], signal: AbortSignal): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const options of routes) {
      const problem = await this.problem(options, signal);
      if (problem !== undefined) problems.push(problem);
    }
    return problems;
  }

  async #findOrCreate(options: Options, signal: AbortSignal): Promise<List> {
    const { find, mayCreate, choose } = this.#rules;
    let found = await ofNoRow(find(options, signal));
    if (found.length === 0 && mayCreate(options)) found = await ofNoRow(this.#create(options, signal));
    const choice = await ofNoRow(Promise.resolve(choose(found, options, signal)));
    if ('refuse' in choice) throw new DestinationError('set-up', choice.refuse);
    return choice.use;
  }

  /**
   * Creates the list, and gives what there is then. Throws why it was not created when nothing is
   * there.
   */
  async #create(options: Options, signal: AbortSignal): Promise<readonly Found[]> {
    const { find, create } = this.#rules;
    let created: readonly Found[];
    try {
      created = await create(options, signal);
    } catch (error) {
      if (!isAnswer(error)) throw error;
      const ofAnother = await find(options, signal);
      if (ofAnother.length === 0) throw error;
      return ofAnother;
    }
    const found = await find(options, signal);
    return found.length > 0 ? found : created;
  }
}

function maySayGone(error: DestinationError): boolean {
  if (error instanceof SignInError) return false;
  return error instanceof ListGone || error.class === 'invalid' || error.class === 'set-up';
}

/** Whether the vendor answered, so that it may have refused a second list of the name. */
const isAnswer = (error: unknown): boolean =>
  error instanceof DestinationError &&
  error.class !== 'throttled' &&
  error.class !== 'fatal' &&
  error.doubt !== 'unanswered';

/**
 * Reads as `reading` does; what the vendor refuses here is at fault itself, and halves of a batch
 * would be refused like it.
 */
async function ofNoRow<T>(work: Promise<T>): Promise<T> {
  try {
    return await reading(work);
  } catch (error) {
    if (!(error instanceof DestinationError) || error.class !== 'invalid') throw error;
    throw new DestinationError('set-up', error.message, { cause: error });
  }
}
