export interface TenantAudience {
  readonly namespace: string;
  readonly id: string;
  readonly name: string;
}

export interface TenantOptions {
  /** A 32-bit number; the same options and times give the same exports for ever. */
  readonly seed: number;
  /** How many people there are; memory grows with profiles × audiences, never with exports. */
  readonly profiles: number;
  /** The audiences that are mapped to the dataflow. At least one. */
  readonly audiences: readonly TenantAudience[];
  /** Identity namespaces of known people, in lower case; every person has an `ecid` too. */
  readonly namespaces: readonly string[];
  /** Dotted XDM paths of the mapped attributes. */
  readonly attributes: readonly string[];
  /** Dotted XDM paths that hold `y`, or `n` from the day on which consent is withdrawn. */
  readonly consents: readonly string[];
}
