//! Every variable and flag that users of LocalStack, kinesis-mock and kinesalite bring with them: its default, what it
//! does, and what it says of a bad value. The tables below are written from those systems' documentation, not from ours.

use super::idle::IDLE;
use super::table::SETTINGS;
use super::tests::{config, resolve_as, served};
use super::*;
use crate::transitions::{Transition, Transitions};
use std::collections::BTreeSet;

/// A variable, or a flag with its dashes.
struct Case {
    name: &'static str,
    /// What to look at.
    read: fn(&Config) -> String,
    default: &'static str,
    /// Values and what is then seen.
    effects: &'static [(&'static str, &'static str)],
    /// Values that are refused.
    bad: &'static [&'static str],
}

fn streams(config: &Config) -> String {
    let streams = config.initialize_streams.iter();
    let streams = streams.map(|stream| format!("{}:{}:{}", stream.name, stream.shards, stream.region));
    streams.collect::<Vec<_>>().join(",")
}

fn addresses(config: &Config) -> String {
    let first = SocketAddr::new(config.host, config.port);
    let all = [first].into_iter().chain(config.also_listen.iter().copied());
    all.map(|address| address.to_string()).collect::<Vec<_>>().join(",")
}

fn ms(config: &Config, transition: Transition) -> String {
    Transitions::new(config.latency_ms, config.own_times).ms(transition).to_string()
}

/// The defaults and quirks of a provider, as far as they can be seen: its shard limit, and that it moves no port.
fn provider(config: &Config) -> String {
    format!("{} {} {}", config.provider.system().name(), config.port, config.shard_limit)
}

const LOCALSTACK: &[Case] = &[
    Case {
        name: "KINESIS_PROVIDER",
        read: provider,
        default: "kinesis-mock 4566 100",
        effects: &[("kinesis-mock", "kinesis-mock 4566 100"), ("kinesalite", "kinesalite 4566 10")],
        bad: &["moto", "kinesis"],
    },
    Case {
        name: "KINESIS_ERROR_PROBABILITY",
        read: |config| config.error_probability.to_string(),
        default: "0",
        effects: &[("0.0", "0"), ("0.5", "0.5"), ("1.0", "1"), ("1", "1")],
        bad: &["1.1", "-0.1", "half", "NaN"],
    },
    Case {
        name: "KINESIS_SHARD_LIMIT",
        read: |config| config.shard_limit.to_string(),
        default: "100",
        effects: &[("1", "1"), ("Infinity", "Infinity")],
        bad: &["-1", "none", "1.5"],
    },
    Case {
        name: "KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT",
        read: |config| config.on_demand_stream_count_limit.to_string(),
        default: "10",
        effects: &[("3", "3"), ("Infinity", "Infinity")],
        bad: &["-1", "none"],
    },
    Case {
        name: "KINESIS_LATENCY",
        read: |config| config.latency_ms.to_string(),
        default: "500",
        effects: &[("0", "0"), ("1000", "1000")],
        bad: &["-1", "500ms", "soon"],
    },
    Case {
        name: "KINESIS_INITIALIZE_STREAMS",
        read: streams,
        default: "",
        effects: &[("a:1,b::us-west-2,c", "a:1:us-east-1,b:4:us-west-2,c:4:us-east-1")],
        bad: &["a:x", "a:0", ":1", "a:1:us-west-2:x"],
    },
    Case {
        name: "KINESIS_PERSISTENCE",
        read: |config| config.persistence.to_string(),
        default: "false",
        effects: &[("0", "false"), ("false", "false"), ("1", "true"), ("true", "true")],
        bad: &["maybe"],
    },
    Case {
        name: "KINESIS_MOCK_PERSIST_INTERVAL",
        read: |config| config.persist_interval_ms.to_string(),
        default: "5000",
        effects: &[("5s", "5000"), ("500ms", "500")],
        bad: &["often"],
    },
    Case {
        name: "KINESIS_MOCK_LOG_LEVEL",
        read: |config| format!("{:?}", config.log_level),
        default: "Info",
        effects: &[("DEBUG", "Debug"), ("error", "Error")],
        bad: &["loud"],
    },
    Case {
        name: "GATEWAY_LISTEN",
        read: addresses,
        default: "127.0.0.1:4566",
        effects: &[
            ("0.0.0.0:4566,0.0.0.0:443", "0.0.0.0:4566,0.0.0.0:443"),
            ("0.0.0.0", "0.0.0.0:4566"),
            (":4510", "127.0.0.1:4510"),
        ],
        bad: &["example.com:4566", "0.0.0.0:port"],
    },
    Case {
        name: "CUSTOM_SSL_CERT_PATH",
        read: |config| format!("{:?}", config.tls_cert),
        default: "None",
        effects: &[("/tmp/x.pem", "Some(\"/tmp/x.pem\")")],
        bad: &[],
    },
];

const KINESIS_MOCK: &[Case] = &[
    Case {
        name: "INITIALIZE_STREAMS",
        read: streams,
        default: "",
        effects: &[
            (
                "my-first-stream:1,my-other-stream::us-west-2,my-last-stream:1",
                "my-first-stream:1:us-east-1,my-other-stream:4:us-west-2,my-last-stream:1:us-east-1",
            ),
            ("a", "a:4:us-east-1"),
        ],
        bad: &["a:x", ":1", "a:1:us-west-2:x"],
    },
    Case {
        name: "KINESIS_MOCK_TLS_PORT",
        read: |config| format!("{:?}", config.tls_port),
        default: "Some(4567)",
        effects: &[("5001", "Some(5001)")],
        bad: &["-1", "65536", "https"],
    },
    Case {
        name: "KINESIS_MOCK_PLAIN_PORT",
        read: |config| config.port.to_string(),
        default: "4568",
        effects: &[("5000", "5000")],
        bad: &["-1", "65536", "http"],
    },
    Case {
        name: "SHARD_LIMIT",
        read: |config| config.shard_limit.to_string(),
        default: "50",
        effects: &[("7", "7"), ("Infinity", "Infinity")],
        bad: &["-1", "many"],
    },
    Case {
        name: "ON_DEMAND_STREAM_COUNT_LIMIT",
        read: |config| config.on_demand_stream_count_limit.to_string(),
        default: "10",
        effects: &[("7", "7"), ("Infinity", "Infinity")],
        bad: &["-1", "many"],
    },
    Case {
        name: "AWS_ACCOUNT_ID",
        read: |config| config.account.to_string(),
        default: "000000000000",
        effects: &[("123456789012", "123456789012")],
        bad: &["1234", "12345678901x"],
    },
    Case {
        name: "AWS_REGION",
        read: |config| config.region.to_string(),
        default: "us-east-1",
        effects: &[("eu-west-1", "eu-west-1")],
        bad: &["Ireland"],
    },
    Case {
        name: "LOG_LEVEL",
        read: |config| format!("{:?}", config.log_level),
        default: "Info",
        effects: &[("ERROR", "Error"), ("WARN", "Warn"), ("DEBUG", "Debug"), ("TRACE", "Trace")],
        bad: &["LOUD"],
    },
    Case {
        name: "LOAD_DATA_IF_EXISTS",
        read: |config| format!("{:?}", config.load_data_if_exists),
        default: "Some(true)",
        effects: &[("false", "Some(false)"), ("true", "Some(true)")],
        bad: &["maybe"],
    },
    Case {
        name: "SHOULD_PERSIST_DATA",
        read: |config| config.persistence.to_string(),
        default: "false",
        effects: &[("false", "false"), ("true", "true")],
        bad: &["maybe"],
    },
    Case {
        name: "PERSIST_PATH",
        read: |config| config.persist_path.display().to_string(),
        default: "data",
        effects: &[("data", "data"), ("/var/lib/kinesis", "/var/lib/kinesis")],
        bad: &[],
    },
    Case {
        name: "PERSIST_FILE_NAME",
        read: |config| config.persist_file_name.clone(),
        default: "kinesis-data.json",
        effects: &[("000000000000.json", "000000000000.json")],
        bad: &["a/b.json", ".."],
    },
    Case {
        name: "PERSIST_INTERVAL",
        read: |config| config.persist_interval_ms.to_string(),
        default: "5000",
        effects: &[("5s", "5000"), ("1 minute", "60000")],
        bad: &["often", "5 fortnights"],
    },
];

/// kinesis-mock's durations and what each is the time of. It hands three of them on in a circle; here none is.
const DURATIONS: &[(&str, Transition)] = &[
    ("CREATE_STREAM_DURATION", Transition::CreateStream),
    ("DELETE_STREAM_DURATION", Transition::DeleteStream),
    ("REGISTER_STREAM_CONSUMER_DURATION", Transition::RegisterConsumer),
    ("DEREGISTER_STREAM_CONSUMER_DURATION", Transition::DeregisterConsumer),
    ("START_STREAM_ENCRYPTION_DURATION", Transition::StartEncryption),
    ("STOP_STREAM_ENCRYPTION_DURATION", Transition::StopEncryption),
    ("MERGE_SHARDS_DURATION", Transition::MergeShards),
    ("SPLIT_SHARD_DURATION", Transition::SplitShard),
    ("UPDATE_SHARD_COUNT_DURATION", Transition::UpdateShardCount),
    ("UPDATE_STREAM_MODE_DURATION", Transition::UpdateMode),
];

const KINESALITE: &[Case] = &[
    Case {
        name: "--port",
        read: |config| config.port.to_string(),
        default: "4567",
        effects: &[("5000", "5000")],
        bad: &["-1", "x"],
    },
    Case {
        name: "--ssl",
        read: |config| config.announces_https.to_string(),
        default: "false",
        effects: &[("true", "true"), ("false", "false")],
        bad: &["maybe"],
    },
    Case {
        name: "--createStreamMs",
        read: |config| ms(config, Transition::CreateStream),
        default: "500",
        effects: &[("0", "0"), ("50", "50")],
        bad: &["-1", "soon"],
    },
    Case {
        name: "--deleteStreamMs",
        read: |config| ms(config, Transition::DeleteStream),
        default: "500",
        effects: &[("0", "0"), ("50", "50")],
        bad: &["-1", "soon"],
    },
    Case {
        name: "--updateStreamMs",
        read: |config| {
            format!("{} {}", ms(config, Transition::SplitShard), ms(config, Transition::MergeShards))
        },
        default: "500 500",
        effects: &[("0", "0 0"), ("50", "50 50")],
        bad: &["-1", "soon"],
    },
    Case {
        name: "--path",
        read: |config| format!("{} {}", config.persistence, config.persist_path.display()),
        default: "false data",
        effects: &[("/var/lib/kinesalite", "true /var/lib/kinesalite")],
        bad: &[],
    },
    Case {
        name: "--shardLimit",
        read: |config| config.shard_limit.to_string(),
        default: "10",
        effects: &[("20", "20"), ("Infinity", "Infinity")],
        bad: &["-1", "many"],
    },
    Case {
        name: "AWS_ACCOUNT_ID",
        read: |config| config.account.to_string(),
        default: "000000000000",
        effects: &[("123456789012", "123456789012")],
        bad: &["1234"],
    },
    Case {
        name: "AWS_REGION",
        read: |config| config.region.to_string(),
        default: "us-east-1",
        effects: &[("eu-west-1", "eu-west-1")],
        bad: &["Ireland"],
    },
    Case {
        name: "AWS_DEFAULT_REGION",
        read: |config| config.region.to_string(),
        default: "us-east-1",
        effects: &[("eu-west-1", "eu-west-1")],
        bad: &["Ireland"],
    },
];

/// Accepted, and said to mean nothing.
const WITHOUT_EFFECT: &[&str] = &[
    "KINESIS_MOCK_PROVIDER_ENGINE",
    "KINESIS_MOCK_INITIAL_HEAP_SIZE",
    "KINESIS_MOCK_MAXIMUM_HEAP_SIZE",
    "KINESIS_MOCK_VERSION",
    "KINESIS_MOCK_CERT_PATH",
    "KINESIS_MOCK_CERT_PASSWORD",
    "KINESIS_MOCK_KEYSTORE_PASSWORD",
    "KINESIS_MOCK_KEYMANAGER_PASSWORD",
];

/// Ways to start a server: the program and the arguments that come first.
type Form = (&'static str, &'static [&'static str]);

const EDGE: Form = ("shardmill", &[]);
const AS_KINESIS_MOCK: &[Form] = &[
    ("shardmill", &["kinesis-mock"]),
    ("/opt/kinesis-mock-linux-amd64-static", &["--gc=G1"]),
    ("/opt/kinesis-mock-linux-amd64-dynamic", &[]),
    ("shardmill", &["--gc=G1"]),
];
const AS_KINESALITE: &[Form] = &[("shardmill", &["kinesalite"]), ("/usr/bin/kinesalite", &[])];

fn started((program, first): Form, name: &str, value: &str) -> Result<Invocation, ConfigError> {
    if name.starts_with("--") {
        let given = format!("{name}={value}");
        return resolve_as(program, &[first, &[given.as_str()]].concat(), &[]);
    }
    resolve_as(program, first, &[(name, value)])
}

impl Case {
    fn check(&self, form: Form, is_default_its_own: bool) {
        let (name, bare) = (self.name, resolve_as(form.0, form.1, &[]));
        if is_default_its_own {
            assert_eq!((self.read)(&served(bare).0), self.default, "{name} {form:?}");
        }
        for (value, effect) in self.effects {
            let (config, _) = served(started(form, name, value));
            assert_eq!((self.read)(&config), *effect, "{name}={value} {form:?}");
        }
        for value in self.bad {
            let text = started(form, name, value).unwrap_err().to_string();
            assert!(text.starts_with(&format!("{name} is {value:?}")), "{text}");
            assert!(text.contains("accepted: ") && text.lines().count() == 1, "{text}");
        }
    }
}

#[test]
fn localstacks_variables() {
    LOCALSTACK.iter().for_each(|case| case.check(EDGE, true));
}

/// In kinesis-mock's place, and in LocalStack's, where the ports and the shard limit are LocalStack's.
#[test]
fn kinesis_mocks_variables() {
    for case in KINESIS_MOCK {
        AS_KINESIS_MOCK.iter().for_each(|form| case.check(*form, true));
        case.check(EDGE, false);
    }
    for (name, transition) in DURATIONS {
        for form in AS_KINESIS_MOCK.iter().copied().chain([EDGE]) {
            for (value, length) in [("0ms", 0), ("20ms", 20), ("1 second", 1000), ("1.5 minutes", 90_000)] {
                let (config, _) = served(started(form, name, value));
                for (_, other) in DURATIONS {
                    let length = if other == transition { length } else { 500 };
                    assert_eq!(ms(&config, *other), length.to_string(), "{name}={value}: {other:?}");
                }
            }
            for bad in ["-1s", "soon", "5 fortnights", "2 days"] {
                let text = started(form, name, bad).unwrap_err().to_string();
                assert!(
                    text.starts_with(&format!("{name} is {bad:?}; accepted: a time such as 500ms")),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn kinesalites_flags_and_variables() {
    for case in KINESALITE {
        AS_KINESALITE.iter().for_each(|form| case.check(*form, true));
    }
    // LocalStack's own way to start it.
    let line = "--shardLimit Infinity --port 4999 --createStreamMs 0 --deleteStreamMs 0 --updateStreamMs 0";
    let (config, _) = served(resolve_as("kinesalite", &line.split(' ').collect::<Vec<_>>(), &[]));
    assert_eq!((config.port, config.shard_limit), (4999, Limit::Infinite));
}

/// The two are apart in what their users can see: ports, addresses, limits.
#[test]
fn ports_come_from_the_launch_form() {
    let listens = |form: Form| {
        let (config, _) = served(resolve_as(form.0, form.1, &[]));
        (addresses(&config), config.tls_port)
    };
    assert_eq!(listens(EDGE), ("127.0.0.1:4566".to_owned(), None));
    for form in AS_KINESIS_MOCK {
        assert_eq!(listens(*form), ("0.0.0.0:4568".to_owned(), Some(4567)));
    }
    for form in AS_KINESALITE {
        assert_eq!(listens(*form), ("0.0.0.0:4567".to_owned(), None));
    }
    let ports = [("KINESIS_MOCK_PLAIN_PORT", "4568"), ("KINESIS_MOCK_TLS_PORT", "4567")];
    let config = config(&[], &ports);
    assert_eq!((config.port, config.tls_port), (4568, Some(4567)));
    let addressed = served(resolve_as("kinesis-mock", &[], &[("SHARDMILL_LISTEN", "127.0.0.1:1,:2")])).0;
    assert_eq!(addresses(&addressed), "127.0.0.1:1,0.0.0.0:2");
}

/// The names of variables are LocalStack's before those of the system behind it, as LocalStack hands them on; times of
/// single transitions are the more exact.
#[test]
fn localstacks_names_win() {
    for (localstack, kinesis_mock) in [
        ("KINESIS_SHARD_LIMIT", "SHARD_LIMIT"),
        ("KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT", "ON_DEMAND_STREAM_COUNT_LIMIT"),
    ] {
        let both = config(&[], &[(kinesis_mock, "7"), (localstack, "8")]);
        assert_eq!(both, config(&[], &[(localstack, "8")]));
    }
    let times = [("KINESIS_LATENCY", "0"), ("SPLIT_SHARD_DURATION", "9ms")];
    let times = config(&[], &times);
    assert_eq!(
        (ms(&times, Transition::SplitShard), ms(&times, Transition::MergeShards)),
        ("9".into(), "0".into())
    );
    let regions = [("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "eu-west-2")];
    let (regions, _) = served(resolve_as("kinesalite", &[], &regions));
    assert_eq!(regions.region.as_str(), "eu-west-2");
}

#[test]
fn what_means_nothing_is_told_once() {
    for name in WITHOUT_EFFECT {
        let (config, notes) = served(resolve_as("shardmill", &[], &[(name, "anything")]));
        assert_eq!(config, Config::default());
        let [note] = notes.as_slice() else { panic!("{notes:?}") };
        assert!(note.starts_with(&format!("{name} is accepted without effect: ")), "{note}");
    }
    let (_, notes) = served(resolve_as("kinesis-mock", &["--gc=G1"], &[]));
    assert!(
        matches!(notes.as_slice(), [note] if note.starts_with("--gc is accepted without effect: ")),
        "{notes:?}"
    );
    let usual = [("AWS_DEFAULT_REGION", "eu-west-1")];
    assert_eq!(served(resolve_as("shardmill", &[], &usual)), (Config::default(), Vec::new()));
}

/// A backend is started with LocalStack's own environment around what LocalStack means for it: LocalStack's port and
/// faults are not for it.
#[test]
fn a_backend_does_not_hear_localstack() {
    let env = [
        ("GATEWAY_LISTEN", "0.0.0.0:4566"),
        ("KINESIS_ERROR_PROBABILITY", "1.0"),
        ("KINESIS_LATENCY", "9"),
        ("KINESIS_SHARD_LIMIT", "Infinity"),
        ("KINESIS_PROVIDER", "kinesalite"),
        ("KINESIS_PERSISTENCE", "1"),
        ("KINESIS_MOCK_PROVIDER_ENGINE", "node"),
        ("KINESIS_MOCK_PLAIN_PORT", "41000"),
    ];
    let (config, notes) = served(resolve_as("shardmill", &["kinesis-mock"], &env));
    assert_eq!((config.port, config.error_probability, config.latency_ms), (41000, 0.0, 500));
    assert_eq!((config.provider, config.shard_limit), (Provider::KinesisMock, Limit::At(50)));
    assert_eq!(notes.len(), 7, "{notes:#?}");
    assert!(
        notes
            .contains(&"GATEWAY_LISTEN is a variable of LocalStack and not heard as kinesis-mock".to_owned())
    );
    let (config, notes) =
        served(resolve_as("shardmill", &["--provider=kinesalite"], &[("SHARD_LIMIT", "x")]));
    assert_eq!(config.shard_limit, Limit::At(10));
    assert_eq!(notes, ["SHARD_LIMIT is a variable of kinesis-mock and not heard as kinesalite"]);
    let contradiction = resolve_as("kinesis-mock", &["--provider=kinesalite"], &[]).unwrap_err().to_string();
    assert!(contradiction.contains("no other than the one that it was started as"), "{contradiction}");
}

/// What is kept, and whether a server begins with it, follows from how it was started.
#[test]
fn state_files_follow_the_form() {
    let kept = |program: &str, env: &[(&str, &str)]| {
        let (config, _) = served(resolve_as(program, &[], env));
        (config.persistence, config.load_data_if_exists, config.persist_file_name)
    };
    assert_eq!(kept("shardmill", &[]), (false, None, "kinesis-data.json".to_owned()));
    assert_eq!(kept("kinesis-mock", &[]), (false, Some(true), "kinesis-data.json".to_owned()));
    assert_eq!(kept("kinesalite", &[]), (false, None, "shardmill.snapshot".to_owned()));
    let persisting = [("KINESIS_PERSISTENCE", "1"), ("LOAD_DATA_IF_EXISTS", "false")];
    assert_eq!(kept("shardmill", &persisting), (true, Some(false), "kinesis-data.json".to_owned()));
}

/// Protects: the tables above name all that there is, and all that they name is there.
#[test]
fn nothing_is_left_out() {
    let cases = [LOCALSTACK, KINESIS_MOCK, KINESALITE].into_iter().flatten().map(|case| case.name);
    let tested: BTreeSet<_> = cases
        .chain(DURATIONS.iter().map(|(name, _)| *name))
        .chain(WITHOUT_EFFECT.iter().copied())
        .filter(|name| !name.starts_with("--"))
        .collect();
    let settings = SETTINGS.iter().flat_map(|setting| setting.env).filter(|name| !name.of.is_empty());
    let idle = IDLE.iter().filter(|idle| idle.flag().is_none()).map(|idle| idle.name);
    let declared: BTreeSet<_> = settings.map(|name| name.text).chain(idle).collect();
    assert_eq!(tested, declared);
}
