//! Sends one request with the AWS SDK for Rust: the operation and its input come from OPERATION and the file INPUT.

use std::env::var;
use std::error::Error;

use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_sdk_kinesis::{Client, Config};
use serde_json::Value;

fn text(value: &Value, member: &str) -> Option<String> {
    value[member].as_str().map(str::to_owned)
}

fn blob(value: &Value) -> Option<Blob> {
    value["Data"].as_str().map(Blob::new)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let input: Value = serde_json::from_str(&std::fs::read_to_string(var("INPUT")?)?)?;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(var("KINESIS_ENDPOINT")?)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "static"))
        .build();
    let client = Client::from_conf(config);
    let (name, arn) = (text(&input, "StreamName"), text(&input, "StreamARN"));
    match var("OPERATION")?.as_str() {
        "PutRecords" => {
            let mut put = client.put_records().set_stream_name(name).set_stream_arn(arn);
            for record in input["Records"].as_array().into_iter().flatten() {
                put = put.records(
                    PutRecordsRequestEntry::builder()
                        .set_data(blob(record))
                        .set_partition_key(text(record, "PartitionKey"))
                        .set_explicit_hash_key(text(record, "ExplicitHashKey"))
                        .build()?,
                );
            }
            put.send().await?;
        }
        "PutRecord" => {
            client
                .put_record()
                .set_stream_name(name)
                .set_stream_arn(arn)
                .set_data(blob(&input))
                .set_partition_key(text(&input, "PartitionKey"))
                .set_explicit_hash_key(text(&input, "ExplicitHashKey"))
                .send()
                .await?;
        }
        operation => {
            assert_eq!(operation, "GetRecords");
            let limit = input["Limit"].as_i64().map(i32::try_from).transpose()?;
            let get = client.get_records().set_shard_iterator(text(&input, "ShardIterator"));
            get.set_limit(limit).set_stream_arn(arn).send().await?;
        }
    }
    Ok(())
}
