//! A server for each test, on a clock that stands still, and clients of it.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{Builder, Credentials, Region};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::{Record, ShardIteratorType};
use shardmill::Server;
use shardmill::clock::MovableClock;
use shardmill::config::{Config, Limit};

/// When the clock of every test starts, epoch milliseconds.
pub(crate) const START_MS: i64 = 1_700_000_000_000;

/// A server that ends with its test.
pub(crate) struct Emulator {
    server: Option<Server>,
    clock: MovableClock,
}

/// The settings of most tests: any free port, no transition times, no shard quota.
pub(crate) fn config() -> Config {
    Config { port: 0, latency_ms: 0, shard_limit: Limit::Infinite, ..Config::default() }
}

impl Emulator {
    pub(crate) fn start() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: Config) -> Self {
        Self::at(config, START_MS.unsigned_abs())
    }

    /// A server whose clock starts then, in epoch milliseconds.
    pub(crate) fn at(config: Config, now_ms: u64) -> Self {
        let clock = MovableClock::new(now_ms);
        let server = Server::start(config, clock.clock()).expect("a server");
        Self { server: Some(server), clock }
    }

    pub(crate) fn advance_ms(&self, by_ms: u64) {
        self.clock.advance(Duration::from_millis(by_ms));
    }

    /// A client as most programs have one: an access key that is no account, the default region.
    pub(crate) fn client(&self) -> Client {
        self.client_of("AKIDEXAMPLE", "us-east-1")
    }

    /// A client with this access key and region. It does not retry, so that a test sees each refusal.
    pub(crate) fn client_of(&self, access_key: &str, region: &str) -> Client {
        let credentials = Credentials::new(access_key, "secret", None, None, "test");
        Client::from_conf(self.settings(credentials, region).build())
    }

    /// The settings of such a client, to be changed.
    pub(crate) fn settings(&self, credentials: Credentials, region: &str) -> Builder {
        let address = self.server.as_ref().expect("a server that runs").local_addr();
        aws_sdk_kinesis::Config::builder()
            .endpoint_url(format!("http://{address}"))
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
    }

    /// A client, and one ACTIVE stream `s` of so many shards.
    pub(crate) async fn client_and_stream(&self, shards: i32) -> Client {
        let client = self.client();
        create(&client, "s", shards).await;
        client
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown();
        }
    }
}

pub(crate) async fn create(client: &Client, name: &str, shards: i32) {
    client.create_stream().stream_name(name).shard_count(shards).send().await.expect("a new stream");
}

/// Puts one record into stream `s` and returns its sequence number.
pub(crate) async fn put(client: &Client, key: &str, data: impl Into<Vec<u8>>) -> String {
    let put = client.put_record().stream_name("s").partition_key(key).data(Blob::new(data));
    put.send().await.expect("a stored record").sequence_number
}

/// A place in shard `shard` of stream `s`.
pub(crate) async fn iterator(client: &Client, shard: u32, kind: ShardIteratorType) -> String {
    iterator_from(client, shard, kind, None, None).await
}

/// As [`iterator`], with a sequence number or a time in epoch milliseconds.
pub(crate) async fn iterator_from(
    client: &Client,
    shard: u32,
    kind: ShardIteratorType,
    number: Option<&str>,
    time_ms: Option<i64>,
) -> String {
    let output = client
        .get_shard_iterator()
        .stream_name("s")
        .shard_id(shard_id(shard))
        .shard_iterator_type(kind)
        .set_starting_sequence_number(number.map(str::to_owned))
        .set_timestamp(time_ms.map(DateTime::from_millis))
        .send()
        .await;
    output.expect("a place in the shard").shard_iterator.expect("an iterator")
}

/// One page.
pub(crate) async fn get(client: &Client, iterator: &str) -> GetRecordsOutput {
    client.get_records().shard_iterator(iterator).send().await.expect("a page of records")
}

/// Every record of a shard of stream `s` from its horizon on.
pub(crate) async fn read_all(client: &Client, shard: u32) -> Vec<Record> {
    let mut at = iterator(client, shard, ShardIteratorType::TrimHorizon).await;
    let mut records = Vec::new();
    loop {
        let page = get(client, &at).await;
        if page.records.is_empty() {
            return records;
        }
        records.extend(page.records);
        at = page.next_shard_iterator.expect("an open shard");
    }
}

pub(crate) fn shard_id(index: u32) -> String {
    format!("shardId-{index:012}")
}

/// The data of records, as text.
pub(crate) fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| std::str::from_utf8(record.data.as_ref()).unwrap()).collect()
}
