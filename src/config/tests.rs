//! Tests of the resolution: which of flag, environment and default counts, and what a bad value says.

use super::place::Place;
use super::settings::BOOL;
use super::table::SETTINGS;
use super::*;

/// What the program makes of its name, its arguments and its environment.
pub(super) fn resolve_as(
    program: &str,
    args: &[&str],
    env: &[(&str, &str)],
) -> Result<Invocation, ConfigError> {
    let args = std::iter::once(program).chain(args.iter().copied());
    Config::resolve(args, env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

pub(super) fn resolve(args: &[&str], env: &[(&str, &str)]) -> Result<Invocation, ConfigError> {
    resolve_as("shardmill", args, env)
}

/// The settings and the notes.
pub(super) fn served(invocation: Result<Invocation, ConfigError>) -> (Config, Vec<String>) {
    match invocation {
        Ok(Invocation::Serve { config, notes }) => (*config, notes),
        other => panic!("{other:?}"),
    }
}

pub(super) fn config(args: &[&str], env: &[(&str, &str)]) -> Config {
    served(resolve(args, env)).0
}

pub(super) fn error(args: &[&str], env: &[(&str, &str)]) -> String {
    let error = resolve(args, env).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn shown(args: &[&str]) -> String {
    match resolve(args, &[]) {
        Ok(Invocation::Show(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_given_is_the_default() {
    let default = Config::default();
    assert_eq!(config(&[], &[]), default);
    assert_eq!(config(&["serve"], &[]), default);
    assert_eq!((default.host.to_string().as_str(), default.port), ("127.0.0.1", 4566));
    assert_eq!((default.error_probability, default.seed, default.latency_ms), (0.0, None, 500));
    assert_eq!((default.shard_limit, default.on_demand_stream_count_limit), (Limit::At(100), Limit::At(10)));
    assert_eq!((default.log_level, default.log_format), (LogLevel::Info, LogFormat::Text));
    assert_eq!(default.initialize_streams, []);
}

/// For each setting two values that it takes.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("listen", ":1", "0.0.0.0:4566,[::1]:5"),
    ("host", "0.0.0.0", "::1"),
    ("port", "0", "65535"),
    ("tls-port", "0", "4567"),
    ("ssl", "true", "0"),
    ("workers", "1", "256"),
    ("account-id", "123456789012", "000000000001"),
    ("region", "eu-west-1", "us-gov-east-1"),
    ("error-probability", "0.25", "1.0"),
    ("seed", "0", "18446744073709551615"),
    ("shard-limit", "Infinity", "7"),
    ("on-demand-stream-count-limit", "0", "infinity"),
    ("latency-ms", "0", "86400000"),
    ("create-stream-duration", "1 second", "0"),
    ("delete-stream-duration", "1 second", "0"),
    ("update-stream-duration", "1 second", "0"),
    ("split-shard-duration", "1 second", "0"),
    ("merge-shards-duration", "1 second", "0"),
    ("update-shard-count-duration", "1 second", "0"),
    ("update-stream-mode-duration", "1 second", "0"),
    ("start-stream-encryption-duration", "1 second", "0"),
    ("stop-stream-encryption-duration", "1 second", "0"),
    ("register-stream-consumer-duration", "1 second", "0"),
    ("deregister-stream-consumer-duration", "1 second", "0"),
    ("initialize-streams", "a", "b:2:eu-west-1,c:1"),
    ("memory-limit", "1GiB", "Infinity"),
    ("at-memory-limit", "throttle", "trim"),
    ("tls-cert", "server.pem", "/etc/tls/chain and key.pem"),
    ("tls-key", "server.key", "/etc/tls/key.pem"),
    ("tls-ca-out", "ca.pem", "../ca.pem"),
    ("require-signature", "1", "False"),
    ("credentials", "keys", "/etc/shardmill/keys and secrets"),
    ("persistence", "false", "1"),
    ("path", "data", "/var/data"),
    ("load-data-if-exists", "false", "1"),
    ("persist-path", "data", "/var/data"),
    ("persist-file-name", "000000000000.json", "x"),
    ("persist-interval", "5s", "1 minute"),
    ("snapshot-peers", "any", "loopback"),
    ("end-with", "1", "4194304"),
    ("log-level", "trace", "ERROR"),
    ("log-format", "text", "JSON"),
];

/// A config with just this setting, by the table's own reader.
fn with(flag: &str, value: &str) -> Config {
    let mut config = Config::default();
    let setting = SETTINGS.iter().find(|setting| setting.flag == flag).unwrap();
    (setting.apply)(&mut config, value).unwrap();
    config
}

/// What a setting decides about others is tested apart.
#[test]
fn every_setting_is_heard_from_flag_and_each_environment_name() {
    let settings = SETTINGS.iter().filter(|setting| setting.flag != "provider");
    let settings: Vec<_> = settings.collect();
    assert_eq!(SAMPLES.len(), settings.len());
    for (setting, (flag, one, other)) in settings.into_iter().zip(SAMPLES) {
        assert_eq!(setting.flag, *flag);
        assert_ne!(with(flag, one), with(flag, other), "--{flag}");
        for value in [one, other] {
            let wanted = with(flag, value);
            for flag in setting.flags() {
                assert_eq!(config(&["serve", &format!("--{flag}={value}")], &[]), wanted);
                if !setting.is_switch() {
                    assert_eq!(config(&[&format!("--{flag}"), value], &[]), wanted);
                }
            }
            let heard = setting.env.iter().filter(|name| name.is_heard(Place::of(System::LocalStack)));
            for name in heard {
                assert_eq!(config(&[], &[(name.text, value)]), wanted, "{}", name.text);
            }
        }
    }
}

/// A switch without a value is on, and the argument behind it is not its value.
#[test]
fn a_switch_needs_no_value() {
    assert!(config(&["--ssl"], &[]).announces_https);
    let config = config(&["--ssl", "--port", "7"], &[]);
    assert!(config.announces_https && config.port == 7);
    assert!(error(&["--ssl", "false"], &[]).contains("false"));
}

#[test]
fn sizes_have_units_and_a_floor() {
    let limit = |text: &str| config(&["--memory-limit", text], &[]).memory_limit_bytes;
    assert_eq!(limit("134217728"), Some(Limit::At(128 << 20)));
    assert_eq!(limit("200 MiB"), Some(Limit::At(200 << 20)));
    assert_eq!(limit("2GiB"), Some(Limit::At(2 << 30)));
    assert_eq!(limit("infinity"), Some(Limit::Infinite));
    for bad in ["127MiB", "1", "2GB", "-1", "MiB", "99999999999GiB"] {
        assert!(values::bytes_limit(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_localstack_names_are_the_documented_ones() {
    let config = config(
        &[],
        &[
            ("KINESIS_ERROR_PROBABILITY", "0.5"),
            ("KINESIS_SHARD_LIMIT", "Infinity"),
            ("KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT", "3"),
            ("KINESIS_LATENCY", "0"),
            ("KINESIS_INITIALIZE_STREAMS", "orders:2"),
            ("CUSTOM_SSL_CERT_PATH", "/certificates/server.pem"),
        ],
    );
    assert_eq!(config.error_probability, 0.5);
    assert_eq!(config.shard_limit, Limit::Infinite);
    assert_eq!(config.on_demand_stream_count_limit, Limit::At(3));
    assert_eq!(config.latency_ms, 0);
    assert_eq!(config.initialize_streams[0].shards, 2);
    assert_eq!(config.tls_cert, Some("/certificates/server.pem".into()));
}

#[test]
fn flag_beats_ours_beats_localstacks_beats_default() {
    let (ours, theirs) = (("SHARDMILL_SHARD_LIMIT", "2"), ("KINESIS_SHARD_LIMIT", "3"));
    let limit = |args: &[&str], env: &[(&str, &str)]| config(args, env).shard_limit;
    assert_eq!(limit(&["--shard-limit", "1"], &[theirs, ours]), Limit::At(1));
    assert_eq!(limit(&[], &[theirs, ours]), Limit::At(2));
    assert_eq!(limit(&[], &[theirs]), Limit::At(3));
    assert_eq!(limit(&[], &[]), Limit::At(100));
}

/// What is overruled is not read, so it cannot be wrong either.
#[test]
fn only_the_value_that_counts_is_checked() {
    assert_eq!(config(&["--port", "1"], &[("SHARDMILL_PORT", "x")]).port, 1);
    let env = [("KINESIS_LATENCY", "x"), ("SHARDMILL_LATENCY_MS", "1")];
    assert_eq!(config(&[], &env).latency_ms, 1);
}

#[test]
fn an_empty_variable_counts_as_unset() {
    for blank in ["", " ", "\t\n"] {
        assert_eq!(config(&[], &[("KINESIS_SHARD_LIMIT", blank)]), Config::default());
        let env = [("SHARDMILL_SHARD_LIMIT", blank), ("KINESIS_SHARD_LIMIT", "3")];
        assert_eq!(config(&[], &env).shard_limit, Limit::At(3));
    }
}

#[test]
fn blanks_around_a_value_are_no_error() {
    assert_eq!(config(&[], &[("KINESIS_LATENCY", " 20\n")]).latency_ms, 20);
}

#[test]
fn a_bad_value_names_where_it_came_from_and_what_is_accepted() {
    assert_eq!(error(&["--port", "x"], &[]), "--port is \"x\"; accepted: a whole number from 0 to 65535");
    assert_eq!(
        error(&["serve", "--port=-1"], &[]),
        "--port is \"-1\"; accepted: a whole number from 0 to 65535"
    );
    assert_eq!(error(&["--port", "-1"], &[]), "--port is \"-1\"; accepted: a whole number from 0 to 65535");
    assert_eq!(
        error(&[], &[("KINESIS_SHARD_LIMIT", "many")]),
        "KINESIS_SHARD_LIMIT is \"many\"; accepted: a whole number from 0 or Infinity"
    );
    assert_eq!(
        error(&[], &[("SHARDMILL_ERROR_PROBABILITY", "2"), ("KINESIS_ERROR_PROBABILITY", "0")]),
        "SHARDMILL_ERROR_PROBABILITY is \"2\"; accepted: a number from 0.0 to 1.0"
    );
    assert_eq!(
        error(&[], &[("KINESIS_INITIALIZE_STREAMS", "a:1,b:none")]),
        "KINESIS_INITIALIZE_STREAMS is \"a:1,b:none\", where \"b:none\" is wrong; accepted: \
         a list name[:shards[:region]],... with shards from 1 to 1000000 and no stream twice"
    );
    assert_eq!(error(&["--log-format", "a\nb"], &[]), "--log-format is \"a\\nb\"; accepted: text or json");
}

#[test]
fn every_setting_refuses_what_is_out_of_its_range() {
    for (flag, value) in [
        ("host", "example.com"),
        ("port", "65536"),
        ("workers", "0"),
        ("workers", "257"),
        ("error-probability", "1.01"),
        ("error-probability", "NaN"),
        ("seed", "18446744073709551616"),
        ("seed", "-1"),
        ("shard-limit", "1.5"),
        ("on-demand-stream-count-limit", "-1"),
        ("latency-ms", "500ms"),
        ("latency-ms", "86400001"),
        ("create-stream-duration", "soon"),
        ("listen", "example.com"),
        ("account-id", "12345678901"),
        ("region", "EU"),
        ("ssl", "maybe"),
        ("path", ""),
        ("persistence", "maybe"),
        ("persist-file-name", "a/b"),
        ("persist-interval", "often"),
        ("snapshot-peers", "some"),
        ("end-with", "0"),
        ("initialize-streams", "a:0"),
        ("tls-cert", ""),
        ("require-signature", "maybe"),
        ("credentials", ""),
        ("log-level", "off"),
        ("log-format", "xml"),
        ("port", ""),
    ] {
        let text = error(&[&format!("--{flag}={value}")], &[]);
        assert!(text.starts_with(&format!("--{flag} is {value:?}")), "{text}");
    }
}

#[test]
fn a_bad_command_line_is_one_line_too() {
    for args in [
        &["--nonsense"][..],
        &["--port"],
        &["--port", "1", "--port", "2"],
        &["fetch"],
        &["serve", "extra"],
        &["--port", "1", "serve"],
    ] {
        let text = error(args, &[]);
        assert!(text.ends_with("; see `shardmill --help`"), "{text}");
        assert!(!text.starts_with("error"), "{text}");
    }
    assert!(error(&["--nonsense"], &[]).contains("--nonsense"));
}

#[test]
fn help_tells_every_setting_and_examples() {
    for args in [&["--help"][..], &["serve", "--help"], &["-h"]] {
        let help = shown(args);
        assert!(help.ends_with('\n'));
        for setting in SETTINGS {
            let (left, right) = if setting.value_name == BOOL { ("[=<", ">]") } else { (" <", ">") };
            let shown = format!("--{}{left}{}{right}", setting.flag, setting.value_name);
            assert!(help.contains(&shown), "{shown} is not in {help}");
            assert!(setting.flags().all(|flag| help.contains(&format!("--{flag}"))), "{help}");
            assert!(setting.env.iter().all(|name| help.contains(name.text)), "{help}");
        }
        assert!(help.contains("\nEXAMPLES\n"));
    }
}

#[test]
fn kinesalites_flags_are_spelt_as_they_were_given() {
    assert!(error(&["--shardLimit", "x"], &[]).starts_with("--shardLimit is \"x\""));
    assert!(error(&["--shardLimit", "1", "--shard-limit", "2"], &[]).contains("cannot be used with"));
}

/// A typing error in our own name is no setting that is silently not there.
#[test]
fn unknown_variables_of_ours_are_refused() {
    for (name, told) in [
        (
            "SHARDMILL_SHARD_LIMITS",
            "\"SHARDMILL_SHARD_LIMITS\" is no setting; was SHARDMILL_SHARD_LIMIT meant?",
        ),
        ("SHARDMILL_LATENCY", "\"SHARDMILL_LATENCY\" is no setting; was SHARDMILL_LATENCY_MS meant?"),
        ("SHARDMILL_", "\"SHARDMILL_\" is no setting; was SHARDMILL_SSL meant?"),
        ("SHARDMILL_X\n", "\"SHARDMILL_X\\n\" is no setting; see `shardmill --help`"),
    ] {
        assert_eq!(error(&[], &[(name, "1")]), told);
        assert_eq!(config(&[], &[(name, "")]), Config::default());
    }
}

/// What Kubernetes puts into each container for services `shardmill` and `shardmill-tls` moves no port.
#[test]
fn variables_of_kubernetes_are_not_ours() {
    let injected = [
        ("SHARDMILL_SERVICE_HOST", "10.0.0.7"),
        ("SHARDMILL_SERVICE_PORT", "4566"),
        ("SHARDMILL_SERVICE_PORT_HTTP", "4566"),
        ("SHARDMILL_PORT", "tcp://10.0.0.7:4566"),
        ("SHARDMILL_PORT_4566_TCP", "tcp://10.0.0.7:4566"),
        ("SHARDMILL_PORT_4566_TCP_PROTO", "tcp"),
        ("SHARDMILL_PORT_4566_TCP_PORT", "4566"),
        ("SHARDMILL_PORT_4566_TCP_ADDR", "10.0.0.7"),
        ("SHARDMILL_TLS_PORT", "tcp://10.0.0.8:443"),
        ("SHARDMILL_TLS_SERVICE_HOST", "10.0.0.8"),
    ];
    assert_eq!(served(resolve(&[], &injected)), (Config::default(), Vec::new()));
}

/// The examples are read as a user would type them.
#[test]
fn the_examples_work() {
    let mut tried = [0; 2];
    for help in [&["--help"][..], &["snapshot", "--help"], &["snapshot", "save", "--help"]].map(shown) {
        for line in help.lines().filter(|line| line.starts_with("  shardmill")) {
            let args: Vec<_> = line.split_whitespace().skip(1).collect();
            let snapshot = match resolve(&args, &[]).unwrap() {
                Invocation::Snapshot(_) => 1,
                Invocation::Serve { .. } => 0,
                Invocation::Show(text) => panic!("{text}"),
            };
            tried[snapshot] += 1;
        }
    }
    assert!(tried[0] >= 6 && tried[1] >= 8, "{tried:?}");
}

/// Protects: `shardmill snapshot`: each action with its flags, and what is missing or too much.
#[test]
fn snapshot_tasks() {
    let task = |args: &[&str]| match resolve(&[&["snapshot"], args].concat(), &[]) {
        Ok(Invocation::Snapshot(task)) => task,
        other => panic!("{other:?}"),
    };
    let file = PathBuf::from("f");
    let endpoint = "http://127.0.0.1:4566".to_owned();
    let save = SnapshotAction::Save { endpoint: endpoint.clone(), format: "snapshot".to_owned() };
    assert_eq!(task(&["save", "f"]), SnapshotTask { action: save, file: file.clone(), json: false });
    let load = SnapshotAction::Load { endpoint, replace: true };
    assert_eq!(
        task(&["load", "--replace", "f"]),
        SnapshotTask { action: load, file: file.clone(), json: false }
    );
    let inspected = SnapshotTask { action: SnapshotAction::Inspect, file, json: true };
    assert_eq!(task(&["inspect", "--json", "f"]), inspected);
    for args in
        [&["save"][..], &["burn", "f"], &["save", "f", "--format", "xml"], &["inspect", "f", "--replace"]]
    {
        error(&[&["snapshot"], args].concat(), &[]);
    }
}

#[test]
fn the_version_is_the_crates() {
    assert_eq!(shown(&["--version"]), format!("shardmill {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(shown(&["-V"]), shown(&["--version"]));
}

#[test]
fn limits_hold_up_to_and_including() {
    assert!(Limit::At(2).allows(2) && !Limit::At(2).allows(3));
    assert!(Limit::Infinite.allows(u64::MAX));
    assert_eq!((Limit::At(7).to_string(), Limit::Infinite.to_string()), ("7".into(), "Infinity".into()));
}
