/**
 * Encodes any text as one part of a path or a query of a URL, as `encodeURIComponent` does, but
 * throws for none: half of a surrogate pair becomes the replacement character. In a path, `.` and
 * `..` remain steps all the same, and are for the caller to refuse.
 */
export function encodeUrlText(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
