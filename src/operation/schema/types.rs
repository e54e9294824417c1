//! The type check (reference 3): a tree of any shape becomes an [`Input`], or the first type error in it.
//!
//! The whole input is converted before any constraint is looked at, in the order of the request, as a parser
//! that reads ahead of its checks would do. Unknown members are dropped and `null` is absence (reference
//! 1.2).
//!
//! A codec has types of its own for blobs and times, or it has not: [`Scalars`] says which.

use super::constraints::{self, PRINTED_BYTES_MAX};
use super::input::{Input, Member};
use super::shapes::{Shape, Structure};
use crate::document::Value;
use crate::error::ApiError;
use crate::operation::refusals;
use std::borrow::Cow;
use std::collections::HashMap;

/// What texts and plain numbers mean where the model asks for a blob or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalars {
    /// A text is the Base64 of a blob, a number is seconds.
    Textual,
    /// A text is no blob, a number is milliseconds.
    Binary,
}

/// Reads a request's tree as the structure, first its types, then its constraints. A blob may be its Base64 text, and
/// a time a number of seconds (reference 1.2).
///
/// # Errors
/// `SerializationException` with the text of S1 to S14 for the first wrong type, or `ValidationException`
/// that lists up to ten broken constraints.
pub fn read<'a>(structure: &'static Structure, value: Value<'a>) -> Result<Input<'a>, ApiError> {
    read_as(Scalars::Textual, structure, value)
}

/// As [`read`], for a codec that has a type for bytes and one for times: a text is no blob, and a time that is a plain
/// number is milliseconds (reference 1.3).
///
/// # Errors
/// As those of [`read`].
pub fn read_binary<'a>(structure: &'static Structure, value: Value<'a>) -> Result<Input<'a>, ApiError> {
    read_as(Scalars::Binary, structure, value)
}

fn read_as<'a>(
    scalars: Scalars,
    structure: &'static Structure,
    value: Value<'a>,
) -> Result<Input<'a>, ApiError> {
    let input = convert_structure(scalars, structure, value)?;
    constraints::check(&input)?;
    Ok(input)
}

fn convert_structure<'a>(
    scalars: Scalars,
    structure: &'static Structure,
    value: Value<'a>,
) -> Result<Input<'a>, ApiError> {
    let members = match value {
        Value::Map(members) => members,
        Value::List(_) => return Err(refusals::list_given()),
        _ => return Err(refusals::structure_expected()),
    };
    let mut input = Input { structure, members: vec![Member::Null; structure.members.len()] };
    for (name, value) in members {
        let slots = structure.members.iter().zip(&mut input.members);
        for (member, slot) in slots {
            if member.name == name {
                *slot = convert(scalars, member.shape, value)?;
                break;
            }
        }
    }
    Ok(input)
}

fn convert<'a>(scalars: Scalars, shape: &'static Shape, value: Value<'a>) -> Result<Member<'a>, ApiError> {
    if value == Value::Null {
        return Ok(Member::Null);
    }
    match shape {
        Shape::String(_) => convert_string(value).map(Member::String),
        Shape::Integer { .. } => convert_integer(&value).map(Member::Integer),
        Shape::Boolean => convert_boolean(&value).map(Member::Boolean),
        Shape::Timestamp => convert_timestamp(scalars, &value).map(Member::TimestampMs),
        Shape::Blob { .. } => convert_blob(scalars, value).map(Member::Blob),
        Shape::Structure(structure) => convert_structure(scalars, structure, value).map(Member::Structure),
        Shape::List { element, .. } => match value {
            Value::List(elements) => {
                let elements: Result<_, _> =
                    elements.into_iter().map(|value| convert(scalars, element, value)).collect();
                elements.map(Member::List)
            }
            Value::Map(_) => Err(refusals::map_given()),
            _ => Err(refusals::list_expected()),
        },
        Shape::Map { .. } => match value {
            Value::Map(entries) => convert_entries(entries).map(Member::Map),
            Value::List(_) => Err(refusals::list_given()),
            _ => Err(refusals::map_expected()),
        },
    }
}

type Entries<'a, V> = Vec<(Cow<'a, str>, V)>;

/// Text entries with each key once, the last one given; entries that are `null` are absent.
fn convert_entries<'a>(entries: Entries<'a, Value<'a>>) -> Result<Entries<'a, Cow<'a, str>>, ApiError> {
    let mut texts = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if value != Value::Null {
            texts.push((key, convert_string(value)?));
        }
    }
    let is_last: Vec<bool> = {
        let last: HashMap<&str, usize> =
            texts.iter().enumerate().map(|(index, (key, _))| (key.as_ref(), index)).collect();
        texts.iter().enumerate().map(|(index, (key, _))| last.get(key.as_ref()) == Some(&index)).collect()
    };
    let mut keep = is_last.into_iter();
    texts.retain(|_| keep.next().unwrap_or(true));
    Ok(texts)
}

fn convert_string(value: Value<'_>) -> Result<Cow<'_, str>, ApiError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(not_convertible(&other, "an String")),
    }
}

/// Fractions are cut off and values outside 32 bits clamped (reference 3, "Numeric coercion").
fn convert_integer(value: &Value<'_>) -> Result<i64, ApiError> {
    const MIN: i64 = i32::MIN as i64;
    const MAX: i64 = i32::MAX as i64;
    match value {
        Value::Integer(number) => Ok((*number).clamp(MIN, MAX)),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "cutting off is the rule, and the cast saturates"
        )]
        Value::Float(number) => Ok((*number as i64).clamp(MIN, MAX)),
        other => Err(not_convertible(other, "an Integer")),
    }
}

fn convert_boolean(value: &Value<'_>) -> Result<bool, ApiError> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) => match text.to_uppercase().as_str() {
            "TRUE" | "1" | "YES" => Ok(true),
            "FALSE" | "0" | "NO" => Ok(false),
            upper => Err(refusals::no_boolean(printed(upper))),
        },
        other => Err(not_convertible(other, "an Boolean")),
    }
}

/// Seconds, with a fraction or not, become milliseconds; a codec with its own time type hands milliseconds
/// over. Times before 1970 become 1970, since nothing in a stream is older.
fn convert_timestamp(scalars: Scalars, value: &Value<'_>) -> Result<u64, ApiError> {
    let unit_ms: u32 = match scalars {
        Scalars::Textual => 1000,
        Scalars::Binary => 1,
    };
    match value {
        Value::TimestampMs(time_ms) => Ok(*time_ms),
        Value::Integer(units) => Ok(u64::try_from(*units).unwrap_or(0).saturating_mul(unit_ms.into())),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates at both ends and makes 0 of NaN"
        )]
        Value::Float(units) => Ok((*units * f64::from(unit_ms)).round() as u64),
        other => Err(not_convertible(other, "milliseconds since epoch")),
    }
}

fn convert_blob(scalars: Scalars, value: Value<'_>) -> Result<Cow<'_, [u8]>, ApiError> {
    match value {
        Value::Blob(bytes) => Ok(bytes),
        Value::String(text) if scalars == Scalars::Textual => base64_simd::STANDARD
            .decode_to_vec(text.as_bytes())
            .map(Cow::Owned)
            .map_err(|_| base64_error(&text)),
        other => Err(not_convertible(&other, "a Blob")),
    }
}

/// What is wrong with a text that is not Base64 (S6 to S8). The length is counted as Java does, in UTF-16
/// units.
fn base64_error(text: &str) -> ApiError {
    let units = text.encode_utf16().count();
    if !units.is_multiple_of(4) {
        refusals::base64_length(printed(text), units)
    } else if let Some(letter) = bad_base64_letter(text) {
        refusals::base64_letter(printed(text), letter)
    } else {
        refusals::base64_end(printed(text))
    }
}

/// As much of a text as an answer repeats.
fn printed(text: &str) -> &str {
    &text[..text.floor_char_boundary(PRINTED_BYTES_MAX)]
}

/// The first character outside the alphabet, or a `=` before the padding.
fn bad_base64_letter(text: &str) -> Option<char> {
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_good = match letter {
            '=' => letters.peek().is_none_or(|next| *next == '='),
            _ => letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/'),
        };
        if !is_good {
            return Some(letter);
        }
    }
    None
}

/// The error for a value that is in the wrong place.
fn not_convertible(value: &Value<'_>, target: &str) -> ApiError {
    match value {
        Value::List(_) => refusals::list_given(),
        Value::Map(_) | Value::Null => refusals::map_given(),
        Value::Bool(_) => refusals::boolean_given(target),
        Value::Integer(_) | Value::Float(_) => refusals::number_given(target),
        Value::String(_) => refusals::text_given(target),
        Value::Blob(_) => refusals::bytes_given(target),
        Value::TimestampMs(_) => refusals::time_given(target),
    }
}

#[cfg(test)]
#[path = "types_tests.rs"]
mod tests;
