/**
 * A route to a destination: its audience's key in the activation file, and its options as the
 * definition's schema gives them.
 */
export interface LocalRoute {
  readonly audience: string;
  readonly options: unknown;
}

/** For which destination of an activation file a stand-in is to stand. */
export interface LocalDestination {
  /** As written in the file, with references where secrets belong. */
  readonly settings: unknown;
  readonly routes: readonly LocalRoute[];
}

/**
 * A stand-in of a vendor in a whole run, `activation local --vendor` or a dry run: it has what the
 * routes name (lists) and, where a destination creates no persons, knows every person that it is
 * asked about.
 */
export interface LocalVendor {
  /**
   * What takes the place of the same settings in the file, so that the connector finds the
   * stand-in: mostly a URL.
   */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * Values of those secrets that must have a form, by the name of the setting; any other secret is
   * given some text. In place of the setting the connector then gets this.
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Whom it holds under these options now, each by the identity that it was told. */
  members(route: LocalRoute): readonly string[] | Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * Starts a stand-in on free local ports. Throws, with what to do, when it cannot stand for a
 * destination of these settings.
 */
export type StartLocalVendor = (destination: LocalDestination) => Promise<LocalVendor>;
