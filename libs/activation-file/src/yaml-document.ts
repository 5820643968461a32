import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Alias, ErrorCode, Node, Pair, YAMLMap } from 'yaml';
import { deepFreeze, isContainer } from './deep-freeze.ts';
import { pathText, quoted } from './problem.ts';
import type { Path } from './problem.ts';

const textLengthMax = 1024 * 1024;
/**
 * After aliases are expanded. The largest tenant (250 audiences, ten routes each) needs about a
 * tenth.
 */
const nodesMax = 200_000;
const depthMax = 64;
/** One mistake of syntax makes many lines look wrong; what comes after these tells nothing. */
const syntaxFindingsMax = 20;

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Finding extends Position {
  readonly path: Path;
  readonly message: string;
}

export interface YamlDocument {
  /** Plain data: mappings are objects with own keys only, frozen all the way down. */
  readonly value: unknown;
  /**
   * Where the value at this path is written; for one that is absent or empty, the nearest key above
   * it.
   */
  positionOf(path: Path): Position;
  /** Where the key that ends this path is written. */
  positionOfKey(path: Path): Position;
}

/**
 * Reads one YAML 1.2 document of the core schema, whatever the text is; never throws. Of mistakes
 * of syntax, the findings are the first of each line, and those of the first lines; otherwise they
 * are all that there are. They say what is wrong in our own words, because the parser's quote the
 * text, which may hold a secret.
 */
export function readYamlDocument(text: string): YamlDocument | { readonly findings: readonly Finding[] } {
  if (text.length > textLengthMax) {
    const message = `The file is longer than ${textLengthMax} characters. Split it, or use anchors for what repeats.`;
    return { findings: [{ line: 1, column: 1, path: [], message }] };
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    // Also decides whether a second document is reported; nothing is logged here.
    logLevel: 'error',
    merge: false,
    prettyErrors: false,
    resolveKnownTags: false,
    schema: 'core',
    stringKeys: true,
    // The parser's own check takes quadratic time; ours is in ValueReader.
    uniqueKeys: false,
  });
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const mistakes = [...document.errors, ...document.warnings];
  if (mistakes.length > 0) {
    const findings = mistakes.map(({ code, pos }) => ({ ...at(pos[0]), path: [], message: mistakeSentences[code] }));
    return { findings: withBraces(firstPerLine(findings), text) };
  }
  const values = new ValueReader();
  const value = values.read(document.contents, [], 0);
  if (values.objections.length > 0) {
    return { findings: values.objections.map(({ node, path, message }) => ({ ...at(startOf(node)), path, message })) };
  }
  const finder = new NodeFinder(document.contents, values.targets);
  return {
    value: deepFreeze(value),
    positionOf: (path) => {
      const { node, key, complete } = finder.find(path);
      const written = complete && node !== null && !(isScalar(node) && node.value === null);
      return at(startOf(written ? node : (key ?? node)));
    },
    positionOfKey: (path) => {
      const { node, key } = finder.find(path);
      return at(startOf(key ?? node));
    },
  };
}

interface Objection {
  readonly node: Node;
  readonly path: Path;
  readonly message: string;
}

/**
 * Makes plain data of the nodes of a document, in the order of the text, so that an alias finds the
 * anchors above it.
 */
class ValueReader {
  readonly objections: Objection[] = [];
  /** What each alias stands for. */
  readonly targets = new Map<Alias, Node>();
  readonly #anchors = new Map<string, { readonly node: Node; value?: { readonly read: unknown } }>();
  #nodes = 0;

  read(node: Node | null, path: Path, depth: number): unknown {
    if (node === null || this.#exceeds(node, path, depth, 1)) return null;
    if (isAlias(node)) return this.#readAlias(node, path, depth);
    const anchor: { node: Node; value?: { read: unknown } } = { node };
    const name = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (name !== undefined) this.#anchors.set(name, anchor);
    const read = this.#readContent(node, path, depth);
    anchor.value = { read };
    return read;
  }

  #readContent(node: Node, path: Path, depth: number): unknown {
    if (isSeq(node))
      return node.items.map((item, index) => this.read(item as Node | null, [...path, index], depth + 1));
    if (!isMap(node)) return isScalar(node) ? node.value : null;
    const mapping: Record<string, unknown> = {};
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = keyOf(pair);
      const value = this.read(pair.value, [...path, key], depth + 1);
      if (Object.hasOwn(mapping, key)) {
        const message = `${pathText([...path, key])} is written a second time in the same mapping. Keep one of the two.`;
        this.#object(pair.key, [...path, key], message);
      } else if (key === '<<') {
        const message =
          'The merge key << is not supported. Write its keys here, or repeat a whole value by its alias: *name.';
        this.#object(pair.key, [...path, key], message);
      } else if (key === '__proto__') {
        this.#object(pair.key, [...path, key], 'A key cannot be called "__proto__". Choose another name.');
      } else {
        mapping[key] = value;
      }
    }
    return mapping;
  }

  #readAlias(node: Alias, path: Path, depth: number): unknown {
    const anchor = this.#anchors.get(node.source);
    if (anchor === undefined) {
      this.#object(
        node,
        path,
        `The alias *${quoted(node.source)} has no anchor above it. Write &name where the value first stands.`,
      );
      return null;
    }
    if (anchor.value === undefined) {
      this.#object(node, path, 'An alias stands inside what it repeats, which never ends. Write the value instead.');
      return null;
    }
    this.targets.set(node, anchor.node);
    const { nodes, depth: ownDepth } = extentOf(anchor.value.read);
    return this.#exceeds(node, path, depth + ownDepth, nodes) ? null : anchor.value.read;
  }

  #exceeds(node: Node, path: Path, depth: number, nodes: number): boolean {
    const before = this.#nodes;
    this.#nodes += nodes;
    if (depth > depthMax) {
      this.#object(node, path, `This is nested more than ${depthMax} levels deep. Write it flatter.`);
      return true;
    }
    if (before <= nodesMax && this.#nodes > nodesMax) {
      this.#object(
        node,
        path,
        `From here on, the file has more than ${nodesMax} values, its aliases expanded. Make it smaller.`,
      );
    }
    return this.#nodes > nodesMax;
  }

  #object(node: Node, path: Path, message: string): void {
    this.objections.push({ node, path, message });
  }
}

/** How many values a value holds, itself included, and how many levels are below it. */
function extentOf(value: unknown): { readonly nodes: number; readonly depth: number } {
  let nodes = 1;
  let depth = 0;
  if (isContainer(value)) {
    for (const inner of Object.values(value)) {
      const extent = extentOf(inner);
      nodes += extent.nodes;
      depth = Math.max(depth, extent.depth + 1);
    }
  }
  return { nodes, depth };
}

interface Found {
  readonly node: Node | null;
  /** The key of the nearest mapping entry on the way, if the way ends in that entry. */
  readonly key: Node | null;
  readonly complete: boolean;
}

/** Finds nodes by path; every mapping on the way is indexed once. */
class NodeFinder {
  readonly #root: Node | null;
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #indexes = new Map<YAMLMap, ReadonlyMap<PropertyKey, Pair<Node, Node | null>>>();

  constructor(root: Node | null, targets: ReadonlyMap<Alias, Node>) {
    this.#root = root;
    this.#targets = targets;
  }

  find(path: Path): Found {
    let found: Found = { node: this.#root, key: null, complete: true };
    for (const segment of path) {
      const node = found.node !== null && isAlias(found.node) ? this.#targets.get(found.node) : found.node;
      const pair = isMap(node) ? this.#indexOf(node).get(segment) : undefined;
      const item = isSeq(node) && typeof segment === 'number' ? (node.items[segment] as Node | undefined) : undefined;
      if (pair) found = { node: pair.value, key: pair.key, complete: true };
      else if (item) found = { node: item, key: null, complete: true };
      else return { ...found, complete: false };
    }
    return found;
  }

  #indexOf(map: YAMLMap): ReadonlyMap<PropertyKey, Pair<Node, Node | null>> {
    const known = this.#indexes.get(map);
    if (known !== undefined) return known;
    const index = new Map((map.items as Pair<Node, Node | null>[]).map((pair) => [keyOf(pair), pair]));
    this.#indexes.set(map, index);
    return index;
  }
}

function keyOf(pair: Pair<Node>): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

function firstPerLine(findings: readonly Finding[]): readonly Finding[] {
  const lines = new Map<number, Finding>();
  for (const finding of findings) if (!lines.has(finding.line)) lines.set(finding.line, finding);
  return [...lines.values()].slice(0, syntaxFindingsMax);
}

/**
 * Quoted texts, in which braces are braces; and what opens a placeholder or a template where it
 * stands unquoted.
 */
const quotedTexts = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/g;
const openingBraces = /\$\{|\{\{/;

/**
 * Where a placeholder or a template is not quoted, that is the mistake, and what comes after it
 * only follows from it.
 */
function withBraces(findings: readonly Finding[], text: string): readonly Finding[] {
  const lines = text.split('\n');
  for (const [index, { line }] of findings.entries()) {
    const unquoted = (lines[line - 1] ?? '').replaceAll(quotedTexts, (quotedText) => ' '.repeat(quotedText.length));
    const column = unquoted.search(openingBraces) + 1;
    if (column > 0) return [...findings.slice(0, index), { line, column, path: [], message: bracesSentence }];
  }
  return findings;
}

const bracesSentence =
  'Braces are a mapping in YAML. Put the whole text in quotes: "{{name}}". What is written as ${NAME} is not filled in here; a secret is written { secret: name }.';

const mistakeSentences: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'An alias cannot have an anchor or a tag of its own. Write the alias alone.',
  BAD_ALIAS: 'An alias is not written well. Write *name, with a space before a colon that follows it.',
  BAD_COLLECTION_TYPE: 'A tag does not fit the value after it. Leave the tag out.',
  BAD_DIRECTIVE: 'This directive is not known. Leave the line that begins with % out.',
  BAD_DQ_ESCAPE:
    'A text in double quotes has an escape that YAML does not know. Write \\\\ for a backslash, or use single quotes.',
  BAD_INDENT:
    'The indentation does not fit the lines above. Indent the entries of one block by the same number of spaces.',
  BAD_PROP_ORDER: 'Anchors and tags stand directly before their value. Move this one there.',
  BAD_SCALAR_START: 'A text cannot begin with this character. Put the text in quotes.',
  BLOCK_AS_IMPLICIT_KEY:
    'There is a second colon where a value should be. Put the value in quotes, or move the mapping to its own lines.',
  BLOCK_IN_FLOW: 'Inside { } and [ ] everything must be written with { }, [ ] and commas.',
  DUPLICATE_KEY: 'This key is written a second time in the same mapping. Keep one of the two.',
  IMPOSSIBLE: 'This is not YAML. Compare the line with the example in the documentation.',
  KEY_OVER_1024_CHARS: 'A key is longer than 1024 characters. Is a colon or a quote missing?',
  MISSING_CHAR:
    'Something that was opened is not closed, or a separator is missing. Check the quotes, brackets, commas and colons here.',
  MULTILINE_IMPLICIT_KEY: 'A key goes over more than one line. Is a colon missing, or the indentation wrong?',
  MULTIPLE_ANCHORS: 'A value can have one anchor only. Leave the others out.',
  MULTIPLE_DOCS: 'A second document begins here. Keep one document per file: leave out the line ---.',
  MULTIPLE_TAGS: 'A value can have one tag only. Leave the others out.',
  NON_STRING_KEY: 'A key must be a single word or text. Put it in quotes.',
  RESOURCE_EXHAUSTION: `This is nested far too deeply. At most ${depthMax} levels are read.`,
  TAB_AS_INDENT: 'YAML does not allow tabs for indentation. Use spaces.',
  TAG_RESOLVE_FAILED:
    'This tag is not known here, or does not fit its value. Leave the word that begins with ! out; a secret is written { secret: name }.',
  UNEXPECTED_TOKEN:
    'This does not belong here. Check quotes, brackets and indentation; put texts with special characters in quotes.',
};
