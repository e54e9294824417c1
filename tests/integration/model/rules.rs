//! What the service says of a request, from the model and the rules of reference 3 and 4 alone.

use ciborium::Value;

use super::Codec;
use super::shapes::{Kind, Model, Shape};

/// As many violations as one answer lists.
const LISTED_MAX: usize = 10;

/// What is said of a request before its operation looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Passes,
    /// The text of its one wrong type.
    WrongType(String),
    /// An entry for each broken constraint, those of one member in their order.
    Broken(Vec<String>),
}

/// Judges a request as a structure of the model: first the types of all of it, then its constraints.
pub(super) fn judge(model: &Model, codec: Codec, input: &Shape, request: &Value) -> Verdict {
    let rules = Rules { model, codec };
    if let Some(text) = rules.wrong_type(input, request) {
        return Verdict::WrongType(text);
    }
    let mut broken = Vec::new();
    rules.broken(input, request, "", &mut broken);
    if broken.is_empty() { Verdict::Passes } else { Verdict::Broken(broken) }
}

/// Whether a text tells these violations: the order of members is not told by the reference, that of one member's
/// violations is; more than ten are cut off anywhere.
pub(super) fn tells(text: &str, broken: &[String]) -> bool {
    let count = broken.len().min(LISTED_MAX);
    let plural = if count == 1 { "" } else { "s" };
    let Some(listed) = text.strip_prefix(&format!("{count} validation error{plural} detected: ")) else {
        return false;
    };
    let listed = without_hashes(listed);
    let listed: Vec<_> = listed.split("; ").collect();
    let expected_of = |place| broken.iter().map(String::as_str).filter(move |entry| place_of(entry) == place);
    let listed_of = |place| listed.iter().copied().filter(move |entry| place_of(entry) == place);
    listed.len() == count
        && listed.iter().all(|entry| {
            let place = place_of(entry);
            let is_start =
                expected_of(place).zip(listed_of(place)).all(|(expected, listed)| expected == listed);
            is_start && listed_of(place).count() <= expected_of(place).count()
        })
}

/// The path that a violation names.
fn place_of(entry: &str) -> &str {
    let (before, _) =
        entry.rsplit_once("' failed to satisfy").unwrap_or_else(|| panic!("no violation: {entry}"));
    before.rsplit_once("at '").map_or(before, |(_, place)| place)
}

/// A structure is printed with a hash, which is arbitrary.
fn without_hashes(text: &str) -> String {
    let mut parts = text.split('@');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "@" + part.trim_start_matches(|letter: char| letter.is_ascii_hexdigit())
    })
}

struct Rules<'m> {
    model: &'m Model,
    codec: Codec,
}

/// A value as a parser sees it.
enum Seen<'v> {
    Null,
    Boolean,
    Number,
    Text(String),
    Bytes,
    Time,
    List(&'v [Value]),
    Map(&'v [(Value, Value)]),
}

impl Rules<'_> {
    fn see<'v>(&self, value: &'v Value) -> Seen<'v> {
        match value {
            Value::Null => Seen::Null,
            Value::Bool(_) => Seen::Boolean,
            Value::Integer(_) | Value::Float(_) => Seen::Number,
            Value::Text(text) => Seen::Text(text.clone()),
            // In JSON a time is a number; bytes are good Base64, and stand only where a blob belongs.
            Value::Tag(1, _) if self.codec == Codec::Json => Seen::Number,
            Value::Bytes(_) => Seen::Bytes,
            Value::Tag(1, _) => Seen::Time,
            Value::Array(elements) => Seen::List(elements),
            Value::Map(members) => Seen::Map(members),
            other => panic!("nothing that clients send: {other:?}"),
        }
    }

    /// S1 to S14, for the first value of a wrong type.
    fn wrong_type(&self, shape: &Shape, value: &Value) -> Option<String> {
        let seen = self.see(value);
        match (&shape.kind, &seen) {
            (_, Seen::Null) => None,
            (Kind::Structure(shapes), Seen::Map(members)) => members.iter().find_map(|(name, value)| {
                let member = shapes.iter().find(|member| Some(member.name.as_str()) == name.as_text())?;
                self.wrong_type(self.model.shape(&member.shape), value)
            }),
            (Kind::List(element), Seen::List(elements)) => {
                let element = self.model.shape(element);
                elements.iter().find_map(|value| self.wrong_type(element, value))
            }
            (Kind::Map(_, value_shape), Seen::Map(entries)) => {
                let value_shape = self.model.shape(value_shape);
                entries.iter().find_map(|(_, value)| self.wrong_type(value_shape, value))
            }
            // S10 and S11.
            (_, Seen::List(_)) => Some("Start of list found where not expected".to_owned()),
            (_, Seen::Map(_)) => Some("Start of structure or map found where not expected.".to_owned()),
            // S12 to S14.
            (Kind::List(_), _) => Some("Expected list or null".to_owned()),
            (Kind::Map(..), _) => Some("Expected map or null".to_owned()),
            (Kind::Structure(_), _) => Some("Expected null".to_owned()),
            (_, scalar) => self.wrong_scalar(&shape.kind, scalar),
        }
    }

    /// S1 to S9.
    fn wrong_scalar(&self, kind: &Kind, seen: &Seen<'_>) -> Option<String> {
        let target = match (kind, seen) {
            (Kind::String { .. }, Seen::Text(_))
            | (Kind::Integer, Seen::Number)
            | (Kind::Boolean, Seen::Boolean)
            | (Kind::Timestamp, Seen::Number | Seen::Time)
            | (Kind::Blob, Seen::Bytes) => return None,
            (Kind::Boolean, Seen::Text(text)) => return not_boolean(text),
            (Kind::Blob, Seen::Text(text)) if self.codec == Codec::Json => return not_base64(text),
            (Kind::String { .. }, _) => "an String",
            (Kind::Integer, _) => "an Integer",
            (Kind::Boolean, _) => "an Boolean",
            (Kind::Timestamp, _) => "milliseconds since epoch",
            _ => "a Blob",
        };
        let class = match seen {
            Seen::Boolean => "java.lang.Boolean",
            Seen::Number => "com.amazon.coral.value.json.numbers.TruncatingBigNumber",
            Seen::Text(_) => "java.lang.String",
            // Only CBOR has these, of which nothing was recorded (inferred).
            Seen::Bytes => "java.nio.HeapByteBuffer",
            Seen::Time => "java.util.Date",
            Seen::Null | Seen::List(_) | Seen::Map(_) => unreachable!("no scalar"),
        };
        Some(format!("class {class} can not be converted to {target}"))
    }

    /// V1 to V8, for each constraint that is broken at or below `path`.
    fn broken(&self, shape: &Shape, value: &Value, path: &str, found: &mut Vec<String>) {
        let mut add = |rule: String| {
            let value = self.print(shape, value);
            found.push(format!("Value '{value}' at '{path}' failed to satisfy constraint: {rule}"));
        };
        match (&shape.kind, self.see(value)) {
            (Kind::String { .. }, Seen::Text(text)) => {
                broken_text(shape, &text).into_iter().for_each(&mut add);
                broken_length(shape, text.chars().count()).into_iter().for_each(&mut add);
            }
            (Kind::Integer, Seen::Number) => {
                let number = whole(value);
                if let Some(min) = shape.min.filter(|min| number < *min) {
                    add(format!("Member must have value greater than or equal to {min}"));
                }
                if let Some(max) = shape.max.filter(|max| number > *max) {
                    add(format!("Member must have value less than or equal to {max}"));
                }
            }
            (Kind::Blob, _) => {
                let len = value.as_bytes().map_or(0, Vec::len);
                broken_length(shape, len).into_iter().for_each(&mut add);
            }
            (Kind::Structure(_), Seen::Map(members)) => self.broken_members(shape, members, path, found),
            (Kind::List(element), Seen::List(elements)) => {
                broken_length(shape, elements.len()).into_iter().for_each(&mut add);
                let element = self.model.shape(element);
                if let Kind::String { .. } = element.kind {
                    if elements.iter().any(|value| self.breaks(element, value)) {
                        add(format!("Member must satisfy constraint: {}", in_brackets(element)));
                    }
                } else {
                    for (number, value) in (1..).zip(elements) {
                        self.broken(element, value, &format!("{path}.{number}.member"), found);
                    }
                }
            }
            (Kind::Map(key, content), Seen::Map(entries)) => {
                broken_length(shape, entries.len()).into_iter().for_each(&mut add);
                let (key, content) = (self.model.shape(key), self.model.shape(content));
                if entries.iter().any(|(name, _)| self.breaks(key, name)) {
                    add(format!("Map keys must satisfy constraint: {}", in_brackets(key)));
                }
                if entries.iter().any(|(_, value)| self.breaks(content, value)) {
                    add(format!("Map value must satisfy constraint: {}", in_brackets(content)));
                }
            }
            _ => {}
        }
    }

    fn broken_members(
        &self,
        structure: &Shape,
        given: &[(Value, Value)],
        path: &str,
        found: &mut Vec<String>,
    ) {
        let Kind::Structure(members) = &structure.kind else { return };
        for member in members {
            let (first, rest) = member.name.split_at(1);
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}{rest}", first.to_lowercase());
            let value = given.iter().rev().find(|(name, _)| name.as_text() == Some(&member.name));
            match value.map(|(_, value)| value).filter(|value| !value.is_null()) {
                Some(value) => self.broken(self.model.shape(&member.shape), value, &path, found),
                None if member.required => found.push(format!(
                    "Value null at '{path}' failed to satisfy constraint: Member must not be null"
                )),
                None => {}
            }
        }
    }

    fn breaks(&self, shape: &Shape, value: &Value) -> bool {
        let mut found = Vec::new();
        self.broken(shape, value, "", &mut found);
        !found.is_empty()
    }

    /// A value as Java prints it.
    fn print(&self, shape: &Shape, value: &Value) -> String {
        match (&shape.kind, self.see(value)) {
            (Kind::Integer, _) => whole(value).to_string(),
            (Kind::Blob, _) => {
                let len = value.as_bytes().map_or(0, Vec::len);
                format!("java.nio.HeapByteBuffer[pos=0 lim={len} cap={len}]")
            }
            (Kind::Structure(_), _) => format!("com.amazonaws.kinesis.v20131202.{}@", shape.name),
            (Kind::List(element), Seen::List(elements)) => {
                let element = self.model.shape(element);
                let elements: Vec<_> = elements.iter().map(|value| self.print(element, value)).collect();
                format!("[{}]", elements.join(", "))
            }
            (Kind::Map(..), Seen::Map(entries)) => {
                let text = |value: &Value| value.as_text().unwrap_or_default().to_owned();
                let entries: Vec<_> =
                    entries.iter().map(|(key, value)| format!("{}={}", text(key), text(value))).collect();
                format!("{{{}}}", entries.join(", "))
            }
            (_, Seen::Text(text)) => text,
            _ => unreachable!("{} has no constraints", shape.name),
        }
    }
}

/// V4 and V5.
fn broken_text(shape: &Shape, text: &str) -> Option<String> {
    let Kind::String { pattern, values } = &shape.kind else { return None };
    if !values.is_empty() && !values.iter().any(|value| value == text) {
        return Some(enum_rule(shape, values));
    }
    let pattern = pattern.as_ref().filter(|pattern| !pattern.matches(text))?;
    Some(pattern_rule(&pattern.text))
}

/// The values come in an order that was recorded of one set only (V5).
fn enum_rule(shape: &Shape, values: &[String]) -> String {
    let values = match shape.name.as_str() {
        "ShardIteratorType" => {
            "AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON".to_owned()
        }
        _ => values.join(", "),
    };
    format!("Member must satisfy enum value set: [{values}]")
}

/// Patterns of numbers were recorded without the anchors that the model has now.
fn pattern_rule(text: &str) -> String {
    let anchored = text.strip_prefix("^(").and_then(|text| text.strip_suffix(")$"));
    format!("Member must satisfy regular expression pattern: {}", anchored.unwrap_or(text))
}

/// V3.
fn broken_length(shape: &Shape, len: usize) -> Option<String> {
    let len = i64::try_from(len).expect("a length");
    if let Some(min) = shape.min.filter(|min| len < *min) {
        return Some(format!("Member must have length greater than or equal to {min}"));
    }
    let max = shape.max.filter(|max| len > *max)?;
    Some(format!("Member must have length less than or equal to {max}"))
}

/// All rules of an element, key or value, as V6 to V8 print them.
fn in_brackets(shape: &Shape) -> String {
    let Kind::String { pattern, values } = &shape.kind else { unreachable!("{} is no text", shape.name) };
    let mut rules = Vec::new();
    rules.extend(shape.max.map(|max| format!("Member must have length less than or equal to {max}")));
    rules.extend(shape.min.map(|min| format!("Member must have length greater than or equal to {min}")));
    rules.extend(pattern.as_ref().map(|pattern| pattern_rule(&pattern.text)));
    if !values.is_empty() {
        rules.push(enum_rule(shape, values));
    }
    format!("[{}]", rules.join(", "))
}

/// S4.
fn not_boolean(text: &str) -> Option<String> {
    let upper = text.to_uppercase();
    let is_good = ["TRUE", "FALSE", "1", "0", "YES", "NO"].contains(&upper.as_str());
    (!is_good).then(|| format!("'{upper}' can not be converted to an Boolean"))
}

/// S6 to S8.
fn not_base64(text: &str) -> Option<String> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '+' || letter == '/';
    let padding = text.len() - text.trim_end_matches('=').len();
    let bad = text[..text.len() - padding].chars().find(|letter| !is_letter(*letter));
    let fault = if !text.len().is_multiple_of(4) {
        format!("Base64 encoded length is expected a multiple of 4 bytes but found: {}", text.len())
    } else if let Some(bad) = bad {
        format!("Invalid Base64 character: '{bad}'")
    } else if base64_simd::STANDARD.decode_to_vec(text).is_err() {
        "Invalid last non-pad Base64 character dectected".to_owned()
    } else {
        return None;
    };
    Some(format!("'{text}' can not be converted to a Blob: {fault}"))
}

/// Fractions are cut off, and what is beyond 32 bits is clamped.
fn whole(value: &Value) -> i64 {
    let number = match value {
        Value::Integer(number) => i64::try_from(*number).expect("a number of 64 bits"),
        #[expect(clippy::cast_possible_truncation, reason = "cutting off is the rule")]
        Value::Float(number) => number.trunc() as i64,
        other => panic!("no number: {other:?}"),
    };
    number.clamp(i32::MIN.into(), i32::MAX.into())
}

/// Protects: this test's own eyes: which texts tell the same violations.
#[test]
fn texts_are_told_apart() {
    let entry = |place: &str, rule: &str| {
        format!("Value '@@' at '{place}' failed to satisfy constraint: Member must {rule}")
    };
    let (a, b, c) = (entry("a", "be"), entry("a", "not be"), entry("c", "be"));
    let broken = [a.clone(), b.clone(), c.clone()];
    let text = |count: &str, entries: &[&String]| {
        let entries: Vec<_> = entries.iter().map(|entry| entry.replace("@@", "@@1f")).collect();
        format!("{count} detected: {}", entries.join("; "))
    };
    for (told, is_told) in [
        (text("3 validation errors", &[&a, &b, &c]), true),
        (text("3 validation errors", &[&c, &a, &b]), true),
        (text("3 validation errors", &[&b, &a, &c]), false),
        (text("3 validation errors", &[&a, &a, &c]), false),
        (text("3 validation errors", &[&a, &b]), false),
        (text("3 validation error", &[&a, &b, &c]), false),
        (text("2 validation errors", &[&a, &b]), false),
        (text("3 validation errors", &[&a, &b, &entry("d", "be")]), false),
    ] {
        assert_eq!(tells(&told, &broken), is_told, "{told}");
    }
    assert!(tells(&text("1 validation error", &[&c]), std::slice::from_ref(&c)));
    let many: Vec<_> = (0..12).map(|number| entry(&number.to_string(), "be")).collect();
    let ten: Vec<_> = many[1..11].iter().collect();
    assert!(tells(&text("10 validation errors", &ten), &many));
}
