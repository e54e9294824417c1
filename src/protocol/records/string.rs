//! JSON strings, read up to their closing quote.

use smallvec::SmallVec;

/// The text of a string.
pub(super) enum Text<'a> {
    /// As it is written: ASCII from the blank up.
    Plain(&'a [u8]),
    /// As it is written.
    Utf8(&'a [u8]),
    /// Not as it is written. Has room for most keys without an allocation.
    Unescaped(SmallVec<[u8; 128]>),
}

impl Text<'_> {
    /// Its bytes, UTF-8.
    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) | Self::Utf8(bytes) => bytes,
            Self::Unescaped(bytes) => bytes,
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

/// Where a string ends that may not be plain: at the next quote that is not escaped.
pub(super) fn end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match *text.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// As [`read`], for strings that are not plain after the first `plain` bytes.
#[cold]
fn read_any(text: &[u8], plain: usize) -> Option<(Text<'_>, usize)> {
    let end = plain + end(&text[plain..])?;
    let written = &text[..end];
    if !written.contains(&b'\\') {
        let has_control = written.iter().any(|byte| *byte < b' ');
        let is_text = !has_control && std::str::from_utf8(written).is_ok();
        return is_text.then_some((Text::Utf8(written), end));
    }
    let mut unescaped = SmallVec::from_elem(0, end);
    let bytes = write(text, &mut unescaped)?;
    unescaped.truncate(bytes);
    Some((Text::Unescaped(unescaped), end))
}

/// Writes a string, without its escapes, to the start of `out`; gives how many bytes those are. `None` if it is no JSON
/// string, or has no room.
pub(super) fn write(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (mut at, mut bytes) = (0, 0);
    loop {
        match *text.get(at)? {
            b'"' => break,
            b'\\' => {
                let (letter, used) = escape(text.get(at + 1..)?)?;
                let room = out.get_mut(bytes..).filter(|room| room.len() >= letter.len_utf8())?;
                bytes += letter.encode_utf8(room).len();
                at += 1 + used;
            }
            0..=0x1f => return None,
            byte => {
                *out.get_mut(bytes)? = byte;
                (at, bytes) = (at + 1, bytes + 1);
            }
        }
    }
    // No escape stands for part of a letter, and none can stand within one, so the whole tells.
    std::str::from_utf8(&out[..bytes]).is_ok().then_some(bytes)
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
    let first = code_unit(text.get(1..)?)?;
    if let Some(letter) = char::from_u32(first) {
        return Some((letter, 5));
    }
    let second = text.get(5..)?.strip_prefix(b"\\u")?;
    let second = code_unit(second).filter(|second| (0xdc00..0xe000).contains(second))?;
    // The second half of a pair cannot come first.
    let high = first.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    let letter = char::from_u32(0x1_0000 + (high << 10) + (second - 0xdc00))?;
    Some((letter, 11))
}

/// The number that four hexadecimal digits make.
fn code_unit(text: &[u8]) -> Option<u32> {
    /// The value of each digit; 0xff for what is none.
    const VALUES: [u8; 256] = {
        let mut values = [0xff; 256];
        let mut value = 0;
        while value < 16 {
            values[b"0123456789abcdef"[value as usize] as usize] = value;
            values[b"0123456789ABCDEF"[value as usize] as usize] = value;
            value += 1;
        }
        values
    };
    let digits: &[u8; 4] = text.first_chunk()?;
    let values = digits.map(|digit| u32::from(VALUES[usize::from(digit)]));
    let is_number = values.iter().all(|value| *value < 16);
    is_number.then(|| values.iter().fold(0, |number, value| number << 4 | value))
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
            assert_eq!(end(text), Some(chars));
        }
        let mut out = vec![0; text.len()];
        let written = write(text, &mut out);
        assert_eq!(written.map(|bytes| &out[..bytes]), expected.as_deref().map(str::as_bytes), "{text:?}");
        if let Some(bytes) = written {
            assert_eq!(write(text, &mut vec![0; bytes]), Some(bytes));
            assert!((0..bytes).all(|less| write(text, &mut vec![0; less]).is_none()));
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
            b"\xc3\xa9\x01\\n\"",
            b"\\n\x01\"",
            b"\\n\xff\"",
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
