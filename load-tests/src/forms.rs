//! Requests in the form of real clients: a captured request (`perf/bodies`) of one or two records becomes one of as many
//! records as wanted, with other data and keys, and everything else as the client wrote it: header fields, spaces, order
//! of members, escapes.
//!
//! Only four values change: `Data`, the hexadecimal digits that end a `PartitionKey` (what is before them, escapes
//! included, stays), `ExplicitHashKey`, and `ShardIterator`. The declared length follows the body.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::payload::{KEY_CHARS, Payloads, RecordId};

/// How a client writes a request.
#[derive(Debug)]
pub struct Form {
    /// The client: the folder of the capture.
    pub client: String,
    /// What is requested: the capture's file name without its ending.
    pub name: String,
    /// The head up to the digits of its Content-Length, and from there to the end of the empty line.
    head: [Vec<u8>; 2],
    /// What the body's records repeat in turn. One that is the whole body if it has no list of records.
    records: Vec<Vec<Piece>>,
    before: Vec<u8>,
    between: Vec<u8>,
    after: Vec<u8>,
}

/// What a record or a body without records is made of.
#[derive(Debug)]
enum Piece {
    /// As captured.
    Text(Vec<u8>),
    /// Data, in base64.
    Data,
    /// So many hexadecimal digits, the end of a partition key.
    KeyDigits(usize),
    /// A decimal number of 128 bits.
    HashKey,
    /// A shard iterator.
    Iterator,
}

/// The values that take the places of the captured ones.
pub trait Values {
    /// Appends the base64 text of a record's data.
    fn data(&self, record: u64, out: &mut Vec<u8>);
    /// The partition key of a record; its last digits are used.
    fn key(&self, record: u64) -> [u8; KEY_CHARS];
    /// The explicit hash key of a record.
    fn hash_key(&self, record: u64) -> u128;
    /// The iterator to read from.
    fn iterator(&self) -> &[u8];
}

/// Why a capture is of no use.
#[derive(Debug)]
pub struct FormError(pub String);

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a captured request: {}", self.0)
    }
}

impl std::error::Error for FormError {}

impl Form {
    /// All captures below a folder, which holds a folder per client; by name, then client.
    ///
    /// # Errors
    /// The folder cannot be read or has none, or a capture is of no use.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, FormError> {
        let failed =
            |path: &Path, error: &dyn fmt::Display| FormError(format!("{}: {error}", path.display()));
        let paths = |folder: &Path| -> Result<Vec<_>, FormError> {
            let entries = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
            entries.map(|entry| Ok(entry.map_err(|error| failed(folder, &error))?.path())).collect()
        };
        let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let mut forms = Vec::new();
        for client in paths(folder)?.into_iter().filter(|path| path.is_dir()) {
            for path in paths(&client)? {
                if path.extension().is_some_and(|extension| extension == "http") {
                    let captured = fs::read(&path).map_err(|error| failed(&path, &error))?;
                    let form = Self::parse(part(client.file_name()), part(path.file_stem()), &captured);
                    forms.push(form.map_err(|error| failed(&path, &error))?);
                }
            }
        }
        if forms.is_empty() {
            return Err(failed(folder, &"no captures"));
        }
        forms.sort_by(|a, b| (&a.name, &a.client).cmp(&(&b.name, &b.client)));
        Ok(forms)
    }

    /// Takes a captured request apart.
    ///
    /// # Errors
    /// It is no request with a declared length and a body of the expected kind.
    pub fn parse(client: String, name: String, captured: &[u8]) -> Result<Self, FormError> {
        let missing = |what: &str| FormError(format!("no {what}"));
        let end = captured.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, body) = captured.split_at(end.ok_or_else(|| missing("end of its head"))? + 4);
        let head = split_head(head).ok_or_else(|| missing("Content-Length"))?;
        let tokens = Token::all(body).ok_or_else(|| missing("end of a string"))?;
        let list = tokens.iter().find(|token| token.is(body, b'['));
        let (records, before, between, after) = match list {
            None => (vec![pieces(body, 0..body.len(), &tokens)], 0..0, 0..0, 0..0),
            Some(list) => {
                let objects = objects_behind(body, list.start, &tokens);
                let [first, .., last] = objects.as_slice() else { return Err(missing("second record")) };
                let second = objects.get(1).unwrap_or(last);
                let records = objects.iter().map(|object| pieces(body, object.clone(), &tokens)).collect();
                (records, 0..first.start, first.end..second.start, last.end..body.len())
            }
        };
        let [before, between, after] = [before, between, after].map(|range| body[range].to_vec());
        Ok(Self { client, name, head, records, before, between, after })
    }

    /// A request of this form: of the records `first..first + count` if it has a list of records, else of the first.
    pub fn request(&self, values: &impl Values, first: u64, count: u64) -> Vec<u8> {
        let count = if self.before.is_empty() { 1 } else { count };
        let mut body = self.before.clone();
        for (number, record) in (first..first + count).zip(self.records.iter().cycle()) {
            if number > first {
                body.extend_from_slice(&self.between);
            }
            for piece in record {
                piece.write(values, number, &mut body);
            }
        }
        body.extend_from_slice(&self.after);
        let [before, after] = &self.head;
        [before, body.len().to_string().as_bytes(), after, &body].concat()
    }
}

impl Piece {
    fn write(&self, values: &impl Values, record: u64, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => out.extend_from_slice(text),
            Self::Data => values.data(record, out),
            Self::KeyDigits(count) => {
                out.extend_from_slice(&values.key(record)[KEY_CHARS.saturating_sub(*count)..]);
            }
            Self::HashKey => out.extend_from_slice(values.hash_key(record).to_string().as_bytes()),
            Self::Iterator => out.extend_from_slice(values.iterator()),
        }
    }
}

/// The head without the digits of its Content-Length.
fn split_head(head: &[u8]) -> Option<[Vec<u8>; 2]> {
    const NAME: &[u8] = b"\r\ncontent-length:";
    let at = head.windows(NAME.len()).position(|window| window.eq_ignore_ascii_case(NAME))? + NAME.len();
    let start = at + head[at..].iter().position(u8::is_ascii_digit)?;
    let end = start + head[start..].iter().position(|byte| !byte.is_ascii_digit())?;
    Some([head[..start].to_vec(), head[end..].to_vec()])
}

/// A string without its quotes, or one byte outside of strings.
#[derive(Debug, Clone, Copy)]
struct Token {
    start: usize,
    end: usize,
    is_string: bool,
}

impl Token {
    /// The tokens of a JSON text; `None` if a string does not end.
    fn all(text: &[u8]) -> Option<Vec<Self>> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            let mut token = Self { start: at, end: at + 1, is_string: *byte == b'"' };
            if token.is_string {
                (token.start, token.end) = (at + 1, at + 1);
                while *text.get(token.end)? != b'"' {
                    token.end += if text[token.end] == b'\\' { 2 } else { 1 };
                }
            }
            at = token.end + usize::from(token.is_string);
            if !byte.is_ascii_whitespace() {
                tokens.push(token);
            }
        }
        Some(tokens)
    }

    fn is(&self, text: &[u8], byte: u8) -> bool {
        !self.is_string && text[self.start] == byte
    }
}

/// The objects of the list that opens at `list`. Records hold no objects themselves.
fn objects_behind(body: &[u8], list: usize, tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
    let inside = || tokens.iter().filter(|token| token.start > list);
    let close = inside().find(|token| token.is(body, b']')).map_or(list, |token| token.start);
    let starts = inside().filter(|token| token.is(body, b'{')).map(|token| token.start);
    let ends = inside().filter(|token| token.is(body, b'}')).map(|token| token.end);
    starts.zip(ends).map(|(start, end)| start..end).take_while(|object| object.end <= close).collect()
}

/// The pieces of a part of the body.
fn pieces(body: &[u8], part: std::ops::Range<usize>, tokens: &[Token]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut written = part.start;
    for window in tokens.windows(3) {
        let [name, colon, value] = *window else { continue };
        let inside = name.start >= part.start && value.end < part.end;
        if !(inside && name.is_string && colon.is(body, b':') && value.is_string) {
            continue;
        }
        let text = &body[value.start..value.end];
        let (start, piece) = match &body[name.start..name.end] {
            b"Data" => (value.start, Piece::Data),
            b"PartitionKey" => {
                let digits =
                    text.iter().rev().take_while(|byte| byte.is_ascii_hexdigit()).count().min(KEY_CHARS);
                (value.end - digits, Piece::KeyDigits(digits))
            }
            b"ExplicitHashKey" => (value.start, Piece::HashKey),
            b"ShardIterator" => (value.start, Piece::Iterator),
            _ => continue,
        };
        pieces.push(Piece::Text(body[written..start].to_vec()));
        pieces.push(piece);
        written = value.end;
    }
    pieces.push(Piece::Text(body[written..part.end].to_vec()));
    pieces
}

/// The values of a load test's records.
#[derive(Debug)]
pub struct PayloadValues<'a> {
    /// Data and keys.
    pub payloads: &'a Payloads,
    /// Whose records these are.
    pub producer: u16,
    /// For the forms that read.
    pub iterator: &'a [u8],
}

impl Values for PayloadValues<'_> {
    fn data(&self, record: u64, out: &mut Vec<u8>) {
        self.payloads.write_data(RecordId::new(self.producer, record), out);
    }

    fn key(&self, record: u64) -> [u8; KEY_CHARS] {
        self.payloads.key(RecordId::new(self.producer, record))
    }

    /// The 80 bits of the partition key, moved to the top: as evenly spread as those.
    fn hash_key(&self, record: u64) -> u128 {
        let digit = |byte: u8| u128::from(char::from(byte).to_digit(16).unwrap_or_default());
        self.key(record).into_iter().fold(0, |bits, byte| bits << 4 | digit(byte)) << 48
    }

    fn iterator(&self) -> &[u8] {
        self.iterator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures() -> Vec<Form> {
        Form::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../perf/bodies")).unwrap()
    }

    fn captured(form: &Form) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../perf/bodies").join(&form.client);
        fs::read(folder.join(format!("{}.http", form.name))).unwrap()
    }

    /// The captured values themselves, found by plain search: none holds a quote, but for keys with escapes.
    struct Own(String);

    impl Own {
        fn of(&self, member: &str, record: u64) -> &str {
            let place = usize::try_from(record).unwrap() + 1;
            let behind_name = self.0.split(&format!("\"{member}\":")).nth(place).unwrap();
            let (_, value) = behind_name.split_once('"').unwrap();
            let mut ends = value.match_indices('"').map(|(at, _)| at);
            &value[..ends.find(|at| !value[..*at].ends_with('\\')).unwrap()]
        }
    }

    impl Values for Own {
        fn data(&self, record: u64, out: &mut Vec<u8>) {
            out.extend_from_slice(self.of("Data", record).as_bytes());
        }

        fn key(&self, record: u64) -> [u8; KEY_CHARS] {
            *self.of("PartitionKey", record).as_bytes().last_chunk().unwrap()
        }

        fn hash_key(&self, record: u64) -> u128 {
            self.of("ExplicitHashKey", record).parse().unwrap()
        }

        fn iterator(&self) -> &[u8] {
            self.of("ShardIterator", 0).as_bytes()
        }
    }

    /// With its own values, a form is the captured request again: nothing else was touched.
    #[test]
    fn a_form_keeps_what_the_client_wrote() {
        for form in captures() {
            let captured = captured(&form);
            let own = Own(String::from_utf8(captured.clone()).unwrap());
            let again = form.request(&own, 0, 2);
            assert_eq!(again.escape_ascii().to_string(), captured.escape_ascii().to_string());
        }
    }

    /// Longer requests declare their length and hold as many records as asked for, each with its own data and key.
    #[test]
    fn a_form_grows() {
        let payloads = Payloads::new(1, 100);
        let values = PayloadValues { payloads: &payloads, producer: 3, iterator: b"AAA=" };
        for form in captures() {
            let request = String::from_utf8(form.request(&values, 7, 25)).unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let length = format!("content-length: {}", body.len());
            assert!(head.lines().any(|line| line.eq_ignore_ascii_case(&length)), "{head}");
            if form.name.starts_with("get_records") {
                assert!(body.contains("\"AAA=\""), "{body}");
                continue;
            }
            let count = if form.name.starts_with("put_records") { 25 } else { 1 };
            assert_eq!(body.matches("\"Data\"").count(), count);
            for number in 7..7 + count as u64 {
                let id = RecordId::new(3, number);
                let mut data = Vec::new();
                payloads.write_data(id, &mut data);
                assert!(body.contains(std::str::from_utf8(&data).unwrap()), "{} {id}", form.name);
                let digits = payloads.key(id);
                let digits = std::str::from_utf8(&digits).unwrap();
                // The keys that are not all digits end in seven or eight.
                let tail = if form.name.ends_with("keys") { &digits[13..] } else { digits };
                assert!(body.contains(&format!("{tail}\"")), "{} {id}", form.name);
            }
        }
    }

    /// A capture that is cut off, or holds one record where two are needed, is refused, not misread.
    #[test]
    fn what_is_no_capture_is_refused() {
        let parse = |captured: &str| Form::parse("client".to_owned(), "form".to_owned(), captured.as_bytes());
        let head = "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n";
        assert!(parse("POST / HTTP/1.1\r\nContent-Length: 9\r\n").is_err());
        assert!(parse("POST / HTTP/1.1\r\nHost: h\r\n\r\n{}").is_err());
        assert!(parse(&format!("{head}{{\"Data\":\"AA")).is_err());
        assert!(parse(&format!("{head}{{\"Records\":[{{\"Data\":\"AAAA\"}}]}}")).is_err());
        assert!(parse(&format!("{head}{{\"Records\":[{{}},{{}}]}}")).is_ok());
    }
}
