//! Habits of the source that no compiler checks: headers, sizes, leftovers, and where `unsafe` may be.

use crate::source::{SourceFile, code_lines, indent_of, root, rust_files};

/// Every folder with Rust files of the project.
const FOLDERS: &[&str] = &["src", "tests", "benches", "load-tests", "perf"];

/// Lines of one file, at most.
const FILE_LINES_MAX: usize = 600;
/// Lines of one function, at most, from its name to its closing brace.
const FUNCTION_LINES_MAX: usize = 90;

/// What must not be left behind. Split, so that this file passes its own test.
const LEFTOVERS: &[&str] =
    &[concat!("dbg", "!("), concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ign", "ore")];

/// The keyword, split for the same reason.
const UNSAFE: &str = concat!("un", "safe");

/// The files that may hold it: the allocator that counts, advice on the heap's pages, the log's memory, vectors for
/// MD5, sequence numbers, Base64 and records, the token's grant, the facade over atomics and cells.
const UNSAFE_FILES: &[&str] = &[
    "perf/instructions/src/tally.rs",
    "src/heap.rs",
    "src/log/chunk.rs",
    "src/log/chunk_model.rs",
    "src/log/segment.rs",
    "src/names/md5_lanes.rs",
    "src/names/sequence_vectors.rs",
    "src/protocol/base64/decode.rs",
    "src/protocol/base64/encode.rs",
    "src/protocol/records/put_entries.rs",
    "src/protocol/records/run.rs",
    "src/shard/token.rs",
];
const UNSAFE_FOLDER: &str = "src/sync/";

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Protects: every file says first what it is.
#[test]
fn files_open_with_a_header() {
    let has_header = |file: &SourceFile| file.text.starts_with("//! ");
    let files = rust_files(FOLDERS);
    assert!(files.len() > 100, "only {} files were found", files.len());
    assert_none(
        &files.iter().filter(|file| !has_header(file)).map(|file| file.path.clone()).collect::<Vec<_>>(),
    );
}

/// Protects: nothing is left behind that was meant for a while, and no test is switched off.
#[test]
fn nothing_is_left_behind() {
    let mut faults = Vec::new();
    for file in rust_files(FOLDERS) {
        for (number, line) in code_lines(&file.text) {
            let found = LEFTOVERS.iter().filter(|leftover| line.contains(**leftover));
            faults.extend(found.map(|leftover| format!("{}:{number}: {leftover}", file.path)));
        }
    }
    assert_none(&faults);
}

/// Protects: the few places that promise more than the compiler can check stay few.
#[test]
fn promises_stay_in_their_files() {
    let mut faults = Vec::new();
    for file in rust_files(FOLDERS) {
        if UNSAFE_FILES.contains(&file.path.as_str()) || file.path.starts_with(UNSAFE_FOLDER) {
            continue;
        }
        let lines = code_lines(&file.text).filter(|(_, line)| has_word(line, UNSAFE));
        faults.extend(lines.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim())));
    }
    assert_none(&faults);
}

fn has_word(line: &str, word: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_name) && !line[at + word.len()..].starts_with(is_name))
}

/// Protects: files and functions that can be read in one go.
#[test]
fn files_and_functions_stay_short() {
    let mut faults = Vec::new();
    for file in rust_files(FOLDERS) {
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{} has {lines} lines; at most {FILE_LINES_MAX}", file.path));
        }
        let long = functions(&file.text).into_iter().filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
        faults.extend(long.map(|(name, lines)| {
            format!("{}: {name} has {lines} lines; at most {FUNCTION_LINES_MAX}", file.path)
        }));
    }
    assert_none(&faults);
}

/// Names of the functions of a file, and their lengths in lines.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<_> = text.lines().collect();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = indent_of(line);
        let end = lines[start..].iter().position(|line| {
            // A body's last line, or the last one of a declaration without a body.
            indent_of(line) == indent && (line.ends_with('}') || line.ends_with(';'))
        });
        functions.push((name.to_owned(), end.map_or(1, |end| end + 1)));
    }
    functions
}

/// The name of the function that this line begins.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for qualifier in ["pub ", "pub(crate) ", "pub(super) ", "const ", "async ", UNSAFE, " "] {
        rest = rest.strip_prefix(qualifier).unwrap_or(rest);
    }
    if rest.starts_with("pub(in ") {
        rest = rest.split_once(") ")?.1;
    }
    rest.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// Protects: the faults that are planted to try the gates go into the source as it is.
#[test]
fn planted_faults_apply() {
    let plants = std::fs::read_dir(root().join("load-tests/plants")).unwrap();
    let mut count = 0;
    for plant in plants {
        let path = plant.unwrap().path();
        let mut git = std::process::Command::new("git");
        let answer = git.current_dir(root()).args(["apply", "--check"]).arg(&path).output().unwrap();
        assert!(answer.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&answer.stderr));
        count += 1;
    }
    assert!(count > 1);
}

/// Protects: this test's own eyes: where functions begin and end.
#[test]
fn functions_are_measured() {
    let text = "fn one() {}\n\
                pub(crate) async fn two<T>(\n    a: T,\n) -> u8 {\n    3\n}\n\
                trait T {\n    fn three(&self);\n    fn four(\n        &self,\n    );\n}\n\
                fn five()\nwhere\n    u8: Copy,\n{\n    let f = |fn_like: u8| fn_like;\n}\n";
    let expected = [("one", 1), ("two", 5), ("three", 1), ("four", 3), ("five", 6)]
        .map(|(name, lines)| (name.to_owned(), lines));
    assert_eq!(functions(text), expected);
    assert!(has_word("a word b", "word") && !has_word("a_word words", "word"));
}
