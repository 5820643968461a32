import type { z } from 'zod';
import type { DestinationDefinition, DestinationLimits } from './destination.ts';

/**
 * Checks a definition once and gives it frozen, with the types of its settings and options
 * inferred. Throws when the type is not kebab case or when the title or the description is empty.
 * `limits` of what it gives throws when one is not a positive number, or a count is not whole;
 * `membershipDays` when it gives less than a day.
 */
export function defineDestination<Settings extends z.ZodType, Options extends z.ZodType>(
  definition: DestinationDefinition<Settings, Options>,
): DestinationDefinition<Settings, Options> {
  const { type } = definition;
  const refuse = (why: string) => new Error(`Failed to define the destination ${JSON.stringify(type)}: ${why}`);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(type)) throw refuse('its type is not kebab case. Write it like acme-crm.');
  if (definition.title.trim() === '') throw refuse('it has no title. Say what people call it.');
  if (definition.description.trim() === '') throw refuse('it has no description. Say what it does in one sentence.');
  return Object.freeze({
    ...definition,
    ...(definition.membershipDays === undefined
      ? {}
      : {
          membershipDays: (settings: z.output<Settings>, options: z.output<Options>, namespace: string) => {
            const days = definition.membershipDays?.(settings, options, namespace);
            if (days === undefined || (Number.isFinite(days) && days >= 1)) return days;
            throw refuse('its membershipDays must be a day or more.');
          },
        }),
    limits: (settings: z.output<Settings>): DestinationLimits => {
      const limits = definition.limits(settings);
      for (const [name, value] of Object.entries(limits) as [keyof DestinationLimits, number][]) {
        const whole = name === 'requestsPerSecond' || Number.isSafeInteger(value);
        if (!Number.isFinite(value) || value <= 0 || !whole)
          throw refuse(`its limit ${name} must be a positive number.`);
      }
      return limits;
    },
    connect: (settings: z.output<Settings>, context: Parameters<typeof definition.connect>[1]) =>
      definition.connect(settings, context),
  });
}
