//! Patterns of policies: `*` stands for any characters, `?` for one.

/// Whether the pattern matches the whole text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // Where to go on if the last `*` has to take one more.
    let mut retry = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                retry = Some((at, seen));
            }
            Some(letter) if *letter == b'?' || *letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((after_star, taken)) = retry else { return false };
                (at, seen) = (after_star, taken + 1);
                retry = Some((at, seen));
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Protects: the corners: empty ones, stars side by side, and one that must not stop too early.
    #[test]
    fn patterns() {
        for (pattern, text, is_match) in [
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            ("a*", "a", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("**a?", "xaab", true),
            ("kinesis:put*", "kinesis:putrecords", true),
            ("kinesis:put*", "kinesis:getrecords", false),
            ("kinesis:putrecord", "kinesis:putrecords", false),
            ("*:stream/s", "arn:stream/s/consumer/c", false),
        ] {
            assert_eq!(matches(pattern, text), is_match, "{pattern} {text}");
        }
    }

    /// The same by trying everything.
    fn plainly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                plainly(rest, text) || text.split_first().is_some_and(|(_, text)| plainly(pattern, text))
            }
            (Some((letter, rest)), Some((other, text))) => {
                (*letter == b'?' || letter == other) && plainly(rest, text)
            }
            _ => false,
        }
    }

    proptest! {
        /// Protects: it finds a match if there is one.
        #[test]
        fn agrees_with_trying_everything(pattern in "[ab*?]{0,6}", text in "[ab]{0,8}") {
            prop_assert_eq!(matches(&pattern, &text), plainly(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
