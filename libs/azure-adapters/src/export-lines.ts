import { createHash, type Hash } from 'node:crypto';

/** The first line of an export: by it another file is refused. */
interface Heading {
  readonly export: 'activation-hub-ledger';
  /** Those of format 2, of release 0.1.0, have no ending. */
  readonly format: 2 | 3;
  readonly exportedAt: string;
}

/** The last line of an export: by it a file that was cut or changed is refused. */
interface Ending {
  readonly end: 'activation-hub-ledger';
  readonly rows: number;
  /** Of the lines before, each with its line feed, in hexadecimal. */
  readonly sha256: string;
}

/**
 * A row as the service has it: each typed column with the name of its type, so that it comes back
 * as what it was.
 */
export type WholeEntity = Readonly<Record<string, unknown>> & {
  readonly partitionKey: string;
  readonly rowKey: string;
};

/** What the service itself adds to a row. */
const ofService = ['etag', 'timestamp', 'odata.metadata'];

/** The lines of an export: a heading, then a row a line, and at last how many these are. */
export async function* exportLines(rows: AsyncIterable<object>, nowMs: number): AsyncGenerator<string, void> {
  const hash = createHash('sha256');
  const hashed = (line: string): string => {
    addLine(hash, line);
    return line;
  };
  yield hashed(
    JSON.stringify({
      export: 'activation-hub-ledger',
      format: 3,
      exportedAt: new Date(nowMs).toISOString(),
    } satisfies Heading),
  );
  let count = 0;
  for await (const row of rows) {
    count += 1;
    yield hashed(JSON.stringify(Object.fromEntries(Object.entries(row).filter(([name]) => !ofService.includes(name)))));
  }
  yield JSON.stringify({
    end: 'activation-hub-ledger',
    rows: count,
    sha256: hash.digest('hex'),
  } satisfies Ending);
}

/** What was read of an export when all of it was. */
export interface ReadExport {
  readonly rows: number;
  /** Its last line says that it is whole; one of release 0.1.0 has no such line. */
  readonly isSealed: boolean;
}

/** Takes an export line by line. Its sentences name the line, and quote nothing of it. */
export class ExportReader {
  readonly #hash = createHash('sha256');
  #format: Heading['format'] | undefined;
  #lines = 0;
  #rows = 0;
  #isSealed = false;

  /** Gives the row of the line; undefined for the heading and the ending. Throws a sentence. */
  take(line: string): WholeEntity | undefined {
    this.#lines += 1;
    if (this.#lines > 1) return line === '' ? undefined : this.#takeLine(line);
    this.#format = readHeading(line).format;
    addLine(this.#hash, line);
    return undefined;
  }

  /** Throws a sentence unless the lines were a whole export, as far as its format lets one tell. */
  end(): ReadExport {
    if (this.#lines === 0)
      throw new Error('Failed to import the ledger: the file is empty. Give a file that export wrote.');
    if (this.#format === 3 && !this.#isSealed) {
      throw new Error(
        `Failed to import the ledger: the file ends after ${rowCount(this.#rows)} without the last line of an export; it was cut off. ${restore}`,
      );
    }
    return { rows: this.#rows, isSealed: this.#isSealed };
  }

  #takeLine(line: string): WholeEntity | undefined {
    const found = parsed(line, this.#lines) as (Partial<WholeEntity> & Partial<Ending>) | null;
    if (this.#isSealed)
      throw new Error(
        `Failed to import the ledger: line ${this.#lines} comes after the last line of an export. ${restore}`,
      );
    if (typeof found?.partitionKey === 'string' && typeof found.rowKey === 'string') {
      this.#rows += 1;
      addLine(this.#hash, line);
      return found as WholeEntity;
    }
    if (found?.end !== 'activation-hub-ledger')
      throw new Error(`Failed to import the ledger: line ${this.#lines} is no row. ${restore}`);
    if (found.rows !== this.#rows) {
      throw new Error(
        `Failed to import the ledger: the file has ${rowCount(this.#rows)}, and its last line says ${String(found.rows)}. ${restore}`,
      );
    }
    if (found.sha256 !== this.#hash.digest('hex'))
      throw new Error(`Failed to import the ledger: the file was changed after it was exported. ${restore}`);
    this.#isSealed = true;
    return undefined;
  }
}

const restore = 'Restore the file, then import it again.';

const rowCount = (rows: number): string => `${rows} ${rows === 1 ? 'row' : 'rows'}`;

function addLine(hash: Hash, line: string): void {
  hash.update(line).update('\n');
}

function readHeading(line: string): Heading {
  const heading = parsed(line, 1) as Partial<Heading> | null;
  if (heading?.export === 'activation-hub-ledger' && (heading.format === 2 || heading.format === 3))
    return heading as Heading;
  throw new Error(
    'Failed to import the ledger: the first line is not that of an export of this version. Give a file that `activation ledger export` wrote.',
  );
}

function parsed(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Without the cause: a parser's message quotes the line, which is personal data.
    throw new Error(
      `Failed to import the ledger: line ${number} is not JSON; the file may be cut off. Restore it, then import it again.`,
    );
  }
}
