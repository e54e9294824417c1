//! Signatures that do not hold and callers who may not: what a server that requires signatures says beside reference 2's
//! texts about credentials.

use std::fmt::Display;

use super::Given::With;
use super::Source::{Inferred, Recorded};
use crate::names::UserArn;
use crate::operation::Operation;
use crate::policy::BadPolicy;

/// The flag with which signatures are looked at.
const REQUIRED: super::Given = With("--require-signature");

refusals! {
    const SIGNATURES;

    /// Another secret was used, or another request was signed.
    signature_mismatch() -> InvalidSignature, Recorded("A7"), REQUIRED
        => "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
            Key and signing method. Consult the service documentation for details.";

    /// Signed too long ago; `oldest` would not have been. Recorded with 5 minutes.
    signature_expired(signed: impl Display, oldest: impl Display, now: impl Display, lifetime: &str)
        -> InvalidSignature, Recorded("A8"), REQUIRED
        => "Signature expired: {signed} is now earlier than {oldest} ({now} - {lifetime})";

    /// Signed by a clock that is ahead, and further than one may be.
    signature_not_yet_current(signed: impl Display, latest: impl Display, now: impl Display, skew_min: u64)
        -> InvalidSignature, Recorded("A9"), REQUIRED
        => "Signature not yet current: {signed} is still later than {latest} ({now} + {skew_min} min.)";

    /// Nobody's access key, or not the session token that belongs to it.
    unknown_access_key() -> UnrecognizedClient, Recorded("A10"), REQUIRED
        => "The security token included in the request is invalid.";

    /// The file of credentials says that the key's time is over.
    expired_key() -> ExpiredToken, Inferred("A12"), REQUIRED
        => "The security token included in the request is expired";

    /// The scope of the credential names another service.
    wrong_scope_service() -> InvalidSignature, Recorded("kinsumer#57"), REQUIRED
        => "Credential should be scoped to correct service: 'kinesis'.";

    /// It names no region.
    wrong_scope_region(region: &str) -> InvalidSignature, Recorded("aws-sdk-ruby#508"), REQUIRED
        => "Credential should be scoped to a valid region, not '{region}'.";

    /// It does not end as it should.
    wrong_scope_end(end: &str) -> InvalidSignature, Inferred("the two before"), REQUIRED
        => "Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'.";

    /// It is for another day than the request.
    wrong_scope_day(scope_day: &str, day: &str, date: &str)
        -> InvalidSignature, Recorded("requests-aws4auth#7"), REQUIRED
        => "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope_day}' != \
            '{day}', from '{date}'.";

    /// The host is left out of what is signed.
    host_not_signed() -> InvalidSignature, Recorded("aws-sdk-php#2469"), REQUIRED
        => "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";

    /// Another header field that is AWS's own is.
    header_not_signed(name: &str) -> InvalidSignature, Inferred("the one before"), REQUIRED
        => "'{name}' must be a 'SignedHeader' in the AWS Authorization.";

    /// A date of no form that signatures have.
    bad_signing_date(date: &str) -> IncompleteSignature, Inferred("nothing"), REQUIRED
        => "Date must be in ISO-8601 'basic format'. Got '{date}'.";

    /// Signed in another way.
    bad_signing_algorithm(algorithm: &str) -> IncompleteSignature, Inferred("nothing"), REQUIRED
        => "Unsupported AWS 'algorithm': '{algorithm}'. The only one is 'AWS4-HMAC-SHA256'.";

    /// A presigned request that is to be good for no time, for too long, or for nobody knows how long.
    bad_signature_lifetime(max_s: u64) -> InvalidSignature, Inferred("nothing"), REQUIRED
        => "X-Amz-Expires must be a number of seconds from 1 to {max_s}.";

    /// The resource is another account's, and its policy does not allow it. Recorded with an identity-based policy.
    not_allowed_by_policy(user: &UserArn, operation: Operation, arn: &str)
        -> AccessDenied, Inferred("A13, in IAM's words for another kind of policy"), REQUIRED
        => "User: {user} is not authorized to perform: kinesis:{O} on resource: {arn} because no resource-based policy \
            allows the kinesis:{O} action",
        O = operation.name();

    /// The resource's policy denies it.
    denied_by_policy(user: &UserArn, operation: Operation, arn: &str)
        -> AccessDenied, Inferred("A13, in IAM's words for a denial"), REQUIRED
        => "User: {user} is not authorized to perform: kinesis:{O} on resource: {arn} with an explicit deny in a \
            resource-based policy",
        O = operation.name();

    /// A policy that could not be enforced is not kept.
    bad_policy(why: &BadPolicy) -> InvalidArgument, Inferred("nothing"), REQUIRED
        => "The policy cannot be in force: {why}.";
}
