//! The heads of data items, and the strings behind them, read from a body one after the other.
//!
//! `None` means that there is no such item: the body ends, or its bytes are not CBOR. What a head declares is not
//! believed: a string is there only if its bytes are.

/// Ends a string, list or map of indefinite length.
pub(in crate::protocol) const BREAK: u8 = 0xff;

/// A place in a body.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

/// What a data item begins with; all of it, for those that have no contents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Head {
    /// A number.
    Unsigned(u64),
    /// This number taken from -1.
    Negative(u64),
    /// A byte string.
    Bytes(Length),
    /// A text string.
    Text(Length),
    /// A list.
    Array(Length),
    /// A map; the length is in pairs.
    Map(Length),
    /// A remark about the item that follows.
    Tag(u64),
    /// A truth value.
    Bool(bool),
    /// `null` or `undefined`.
    Null,
    /// A number with a fraction, of any size.
    Float(f64),
    /// The end of something of indefinite length.
    Break,
}

/// How long the contents of an item are: bytes, elements or pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::protocol) enum Length {
    /// So many, or as many as are left.
    Known(u64),
    /// As many as come before a break.
    UntilBreak,
}

impl<'a> Reader<'a> {
    /// At the start of a body.
    pub(in crate::protocol) const fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    /// Bytes that have been read.
    pub(in crate::protocol) const fn at(&self) -> usize {
        self.at
    }

    /// Whether there is nothing more.
    pub(in crate::protocol) const fn is_at_end(&self) -> bool {
        self.at == self.body.len()
    }

    /// The next head.
    #[inline]
    pub(super) fn head(&mut self) -> Option<Head> {
        let initial = self.byte()?;
        let (major, argument) = (initial >> 5, initial & 0x1f);
        let head = match (major, argument) {
            (7, _) => return self.simple(argument),
            (2, 31) => Head::Bytes(Length::UntilBreak),
            (3, 31) => Head::Text(Length::UntilBreak),
            (4, 31) => Head::Array(Length::UntilBreak),
            (5, 31) => Head::Map(Length::UntilBreak),
            (0, _) => Head::Unsigned(self.argument(argument)?),
            (1, _) => Head::Negative(self.argument(argument)?),
            (2, _) => Head::Bytes(Length::Known(self.argument(argument)?)),
            (3, _) => Head::Text(Length::Known(self.argument(argument)?)),
            (4, _) => Head::Array(Length::Known(self.argument(argument)?)),
            (5, _) => Head::Map(Length::Known(self.argument(argument)?)),
            _ => Head::Tag(self.argument(argument)?),
        };
        Some(head)
    }

    /// The number that the low bits of a first byte stand for, or that follows it.
    #[inline]
    fn argument(&mut self, low_bits: u8) -> Option<u64> {
        match low_bits {
            0..24 => Some(u64::from(low_bits)),
            24 => self.byte().map(u64::from),
            25 => self.following().map(|bytes| u64::from(u16::from_be_bytes(bytes))),
            26 => self.following().map(|bytes| u64::from(u32::from_be_bytes(bytes))),
            27 => self.following().map(u64::from_be_bytes),
            _ => None,
        }
    }

    fn simple(&mut self, low_bits: u8) -> Option<Head> {
        match low_bits {
            20 => Some(Head::Bool(false)),
            21 => Some(Head::Bool(true)),
            22 | 23 => Some(Head::Null),
            25 => self.following().map(|bytes| Head::Float(half(u16::from_be_bytes(bytes)))),
            26 => self.following().map(|bytes| Head::Float(f64::from(f32::from_be_bytes(bytes)))),
            27 => self.following().map(|bytes| Head::Float(f64::from_be_bytes(bytes))),
            31 => Some(Head::Break),
            _ => None,
        }
    }

    /// So many bytes.
    #[inline]
    pub(super) fn take(&mut self, bytes: u64) -> Option<&'a [u8]> {
        let taken = self.body.get(self.at..)?.get(..usize::try_from(bytes).ok()?)?;
        self.at += taken.len();
        Some(taken)
    }

    /// The bytes of a text in one piece, which nobody has looked at.
    #[inline]
    pub(in crate::protocol) fn text(&mut self) -> Option<&'a [u8]> {
        match self.head()? {
            Head::Text(Length::Known(bytes)) => self.take(bytes),
            _ => None,
        }
    }

    /// A byte string in one piece.
    #[inline]
    pub(in crate::protocol) fn bytes(&mut self) -> Option<&'a [u8]> {
        match self.head()? {
            Head::Bytes(Length::Known(bytes)) => self.take(bytes),
            _ => None,
        }
    }

    /// The head of a list.
    pub(in crate::protocol) fn array(&mut self) -> Option<Length> {
        match self.head()? {
            Head::Array(length) => Some(length),
            _ => None,
        }
    }

    /// A map whose names are texts in one piece; `member` reads each value.
    #[inline]
    pub(in crate::protocol) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a [u8]) -> Option<()>,
    ) -> Option<()> {
        let Head::Map(mut left) = self.head()? else { return None };
        while self.has_next(&mut left)? {
            let name = self.text()?;
            member(self, name)?;
        }
        Some(())
    }

    /// Whether a list or map, of which so much is left, has one more; a break that says no is taken.
    #[inline]
    pub(in crate::protocol) fn has_next(&mut self, left: &mut Length) -> Option<bool> {
        match left {
            Length::Known(0) => Some(false),
            Length::Known(left) => {
                *left -= 1;
                Some(true)
            }
            Length::UntilBreak => {
                let ends = *self.body.get(self.at)? == BREAK;
                self.at += usize::from(ends);
                Some(!ends)
            }
        }
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.body.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn following<const BYTES: usize>(&mut self) -> Option<[u8; BYTES]> {
        let bytes = *self.body.get(self.at..)?.first_chunk()?;
        self.at += BYTES;
        Some(bytes)
    }
}

/// A floating-point number of 16 bits.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a body, and how many bytes it took.
    fn head(body: &[u8]) -> Option<(Head, usize)> {
        let mut reader = Reader::new(body);
        reader.head().map(|head| (head, reader.at()))
    }

    /// Protects: every form of a head, by hand from RFC 8949; arguments need not be in their shortest form.
    #[test]
    fn heads() {
        for (body, expected) in [
            (&b"\x00"[..], Head::Unsigned(0)),
            (b"\x17", Head::Unsigned(23)),
            (b"\x18\x18", Head::Unsigned(24)),
            (b"\x19\x01\x00", Head::Unsigned(256)),
            (b"\x1a\x00\x01\x00\x00", Head::Unsigned(65_536)),
            (b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", Head::Unsigned(u64::MAX)),
            (b"\x1b\x00\x00\x00\x00\x00\x00\x00\x01", Head::Unsigned(1)),
            (b"\x20", Head::Negative(0)),
            (b"\x38\x63", Head::Negative(99)),
            (b"\x44", Head::Bytes(Length::Known(4))),
            (b"\x5f", Head::Bytes(Length::UntilBreak)),
            (b"\x78\x20", Head::Text(Length::Known(32))),
            (b"\x7f", Head::Text(Length::UntilBreak)),
            (b"\x80", Head::Array(Length::Known(0))),
            (b"\x9f", Head::Array(Length::UntilBreak)),
            (b"\xa2", Head::Map(Length::Known(2))),
            (b"\xbf", Head::Map(Length::UntilBreak)),
            (b"\xc1", Head::Tag(1)),
            (b"\xd9\xd9\xf7", Head::Tag(55_799)),
            (b"\xf4", Head::Bool(false)),
            (b"\xf5", Head::Bool(true)),
            (b"\xf6", Head::Null),
            (b"\xf7", Head::Null),
            (b"\xf9\x3e\x00", Head::Float(1.5)),
            (b"\xfa\x47\xc3\x50\x00", Head::Float(100_000.0)),
            (b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", Head::Float(1.1)),
            (b"\xff", Head::Break),
        ] {
            assert_eq!(head(body), Some((expected, body.len())), "{body:x?}");
            assert_eq!(head(&body[..body.len() - 1]), None, "{body:x?} without its end");
        }
    }

    /// Protects: what RFC 8949 reserves or leaves without meaning is no item.
    #[test]
    fn no_heads() {
        for initial in 0_u8..=255 {
            let (major, low_bits) = (initial >> 5, initial & 0x1f);
            let is_none = match major {
                7 => matches!(low_bits, 0..20 | 24 | 28..31),
                2..=5 => (28..31).contains(&low_bits),
                _ => low_bits >= 28,
            };
            let body = [initial, 0, 0, 0, 0, 0, 0, 0, 0];
            assert_eq!(head(&body).is_none(), is_none, "{initial:#x}");
        }
    }

    /// Protects: halves as RFC 8949's appendix A lists them.
    #[test]
    fn halves() {
        for (bits, number) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x0400, 0.000_061_035_156_25),
            (0xc400, -4.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half(bits), number, "{bits:#x}");
        }
        assert!(half(0x8000).is_sign_negative() && half(0x7e00).is_nan());
    }

    /// Protects: a string that is longer than its body is not there, however long it says it is.
    #[test]
    fn lengths_are_not_believed() {
        for body in [&b"\x43ab"[..], b"\x5b\xff\xff\xff\xff\xff\xff\xff\xffab", b"\x58"] {
            assert_eq!(Reader::new(body).bytes(), None, "{body:x?}");
        }
        assert_eq!(Reader::new(b"\x42abc").bytes(), Some(&b"ab"[..]));
        assert_eq!(Reader::new(b"\x62ab").bytes(), None);
    }
}
