//! Answers written out by hand from the reference, whole, one line each: `tests/data/expectations`.
//!
//! A file is a number of sections, each with a server of its own:
//!
//! ```text
//! # A comment.
//! = What the section is about
//! @ --latency-ms 500                                  a setting of its server
//! - | CreateStream | {"StreamName":"s"} => 200        a request that is needed first
//! no_stream | DeleteStream | {"StreamName":"t"} => 400 {"__type":"ResourceNotFoundException","message":"..."}
//! no_credentials | GET / | $list | => 403 [] <MissingAuthenticationTokenException>⏎...
//! > advance 500                                       the clock, in ms
//! > keep token NextToken                              a member of the last answer, called $token from here on
//! > repeat                                            the next request, until it is not answered with 200
//! > hold                                              the next answer, which does not end, without its body
//! ```
//!
//! The first column names the message that the line is an example of. A request is an operation and its body, signed and
//! in JSON, `PutRecord by guest` with that user's own key, or a method and path, header fields, and a body. An answer is its status, its media type where one is given
//! in brackets, and its whole body. `cbor` before a body is the document in CBOR, `hex` bytes, `<a*129>` `a` 129 times,
//! `⏎` a line break.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::Regex;
use serde_json::Value;
use shardmill::config::{Config, Invocation};
use shardmill::operation::refusals::{self, Given, Row};

use crate::cbor;
use crate::client::{Answer, Connection, request};
use crate::setup::{JSON, SIGNED, TestServer, call};
use crate::signer::Signer;
use crate::source::{SourceFile, code_lines, root, shipped_files};

/// A request that is not refused after so many tries never will be.
const REPEATED_MAX: usize = 10_000;
/// The files, in the order of the reference.
const FILES: [&str; 7] =
    ["dispatch", "signatures", "types", "constraints", "errors", "settings", "superseded"];
/// The name of a line that is no example of any message.
const NEEDED_FIRST: &str = "-";

/// A line that is an example of a message.
struct Example {
    /// The message's name.
    message: String,
    /// What its server was told at its start.
    settings: Vec<String>,
    /// What the answer says: exceptions, and their messages.
    says: Vec<(String, Option<String>)>,
}

/// Asks all that is in the files, and fails unless it is answered as it says there.
fn play() -> Vec<Example> {
    let mut examples = Vec::new();
    let mut faults = Vec::new();
    for file in FILES {
        let path = root().join(format!("tests/data/expectations/{file}.txt"));
        let text = std::fs::read_to_string(path).expect("a file of expectations");
        let mut stage: Option<Stage> = None;
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with('=') {
                stage = Some(Stage::default());
            } else if !line.is_empty() && !line.starts_with('#') {
                let stage = stage.as_mut().unwrap_or_else(|| panic!("{file}.txt:{number} is in no section"));
                match stage.step(line) {
                    Ok(example) => examples.extend(example),
                    Err(fault) => faults.push(format!("{file}.txt:{number}: {fault}")),
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    examples
}

/// Protects: the words of the reference, as someone read them there: a validator and a test made from one model would
/// agree in any mistake. And the table of messages: each is given by a request, when and as the table says.
#[test]
fn answers_are_as_the_reference_has_them() {
    let examples = play();
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for row in refusals::rows() {
        assert!(names.insert(row.name), "there are two messages {}", row.name);
        let of_row: Vec<_> = examples.iter().filter(|example| example.message == row.name).collect();
        let is_said = |example: &&Example| example.says.iter().any(|said| matches(row, said));
        let is_proved = match row.given {
            Given::Always => !of_row.is_empty() && of_row.iter().all(is_said),
            Given::With(flag) => {
                let is_set = |example: &&Example| example.settings.iter().any(|setting| setting == flag);
                !of_row.is_empty() && of_row.iter().all(is_said) && of_row.iter().all(is_set)
            }
            Given::Broken(test) => of_row.is_empty() && is_test(test),
            Given::Superseded(_) => !of_row.is_empty() && !of_row.iter().any(is_said),
        };
        if !is_proved {
            faults.push(format!("no example, or a wrong one: {row:?}"));
        }
    }
    let strange = examples.iter().filter(|example| !names.contains(example.message.as_str()));
    faults.extend(strange.map(|example| format!("there is no message {}", example.message)));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    println!("{} examples of {} messages", examples.len(), names.len());
    assert!(examples.len() > 250, "only {} examples", examples.len());
}

/// Protects: the table's claim to be all: no text of an error stands anywhere else.
#[test]
fn messages_are_in_their_table() {
    let made = ["ApiError::new(", "ApiError::bare(", "ApiError { kind"];
    let is_elsewhere =
        |file: &&SourceFile| !file.path.starts_with("src/operation/refusals/") && file.path != "src/error.rs";
    let mut faults = Vec::new();
    for file in shipped_files().iter().filter(is_elsewhere) {
        let lines = code_lines(&file.text).filter(|(_, line)| made.iter().any(|made| line.contains(made)));
        faults.extend(lines.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether this is an exception with the row's name and text, or with its text for a part.
fn matches(row: &Row, (exception, message): &(String, Option<String>)) -> bool {
    let slot = Regex::new(r"\{[A-Za-z0-9_]+\}").expect("a pattern");
    let text = row.text.map(|text| slot.split(text).map(regex::escape).collect::<Vec<_>>().join("(?s:.*)"));
    let pattern = match (row.kind, text) {
        (Some(kind), _) if kind.name() != exception => return false,
        (Some(_), None) => return message.is_none(),
        (Some(_), Some(text)) => format!("^{text}$"),
        (None, text) => text.expect("a part has a text"),
    };
    let message = message.as_deref().unwrap_or_default();
    Regex::new(&pattern).expect("a pattern").is_match(message)
}

/// Whether there is a test, given as `file::name`.
fn is_test(test: &str) -> bool {
    let (file, name) = test.split_once("::").expect("a file and a name");
    std::fs::read_to_string(root().join(file)).is_ok_and(|text| text.contains(&format!("fn {name}()")))
}

/// The exceptions of an answer, or of its entries, and their messages.
fn says(told: &str) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let Some(at) = told.find(['{', '<']) else { return Vec::new() };
    let body = &told[at..];
    let Ok(json) = serde_json::from_str::<Value>(body) else {
        let (exception, rest) = body[1..].split_once(['>', '/']).expect("a name");
        let message = rest.split_once("<Message>").and_then(|(_, rest)| rest.split_once("</Message>"));
        return vec![(exception.to_owned(), message.map(|(message, _)| message.to_owned()))];
    };
    if let Some(exception) = text(&json["__type"]) {
        return vec![(exception, text(&json["message"]).or_else(|| text(&json["Message"])))];
    }
    let entries = json["Records"].as_array().into_iter().flatten();
    entries.filter_map(|entry| Some((text(&entry["ErrorCode"])?, text(&entry["ErrorMessage"])))).collect()
}

/// A section that is being played.
#[derive(Default)]
struct Stage {
    settings: Vec<String>,
    server: Option<(TestServer, Connection)>,
    kept: BTreeMap<String, String>,
    last: Option<Answer>,
    repeats: bool,
    holds: bool,
    /// Connections with answers that go on.
    held: Vec<Connection>,
}

impl Stage {
    /// Does what a line says.
    fn step(&mut self, line: &str) -> Result<Option<Example>, String> {
        if let Some(setting) = line.strip_prefix("@ ") {
            assert!(self.server.is_none(), "a setting comes before the first request");
            self.settings.extend(setting.split(' ').map(str::to_owned));
            return Ok(None);
        }
        if let Some(order) = line.strip_prefix("> ") {
            self.obey(order);
            return Ok(None);
        }
        let (asked, expected) = line.split_once("=> ").ok_or("neither a request nor an order")?;
        let asked: Vec<_> = asked.split(" | ").map(|part| self.written_out(part.trim())).collect();
        let answer = self.ask(&asked[1..]);
        let expected = self.written_out(expected);
        let told = told(&answer, expected.get(3..).is_some_and(|rest| rest.starts_with(" [")));
        self.last = Some(answer);
        let is_enough = asked[0] == NEEDED_FIRST && told.starts_with(&expected);
        if !is_enough && told != expected {
            let short = |text: &str| text.chars().take(600).collect::<String>();
            return Err(format!("{}\n is answered {}\n not {}", short(line), short(&told), short(&expected)));
        }
        Ok((asked[0] != NEEDED_FIRST).then(|| Example {
            message: asked[0].clone(),
            settings: self.settings.clone(),
            says: says(&told),
        }))
    }

    fn obey(&mut self, order: &str) {
        match order.split(' ').collect::<Vec<_>>()[..] {
            ["advance", ms] => {
                let (server, _) = self.server();
                server.clock.advance(Duration::from_millis(ms.parse().expect("milliseconds")));
            }
            ["keep", name, member] => {
                let value = self.last.as_ref().expect("an answer").json()[member].take();
                let value = value.as_str().unwrap_or_else(|| panic!("no {member}")).to_owned();
                self.kept.insert(name.to_owned(), value);
            }
            ["repeat"] => self.repeats = true,
            ["hold"] => self.holds = true,
            _ => panic!("no order: {order}"),
        }
    }

    fn server(&mut self) -> &mut (TestServer, Connection) {
        let settings = &self.settings;
        self.server.get_or_insert_with(|| {
            let defaults = ["shardmill", "--port", "0", "--latency-ms", "0"].map(str::to_owned);
            // A flag may be given once.
            let defaults = match settings.iter().any(|setting| setting == "--latency-ms") {
                true => &defaults[..3],
                false => &defaults[..],
            };
            let Ok(Invocation::Serve { config, .. }) = Config::resolve(defaults.iter().chain(settings), [])
            else {
                panic!("no settings: {settings:?}")
            };
            let server = TestServer::with(*config);
            let connection = server.connect();
            (server, connection)
        })
    }

    fn ask(&mut self, asked: &[String]) -> Answer {
        let bytes = match asked {
            [operation, body] if !operation.contains(' ') => call(operation, body),
            [asked, body] if asked.contains(" by ") => {
                let (operation, user) = asked.split_once(" by ").expect("an operation and a user");
                Signer::of(user).post(operation, JSON, body.as_bytes())
            }
            [line, fields @ .., body] => {
                let fields = fields.iter().flat_map(|field| field.split('⏎'));
                let fields = fields.map(|field| field.split_once(": ").expect("a field"));
                request(line, &fields.collect::<Vec<_>>(), &body_bytes(body))
            }
            _ => panic!("no request: {asked:?}"),
        };
        if std::mem::take(&mut self.holds) {
            let mut connection = self.server().0.connect();
            connection.send(bytes);
            let answer = connection.begin_answer();
            self.held.push(connection);
            return answer;
        }
        let tries = if std::mem::take(&mut self.repeats) { REPEATED_MAX } else { 1 };
        let (_, connection) = self.server();
        let mut ask = || {
            connection.send(&bytes);
            connection.answer()
        };
        let mut answer = ask();
        for _ in 1..tries {
            if answer.status != 200 {
                break;
            }
            answer = ask();
        }
        answer
    }

    /// A part of a line with all that is short in it written out.
    fn written_out(&self, text: &str) -> String {
        let [(authorization, credential), (date_name, date)] = SIGNED;
        let mut text = text
            .replace("$signed", &format!("{authorization}: {credential}⏎{date_name}: {date}"))
            .replace("$json", &format!("Content-Type: {JSON}"))
            .replace("$cbor", "Content-Type: application/x-amz-cbor-1.1")
            .replace("$list", "X-Amz-Target: Kinesis_20131202.ListStreams");
        for (name, value) in &self.kept {
            text = text.replace(&format!("${name}"), value);
        }
        repeated(&text)
    }
}

/// A text with `text` instead of each `<text*1>`; what is repeated may hold something repeated.
fn repeated(text: &str) -> String {
    let (mut written, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('>') {
        written.push_str(before);
        rest = after;
        let times = written.rfind('<').and_then(|start| {
            let (what, times) = written[start + 1..].rsplit_once('*')?;
            Some((start, what.repeat(times.parse().ok()?)))
        });
        match times {
            Some((start, times)) => written.replace_range(start.., &times),
            None => written.push('>'),
        }
    }
    written + rest
}

/// An answer as the files write it.
fn told(answer: &Answer, with_media_type: bool) -> String {
    let media_type = answer.header("content-type").unwrap_or_default();
    let body = match media_type {
        "application/x-amz-cbor-1.1" => format!("cbor {}", texts(&cbor::document(answer))),
        _ => answer.text().replace('\n', "⏎"),
    };
    let media_type = if with_media_type { format!(" [{media_type}]") } else { String::new() };
    format!("{}{media_type} {body}", answer.status).trim_end().to_owned()
}

/// A document of texts only, as an error is.
fn texts(document: &ciborium::Value) -> Value {
    let text = |value: &ciborium::Value| value.as_text().expect("a text").to_owned();
    let members = document.as_map().expect("a map").iter();
    Value::Object(members.map(|(name, value)| (text(name), text(value).into())).collect())
}

fn body_bytes(text: &str) -> Vec<u8> {
    let Some(digits) = text.strip_prefix("hex ") else { return text.as_bytes().to_vec() };
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}
