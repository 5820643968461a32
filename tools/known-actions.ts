/** An action that our workflows use, as its repository has it. */
export interface KnownAction {
  readonly version: string;
  /** The commit that the version's tag pointed to; a tag can be moved, a commit cannot. */
  readonly commit: string;
  /**
   * Every input that its `action.yml` declares at that commit, for actionlint knows none of a
   * commit.
   */
  readonly inputs: readonly string[];
}

/**
 * The actions that may be used, each at one commit. Commits were read from the tags of the actions'
 * repositories, and compared with public workflows that pin the same version. To move to another
 * version, change it here and in the workflows: the tests name each place.
 */
export const knownActions: Readonly<Record<string, KnownAction>> = {
  'actions/checkout': {
    version: 'v7.0.1',
    commit: '3d3c42e5aac5ba805825da76410c181273ba90b1',
    inputs: words(
      'repository ref token ssh-key ssh-known-hosts ssh-strict ssh-user persist-credentials path clean filter sparse-checkout',
      'sparse-checkout-cone-mode fetch-depth fetch-tags show-progress lfs submodules set-safe-directory github-server-url',
      'allow-unsafe-pr-checkout',
    ),
  },
  'actions/setup-node': {
    version: 'v7.0.0',
    commit: '820762786026740c76f36085b0efc47a31fe5020',
    inputs: words(
      'node-version node-version-file architecture check-latest registry-url scope token cache package-manager-cache',
      'cache-dependency-path mirror mirror-token',
    ),
  },
  'actions/upload-artifact': {
    version: 'v7.0.0',
    commit: 'bbbca2ddaa5d8feaa63e36b76fdaad77386f024f',
    inputs: words(
      'name path if-no-files-found retention-days compression-level overwrite include-hidden-files archive',
    ),
  },
  'actions/download-artifact': {
    version: 'v8.0.1',
    commit: '3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c',
    inputs: words(
      'name artifact-ids path pattern merge-multiple github-token repository run-id skip-decompress digest-mismatch',
    ),
  },
  'actions/attest': {
    version: 'v4.2.0',
    commit: 'f7c74d28b9d84cb8768d0b8ca14a4bac6ef463e6',
    inputs: words(
      'subject-path subject-digest subject-name subject-checksums subject-version sbom-path predicate-type predicate predicate-path',
      'push-to-registry create-storage-record show-summary github-token',
    ),
  },
  'azure/login': {
    version: 'v3.0.1',
    commit: 'f5d393ae46f8fde4be8b75f32e3fc50e654ad0ca',
    inputs: words(
      'creds client-id tenant-id subscription-id enable-AzPSSession environment allow-no-subscriptions audience auth-type',
    ),
  },
  'pulumi/actions': {
    version: 'v7.0.0',
    commit: '8e5e406f4007fca908480587cb9893c07090f58d',
    inputs: words(
      'command stack-name pulumi-version pulumi-version-file work-dir comment-on-pr comment-on-pr-number comment-on-summary',
      'github-token cloud-url secrets-provider parallel message config-map expect-no-changes diff replace exclude',
      'exclude-dependents target target-dependents policyPacks policyPackConfigs refresh upsert remove edit-pr-comment color',
      'exclude-protected plan suppress-outputs suppress-progress always-include-summary continue-on-error log-verbosity',
      'log-flow debug',
    ),
  },
};

function words(...lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(' '));
}
