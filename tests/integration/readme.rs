//! What the README repeats of the sources: tables, and lines of the clients' programs. `SHARDMILL_BLESS=1` writes it anew.

use crate::source::{indent_of, root};

/// Each client's program with lines for the README, between `readme:begin` and `readme:end`.
const PROGRAMS: &[(&str, &str)] = &[
    ("shell/first_record.sh", "sh"),
    ("shell/aws_cli.sh", "sh"),
    ("python/boto3_steps.py", "python"),
    ("javascript/sdk_v3.mjs", "js"),
    ("go/sdk/main.go", "go"),
    ("rust/sdk/src/main.rs", "rust"),
    ("java/sdk-v2/SdkV2.java", "java"),
    ("java/sdk1/SdkV1.java", "java"),
    ("java/kcl/Worker.java", "java"),
    ("java/kcl1/Worker1.java", "java"),
    ("java/kpl/Producer.java", "java"),
    ("go/kcl/main.go", "go"),
    ("python/kcl_rs_worker.py", "python"),
    ("python/aiokpl_producer.py", "python"),
    ("python/async_kinesis.py", "python"),
    ("javascript/lifion.mjs", "js"),
    ("java/flink/Job.java", "java"),
];

/// Compares what stands between the marks of this name with what should, or writes it.
fn check(name: &str, declared: &str) {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).expect("a README");
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) = readme.split_once(&begin).unwrap_or_else(|| panic!("no line {begin}"));
    let (found, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no line {end}"));
    if std::env::var_os("SHARDMILL_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{begin}{declared}{end}{after}")).unwrap();
    } else {
        assert_eq!(found, declared, "run the tests with SHARDMILL_BLESS=1 to write {name} anew");
    }
}

/// The marked lines of a program, moved to the left, as a block of code.
fn excerpt(text: &str, language: &str) -> String {
    let is = |line: &str, mark: &str| line.trim_start_matches(['/', '#', ' ', '\t']) == mark;
    let begin = text.lines().position(|line| is(line, "readme:begin")).expect("the mark of the beginning");
    let length =
        text.lines().skip(begin).position(|line| is(line, "readme:end")).expect("the mark of the end");
    let lines: Vec<_> = text.lines().skip(begin + 1).take(length - 1).collect();
    let indent = lines.iter().filter(|line| !line.is_empty()).map(|line| indent_of(line)).min().unwrap_or(0);
    let lines: String = lines.iter().map(|line| format!("{}\n", line.get(indent..).unwrap_or(""))).collect();
    format!("```{language}\n{lines}```\n")
}

/// Protects: the README's tables of settings and operations are the declared ones, and what it tells users of clients to
/// write is what the clients' own programs do.
// One test, as two that write the same file would be in each other's way.
#[test]
fn the_readme_says_what_the_sources_do() {
    check("settings", &shardmill::config::settings_table_markdown());
    check("operations", &shardmill::operation::names::operations_table_markdown());
    for (program, language) in PROGRAMS {
        let path = root().join("tests/clients").join(program);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        check(program, &excerpt(&text, language));
    }
}

/// Protects: this test's own eyes.
#[test]
fn excerpts_are_what_is_marked() {
    let text = "a\n    // readme:begin\n    b\n\n      c\n    // readme:end\nd\n";
    assert_eq!(excerpt(text, "rust"), "```rust\nb\n\n  c\n```\n");
}
