import { expect, test } from 'vitest';
import { anchorsOf, linksOf, pagesWithin } from './document-links.ts';
import { isCompanys, repositoryFiles, repositoryPaths } from './repository.ts';

const pages = repositoryFiles().filter(({ path }) => path.endsWith('.md') && !isCompanys(path));
const links = pages.flatMap(linksOf);

test('every link between documents leads somewhere', () => {
  const paths = repositoryPaths();
  const known = new Set(
    paths.flatMap((path) => path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'))),
  );
  expect(links.length).toBeGreaterThan(100);
  expect(links.filter(({ target }) => !known.has(target)).map(({ from, link }) => `${from}: ${link}`)).toEqual([]);
});

test('every anchor of a link is a heading of its page', () => {
  const anchors = new Map(pages.map(({ path, text }) => [path, new Set(anchorsOf(text))]));
  const withAnchor = links.filter(({ anchor, target }) => anchor !== undefined && target.endsWith('.md'));
  expect(withAnchor.length).toBeGreaterThan(10);
  const dead = withAnchor.filter(({ target, anchor }) => anchors.get(target)?.has(anchor ?? '') !== true);
  expect(dead.map(({ from, link }) => `${from}: ${link}`)).toEqual([]);
});

test('every page of docs is two clicks from README', () => {
  const near = pagesWithin(2, 'README.md', pages);
  const far = pages.filter(({ path }) => path.startsWith('docs/') && !near.has(path));
  expect(far.map(({ path }) => path)).toEqual([]);
});

test('the activation file on the page of the tutorial is the one beside it', () => {
  const all = repositoryFiles();
  const textOf = (path: string): string => all.find((file) => file.path === path)?.text ?? '';
  const [, shown = ''] = /^```yaml\n(.*?)^```$/ms.exec(textOf('docs/tutorial/README.md')) ?? [];
  expect(shown).toContain('version: 1');
  expect(textOf('docs/tutorial/activations.yaml').replace(/^#.*\n/, '')).toBe(shown);
});

test('anchors are those of GitHub', () => {
  const text =
    '# The *file*\n## `a.<name>.b[]`\n```\n# no heading\n```\n## [Up, 5 s](x.md) – `y_z`\n## The file\n### The file ##\n';
  expect(anchorsOf(text)).toEqual(['the-file', 'anameb', 'up-5-s--y_z', 'the-file-1', 'the-file-2']);
});

test('links are read with their anchors, and none out of code', () => {
  const text = '[a](../x/) [b](y.md#part) [c](#own) [d](https://a.example/) `[e](z.md)`\n```\n[f](z.md)\n```\n';
  expect(linksOf({ path: 'docs/page.md', text }).map(({ target, anchor }) => [target, anchor])).toEqual([
    ['x', undefined],
    ['docs/y.md', 'part'],
    ['docs/page.md', 'own'],
  ]);
});

test('clicks are counted, and a folder shows its README', () => {
  const page = (path: string, text: string) => ({ path, text });
  const all = [
    page('README.md', '[a](a/)'),
    page('a/README.md', '[b](b.md)'),
    page('a/b.md', '[c](c.md)'),
    page('a/c.md', ''),
  ];
  expect([...pagesWithin(2, 'README.md', all)]).toEqual(['README.md', 'a/README.md', 'a/b.md']);
});
