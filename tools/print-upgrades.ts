import { execFileSync } from 'node:child_process';
import { pinned, upgradesText, type Pinned } from './upgrades.ts';

// node tools/print-upgrades.ts: the text of an issue, or nothing. Asks npm, and GitHub by `gh`.
const newest = new Map(pinned().map((one) => [one.what, newestOf(one)] as const));
process.stdout.write(upgradesText(newest, pinned(), Date.now()));

/** The newest version; nothing where it cannot be asked, which the issue then says. */
function newestOf({ from }: Pinned): string | undefined {
  try {
    const words =
      'npm' in from
        ? execFileSync('npm', ['view', from.npm, 'version', '--json'], { encoding: 'utf8' }) // Linux only: the workflow upgrades
        : execFileSync('gh', ['api', `repos/${from.github}/releases/latest`, '--jq', '.tag_name'], {
            encoding: 'utf8',
          });
    // Of a range npm gives a list, oldest first.
    const said = 'npm' in from ? [JSON.parse(words) as string | readonly string[]].flat().at(-1) : words.trim();
    return said?.replace(/^v/, '');
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}
