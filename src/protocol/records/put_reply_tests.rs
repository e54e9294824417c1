//! What a reply says of records that a broken shard did not store, which no request can bring about.

use super::*;
use crate::clock::Clock;
use crate::config::{Config, InitialStream};
use crate::control::Scope;
use crate::memory::MemoryPlan;
use crate::names::{AccountId, Region, StreamName};
use crate::server::service;
use crate::shard::Command;
use crate::shard::batch::Records;

/// E21 for the record of a shard that has panicked, in either codec.
#[tokio::test]
async fn entries_that_failed() {
    let stream =
        InitialStream { name: StreamName::parse("s").unwrap(), shards: 1, region: Region::US_EAST_1 };
    let config = Config { initialize_streams: vec![stream], ..Config::default() };
    let service = service(&config, &MemoryPlan::of(&config), 0, Clock::system()).unwrap();
    let scope = Scope { account: AccountId::DEFAULT, region: Region::US_EAST_1 };
    let stream = service.registry.find(scope, "s").unwrap();
    assert!(stream.shard_map().open()[0].submit(Command::Panic).is_ok());

    let mut records = Records::take();
    records.push("k", None, b"").unwrap();
    let request = put_records::Request::new((Some("s"), None), scope, records, false).unwrap();
    let reply = request.execute(&service).await.unwrap();
    let expected = r#"{"FailedRecordCount":1,"Records":[{"ErrorCode":"InternalFailure","ErrorMessage":"Internal Service Failure"}]}"#;
    assert_eq!(std::str::from_utf8(put_records(&reply).as_ref()), Ok(expected));
    let cbor = super::super::cbor_put_reply::put_records(&reply);
    assert!(cbor.as_ref().windows(24).any(|text| text == b"Internal Service Failure"));
}
