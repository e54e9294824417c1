//! Requests made from the model: one good value of each shape, and every way to make it worse, at every depth.

use ciborium::Value;

use super::Codec;
use super::shapes::{Kind, Model, Shape};

/// A name of no member of the model.
const UNKNOWN: &str = "Unknown";

/// A structure of these members.
pub(super) fn structure<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// Sets or removes a member.
pub(super) fn with(structure: &Value, name: &str, value: Option<Value>) -> Value {
    let members = structure.as_map().unwrap_or_else(|| panic!("no structure: {structure:?}"));
    let mut members: Vec<_> =
        members.iter().filter(|(key, _)| key.as_text() != Some(name)).cloned().collect();
    members.extend(value.map(|value| (name.into(), value)));
    Value::Map(members)
}

/// A good value of a shape. Texts are looked up by the shape's name.
pub(super) fn good(model: &Model, shape: &Shape) -> Value {
    match &shape.kind {
        Kind::String { .. } => good_text(&shape.name).into(),
        Kind::Integer => shape.min.unwrap_or(24).into(),
        Kind::Boolean => false.into(),
        Kind::Timestamp => Value::Tag(1, Box::new(1_700_000_000_000_u64.into())),
        Kind::Blob => Value::Bytes(b"data".to_vec()),
        Kind::List(element) => Value::Array(vec![good(model, model.shape(element))]),
        Kind::Map(key, value) => {
            Value::Map(vec![(good(model, model.shape(key)), good(model, model.shape(value)))])
        }
        Kind::Structure(members) => {
            let required = members.iter().filter(|member| member.required);
            let value = |shape: &str| good(model, model.shape(shape));
            Value::Map(required.map(|member| (member.name.as_str().into(), value(&member.shape))).collect())
        }
    }
}

fn good_text(shape: &str) -> &'static str {
    match shape {
        "StreamName" | "ConsumerName" | "PartitionKey" | "TagKey" | "TagValue" | "ShardIterator"
        | "NextToken" => "a",
        "ShardId" => "shardId-000000000000",
        "HashKey" | "SequenceNumber" => "7",
        "StreamARN" | "ResourceARN" => "arn:aws:kinesis:us-east-1:000000000000:stream/a",
        "ConsumerARN" => "arn:aws:kinesis:us-east-1:000000000000:stream/a/consumer/c:1",
        "StreamId" => "abcdefghij0123456789-abc",
        "KeyId" => "alias/k",
        "Policy" => "{}",
        "EncryptionType" => "KMS",
        "MetricsName" => "ALL",
        "MinimumThroughputBillingCommitmentInputStatus" => "DISABLED",
        "RecordDistributionStrategy" => "USER_PARTITION_KEY",
        "ScalingType" => "UNIFORM_SCALING",
        "ShardFilterType" => "AT_LATEST",
        "ShardIteratorType" => "LATEST",
        "StreamMode" => "ON_DEMAND",
        other => panic!("no good text for {other}"),
    }
}

/// The structure with one value in it changed, for each change that `at` makes of each value at any depth, itself
/// included. An optional member is given first.
pub(super) fn changed(
    model: &Model,
    shape: &Shape,
    value: &Value,
    at: &dyn Fn(&Shape, &Value) -> Vec<Value>,
) -> Vec<Value> {
    let mut all = at(shape, value);
    match (&shape.kind, value) {
        (Kind::Structure(members), Value::Map(given)) => {
            for member in members {
                let inner = model.shape(&member.shape);
                let given = given.iter().find(|(name, _)| name.as_text() == Some(&member.name));
                let inner_value = given.map_or_else(|| good(model, inner), |(_, value)| value.clone());
                let inner_changed = changed(model, inner, &inner_value, at).into_iter();
                all.extend(inner_changed.map(|changed| with(value, &member.name, Some(changed))));
            }
        }
        (Kind::List(element), Value::Array(elements)) => {
            let element_changed = changed(model, model.shape(element), &elements[0], at);
            for changed in element_changed {
                all.push(Value::Array(vec![changed.clone()]));
                all.push(Value::Array(vec![elements[0].clone(), changed]));
            }
        }
        (Kind::Map(_, content), Value::Map(entries)) => {
            let (key, value) = &entries[0];
            let content_changed = changed(model, model.shape(content), value, at).into_iter();
            all.extend(content_changed.map(|changed| Value::Map(vec![(key.clone(), changed)])));
        }
        _ => {}
    }
    all
}

/// Values that break one constraint of a shape, or more where one cannot be broken alone; and structures without what
/// they require.
pub(super) fn broken(model: &Model, shape: &Shape, value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let below = shape.min.filter(|min| *min > 0).map(|min| min - 1);
    let above = shape.max.map(|max| max + 1);
    match &shape.kind {
        Kind::String { pattern, values } => {
            let lengths = below.into_iter().chain(above).map(|len| text_of(shape, length(len)));
            all.extend(lengths.map(Value::from));
            if let Some(pattern) = pattern {
                let letters = ["!", "a b", "-1", "00", "é", "arn:aws:kinesis:us-east-1:0:stream/a"];
                all.extend(letters.into_iter().filter(|text| !pattern.matches(text)).map(Value::from));
            }
            if let Some(value) = values.first() {
                all.extend(["", "?", &value.to_lowercase(), &format!("{value} ")].map(Value::from));
            }
        }
        Kind::Integer => {
            let below = shape.min.map(|min| min - 1);
            all.extend(below.into_iter().chain([-100_000_000_000]).chain(above).map(Value::from));
            all.extend(above.map(|_| Value::from(100_000_000_000_i64)));
            all.extend(below.map(|below| Value::Float(below as f64 + if below < 0 { -0.5 } else { 0.5 })));
        }
        Kind::Blob => all.extend(above.map(|len| Value::Bytes(vec![0; length(len)]))),
        Kind::List(element) => {
            let element = good(model, model.shape(element));
            let lengths = below.into_iter().chain(above);
            all.extend(lengths.map(|len| Value::Array(vec![element.clone(); length(len)])));
        }
        Kind::Map(key, content) => {
            let content = good(model, model.shape(content));
            let entries = |len| (0..len).map(|number| (format!("{number:03}").into(), content.clone()));
            let lengths = below.into_iter().chain(above);
            all.extend(lengths.map(|len| Value::Map(entries(len).collect())));
            let keys = broken(model, model.shape(key), &Value::Null).into_iter();
            all.extend(keys.map(|key| Value::Map(vec![(key, content.clone())])));
        }
        Kind::Structure(members) => {
            let required = members.iter().filter(|member| member.required);
            let absent = [None, Some(Value::Null)];
            all.extend(required.flat_map(|member| {
                absent.clone().into_iter().map(|absent| with(value, &member.name, absent))
            }));
            if members.iter().any(|member| member.required) {
                all.push(Value::Map(Vec::new()));
            }
        }
        Kind::Boolean | Kind::Timestamp => {}
    }
    // A number without bounds has none to break.
    let is_unbound = matches!(shape.kind, Kind::Integer) && shape.min.is_none() && shape.max.is_none();
    if is_unbound { Vec::new() } else { all }
}

/// Values that only just keep the constraints of a shape, and other spellings of good ones.
pub(super) fn edges(model: &Model, shape: &Shape, codec: Codec) -> Vec<Value> {
    let bounds = || shape.min.into_iter().chain(shape.max);
    match &shape.kind {
        Kind::String { pattern, values } => {
            let lengths = bounds().map(|len| text_of(shape, length(len)));
            let is_good = |text: &String| pattern.as_ref().is_none_or(|pattern| pattern.matches(text));
            lengths.filter(is_good).chain(values.iter().cloned()).map(Value::from).collect()
        }
        Kind::Integer => {
            bounds().flat_map(|bound| [bound.into(), Value::Float(bound as f64 + 0.5)]).collect()
        }
        Kind::Boolean => {
            let texts = ["true", "false", "1", "0", "yes", "no", "TRUE", "No"].map(Value::from);
            [true, false].map(Value::from).into_iter().chain(texts).collect()
        }
        Kind::Timestamp => vec![0.into(), Value::Float(1.5), 1_600_000_000_000_u64.into()],
        Kind::Blob if codec == Codec::Json => ["", "aGk=", "aGVsbG8h", "+/+/"].map(Value::from).to_vec(),
        Kind::Blob => [&b""[..], b"hi"].map(|bytes| Value::Bytes(bytes.to_vec())).to_vec(),
        Kind::List(element) => {
            let element = good(model, model.shape(element));
            bounds().map(|len| Value::Array(vec![element.clone(); length(len)])).collect()
        }
        Kind::Map(_, content) => {
            let content = good(model, model.shape(content));
            let entries = |len| (0..len).map(|number| (format!("{number:03}").into(), content.clone()));
            bounds().map(|len| Value::Map(entries(len).collect())).collect()
        }
        Kind::Structure(_) => Vec::new(),
    }
}

/// Values of each type that a shape is not, by reference 3.
pub(super) fn mistyped(shape: &Shape, codec: Codec) -> Vec<Value> {
    let number = [23.into(), Value::Float(2.5)];
    let boolean = [Value::Bool(true), Value::Bool(false)];
    let text = [Value::from("23"), "".into()];
    let list = [Value::Array(Vec::new()), Value::Array(vec![23.into()])];
    let map = [structure([]), structure([(UNKNOWN, 23.into())])];
    let scalars = || number.iter().chain(&boolean).chain(&text);
    let values: Vec<_> = match &shape.kind {
        Kind::String { .. } => number.iter().chain(&boolean).chain(&list).chain(&map).collect(),
        Kind::Integer | Kind::Timestamp => boolean.iter().chain(&text).chain(&list).chain(&map).collect(),
        Kind::Boolean => number.iter().chain(&text).chain(&list).chain(&map).collect(),
        Kind::Blob => number.iter().chain(&boolean).chain(&list).chain(&map).collect(),
        Kind::List(_) => scalars().chain(&map).collect(),
        Kind::Map(..) | Kind::Structure(_) => scalars().chain(&list).collect(),
    };
    let mut values: Vec<_> = values.into_iter().cloned().collect();
    if let (Kind::Blob, Codec::Json) = (&shape.kind, codec) {
        values.extend(["a", "abcde", "ab;d", "a=bc", "ab-_", "YR==", "YWJ="].map(Value::from));
    }
    if codec == Codec::Cbor {
        let bytes = Value::Bytes(b"23".to_vec());
        let time = Value::Tag(1, Box::new(23.into()));
        values.extend((!matches!(shape.kind, Kind::Blob)).then_some(bytes));
        values.extend((!matches!(shape.kind, Kind::Timestamp)).then_some(time));
        values.extend(matches!(shape.kind, Kind::Blob).then(|| Value::from("aGk=")));
    }
    values
}

/// A structure with members that the model does not have, of any type.
pub(super) fn with_unknown(shape: &Shape, value: &Value) -> Vec<Value> {
    let Kind::Structure(members) = &shape.kind else { return Vec::new() };
    let deep = structure([(UNKNOWN, Value::Array(vec![structure([]), Value::Null, true.into()]))]);
    let lower = members.first().map_or("unknown".to_owned(), |member| member.name.to_lowercase());
    [(UNKNOWN, deep), (lower.as_str(), 23.into())]
        .map(|(name, unknown)| with(value, name, Some(unknown)))
        .to_vec()
}

/// A structure with its optional members as `null`.
pub(super) fn with_nulls(shape: &Shape, value: &Value) -> Vec<Value> {
    let Kind::Structure(members) = &shape.kind else { return Vec::new() };
    let given = value.as_map().map_or(&[][..], Vec::as_slice);
    let is_given = |name: &str| given.iter().any(|(key, _)| key.as_text() == Some(name));
    let absent = members.iter().filter(|member| !is_given(&member.name));
    absent.map(|member| with(value, &member.name, Some(Value::Null))).collect()
}

/// A text of so many characters, which keeps the shape's pattern if one of that length can.
fn text_of(shape: &Shape, len: usize) -> String {
    let stem = good_text(&shape.name);
    let mut text: String = stem.chars().take(len).collect();
    let last = stem.chars().next_back().unwrap_or('a');
    text.extend(std::iter::repeat_n(last, len - text.chars().count()));
    text
}

fn length(len: i64) -> usize {
    usize::try_from(len).expect("a length")
}
