import { z } from 'zod';

/**
 * Schema of a URL that a person configures: http or https, without credentials and without a
 * fragment. Whether it may be called (https only, no private address) is for the HTTP client to
 * say, since local runs may call what others must not.
 */
export function configuredUrl() {
  return z
    .url({ protocol: /^https?$/, abort: true, error: 'Write an https URL, such as https://example.com/hook.' })
    .refine((text) => {
      const url = URL.parse(text);
      return url?.username === '' && url.password === '';
    }, 'A URL must not hold credentials. Put them into a header whose value is { secret: name }.')
    .refine((text) => !text.includes('#'), 'A fragment (#) never reaches the destination. Remove it.');
}
