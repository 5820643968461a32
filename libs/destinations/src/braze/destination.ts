import {
  reading,
  type Connector,
  createReasonGuard,
  defineDestination,
  delivered,
  formField,
  formId,
  identityBy,
  plainProfile,
  secretsIn,
  tellKnown,
  withBearerToken,
} from '@activation-hub/destination-kit';
import { saysSomething, trackRequest, userAttributes } from './request.ts';
import { brazeError, judgeTrackResponse } from './response.ts';
import { type BrazeSettings, brazeSettings, type BrazeOptions, brazeOptions } from './settings.ts';
import { brazeTakes } from './takes.ts';

/** Attributes of Braze's user profiles, memberships among them. */
export const braze = defineDestination({
  type: 'braze',
  title: 'Braze',
  description: 'Keeps attributes of user profiles in Braze, with memberships as custom attributes or subscriptions.',
  settings: brazeSettings,
  options: brazeOptions,
  // Braze allows 3000 requests in three seconds to a workspace, which others use too.
  limits: ({ batchSize }) => ({
    batchCount: batchSize,
    batchBytes: 1024 * 1024,
    requestsPerSecond: 50,
    concurrency: 8,
  }),
  batchBy: 'destination',
  identity: identityBy((identifier: BrazeSettings['identifiers'][string], value, settings: BrazeSettings) => {
    if (identifier === 'email') return formField(plainProfile.email, value);
    return identifier === 'phone' ? formField(plainProfile.phone, value, settings) : formId(value);
  }),
  takes: brazeTakes,
  comparison: {
    enters: 'gets an attribute, an entry in an array, or a subscription',
    leaves: 'loses it',
    // Attributes are kept for the life of the account; Braze archives only profiles that it cannot
    // reach (braze.com/docs/api/data_retention).
    lasting:
      'as Braze says, attributes are kept for the life of the account, and only profiles that no channel reaches and that did nothing for long are archived',
    hashed: 'nothing',
    shownAfter: 'seconds to minutes: Braze answers before it applies',
    erasure: 'the membership is taken back; the profile stays',
    untried: 'the cap of an array; the probe',
  },
  connect: (settings, { http, now }): Connector<BrazeOptions> => {
    http.check(settings.restUrl);
    const sender = withBearerToken(http, 'apiKey', settings.apiKey);
    const secrets = secretsIn(settings);
    const tell: Connector<BrazeOptions>['enter'] = (deliveries, signal) =>
      tellKnown(settings.identifiers, deliveries, async (known) => {
        const rows = known.map((delivery) => ({ id: delivery.change.id, user: userAttributes(delivery, settings) }));
        const told = rows.filter(({ user }) => saysSomething(user));
        // Braze has all of these already.
        const silent = delivered(rows.filter(({ user }) => !saysSomething(user)));
        if (told.length === 0) return silent;
        const users = told.map(({ user }) => user);
        const response = await sender.send(trackRequest(settings, users), signal);
        const ids = told.map(({ id }) => id);
        const guard = createReasonGuard(deliveries, secrets);
        return [...silent, ...judgeTrackResponse(response, ids, guard, now())];
      });
    return {
      enter: tell,
      update: tell,
      exit: tell,
      probe: async (_routes, signal) => {
        // Braze has no call to ask. With a key that works, it refuses a request without any person
        // as empty.
        const response = await reading(sender.send(trackRequest(settings, []), signal));
        if (response.status >= 300 && response.status !== 400) throw brazeError(response, now());
        return [];
      },
    };
  },
});
