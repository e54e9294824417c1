//! The name and the ARN of a consumer (enhanced fan-out).

use super::{StreamArn, StreamName};
use std::fmt;
use std::sync::Arc;

/// A consumer's name: 1 to 128 of `[a-zA-Z0-9_.-]` (reference 18.1). Unique within its stream; a clone costs one
/// counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerName(Arc<str>);

impl ConsumerName {
    /// Reads a consumer name; `None` if it breaks the pattern or the length, which are those of stream names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        StreamName::is_valid(text).then(|| Self(Arc::from(text)))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// `{stream ARN}/consumer/{name}:{creation}` (reference 5.1): registering a name again makes another ARN.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConsumerArn {
    /// The stream it reads.
    pub stream: StreamArn,
    /// Its name.
    pub name: ConsumerName,
    /// When it was registered, epoch seconds.
    pub created_s: u64,
}

impl ConsumerArn {
    /// Reads the ARN of a consumer; `None` for a stream's or anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (stream, consumer) = text.rsplit_once("/consumer/")?;
        let (name, created) = consumer.split_once(':')?;
        let is_number = !created.is_empty() && created.bytes().all(|byte| byte.is_ascii_digit());
        let created_s = is_number.then(|| created.parse().ok()).flatten()?;
        Some(Self { stream: StreamArn::parse(stream)?, name: ConsumerName::parse(name)?, created_s })
    }
}

impl fmt::Display for ConsumerArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, name, created_s } = self;
        write!(f, "{stream}/consumer/{name}:{created_s}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_comes_back_as_it_was() {
        for text in [
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c:1700000000",
            "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/consumer/consumer/a.b_c-D:0",
        ] {
            assert_eq!(ConsumerArn::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_consumers_arn_is_refused() {
        for text in [
            "",
            "c:1",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c:",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c:+1",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c:1:2",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/:1",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c/d:1",
            "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/c:99999999999999999999",
            "arn:aws:kinesis:us-east-1:000000000000:queue/orders/consumer/c:1",
        ] {
            assert_eq!(ConsumerArn::parse(text), None, "{text}");
        }
    }
}
