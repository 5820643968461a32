import {
  reading,
  type Connector,
  defineDestination,
  formed,
  formField,
  formId,
  identityBy,
  optionsOf,
  plainProfile,
  refused,
  secretsIn,
  type Verdict,
  withinQuota,
} from '@activation-hub/destination-kit';
import { Campaigns } from './lists.ts';
import { CampaignMembers } from './members.ts';
import { isId, PersonRecords, type Persons } from './persons.ts';
import { longId, personObjects, salesforceRequests } from './request.ts';
import { salesforceQuota } from './quota.ts';
import { readFields } from './response.ts';
import { type SalesforceSettings, salesforceSettings, type SalesforceOptions, salesforceOptions } from './settings.ts';
import { signedIn } from './sign-in.ts';
import { salesforceTakes } from './takes.ts';

/** What an external id field holds at most. */
const externalIdCharactersMax = 255;

/** Contacts, leads or person accounts of Salesforce, and their memberships in campaigns. */
export const salesforce = defineDestination({
  type: 'salesforce',
  title: 'Salesforce',
  description: 'Keeps contacts, leads or person accounts of Salesforce and their memberships in campaigns.',
  settings: salesforceSettings,
  options: salesforceOptions,
  // Members of one campaign lock the campaign, so nothing is gained by telling it two batches at
  // once.
  limits: ({ batchSize }) => ({
    batchCount: batchSize,
    batchBytes: 1024 * 1024,
    requestsPerSecond: 5,
    concurrency: 1,
  }),
  batchBy: 'route',
  identity: identityBy((field: string, value, { personType }: SalesforceSettings, namespace) => {
    const text = value.trim();
    if (isId(field)) {
      const { idPrefix } = personObjects[personType];
      const isRecord = text.startsWith(idPrefix) && /^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/.test(text);
      return isRecord ? formed(longId(text)) : refused(`not the id of a ${personType}`);
    }
    if (text.length > externalIdCharactersMax) return refused('longer than an external id can be');
    return namespace === 'email' ? formField(plainProfile.email, text) : formId(text);
  }),
  takes: salesforceTakes,
  comparison: {
    enters: 'is created or updated, and joins a campaign',
    leaves: 'leaves it, or gets a status; the person stays',
    // The object reference of CampaignMember names no end, and no page was found that rules one
    // out.
    lasting: 'no page of Salesforce names an end, and none was found that rules one out',
    hashed: 'nothing',
    shownAfter: 'at once',
    erasure: 'the membership is taken back; the person stays',
    untried: 'the longest query; JWT bearer sign-in',
  },
  connect: (settings, { http, now }): Connector<SalesforceOptions> => {
    http.check(settings.myDomainUrl);
    if (settings.jwtBearer !== undefined) http.check(settings.jwtBearer.audience);
    const sender = withinQuota(signedIn(http, settings, now), settings.quotaShare, salesforceQuota, now);
    const requests = salesforceRequests(settings);
    const secrets = secretsIn(settings);
    const campaigns = new Campaigns(sender, requests, now);
    const persons = new PersonRecords(sender, requests, settings, now);
    const person = personObjects[settings.personType];
    const members = new CampaignMembers(sender, requests, { person, persons, campaigns, secrets }, now);

    return {
      enter: async (deliveries, signal) => {
        const options = optionsOf(deliveries);
        // Before the persons: without its campaign no request about them is of use.
        const campaignId = await campaigns.idOf(options, signal);
        const written = await persons.write(deliveries, signal);
        return [...endedOf(written), ...(await members.add(deliveries, written, { campaignId, options }, signal))];
      },
      update: async (deliveries, signal) => {
        const written = await persons.update(deliveries, signal);
        return [...written].map(([id, of]): Verdict => ('verdict' in of ? of.verdict : { id, status: 'delivered' }));
      },
      exit: async (deliveries, signal) => {
        const options = optionsOf(deliveries);
        const campaignId = await campaigns.idOf(options, signal);
        return await members.remove(deliveries, { campaignId, options }, signal);
      },
      probe: async (routes, signal) => {
        const describe = sender.send(requests.describePerson(), signal);
        const fields = await reading(describe.then((response) => readFields(response, now())));
        const problems = fieldProblems(settings, person.type, fields);
        for (const options of routes) {
          const problem = await campaigns.problem(options, signal);
          if (problem !== undefined) problems.push(problem);
        }
        return problems;
      },
    };
  },
});

function endedOf(persons: Persons): Verdict[] {
  return [...persons.values()].flatMap((of) => ('verdict' in of ? [of.verdict] : []));
}

function fieldProblems(
  { identifiers }: SalesforceSettings,
  type: string,
  fields: ReadonlyMap<string, boolean>,
): string[] {
  return Object.values(identifiers).flatMap((field) => {
    const isExternalId = fields.get(field.toLowerCase());
    if (isId(field) || isExternalId === true) return [];
    const why =
      isExternalId === undefined
        ? `${type} has none of this name, or the run-as user must not see it. Correct identifiers, or its permissions.`
        : `it is not an external id of ${type}. Mark it as External ID and unique.`;
    return [`Failed to use the field ${field}: ${why}`];
  });
}
