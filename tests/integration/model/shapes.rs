//! AWS's service model, `service-2.json` as botocore has it, read into shapes that can be asked for their rules.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use crate::source::root;

/// All operations and shapes of the service.
pub(super) struct Model {
    /// The name of each operation's input.
    inputs: BTreeMap<String, String>,
    shapes: BTreeMap<String, Shape>,
}

/// One shape: what it holds, and its bounds, which mean values of numbers and lengths of all else.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) min: Option<i64>,
    pub(super) max: Option<i64>,
}

pub(super) enum Kind {
    /// Text, perhaps with a pattern, or one of some values.
    String {
        pattern: Option<Pattern>,
        values: Vec<String>,
    },
    Integer,
    Boolean,
    Timestamp,
    Blob,
    Structure(Vec<Member>),
    /// The shape of its elements.
    List(String),
    /// The shapes of its keys and values.
    Map(String, String),
}

/// A pattern, as the model writes it and as a machine that matches whole texts.
pub(super) struct Pattern {
    pub(super) text: String,
    whole: Regex,
}

pub(super) struct Member {
    pub(super) name: String,
    pub(super) shape: String,
    pub(super) required: bool,
}

impl Model {
    pub(super) fn load() -> Self {
        let text = std::fs::read(root().join("tests/data/model/service-2.json")).expect("the model");
        let mut json: Value = serde_json::from_slice(&text).expect("a model in JSON");
        let take = |part: &mut Value| match part.take() {
            Value::Object(members) => members,
            other => panic!("not a part of a model: {other}"),
        };
        let inputs = take(&mut json["operations"]).into_iter();
        let shapes = take(&mut json["shapes"]).into_iter();
        Self {
            inputs: inputs.map(|(name, operation)| (name, shape_of(&operation["input"]))).collect(),
            shapes: shapes.map(|(name, shape)| (name.clone(), Shape::read(name, &shape))).collect(),
        }
    }

    pub(super) fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).unwrap_or_else(|| panic!("no shape {name}"))
    }

    pub(super) fn input(&self, operation: &str) -> &Shape {
        self.shape(self.inputs.get(operation).unwrap_or_else(|| panic!("no operation {operation}")))
    }
}

impl Shape {
    fn read(name: String, json: &Value) -> Self {
        let kind = match text(&json["type"]).as_str() {
            "string" => Kind::String {
                pattern: json["pattern"].as_str().map(Pattern::new),
                values: json["enum"].as_array().into_iter().flatten().map(text).collect(),
            },
            "integer" | "long" => Kind::Integer,
            "boolean" => Kind::Boolean,
            "timestamp" => Kind::Timestamp,
            "blob" => Kind::Blob,
            "list" => Kind::List(shape_of(&json["member"])),
            "map" => Kind::Map(shape_of(&json["key"]), shape_of(&json["value"])),
            "structure" => Kind::Structure(members(&name, json)),
            other => panic!("{name} is of the unknown type {other}"),
        };
        Self { name, kind, min: json["min"].as_i64(), max: json["max"].as_i64() }
    }
}

impl Pattern {
    fn new(text: &str) -> Self {
        // Java means ASCII by \d and \S.
        let whole = RegexBuilder::new(&format!("^(?:{text})$")).unicode(false).build();
        Self { text: text.to_owned(), whole: whole.unwrap_or_else(|error| panic!("{error}")) }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text.as_bytes())
    }
}

/// The members of a structure. A put needs a PartitionKey although the model requires none any more: only streams of the
/// AUTO distribution may do without (reference 6).
fn members(structure: &str, json: &Value) -> Vec<Member> {
    let required: Vec<_> = json["required"].as_array().into_iter().flatten().map(text).collect();
    let is_put = matches!(structure, "PutRecordInput" | "PutRecordsRequestEntry");
    let members = json["members"].as_object().expect("members").iter();
    let member = |(name, member): (&String, &Value)| Member {
        name: name.clone(),
        shape: shape_of(member),
        required: required.contains(name) || (is_put && name == "PartitionKey"),
    };
    members.map(member).collect()
}

fn shape_of(json: &Value) -> String {
    text(&json["shape"])
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_else(|| panic!("not a text: {json}")).to_owned()
}
