/** What the page is about: `GET /api/about`. */
export interface About {
  /** `local`: everything on this machine. Otherwise the name of the environment. */
  readonly environment: string;
  /** Whether each change is seen as it happens, and exports can be sent. */
  readonly isLocal: boolean;
  /** Who is signed in to Azure, with whose rights everything is done; only of an environment. */
  readonly operator?: string;
  /** Its path. */
  readonly activationFile: string;
  readonly audiences: readonly { readonly key: string; readonly name: string; readonly id: string }[];
  readonly destinations: readonly AboutDestination[];
  readonly routes: readonly { readonly audience: string; readonly destination: string; readonly mode: string }[];
  readonly simulator?: { readonly rate: number; readonly profiles: number };
}

export interface AboutDestination {
  readonly key: string;
  readonly type: string;
  /** It is told to a stand-in on this machine, which can be broken and mended. */
  readonly canBreak: boolean;
}
