//! Every member of every built operation, against AWS's own service model: what it takes, and the exact words about what
//! it does not take, in JSON and in CBOR.
//!
//! - [`shapes`]: the model, from `tests/data/model`; [`rules`]: what reference 3 and 4 make of it; neither knows a line of
//!   the server.
//! - [`cases`]: requests that are good, and all that are worse by one thing.

mod cases;
mod rules;
mod shapes;

use std::collections::BTreeMap;

use ciborium::Value;
use serde_json::{Value as Json, json};
use shardmill::config::{Config, Limit};
use shardmill::operation::Operation;

use crate::cbor;
use crate::client::Connection;
use crate::setup::{TestServer, call, config};
use cases::{broken, changed, edges, good, mistyped, structure, with, with_nulls, with_unknown};
use rules::{Verdict, judge, tells};
use shapes::{Kind, Model, Shape};

/// As many mixed requests as each operation gets.
const MIXED: usize = 40;
/// As many failures as are shown.
const SHOWN_MAX: usize = 20;

/// The wire format of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Codec {
    Json,
    Cbor,
}

/// Throws that are the same in each run (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        for (left, by) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << by } else { self.0 >> by };
        }
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// What was sent, what came back, and what is counted and found of it.
struct Examiner {
    model: Model,
    _server: TestServer,
    connection: Connection,
    codec: Codec,
    dice: Dice,
    counts: BTreeMap<(&'static str, Codec), usize>,
    failures: Vec<String>,
}

/// Protects: the agreement with AWS's model of every built operation. A minimal request is taken, whatever unknown or
/// null is added to it; every constraint broken and every wrong type given is told in the reference's words, alone and
/// with others.
#[test]
fn every_operation_keeps_to_the_model() {
    let on_demand_stream_count_limit = Limit::Infinite;
    let server = TestServer::with(Config { on_demand_stream_count_limit, ..config() });
    let connection = server.connect();
    let mut examiner = Examiner {
        model: Model::load(),
        connection,
        _server: server,
        codec: Codec::Json,
        dice: Dice(23),
        counts: BTreeMap::new(),
        failures: Vec::new(),
    };
    for codec in [Codec::Json, Codec::Cbor] {
        examiner.codec = codec;
        for operation in Operation::ALL.iter().filter(|operation| operation.is_built()) {
            examiner.examine(operation.name());
        }
    }
    let Examiner { counts, failures, .. } = examiner;
    let total: usize = counts.values().sum();
    println!("{total} cases: {counts:?}");
    let shown = failures.iter().take(SHOWN_MAX).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {total} cases fail, the first of them:\n{shown}", failures.len());
    assert!(total > 3_000, "only {total} cases");
}

/// What an operation answers to a good request about a stream of its own, where that is not a success.
const REFUSED: &[(&str, &str)] = &[
    // There is none.
    ("DeleteResourcePolicy", "ResourceNotFoundException"),
    // The consumer of the sample is nobody's.
    ("SubscribeToShard", "ResourceNotFoundException"),
    // The stream is provisioned.
    ("UpdateStreamWarmThroughput", "ValidationException"),
];

impl Examiner {
    fn examine(&mut self, operation: &'static str) {
        let codec = self.codec;
        self.take("minimal", operation, &good(&self.model, self.model.input(operation)));
        let request = self.good_request(operation);
        self.succeed("good", operation, &request);
        type Change = fn(&Shape, &Value) -> Vec<Value>;
        for (kind, change) in [("unknown", with_unknown as Change), ("null", with_nulls)] {
            let requests = self.changed(operation, &request, &change).len();
            for index in 0..requests {
                // What succeeded once may not do so again: each request is about a stream of its own.
                let request = self.good_request(operation);
                let request = self.changed(operation, &request, &change).swap_remove(index);
                self.succeed(kind, operation, &request);
            }
        }
        for request in self.changed(operation, &request, &|shape, _| edges(&self.model, shape, codec)) {
            self.take("edge", operation, &request);
        }
        let constraint = self.changed(operation, &request, &|shape, value| broken(&self.model, shape, value));
        for request in &constraint {
            self.refuse("constraint", operation, request);
        }
        for request in self.changed(operation, &request, &|shape, _| mistyped(shape, codec)) {
            self.refuse("type", operation, &request);
        }
        for request in self.changed(operation, &Value::Map(Vec::new()), &|shape, _| mistyped(shape, codec)) {
            self.refuse("type before constraint", operation, &request);
        }
        self.mix(operation);
    }

    /// Requests of which any members are absent, good or bad.
    fn mix(&mut self, operation: &'static str) {
        let Kind::Structure(members) = &self.model.input(operation).kind else { return };
        let values: Vec<_> = members
            .iter()
            .map(|member| (member.name.clone(), self.values(self.model.shape(&member.shape))))
            .collect();
        for _ in 0..MIXED {
            let mut request = structure([]);
            for (name, values) in &values {
                if self.dice.below(4) > 0 {
                    request = with(&request, name, Some(self.any_of(values)));
                }
            }
            match judge(&self.model, self.codec, self.model.input(operation), &request) {
                Verdict::Passes => self.take("mixed", operation, &request),
                _ => self.refuse("mixed", operation, &request),
            }
        }
    }

    /// Values of the shape's type, good and bad, none of them large.
    fn values(&self, shape: &Shape) -> Vec<Value> {
        let good = good(&self.model, shape);
        let at = |shape: &Shape, value: &Value| {
            let edges = edges(&self.model, shape, self.codec).into_iter();
            edges.chain(broken(&self.model, shape, value)).collect()
        };
        let mut values = changed(&self.model, shape, &good, &at);
        values.retain(|value| cbor::bytes(value).len() < 4096);
        values.extend([good, Value::Null]);
        values
    }

    /// One of these; a list may be several of them together.
    fn any_of(&mut self, values: &[Value]) -> Value {
        let mut any = values[self.dice.below(values.len())].clone();
        while let Value::Array(elements) = &mut any
            && self.dice.below(3) > 0
        {
            let more = values[self.dice.below(values.len())].as_array();
            elements.extend(more.into_iter().flatten().cloned());
        }
        any
    }

    fn changed(
        &self,
        operation: &str,
        request: &Value,
        at: &dyn Fn(&Shape, &Value) -> Vec<Value>,
    ) -> Vec<Value> {
        let input = self.model.input(operation);
        let mut requests = changed(&self.model, input, request, at);
        // A body that is no structure is not a request at all.
        requests.retain(Value::is_map);
        requests
    }

    /// A request that the operation grants, about a stream that it has made for it.
    fn good_request(&mut self, operation: &str) -> Value {
        let name = format!("{operation}-{:?}-{}", self.codec, self.counts.values().sum::<usize>());
        if operation != "CreateStream" {
            let create = json!({"StreamName": name, "ShardCount": 2});
            assert_eq!(self.connection.call("CreateStream", &create).both(), (200, ""));
        }
        let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}");
        let input = self.model.input(operation);
        let Kind::Structure(members) = &input.kind else { panic!("{operation} takes no structure") };
        let has = |name: &str| members.iter().any(|member| member.name == name);
        let mut request = good(&self.model, input);
        for member in members {
            let value = match (operation, member.name.as_str()) {
                (_, "StreamName") => name.as_str().into(),
                (_, "StreamARN") if !has("StreamName") => arn.as_str().into(),
                (_, "ResourceARN") => arn.as_str().into(),
                (_, "ConsumerName") => "c".into(),
                ("MergeShards", "AdjacentShardToMerge") => "shardId-000000000001".into(),
                (_, "ShardIterator") => {
                    let input = json!({"StreamName": name, "ShardId": "0", "ShardIteratorType": "LATEST"});
                    let answer = self.connection.call("GetShardIterator", &input).json();
                    answer["ShardIterator"].as_str().expect("an iterator").into()
                }
                _ => continue,
            };
            request = with(&request, &member.name, Some(value));
        }
        if has("ConsumerName") && has("ConsumerARN") {
            let register = json!({"StreamARN": arn, "ConsumerName": "c"});
            assert_eq!(self.connection.call("RegisterStreamConsumer", &register).status, 200);
        }
        request
    }

    /// The request succeeds, or is refused by the operation itself as it must be.
    fn succeed(&mut self, kind: &'static str, operation: &'static str, request: &Value) {
        let (status, answer) = self.send(kind, operation, request);
        let refused = REFUSED.iter().find(|(refused, _)| *refused == operation).map(|(_, code)| *code);
        let is_expected = match refused {
            None => status == 200,
            Some(code) => status == 400 && answer["__type"] == code && !is_about_form(&answer),
        };
        if !is_expected
            || judge(&self.model, self.codec, self.model.input(operation), request) != Verdict::Passes
        {
            self.fail(operation, request, &answer, "a success");
        }
    }

    /// The request reaches the operation, whatever becomes of it there.
    fn take(&mut self, kind: &'static str, operation: &'static str, request: &Value) {
        let (status, answer) = self.send(kind, operation, request);
        let verdict = judge(&self.model, self.codec, self.model.input(operation), request);
        if verdict != Verdict::Passes || !matches!(status, 200 | 400) || is_about_form(&answer) {
            self.fail(operation, request, &answer, "nothing to be said of its form");
        }
    }

    /// The request is refused in the reference's words.
    fn refuse(&mut self, kind: &'static str, operation: &'static str, request: &Value) {
        let (status, answer) = self.send(kind, operation, request);
        let verdict = judge(&self.model, self.codec, self.model.input(operation), request);
        let is_expected = status == 400
            && match &verdict {
                Verdict::Passes => false,
                Verdict::WrongType(text) => {
                    answer == json!({"__type": "SerializationException", "Message": text})
                }
                Verdict::Broken(broken) => answer["message"].as_str().is_some_and(|text| {
                    tells(text, broken) && answer == json!({"__type": "ValidationException", "message": text})
                }),
            };
        if !is_expected {
            self.fail(operation, request, &answer, &format!("{verdict:?}"));
        }
    }

    /// The status and document that a request is answered with.
    fn send(&mut self, kind: &'static str, operation: &str, request: &Value) -> (u16, Json) {
        *self.counts.entry((kind, self.codec)).or_default() += 1;
        let bytes = match self.codec {
            Codec::Json => call(operation, cbor::as_json(request).to_string()),
            Codec::Cbor => cbor::call(operation, &cbor::bytes(request)),
        };
        self.connection.send(bytes);
        let answer = self.connection.answer();
        let document = match self.codec {
            Codec::Json if answer.body.is_empty() => Json::Null,
            Codec::Json => answer.json(),
            Codec::Cbor => cbor::as_json(&cbor::document(&answer)),
        };
        (answer.status, document)
    }

    fn fail(&mut self, operation: &str, request: &Value, answer: &Json, expected: &str) {
        let short = |text: String| text.chars().take(700).collect::<String>();
        let (request, answer) = (short(cbor::as_json(request).to_string()), short(answer.to_string()));
        let codec = self.codec;
        self.failures.push(format!(
            "{operation} in {codec:?} {request}\n is answered {answer}\n not {}",
            short(expected.to_owned())
        ));
    }
}

/// Whether an answer is about a type or a constraint.
fn is_about_form(answer: &Json) -> bool {
    let message = answer["message"].as_str().unwrap_or_default();
    answer["__type"] == "SerializationException" || message.contains(" detected: Value ")
}
