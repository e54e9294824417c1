//! Requests of the record path, from JSON to the operation's own types.

use simd_json::Node;

use crate::control::Scope;
use crate::document::Value;
use crate::error::{ApiError, ErrorKind};
use crate::names::{HashKey, HashKeyError};
use crate::operation::schema::{Input, read, shapes};
use crate::operation::{Service, get_records, put_record, put_records, refusals};
use crate::protocol::json::tree;
use crate::shard::batch::Records;

use super::tape_put_records::{self, TapePutRecords};

/// A PutRecords body that was understood at least as an object.
pub(in crate::protocol) enum PutRecordsBody<'a> {
    /// A good request.
    Good(TapePutRecords<'a>),
    /// Anything else: good in another form, or to be refused.
    General(Value<'a>),
}

impl<'a> PutRecordsBody<'a> {
    /// Reads the tape the quick way, or makes its tree.
    pub(in crate::protocol) fn of(nodes: &[Node<'a>]) -> Self {
        tape_put_records::read(nodes).map_or_else(|| Self::General(tree(nodes)), Self::Good)
    }

    /// The request.
    ///
    /// # Errors
    /// What AWS answers to a wrong type, a broken constraint, or a bad hash key.
    pub(in crate::protocol) fn request(self, caller: Scope) -> Result<put_records::Request, ApiError> {
        match self {
            Self::Good(good) => put_records::Request::new((good.name, good.arn), caller, good.records, false),
            Self::General(value) => {
                let input = read(&shapes::PUT_RECORDS, value)?;
                let mut records = Records::default();
                for entry in input.structures("Records") {
                    push(entry, &mut records)?;
                }
                put_records::Request::new(stream(&input), caller, records, is_dry_run(&input))
            }
        }
    }
}

/// A PutRecord request.
///
/// # Errors
/// What AWS answers to a wrong type, a broken constraint, or a bad hash key.
pub(in crate::protocol) fn put_record(
    value: Value<'_>,
    caller: Scope,
) -> Result<put_record::Request, ApiError> {
    let input = read(&shapes::PUT_RECORD, value)?;
    let mut records = Records::default();
    push(&input, &mut records)?;
    let number = input.string("SequenceNumberForOrdering");
    put_record::Request::new(stream(&input), caller, records, number, is_dry_run(&input))
}

/// A GetRecords request.
///
/// # Errors
/// What AWS answers to a wrong type or a broken constraint, or E8 and E9 about the iterator.
pub(in crate::protocol) fn get_records(
    value: Value<'_>,
    service: &Service,
) -> Result<get_records::Request, ApiError> {
    let input = read(&shapes::GET_RECORDS, value)?;
    let iterator = input.string("ShardIterator").unwrap_or_default();
    let arn = input.string("StreamARN");
    get_records::Request::new(iterator, input.integer("Limit"), arn, is_dry_run(&input), service)
}

/// Adds the record that the members Data, PartitionKey and ExplicitHashKey make.
fn push(entry: &Input<'_>, records: &mut Records) -> Result<(), ApiError> {
    let key = entry.string("PartitionKey").unwrap_or_default();
    let hash_key = match entry.string("ExplicitHashKey") {
        None => None,
        Some(text) => match HashKey::parse(text) {
            Ok(hash_key) => Some(hash_key),
            // The schema has checked the pattern, so only the range is left to break.
            Err(HashKeyError::AboveMax | HashKeyError::Pattern) => {
                return Err(refusals::hash_key_too_large(text));
            }
        },
    };
    let pushed = records.push(key, hash_key, entry.blob("Data").unwrap_or_default());
    pushed.map_err(|_| ApiError::bare(ErrorKind::InternalFailure))
}

fn stream<'a>(input: &'a Input<'_>) -> (Option<&'a str>, Option<&'a str>) {
    (input.string("StreamName"), input.string("StreamARN"))
}

fn is_dry_run(input: &Input<'_>) -> bool {
    input.boolean("DryRun") == Some(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::names::{AccountId, Region};
    use crate::protocol::json::{JsonScratch, with_tape};

    const CALLER: Scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };

    type Seen = Result<(String, Vec<(Vec<u8>, Vec<u8>, HashKey)>), ApiError>;

    fn seen(request: Result<put_records::Request, ApiError>) -> Seen {
        request.map(|request| {
            let records = &request.records;
            let all = (0..records.len()).map(|number| {
                (records.key(number).to_vec(), records.data(number).to_vec(), records.hash_key(number))
            });
            (request.stream.name.to_string(), all.collect())
        })
    }

    fn both_ways(body: &str) -> (bool, Seen, Seen) {
        let quick = with_tape(&mut body.to_owned().into_bytes(), &mut JsonScratch::default(), |nodes| {
            let body = PutRecordsBody::of(nodes);
            (matches!(body, PutRecordsBody::Good(_)), seen(body.request(CALLER)))
        });
        let general = with_tape(&mut body.to_owned().into_bytes(), &mut JsonScratch::default(), |nodes| {
            seen(PutRecordsBody::General(tree(nodes)).request(CALLER))
        });
        let (was_quick, quick) = quick.unwrap();
        (was_quick, quick, general.unwrap())
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => "[A-Za-z0-9+/]{0,4}".prop_map(|text| format!("\"{text}\"")),
            8 => "[A-Za-z0-9+/]{3}=".prop_map(|text| format!("\"{text}\"")),
            4 => any::<u128>().prop_map(|number| format!("\"{number}\"")),
            4 => "\\PC{0,3}".prop_map(|text| serde_json::to_string(&text).unwrap()),
            1 => Just("null".to_owned()), 1 => Just("true".to_owned()), 1 => Just("17".to_owned()),
            1 => Just("[]".to_owned()), 1 => Just("{}".to_owned()),
        ]
    }

    fn record() -> impl Strategy<Value = String> {
        let good = ("[A-Za-z0-9+/]{4}", "\\PC{1,5}", prop::option::of(any::<u128>())).prop_map(
            |(data, key, hash)| {
                let key = serde_json::to_string(&key).unwrap();
                let hash = hash.map_or(String::new(), |hash| format!(", \"ExplicitHashKey\": \"{hash}\""));
                format!("{{\"PartitionKey\":{key},\"Data\":\"{data}\"{hash}}}")
            },
        );
        let member = prop_oneof![Just("Data"), Just("PartitionKey"), Just("ExplicitHashKey"), Just("Other")];
        let wild = prop::collection::vec((member, value()), 0..5).prop_map(|members| {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            format!("{{{}}}", members.join(", "))
        });
        prop_oneof![6 => good, 1 => wild]
    }

    proptest! {
        /// Protects: the quick way reads what the general way reads, and refuses nothing by itself.
        #[test]
        fn the_quick_way_agrees(records in prop::collection::vec(record(), 0..6), name in "[a-z!]{1,6}", extra in prop::option::of(value())) {
            let extra = extra.map_or(String::new(), |value| format!(",\"StreamARN\":{value}"));
            let body = format!("{{\"Records\":[{}],\"StreamName\":\"{name}\"{extra}}}", records.join(","));
            let (_, quick, general) = both_ways(&body);
            prop_assert_eq!(quick, general);
        }
    }

    /// Protects: a broken ARN beside a good name is refused, though the name alone would do.
    #[test]
    fn a_broken_member_is_not_passed_over() {
        let body = r#"{"StreamName":"s","StreamARN":"","Records":[{"Data":"AAAA","PartitionKey":"k"}]}"#;
        let (was_quick, quick, _) = both_ways(body);
        assert!(!was_quick && quick.is_err());
    }

    /// Protects: bodies as clients write them do take the quick way.
    #[test]
    fn client_bodies_are_quick() {
        let bodies = [
            r#"{"StreamName":"s","Records":[{"Data":"AAAA","PartitionKey":"k"}]}"#,
            r#"{"Records": [{"Data": "", "PartitionKey": "k", "ExplicitHashKey": "0"}], "StreamName": "s"}"#,
            r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","Records":[{"PartitionKey":"é\"","Data":"AAA="}]}"#,
        ];
        for body in bodies {
            let (was_quick, quick, general) = both_ways(body);
            assert!(was_quick && quick == general && quick.is_ok(), "{body}");
        }
    }
}
