//! Who may see whom: the rooms of `src` in layers, and no `use` that goes upwards.
//!
//! Each room names the rooms it uses; a room may only name rooms above it in the table, so the table itself cannot
//! have a circle. What is only for tests is left out: a test may look wherever it likes.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{SourceFile, code_lines, shipped_files};

/// The rooms, lowest first, and what each may see.
const ROOMS: &[(&str, &[&str])] = &[
    ("heap", &[]),
    ("sync", &[]),
    ("limits", &[]),
    ("pool", &[]),
    ("error", &[]),
    ("document", &[]),
    ("clock", &[]),
    ("faults", &[]),
    ("transitions", &[]),
    ("names", &["limits"]),
    ("config", &["limits", "names", "transitions"]),
    ("credentials", &["names"]),
    ("policy", &["names"]),
    ("log", &["sync", "limits", "pool"]),
    ("memory", &["limits", "config", "log"]),
    ("shard", &["sync", "pool", "clock", "names", "log"]),
    ("router", &["names", "shard"]),
    ("control", &["clock", "limits", "transitions", "names", "policy", "log", "shard", "router"]),
    (
        "operation",
        &[
            "limits",
            "error",
            "document",
            "clock",
            "faults",
            "transitions",
            "names",
            "credentials",
            "policy",
            "log",
            "shard",
            "router",
            "control",
        ],
    ),
    (
        "protocol",
        &[
            "limits",
            "pool",
            "error",
            "document",
            "names",
            "credentials",
            "log",
            "shard",
            "control",
            "operation",
        ],
    ),
    ("persist", &["limits", "names", "policy", "log", "shard", "router", "control", "operation", "protocol"]),
    ("http", &["limits", "pool", "document", "memory", "operation", "persist", "protocol"]),
    (
        "server",
        &[
            "limits",
            "clock",
            "faults",
            "transitions",
            "config",
            "credentials",
            "memory",
            "shard",
            "control",
            "operation",
            "persist",
            "http",
        ],
    ),
    ("in_memory", &["clock", "config", "memory", "operation", "http", "server"]),
    ("cli", &["clock", "config", "control", "persist", "server"]),
];

/// The files that wire the rooms together, which see everything and which no room may see.
const WIRING: &[&str] = &["lib", "main"];

/// The room of a file, and how many `super::` lead from it to the crate's root.
fn place_of(path: &str) -> (String, usize) {
    let parts: Vec<_> = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    let depth = if parts.last() == Some(&"mod") { parts.len() - 1 } else { parts.len() };
    (parts[0].to_owned(), depth)
}

/// The rooms that a file names, by `crate::` or by a `super::` that leads out of its room.
fn rooms_named_in(file: &SourceFile) -> BTreeSet<String> {
    let (_, depth) = place_of(&file.path);
    let code: String = code_lines(&file.text).flat_map(|(_, line)| [line, "\n"]).collect();
    let from_root = ["crate::".to_owned(), "super::".repeat(depth)];
    let mut rooms = BTreeSet::new();
    for prefix in &from_root {
        for (at, _) in code.match_indices(prefix.as_str()) {
            let starts_a_path = !code[..at].ends_with(|letter: char| is_name(letter) || letter == ':');
            if starts_a_path {
                rooms.extend(first_names(&code[at + prefix.len()..]));
            }
        }
    }
    rooms
}

/// The first name of a path, or those of each path in braces.
fn first_names(path: &str) -> Vec<String> {
    let name = |path: &str| path.trim_start().chars().take_while(|letter| is_name(*letter)).collect();
    let Some(list) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut depth, mut paths) = (0, vec![String::new()]);
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => paths.push(String::new()),
            _ => paths.last_mut().expect("never empty").push(letter),
        }
    }
    paths.iter().map(|path| name(path)).filter(|name: &String| !name.is_empty()).collect()
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Protects: the direction of every `use` in the crate; and that the table names each room and no room that is gone.
#[test]
fn rooms_look_down() {
    let allowed: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut faults = Vec::new();
    for file in shipped_files() {
        let (room, _) = place_of(&file.path);
        if WIRING.contains(&room.as_str()) {
            continue;
        }
        let Some(may_see) = allowed.get(room.as_str()) else {
            faults.push(format!("{}: {room} is not in the table", file.path));
            continue;
        };
        for other in rooms_named_in(&file) {
            if other != room && !may_see.contains(&other.as_str()) {
                faults.push(format!("{}: {room} must not see {other}", file.path));
            }
            named.entry(room.clone()).or_default().insert(other);
        }
    }
    for (room, may_see) in ROOMS {
        let sees = named.get(*room).cloned().unwrap_or_default();
        let unused = may_see.iter().filter(|other| !sees.contains(**other));
        faults.extend(unused.map(|other| format!("the table lets {room} see {other}, and it does not look")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Protects: the table, which could otherwise allow a circle.
#[test]
fn the_table_has_no_circle() {
    for (index, (room, may_see)) in ROOMS.iter().enumerate() {
        for other in *may_see {
            let is_below = ROOMS[..index].iter().any(|(below, _)| below == other);
            assert!(is_below, "{room} is not above {other}");
        }
    }
}

/// Protects: this test's own eyes: every form in which a room can be named.
#[test]
fn every_form_is_seen() {
    let text = "use crate::one;\nuse crate::{two::A, three::{B, C},\n    four};\nuse super::super::five::D;\n\
                use super::sibling;\nfn f() { crate::six::g(); }\n// crate::seven\nuse other_crate::eight;\n";
    let file = SourceFile { path: "src/room/file.rs".to_owned(), text: text.to_owned() };
    let named = rooms_named_in(&file);
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["five", "four", "one", "six", "three", "two"]);
    assert_eq!(place_of("src/clock.rs"), ("clock".to_owned(), 1));
    assert_eq!(place_of("src/room/mod.rs"), ("room".to_owned(), 1));
    assert_eq!(place_of("src/room/part/mod.rs"), ("room".to_owned(), 2));
}
