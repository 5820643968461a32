import { documentedErrors, type ListedErrors } from '@activation-hub/destination-kit';

/** The list of the service's own SDK (12.34.0), made from its description. */
const source = 'github.com/Azure/azure-sdk-for-js, sdk/storage/storage-blob, KnownStorageErrorCode';

/** Every code of `x-ms-error-code`. A blob is written whole, so that no code is of one row. */
export const listedErrors: readonly ListedErrors[] = [
  {
    means: 'throttled',
    source,
    codes: `
      ServerBusy`,
  },
  // Three of them say that the blob is there, which a write takes for done.
  {
    means: 'transient',
    source,
    codes: `
      AccountBeingCreated BlobAlreadyExists BlobBeingRehydrated BlobImmutableDueToPolicy ConditionNotMet
      ContainerBeingDeleted InternalError OperationTimedOut PendingCopyOperation SnapshotOperationRateExceeded
      SystemInUse`,
  },
  {
    means: 'invalid',
    source,
    codes: `
      MaxBlobSizeConditionNotMet RequestBodyTooLarge`,
  },
  {
    means: 'set-up',
    advice:
      'Check the key or the identity, that it may write blobs, and what the firewall of the storage account lets in.',
    source,
    codes: `
      AccountIsDisabled AuthenticationFailed AuthorizationFailure AuthorizationPermissionMismatch
      AuthorizationProtocolMismatch AuthorizationResourceTypeMismatch AuthorizationServiceMismatch
      AuthorizationSourceIPMismatch InsufficientAccountPermissions InvalidAuthenticationInfo
      NoAuthenticationInformation UnauthorizedBlobOverwrite`,
  },
  {
    means: 'set-up',
    advice: 'Check containerUrl: that the container is there and takes new blobs.',
    source,
    codes: `
      BlobAccessTierNotSupportedForAccountType BlobTierInadequateForContentLength
      BlobUsesCustomerSpecifiedEncryption ContainerDisabled ContainerNotFound FeatureVersionMismatch
      InvalidResourceName InvalidUri RequestUrlFailedToParse ResourceNotFound ResourceTypeMismatch`,
  },
  {
    means: 'set-up',
    advice: 'The service takes no such request there: check what containerUrl names, and what stands between.',
    source,
    codes: `
      AccountAlreadyExists AppendPositionConditionNotMet BlobArchived BlobNotArchived BlobNotFound BlobOverwritten
      BlockCountExceedsLimit BlockListTooLong CannotChangeToLowerTier CannotVerifyCopySource
      ConditionHeadersNotSupported ContainerAlreadyExists ContentLengthLargerThanTierLimit
      CopyAcrossAccountsNotSupported CopyIdMismatch EmptyMetadataKey IncrementalCopyBlobMismatch
      IncrementalCopyOfEarlierSnapshotNotAllowed IncrementalCopySourceMustBeSnapshot InfiniteLeaseDurationRequired
      InvalidBlobOrBlock InvalidBlobTier InvalidBlobType InvalidBlockId InvalidBlockList InvalidHeaderValue
      InvalidHttpVerb InvalidInput InvalidMd5 InvalidMetadata InvalidOperation InvalidPageRange
      InvalidQueryParameterValue InvalidRange InvalidSourceBlobType InvalidSourceBlobUrl
      InvalidVersionForPageBlobOperation InvalidXmlDocument InvalidXmlNodeValue LeaseAlreadyBroken
      LeaseAlreadyPresent LeaseIdMismatchWithBlobOperation LeaseIdMismatchWithContainerOperation
      LeaseIdMismatchWithLeaseOperation LeaseIdMissing LeaseIsBreakingAndCannotBeAcquired
      LeaseIsBreakingAndCannotBeChanged LeaseIsBrokenAndCannotBeRenewed LeaseLost LeaseNotPresentWithBlobOperation
      LeaseNotPresentWithContainerOperation LeaseNotPresentWithLeaseOperation Md5Mismatch MetadataTooLarge
      MissingContentLengthHeader MissingRequiredHeader MissingRequiredQueryParameter MissingRequiredXmlNode
      MultipleConditionHeadersNotSupported NoPendingCopyOperation OperationNotAllowedOnIncrementalCopyBlob
      OutOfRangeInput OutOfRangeQueryParameterValue PreviousSnapshotCannotBeNewer PreviousSnapshotNotFound
      PreviousSnapshotOperationNotSupported ResourceAlreadyExists SequenceNumberConditionNotMet
      SequenceNumberIncrementTooLarge SnapshotCountExceeded SnapshotsPresent SourceConditionNotMet
      TargetConditionNotMet UnsupportedHeader UnsupportedHttpVerb UnsupportedQueryParameter UnsupportedXmlNode`,
  },
];

/** Errors of the Blob service, by their code. */
export const blobArchiveErrors = documentedErrors([], listedErrors);
