import {
  formField,
  googleProfile,
  metaProfile,
  plainProfile,
  type PersonalField,
} from '@activation-hub/destination-kit';
import { linkedinIds } from './linkedin/takes.ts';
import { pinterestProfile } from './pinterest/takes.ts';
import { longId } from './salesforce/request.ts';
import { snapchatProfile } from './snapchat/takes.ts';
import { tiktokFields } from './tiktok/takes.ts';
import { identityForms, writtenIdentity } from './written-identity.ts';

/**
 * The fields by which a kind can be set to know a person. Meta's id of a device is not among them:
 * it takes any text in lower case, which may be another person's id where case tells people apart.
 * Real ones are UUIDs, which others take in lower case, too.
 */
const identifyingFields: readonly PersonalField[] = [
  plainProfile.email,
  plainProfile.phone,
  plainProfile.mobileId,
  googleProfile.emailAddress,
  googleProfile.phoneNumber,
  googleProfile.mobileId,
  metaProfile.EMAIL,
  metaProfile.PHONE,
  metaProfile.EXTERN_ID,
  ...Object.values(linkedinIds),
  ...Object.values(pinterestProfile),
  ...Object.values(snapchatProfile),
  ...Object.values(tiktokFields),
];

/**
 * Every form in which a kind of destination that comes with Activation Hub may have stored an
 * identity, whatever its settings were, each once: for who looks for the person after the settings
 * were changed or removed. Only telephone numbers need their country code for that: with a guessed
 * one they would be other people's.
 */
export function storedForms(identity: { readonly namespace: string; readonly value: string }): readonly string[] {
  const { value } = identity;
  const trimmed = value.trim();
  const formed = [
    ...identifyingFields.map((field) => formField(field, value)),
    ...identityForms.map((form) => writtenIdentity(identity, form)),
  ].flatMap((form) => (form.status === 'formed' ? [form.value] : []));
  const records = /^[A-Za-z0-9]{15}$/.test(trimmed) ? [longId(trimmed)] : [];
  return [...new Set([value, ...(trimmed === '' ? [] : [trimmed]), ...records, ...formed])];
}
