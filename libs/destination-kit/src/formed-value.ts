/**
 * A value in the form in which a destination gets it, or a few words on why there is none; they
 * hold nothing of it.
 */
export type FormedValue =
  { readonly status: 'formed'; readonly value: string } | { readonly status: 'refused'; readonly reason: string };

export const formed = (value: string): FormedValue => ({ status: 'formed', value });
export const refused = (reason: string): FormedValue => ({ status: 'refused', reason });
