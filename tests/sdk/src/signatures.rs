//! A server that requires signatures, and the SDK's own: who gets in, and in which words others do not.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_kinesis::config::{Builder, ConfigBag, Credentials, Intercept, RuntimeComponents};
use aws_sdk_kinesis::error::{BoxError, ProvideErrorMetadata};
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType, StartingPosition};
use aws_smithy_async::time::StaticTimeSource;
use shardmill::config::Config;

use crate::emulator::{Emulator, config, create, put, read_all, texts};

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";

/// What becomes of a request after the SDK has signed it: some text is replaced by another.
#[derive(Debug, Clone, Copy)]
enum Alter {
    Credential(&'static str, &'static str),
    Body(&'static str, &'static str),
}

impl Intercept for Alter {
    fn name(&self) -> &'static str {
        "Alter"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        match *self {
            Self::Credential(from, to) => {
                let signed = request.headers().get("authorization").expect("a signature");
                assert!(signed.contains(from), "{signed}");
                let altered = signed.replace(from, to);
                request.headers_mut().insert("authorization", altered);
            }
            Self::Body(from, to) => {
                let signed = str::from_utf8(request.body().bytes().expect("a whole body"))?;
                assert!(signed.contains(from), "{signed}");
                *request.body_mut() = signed.replace(from, to).into();
            }
        }
        Ok(())
    }
}

/// A server that knows the keys of the project's tests. Its clock is at the time of day, for the SDK sets its own by the
/// `Date` of replies.
fn emulator() -> Emulator {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/credentials");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    let config = Config { require_signature: true, credentials: Some(keys), ..config() };
    Emulator::at(config, u64::try_from(now.as_millis()).expect("a time of this age"))
}

/// The settings of a client with this key.
fn signing(emulator: &Emulator, key_id: &str, secret: &str, session_token: Option<&str>) -> Builder {
    let credentials = Credentials::new(key_id, secret, session_token.map(str::to_owned), None, "test");
    emulator.settings(credentials, "us-east-1")
}

/// The settings of a client of the account 111111111111.
fn owner(emulator: &Emulator) -> Builder {
    signing(emulator, "OWNER", "owner/secret", None)
}

/// Protects: the right key opens every way in, JSON bodies read as they arrive and pushed records among them; a
/// temporary one its own account.
#[tokio::test]
async fn right_keys() {
    let emulator = emulator();
    let client = Client::from_conf(owner(&emulator).build());
    create(&client, "s", 1).await;
    put(&client, "k ", "one").await;
    let entry = |data: &str| {
        PutRecordsRequestEntry::builder()
            .partition_key("é")
            .data(data.as_bytes().to_vec().into())
            .build()
            .unwrap()
    };
    let put = client.put_records().stream_name("s").records(entry("two")).records(entry("three"));
    assert_eq!(put.send().await.unwrap().failed_record_count, Some(0));
    assert_eq!(texts(&read_all(&client, 0).await), ["one", "two", "three"]);

    let arn = "arn:aws:kinesis:us-east-1:111111111111:stream/s";
    let register = client.register_stream_consumer().stream_arn(arn).consumer_name("c");
    let consumer = register.send().await.unwrap().consumer.expect("a consumer").consumer_arn;
    let start = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build().unwrap();
    let subscribe = client.subscribe_to_shard().consumer_arn(consumer).shard_id(crate::emulator::shard_id(0));
    let mut events = subscribe.starting_position(start).send().await.unwrap().event_stream;
    let event = events.recv().await.unwrap().expect("an event");
    let records = event.as_subscribe_to_shard_event().expect("records").records();
    assert_eq!(texts(records), ["one", "two", "three"]);

    let passing = signing(&emulator, "PASSING", "passing/secret", Some("pass/port==")).build();
    let listed = Client::from_conf(passing).list_streams().send().await.unwrap();
    assert!(listed.stream_names.is_empty());
}

/// Protects: what does not hold, by the code that programs look at, in AWS's words; and nothing is stored of it.
#[tokio::test]
async fn wrong_keys() {
    let emulator = emulator();
    let client = Client::from_conf(owner(&emulator).build());
    create(&client, "s", 1).await;
    let (invalid, unknown) = ("InvalidSignatureException", "UnrecognizedClientException");
    let late = StaticTimeSource::new(SystemTime::now() - Duration::from_secs(310));
    let early = StaticTimeSource::new(SystemTime::now() + Duration::from_secs(310));
    for (settings, code, message) in [
        (signing(&emulator, "OWNER", "guess", None), invalid, MISMATCH),
        (signing(&emulator, "GUEST", "owner/secret", None), invalid, MISMATCH),
        (
            signing(&emulator, "NOBODY", "owner/secret", None),
            unknown,
            "The security token included in the request is invalid.",
        ),
        (
            signing(&emulator, "PASSING", "passing/secret", None),
            unknown,
            "The security token included in the request is invalid.",
        ),
        (owner(&emulator).interceptor(Alter::Credential("/us-east-1/", "/eu-west-1/")), invalid, MISMATCH),
        (
            owner(&emulator).interceptor(Alter::Credential("/kinesis/", "/dynamodb/")),
            invalid,
            "Credential should be scoped to correct service: 'kinesis'.",
        ),
        (owner(&emulator).interceptor(Alter::Body("YWxs", "bm9u")), invalid, MISMATCH),
        (owner(&emulator).time_source(late), invalid, "Signature expired: "),
        (owner(&emulator).time_source(early), invalid, "Signature not yet current: "),
    ] {
        let put = Client::from_conf(settings.build());
        let put = put.put_record().stream_name("s").partition_key("k").data(b"all".to_vec().into());
        let error = put.send().await.expect_err(message).into_service_error();
        assert_eq!(error.code(), Some(code), "{error:?}");
        assert!(error.message().is_some_and(|text| text.starts_with(message)), "{error:?}");
    }
    assert!(read_all(&client, 0).await.is_empty());
}

/// Protects: another account's program is refused in the type that it catches, until the stream's policy lets it in.
#[tokio::test]
async fn policies_let_others_in() {
    const ARN: &str = "arn:aws:kinesis:us-east-1:111111111111:stream/s";
    let emulator = emulator();
    let client = Client::from_conf(owner(&emulator).build());
    create(&client, "s", 1).await;
    let guest = Client::from_conf(signing(&emulator, "GUEST", "guest/secret", None).build());
    let put = guest.put_record().stream_arn(ARN).partition_key("k").data(b"1".to_vec().into());
    let error = put.clone().send().await.expect_err("nobody let them in").into_service_error();
    assert!(error.is_access_denied_exception(), "{error:?}");
    let policy = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "222222222222"}},
        "Action": "kinesis:PutRecord", "Resource": "{ARN}"}}]}}"#
    );
    client.put_resource_policy().resource_arn(ARN).policy(policy).send().await.unwrap();
    put.send().await.unwrap();
    let error = guest.list_shards().stream_arn(ARN).send().await.expect_err("puts only").into_service_error();
    assert!(error.is_access_denied_exception(), "{error:?}");
    assert_eq!(texts(&read_all(&client, 0).await), ["1"]);
}
