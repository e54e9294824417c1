//! Where the results of a comparison go: each round as one line of NDJSON into a file, the medians onto stdout, as a
//! table or, with `--json`, as one object per line of the table.

use std::io::{self, Write};

use shardmill_load_tests::huge_pages;
use shardmill_load_tests::machine::{Machine, json_string};
use shardmill_load_tests::paired::{Case, Cost};
use shardmill_load_tests::results::{Results, member};

use super::{Options, Surroundings};

/// The file of the raw rows, and the output.
pub(super) struct Sink<W> {
    out: W,
    rows: Results,
    json: bool,
}

impl<W: Write> Sink<W> {
    /// Opens the file and prints where the results come from.
    pub(super) fn open(options: &Options, machine: &Machine, mut out: W) -> io::Result<Self> {
        let rows = Results::open(&options.out, machine)?;
        if !options.json {
            let Machine { cpu, cores, kernel, rustc, commit, .. } = machine;
            writeln!(out, "{cpu}, {cores} cores, kernel {kernel}, {rustc}, commit {commit}\n")?;
        }
        Ok(Self { out, rows, json: options.json })
    }

    /// Keeps a round: the members of its JSON object.
    pub(super) fn row(&mut self, members: &str) -> io::Result<()> {
        self.rows.row(members)
    }

    /// The table's head.
    pub(super) fn header(&mut self, header: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { writeln!(self.out, "{header}") }
    }

    /// One line of the table, and what it says as JSON members.
    pub(super) fn figure(
        &mut self,
        options: &Options,
        around: &Surroundings,
        case: &str,
        table_row: &str,
        members: &[String],
    ) -> io::Result<()> {
        if self.json {
            let from = around.machine.json_members();
            let (case, quick, rounds) = (json_string(case), options.quick, options.rounds);
            let huge_pages = json_string(&huge_pages::mode());
            let members = members.join(",");
            writeln!(
                self.out,
                "{{{from},\"case\":{case},\"rounds\":{rounds},\"quick\":{quick},\"huge_pages\":{huge_pages},{members}}}"
            )?;
        } else {
            writeln!(self.out, "{table_row}")?;
        }
        self.out.flush()
    }

    /// Says where the rounds are.
    pub(super) fn close(mut self) -> io::Result<()> {
        let path = self.rows.path().display();
        if self.json { Ok(()) } else { writeln!(self.out, "\nEach round: {path}") }
    }
}

/// The members that all rows begin with.
pub(super) fn row_members(
    options: &Options,
    around: &Surroundings,
    case: &Case,
    number: u32,
    server: &Cost,
) -> String {
    format!(
        "{},\"case\":{},\"round\":{number},\"quick\":{},\"workers\":{},\"huge_pages\":{},\
         \"memory_limit_mib\":{},\"requests\":{},\
         \"records_per_request\":{},{}",
        around.machine.json_members(),
        json_string(case.name),
        options.quick,
        options.workers,
        json_string(&huge_pages::mode()),
        options.memory_limit_mib(),
        server.requests,
        case.records,
        member("server_minor_faults_per_request", server.minor_faults_per_request()),
    )
}
