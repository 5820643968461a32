import {
  formed,
  type FormedValue,
  googleProfile,
  type PersonalField,
  plainProfile,
  refused,
  type Takes,
} from '@activation-hub/destination-kit';
import type { TiktokSettings } from './settings.ts';

/**
 * Fields of a person in TikTok's form, under the kinds of ids of a segment mapping ("List of
 * supported IDs and formats for a customer file" of the help of TikTok Ads Manager). An older
 * edition of that page takes away what stands between + and @ in an address, the newer one does
 * not: it is followed. Of phone numbers it wants the plus sign or takes them without, and the one
 * hash that it publishes is of digits alone: these are told.
 */
export const tiktokFields = {
  EMAIL_SHA256: { normalise: withoutSpaces, as: 'sha256' },
  PHONE_SHA256: { normalise: digitsOfPhone, as: 'sha256' },
  IDFA_SHA256: { normalise: lowerCaseDevice, as: 'sha256' },
  AAID_SHA256: { normalise: lowerCaseDevice, as: 'sha256' },
} as const satisfies Readonly<Record<string, PersonalField>>;

export type TiktokKey = keyof typeof tiktokFields;
export const tiktokKeys = Object.keys(tiktokFields) as TiktokKey[];

function withoutSpaces(text: string): FormedValue {
  return plainProfile.email.normalise(text.replaceAll(/\s/gu, ''));
}

function digitsOfPhone(...of: Parameters<PersonalField['normalise']>): FormedValue {
  const number = plainProfile.phone.normalise(...of);
  return number.status === 'formed' ? formed(number.value.slice(1)) : number;
}

function lowerCaseDevice(text: string): FormedValue {
  const device = googleProfile.mobileId.normalise(text);
  return device.status === 'formed' ? formed(device.value.toLowerCase()) : refused(device.reason);
}

const hashed = 'SHA-256 of it is sent, unless it is one already.';
const attributes: Readonly<Record<TiktokKey, string>> = {
  EMAIL_SHA256: `An e-mail address, in lower case. ${hashed}`,
  PHONE_SHA256: `A phone number with its country code, digits only. ${hashed}`,
  IDFA_SHA256: `The advertising id of an Apple device, in lower case; zeros are dropped. ${hashed}`,
  AAID_SHA256: `The advertising id of an Android device, in lower case; zeros are dropped. ${hashed}`,
};

export const tiktokTakes = ({ keys }: TiktokSettings): Takes => ({
  identities: Object.fromEntries(
    Object.entries(keys).map(([namespace, key]) => [namespace, `TikTok matches it as ${key}. ${attributes[key]}`]),
  ),
  attributes,
});
