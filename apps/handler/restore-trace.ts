import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join, posix } from 'node:path';
import { text } from 'node:stream/consumers';

const help = `Says where in the sources the places of a stack trace are.

  npm run --silent restore-trace -- <maps> < trace

<maps> is the folder of the source maps of the build that runs: dist/maps, or the artifact handler-maps of the run
that built it. The trace is any text, such as an exception of Application Insights. What it says of files of the
build, such as file:///home/site/wwwroot/chunks/hub-ABCDEFGH.mjs:1:2345, becomes libs/activation/src/activate.ts:12:3;
all else stays as it is.
`;

/** A file of the build with line and column, whatever folder it is said to be in. */
const place = /(?:file:\/\/)?[^\s()"']*?((?:chunks\/|connectors\/)?[\w.-]+\.mjs):(\d+):(\d+)/g;

/** Where the sources of a map are named from. */
const deployedFolder = 'apps/handler/dist/app';

/**
 * The text with each place in a file of the build as the place in its source, named from the root
 * of the repository. A place of which the folder has no map, and one that comes from no source,
 * stays as it is. The maps must be of the build that wrote the trace: the name of a chunk says what
 * is in it, but `main.mjs` and the connectors are called the same in every build.
 */
export function restoreTrace(trace: string, mapsFolder: string): string {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (file: string): SourceMap | undefined => {
    if (!maps.has(file)) maps.set(file, readMap(join(mapsFolder, `${file}.map`)));
    return maps.get(file);
  };
  return trace.replaceAll(place, (whole, file: string, line: string, column: string) => {
    const origin = mapOf(file)?.findOrigin(Number(line), Number(column));
    if (origin === undefined || !('fileName' in origin)) return whole;
    const source = posix.join(deployedFolder, posix.dirname(file), origin.fileName);
    return `${source}:${origin.lineNumber}:${origin.columnNumber}`;
  });
}

function readMap(path: string): SourceMap | undefined {
  if (!existsSync(path)) return undefined;
  const payload = JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload;
  // What stands before the paths is for a debugger.
  return new SourceMap({ ...payload, sourceRoot: '' });
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined || folder === '--help') process.stdout.write(help);
  else if (!existsSync(join(folder, 'main.mjs.map'))) {
    process.stderr.write(`Failed to restore the trace: there are no source maps of a build in ${folder}.\n`);
    process.exitCode = 1;
  } else process.stdout.write(restoreTrace(await text(process.stdin), folder));
}
