//! Every setting, declared once, in the order of help, table and application: a row may build on those before it.

use super::place::{Provider, System, Where};
use super::settings::{BOOL, Default, Name, Setting};
use super::values::{self, BAD, BadValue};
use super::{AtMemoryLimit, Config, LogFormat, LogLevel, SnapshotPeers};
use crate::transitions::Transition;
use std::net::SocketAddr;

/// What a time takes.
const DURATION: &str = "a time such as 500ms, 1 second or 2 minutes, or whole milliseconds, at most a day";

/// The row of one transition's time.
const TIME: Setting = Setting {
    value_name: "DURATION",
    default: Default::Described("as `--latency-ms`"),
    accepted: DURATION,
    ..Setting::EMPTY
};

/// All settings.
pub(super) static SETTINGS: &[Setting] = &[
    // First, since it decides which other variables are heard.
    Setting {
        flag: "provider",
        env: &[Name::ours("SHARDMILL_PROVIDER"), Name::localstack("KINESIS_PROVIDER")],
        value_name: "NAME",
        default: Default::Value("kinesis-mock"),
        help: "Whose defaults hold and whose variables are heard beside LocalStack's: kinesis-mock or kinesalite",
        accepted: "kinesis-mock or kinesalite, and no other than the one that it was started as",
        apply: provider,
        ..Setting::EMPTY
    },
    Setting {
        flag: "listen",
        env: &[Name::ours("SHARDMILL_LISTEN"), Name::localstack("GATEWAY_LISTEN")],
        value_name: "LIST",
        default: Default::Described("`--host` and `--port`"),
        help: "Addresses to listen on: [host][:port],...; `--host` and `--port` change the first",
        accepted: "a list [host][:port],... of IP addresses (IPv6 in brackets) or localhost, none of them twice",
        apply: listen,
        ..Setting::EMPTY
    },
    Setting {
        flag: "host",
        env: &[Name::ours("SHARDMILL_HOST")],
        value_name: "ADDRESS",
        default: Default::Value("127.0.0.1"),
        other_defaults: &[
            (Where::InPlaceOf(System::KinesisMock), "0.0.0.0"),
            (Where::InPlaceOf(System::Kinesalite), "0.0.0.0"),
        ],
        help: "Address to listen on; 0.0.0.0 for every interface",
        accepted: "an IP address or localhost",
        apply: |config, text| values::host(text).map(|host| config.host = host),
        ..Setting::EMPTY
    },
    Setting {
        flag: "port",
        env: &[Name::ours("SHARDMILL_PORT"), Name::kinesis_mock("KINESIS_MOCK_PLAIN_PORT")],
        value_name: "PORT",
        default: Default::Value("4566"),
        other_defaults: &[
            (Where::InPlaceOf(System::KinesisMock), "4568"),
            (Where::InPlaceOf(System::Kinesalite), "4567"),
        ],
        help: "Port to listen on; 0 takes any free one, which the start-up line names",
        accepted: "a whole number from 0 to 65535",
        apply: |config, text| values::whole(text, 0..=u16::MAX).map(|port| config.port = port),
        ..Setting::EMPTY
    },
    Setting {
        flag: "tls-port",
        env: &[Name::ours("SHARDMILL_TLS_PORT"), Name::kinesis_mock("KINESIS_MOCK_TLS_PORT")],
        value_name: "PORT",
        default: Default::Value(""),
        other_defaults: &[(Where::InPlaceOf(System::KinesisMock), "4567")],
        help: "A second port, for those who expect TLS on one of its own; both ports take both",
        accepted: "a whole number from 0 to 65535",
        apply: |config, text| values::whole(text, 0..=u16::MAX).map(|port| config.tls_port = Some(port)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "ssl",
        env: &[Name::ours("SHARDMILL_SSL")],
        value_name: BOOL,
        default: Default::Value("false"),
        help: "Name the address as https:// when started; TLS is taken either way",
        accepted: "true or false",
        apply: |config, text| values::truth(text).map(|ssl| config.announces_https = ssl),
        ..Setting::EMPTY
    },
    Setting {
        flag: "workers",
        env: &[Name::ours("SHARDMILL_WORKERS")],
        value_name: "COUNT",
        default: Default::Described("one per available core"),
        help: "Threads that serve requests",
        accepted: "a whole number from 1 to 256",
        apply: |config, text| values::workers(text).map(|workers| config.workers = workers),
        ..Setting::EMPTY
    },
    Setting {
        flag: "account-id",
        env: &[Name::ours("SHARDMILL_ACCOUNT_ID"), Name::of_both("AWS_ACCOUNT_ID")],
        value_name: "ID",
        default: Default::Value("000000000000"),
        help: "Account of callers whose access key is none, and of the streams that exist from the start",
        accepted: "twelve digits",
        apply: |config, text| values::account(text).map(|account| config.account = account),
        ..Setting::EMPTY
    },
    Setting {
        flag: "region",
        env: &[
            Name::ours("SHARDMILL_REGION"),
            Name::of_both("AWS_REGION"),
            Name::kinesalite("AWS_DEFAULT_REGION"),
        ],
        value_name: "NAME",
        default: Default::Value("us-east-1"),
        help: "Region of callers who name none, and of the streams that exist from the start",
        accepted: "a region such as us-east-1",
        apply: |config, text| values::region(text).map(|region| config.region = region),
        ..Setting::EMPTY
    },
    Setting {
        flag: "error-probability",
        env: &[Name::ours("SHARDMILL_ERROR_PROBABILITY"), Name::localstack("KINESIS_ERROR_PROBABILITY")],
        value_name: "SHARE",
        default: Default::Value("0.0"),
        help: "Share of PutRecord and PutRecords calls refused as throttled",
        accepted: "a number from 0.0 to 1.0",
        apply: |config, text| values::probability(text).map(|share| config.error_probability = share),
        ..Setting::EMPTY
    },
    Setting {
        flag: "seed",
        env: &[Name::ours("SHARDMILL_SEED")],
        value_name: "NUMBER",
        default: Default::Described("drawn at start and printed"),
        help: "Seed of the injected errors, to repeat a run",
        accepted: "a whole number from 0 to 18446744073709551615",
        apply: |config, text| values::whole(text, 0..=u64::MAX).map(|seed| config.seed = Some(seed)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "shard-limit",
        kinesalite_flag: Some("shardLimit"),
        env: &[
            Name::ours("SHARDMILL_SHARD_LIMIT"),
            Name::localstack("KINESIS_SHARD_LIMIT"),
            Name::kinesis_mock("SHARD_LIMIT"),
        ],
        value_name: "COUNT",
        default: Default::Value("100"),
        other_defaults: &[
            (Where::InPlaceOf(System::KinesisMock), "50"),
            (Where::With(Provider::Kinesalite), "10"),
        ],
        help: "Open shards of one account and region",
        accepted: "a whole number from 0 or Infinity",
        apply: |config, text| values::limit(text).map(|limit| config.shard_limit = limit),
    },
    Setting {
        flag: "on-demand-stream-count-limit",
        env: &[
            Name::ours("SHARDMILL_ON_DEMAND_STREAM_COUNT_LIMIT"),
            Name::localstack("KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT"),
            Name::kinesis_mock("ON_DEMAND_STREAM_COUNT_LIMIT"),
        ],
        value_name: "COUNT",
        default: Default::Value("10"),
        help: "On-demand streams of one account and region",
        accepted: "a whole number from 0 or Infinity",
        apply: |config, text| values::limit(text).map(|limit| config.on_demand_stream_count_limit = limit),
        ..Setting::EMPTY
    },
    Setting {
        flag: "latency-ms",
        env: &[Name::ours("SHARDMILL_LATENCY_MS"), Name::localstack("KINESIS_LATENCY")],
        value_name: "MS",
        default: Default::Value("500"),
        help: "How long a stream is CREATING, UPDATING or DELETING, in ms; puts and gets never wait; 0 disables",
        accepted: "a whole number of milliseconds from 0 to 86400000",
        apply: |config, text| {
            values::whole(text, 0..=values::DURATION_MS_MAX).map(|latency| config.latency_ms = latency)
        },
        ..Setting::EMPTY
    },
    Setting {
        flag: "create-stream-duration",
        kinesalite_flag: Some("createStreamMs"),
        env: &[Name::ours("SHARDMILL_CREATE_STREAM_DURATION"), Name::kinesis_mock("CREATE_STREAM_DURATION")],
        help: "How long a stream is CREATING",
        apply: |config, text| own_time(config, text, &[Transition::CreateStream]),
        ..TIME
    },
    Setting {
        flag: "delete-stream-duration",
        kinesalite_flag: Some("deleteStreamMs"),
        env: &[Name::ours("SHARDMILL_DELETE_STREAM_DURATION"), Name::kinesis_mock("DELETE_STREAM_DURATION")],
        help: "How long a stream is DELETING",
        apply: |config, text| own_time(config, text, &[Transition::DeleteStream]),
        ..TIME
    },
    Setting {
        flag: "update-stream-duration",
        kinesalite_flag: Some("updateStreamMs"),
        env: &[Name::ours("SHARDMILL_UPDATE_STREAM_DURATION")],
        help: "How long a stream is UPDATING, unless one of the next seven says otherwise",
        apply: |config, text| own_time(config, text, &Transition::UPDATES),
        ..TIME
    },
    Setting {
        flag: "split-shard-duration",
        env: &[Name::ours("SHARDMILL_SPLIT_SHARD_DURATION"), Name::kinesis_mock("SPLIT_SHARD_DURATION")],
        help: "How long SplitShard takes",
        apply: |config, text| own_time(config, text, &[Transition::SplitShard]),
        ..TIME
    },
    Setting {
        flag: "merge-shards-duration",
        env: &[Name::ours("SHARDMILL_MERGE_SHARDS_DURATION"), Name::kinesis_mock("MERGE_SHARDS_DURATION")],
        help: "How long MergeShards takes",
        apply: |config, text| own_time(config, text, &[Transition::MergeShards]),
        ..TIME
    },
    Setting {
        flag: "update-shard-count-duration",
        env: &[
            Name::ours("SHARDMILL_UPDATE_SHARD_COUNT_DURATION"),
            Name::kinesis_mock("UPDATE_SHARD_COUNT_DURATION"),
        ],
        help: "How long UpdateShardCount takes",
        apply: |config, text| own_time(config, text, &[Transition::UpdateShardCount]),
        ..TIME
    },
    Setting {
        flag: "update-stream-mode-duration",
        env: &[
            Name::ours("SHARDMILL_UPDATE_STREAM_MODE_DURATION"),
            Name::kinesis_mock("UPDATE_STREAM_MODE_DURATION"),
        ],
        help: "How long UpdateStreamMode takes",
        apply: |config, text| own_time(config, text, &[Transition::UpdateMode]),
        ..TIME
    },
    Setting {
        flag: "start-stream-encryption-duration",
        env: &[
            Name::ours("SHARDMILL_START_STREAM_ENCRYPTION_DURATION"),
            Name::kinesis_mock("START_STREAM_ENCRYPTION_DURATION"),
        ],
        help: "How long StartStreamEncryption takes",
        apply: |config, text| own_time(config, text, &[Transition::StartEncryption]),
        ..TIME
    },
    Setting {
        flag: "stop-stream-encryption-duration",
        env: &[
            Name::ours("SHARDMILL_STOP_STREAM_ENCRYPTION_DURATION"),
            Name::kinesis_mock("STOP_STREAM_ENCRYPTION_DURATION"),
        ],
        help: "How long StopStreamEncryption takes",
        apply: |config, text| own_time(config, text, &[Transition::StopEncryption]),
        ..TIME
    },
    Setting {
        flag: "register-stream-consumer-duration",
        env: &[
            Name::ours("SHARDMILL_REGISTER_STREAM_CONSUMER_DURATION"),
            Name::kinesis_mock("REGISTER_STREAM_CONSUMER_DURATION"),
        ],
        help: "How long a consumer is CREATING",
        apply: |config, text| own_time(config, text, &[Transition::RegisterConsumer]),
        ..TIME
    },
    Setting {
        flag: "deregister-stream-consumer-duration",
        env: &[
            Name::ours("SHARDMILL_DEREGISTER_STREAM_CONSUMER_DURATION"),
            Name::kinesis_mock("DEREGISTER_STREAM_CONSUMER_DURATION"),
        ],
        help: "How long a consumer is DELETING",
        apply: |config, text| own_time(config, text, &[Transition::DeregisterConsumer]),
        ..TIME
    },
    Setting {
        flag: "initialize-streams",
        env: &[
            Name::ours("SHARDMILL_INITIALIZE_STREAMS"),
            Name::localstack("KINESIS_INITIALIZE_STREAMS"),
            Name::kinesis_mock("INITIALIZE_STREAMS"),
        ],
        value_name: "LIST",
        default: Default::Value(""),
        help: "Streams that exist from the start: name[:shards[:region]],... with 4 shards in `--region` by default",
        accepted: "a list name[:shards[:region]],... with shards from 1 to 1000000 and no stream twice",
        apply: |config, text| {
            values::streams(text, config.region).map(|streams| config.initialize_streams = streams)
        },
        ..Setting::EMPTY
    },
    Setting {
        flag: "memory-limit",
        env: &[Name::ours("SHARDMILL_MEMORY_LIMIT")],
        value_name: "SIZE",
        default: Default::Described("three quarters of the machine's or cgroup's"),
        help: "Memory that the server may take; at least 128MiB",
        accepted: "a number of bytes, optionally with KiB, MiB or GiB, not under 128MiB, or Infinity",
        apply: |config, text| values::bytes_limit(text).map(|limit| config.memory_limit_bytes = Some(limit)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "at-memory-limit",
        env: &[Name::ours("SHARDMILL_AT_MEMORY_LIMIT")],
        value_name: "POLICY",
        default: Default::Value("trim"),
        help: "When records have filled it: trim the oldest, or throttle puts",
        accepted: "trim or throttle",
        apply: |config, text| {
            let policies = [("trim", AtMemoryLimit::Trim), ("throttle", AtMemoryLimit::Throttle)];
            values::word(text, &policies).map(|policy| config.at_memory_limit = policy)
        },
        ..Setting::EMPTY
    },
    Setting {
        flag: "tls-cert",
        env: &[Name::ours("SHARDMILL_TLS_CERT"), Name::localstack("CUSTOM_SSL_CERT_PATH")],
        value_name: "FILE",
        default: Default::Described("generated when first asked for"),
        help: "Certificate for TLS in PEM, with those that lead to its CA",
        accepted: "a path",
        apply: |config, text| values::path(text).map(|path| config.tls_cert = Some(path)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "tls-key",
        env: &[Name::ours("SHARDMILL_TLS_KEY")],
        value_name: "FILE",
        default: Default::Described("in the certificate's file"),
        help: "Key of that certificate in PEM",
        accepted: "a path",
        apply: |config, text| values::path(text).map(|path| config.tls_key = Some(path)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "tls-ca-out",
        env: &[Name::ours("SHARDMILL_TLS_CA_OUT")],
        value_name: "FILE",
        default: Default::Described("not written"),
        help: "Where to write the CA of the generated certificate, for clients to trust",
        accepted: "a path",
        apply: |config, text| values::path(text).map(|path| config.tls_ca_out = Some(path)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "require-signature",
        env: &[Name::ours("SHARDMILL_REQUIRE_SIGNATURE")],
        value_name: BOOL,
        default: Default::Value("false"),
        help: "Check signatures, and resource policies with them; needs `--credentials`",
        accepted: "true or false",
        apply: |config, text| values::truth(text).map(|on| config.require_signature = on),
        ..Setting::EMPTY
    },
    Setting {
        flag: "credentials",
        env: &[Name::ours("SHARDMILL_CREDENTIALS")],
        value_name: "FILE",
        default: Default::Described("none"),
        help: "Access keys that may sign, in the form of ~/.aws/credentials; a line account_id says whose each is",
        accepted: "a path",
        apply: |config, text| values::path(text).map(|path| config.credentials = Some(path)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "persistence",
        env: &[
            Name::ours("SHARDMILL_PERSISTENCE"),
            Name::localstack("KINESIS_PERSISTENCE"),
            Name::kinesis_mock("SHOULD_PERSIST_DATA"),
        ],
        value_name: BOOL,
        default: Default::Value("false"),
        help: "Keep state in files: saved when it has changed, and at the end",
        accepted: "true or false",
        apply: |config, text| values::truth(text).map(|keeps| config.persistence = keeps),
        ..Setting::EMPTY
    },
    Setting {
        flag: "path",
        value_name: "DIR",
        default: Default::Value(""),
        help: "kinesalite's flag for the same: keep state in files in this folder",
        accepted: "a path",
        apply: |config, text| {
            config.persist_path = values::path(text)?;
            config.persistence = true;
            Ok(())
        },
        ..Setting::EMPTY
    },
    Setting {
        flag: "load-data-if-exists",
        env: &[Name::ours("SHARDMILL_LOAD_DATA_IF_EXISTS"), Name::kinesis_mock("LOAD_DATA_IF_EXISTS")],
        value_name: BOOL,
        default: Default::Described("as `--persistence`"),
        other_defaults: &[(Where::InPlaceOf(System::KinesisMock), "true")],
        help: "Begin with the state that is in the file, if there is one",
        accepted: "true or false",
        apply: |config, text| values::truth(text).map(|loads| config.load_data_if_exists = Some(loads)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "persist-path",
        env: &[Name::ours("SHARDMILL_PERSIST_PATH"), Name::kinesis_mock("PERSIST_PATH")],
        value_name: "DIR",
        default: Default::Value("data"),
        help: "The folder of the state files",
        accepted: "a path",
        apply: |config, text| values::path(text).map(|path| config.persist_path = path),
        ..Setting::EMPTY
    },
    Setting {
        flag: "persist-file-name",
        env: &[Name::ours("SHARDMILL_PERSIST_FILE_NAME"), Name::kinesis_mock("PERSIST_FILE_NAME")],
        value_name: "NAME",
        default: Default::Value("kinesis-data.json"),
        other_defaults: &[(Where::With(Provider::Kinesalite), "shardmill.snapshot")],
        help: "The state file; of `x.json` kinesis-mock's form is written too, beside the snapshot `x.snapshot`",
        accepted: "a file's name",
        apply: |config, text| values::file_name(text).map(|name| config.persist_file_name = name),
        ..Setting::EMPTY
    },
    Setting {
        flag: "persist-interval",
        env: &[
            Name::ours("SHARDMILL_PERSIST_INTERVAL"),
            Name::localstack("KINESIS_MOCK_PERSIST_INTERVAL"),
            Name::kinesis_mock("PERSIST_INTERVAL"),
        ],
        value_name: "DURATION",
        default: Default::Value("5s"),
        help: "How long after a save the next one is made, if anything has changed",
        accepted: DURATION,
        apply: |config, text| values::duration_ms(text).map(|ms| config.persist_interval_ms = ms),
        ..Setting::EMPTY
    },
    Setting {
        flag: "snapshot-peers",
        env: &[Name::ours("SHARDMILL_SNAPSHOT_PEERS")],
        value_name: "WHO",
        default: Default::Value("loopback"),
        help: "Who may save and load state over HTTP: loopback, or any client that reaches the server",
        accepted: "loopback or any",
        apply: |config, text| {
            let peers = [("loopback", SnapshotPeers::Loopback), ("any", SnapshotPeers::Any)];
            values::word(text, &peers).map(|peers| config.snapshot_peers = peers)
        },
        ..Setting::EMPTY
    },
    Setting {
        flag: "end-with",
        env: &[Name::ours("SHARDMILL_END_WITH")],
        value_name: "PID",
        default: Default::Value(""),
        help: "On Linux, end in order as soon as this process has ended, which must be the one that started the server",
        accepted: "a process id",
        apply: |config, text| values::whole(text, 1..=i32::MAX).map(|pid| config.end_with = Some(pid)),
        ..Setting::EMPTY
    },
    Setting {
        flag: "log-level",
        env: &[
            Name::ours("SHARDMILL_LOG_LEVEL"),
            Name::localstack("KINESIS_MOCK_LOG_LEVEL"),
            Name::kinesis_mock("LOG_LEVEL"),
        ],
        value_name: "LEVEL",
        default: Default::Value("info"),
        help: "Least severe message that is logged: error, warn, info, debug or trace",
        accepted: "error, warn, info, debug or trace",
        apply: |config, text| values::word(text, LOG_LEVELS).map(|level| config.log_level = level),
        ..Setting::EMPTY
    },
    Setting {
        flag: "log-format",
        env: &[Name::ours("SHARDMILL_LOG_FORMAT")],
        value_name: "FORMAT",
        default: Default::Value("text"),
        help: "How log lines are written to stderr: text or json",
        accepted: "text or json",
        apply: |config, text| values::word(text, LOG_FORMATS).map(|format| config.log_format = format),
        ..Setting::EMPTY
    },
];

const LOG_LEVELS: &[(&str, LogLevel)] = &[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

const LOG_FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];

/// In a backend's place there is no choice.
fn provider(config: &mut Config, text: &str) -> Result<(), BadValue> {
    let providers = [("kinesis-mock", Provider::KinesisMock), ("kinesalite", Provider::Kinesalite)];
    let provider = values::word(text, &providers)?;
    if ![System::LocalStack, provider.system()].contains(&config.in_place_of) {
        return Err(BAD);
    }
    config.provider = provider;
    Ok(())
}

fn listen(config: &mut Config, text: &str) -> Result<(), BadValue> {
    let mut addresses = values::addresses(text, SocketAddr::new(config.host, config.port))?.into_iter();
    if let Some(first) = addresses.next() {
        (config.host, config.port) = (first.ip(), first.port());
    }
    config.also_listen = addresses.collect();
    Ok(())
}

fn own_time(config: &mut Config, text: &str, transitions: &[Transition]) -> Result<(), BadValue> {
    let ms = values::duration_ms(text)?;
    transitions.iter().for_each(|transition| config.own_times.set(*transition, ms));
    Ok(())
}
