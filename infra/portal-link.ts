import { interpolate, type Output } from '@pulumi/pulumi';

/** Opens a resource in Azure's portal. */
export function portalLink(tenantId: string, resourceId: Output<string>): Output<string> {
  return interpolate`https://portal.azure.com/#@${tenantId}/resource${resourceId}`;
}
