//! `shardmill snapshot save|load|inspect`.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::config::{SnapshotAction, SnapshotTask};
use crate::control::SavedStream;
use crate::persist::file::{self, Readers};
use crate::persist::snapshot::{self, Item};
use crate::persist::{PersistError, Totals};

use super::endpoint::{Answer, Endpoint};

/// Where a server's state is.
const PATH: &str = "/_shardmill/snapshot";

/// What takes no longer than this is not told of on the way.
const PROGRESS_AFTER: Duration = Duration::from_secs(1);

/// Bytes of a server's refusal that are told, at most.
const REFUSAL_BYTES_MAX: u64 = 64 << 10;

/// Does what the command line says, and tells the result on stdout.
///
/// # Errors
/// Why it could not be done.
pub(super) fn run(task: &SnapshotTask) -> Result<(), Box<dyn std::error::Error>> {
    let SnapshotTask { action, file, json } = task;
    let text = match action {
        SnapshotAction::Save { endpoint, format } => save(file, &Endpoint::parse(endpoint)?, format, *json)?,
        SnapshotAction::Load { endpoint, replace } => {
            load(file, &Endpoint::parse(endpoint)?, *replace, *json)?
        }
        SnapshotAction::Inspect => inspect(file, *json)?,
    };
    // Whoever closed our stdout did not want the text.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn save(
    path: &Path,
    endpoint: &Endpoint,
    format: &str,
    json: bool,
) -> Result<String, Box<dyn std::error::Error>> {
    let Answer { status, mut body } = endpoint.get(&format!("{PATH}?format={format}"))?;
    if status != 200 {
        return Err(refusal(status, body).into());
    }
    let mut progress = Progress::new("saved", json);
    let readers = if format == "snapshot" { Readers::Owner } else { Readers::Usual };
    let bytes = file::replace(path, readers, |out| {
        let mut copied = Copied { input: progress.over(&mut body), out };
        if format == "snapshot" {
            // Checked on its way, to the last block: what is kept is whole.
            snapshot::read(&mut copied, |_, _| Ok(()))?;
        } else {
            io::copy(&mut copied, &mut io::sink())?;
        }
        Ok(copied.input.bytes)
    })?;
    Ok(match json {
        true => format!("{{\"file\":{},\"bytes\":{bytes}}}\n", quoted(&path.display().to_string())),
        false => format!("saved {} ({})\n", path.display(), size(bytes)),
    })
}

fn load(
    path: &Path,
    endpoint: &Endpoint,
    replace: bool,
    json: bool,
) -> Result<String, Box<dyn std::error::Error>> {
    let input = File::open(path).map_err(|error| PersistError::from(error).of(path))?;
    let mut progress = Progress::new("sent", json);
    let Answer { status, mut body } =
        endpoint.put(&format!("{PATH}?replace={replace}"), progress.over(input))?;
    if status != 200 {
        return Err(format!("{}: {}", path.display(), refusal(status, body)).into());
    }
    let mut answer = String::new();
    body.read_to_string(&mut answer)?;
    Ok(if json { format!("{answer}\n") } else { format!("loaded {}: {answer}\n", path.display()) })
}

fn inspect(path: &Path, json: bool) -> Result<String, Box<dyn std::error::Error>> {
    let of_file = |error: PersistError| error.of(path);
    let input = File::open(path).map_err(|error| of_file(error.into()))?;
    let mut progress = Progress::new("checked", json);
    let input = io::BufReader::with_capacity(256 << 10, progress.over(input));
    let (mut taken_ms, mut streams) = (0, Vec::<(SavedStream, u64)>::new());
    let totals = snapshot::read(input, |item, _| {
        match item {
            Item::Head(head) => taken_ms = head.taken_ms,
            Item::Stream(stream) => streams.push((stream, 0)),
            Item::Run(run) => {
                if let Some((_, records)) = streams.last_mut() {
                    *records += run.records.len() as u64;
                }
            }
        }
        Ok(())
    });
    let totals = totals.map_err(of_file)?;
    Ok(if json { inspected_json(taken_ms, totals, &streams) } else { inspected(taken_ms, totals, &streams) })
}

fn inspected(taken_ms: u64, totals: Totals, streams: &[(SavedStream, u64)]) -> String {
    let Totals { records, record_bytes, .. } = totals;
    let mut text = format!("taken {}; {records} records, {}\n", time_text(taken_ms), size(record_bytes));
    for (stream, records) in streams {
        let (shards, consumers) = (stream.shards.len(), stream.consumers.len());
        text.push_str(&format!(
            "{}: {shards} shards, {records} records, {consumers} consumers\n",
            stream.arn
        ));
    }
    text
}

fn inspected_json(taken_ms: u64, totals: Totals, streams: &[(SavedStream, u64)]) -> String {
    let Totals { records, record_bytes, .. } = totals;
    let streams = streams.iter().map(|(stream, records)| {
        let (shards, consumers) = (stream.shards.len(), stream.consumers.len());
        let arn = quoted(&stream.arn.to_string());
        format!("{{\"arn\":{arn},\"shards\":{shards},\"records\":{records},\"consumers\":{consumers}}}")
    });
    let streams = streams.collect::<Vec<_>>().join(",");
    format!(
        "{{\"taken_ms\":{taken_ms},\"records\":{records},\"record_bytes\":{record_bytes},\"streams\":[{streams}]}}\n"
    )
}

/// What a server says when it refuses.
fn refusal(status: u16, body: impl Read) -> String {
    let mut text = String::new();
    // What can be read of it must do.
    let _ = body.take(REFUSAL_BYTES_MAX).read_to_string(&mut text);
    let message = text.strip_prefix("{\"message\":\"").and_then(|text| text.strip_suffix("\"}"));
    format!("{} (status {status})", message.unwrap_or(&text))
}

/// A text in JSON. Paths and ARNs have no control characters worth keeping.
fn quoted(text: &str) -> String {
    let letters = text.chars().filter(|letter| !letter.is_control());
    let escaped: String = letters
        .flat_map(|letter| matches!(letter, '"' | '\\').then_some('\\').into_iter().chain([letter]))
        .collect();
    format!("\"{escaped}\"")
}

fn size(bytes: u64) -> String {
    match bytes {
        0..0x400 => format!("{bytes} bytes"),
        0x400..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

fn time_text(time_ms: u64) -> String {
    let nanos = i128::from(time_ms) * 1_000_000;
    time::OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .map_or_else(|_| format!("{time_ms} ms"), |time| time.to_string())
}

/// Tells on stderr how far a thing is that takes long.
struct Progress {
    what: &'static str,
    is_told: bool,
}

impl Progress {
    fn new(what: &'static str, json: bool) -> Self {
        Self { what, is_told: !json && io::stderr().is_terminal() }
    }

    fn over<R: Read>(&mut self, input: R) -> Watched<'_, R> {
        Watched { progress: self, input, bytes: 0, told: Instant::now() }
    }
}

/// What is read, counted.
struct Watched<'p, R> {
    progress: &'p Progress,
    input: R,
    bytes: u64,
    told: Instant,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.bytes += read as u64;
        if self.told.elapsed() >= PROGRESS_AFTER {
            self.told = Instant::now();
            if self.progress.is_told {
                // Progress that cannot be told is no reason to stop.
                let _ = writeln!(io::stderr(), "{} {}", self.progress.what, size(self.bytes));
            }
        }
        Ok(read)
    }
}

/// What is read, and written on the way.
struct Copied<R, W> {
    input: R,
    out: W,
}

impl<R: Read, W: Write> Read for Copied<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.out.write_all(&buffer[..read])?;
        Ok(read)
    }
}
