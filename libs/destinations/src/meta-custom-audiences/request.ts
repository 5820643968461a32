import { createHash, createHmac } from 'node:crypto';
import {
  DestinationError,
  type Change,
  formedIdentities,
  formField,
  formFields,
  headerTextOf,
  type HttpRequest,
  identifierOf,
  identityIn,
  metaProfile,
  noIdentifier,
} from '@activation-hub/destination-kit';
import type { MetaSettings } from './settings.ts';

type MetaKey = keyof typeof metaProfile;
const metaKeys = Object.keys(metaProfile) as MetaKey[];

/** What Meta is told of one change: values in Meta's form under the keys of a custom audience. */
export interface MetaRow {
  readonly id: string;
  readonly values: Readonly<Partial<Record<MetaKey, string>>>;
  /** What the person is worth, where an attribute says it. */
  readonly lookalikeValue?: number;
}

/** "Value-Based Lookalikes" of the Marketing API. */
const lookalikeKey = 'LOOKALIKE_VALUE';

export type MetaRequests = ReturnType<typeof metaRequests>;

/** How many audiences one page of the search has. */
const pageSize = '500';
/** "Data processing options for US users" of the Marketing API. */
const dataProcessingKeys = [
  'DATA_PROCESSING_OPTIONS',
  'DATA_PROCESSING_OPTIONS_COUNTRY',
  'DATA_PROCESSING_OPTIONS_STATE',
];
const audienceFields = 'id,name,subtype,operation_status,permission_for_actions,is_value_based';

/**
 * Describes the requests to the Graph API, each with the method that is meant: new apps cannot have
 * it overridden by a field since 2026-11-04
 * (developers.facebook.com/blog/post/2026/11/04/introducing-graph-api-v27-and-marketing-api-v27).
 * What tells carries the token and its proof in the body, a removal too; what only reads carries
 * the token in a header, and in the URL no more than the proof, which is of no use without the
 * token. Throws `DestinationError` of class `set-up` when a secret is not ASCII on one line.
 */
export function metaRequests(settings: MetaSettings) {
  const { baseUrl, apiVersion, adAccountId, accessToken, appSecret, timeoutMs, dataProcessing, pageId, appId } =
    settings;
  const root = `${baseUrl.replace(/\/+$/, '')}/${apiVersion}`;
  const token = headerTextOf('accessToken', accessToken);
  const key = appSecret === undefined ? undefined : headerTextOf('appSecret', appSecret);
  const proof: Readonly<Record<string, string>> =
    key === undefined ? {} : { appsecret_proof: createHmac('sha256', key).update(token).digest('hex') };
  const read = (path: string, fields: Readonly<Record<string, string>>): HttpRequest => ({
    method: 'GET',
    url: `${root}/${path}?${new URLSearchParams({ ...fields, ...proof }).toString()}`,
    headers: { accept: 'application/json', authorization: `Bearer ${token}` },
    timeoutMs,
  });
  const tell = (method: 'POST' | 'DELETE', path: string, fields: Readonly<Record<string, string>>): HttpRequest => ({
    method,
    url: `${root}/${path}`,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...fields, access_token: token, ...proof }).toString(),
    timeoutMs,
  });

  /**
   * Ids of a page or an app are told together with it ("Using PAGEUID"; `app_ids` as the vendor's
   * own library has it).
   */
  const scopesOf = (schema: readonly string[]) => ({
    ...(schema.includes('PAGEUID') && { is_raw: true, page_ids: [pageId ?? ''] }),
    ...(schema.includes('APPUID') && { is_raw: true, app_ids: [appId ?? ''] }),
  });
  const schemaOf = (rows: readonly MetaRow[]) =>
    metaKeys.filter((name) => rows.some(({ values }) => values[name] !== undefined));

  return {
    readAudience: (audienceId: string): HttpRequest => read(audienceId, { fields: audienceFields }),
    /**
     * A page of the audiences of the ad account; `after` is the cursor that the page before ended
     * with.
     */
    listAudiences: (after: string | undefined): HttpRequest =>
      read(`act_${adAccountId}/customaudiences`, {
        fields: audienceFields,
        limit: pageSize,
        ...(after === undefined ? {} : { after }),
      }),
    createAudience: (name: string, customerFileSource: string, valueBased: boolean): HttpRequest =>
      tell('POST', `act_${adAccountId}/customaudiences`, {
        name,
        subtype: 'CUSTOM',
        description: 'Kept by Activation Hub',
        customer_file_source: customerFileSource,
        ...(valueBased && { is_value_based: '1' }),
      }),
    /**
     * Adds or removes persons, in a session of this one batch. `attempt` tells sessions of the same
     * batch apart.
     */
    changeUsers: (
      direction: 'add' | 'remove',
      { audienceId, valueBased }: { readonly audienceId: string; readonly valueBased: boolean },
      rows: readonly MetaRow[],
      attempt: string,
    ): HttpRequest => {
      const schema = schemaOf(rows);
      const isValued = valueBased && direction === 'add';
      const processed = direction === 'add' ? dataProcessing : undefined;
      const options = processed === undefined ? [] : [['LDU'], processed.country, processed.state];
      const payload = {
        schema: [
          ...schema,
          ...(isValued ? [lookalikeKey] : []),
          ...(processed === undefined ? [] : dataProcessingKeys),
        ],
        data: rows.map(({ values, lookalikeValue = 0 }) => [
          ...schema.map((name) => values[name] ?? ''),
          ...(isValued ? [lookalikeValue] : []),
          ...options,
        ]),
        ...scopesOf(schema),
      };
      const session = {
        session_id: sessionId(rows, attempt),
        batch_seq: 1,
        last_batch_flag: true,
        estimated_num_total: rows.length,
      };
      return tell(direction === 'add' ? 'POST' : 'DELETE', `${audienceId}/users`, {
        payload: JSON.stringify(payload),
        session: JSON.stringify(session),
      });
    },
    /**
     * Takes persons out of all custom audiences of the ad account ("Remove Members from a Custom
     * Audience").
     */
    forgetUsers: (rows: readonly MetaRow[]): HttpRequest => {
      const schema = schemaOf(rows);
      const data = rows.map(({ values }) => schema.map((name) => values[name] ?? ''));
      return tell('DELETE', `act_${adAccountId}/usersofanyaudience`, {
        payload: JSON.stringify({ schema, data, ...scopesOf(schema) }),
      });
    },
  };
}

/**
 * A new number for each attempt, below 2^48. Meta may drop rows of a closed session, so the
 * repetition of a batch must not look like one; adding or removing a person twice does no harm.
 */
function sessionId(rows: readonly MetaRow[], attempt: string): number {
  const digest = createHash('sha256').update(JSON.stringify([attempt, ...rows.map(({ id }) => id)]));
  return digest.digest().readUIntBE(0, 6) + 1;
}

type KeySettings = Pick<MetaSettings, 'identifiers' | 'defaultCountry'>;

/**
 * Rows of persons of whom only identities are known, each once; one that no key is set for, or that
 * has no form in Meta, is in none.
 */
export function rowsOfIdentities(identities: readonly Change['identity'][], settings: KeySettings): readonly MetaRow[] {
  const rows = formedIdentities(identities, identityIn(metaProfile), settings).map(({ namespace, value }): MetaRow => {
    const key = settings.identifiers[namespace] ?? 'EMAIL';
    return { id: `${key} ${value}`, values: { [key]: value } };
  });
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}

/**
 * What Meta is told of a change, or why it cannot know the person. An attribute that has no value
 * in Meta's form is left out. Throws `DestinationError` of class `set-up` for an attribute that is
 * mapped to something that is no key.
 */
export function rowOf(
  { id, identity, attributes }: Change,
  { identifiers, defaultCountry }: KeySettings,
): MetaRow | { readonly refusal: string } {
  const context = { defaultCountry };
  const key = identifierOf(identifiers, identity.namespace);
  if (key === undefined) return { refusal: noIdentifier };
  const form = formField(metaProfile[key], identity.value, context);
  if (form.status === 'refused') return { refusal: form.reason };
  for (const name of Object.keys(attributes)) {
    if (!Object.hasOwn(metaProfile, name) && name !== lookalikeKey) {
      throw new DestinationError(
        'set-up',
        `Failed to tell Meta the attribute ${name}: it is no key of a custom audience. Map attributes to ${metaKeys.join(', ')}.`,
      );
    }
  }
  const worth = Number(attributes[lookalikeKey] ?? Number.NaN);
  return {
    id,
    values: { ...formFields(metaProfile, attributes, context).fields, [key]: form.value },
    ...(worth >= 0 && worth < Infinity && { lookalikeValue: worth }),
  };
}

/**
 * The row under which Meta took the person last, when a value of it holds no longer: the person is
 * to be taken out under it, for Meta would keep an earlier address or number. `undefined` when all
 * that Meta was told still holds.
 */
export function earlierRowOf(
  { identity, previousAttributes }: Change,
  { id, values }: MetaRow,
  { identifiers, defaultCountry }: KeySettings,
): MetaRow | undefined {
  if (previousAttributes === undefined) return undefined;
  const key = identifiers[identity.namespace];
  // Attributes that are not mapped any more may be among them; what has no form in Meta was never
  // told.
  const { fields } = formFields(metaProfile, previousAttributes, { defaultCountry });
  const earlier = { ...fields, ...(key !== undefined && { [key]: values[key] }) } as MetaRow['values'];
  const isOver = metaKeys.some((name) => earlier[name] !== undefined && earlier[name] !== values[name]);
  return isOver ? { id, values: earlier } : undefined;
}
