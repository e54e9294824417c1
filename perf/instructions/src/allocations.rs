//! The subcommand `allocations`: what the service allocates for a request of each case, what hyper alone allocates for
//! the same bytes, and the difference, which is ours. Service and hyper take turns, each on a new connection; every
//! run is kept as a line of NDJSON.

use std::io::{self, Write};
use std::path::PathBuf;

use shardmill_load_tests::machine::{Machine, json_string};
use shardmill_load_tests::paired::spread;
use shardmill_load_tests::results::{Results, member, spread_member};

use crate::case::{CASES, Case, Kind};
use crate::tally::{Tallied, Tally};
use crate::workload::{self, Failed};

/// How the subcommand is called.
pub(crate) const HELP: &str = "\
usage: shardmill-instructions allocations [OPTIONS]

Allocations per request and per record: the service's, hyper's own, and ours, which is the difference

  --case PART   only cases whose name contains this
  --rounds N    runs of each, in turn [default: 5]
  --out FOLDER  where the runs are kept [default: perf/results]
  --json        one JSON object per case instead of a table

Exit code 1: more than 0.01 of our allocations per stored record.
Example: shardmill-instructions allocations --case put_records --rounds 5
";

/// Our allocations per stored record, at most.
const PER_STORED_RECORD_MAX: f64 = 0.01;

const HEADER: &str = "\
| case | service allocations/request | hyper's own | ours/request | ours/record: median | min | max | at most | verdict |
|:-----|----------------------------:|------------:|-------------:|--------------------:|----:|----:|--------:|:--------|";

struct Options {
    case: String,
    rounds: u32,
    out: PathBuf,
    json: bool,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self, Failed> {
        let mut options =
            Self { case: String::new(), rounds: 5, out: PathBuf::from("perf/results"), json: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match *word {
                "--case" => options.case = (*value()?).to_owned(),
                "--rounds" => options.rounds = value()?.parse::<u32>()?.max(1),
                "--out" => options.out = PathBuf::from(*value()?),
                "--json" => options.json = true,
                _ => return Err(format!("{word} is not understood\n{HELP}").into()),
            }
        }
        Ok(options)
    }
}

/// One run of each kind.
#[derive(Debug, Clone, Copy)]
struct Round {
    service: Tally,
    hyper: Tally,
    requests: u32,
}

impl Round {
    fn of(case: &Case, requests: u32) -> Result<Self, Failed> {
        let sent = workload::run(case, requests, Tallied)?;
        let hyper = workload::run_hyper_only(&sent.different, requests, sent.reply)?;
        if hyper.allocations == 0 {
            // A count that does not work would keep every limit.
            return Err("hyper allocated nothing".into());
        }
        Ok(Self { service: sent.tally, hyper, requests })
    }

    fn per_request(&self, count: u64) -> f64 {
        count as f64 / f64::from(self.requests.max(1))
    }

    fn service(&self) -> f64 {
        self.per_request(self.service.allocations)
    }

    fn hyper(&self) -> f64 {
        self.per_request(self.hyper.allocations)
    }

    /// Below zero where hyper gets by with less beside our service than alone.
    fn ours(&self) -> f64 {
        self.service() - self.hyper()
    }
}

/// Counts, prints and keeps. False if a limit is exceeded.
///
/// # Errors
/// The words are not understood, a run fails, or the runs cannot be kept.
pub(crate) fn run(words: &[&str]) -> Result<bool, Failed> {
    let options = Options::parse(words)?;
    let machine = Machine::here();
    let mut results = Results::open(&options.out, &machine)?;
    let cases: Vec<_> = CASES.iter().filter(|case| case.name.contains(&options.case)).collect();
    if cases.is_empty() {
        return Err(format!("no case's name contains {:?}", options.case).into());
    }
    let mut rounds: Vec<Vec<Round>> = cases.iter().map(|_| Vec::new()).collect();
    for number in 1..=options.rounds {
        for (case, rounds) in cases.iter().zip(&mut rounds) {
            let _ = writeln!(io::stderr(), "{}: round {number} of {}", case.name, options.rounds);
            let round = Round::of(case, case.requests)?;
            results.row(&row(&machine, case, number, &round))?;
            rounds.push(round);
        }
    }
    let mut out = io::stdout().lock();
    if !options.json {
        let Machine { cpu, rustc, commit, .. } = &machine;
        writeln!(out, "{cpu}, {rustc}, commit {commit}\n\n{HEADER}")?;
    }
    let mut kept = true;
    for (case, rounds) in cases.iter().zip(&rounds) {
        let figure = Figure::of(case, rounds);
        kept &= figure.is_met();
        writeln!(out, "{}", if options.json { figure.json(&machine) } else { figure.table_row() })?;
    }
    if !options.json {
        writeln!(out, "\nEach run: {}", results.path().display())?;
    }
    Ok(kept)
}

fn row(machine: &Machine, case: &Case, number: u32, round: &Round) -> String {
    let records = case.records_per_request() as f64;
    [
        machine.json_members(),
        format!("\"measurement\":\"allocations\",\"case\":{},\"round\":{number}", json_string(case.name)),
        format!("\"requests\":{},\"records_per_request\":{}", round.requests, case.records_per_request()),
        member("service_allocations_per_request", round.service()),
        member("hyper_allocations_per_request", round.hyper()),
        member("our_allocations_per_record", round.ours() / records),
        member("service_allocated_bytes_per_request", round.per_request(round.service.bytes)),
        member("hyper_allocated_bytes_per_request", round.per_request(round.hyper.bytes)),
    ]
    .join(",")
}

/// All rounds of a case.
struct Figure<'a> {
    case: &'a Case,
    service: Vec<f64>,
    hyper: Vec<f64>,
    ours: Vec<f64>,
    ours_per_record: Vec<f64>,
}

impl<'a> Figure<'a> {
    fn of(case: &'a Case, rounds: &[Round]) -> Self {
        let records = case.records_per_request() as f64;
        let values = |of: &dyn Fn(&Round) -> f64| rounds.iter().map(of).collect();
        Self {
            case,
            service: values(&Round::service),
            hyper: values(&Round::hyper),
            ours: values(&Round::ours),
            ours_per_record: values(&|round| round.ours() / records),
        }
    }

    /// Only what stores has a limit.
    fn at_most(&self) -> Option<f64> {
        (self.case.kind != Kind::GetRecords).then_some(PER_STORED_RECORD_MAX)
    }

    fn is_met(&self) -> bool {
        self.at_most().is_none_or(|at_most| spread(&self.ours_per_record).0 <= at_most)
    }

    fn table_row(&self) -> String {
        let (median, min, max) = spread(&self.ours_per_record);
        let (at_most, verdict) = match self.at_most() {
            None => (String::new(), ""),
            Some(at_most) => (at_most.to_string(), if self.is_met() { "kept" } else { "EXCEEDED" }),
        };
        format!(
            "| {} | {:.2} | {:.2} | {:.2} | {median:.4} | {min:.4} | {max:.4} | {at_most} | {verdict} |",
            self.case.name,
            spread(&self.service).0,
            spread(&self.hyper).0,
            spread(&self.ours).0,
        )
    }

    fn json(&self, machine: &Machine) -> String {
        let at_most = self.at_most().map_or("null".to_owned(), |at_most| at_most.to_string());
        let members = [
            machine.json_members(),
            format!("\"case\":{},\"runs\":{}", json_string(self.case.name), self.ours.len()),
            spread_member("service_allocations_per_request", &self.service),
            spread_member("hyper_allocations_per_request", &self.hyper),
            spread_member("our_allocations_per_record", &self.ours_per_record),
            format!("\"at_most\":{at_most},\"is_met\":{}", self.is_met()),
        ];
        format!("{{{}}}", members.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: the counting reaches both services in every case, and a request that is sent twice as often does not
    /// cost more each time.
    #[test]
    fn every_case_is_counted() {
        for case in &CASES {
            let round = Round::of(case, 2).unwrap();
            assert!(round.service() > 0.0 && round.hyper() > 0.0, "{}: {round:?}", case.name);
        }
    }

    /// Protects: a limit exceeded is said, and a case that stores nothing has none.
    #[test]
    fn the_limit_is_for_stored_records() {
        let tally = |allocations| Tally { allocations, bytes: 0 };
        let round = |service| Round { service: tally(service), hyper: tally(100), requests: 10 };
        let put = Case::named("put_records_500x100b_4shards").unwrap();
        let kept = Figure::of(put, &[round(150), round(140), round(400)]);
        let row = "| put_records_500x100b_4shards | 15.00 | 10.00 | 5.00 | 0.0100 | 0.0080 | 0.0600 | 0.01 | kept |";
        assert_eq!(kept.table_row(), row);
        let exceeded = Figure::of(put, &[round(151)]);
        assert!(!exceeded.is_met() && exceeded.table_row().ends_with("EXCEEDED |"));
        assert!(exceeded.json(&Machine::here()).ends_with(r#""at_most":0.01,"is_met":false}"#));
        let get = Case::named("get_records_10000x100b_1shard").unwrap();
        assert!(Figure::of(get, &[round(1_000_000)]).is_met());
    }

    #[test]
    fn options_are_understood() {
        let options = Options::parse(&["--json", "--rounds", "7", "--case", "get", "--out", "o"]).unwrap();
        assert_eq!((options.rounds, &*options.case, options.json), (7, "get", true));
        assert_eq!(options.out, PathBuf::from("o"));
        assert!(Options::parse(&["--rounds"]).is_err() && Options::parse(&["--fast"]).is_err());
    }
}
