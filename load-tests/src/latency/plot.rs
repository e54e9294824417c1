//! Latency against rate as one SVG: both axes logarithmic, four lines, each labelled at its end. Written by hand: the
//! drawing is a few lines of text, and a plotting library is a hundred crates.

use std::fmt::Write as _;

use super::recording::Summary;
use super::reporting::{Context, Row};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 740.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 452.0;
/// Nearest that two labels may come, in pixels: of lines, and of rates.
const LINE_LABEL_GAP: f64 = 17.0;
const RATE_LABEL_GAP: f64 = 48.0;

/// A line: its label, its colour (told apart by colour-blind readers, too) and its value.
struct Line {
    label: &'static str,
    colour: &'static str,
    ms: fn(&Summary) -> f64,
}

const LINES: [Line; 4] = [
    Line { label: "max", colour: "#7f3c8d", ms: |summary| summary.max_ms },
    Line { label: "p99.9", colour: "#d1495b", ms: |summary| summary.p999_ms },
    Line { label: "p99", colour: "#c77700", ms: |summary| summary.p99_ms },
    Line { label: "p50", colour: "#1f6fb4", ms: |summary| summary.p50_ms },
];

/// An axis from a value to a greater one, drawn between two places.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let share = (value.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        self.from + (self.to - self.from) * share
    }
}

/// The drawing; `rows` in any order. Nothing is drawn of no rows but the empty axes.
pub fn svg(context: &Context, rows: &[Row]) -> String {
    let mut rows: Vec<Summary> = rows.iter().map(|row| row.summary).collect();
    rows.sort_by_key(|summary| summary.offered_per_s);
    let (x, y) = axes(&rows);
    let mut out = String::new();
    head(&mut out, context);
    grid(&mut out, &rows, &x, &y);
    for line in &LINES {
        draw(&mut out, line, &rows, &x, &y);
    }
    labels(&mut out, &rows, &y);
    out.push_str("</svg>\n");
    out
}

/// Whole decades of milliseconds; the rates with a little room on both sides.
fn axes(rows: &[Summary]) -> (Axis, Axis) {
    let values =
        || rows.iter().flat_map(|row| LINES.iter().map(|line| (line.ms)(row))).filter(|ms| *ms > 0.0);
    let low = values().fold(1.0, f64::min).log10().floor();
    let high = values().fold(1.0, f64::max).log10().ceil().max(low + 1.0);
    let rate = |row: Option<&Summary>| row.map_or(1.0, |row| row.offered_per_s as f64);
    let (first, last) = (rate(rows.first()), rate(rows.last()));
    let x = Axis { low: first / 1.25, high: last * 1.25, from: LEFT, to: RIGHT };
    let y = Axis { low: 10f64.powf(low), high: 10f64.powf(high), from: BOTTOM, to: TOP };
    (x, y)
}

/// Writing to a String cannot fail; this is the one place that says so.
macro_rules! put {
    ($out:expr, $($part:tt)*) => {{
        let _ = writeln!($out, $($part)*);
    }};
}

fn head(out: &mut String, context: &Context) {
    let [machine, workload] = context.describe().map(|line| escape(&line));
    put!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\" font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\" font-size=\"14\" fill=\"#222\">"
    );
    put!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
    put!(
        out,
        "<text x=\"20\" y=\"28\" font-size=\"18\" font-weight=\"bold\">{} latency at a fixed rate</text>",
        escape(context.operation)
    );
    put!(out, "<text x=\"20\" y=\"48\" font-size=\"12\" fill=\"#555\">{workload}</text>");
    put!(out, "<text x=\"20\" y=\"65\" font-size=\"12\" fill=\"#555\">{machine}</text>");
    let middle = f64::midpoint(LEFT, RIGHT);
    put!(out, "<text x=\"{middle}\" y=\"494\" text-anchor=\"middle\">offered requests per second</text>");
    put!(
        out,
        "<text x=\"{middle}\" y=\"511\" text-anchor=\"middle\" font-size=\"12\" fill=\"#555\">\
         hollow: less than 95 % of the offered rate was achieved</text>"
    );
    let middle = f64::midpoint(TOP, BOTTOM);
    put!(
        out,
        "<text transform=\"translate(24 {middle}) rotate(-90)\" text-anchor=\"middle\">latency, ms</text>"
    );
}

fn grid(out: &mut String, rows: &[Summary], x: &Axis, y: &Axis) {
    let mut decade = y.low;
    while decade <= y.high * 1.001 {
        let place = y.place(decade);
        put!(out, "<path d=\"M{LEFT} {place:.1}H{RIGHT}\" stroke=\"#ccc\"/>");
        put!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            place + 5.0,
            plain(decade)
        );
        for minor in (2..10).map(|step| decade * f64::from(step)).filter(|minor| *minor < y.high) {
            put!(out, "<path d=\"M{LEFT} {:.1}H{RIGHT}\" stroke=\"#eee\"/>", y.place(minor));
        }
        decade *= 10.0;
    }
    let mut free_from = f64::NEG_INFINITY;
    for row in rows {
        let place = x.place(row.offered_per_s as f64);
        put!(out, "<path d=\"M{place:.1} {BOTTOM}v5\" stroke=\"#888\"/>");
        if place >= free_from {
            let label = row.offered_per_s;
            put!(out, "<text x=\"{place:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", BOTTOM + 21.0);
            free_from = place + RATE_LABEL_GAP;
        }
    }
    put!(out, "<path d=\"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}\" fill=\"none\" stroke=\"#888\"/>");
}

fn draw(out: &mut String, line: &Line, rows: &[Summary], x: &Axis, y: &Axis) {
    let colour = line.colour;
    let points: Vec<_> = rows
        .iter()
        .map(|row| (x.place(row.offered_per_s as f64), y.place((line.ms)(row)), row.saturated()))
        .collect();
    let path: Vec<_> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
    put!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
        path.join(" ")
    );
    for (x, y, saturated) in points {
        let fill = if saturated { "#fff" } else { colour };
        put!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
    }
}

/// Each line's name and last value beside its end, moved apart where ends lie close.
fn labels(out: &mut String, rows: &[Summary], y: &Axis) {
    let Some(last) = rows.last() else { return };
    let mut free_from = TOP - LINE_LABEL_GAP;
    // From the greatest value, which is the highest place, downwards.
    for line in &LINES {
        let ms = (line.ms)(last);
        let place = y.place(ms).max(free_from);
        put!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" font-size=\"13\" fill=\"{}\">{} {}</text>",
            RIGHT + 6.0,
            place + 5.0,
            line.colour,
            line.label,
            plain(ms)
        );
        free_from = place + LINE_LABEL_GAP;
    }
}

/// A number of milliseconds with the digits that matter.
fn plain(ms: f64) -> String {
    let text = match ms {
        _ if ms >= 99.95 => format!("{ms:.0}"),
        _ if ms >= 9.995 => format!("{ms:.1}"),
        _ if ms >= 0.9995 => format!("{ms:.2}"),
        _ => format!("{ms:.3}"),
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::reporting::tests::{context, row};
    use super::*;

    /// The values of an attribute of every element called `element`.
    fn attributes<'a>(svg: &'a str, element: &str, name: &str) -> Vec<&'a str> {
        let (open, name) = (format!("<{element} "), format!(" {name}=\""));
        let of = |line: &'a str| line.split_once(name.as_str())?.1.split('"').next();
        svg.lines().filter(|line| line.starts_with(&open)).filter_map(of).collect()
    }

    #[test]
    fn every_rate_has_a_point_on_every_line_inside_the_frame() {
        let rows = [row(400, 200.0, 900.0, 11_000.0), row(100, 100.0, 0.07, 3.0), row(200, 200.0, 0.2, 45.0)];
        let svg = svg(&context(), &rows);
        assert_eq!(attributes(&svg, "polyline", "points").len(), 4);
        let place = |text: &str| text.parse::<f64>().unwrap();
        let xs = attributes(&svg, "circle", "cx");
        assert_eq!(xs.len(), 12);
        assert!(xs.iter().all(|x| (LEFT..=RIGHT).contains(&place(x))), "{xs:?}");
        let ys = attributes(&svg, "circle", "cy");
        assert!(ys.iter().all(|y| (TOP..=BOTTOM).contains(&place(y))), "{ys:?}");
        let hollow = attributes(&svg, "circle", "fill").into_iter().filter(|fill| *fill == "#fff").count();
        assert_eq!(hollow, 4, "one saturated rate");
        for label in [">0.01<", ">10000<", ">100<", ">200<", ">400<", ">max 11000<", ">p50 900<"] {
            assert!(svg.contains(label), "{label}");
        }
        assert!(svg.contains("&lt;x&gt;") && !svg.contains("<x>"));
    }

    /// Lines that end at one place keep labels that can be read.
    #[test]
    fn labels_keep_their_distance() {
        let svg = svg(&context(), &[row(100, 100.0, 1.0, 1.0)]);
        let labelled: Vec<f64> = svg
            .lines()
            .filter(|line| LINES.iter().any(|end| line.contains(&format!(">{} ", end.label))))
            .flat_map(|line| attributes(line, "text", "y"))
            .map(|y| y.parse().unwrap())
            .collect();
        assert_eq!(labelled.len(), 4);
        assert!(labelled.windows(2).all(|pair| pair[1] - pair[0] >= LINE_LABEL_GAP - 0.11), "{labelled:?}");
    }

    #[test]
    fn no_rates_are_no_panic() {
        assert!(svg(&context(), &[]).ends_with("</svg>\n"));
    }

    #[test]
    fn numbers_are_short() {
        for (ms, text) in
            [(0.001, "0.001"), (0.07, "0.07"), (1.0, "1"), (1.25, "1.25"), (12.34, "12.3"), (1000.0, "1000")]
        {
            assert_eq!(plain(ms), text);
        }
    }
}
