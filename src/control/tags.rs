//! Tags of a stream or consumer: their number, their order, and which characters they may have (reference 12).

use crate::limits::RESOURCE_TAGS_MAX;

/// The tags of one resource, by ascending key (code points), each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Vec<(String, String)>);

/// The resource would have more tags than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {RESOURCE_TAGS_MAX} tags")]
pub struct TooManyTags;

impl Tags {
    /// These and more; a key that is there gets the new value.
    ///
    /// # Errors
    /// They would be too many together.
    pub fn with(&self, added: impl IntoIterator<Item = (String, String)>) -> Result<Self, TooManyTags> {
        let mut tags = self.0.clone();
        for (key, value) in added {
            match place_of(&tags, &key) {
                Ok(place) => tags[place].1 = value,
                Err(place) => tags.insert(place, (key, value)),
            }
        }
        if tags.len() > RESOURCE_TAGS_MAX { Err(TooManyTags) } else { Ok(Self(tags)) }
    }

    /// These without some; keys that are not there are passed over.
    #[must_use]
    pub fn without(&self, keys: &[String]) -> Self {
        Self(self.0.iter().filter(|(key, _)| !keys.contains(key)).cloned().collect())
    }

    /// Those whose key comes after this one, which need not be there itself.
    #[must_use]
    pub fn after(&self, key: Option<&str>) -> &[(String, String)] {
        let first = key.map_or(0, |key| self.0.partition_point(|(tag, _)| tag.as_str() <= key));
        &self.0[first..]
    }
}

fn place_of(tags: &[(String, String)], wanted: &str) -> Result<usize, usize> {
    tags.binary_search_by(|(key, _)| key.as_str().cmp(wanted))
}

/// Whether a key or value has only letters, digits, white space and `_ . / = + - % @`, which is what E31 asks for.
/// Recorded: tab and newline are no white space here.
#[must_use]
pub fn is_tag_text(text: &str) -> bool {
    text.chars().all(|letter| {
        letter.is_alphanumeric()
            || (letter.is_whitespace() && !letter.is_control())
            || matches!(letter, '_' | '.' | '/' | '=' | '+' | '-' | '%' | '@')
    })
}

/// The same as the operations on any resource ask for it: with `:` and without `%` (their documentation).
#[must_use]
pub fn is_resource_tag_text(text: &str) -> bool {
    !text.contains('%') && text.split(':').all(is_tag_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(keys: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
        keys.into_iter().map(|key| (key, String::new())).collect()
    }

    fn keys(tags: &Tags) -> Vec<&str> {
        tags.after(None).iter().map(|(key, _)| key.as_str()).collect()
    }

    /// Protects: the recorded order of keys, whatever order they were added in.
    #[test]
    fn keys_sort_by_code_point() {
        let shuffled = ["a", "Zb", " ", "ÿ", "@", "+", "_", "0", "=", "/"].map(str::to_owned);
        let tags = Tags::default().with(tags(shuffled)).unwrap();
        assert_eq!(keys(&tags), [" ", "+", "/", "0", "=", "@", "Zb", "_", "a", "ÿ"]);
        assert_eq!(tags.after(Some("`")).len(), 2, "the start need not be there");
        assert_eq!(tags.after(Some("_")).first().map(|(key, _)| key.as_str()), Some("a"));
    }

    /// Protects: fifty and no more; a new value for an old key is no new tag.
    #[test]
    fn fifty_at_most() {
        let fifty = Tags::default().with(tags((0..50).map(|number| number.to_string()))).unwrap();
        assert_eq!(fifty.with(tags(["x".to_owned()])), Err(TooManyTags));
        let changed = fifty.with([("7".to_owned(), "new".to_owned())]).unwrap();
        assert_eq!(changed.after(None).iter().filter(|(_, value)| value == "new").count(), 1);
        let fewer = changed.without(&["7".to_owned(), "none".to_owned()]);
        assert_eq!((fewer.after(None).len(), keys(&fewer).contains(&"7")), (49, false));
    }

    /// Protects: the recorded good and bad characters, and what the two families of operations differ in.
    #[test]
    fn characters() {
        for text in ["", "ü0 _.", "/=+-@", "日本 १"] {
            assert!(is_tag_text(text) && is_resource_tag_text(text), "{text}");
        }
        for text in ["a,b", "a;b", "a\tb", "a\nb", "a\0", "a*", "a\"", "a'", "é!"] {
            assert!(!is_tag_text(text) && !is_resource_tag_text(text), "{text}");
        }
        assert!(is_tag_text("100%") && !is_resource_tag_text("100%"));
        assert!(!is_tag_text("aws:x") && is_resource_tag_text("aws:x"));
    }
}
