//! JSON strings, read up to their closing quote.

use std::borrow::Cow;

/// The text of a string.
pub(super) enum Text<'a> {
    /// As it is written: ASCII from the blank up.
    Plain(&'a [u8]),
    /// Any other.
    Any(Cow<'a, str>),
}

impl Text<'_> {
    /// Its bytes, UTF-8.
    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Any(text) => text.as_bytes(),
        }
    }
}

/// Reads what stands before the next quote that is not escaped: the text, and its length as written. `None` if there
/// is no such quote, or if that is no JSON string.
///
/// Nearly all strings are plain, which is told eight bytes at a time.
#[inline]
pub(super) fn read(text: &[u8]) -> Option<(Text<'_>, usize)> {
    let plain = plain_bytes(text);
    if *text.get(plain)? != b'"' {
        return read_any(text, plain);
    }
    Some((Text::Plain(&text[..plain]), plain))
}

/// As [`read`], for strings that are not plain after the first `plain` bytes.
#[cold]
fn read_any(text: &[u8], plain: usize) -> Option<(Text<'_>, usize)> {
    let (mut at, mut unescaped) = (plain, None);
    loop {
        match *text.get(at)? {
            b'"' => break,
            b'\\' => {
                let out: &mut Vec<u8> = unescaped.get_or_insert_with(|| text[..at].to_vec());
                let (letter, used) = escape(&text[at + 1..])?;
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                at += 1 + used;
            }
            0..=0x1f => return None,
            byte => {
                if let Some(out) = &mut unescaped {
                    out.push(byte);
                }
                at += 1;
            }
        }
    }
    let text = match unescaped {
        None => Cow::Borrowed(std::str::from_utf8(&text[..at]).ok()?),
        Some(bytes) => Cow::Owned(String::from_utf8(bytes).ok()?),
    };
    Some((Text::Any(text), at))
}

/// What stands after a backslash: the letter, and how many bytes it takes.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let letter = match text.first()? {
        b'u' => return unicode_escape(text),
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    };
    Some((letter, 1))
}

/// `uXXXX`, and a second one where the first is half of a pair. Half a pair alone is no letter.
fn unicode_escape(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(1)?;
    if let Some(letter) = char::from_u32(first) {
        return Some((letter, 5));
    }
    let second =
        unit(7).filter(|second| text.get(5..7) == Some(b"\\u") && (0xdc00..0xe000).contains(second))?;
    // The second half of a pair cannot come first.
    let high = first.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    let letter = char::from_u32(0x1_0000 + (high << 10) + (second - 0xdc00))?;
    Some((letter, 11))
}

/// How many bytes are ASCII from the blank up, neither quote nor backslash.
#[inline]
fn plain_bytes(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH_BITS: u64 = ONES << 7;
    let (words, rest) = text.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The highest bit of each byte that ends the run; a borrow may set more, but only above the first.
        let quote = (word ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
        let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
        let control = word.wrapping_sub(ONES * u64::from(b' '));
        let ends = (quote | backslash | control | word) & HIGH_BITS;
        if ends != 0 {
            return number * 8 + ends.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &u8| matches!(byte, b' '..=0x7f) && !matches!(byte, b'"' | b'\\');
    let plain_rest = rest.iter().take_while(|byte| is_plain(byte)).count();
    text.len() - rest.len() + plain_rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Protects: a string is what serde_json reads, and its length is where it ends.
    fn check(text: &[u8]) {
        let read = read(text);
        let mut whole = b"\"".to_vec();
        whole.extend_from_slice(text);
        let mut stream = serde_json::Deserializer::from_slice(&whole).into_iter::<String>();
        let expected = stream.next().and_then(Result::ok);
        assert_eq!(
            read.as_ref().map(|(text, _)| text.as_bytes()),
            expected.as_deref().map(str::as_bytes),
            "{text:?}"
        );
        if let Some((_, chars)) = read {
            assert_eq!(chars + 2, stream.byte_offset());
        }
    }

    #[test]
    fn strings_are_read_as_they_are_written() {
        let texts: &[&[u8]] = &[
            b"\"",
            b"",
            b"k\"",
            b"a plain one of more than eight bytes\", and more",
            b"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"",
            b"\\ud83d\"",
            b"\\ud83d\\u0041\"",
            b"\\ude00\"",
            b"\\ude00\\ude00\"",
            b"\\u00g0\"",
            b"\\u+123\"",
            b"\\x\"",
            b"\\",
            b"tab\there\"",
            b"\x7f\"",
            b"\xc3\xa9\"",
            b"\xc3\"",
            b"1234567\xff\"",
            b"12345678\\n9\"",
        ];
        texts.iter().for_each(|text| check(text));
    }

    proptest! {
        #[test]
        fn any_string(text in "\\PC{0,30}") {
            let json = serde_json::to_string(&text).unwrap();
            check(&json.as_bytes()[1..]);
        }

        #[test]
        fn nearly_plain_bytes(bytes in prop::collection::vec(prop_oneof![20 => 32_u8..127, 1 => any::<u8>()], 0..40)) {
            check(&bytes);
        }
    }
}
