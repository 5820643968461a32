import { z } from 'zod';
import { configuredUrl } from './configured-url.ts';
import { secret } from './secret.ts';

/** Schema of a secret that is stored under `name` in the example, with its description. */
export function storedSecret(name: string, description: string) {
  return secret().meta({ description, examples: [{ secret: name }] });
}

/** Schema of the URL of a vendor, which few change. */
export function vendorUrl(url: string, description = 'Where the API is.', example = url) {
  return configuredUrl()
    .default(url)
    .meta({ description, examples: [example] });
}

/** Schema of an id that is digits, in quotes: a number would lose some of them. */
export function digits(most = 20) {
  return z.string().regex(new RegExp(`^\\d{1,${most}}$`), 'Write the digits of the id, in quotes.');
}

/** Schema of the setting `defaultCountry`, for vendors that find persons by their phone number. */
export function defaultCountry() {
  return z
    .string()
    .regex(/^[A-Z]{2}$/, 'Write an ISO 3166-1 code of two capital letters.')
    .optional()
    .meta({
      description: 'The country of phone numbers that are written without one. Without it, such a number is not used.',
      examples: ['NO'],
    });
}

/** Schema of a setting that allows, unless it is `false`, to create who enters and is not there. */
export function mayCreate(description: string) {
  return z
    .boolean()
    .default(true)
    .meta({ description, examples: [false] });
}

/**
 * Schema of the option `membershipDays`, for lists that forget a member after days of their own:
 * `most` at most, and when absent. `list` is what the vendor calls one, `ofMost` says in a few
 * words what `most` means.
 */
export function membershipDays(list: string, most: number, ofMost: string, example: number) {
  const description = `How long a member stays in the ${list}, in days, unless told again, which is done in time; ${ofMost}. A list that is created gets it; for another list it must be no longer than that of the list.`;
  return z
    .int()
    .min(1)
    .max(most)
    .default(most)
    .meta({ description, examples: [example] });
}
