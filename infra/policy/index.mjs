// JavaScript, and nothing else here: Pulumi loads this file through ts-node, which knows neither
// our extensions nor our TypeScript. What it imports is loaded by Node itself.
import { PolicyPack } from '@pulumi/policy';
import { createPolicies } from './policies.ts';

new PolicyPack('activation-hub', { enforcementLevel: 'mandatory', policies: createPolicies() });
