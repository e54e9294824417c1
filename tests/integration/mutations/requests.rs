//! Requests for an operation, made from its own table of shapes: nearly right ones, and ones that are wrong in one place or
//! in several.

use shardmill::operation::Operation;
use shardmill::operation::schema::shapes::{MemberShape, Shape, Structure, Text};

use super::document::Document;
use super::tape::Tape;
use crate::setup::START_MS;

/// Tokens that a service has given, by their places.
pub(super) const TOKENS: usize = 4;

const STREAM_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const CONSUMER_ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1700000000";
/// The first number of shard 0 of a stream that was created when the tests' clock starts.
const FIRST_NUMBER: &str = "49646437577108476416916876405825929425585429676275269634";

/// How far a document may stray from the types of its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Types {
    /// Anywhere.
    Any,
    /// Where both codecs say it alike: texts are no blobs, and plain numbers are no times.
    Shared,
}

/// A request for an operation; a random document for one that has no shape.
pub(super) fn request(operation: Operation, types: Types, tape: &mut Tape<'_>) -> Document {
    match Structure::input_of(operation) {
        Some(structure) => of_structure(structure, types, tape),
        None => Document::Map(vec![("StreamName".to_owned(), anything(types, 3, tape))]),
    }
}

fn of_structure(structure: &Structure, types: Types, tape: &mut Tape<'_>) -> Document {
    let mut members = Vec::new();
    for member in structure.members {
        let is_there = if member.required || names_it(member) { !tape.one_in(24) } else { tape.one_in(4) };
        if is_there {
            members.push((member.name.to_owned(), of_member(member, types, tape)));
        }
        if tape.one_in(40) {
            members.push((member.name.to_owned(), of_member(member, types, tape)));
        }
    }
    if tape.one_in(20) {
        members.push(("Unknown".to_owned(), anything(types, 3, tape)));
    }
    let first = tape.below(members.len().max(1));
    members.rotate_left(first);
    Document::Map(members)
}

/// Whether a request without this member hardly ever finds what it is about.
fn names_it(member: &MemberShape) -> bool {
    matches!(member.name, "StreamName" | "ConsumerARN")
}

fn of_member(member: &MemberShape, types: Types, tape: &mut Tape<'_>) -> Document {
    if tape.one_in(24) {
        return stray(member.shape, types, tape);
    }
    let known: &[&str] = match member.name {
        "StreamName" | "ExclusiveStartStreamName" => &["s", "t", "none"],
        "StreamARN" => &[STREAM_ARN, "arn:aws:kinesis:us-east-1:000000000000:stream/t", CONSUMER_ARN],
        "ConsumerName" => &["c", "d", "e"],
        "ConsumerARN" => &[CONSUMER_ARN],
        "ResourceARN" => &[STREAM_ARN, CONSUMER_ARN, "arn:aws:kinesis:us-east-1:000000000000:queue/q"],
        "ShardId" | "ShardToSplit" | "ExclusiveStartShardId" | "ShardToMerge" => {
            &["0", "shardId-000000000000", "x"]
        }
        "AdjacentShardToMerge" => &["1", "shardId-000000000001", "9"],
        "StartingSequenceNumber" | "SequenceNumberForOrdering" | "SequenceNumber" => {
            &[FIRST_NUMBER, "5", "1"]
        }
        "ExplicitHashKey" | "NewStartingHashKey" => &["1000", "3", "999999999999999999999999999999999999999"],
        "StreamId" => &["abcdefghij0123456789-a1z"],
        "KeyId" => &["alias/a", "arn:aws:kms:us-east-1:123456789012:alias/b"],
        "RecordDistributionStrategy" if types == Types::Shared => &["USER_PARTITION_KEY"],
        "ShardIterator" | "NextToken" => return Document::Token(tape.below(TOKENS)),
        _ => return of_shape(member.shape, types, tape),
    };
    Document::Text(tape.pick(known).to_owned())
}

fn of_shape(shape: &Shape, types: Types, tape: &mut Tape<'_>) -> Document {
    match shape {
        Shape::String(text) => Document::Text(of_text(text, tape)),
        Shape::Integer { min, max } => {
            let numbers = [min.unwrap_or(24), 3, 48, 4, max.unwrap_or(1024), 2, 1_i64 << 40, -1];
            let odd = if tape.one_in(2) { 0 } else { 2 };
            Document::Integer(numbers[tape.below(numbers.len() - odd)].into())
        }
        Shape::Boolean => Document::Bool(tape.one_in(8)),
        Shape::Timestamp => {
            let times = [START_MS, START_MS - 1, 0, START_MS + 1, u64::from(u32::MAX) * 1000];
            Document::Time(times[tape.below(times.len())])
        }
        Shape::Blob { .. } => {
            let bytes = [0, 1, 30, 3_000][tape.below(4)];
            Document::Bytes((0..bytes).map(|_| tape.byte()).collect())
        }
        Shape::Structure(structure) => of_structure(structure, types, tape),
        Shape::List { element, len } => {
            let count = [1, 2, 3, 1, 2, 3, 0, len.1 + 1][tape.below(8)];
            let elements: Vec<_> = (0..count.min(3)).map(|_| of_shape(element, types, tape)).collect();
            Document::List(elements.iter().cycle().take(count).cloned().collect())
        }
        Shape::Map { key, value, len } => {
            let count = [1, 2, 3, 1, 2, 3, 0, len.1 + 1][tape.below(8)];
            let entry = |number| {
                let name = if number > 2 { format!("key {number}") } else { of_text(key, tape) };
                (name, Document::Text(of_text(value, tape)))
            };
            Document::Map((0..count).map(entry).collect())
        }
    }
}

fn of_text(text: &Text, tape: &mut Tape<'_>) -> String {
    if !text.values.is_empty() && !tape.one_in(16) {
        return tape.pick(text.values).to_owned();
    }
    let (min, max) = text.len.unwrap_or((0, 40));
    let chars = match tape.below(8) {
        5 => max.min(300),
        6 => max.min(300) + 1,
        7 => min.saturating_sub(1),
        few => min + few,
    };
    let letters: &[&str] = match tape.below(4) {
        0 | 1 => &["a", "Z", "0", "-"],
        2 => &["ü", " ", "_", "é"],
        _ => &["%", ":", "\"", "\\", "\u{1}", "\u{1f600}"],
    };
    let repeated = tape.pick(letters);
    (0..chars).map(|at| if at < 6 { tape.pick(letters) } else { repeated }).collect()
}

/// Something that may be of another type.
fn stray(shape: &Shape, types: Types, tape: &mut Tape<'_>) -> Document {
    match (types, anything(types, 2, tape), shape) {
        (Types::Any, document, _) => document,
        (Types::Shared, Document::Text(_), Shape::Blob { .. })
        | (Types::Shared, Document::Integer(_) | Document::Float(_), Shape::Timestamp) => Document::Null,
        (Types::Shared, document, _) => document,
    }
}

/// A document of any type, with so many levels below it.
fn anything(types: Types, levels: usize, tape: &mut Tape<'_>) -> Document {
    let scalars = if types == Types::Shared { 5 } else { 8 };
    match tape.below(if levels == 0 { scalars } else { scalars + 2 }) {
        0 => Document::Null,
        1 => Document::Bool(tape.one_in(2)),
        2 => Document::Integer([0, -1, 1 << 31, 1 << 70, -(1 << 90)][tape.below(5)]),
        3 => Document::Float([0.5, -1e300, 1e300, 2_147_483_648.5][tape.below(4)]),
        4 => Document::Text(tape.pick(&["", "true", "1", "AAAA", "é"]).to_owned()),
        // Each service has tokens of its own, of which one may be a good name.
        5 if types == Types::Any => Document::Token(tape.below(TOKENS)),
        6 if types == Types::Any => {
            Document::Float([f64::NAN, f64::INFINITY, f64::NEG_INFINITY][tape.below(3)])
        }
        7 if types == Types::Any => {
            if tape.one_in(2) {
                Document::Time(u64::MAX)
            } else {
                Document::Bytes(vec![tape.byte(); 3])
            }
        }
        choice if choice.is_multiple_of(2) => {
            Document::List((0..tape.below(3)).map(|_| anything(types, levels - 1, tape)).collect())
        }
        _ => {
            let names = ["StreamMode", "Type", "a"];
            let member = |_| (tape.pick(&names).to_owned(), anything(types, levels - 1, tape));
            Document::Map((0..3).map(member).collect())
        }
    }
}
