//! The name of a stream, unique within an account and region.

use crate::limits::STREAM_NAME_CHARS_MAX;
use std::borrow::Borrow;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// A stream name: 1 to 128 of `[a-zA-Z0-9_.-]` (reference 5.1). A clone costs one counter.
///
/// It hashes and compares as its text does, so that maps keyed by it are searched with a `&str`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

thread_local! {
    static LAST: RefCell<Option<StreamName>> = const { RefCell::new(None) };
}

impl StreamName {
    /// Reads a stream name; `None` if it breaks the pattern or the length.
    ///
    /// A thread remembers the last one, since requests mostly name the stream that the one before them named: then it
    /// is neither checked nor stored anew.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        LAST.with_borrow_mut(|last| {
            if last.as_ref().is_none_or(|last| last.as_str() != text) {
                *last = Some(Self::is_valid(text).then(|| Self(Arc::from(text)))?);
            }
            last.clone()
        })
    }

    /// Whether a text is a stream name, without making one.
    #[must_use]
    pub fn is_valid(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        !text.is_empty() && text.len() <= STREAM_NAME_CHARS_MAX && text.bytes().all(allowed)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashMap};

    #[test]
    fn the_whole_alphabet_is_taken_and_nothing_else() {
        for text in ["a", "Orders_2.x-9", "-", ".", &"n".repeat(128)] {
            assert_eq!(StreamName::parse(text).unwrap().as_str(), text);
        }
        for text in ["", " ", "a b", "a/b", "a:b", "é", "a\n", &"n".repeat(129)] {
            assert_eq!(StreamName::parse(text), None, "{text}");
        }
    }

    /// `Borrow` is only lawful if hash and order agree with `str`.
    #[test]
    fn maps_are_searched_by_text() {
        let name = StreamName::parse("orders").unwrap();
        assert_eq!(HashMap::from([(name.clone(), 1)]).get("orders"), Some(&1));
        assert_eq!(BTreeMap::from([(name, 1)]).get("orders"), Some(&1));
    }

    /// ListStreams answers names in byte order (reference 9.4).
    #[test]
    fn names_sort_by_byte() {
        let mut names = ["b", "a", "_", "Z", "0"].map(|text| StreamName::parse(text).unwrap());
        names.sort();
        assert_eq!(names.map(|name| name.to_string()), ["0", "Z", "_", "a", "b"]);
    }
}
