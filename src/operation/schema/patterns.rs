//! The model's regular expressions, as hand-written matchers beside the text that AWS prints.
//!
//! There are seven of them, each short; a regex engine would cost more to start than all of them together.
//! Every matcher is linear in the text, because it runs before the length of the text is known to be sane.
//! Java's `matches` is meant: the whole text, with or without `^` and `$` in the pattern.

/// A pattern of the model.
#[derive(Debug)]
pub struct Pattern {
    /// As it appears in an error message (reference 4: the recorded texts are without anchors).
    pub text: &'static str,
    /// Whether the whole text satisfies it.
    pub matches: fn(&str) -> bool,
}

/// Names of streams and ids of shards.
pub(super) static NAME: Pattern = Pattern { text: "[a-zA-Z0-9_.-]+", matches: is_name };
/// A hash key: up to 39 digits without a leading zero.
pub(super) static HASH_KEY: Pattern =
    Pattern { text: r"0|([1-9]\d{0,38})", matches: |text| is_decimal(text, 39) };
/// A sequence number: up to 129 digits without a leading zero.
pub(super) static SEQUENCE_NUMBER: Pattern =
    Pattern { text: r"0|([1-9]\d{0,128})", matches: |text| is_decimal(text, 129) };
/// The ARN of a stream, in any partition.
pub(super) static STREAM_ARN: Pattern =
    Pattern { text: r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+", matches: is_stream_arn };
/// The ARN of a stream, consumer, channel or queue, in any partition.
pub(super) static RESOURCE_ARN: Pattern =
    Pattern { text: r"arn:aws.*:kinesis:.*:\d{12}:.*(stream|channel|queue)/\S+", matches: is_resource_arn };
/// The ARN of a consumer, in any partition.
pub(super) static CONSUMER_ARN: Pattern = Pattern {
    text: r"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+",
    matches: is_consumer_arn,
};
/// The id of a stream, which Kinesis accepts and does not use.
pub(super) static STREAM_ID: Pattern = Pattern { text: "[a-z0-9]{20}-[a-z0-9]{3}", matches: is_stream_id };

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn is_decimal(text: &str, digits_max: usize) -> bool {
    text == "0"
        || (!text.is_empty()
            && text.len() <= digits_max
            && !text.starts_with('0')
            && text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_stream_id(text: &str) -> bool {
    let is_part = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    match text.as_bytes() {
        bytes if bytes.len() == 24 => {
            let (head, tail) = bytes.split_at(20);
            is_part(head) && tail.first() == Some(&b'-') && is_part(&tail[1..])
        }
        _ => false,
    }
}

/// What follows `arn:aws.*:kinesis:.*:\d{12}:`, with the earliest account that there is, so that it is the most.
fn after_account(text: &str) -> Option<&str> {
    const SERVICE: &str = ":kinesis:";
    const ACCOUNT_BYTES: usize = ":000000000000:".len();
    let rest = text.strip_prefix("arn:aws")?;
    let service_at = rest.find(SERVICE)?;
    let rest = &rest[service_at + SERVICE.len()..];
    let is_account = |bytes: &[u8]| {
        bytes.first() == Some(&b':')
            && bytes.last() == Some(&b':')
            && bytes[1..ACCOUNT_BYTES - 1].iter().all(u8::is_ascii_digit)
    };
    let account_at = rest.as_bytes().windows(ACCOUNT_BYTES).position(is_account)?;
    let before = &text[..text.len() - rest.len() + account_at];
    (!before.contains(is_line_end)).then(|| &rest[account_at + ACCOUNT_BYTES..])
}

/// Of the marks any may be the right one, as far as no line ends before it and no space comes after it.
fn is_resource_arn(text: &str) -> bool {
    let Some(rest) = after_account(text) else { return false };
    let mark_end_max = rest.find(is_line_end).unwrap_or(rest.len());
    let name_start_min = rest.rfind(is_ascii_space).map_or(0, |at| at + 1);
    ["stream/", "channel/", "queue/"].into_iter().any(|mark| {
        rest.match_indices(mark).any(|(mark_start, _)| {
            let name_start = mark_start + mark.len();
            mark_start <= mark_end_max && name_start >= name_start_min && name_start < rest.len()
        })
    })
}

/// Read from its end: none of the last three parts can hold what stands before it.
fn is_consumer_arn(text: &str) -> bool {
    let Some(rest) = after_account(text) else { return false };
    let parts = || {
        let (rest, created) = rest.rsplit_once(':')?;
        let (rest, consumer) = rest.rsplit_once("/consumer/")?;
        let (before, stream) = rest.rsplit_once('/')?;
        Some((before.strip_suffix("stream")?, stream, consumer, created))
    };
    parts().is_some_and(|(before, stream, consumer, created)| {
        !before.contains(is_line_end)
            && is_name(stream)
            && is_name(consumer)
            && !created.is_empty()
            && created.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// `arn:aws.*:kinesis:.*:\d{12}:stream/\S+`, where both `.*` may be long and the marks may repeat.
///
/// The leftmost `:kinesis:` is enough, since the second `.*` takes in whatever a later one would leave. Of
/// the `:stream/` marks each may be the right one; bounds found once keep the search linear.
fn is_stream_arn(text: &str) -> bool {
    const SERVICE: &str = ":kinesis:";
    const RESOURCE: &str = ":stream/";
    let Some(rest) = text.strip_prefix("arn:aws") else { return false };
    let Some(service_at) = rest.find(SERVICE) else { return false };
    if rest[..service_at].contains(is_line_end) {
        return false;
    }
    let rest = &rest[service_at + SERVICE.len()..];
    // `.` stops at a line end, `\S` at ASCII white space (Java's default).
    let region_end_max = rest.find(is_line_end).unwrap_or(rest.len());
    let name_start_min = rest.rfind(is_ascii_space).map_or(0, |at| at + 1);
    rest.match_indices(RESOURCE).any(|(account_end, _)| {
        let name_start = account_end + RESOURCE.len();
        let Some(region_end) = account_end.checked_sub(":000000000000".len()) else { return false };
        let account = &rest.as_bytes()[region_end..account_end];
        name_start >= name_start_min
            && name_start < rest.len()
            && region_end <= region_end_max
            && account[0] == b':'
            && account[1..].iter().all(u8::is_ascii_digit)
    })
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_ascii_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &Pattern, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!((pattern.matches)(text), "{text:?} should match {}", pattern.text);
        }
        for text in bad {
            assert!(!(pattern.matches)(text), "{text:?} should not match {}", pattern.text);
        }
    }

    /// Names: the documented letters and nothing else.
    #[test]
    fn names() {
        check(&NAME, &["a", "shardId-000000000000", "A_b.c-9"], &["", "a b", "a;", "é", "a/b", "a\n"]);
    }

    /// Numbers: no sign, no leading zero, and the digit count of the model.
    #[test]
    fn numbers() {
        let digits_39 = "9".repeat(39);
        let digits_40 = "9".repeat(40);
        check(
            &HASH_KEY,
            &["0", "1", "10", &digits_39],
            &["", "00", "01", "-1", "+1", "1.0", "1 ", "٣", &digits_40],
        );
        let digits_129 = "1".repeat(129);
        let digits_130 = "1".repeat(130);
        check(&SEQUENCE_NUMBER, &["0", "5", &digits_129], &["", "0x1", "a", &digits_130]);
    }

    /// ARNs: any partition and region, twelve digits, a name; marks may repeat inside the wildcards.
    #[test]
    fn stream_arns() {
        check(
            &STREAM_ARN,
            &[
                "arn:aws:kinesis:us-east-1:123456789012:stream/s",
                "arn:aws-cn:kinesis:cn-north-1:000000000000:stream/a/b",
                "arn:aws:kinesis::123456789012:stream/s",
                "arn:aws:x:kinesis:y:kinesis:z:123456789012:stream/s",
                "arn:aws:kinesis:r:123456789012:stream/s:stream/t",
                "arn:aws:kinesis:r:12:stream/x:123456789012:stream/t",
                "arn:aws:kinesis:r:123456789012:stream/é",
                "arn:aws:kinesis:a b:123456789012:stream/s",
            ],
            &[
                "",
                "arn:aws",
                "arn:aws:kinesis:us-east-1:123456789012:stream/",
                "arn:aws:kinesis:us-east-1:12345678901:stream/s",
                "arn:aws:kinesis:us-east-1:1234567890123:stream/s",
                "arn:aws:kinesis:us-east-1:123456789012:stream/a b",
                "arn:aws:kinesis:us\neast:123456789012:stream/s",
                "arn:aws:kinesis:us-east-1:123456789012:consumer/s",
                "arn:aws:dynamodb:us-east-1:123456789012:stream/s",
                "xarn:aws:kinesis:us-east-1:123456789012:stream/s",
                "arn:aws:kinesis:éééééé:stream/s",
            ],
        );
    }

    /// ARNs of any resource: a mark, and a name after it.
    #[test]
    fn resource_arns() {
        check(
            &RESOURCE_ARN,
            &[
                "arn:aws:kinesis:us-east-1:123456789012:stream/s",
                "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1",
                "arn:aws-cn:kinesis:cn-north-1:123456789012:channel/c",
                "arn:aws:kinesis:r:123456789012:queue/q",
                "arn:aws:kinesis:r:123456789012:x y/mystream/z",
                "arn:aws:kinesis::123456789012:stream/a b stream/c",
            ],
            &[
                "",
                "arn:aws:kinesis:r:123456789012:stream/",
                "arn:aws:kinesis:r:123456789012:topic/t",
                "arn:aws:kinesis:r:12345678901:stream/s",
                "arn:aws:kinesis:r:123456789012stream/s",
                "arn:aws:kinesis:r:123456789012:stream/a b",
                "arn:aws:kinesis:r:123456789012:a\nstream/s",
                "arn:aws:kinesis:a\nb:123456789012:stream/s",
                "arn:aws:sqs:r:123456789012:queue/q",
            ],
        );
    }

    /// ARNs of consumers: a stream's, a name, a creation time.
    #[test]
    fn consumer_arns() {
        check(
            &CONSUMER_ARN,
            &[
                "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1",
                "arn:aws:kinesis:us-east-1:123456789012:stream/consumer/consumer/consumer:0017",
                "arn:aws:kinesis::123456789012:any:stream/s/consumer/c:1",
            ],
            &[
                "",
                "arn:aws:kinesis:us-east-1:123456789012:stream/s",
                "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c",
                "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:",
                "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:x",
                "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/:1",
                "arn:aws:kinesis:us-east-1:123456789012:stream//consumer/c:1",
                "arn:aws:kinesis:us-east-1:123456789012:queue/s/consumer/c:1",
                "arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1\n",
                "arn:aws:kinesis:us-east-1:1234567890:stream/s/consumer/c:1",
            ],
        );
    }

    /// Stream ids have one form only.
    #[test]
    fn stream_ids() {
        check(
            &STREAM_ID,
            &["abcdefghij0123456789-a1z"],
            &["", "abcdefghij0123456789-a1", "Abcdefghij0123456789-a1z", "abcdefghij0123456789_a1z"],
        );
    }

    /// A megabyte of marks is refused without quadratic work.
    #[test]
    fn long_texts_stay_linear() {
        let text = format!("arn:aws:kinesis:{}", ":stream/".repeat(1 << 17));
        assert!(!(STREAM_ARN.matches)(&text));
        let text = format!("arn:aws:kinesis:r:123456789012:{} ", "stream/".repeat(1 << 17));
        assert!(!(RESOURCE_ARN.matches)(&text) && !(CONSUMER_ARN.matches)(&text));
    }
}
