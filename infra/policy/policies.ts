import { UnknownValueError, type Policies, type ResourceValidationArgs } from '@pulumi/policy';
import { rules, type CheckedResource, type Rule } from './rules.ts';

/**
 * The rules as policies, for `pulumi preview --policy-pack infra/policy`. A rule about one resource
 * is told at that resource, before it is made; one about all of them when the program is through.
 * Rules that ask what is secret are left out: Pulumi hands a policy the plain values. For one run
 * of the engine: it remembers the resources.
 */
export function createPolicies(): Policies {
  const resources = new Map<string, CheckedResource>();
  return rules
    .filter(({ needsSecrecy }) => needsSecrecy !== true)
    .map((rule) => ({
      name: policyName(rule),
      description: rule.meaning,
      ...(rule.looksAt === 'one' ? onOne(rule) : onAll(rule, resources)),
    }));
}

/** What `pulumi` and a policy's configuration call the rule. */
export function policyName({ name }: Pick<Rule, 'name'>): string {
  return name
    .toLowerCase()
    .replace("'", '')
    .replaceAll(/[^a-z0-9]+/g, '-');
}

function onOne(rule: Rule) {
  return {
    validateResource: (args: ResourceValidationArgs, report: (message: string) => void): void =>
      rule.offences([checkedResource(args)]).forEach((offence) => report(offence)),
  };
}

/**
 * The inputs are judged, as in the tests: for the whole stack, Pulumi would hand over what
 * Azure answered.
 */
function onAll(rule: Rule, resources: Map<string, CheckedResource>) {
  return {
    validateResource: (args: ResourceValidationArgs): void => {
      resources.set(args.urn, checkedResource(args));
    },
    validateStack: (_: unknown, report: (message: string) => void): void =>
      rule.offences([...resources.values()]).forEach((offence) => report(offence)),
  };
}

function checkedResource({ type, name, props }: ResourceValidationArgs): CheckedResource {
  return { type, name, inputs: known(props) as CheckedResource['inputs'] };
}

/**
 * The values that are known; asking for one that is not throws, and it becomes `{unknown: true}`.
 */
function known(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.keys(value).map((key) => [key, knownAt(value as Record<string, unknown>, key)] as const);
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function knownAt(container: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return known(container[key]);
  } catch (error) {
    if (error instanceof UnknownValueError) return { unknown: true };
    throw error;
  }
}
