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
