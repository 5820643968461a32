import { posix } from 'node:path';
import type { RepositoryFile } from './repository.ts';

/** A link of a Markdown page to another file of the repository, or to a heading of its own. */
export interface DocumentLink {
  readonly from: string;
  readonly link: string;
  /** The path that it leads to; a folder has no slash at its end. */
  readonly target: string;
  /** Without the `#`; `undefined` for a link to the whole page. */
  readonly anchor: string | undefined;
}

/** The links of a page, those to other sites left out. */
export function linksOf({ path, text }: RepositoryFile): readonly DocumentLink[] {
  return [...withoutCode(text).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, link = '']) => {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path : posix.join(path, '..', file).replace(/\/$/, '');
    return { from: path, link, target, anchor };
  });
}

/** The anchors of a page as GitHub makes them of its headings, in their order. */
export function anchorsOf(text: string): readonly string[] {
  const timesSeen = new Map<string, number>();
  return [...withoutFences(text).matchAll(/^#{1,6} +(.+?)(?: +#+)?$/gm)].map(([, heading = '']) => {
    const slug = slugOf(heading);
    const times = timesSeen.get(slug) ?? 0;
    timesSeen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
}

/**
 * Letters, digits, hyphens and underscores of what a reader sees, in lower case, blanks as hyphens.
 */
const slugOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');

const withoutFences = (text: string): string => text.replaceAll(/^( *)(```+).*?^\1\2 *$/gms, '');

const withoutCode = (text: string): string => withoutFences(text).replaceAll(/`[^`\n]*`/g, '');

/**
 * The pages that a reader comes to from a page by at most so many links; a link to a folder shows
 * its README.
 */
export function pagesWithin(clicks: number, start: string, pages: readonly RepositoryFile[]): ReadonlySet<string> {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  const reached = new Set([start]);
  for (let click = 0; click < clicks; click += 1) {
    for (const path of [...reached]) {
      const page = byPath.get(path);
      if (page === undefined) continue;
      for (const { target } of linksOf(page)) {
        const readme = `${target}/README.md`;
        reached.add(byPath.has(readme) ? readme : target);
      }
    }
  }
  return reached;
}
