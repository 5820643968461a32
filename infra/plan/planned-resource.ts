/** A resource of a stack, as the program asks the engine for it. */
export interface PlannedResource {
  /**
   * Such as `azure-native:eventhub:EventHub`, or `activation-hub:infra:EventStream` for a
   * component.
   */
  readonly type: string;
  readonly name: string;
  /** The name of the component around it; absent at the top. */
  readonly parent?: string;
  /** What Azure gets; `{unknown: true}` for what only Azure knows, `{secret: true}` for secrets. */
  readonly inputs: Readonly<Record<string, unknown>>;
}
