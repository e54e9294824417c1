//! Tests of the resolution: which of flag, environment and default counts, and what a bad value says.

use super::*;

fn resolve(args: &[&str], env: &[(&str, &str)]) -> Result<Invocation, ConfigError> {
    let args = std::iter::once("shardmill").chain(args.iter().copied());
    Config::resolve(args, |name| {
        env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

fn config(args: &[&str], env: &[(&str, &str)]) -> Config {
    match resolve(args, env) {
        Ok(Invocation::Serve(config)) => config,
        other => panic!("{other:?}"),
    }
}

fn error(args: &[&str], env: &[(&str, &str)]) -> String {
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
    ("host", "0.0.0.0", "::1"),
    ("port", "0", "65535"),
    ("workers", "1", "256"),
    ("error-probability", "0.25", "1.0"),
    ("seed", "0", "18446744073709551615"),
    ("shard-limit", "Infinity", "7"),
    ("on-demand-stream-count-limit", "0", "infinity"),
    ("latency-ms", "0", "86400000"),
    ("initialize-streams", "a", "b:2:eu-west-1,c:1"),
    ("memory-limit", "1GiB", "Infinity"),
    ("at-memory-limit", "throttle", "trim"),
    ("tls-cert", "server.pem", "/etc/tls/chain and key.pem"),
    ("tls-key", "server.key", "/etc/tls/key.pem"),
    ("tls-ca-out", "ca.pem", "../ca.pem"),
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

#[test]
fn every_setting_is_heard_from_flag_and_each_environment_name() {
    assert_eq!(SAMPLES.len(), SETTINGS.len());
    for (setting, (flag, one, other)) in SETTINGS.iter().zip(SAMPLES) {
        assert_eq!(setting.flag, *flag);
        assert_ne!(with(flag, one), with(flag, other), "--{flag} fills no field");
        for value in [one, other] {
            let wanted = with(flag, value);
            assert_eq!(config(&[&format!("--{flag}"), value], &[]), wanted);
            assert_eq!(config(&["serve", &format!("--{flag}={value}")], &[]), wanted);
            for name in setting.env {
                assert_eq!(config(&[], &[(name, value)]), wanted, "{name}");
            }
        }
    }
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
        ("initialize-streams", "a:0"),
        ("tls-cert", ""),
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
            assert!(help.contains(&format!("--{} <{}>", setting.flag, setting.value_name)), "{help}");
            assert!(setting.env.iter().all(|name| help.contains(name)), "{help}");
        }
        assert!(help.contains("\nEXAMPLES\n"));
    }
}

/// The examples are read as a user would type them.
#[test]
fn the_examples_work() {
    let help = shown(&["--help"]);
    let mut tried = 0;
    for line in help.lines().filter(|line| line.starts_with("  shardmill")) {
        let args: Vec<_> = line.split_whitespace().skip(1).collect();
        config(&args, &[]);
        tried += 1;
    }
    assert!(tried >= 4, "{help}");
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
