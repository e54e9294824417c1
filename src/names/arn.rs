//! The ARN of a stream: account, region and name in one text.

use super::{AccountId, Region, StreamName};
use std::fmt;

/// `arn:{partition}:kinesis:{region}:{account}:stream/{name}` (reference 5.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamArn {
    /// The owner.
    pub account: AccountId,
    /// Where the stream is; it also decides the partition.
    pub region: Region,
    /// The stream.
    pub name: StreamName,
}

impl StreamArn {
    /// Reads the ARN of a stream, and of nothing below it: a consumer's ARN is `None`.
    ///
    /// Any partition that begins with `aws` is taken, as in the model's pattern; it is not part of the identity.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:aws")?.split(':');
        let _partition_suffix = parts.next()?;
        if parts.next()? != "kinesis" {
            return None;
        }
        let region = Region::parse(parts.next()?)?;
        let account = AccountId::parse(parts.next()?)?;
        let name = StreamName::parse(parts.next()?.strip_prefix("stream/")?)?;
        parts.next().is_none().then_some(Self { account, region, name })
    }
}

impl fmt::Display for StreamArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, region, name } = self;
        write!(f, "arn:{}:kinesis:{region}:{account}:stream/{name}", region.partition())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_comes_back_as_it_was() {
        for text in [
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
            "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/a.b_c-D",
            "arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/x",
        ] {
            assert_eq!(StreamArn::parse(text).unwrap().to_string(), text);
        }
    }

    /// Someone in another partition still names the same account, region and stream.
    #[test]
    fn the_partition_is_no_identity() {
        let arn = StreamArn::parse("arn:aws-iso:kinesis:us-iso-east-1:123456789012:stream/x").unwrap();
        assert_eq!(arn.region.as_str(), "us-iso-east-1");
        assert_eq!(arn.name.as_str(), "x");
    }

    #[test]
    fn what_is_not_a_streams_arn_is_refused() {
        for text in [
            "",
            "orders",
            "arn:aws",
            "arn:gcp:kinesis:us-east-1:000000000000:stream/orders",
            "arn:aws:sqs:us-east-1:000000000000:stream/orders",
            "arn:aws:kinesis::000000000000:stream/orders",
            "arn:aws:kinesis:us-east-1:00000000000:stream/orders",
            "arn:aws:kinesis:us-east-1:000000000000:stream/",
            "arn:aws:kinesis:us-east-1:000000000000:orders",
            "arn:aws:kinesis:us-east-1:000000000000:queue/orders",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c:1700000000",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders:more",
            " arn:aws:kinesis:us-east-1:000000000000:stream/orders",
        ] {
            assert_eq!(StreamArn::parse(text), None, "{text}");
        }
    }
}
