//! Errors as AWS names them: an exception name, an HTTP status and, mostly, a message.
//!
//! An [`ApiError`] knows nothing of JSON or CBOR; `protocol` writes it in the codec of the request.
//! Texts follow Amazon's answers as recorded by others; all of them are in `operation::refusals`, each with its source.

use std::borrow::Cow;

/// The exception a client sees, by AWS's own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The stream, shard or consumer does not exist.
    ResourceNotFound,
    /// The resource is not in the state that the call needs.
    ResourceInUse,
    /// An argument is well formed but wrong.
    InvalidArgument,
    /// A quota of the account, stream or consumer would be passed.
    LimitExceeded,
    /// A throughput limit, or a fault that someone switched on.
    ProvisionedThroughputExceeded,
    /// The shard iterator is older than 300 s.
    ExpiredIterator,
    /// The pagination token is older than 300 s.
    ExpiredNextToken,
    /// A member breaks a constraint of the model.
    Validation,
    /// The body cannot be read, or a member has the wrong type.
    Serialization,
    /// The target names no operation of the service.
    UnknownOperation,
    /// The operation or wire form is part of Kinesis but not built here.
    NotImplemented,
    /// The call would have succeeded, had `DryRun` not been set.
    DryRunOperation,
    /// The caller may not do this.
    AccessDenied,
    /// The key for encryption does not exist.
    KmsNotFound,
    /// No credentials came with the request.
    MissingAuthenticationToken,
    /// The credentials are incomplete.
    IncompleteSignature,
    /// The credentials contradict themselves.
    InvalidSignature,
    /// The credentials name a service that is not served.
    UnrecognizedClient,
    /// The credentials were temporary, and their time is over.
    ExpiredToken,
    /// Something broke inside; the only kind that is not the client's fault.
    InternalFailure,
}

impl ErrorKind {
    /// The name on the wire (`__type`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::InvalidArgument => "InvalidArgumentException",
            Self::LimitExceeded => "LimitExceededException",
            Self::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            Self::ExpiredIterator => "ExpiredIteratorException",
            Self::ExpiredNextToken => "ExpiredNextTokenException",
            Self::Validation => "ValidationException",
            Self::Serialization => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::NotImplemented => "NotImplementedException",
            Self::DryRunOperation => "DryRunOperationException",
            Self::AccessDenied => "AccessDeniedException",
            Self::KmsNotFound => "KMSNotFoundException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::InternalFailure => "InternalFailure",
        }
    }

    /// The HTTP status of a POST with a known codec: 400, or 500 for an internal failure.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InternalFailure => 500,
            _ => 400,
        }
    }

    /// Whether the message member is `Message`: only type errors spell it so (reference 1.2).
    #[must_use]
    pub const fn message_is_capitalised(self) -> bool {
        matches!(self, Self::Serialization)
    }
}

/// One refused request: what the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The exception.
    pub kind: ErrorKind,
    /// The exact text, or `None` where AWS sends no message member at all.
    pub message: Option<Cow<'static, str>>,
}

impl ApiError {
    /// An error with a message.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: Some(message.into()) }
    }

    /// An error without a message member (unknown operation, malformed body, internal failure).
    #[must_use]
    pub const fn bare(kind: ErrorKind) -> Self {
        Self { kind, message: None }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.kind.name()),
            None => f.write_str(self.kind.name()),
        }
    }
}

impl std::error::Error for ApiError {}
