import {
  CachedLookup,
  type Choice,
  DestinationError,
  type HttpSender,
  NamedLists,
  reading,
} from '@activation-hub/destination-kit';
import { quoted, type SalesforceRecord, type SalesforceRequests } from './request.ts';
import { readFound, readRows, textAt } from './response.ts';
import type { SalesforceOptions } from './settings.ts';

/** The options that say which campaign is meant. */
type Named = Pick<SalesforceOptions, 'campaign' | 'campaignId' | 'createCampaign'>;

/** The campaigns that options name. */
export class Campaigns {
  readonly #http: HttpSender;
  readonly #requests: SalesforceRequests;
  readonly #now: () => number;
  readonly #ids: NamedLists<Named, string, string>;
  readonly #checked = new CachedLookup(async (key, signal) => {
    const options = JSON.parse(key) as SalesforceOptions;
    const id = await this.#ids.get(namedBy(options), signal);
    await this.#requireStatuses(id, options, signal);
    return id;
  });

  constructor(http: HttpSender, requests: SalesforceRequests, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#now = now;
    this.#ids = new NamedLists<Named, string, string>({
      find: (named, signal) => this.#find(named, signal),
      mayCreate: ({ createCampaign }) => createCampaign,
      create: (named, signal) => this.#createCampaign(named, signal),
      choose,
      flaw: ({ length }, named) =>
        length < 2
          ? undefined
          : `Salesforce has several campaigns named ${nameOf(named)}: the oldest is used. Name it by campaignId.`,
    });
  }

  /**
   * Gives the id of the campaign, which is created with its statuses where the options allow it.
   * Throws `DestinationError`: class `set-up` when there is no such campaign, several without
   * `createCampaign`, or one without the statuses. No change was sent then.
   */
  idOf(options: SalesforceOptions, signal: AbortSignal): Promise<string> {
    return this.#checked.get(JSON.stringify(options), signal);
  }

  /** Looks anew: gives the id that the campaign has now. */
  async currentIdOf(options: SalesforceOptions, signal: AbortSignal): Promise<string> {
    this.#checked.forget(JSON.stringify(options));
    this.#ids.forget(namedBy(options));
    return await this.idOf(options, signal);
  }

  /** Says what is wrong with the campaign of these options; creates nothing. */
  async problem(options: SalesforceOptions, signal: AbortSignal): Promise<string | undefined> {
    const problem = await this.#ids.problem(namedBy(options), signal);
    if (problem !== undefined || options.createCampaign) return problem;
    const missing = await this.#missingStatuses(await this.#ids.get(namedBy(options), signal), options, signal);
    return missing.length === 0 ? undefined : lacks(options, missing);
  }

  async #createCampaign(named: Named, signal: AbortSignal): Promise<readonly string[]> {
    const record = { attributes: { type: 'Campaign' }, Name: named.campaign ?? '', IsActive: true };
    const [row] = await this.#create([record], signal);
    if (row?.success === true && typeof row.id === 'string') return [row.id];
    throw new DestinationError('set-up', cannot(named, 'Salesforce refuses to create it. Create it by hand.'));
  }

  async #requireStatuses(id: string, options: SalesforceOptions, signal: AbortSignal): Promise<void> {
    const missing = await this.#missingStatuses(id, options, signal);
    if (missing.length === 0) return;
    const records = missing.map((label) => ({
      attributes: { type: 'CampaignMemberStatus' },
      CampaignId: id,
      Label: label,
    }));
    const rows = options.createCampaign ? await this.#create(records, signal) : [];
    if (rows.length > 0 && rows.every(({ success }) => success)) return;
    // Another process may have created them at the same time.
    const left = rows.length > 0 ? await this.#missingStatuses(id, options, signal) : missing;
    if (left.length > 0) throw new DestinationError('set-up', lacks(options, left));
  }

  async #missingStatuses(
    id: string,
    { status, exitStatus }: SalesforceOptions,
    signal: AbortSignal,
  ): Promise<string[]> {
    const wanted = [status, exitStatus].filter((each) => each !== undefined);
    if (wanted.length === 0) return [];
    const rows = await this.#search(`SELECT Label FROM CampaignMemberStatus WHERE CampaignId = ${quoted(id)}`, signal);
    const labels = new Set(rows.map((row) => textAt(row, 'Label')?.toLowerCase()));
    return wanted.filter((label) => !labels.has(label.toLowerCase()));
  }

  async #find({ campaign, campaignId }: Named, signal: AbortSignal): Promise<readonly string[]> {
    const where = campaignId === undefined ? `Name = ${quoted(campaign ?? '')}` : `Id = ${quoted(campaignId)}`;
    const rows = await this.#search(`SELECT Id FROM Campaign WHERE ${where} ORDER BY CreatedDate, Id LIMIT 2`, signal);
    return rows.flatMap((row) => textAt(row, 'Id') ?? []);
  }

  #search(query: string, signal: AbortSignal) {
    const answer = this.#http.send(this.#requests.queries([query]), signal);
    return reading(answer.then((response) => readFound(response, 1, this.#now())));
  }

  /**
   * Creates lists and statuses, and sends no change; a failure leaves no doubt about any change.
   */
  #create(records: readonly SalesforceRecord[], signal: AbortSignal) {
    const answer = this.#http.send(this.#requests.create(records), signal);
    return reading(answer.then((response) => readRows(response, records.length, this.#now())));
  }
}

/** Routes with other statuses mean the same campaign. */
const namedBy = ({ campaign, campaignId, createCampaign }: Named): Named => ({ campaign, campaignId, createCampaign });

const nameOf = ({ campaign, campaignId }: Named): string =>
  campaign === undefined ? `with the id ${campaignId ?? ''}` : JSON.stringify(campaign);

const cannot = (named: Named, why: string): string => `Failed to use the Salesforce campaign ${nameOf(named)}: ${why}`;

const missingSentence = (named: Named): string =>
  `Failed to find the Salesforce campaign ${nameOf(named)}. Create it, or let the options create it by name (createCampaign: true).`;

const lacks = (options: SalesforceOptions, missing: readonly string[]): string =>
  cannot(
    options,
    `it has no member status ${missing.map((label) => JSON.stringify(label)).join(' and no ')}. Add it to the campaign.`,
  );

/**
 * Names need not be unique: where the options let processes create one, so that several may have
 * done it, all take the oldest.
 */
function choose([id, ...others]: readonly string[], named: Named): Choice<string> {
  if (id === undefined) return { refuse: missingSentence(named) };
  if (others.length > 0 && !named.createCampaign) {
    return { refuse: cannot(named, 'several campaigns have this name. Name it by campaignId.') };
  }
  return { use: id };
}
