//! Where a result comes from: machine, kernel, compiler, commit and day. A number without these cannot be compared.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// The surroundings of a measurement. What cannot be found out reads `unknown`.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Model name of the first processor.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Kernel release.
    pub kernel: String,
    /// First line of `rustc --version`.
    pub rustc: String,
    /// Short commit id, with `-dirty` when tracked files differ from it.
    pub commit: String,
    /// UTC day, `yyyy-mm-dd`.
    pub date: String,
}

impl Machine {
    /// Looks around.
    pub fn here() -> Self {
        let unknown = || "unknown".to_owned();
        let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        });
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned());
        let commit = output("git", &["describe", "--always", "--dirty", "--exclude", "*"]);
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            cpu: cpu.unwrap_or_else(unknown),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.unwrap_or_else(unknown),
            rustc: output("rustc", &["--version"]).unwrap_or_else(unknown),
            commit: commit.unwrap_or_else(unknown),
            date: date(now_s / 86_400),
        }
    }
}

impl Machine {
    /// The members of a result's JSON object that say where it comes from, without braces.
    pub fn json_members(&self) -> String {
        let Self { cpu, cores, kernel, rustc, commit, date } = self;
        format!(
            "\"date\":{},\"commit\":{},\"machine\":{{\"cpu\":{},\"cores\":{cores},\"kernel\":{},\"rustc\":{}}}",
            json_string(date),
            json_string(commit),
            json_string(cpu),
            json_string(kernel),
            json_string(rustc),
        )
    }
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}

/// The Gregorian date of a day counted from 1970-01-01: whole years and months are taken off one by one, which is
/// plain and quick enough for a file name.
fn date(mut day: u64) -> String {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for days in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", day + 1)
}

/// `text` as a JSON string, quotes included.
pub fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => out.push(' '),
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (day, text) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (19_722, "2023-12-31"),
            (19_723, "2024-01-01"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(day), text, "{day}");
        }
    }

    #[test]
    fn strings_stay_strings() {
        assert_eq!(json_string("a \"b\" \\ c\n"), r#""a \"b\" \\ c ""#);
    }
}
