//! Reads the JSON answers of PutRecords and GetRecords in one pass, without building a tree.
//!
//! Members may come in any order, with any blanks, with unknown members among them. Strings are borrowed from the
//! body; only one with an escape is copied. What is not JSON is an error that names the place, never a guess: the
//! auditor must not mistake a broken answer for an empty one.

use std::borrow::Cow;
use std::fmt;

/// Bytes of numbers, `true`, `false` and `null`.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        byte += 1;
    }
    table
};

/// Where and why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanError {
    /// Offset in the body, in bytes.
    pub at: usize,
    /// What was wanted there.
    pub wanted: &'static str,
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {} wanted", self.at, self.wanted)
    }
}

/// A place in a JSON body. Each reader method first skips blanks, then takes exactly what it names.
#[derive(Debug)]
pub struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Starts before the first byte of `body`.
    pub fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    /// The next byte that is not a blank, left in place.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.body.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// Takes one punctuation byte.
    #[inline]
    pub fn take(&mut self, byte: u8, wanted: &'static str) -> Result<(), ScanError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.error(wanted))
        }
    }

    /// Inside an object or array: true when another item follows (its comma is taken), false when `close` was taken.
    /// `first` is true before the first item and is cleared here.
    #[inline]
    pub fn more(&mut self, close: u8, first: &mut bool) -> Result<bool, ScanError> {
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.take(b',', "a comma or the end of the list")?;
        }
        Ok(true)
    }

    /// Takes a member's name and its colon.
    #[inline]
    pub fn name(&mut self) -> Result<Cow<'a, [u8]>, ScanError> {
        let name = self.string()?;
        self.take(b':', "a colon")?;
        Ok(name)
    }

    /// Takes a string and returns its bytes, with escapes resolved.
    #[inline]
    pub fn string(&mut self) -> Result<Cow<'a, [u8]>, ScanError> {
        self.take(b'"', "a string")?;
        let start = self.at;
        let end = self.find_special(start);
        match self.body.get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(Cow::Borrowed(&self.body[start..end]))
            }
            _ => self.escaped_string(start, end).map(Cow::Owned),
        }
    }

    /// Takes a non-negative integer.
    pub fn integer(&mut self) -> Result<u64, ScanError> {
        self.peek();
        let mut value: u64 = 0;
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.body.get(self.at) {
            value = value
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(u64::from(digit - b'0')))
                .ok_or_else(|| self.error("an integer of 64 bits"))?;
            self.at += 1;
        }
        if self.at == start || matches!(self.body.get(self.at), Some(b'.' | b'e' | b'E')) {
            return Err(self.error("an integer"));
        }
        Ok(value)
    }

    /// Takes one value of any kind.
    pub fn skip(&mut self) -> Result<(), ScanError> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b':') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(byte) if WORD[usize::from(byte)] => self.skip_word(),
                _ => return Err(self.error("a value")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Takes a number, `true`, `false` or `null`.
    fn skip_word(&mut self) {
        let rest = &self.body[self.at..];
        self.at += rest.iter().position(|&byte| !WORD[usize::from(byte)]).unwrap_or(rest.len());
    }

    /// Nothing but blanks may follow.
    pub fn end(&mut self) -> Result<(), ScanError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.error("the end of the body")) }
    }

    /// An error at this place.
    pub fn error(&self, wanted: &'static str) -> ScanError {
        ScanError { at: self.at, wanted }
    }

    /// Offset of the next quote or backslash at or after `from`, or the body's length. Blocks of 32 bytes without
    /// either are passed over in a loop that compiles to vector compares; what remains is searched by
    /// [`special_in_word`].
    #[inline]
    fn find_special(&self, from: usize) -> usize {
        let rest = &self.body[from..];
        let (blocks, _) = rest.as_chunks::<32>();
        let is_plain = |block: &&[u8; 32]| {
            block.iter().fold(0, |found, &byte| found | u8::from(byte == b'"') | u8::from(byte == b'\\')) == 0
        };
        let plain = blocks.iter().take_while(is_plain).count() * 32;
        let (words, tail) = rest[plain..].as_chunks::<8>();
        for (index, word) in words.iter().enumerate() {
            if let Some(place) = special_in_word(*word) {
                return from + plain + index * 8 + place;
            }
        }
        let place = tail.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        place.map_or(self.body.len(), |place| self.body.len() - tail.len() + place)
    }

    fn escaped_string(&mut self, start: usize, mut end: usize) -> Result<Vec<u8>, ScanError> {
        let mut text = self.body[start..end].to_vec();
        loop {
            self.at = end;
            match self.body.get(end) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => self.escape(&mut text)?,
                _ => return Err(self.error("the end of the string")),
            }
            end = self.find_special(self.at);
            text.extend_from_slice(&self.body[self.at..end]);
        }
    }

    /// Takes one escape, its backslash first. A surrogate stands for itself alone: no text that this tool compares
    /// contains one, and a wrong character then fails the comparison.
    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), ScanError> {
        let kind = self.body.get(self.at + 1).copied();
        self.at += 2;
        text.push(match kind {
            Some(plain @ (b'"' | b'\\' | b'/')) => plain,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let code = self
                    .body
                    .get(self.at..self.at + 4)
                    .and_then(|digits| std::str::from_utf8(digits).ok())
                    .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                    .ok_or_else(|| self.error("four hexadecimal digits"))?;
                self.at += 4;
                let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.error("an escape")),
        });
        Ok(())
    }
}

/// Place of the first quote or backslash among eight bytes. The lowest set high bit of `(x - 1) & !x` marks the first
/// zero byte of `x` exactly; marks above it may be false, and are not looked at.
#[inline]
fn special_in_word(word: [u8; 8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(word);
    let (quotes, slashes) = (word ^ (LOW * b'"' as u64), word ^ (LOW * b'\\' as u64));
    let marks = ((quotes.wrapping_sub(LOW) & !quotes) | (slashes.wrapping_sub(LOW) & !slashes)) & HIGH;
    (marks != 0).then(|| (marks.trailing_zeros() / 8) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A closing quote or a backslash must be found at every distance from the start of an eight-byte word, also
    /// right behind bytes that differ from a quote in the lowest bit (the borrow of the word trick).
    #[test]
    fn strings_end_where_they_end() {
        for length in 0..40 {
            for filler in ["a", "#", "!", "]"] {
                let text = filler.repeat(length);
                for (body, escaped) in [(format!("\"{text}\" , 1"), false), (format!("\"{text}\\/\""), true)]
                {
                    let mut cursor = Cursor::new(body.as_bytes());
                    let expected = if escaped { format!("{text}/") } else { text.clone() };
                    assert_eq!(&*cursor.string().unwrap(), expected.as_bytes(), "{body}");
                }
            }
        }
    }

    #[test]
    fn escapes_are_resolved() {
        let body = br#""a\"b\\c\/d\n\t\r\b\f\u0041\u00e9\u20ac z""#;
        let text = Cursor::new(body).string().unwrap().into_owned();
        assert_eq!(text, "a\"b\\c/d\n\t\r\u{8}\u{c}A\u{e9}\u{20ac} z".as_bytes());
        for bad in [&b"\"abc"[..], b"\"ab\\", b"\"ab\\q\"", b"\"ab\\u12\"", b"\"ab\\u12g4\"", b"12"] {
            assert!(Cursor::new(bad).string().is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn any_value_is_skipped_whole() {
        for value in ["1", "-1.5e+3", "null", "true", "\"a]}\"", "[]", "{}", "[1, {\"a\" : [\"}\", 2]}, []]"]
        {
            let body = format!(" {value} , 7");
            let mut cursor = Cursor::new(body.as_bytes());
            cursor.skip().unwrap();
            cursor.take(b',', "comma").unwrap();
            assert_eq!(cursor.integer(), Ok(7), "{value}");
        }
        for bad in ["", "]", ",", "[1", "{\"a\":"] {
            assert!(Cursor::new(bad.as_bytes()).skip().is_err(), "{bad}");
        }
    }

    #[test]
    fn integers_are_whole_and_bounded() {
        assert_eq!(Cursor::new(b" 18446744073709551615}").integer(), Ok(u64::MAX));
        for bad in ["18446744073709551616", "1.5", "1e3", "-1", "x", ""] {
            assert!(Cursor::new(bad.as_bytes()).integer().is_err(), "{bad}");
        }
    }
}
