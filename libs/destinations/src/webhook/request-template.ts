import {
  type Change,
  encodeUrlText,
  formed,
  type FormedValue,
  type JsonValue,
  refused,
} from '@activation-hub/destination-kit';

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** What a template may name of a change that says nothing of the person, by its path. */
const impersonal: Readonly<Record<string, (change: Change) => JsonValue>> = {
  id: ({ id }) => id,
  change: ({ kind }) => kind,
  qualifiedAt: ({ qualifiedAt }) => qualifiedAt,
  'audience.key': ({ audience }) => audience.key,
  'audience.id': ({ audience }) => audience.id,
  'audience.namespace': ({ audience }) => audience.namespace,
  'audience.name': ({ audience }) =>
    audience.name === undefined || audience.name === '' ? audience.key : audience.name,
};

const personal: Readonly<Record<string, (change: Change) => JsonValue>> = {
  'identity.namespace': ({ identity }) => identity.namespace,
  'identity.value': ({ identity }) => identity.value,
  attributes: ({ attributes }) => attributes,
};

const attributePath = /^attributes\.(.+)$/;

const named = (text: string): readonly string[] => [...text.matchAll(placeholder)].map(([, path = '']) => path);
const isImpersonal = (path: string): boolean => Object.hasOwn(impersonal, path);
const isPersonal = (path: string): boolean => Object.hasOwn(personal, path) || attributePath.test(path);

export const hasTemplate = (text: string): boolean => named(text).length > 0;

/** Why a text cannot be the template of a URL; `undefined` when it can. */
export function urlTemplateRefusal(text: string): string | undefined {
  const [, beforePath = ''] = /^([a-z]+:\/\/[^/?]*)/i.exec(text) ?? [];
  if (beforePath.includes('{{'))
    return 'A template must not decide which host is called. Use it in the path or the query.';
  const bad = named(text).find((path) => !isImpersonal(path));
  if (bad === undefined) return undefined;
  if (isPersonal(bad)) {
    return `{{${bad}}} would put personal data into a URL, where logs keep it. Put it into the body.`;
  }
  return unknown(bad, Object.keys(impersonal));
}

/** Why a text of a body is not used, and where in the body it stands. */
export interface BodyTemplateRefusal {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Why this cannot be the template of a body, for each text that is wrong; none when it can. */
export function bodyTemplateRefusals(
  template: JsonValue,
  path: readonly PropertyKey[] = [],
): readonly BodyTemplateRefusal[] {
  if (typeof template !== 'string') {
    if (typeof template !== 'object' || template === null) return [];
    const isList = Array.isArray(template);
    return Object.entries(template as Readonly<Record<string, JsonValue>>).flatMap(([key, each]) =>
      bodyTemplateRefusals(each, [...path, isList ? Number(key) : key]),
    );
  }
  const bad = named(template).find((each) => !isImpersonal(each) && !isPersonal(each));
  if (bad === undefined) return [];
  const known = [...Object.keys(impersonal), ...Object.keys(personal), 'attributes.<name>'];
  const attribute = /^\w+$/.test(bad) ? ` An attribute that the route maps is {{attributes.${bad}}}.` : '';
  return [{ path, message: `${unknown(bad, known)}${attribute}` }];
}

/**
 * Does not repeat the braces: where a text of the settings comes again in a sentence about them,
 * the activation file blanks it out, for it may be a secret.
 */
const unknown = (path: string, known: readonly string[]): string =>
  `A change has no ${/^[\w.@-]{1,40}$/.test(path) ? path : 'such field'}. Write one of ${known.map((each) => `{{${each}}}`).join(', ')}.`;

/** Of a URL, in characters: what RFC 9110, section 4.1, wants every server to take. */
const urlCharactersMax = 8_000;

/**
 * What a path takes for a step to nowhere or upwards, however it is encoded (URL Standard, "dot
 * segments"); nothing at all is as bad.
 */
const isStep = (segment: string): boolean => /^(\.|%2e){0,2}$/i.test(segment);

/**
 * The URL of a change; each value is encoded, so that it stays one part of the path or the query.
 * Refused for a value that no encoding keeps there.
 */
export function renderUrl(template: string, change: Change): FormedValue {
  const fill = (text: string): string =>
    text.replaceAll(placeholder, (_whole, path: string) => encodeUrlText(textOf(valueAt(path, change))));
  const [path = ''] = template.split('?');
  const leadsElsewhere = path.split('/').some((segment) => hasTemplate(segment) && isStep(fill(segment)));
  if (leadsElsewhere) return refused('a value of the change would lead to another URL');
  const url = fill(template);
  return url.length > urlCharactersMax ? refused('the URL would be longer than servers take') : formed(url);
}

/**
 * The body of a change: a text that is one template becomes its value, whatever its type; inside a
 * longer text values are written as text. An attribute that the change does not have is `null`, and
 * nothing inside a text.
 */
export function renderBody(template: JsonValue, change: Change): JsonValue {
  if (typeof template === 'string') {
    const [whole, path = ''] = new RegExp(`^${placeholder.source}$`).exec(template) ?? [];
    if (whole !== undefined) return valueAt(path, change);
    return template.replaceAll(placeholder, (_match, inner: string) => textOf(valueAt(inner, change)));
  }
  if (Array.isArray(template)) return template.map((each: JsonValue) => renderBody(each, change));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(
    Object.entries(template as Readonly<Record<string, JsonValue>>).map(([key, each]) => [
      key,
      renderBody(each, change),
    ]),
  );
}

function valueAt(path: string, change: Change): JsonValue {
  const [, attribute] = attributePath.exec(path) ?? [];
  if (attribute !== undefined)
    return Object.hasOwn(change.attributes, attribute) ? (change.attributes[attribute] ?? null) : null;
  return (impersonal[path] ?? personal[path])?.(change) ?? null;
}

const textOf = (value: JsonValue): string => {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};
