export {
  type ContractCase,
  type ContractOptions,
  describeDestinationContract,
  destinationContract,
  type TestFunction,
} from './contract.ts';
export type { LocalDestination, LocalRoute, LocalVendor, StartLocalVendor } from './local-vendor.ts';
export type { CaseName } from './contract-cases.ts';
export type { Person } from './contract-stage.ts';
export {
  type HttpVendorServer,
  type MemberAttributes,
  type StandInVendor,
  startVendorServer,
  type VendorFault,
  type VendorRequest,
  type VendorResponse,
  type VendorServer,
} from './vendor-server.ts';
