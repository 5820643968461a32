/** A version of CHANGELOG.md. */
export interface Release {
  /** Such as `0.2.0`. */
  readonly version: string;
  /** The day on which it was made, `YYYY-MM-DD`. */
  readonly day: string;
  /** What is under its heading. */
  readonly notes: string;
}

export interface Changelog {
  /** What no release has yet. */
  readonly unreleased: string;
  /** The newest first. */
  readonly releases: readonly Release[];
}

/** The headings under which Keep a Changelog 1.1.0 sorts changes. */
const kinds = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

/** Reads a changelog of the usual form. Throws an `Error` that says what is not of that form. */
export function parseChangelog(text: string): Changelog {
  const refuse = (why: string) => new Error(`Failed to read CHANGELOG.md: ${why}`);
  const [, ...sections] = text.split(/^## /m);
  const [first = '', ...others] = sections;
  const bodyOf = (section: string): string => section.slice(section.indexOf('\n')).trim();
  if (!first.startsWith('[Unreleased]\n')) throw refuse('it does not begin with ## [Unreleased]. Add that heading.');
  for (const section of sections) {
    const unknown = [...section.matchAll(/^### (.*)$/gm)]
      .map(([, kind = '']) => kind)
      .filter((kind) => !kinds.includes(kind));
    if (unknown.length > 0)
      throw refuse(`there is no kind of change ${unknown.join(', ')}. Choose of ${kinds.join(', ')}.`);
    const before = bodyOf(section).split(/^### /m)[0] ?? '';
    if (/^- /m.test(before)) throw refuse(`a change has no kind. Put it under one of ${kinds.join(', ')}.`);
  }
  const releases = others.map((section) => {
    const [heading = ''] = section.split('\n');
    const [, version, day] = /^\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$/.exec(heading) ?? [];
    if (version === undefined || day === undefined)
      throw refuse(`the heading ${heading} is not of the form [1.2.3] - 2026-01-31.`);
    const notes = bodyOf(section);
    if (notes === '') throw refuse(`version ${version} says nothing.`);
    return { version, day, notes };
  });
  for (const [index, { version, day }] of releases.entries()) {
    const older = releases[index + 1];
    if (older !== undefined && (compareVersions(version, older.version) <= 0 || day < older.day))
      throw refuse(`version ${version} stands before ${older.version}. The newest is first.`);
  }
  return { unreleased: bodyOf(first), releases };
}

/** Less than 0 where the left version is the older one. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number)) as [number[], number[]];
  const index = a.findIndex((part, place) => part !== b[place]);
  return index < 0 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}
