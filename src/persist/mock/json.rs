//! A JSON document as it is read: value after value, with the place of each; no more is held than one text.

use std::io::Read;

use crate::limits::RECORD_BYTES_MAX;

use super::super::error::PersistError;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Levels of what is passed over.
const DEPTH_MAX: usize = 64;

/// Bytes of a text, at most: the data of the largest record in base64, and what JSON may escape of it.
const TEXT_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;

/// Bytes of a number, at most: more than any that is a time or a count.
const NUMBER_BYTES_MAX: usize = 64;

/// A document on its way in.
pub(super) struct Reader<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    /// Where the buffer begins.
    base: u64,
}

impl<R: Read> Reader<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), at: 0, base: 0 }
    }

    /// How far it was read.
    pub(super) const fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// A fault at this place.
    pub(super) fn wrong(&self, what: impl Into<String>) -> PersistError {
        PersistError::damaged(self.offset(), what)
    }

    /// The next byte; `None` at the end.
    fn peek_byte(&mut self) -> Result<Option<u8>, PersistError> {
        if self.at == self.buffer.len() {
            self.base += self.buffer.len() as u64;
            self.at = 0;
            self.buffer.clear();
            self.input.by_ref().take(BUFFER_BYTES as u64).read_to_end(&mut self.buffer)?;
        }
        Ok(self.buffer.get(self.at).copied())
    }

    fn next_byte(&mut self) -> Result<u8, PersistError> {
        let byte = self.peek_byte()?.ok_or_else(|| self.wrong("the document ends here, in the middle"))?;
        self.at += 1;
        Ok(byte)
    }

    /// The first byte of the next value or sign.
    fn peek(&mut self) -> Result<u8, PersistError> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek_byte()? {
            self.at += 1;
        }
        self.peek_byte()?.ok_or_else(|| self.wrong("the document ends here, in the middle"))
    }

    fn expect(&mut self, sign: u8) -> Result<(), PersistError> {
        if self.peek()? != sign {
            return Err(self.wrong(format!("{:?} is missing", char::from(sign))));
        }
        self.at += 1;
        Ok(())
    }

    fn take(&mut self, sign: u8) -> Result<bool, PersistError> {
        let is_there = self.peek()? == sign;
        self.at += usize::from(is_there);
        Ok(is_there)
    }

    /// Checks that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), PersistError> {
        while let Some(byte) = self.peek_byte()? {
            if !byte.is_ascii_whitespace() {
                return Err(self.wrong("more follows after the end"));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// An object; `each` sees the name of each member and reads its value.
    pub(super) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, &str) -> Result<(), PersistError>,
    ) -> Result<(), PersistError> {
        self.expect(b'{')?;
        if self.take(b'}')? {
            return Ok(());
        }
        let mut name = String::new();
        loop {
            self.text_into(&mut name)?;
            self.expect(b':')?;
            each(self, &name)?;
            if self.take(b'}')? {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// An array; `each` reads each element.
    pub(super) fn array(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), PersistError>,
    ) -> Result<(), PersistError> {
        self.expect(b'[')?;
        if self.take(b']')? {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.take(b']')? {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Whether the next value is `null`, which is passed over then.
    pub(super) fn null(&mut self) -> Result<bool, PersistError> {
        if self.peek()? != b'n' {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    /// What `read` reads, unless it is `null`.
    pub(super) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, PersistError>,
    ) -> Result<Option<T>, PersistError> {
        if self.null()? { Ok(None) } else { read(self).map(Some) }
    }

    fn word(&mut self, word: &str) -> Result<(), PersistError> {
        let at = self.offset();
        for byte in word.bytes() {
            if self.next_byte()? != byte {
                return Err(PersistError::damaged(at, format!("{word:?} is misspelt")));
            }
        }
        Ok(())
    }

    /// A number.
    pub(super) fn number(&mut self) -> Result<f64, PersistError> {
        self.peek()?;
        let at = self.offset();
        let mut text = String::new();
        while let Some(byte @ (b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) = self.peek_byte()? {
            if text.len() == NUMBER_BYTES_MAX {
                return Err(PersistError::damaged(at, "a number longer than any there is"));
            }
            text.push(byte.into());
            self.at += 1;
        }
        let number: Option<f64> = text.parse().ok();
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| PersistError::damaged(at, "this is no number"))
    }

    /// A whole number from 0.
    pub(super) fn whole(&mut self) -> Result<u64, PersistError> {
        let at = self.offset();
        let number = self.number()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "looked at")]
        let whole = (number.fract() == 0.0 && (0.0..=9e15).contains(&number)).then_some(number as u64);
        whole.ok_or_else(|| PersistError::damaged(at, "this is no whole number"))
    }

    /// A text.
    pub(super) fn text(&mut self) -> Result<String, PersistError> {
        let mut text = String::new();
        self.text_into(&mut text)?;
        Ok(text)
    }

    /// A text, instead of what was there.
    pub(super) fn text_into(&mut self, text: &mut String) -> Result<(), PersistError> {
        self.expect(b'"')?;
        let begins_at = self.offset();
        let mut bytes = std::mem::take(text).into_bytes();
        bytes.clear();
        loop {
            let plain = &self.buffer[self.at..];
            let length = plain.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            let length = length.unwrap_or(plain.len());
            bytes.extend_from_slice(&plain[..length]);
            self.at += length;
            if bytes.len() > TEXT_BYTES_MAX {
                return Err(PersistError::damaged(begins_at, "a text longer than any there is"));
            }
            match self.peek_byte()? {
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut bytes)?,
                Some(0..0x20) => return Err(self.wrong("a control character in a text")),
                Some(_) => {}
                None => return Err(self.wrong("the document ends here, in a text")),
            }
        }
        self.at += 1;
        let utf8 = |_| PersistError::damaged(begins_at, "a text that is not UTF-8");
        *text = String::from_utf8(bytes).map_err(utf8)?;
        Ok(())
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), PersistError> {
        self.at += 1;
        let letter = match self.next_byte()? {
            sign @ (b'"' | b'\\' | b'/') => char::from(sign),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut units = vec![self.hex()?];
                if (0xd800..0xdc00).contains(&units[0]) {
                    self.word("\\u")?;
                    units.push(self.hex()?);
                }
                let letter = char::decode_utf16(units).next().and_then(Result::ok);
                letter.ok_or_else(|| self.wrong("half a character"))?
            }
            _ => return Err(self.wrong("an escape that JSON does not have")),
        };
        bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn hex(&mut self) -> Result<u16, PersistError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.next_byte()?).to_digit(16);
            let digit = digit.and_then(|digit| u16::try_from(digit).ok());
            unit = unit << 4 | digit.ok_or_else(|| self.wrong("an escape that JSON does not have"))?;
        }
        Ok(unit)
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self) -> Result<(), PersistError> {
        self.skip_within(DEPTH_MAX)
    }

    fn skip_within(&mut self, depth: usize) -> Result<(), PersistError> {
        let deeper = depth.checked_sub(1).ok_or_else(|| self.wrong("nested too deeply"))?;
        match self.peek()? {
            b'{' => self.object(|reader, _| reader.skip_within(deeper)),
            b'[' => self.array(|reader| reader.skip_within(deeper)),
            b'"' => self.text_into(&mut String::new()),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a document as the tree of another parser.
    fn tree(reader: &mut Reader<impl Read>) -> Result<serde_json::Value, PersistError> {
        use serde_json::Value;
        Ok(match reader.peek()? {
            b'{' => {
                let mut members = serde_json::Map::new();
                reader.object(|reader, name| {
                    members.insert(name.to_owned(), tree(reader)?);
                    Ok(())
                })?;
                Value::Object(members)
            }
            b'[' => {
                let mut elements = Vec::new();
                reader.array(|reader| {
                    elements.push(tree(reader)?);
                    Ok(())
                })?;
                Value::Array(elements)
            }
            b'"' => reader.text()?.into(),
            b'n' => {
                assert!(reader.null()?);
                Value::Null
            }
            b't' | b'f' => {
                let is_true = reader.peek()? == b't';
                reader.skip()?;
                is_true.into()
            }
            _ => reader.number()?.into(),
        })
    }

    fn any_tree() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            (-1e9..1e9).prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Protects: what is no JSON is refused at its place.
    #[test]
    fn faults_have_a_place() {
        for (text, offset) in [
            ("", 0),
            ("{\"a\":", 5),
            ("{\"a\" 1}", 5),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("\"a\u{1}\"", 2),
            ("\"\\ud800x\"", 7),
            ("nul", 3),
            ("[1] x", 4),
        ] {
            let mut reader = Reader::new(text.as_bytes());
            match reader.skip().and_then(|()| reader.end()) {
                Err(PersistError::Damaged { offset: found, .. }) => assert_eq!(found, offset, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        for endless in ["[", "{\"a\":", "1"] {
            assert!(Reader::new(endless.repeat(1_000).as_bytes()).skip().is_err(), "{endless}");
        }
    }

    proptest! {
        /// Protects: every document reads as another parser reads it, pretty or not; cut off anywhere, it is refused.
        #[test]
        fn documents_are_read(tree_in in any_tree(), cut in any::<prop::sample::Index>()) {
            for text in [tree_in.to_string(), serde_json::to_string_pretty(&tree_in).unwrap()] {
                let mut reader = Reader::new(text.as_bytes());
                prop_assert_eq!(&tree(&mut reader).unwrap(), &tree_in);
                reader.end().unwrap();
                let mut skipping = Reader::new(text.as_bytes());
                skipping.skip().unwrap();
                prop_assert_eq!(skipping.offset(), text.len() as u64);
                if text.starts_with(['{', '[', '"']) {
                    let cut = cut.index(text.len());
                    prop_assert!(Reader::new(&text.as_bytes()[..cut]).skip().is_err());
                }
            }
        }
    }
}
