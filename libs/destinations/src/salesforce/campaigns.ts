import { asking, DestinationError, type HttpSender, Remembered } from '@activation-hub/destination-kit';
import { quoted, type SalesforceRecord, type SalesforceRequests } from './request.ts';
import { readFound, readRows, textAt } from './response.ts';
import type { SalesforceTerms } from './settings.ts';

/** The terms that say which campaign is meant. */
type Named = Pick<SalesforceTerms, 'campaign' | 'campaignId' | 'createCampaign'>;

/** The campaigns that terms name. */
export class Campaigns {
  readonly #http: HttpSender;
  readonly #requests: SalesforceRequests;
  readonly #now: () => number;
  readonly #ids = new Remembered((key, signal) => this.#findOrCreate(JSON.parse(key) as Named, signal));
  readonly #checked = new Remembered(async (key, signal) => {
    const terms = JSON.parse(key) as SalesforceTerms;
    const id = await this.#ids.get(keyOf(terms), signal);
    await this.#requireStatuses(id, terms, signal);
    return id;
  });

  constructor(http: HttpSender, requests: SalesforceRequests, now: () => number) {
    this.#http = http;
    this.#requests = requests;
    this.#now = now;
  }

  /**
   * Gives the id of the campaign, which is created with its statuses where the terms allow it. Throws `DestinationError`: class
   * `set-up` when there is no such campaign, several, or one without the statuses. Nobody was told anything then.
   */
  idOf(terms: SalesforceTerms, signal: AbortSignal): Promise<string> {
    return this.#checked.get(JSON.stringify(terms), signal);
  }

  /** Looks anew: gives the id that the campaign has now. */
  async currentIdOf(terms: SalesforceTerms, signal: AbortSignal): Promise<string> {
    this.#checked.forget(JSON.stringify(terms));
    this.#ids.forget(keyOf(terms));
    return await this.idOf(terms, signal);
  }

  /** Says what is wrong with the campaign of these terms; creates nothing. */
  async problem(terms: SalesforceTerms, signal: AbortSignal): Promise<string | undefined> {
    const found = await this.#find(terms, signal);
    if (found.length === 0 && terms.createCampaign) return undefined;
    const misfit = misfitOf(found, terms);
    const [id] = found;
    if (misfit !== undefined || id === undefined || terms.createCampaign) return misfit;
    const missing = await this.#missingStatuses(id, terms, signal);
    return missing.length === 0 ? undefined : lacks(terms, missing);
  }

  async #findOrCreate(named: Named, signal: AbortSignal): Promise<string> {
    const found = await this.#find(named, signal);
    const { campaign, createCampaign } = named;
    if (found.length === 0 && createCampaign && campaign !== undefined) {
      const [row] = await this.#create([{ attributes: { type: 'Campaign' }, Name: campaign, IsActive: true }], signal);
      if (row?.success === true && typeof row.id === 'string') return row.id;
      throw new DestinationError('set-up', cannot(named, 'Salesforce refuses to create it. Create it by hand.'));
    }
    const misfit = misfitOf(found, named);
    const [id] = found;
    if (misfit !== undefined || id === undefined)
      throw new DestinationError('set-up', misfit ?? missingSentence(named));
    return id;
  }

  async #requireStatuses(id: string, terms: SalesforceTerms, signal: AbortSignal): Promise<void> {
    const missing = await this.#missingStatuses(id, terms, signal);
    if (missing.length === 0) return;
    const records = missing.map((label) => ({
      attributes: { type: 'CampaignMemberStatus' },
      CampaignId: id,
      Label: label,
    }));
    const rows = terms.createCampaign ? await this.#create(records, signal) : [];
    if (rows.length === 0 || rows.some(({ success }) => !success)) {
      throw new DestinationError('set-up', lacks(terms, missing));
    }
  }

  async #missingStatuses(id: string, { status, exitStatus }: SalesforceTerms, signal: AbortSignal): Promise<string[]> {
    const wanted = [status, exitStatus].filter((each) => each !== undefined);
    if (wanted.length === 0) return [];
    const rows = await this.#search(`SELECT Label FROM CampaignMemberStatus WHERE CampaignId = ${quoted(id)}`, signal);
    const labels = new Set(rows.map((row) => textAt(row, 'Label')?.toLowerCase()));
    return wanted.filter((label) => !labels.has(label.toLowerCase()));
  }

  async #find({ campaign, campaignId }: Named, signal: AbortSignal): Promise<readonly string[]> {
    const where = campaignId === undefined ? `Name = ${quoted(campaign ?? '')}` : `Id = ${quoted(campaignId)}`;
    const rows = await this.#search(`SELECT Id FROM Campaign WHERE ${where} LIMIT 2`, signal);
    return rows.flatMap((row) => textAt(row, 'Id') ?? []);
  }

  #search(query: string, signal: AbortSignal) {
    const answer = this.#http.send(this.#requests.queries([query]), signal);
    return asking(answer.then((response) => readFound(response, 1, this.#now())));
  }

  /** Creates what nobody is told by; a failure leaves no doubt about any change. */
  #create(records: readonly SalesforceRecord[], signal: AbortSignal) {
    const answer = this.#http.send(this.#requests.create(records), signal);
    return asking(answer.then((response) => readRows(response, records.length, this.#now())));
  }
}

const keyOf = ({ campaign, campaignId, createCampaign }: Named): string =>
  JSON.stringify({ campaign, campaignId, createCampaign } satisfies Named);

const nameOf = ({ campaign, campaignId }: Named): string =>
  campaign === undefined ? `with the id ${campaignId ?? ''}` : JSON.stringify(campaign);

const cannot = (named: Named, why: string): string => `Failed to use the Salesforce campaign ${nameOf(named)}: ${why}`;

const missingSentence = (named: Named): string =>
  `Failed to find the Salesforce campaign ${nameOf(named)}. Create it, or let the terms create it by name (createCampaign: true).`;

const lacks = (terms: SalesforceTerms, missing: readonly string[]): string =>
  cannot(
    terms,
    `it has no member status ${missing.map((label) => JSON.stringify(label)).join(' and no ')}. Add it to the campaign.`,
  );

function misfitOf(found: readonly string[], named: Named): string | undefined {
  if (found.length === 0) return missingSentence(named);
  return found.length > 1 ? cannot(named, 'several campaigns have this name. Name it by campaignId.') : undefined;
}
