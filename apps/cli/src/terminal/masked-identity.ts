/** As little of an identity's value as tells people apart on a screen that others see. */
export function maskedValue(identity: string): string {
  const [value = ''] = identity.split('@');
  return `●●●●${value.length > 8 ? value.slice(-4) : ''}`;
}
