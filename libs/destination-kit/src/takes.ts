/**
 * What a destination takes of a person. `activation check`, `inspect` and the start ask it, so that
 * a mapping that cannot work stops there, and the reference pages say it.
 */
export interface Takes {
  /**
   * How an identity is used, in a sentence, by its namespace in lower case, and no other can be; or
   * one sentence, where any can.
   */
  readonly identities: Readonly<Record<string, string>> | string;
  /** How an attribute of this name is used, in a sentence. */
  readonly attributes: Readonly<Record<string, string>>;
  /** How an attribute of any other name is used; absent where there must be no other. */
  readonly otherAttributes?: string;
  /** Why there must be no attribute of this name, in a sentence. */
  readonly refusedAttributes?: Readonly<Record<string, string>>;
  /**
   * The destination takes names of attributes that differ in case only for one: what is refused is
   * refused in any case.
   */
  readonly ignoresCase?: true;
}

/** Whether an identity of this namespace can be used. */
export function takesIdentity({ identities }: Takes, namespace: string): boolean {
  return typeof identities === 'string' || Object.hasOwn(identities, namespace.toLowerCase());
}

/** Why there must be no attribute of this name, in a sentence; `undefined` where it is used. */
export function refusalOfAttribute(takes: Takes, name: string): string | undefined {
  const { attributes, otherAttributes, refusedAttributes = {}, ignoresCase = false } = takes;
  const inCase = (text: string) => (ignoresCase ? text.toLowerCase() : text);
  const refused = Object.entries(refusedAttributes).find(([each]) => inCase(each) === inCase(name));
  if (refused !== undefined) return refused[1];
  if (Object.hasOwn(attributes, name) || otherAttributes !== undefined) return undefined;
  return `It takes ${Object.keys(attributes).join(', ') || 'none'}.`;
}
