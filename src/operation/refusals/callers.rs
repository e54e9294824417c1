//! Requests that never reach an operation: reference 1.6 and 2.

use super::Source::{Own, Recorded};
use crate::operation::Operation;

refusals! {
    const CALLERS;

    /// The body is no document, or there is none.
    unreadable() -> Serialization, Recorded("A1");

    /// The target is no operation's.
    unknown_operation() -> UnknownOperation, Recorded("A1");

    /// What is not a POST has no target.
    no_operation_named() -> AccessDenied, Recorded("A2")
        => "Unable to determine service/operation name to be authorized";

    /// No credentials came.
    no_credentials() -> MissingAuthenticationToken, Recorded("A3") => "Missing Authentication Token";

    /// The Authorization header lacks something: `lacks` is each of it, one after the other.
    incomplete_authorization(lacks: &str, header: &str) -> IncompleteSignature, Recorded("A4")
        => "{lacks}Authorization={header}";

    /// One of the things that it lacks.
    header_lacks(item: &str) -> Part, Recorded("A4") => "Authorization header requires '{item}' parameter. ";

    /// The one that is a header of its own.
    header_lacks_date() -> Part, Recorded("A4")
        => "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";

    /// A presigned query lacks something: `lacks` is each of it, one after the other.
    incomplete_query(lacks: &str) -> IncompleteSignature, Recorded("A5")
        => "{lacks}Re-examine the query-string parameters.";

    /// One of the things that it lacks.
    query_lacks(parameter: &str) -> Part, Recorded("A5")
        => "AWS query-string parameters must include '{parameter}'. ";

    /// Both a header and a query sign the request.
    two_credentials() -> InvalidSignature, Recorded("A6")
        => "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.";

    /// What is not a POST has a target that is not Kinesis'.
    unknown_service(service: &str, operation: &str) -> UnrecognizedClient, Recorded("A11")
        => "No authorization strategy was found for service: {service}, operation: {operation}";

    /// HTTP 500, which has no message.
    internal_failure() -> InternalFailure, Recorded("E53");

    /// An operation of the model that is not built: an error that says so, never a fake success.
    not_built(operation: Operation) -> NotImplemented, Own
        => "shardmill does not implement {O} yet.", O = operation.name();

    /// A client of another service has come here.
    other_service(wanted: &str) -> UnknownOperation, Own
        => "shardmill serves Amazon Kinesis Data Streams only; this request is for {wanted}. Point that client's \
            endpoint elsewhere.";
}
