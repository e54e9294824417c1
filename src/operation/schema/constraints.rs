//! The constraint check (reference 4): lengths, ranges, patterns and enumerations, reported the way Kinesis
//! does.
//!
//! At most ten violations are listed and counted. Values are printed as Java prints them. Entries come in the
//! order of the structure's members, a pattern before a length; the real order is an internal one and not
//! worth matching.

use super::input::{Input, Member};
use super::shapes::{Shape, Text};
use crate::error::ApiError;
use crate::operation::refusals;
use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// As many violations as one answer lists.
const VIOLATIONS_MAX: usize = 10;
/// As many structures as a list is printed with. AWS prints all; but `{}` is a request of 3 bytes per element
/// and an answer of 70, and 501 is what the recorded case needs.
const STRUCTURES_PRINTED_MAX: usize = 1000;
/// Bytes of values that one answer repeats, at most. AWS prints values whole, and so does this for all that the model allows
/// and for what is a little longer; but of the largest body it would make an answer three times that size.
pub(super) const PRINTED_BYTES_MAX: usize = 2 << 20;

/// Checks every member of an input whose types are right.
///
/// # Errors
/// `ValidationException`, listing what is broken.
pub(super) fn check(input: &Input<'_>) -> Result<(), ApiError> {
    let mut checker = Checker { path: String::new(), violations: String::new(), count: 0 };
    checker.structure(input);
    if checker.count == 0 {
        return Ok(());
    }
    let plural = if checker.count == 1 { "" } else { "s" };
    Err(refusals::constraints_broken(checker.count, plural, &checker.violations))
}

struct Checker {
    /// Where the check stands, as messages name it: `records.1.member.data`.
    path: String,
    violations: String,
    count: usize,
}

impl Checker {
    fn structure(&mut self, input: &Input<'_>) {
        let path_len = self.path.len();
        for (member, value) in input.structure.members.iter().zip(&input.members) {
            if path_len > 0 {
                self.path.push('.');
            }
            push_lower_first(&mut self.path, member.name);
            if *value == Member::Null {
                if member.required {
                    self.must_not_be_null();
                }
            } else {
                self.member(member.shape, value);
            }
            self.path.truncate(path_len);
        }
    }

    fn member(&mut self, shape: &Shape, value: &Member<'_>) {
        match (shape, value) {
            (Shape::String(constraint), Member::String(text)) => {
                if let Some(rule) = constraint.broken_values(text) {
                    self.report(value, rule);
                }
                if let Some(rule) = constraint.broken_pattern(text) {
                    self.report(value, rule);
                }
                if let Some(len) = constraint.len {
                    self.length(value, len, || text.chars().count());
                }
            }
            (Shape::Integer { min, max }, Member::Integer(number)) => {
                if let Some(min) = min.filter(|min| number < min) {
                    self.report(value, Rule::ValueMin(min));
                }
                if let Some(max) = max.filter(|max| number > max) {
                    self.report(value, Rule::ValueMax(max));
                }
            }
            (Shape::Blob { len_max }, Member::Blob(bytes)) => {
                self.length(value, (0, *len_max), || bytes.len());
            }
            (Shape::Structure(_), Member::Structure(input)) => self.structure(input),
            (Shape::List { element, len }, Member::List(elements)) => {
                self.length(value, *len, || elements.len());
                self.elements(element, value, elements);
            }
            (Shape::Map { key, value: text, len }, Member::Map(entries)) => {
                self.length(value, *len, || entries.len());
                if entries.iter().any(|(name, _)| !key.is_kept_by(name)) {
                    self.report(value, Rule::EachKey(*key));
                }
                if entries.iter().any(|(_, content)| !text.is_kept_by(content)) {
                    self.report(value, Rule::EachValue(*text));
                }
            }
            // Truth values and times have no constraints.
            _ => {}
        }
    }

    fn elements(&mut self, shape: &Shape, list: &Member<'_>, elements: &[Member<'_>]) {
        let path_len = self.path.len();
        let mut is_broken = false;
        for (index, element) in elements.iter().enumerate() {
            if self.count == VIOLATIONS_MAX {
                break;
            }
            // Writing into a String cannot fail.
            let _ = write!(self.path, ".{}.member", index + 1);
            match (shape, element) {
                (_, Member::Null) => self.must_not_be_null(),
                (Shape::String(constraint), Member::String(text)) => {
                    is_broken |= !constraint.is_kept_by(text);
                }
                _ => self.member(shape, element),
            }
            self.path.truncate(path_len);
        }
        // Texts of a list are not reported one by one (V6).
        if let (true, Shape::String(constraint)) = (is_broken, shape) {
            self.report(list, Rule::EachElement(*constraint));
        }
    }

    fn length(&mut self, value: &Member<'_>, (min, max): (usize, usize), len: impl FnOnce() -> usize) {
        let len = len();
        if len < min {
            self.report(value, Rule::LengthMin(min));
        }
        if len > max {
            self.report(value, Rule::LengthMax(max));
        }
    }

    fn must_not_be_null(&mut self) {
        self.report(&Member::Null, Rule::NotNull);
    }

    fn report(&mut self, value: &Member<'_>, rule: Rule) {
        if self.count == VIOLATIONS_MAX {
            return;
        }
        if self.count > 0 {
            self.violations.push_str("; ");
        }
        self.count += 1;
        let printed = Printed(value);
        let mut text =
            Bounded { text: String::new(), room: PRINTED_BYTES_MAX.saturating_sub(self.violations.len()) };
        // Fails where there is no more room, which ends the text.
        let _ = write!(text, "{printed}");
        let quoted = if *value == Member::Null { text.text } else { format!("'{}'", text.text) };
        self.violations.push_str(&refusals::constraint_broken(&quoted, &self.path, &rule.text()));
    }
}

/// A text that grows as far as there is room.
struct Bounded {
    text: String,
    room: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let taken = part.floor_char_boundary(self.room);
        self.text.push_str(&part[..taken]);
        self.room -= taken;
        if taken < part.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl Text {
    fn broken_values(&self, text: &str) -> Option<Rule> {
        (!self.values.is_empty() && !self.values.contains(&text)).then_some(Rule::Values(self.values))
    }

    fn broken_pattern(&self, text: &str) -> Option<Rule> {
        self.pattern.filter(|pattern| !(pattern.matches)(text)).map(|pattern| Rule::Pattern(pattern.text))
    }

    /// Whether nothing is wrong with an element, key or value; those are not reported by the single rule.
    fn is_kept_by(&self, text: &str) -> bool {
        self.broken_values(text).is_none()
            && self.broken_pattern(text).is_none()
            && self.len.is_none_or(|(min, max)| (min..=max).contains(&text.chars().count()))
    }

    /// The rules of an element, key or value in one bracket, as V6 to V8 print them.
    fn rules(&self) -> String {
        let mut rules = Vec::new();
        if let Some((min, max)) = self.len {
            rules.extend([Rule::LengthMax(max), Rule::LengthMin(min)]);
        }
        rules.extend(self.pattern.map(|pattern| Rule::Pattern(pattern.text)));
        if !self.values.is_empty() {
            rules.push(Rule::Values(self.values));
        }
        in_brackets(rules.into_iter().map(Rule::text))
    }
}

/// The rules V1 to V8.
#[derive(Clone, Copy)]
enum Rule {
    NotNull,
    ValueMin(i64),
    ValueMax(i64),
    LengthMin(usize),
    LengthMax(usize),
    Pattern(&'static str),
    Values(&'static [&'static str]),
    EachElement(Text),
    EachKey(Text),
    EachValue(Text),
}

impl Rule {
    fn text(self) -> String {
        match self {
            Self::NotNull => refusals::must_not_be_null(),
            Self::ValueMin(min) => refusals::below_min(min),
            Self::ValueMax(max) => refusals::above_max(max),
            Self::LengthMin(min) => refusals::too_short(min),
            Self::LengthMax(max) => refusals::too_long(max),
            Self::Pattern(pattern) => refusals::no_match(pattern),
            Self::Values(values) => refusals::not_in_set(&in_brackets(values.iter().copied())),
            Self::EachElement(text) => refusals::bad_elements(&text.rules()),
            Self::EachKey(text) => refusals::bad_keys(&text.rules()),
            Self::EachValue(text) => refusals::bad_values(&text.rules()),
        }
    }
}

/// A value as Java's `toString` prints it.
struct Printed<'v, 'a>(&'v Member<'a>);

impl fmt::Display for Printed<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Member::Null => f.write_str("null"),
            Member::String(text) => f.write_str(text),
            Member::Integer(number) => write!(f, "{number}"),
            Member::Boolean(truth) => write!(f, "{truth}"),
            Member::TimestampMs(time_ms) => write!(f, "{time_ms}"),
            Member::Blob(bytes) => {
                write!(f, "java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", bytes.len())
            }
            Member::Structure(input) => write_structure(f, input, 0),
            Member::List(elements) => write_elements(f, elements),
            Member::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| Entry(key, value));
                f.write_char('{')?;
                write_joined(f, entries)?;
                f.write_char('}')
            }
        }
    }
}

struct Entry<'v, 'a>(&'v Cow<'a, str>, &'v Cow<'a, str>);

impl fmt::Display for Entry<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.0, self.1)
    }
}

fn write_elements(f: &mut fmt::Formatter<'_>, elements: &[Member<'_>]) -> fmt::Result {
    f.write_char('[')?;
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        match element {
            Member::Structure(_) if index == STRUCTURES_PRINTED_MAX => {
                f.write_str("...")?;
                break;
            }
            Member::Structure(input) => write_structure(f, input, index)?,
            _ => write!(f, "{}", Printed(element))?,
        }
    }
    f.write_char(']')
}

/// A structure is printed by name and a hash that means nothing to anyone; ours tells its place in the list.
fn write_structure(f: &mut fmt::Formatter<'_>, input: &Input<'_>, index: usize) -> fmt::Result {
    let hash = (index as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    write!(f, "com.amazonaws.kinesis.v20131202.{}@{hash:x}", input.structure.name)
}

fn in_brackets(items: impl Iterator<Item = impl Into<String>>) -> String {
    format!("[{}]", items.map(Into::into).collect::<Vec<_>>().join(", "))
}

fn write_joined(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = impl fmt::Display>) -> fmt::Result {
    for (index, item) in items.enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// `StreamName` is `streamName` in messages: only the first letter changes, so `StreamARN` is `streamARN`.
fn push_lower_first(path: &mut String, name: &str) {
    let mut letters = name.chars();
    path.extend(letters.next().map(|letter| letter.to_ascii_lowercase()));
    path.push_str(letters.as_str());
}

#[cfg(test)]
#[path = "constraints_tests.rs"]
mod tests;
