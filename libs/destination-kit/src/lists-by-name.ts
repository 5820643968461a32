import { type Choice, NamedLists } from './named-lists.ts';
import { DestinationError } from './verdict.ts';

/** What `listOptions` gives. */
export interface ListOptions<Id> {
  readonly list?: string | undefined;
  readonly listId?: Id | undefined;
  readonly createList: boolean;
}

/** A list of a vendor, as far as every vendor's are alike. */
export interface FoundList {
  readonly id: string | number;
  readonly name: string;
}

/** Some of a vendor's lists, and from where the next ones are asked for, where there are any. */
export interface ListPage<Found> {
  readonly lists: readonly Found[];
  readonly next?: string | undefined;
}

/** How the lists of a vendor are found and made, and which of them can be used. */
export interface ListDescription<Options extends ListOptions<Found['id']>, Found extends FoundList> {
  readonly vendor: string;
  /** What the vendor calls a list, as in "customer list". */
  readonly what: string;
  /**
   * Lists, the oldest first, from the place that the page before ended with: all, or those that
   * these options may mean.
   */
  readonly page: (from: string | undefined, signal: AbortSignal, options?: Options) => Promise<ListPage<Found>>;
  /** The list with this id; looked for on the pages when absent. */
  readonly read?: (id: Found['id'], signal: AbortSignal) => Promise<Found | undefined>;
  readonly create: (name: string, signal: AbortSignal, options: Options) => Promise<Found>;
  /** Whether the vendor can be asked to create one; when absent, wherever the options allow it. */
  readonly mayCreate?: boolean;
  /** Pages have no order of their own: of two lists the older one has the lower id. */
  readonly idsGrow?: true;
  /** What to do about a list that is not there; when absent, to create it, or let it be created. */
  readonly missing?: string;
  /**
   * Why this list cannot be used, with what to do: "it has expired. Name another."; it can when
   * absent.
   */
  readonly unfit?: (list: Found, options: Options) => string | undefined;
}

/** Pages that are looked through for one list. */
const pagesMax = 20;

/**
 * The lists that options name, by their name or their id, each by its id. Names need not be unique
 * at a vendor: of several that can be used it is the oldest, in every process, and `probe` says
 * that there are several.
 */
export class ListsByName<Options extends ListOptions<Found['id']>, Found extends FoundList> extends NamedLists<
  Options,
  Found,
  Found['id']
> {
  readonly #description: ListDescription<Options, Found>;

  constructor(description: ListDescription<Options, Found>) {
    const { vendor, what, read, create, mayCreate = true, idsGrow } = description;
    super({
      find: async (options, signal) => {
        const { list, listId } = options;
        if (listId !== undefined && read !== undefined) {
          const found = await read(listId, signal);
          return found === undefined ? [] : [found];
        }
        const named = (await this.all(signal, options)).filter(({ id, name }) =>
          listId === undefined ? name === list : id === listId,
        );
        return idsGrow ? named.toSorted((left, right) => (BigInt(left.id) < BigInt(right.id) ? -1 : 1)) : named;
      },
      mayCreate: ({ createList }) => createList && mayCreate,
      create: async (options, signal) => [await create(options.list ?? '', signal, options)],
      choose: (found, options) => choose(description, found, options),
      flaw: ({ length }, { list = '' }) =>
        length < 2
          ? undefined
          : `${vendor} has ${length} ${what}s named ${JSON.stringify(list)}: the oldest is used. Write the listId.`,
    });
    this.#description = description;
  }

  /**
   * All lists, or those that these options may mean. Throws `DestinationError` of class `set-up`
   * where there are too many.
   */
  async all(signal: AbortSignal, options?: Options): Promise<readonly Found[]> {
    const { vendor, what, page } = this.#description;
    const found: Found[] = [];
    let from: string | undefined;
    for (let count = 0; count < pagesMax; count += 1) {
      const { lists, next } = await page(from, signal, options);
      found.push(...lists);
      if (next === undefined) return found;
      from = next;
    }
    const why = `there are more than ${pagesMax} pages of them. Name it by listId, or delete those that no route needs.`;
    throw new DestinationError('set-up', `Failed to look for the ${vendor} ${what}: ${why}`);
  }
}

function choose<Options extends ListOptions<Found['id']>, Found extends FoundList>(
  { vendor, what, missing, unfit }: ListDescription<Options, Found>,
  found: readonly Found[],
  options: Options,
): Choice<Found['id']> {
  const { list, listId = '' } = options;
  const named = `the ${vendor} ${what} ${list === undefined ? `with the id ${listId}` : JSON.stringify(list)}`;
  const judged = found.map((each) => ({ id: each.id, why: unfit?.(each, options) }));
  const usable = judged.find(({ why }) => why === undefined);
  if (usable !== undefined) return { use: usable.id };
  const why = judged[0]?.why;
  if (why !== undefined) return { refuse: `Failed to use ${named}: ${why}` };
  return { refuse: `Failed to find ${named}. ${missing ?? createIt}` };
}

const createIt = 'Create it, or let the options create it by name (createList: true).';
