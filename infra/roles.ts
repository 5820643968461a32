import { RoleAssignment } from '@pulumi/azure-native/authorization/roleAssignment.js';
import type { Input, Resource } from '@pulumi/pulumi';
import { stableUuid, type Place } from './place.ts';

/**
 * Azure's built-in roles that the stack gives, and no others (learn.microsoft.com, "Azure built-in
 * roles").
 */
export const roleDefinitions = {
  'Azure Event Hubs Data Receiver': 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde',
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6',
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb',
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
} as const;
export type RoleName = keyof typeof roleDefinitions;

export interface Grant {
  /**
   * Part of the name of the resource and of the assignment: what the scope is, such as
   * `data-account`.
   */
  readonly scopeName: string;
  /** The resource id on which the role counts, as narrow as it works. */
  readonly scope: Input<string>;
  readonly role: RoleName;
}

/**
 * Gives a managed identity one role on one scope. The assignment's name is the same every time for
 * the same identity name, scope name and role, so that a second stack or a lost state finds the
 * assignment instead of making a double. An identity made anew has another principal, and Azure
 * does not change that of an assignment: it is deleted first, then made.
 */
export function assignRole(
  parent: Resource,
  identity: {
    /** Of the component that the identity is for. */ readonly name: string;
    readonly principalId: Input<string>;
  },
  { role, scope, scopeName }: Grant,
  place: Place,
): RoleAssignment {
  const roleId = roleDefinitions[role];
  const slug = role.toLowerCase().replaceAll(' ', '-');
  return new RoleAssignment(
    `${identity.name}-${slug}-on-${scopeName}`,
    {
      roleAssignmentName: stableUuid(
        [place.subscriptionId, place.names.resourceGroup, identity.name, scopeName, roleId].join('/'),
      ),
      scope,
      principalId: identity.principalId,
      principalType: 'ServicePrincipal',
      roleDefinitionId: `/subscriptions/${place.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`,
    },
    { parent, deleteBeforeReplace: true },
  );
}
