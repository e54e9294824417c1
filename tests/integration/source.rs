//! The project's own Rust files, read as text: where they are, which lines are tests, which lines are code.
//!
//! It relies on rustfmt: an item that starts at some indentation ends at the next `}` of the same indentation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One Rust file.
pub(crate) struct SourceFile {
    /// Below the project's root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The project's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below these folders of the project, by path. A folder that does not exist has none.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut files);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            files.push(SourceFile { path: below_root(&path), text });
        }
    }
}

fn below_root(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The files of `src` without those that exist for tests only, each without its test items.
pub(crate) fn shipped_files() -> Vec<SourceFile> {
    let mut files = rust_files(&["src"]);
    let mut test_files = BTreeSet::new();
    for file in &mut files {
        let split = split_tests(&file.text);
        test_files.extend(split.test_modules.iter().flat_map(|module| files_of(&file.path, module)));
        file.text = split.shipped;
    }
    files.retain(|file| !test_files.contains(&file.path));
    files
}

/// A module that lives in a file of its own.
struct OutOfLine {
    name: String,
    /// The value of its `path` attribute.
    path: Option<String>,
}

struct Split {
    shipped: String,
    test_modules: Vec<OutOfLine>,
}

/// Parts what is compiled for tests only from the rest.
fn split_tests(text: &str) -> Split {
    let mut split = Split { shipped: String::new(), test_modules: Vec::new() };
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let is_for_tests =
            line.trim_start().starts_with("#[cfg(") && line.contains("test") && !line.contains("not(test)");
        if !is_for_tests {
            split.shipped.push_str(line);
            split.shipped.push('\n');
            continue;
        }
        let indent = indent_of(line);
        let mut path = None;
        // Other attributes, then the item.
        let item = lines.by_ref().find(|line| {
            let value = line.trim().strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]"));
            path = value.map(str::to_owned).or_else(|| path.take());
            !line.trim_start().starts_with("#[")
        });
        let item = item.unwrap_or_default();
        if let Some(name) = item.trim().strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            split.test_modules.push(OutOfLine { name: name.to_owned(), path });
        } else if !item.ends_with([';', ',', '}']) {
            lines.by_ref().find(|line| indent_of(line) == indent && line.trim_start().starts_with('}'));
        }
    }
    split
}

/// Where the file of a module may be that is declared in `parent`.
fn files_of(parent: &str, module: &OutOfLine) -> Vec<String> {
    let parent = PathBuf::from(parent);
    let folder = parent.parent().map(Path::to_owned).unwrap_or_default();
    let places = match &module.path {
        Some(path) => vec![folder.join(path)],
        None => {
            let is_root = ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| parent.ends_with(name));
            let inside = if is_root { folder } else { parent.with_extension("") };
            vec![inside.join(format!("{}.rs", module.name)), inside.join(&module.name).join("mod.rs")]
        }
    };
    places
        .iter()
        .map(|place| place.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"))
        .collect()
}

/// Blanks at the start of a line.
pub(crate) fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines of a text that are not comments, with their numbers from 1.
pub(crate) fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Protects: test items are cut out whole, in each form the project writes them in, and nothing else is.
#[test]
fn tests_are_told_from_the_rest() {
    let text = "use crate::a;\n\
                #[cfg(test)]\nuse crate::b;\n\
                #[cfg(test)]\n#[path = \"c_tests.rs\"]\nmod tests;\n\
                #[cfg(all(test, not(shardmill_loom)))]\nmod d {\n    use crate::e;\n    fn f() {}\n}\n\
                #[cfg(not(test))]\nuse crate::g;\n\
                #[cfg(test)]\nmod h;\n\
                use crate::i;\n";
    let split = split_tests(text);
    assert_eq!(split.shipped, "use crate::a;\n#[cfg(not(test))]\nuse crate::g;\nuse crate::i;\n");
    let files: Vec<_> =
        split.test_modules.iter().flat_map(|module| files_of("src/room/c.rs", module)).collect();
    assert_eq!(files, ["src/room/c_tests.rs", "src/room/c/h.rs", "src/room/c/h/mod.rs"]);
}
