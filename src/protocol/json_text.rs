//! JSON out: compact text into a byte buffer that the caller owns and uses again.
//!
//! Strings are scanned eight bytes at a time for the few that must be escaped, since nearly all have none.

use crate::document::Value;
use std::io::Write as _;

/// Appends a value as compact JSON.
///
/// Blobs are Base64, times are decimal seconds without exponent (reference 1.2), members that are `null` are
/// left out, and a number that JSON cannot hold is `null`.
pub fn write(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Integer(number) => write_display(number, out),
        Value::Float(number) if number.is_finite() => write_display(number, out),
        Value::Float(_) => out.extend_from_slice(b"null"),
        Value::String(text) => write_string(text, out),
        Value::Blob(bytes) => {
            out.push(b'"');
            base64_simd::STANDARD.encode_append(bytes, out);
            out.push(b'"');
        }
        Value::TimestampMs(time_ms) => write_timestamp(*time_ms, out),
        Value::List(elements) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(element, out);
            }
            out.push(b']');
        }
        Value::Map(members) => {
            out.push(b'{');
            let mut is_first = true;
            for (name, value) in members.iter().filter(|(_, value)| *value != Value::Null) {
                if !is_first {
                    out.push(b',');
                }
                is_first = false;
                write_string(name, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Appends a string with its quotes.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    write_utf8(text.as_bytes(), out);
}

/// As [`write_string`], for bytes that are known to be UTF-8: nothing here looks at more than one byte at a time.
pub(crate) fn write_utf8(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    out.reserve(rest.len() + 2);
    out.push(b'"');
    while let Some(at) = first_escaped(rest) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        if let Some((&byte, tail)) = tail.split_first() {
            write_escape(byte, out);
            rest = tail;
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// As many bytes as [`write_utf8`] appends.
#[inline(always)]
pub(crate) fn utf8_len_escaped(text: &[u8]) -> usize {
    if is_plain(text) { text.len() + 2 } else { utf8_len_searched(text) }
}

/// As [`utf8_len_escaped`], for texts that are likely to have something to escape.
#[cold]
fn utf8_len_searched(text: &[u8]) -> usize {
    let mut len = text.len() + 2;
    let mut rest = text;
    while let Some(at) = first_escaped(rest) {
        let (_, tail) = rest.split_at(at);
        if let Some((&byte, tail)) = tail.split_first() {
            len += if short_escape(byte).is_some() { 1 } else { 5 };
            rest = tail;
        }
    }
    len
}

/// Whether a string holds these bytes as they are: no control character, no quote, no backslash.
///
/// Texts of 16 to 64 bytes are looked at as two overlapping blocks: no loop, no branch, and vectors in effect.
#[inline(always)]
pub(crate) fn is_plain(text: &[u8]) -> bool {
    match text.len() {
        16..=32 => blocks::<16>(text).is_some_and(|(first, last)| all_plain(first, last)),
        33..=64 => blocks::<32>(text).is_some_and(|(first, last)| all_plain(first, last)),
        _ => first_escaped(text).is_none(),
    }
}

/// Copies a text to the start of `out`, which has room for it, and tells whether it [`is_plain`].
#[inline(always)]
pub(crate) fn copy_plain(text: &[u8], out: &mut [u8]) -> bool {
    let out = &mut out[..text.len()];
    match text.len() {
        16..=32 => copy_blocks::<16>(text, out),
        33..=64 => copy_blocks::<32>(text, out),
        _ => {
            out.copy_from_slice(text);
            first_escaped(text).is_none()
        }
    }
}

/// Copies a text of one to two blocks and tells whether it is plain.
#[inline(always)]
fn copy_blocks<const BYTES: usize>(text: &[u8], out: &mut [u8]) -> bool {
    let Some((first, last)) = blocks::<BYTES>(text) else { return false };
    // Copied first: to the compiler, `out` could be a part of the text.
    let (first, last) = (*first, *last);
    if let Some(out) = out.first_chunk_mut() {
        *out = first;
    }
    if let Some(out) = out.last_chunk_mut() {
        *out = last;
    }
    all_plain(&first, &last)
}

#[inline(always)]
fn blocks<const BYTES: usize>(text: &[u8]) -> Option<(&[u8; BYTES], &[u8; BYTES])> {
    text.first_chunk().zip(text.last_chunk())
}

/// Whether nothing in these blocks, of whole words, must be escaped.
#[inline(always)]
fn all_plain<const BYTES: usize>(first: &[u8; BYTES], last: &[u8; BYTES]) -> bool {
    let words = first.as_chunks().0.iter().zip(last.as_chunks().0);
    // In pairs, as the vectors' lanes are.
    let mut escaped = [0; 2];
    for (number, (first, last)) in words.enumerate() {
        escaped[number % 2] |= escaped_in(*first) | escaped_in(*last);
    }
    (escaped[0] | escaped[1]) & HIGHS == 0
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// The high bits are not all zero if one of these bytes must be escaped.
#[inline(always)]
const fn escaped_in(word: [u8; 8]) -> u64 {
    let word = u64::from_ne_bytes(word);
    // The high bit of each byte that goes below zero. The quote changes places with the space, and so is next to the
    // control characters. Only a byte that is a hit itself can borrow from the next.
    let low = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (low | backslash) & !word
}

const fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The letter after the backslash, for bytes that have one.
const fn short_escape(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        0x08 => Some(b'b'),
        0x0c => Some(b'f'),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        _ => None,
    }
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match short_escape(byte) {
        Some(letter) => out.extend([b'\\', letter]),
        None => {
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

/// Where the first byte stands that a string cannot hold as it is: a control character, a quote or a
/// backslash.
fn first_escaped(bytes: &[u8]) -> Option<usize> {
    let mut words = bytes.chunks_exact(8);
    let mut at = 0;
    for word in words.by_ref() {
        let word =
            u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
        // The high bit of each byte that is below 0x20 or equal to a mark. A borrow can raise bits above the
        // first hit but never below it, so the lowest bit set is right.
        let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
        let equal = |mark: u8| below(word ^ (ONES * u64::from(mark)), 1);
        let hits = (below(word, 0x20) | equal(b'"') | equal(b'\\')) & HIGHS;
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let tail = words.remainder().iter().position(|byte| is_escaped(*byte));
    tail.map(|tail| at + tail)
}

/// Seconds with up to three decimals: `1671562498.449`, `1671562498.4`, `1671562498`.
fn write_timestamp(time_ms: u64, out: &mut Vec<u8>) {
    let (seconds, millis) = (time_ms / 1000, time_ms % 1000);
    write_display(&seconds, out);
    if millis > 0 {
        // Writing into a Vec cannot fail.
        let _ = write!(out, ".{millis:03}");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

fn write_display(number: &impl std::fmt::Display, out: &mut Vec<u8>) {
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{number}");
}
