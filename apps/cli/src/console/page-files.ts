import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { answerJson, securityHeaders } from './answers.ts';

/** The files of the built page. */
export interface PageFiles {
  /**
   * Answers with a file, or for any address that is none with the page itself, which knows its own
   * addresses.
   */
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Where the page has the nonce of its style elements. */
const noncePlace = '{{style-nonce}}';

/**
 * Serves the folder that `folder` gives, which may still be being built when the first request
 * comes.
 */
export function pageFiles(folder: () => Promise<string>): PageFiles {
  return {
    async answer(request, response, path) {
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        answerJson(response, 405, { message: 'Only GET is answered here.' });
        return;
      }
      const root = await folder();
      // What the build has written has names of this form; nothing else is looked for, so that no
      // path leads out of the folder.
      const name = /^\/(assets\/[\w.-]+|icon\.svg)$/.exec(path)?.[1] ?? 'index.html';
      const file = await readFile(join(root, name)).catch(() => undefined); // One that is not there has no answer.
      if (file === undefined) {
        answerJson(response, 404, { message: 'There is no such file. Load the page again.' });
        return;
      }
      const isNamedByContent = name.startsWith('assets/');
      const nonce = randomBytes(16).toString('base64');
      response.writeHead(200, {
        ...securityHeaders(nonce),
        'content-type': types[extname(name)] ?? 'application/octet-stream',
        'cache-control': isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-store',
      });
      const content = name === 'index.html' ? file.toString().replace(noncePlace, nonce) : file;
      response.end(request.method === 'HEAD' ? undefined : content);
    },
  };
}

/**
 * Builds the page if it is not built yet, and serves it afterwards. A request before that waits, or
 * gets the reason why the build failed.
 */
export function buildPage(): PageFiles {
  // Apps do not import each other; this is the build script of one, run by the other.
  const script = new URL('../../../console/build.ts', import.meta.url).href;
  const page = (import(script) as Promise<{ readonly builtPage: () => Promise<string> }>).then(({ builtPage }) =>
    builtPage(),
  );
  page.catch(() => undefined); // The request for the page reports it.
  return pageFiles(() => page);
}
