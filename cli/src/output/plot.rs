//! A bar chart of counts as SVG, one panel an experiment.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use ketch::{BitString, Counts, RunResult};

/// How many outcomes a panel shows: the most frequent ones.
const SHOWN: usize = 64;

const BAR: f64 = 28.0;
const GAP: f64 = 12.0;
const PLOT_HEIGHT: f64 = 240.0;
const MARGIN_LEFT: f64 = 64.0;
const MARGIN_RIGHT: f64 = 24.0;
const MARGIN_TOP: f64 = 44.0;
/// The width of a character of a bit string's label, at 12 pixels.
const CHARACTER: f64 = 7.3;

const STYLE: &str = "\
text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#333}\
.title{font:600 14px system-ui,sans-serif;fill:#111}\
.count{font-size:11px;fill:#555}\
.grid{stroke:#ddd}.axis{stroke:#888}.bar{fill:#3b6fb6}";

/// Writes the chart of every experiment that has counts. False, and nothing written, if none has.
pub(crate) fn write(out: &mut dyn Write, title: &str, result: &RunResult) -> io::Result<bool> {
    let panels: Vec<Panel> = result
        .experiments
        .iter()
        .filter_map(|experiment| Some(Panel::new(&experiment.name, experiment.counts.as_ref()?)))
        .collect();
    if panels.is_empty() {
        return Ok(false);
    }
    out.write_all(document(title, &panels).as_bytes())?;
    Ok(true)
}

/// One experiment's chart.
struct Panel {
    name: String,
    rows: Vec<(String, u64)>,
    hidden: usize,
    total: u64,
}

impl Panel {
    fn new(name: &str, counts: &Counts) -> Self {
        let mut rows: Vec<(&BitString, u64)> = counts.iter().collect();
        let hidden = rows.len().saturating_sub(SHOWN);
        if hidden > 0 {
            rows.sort_by_key(|&(outcome, count)| (std::cmp::Reverse(count), outcome));
            rows.truncate(SHOWN);
            rows.sort_by_key(|&(outcome, _)| outcome);
        }
        let label = |outcome: &BitString| outcome.to_register_string(counts.registers());
        let rows = rows.into_iter().map(|(outcome, count)| (label(outcome), count)).collect();
        Self { name: name.to_owned(), rows, hidden, total: counts.total() }
    }

    /// Labels wider than their bar are turned.
    fn turned(&self) -> bool {
        self.label_width() > BAR + GAP - 4.0
    }

    fn label_width(&self) -> f64 {
        let longest = self.rows.iter().map(|(label, _)| label.chars().count()).max();
        longest.unwrap_or(0) as f64 * CHARACTER
    }

    fn width(&self) -> f64 {
        let bars = self.rows.len() as f64 * (BAR + GAP) + GAP;
        // A title longer than the bars is not cut off.
        MARGIN_LEFT + bars.max(self.heading().chars().count() as f64 * 8.0) + MARGIN_RIGHT
    }

    fn height(&self) -> f64 {
        let labels = if self.turned() { self.label_width() } else { CHARACTER };
        MARGIN_TOP + PLOT_HEIGHT + labels + 28.0
    }

    fn heading(&self) -> String {
        let hidden = match self.hidden {
            0 => String::new(),
            hidden => format!(", {hidden} rarer outcomes not shown"),
        };
        format!("{}: {} shots{hidden}", self.name, self.total)
    }

    fn draw(&self, svg: &mut String, top: f64) {
        let bottom = top + MARGIN_TOP + PLOT_HEIGHT;
        let right = self.width() - MARGIN_RIGHT;
        let most = self.rows.iter().map(|&(_, count)| count).max().unwrap_or(0);
        let step = grid_step(most);
        let ceiling = (most.div_ceil(step).max(1) * step) as f64;
        let y = |count: u64| bottom - count as f64 / ceiling * PLOT_HEIGHT;

        let heading = escape(&self.heading());
        push(
            svg,
            format_args!(
                r#"<text class="title" x="{MARGIN_LEFT}" y="{}">{heading}</text>"#,
                top + 24.0
            ),
        );
        for tick in (0..=ceiling as u64).step_by(step as usize) {
            let (class, y) = (if tick == 0 { "axis" } else { "grid" }, y(tick));
            push(
                svg,
                format_args!(
                    r#"<line class="{class}" x1="{MARGIN_LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}"/>"#
                ),
            );
            push(
                svg,
                format_args!(
                    r#"<text text-anchor="end" x="{}" y="{:.1}">{tick}</text>"#,
                    MARGIN_LEFT - 8.0,
                    y + 4.0
                ),
            );
        }
        for (place, (label, count)) in self.rows.iter().enumerate() {
            let x = MARGIN_LEFT + GAP + place as f64 * (BAR + GAP);
            let (middle, y, label) = (x + BAR / 2.0, y(*count), escape(label));
            push(
                svg,
                format_args!(
                    r#"<rect class="bar" x="{x}" y="{y:.1}" width="{BAR}" height="{:.1}"><title>{label}: {count}</title></rect>"#,
                    bottom - y
                ),
            );
            push(
                svg,
                format_args!(
                    r#"<text class="count" text-anchor="middle" x="{middle}" y="{:.1}">{count}</text>"#,
                    y - 4.0
                ),
            );
            let below = bottom + 16.0;
            let place = match self.turned() {
                true => format!(
                    r#"text-anchor="end" transform="translate({} {}) rotate(-90)""#,
                    middle + 4.0,
                    bottom + 8.0
                ),
                false => format!(r#"text-anchor="middle" x="{middle}" y="{below}""#),
            };
            push(svg, format_args!(r#"<text xml:space="preserve" {place}>{label}</text>"#));
        }
    }
}

fn document(title: &str, panels: &[Panel]) -> String {
    let width = panels.iter().map(Panel::width).fold(0.0, f64::max);
    let height: f64 = panels.iter().map(Panel::height).sum();
    let mut svg = String::new();
    push(
        &mut svg,
        format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}">"#
        ),
    );
    push(&mut svg, format_args!("<title>{}</title>", escape(title)));
    push(&mut svg, format_args!("<style>{STYLE}</style>"));
    push(&mut svg, format_args!(r##"<rect width="100%" height="100%" fill="#fff"/>"##));
    let mut top = 0.0;
    for panel in panels {
        panel.draw(&mut svg, top);
        top += panel.height();
    }
    svg.push_str("</svg>\n");
    svg
}

fn push(svg: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(svg, "{line}").expect("a string takes any text");
}

/// The distance of grid lines: 1, 2 or 5 times a power of ten, four or five lines for `most`.
fn grid_step(most: u64) -> u64 {
    let mut power = 1;
    loop {
        for factor in [1, 2, 5] {
            if most / 5 < power * factor {
                return power * factor;
            }
        }
        power *= 10;
    }
}

/// Text as XML takes it; characters that XML has no place for become spaces.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use ketch::{circuit::Register, result::ExperimentResult};

    use super::*;
    use crate::output::counts::tests::bell;

    fn written(experiments: Vec<ExperimentResult>) -> Option<String> {
        let result = RunResult { experiments, ..RunResult::default() };
        let mut text = Vec::new();
        let any = write(&mut text, "a & b.qasm", &result).unwrap();
        any.then(|| String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_chart_has_a_bar_an_outcome_and_its_height_is_its_count() {
        let svg = written(vec![bell()]).unwrap();
        assert_eq!(svg.matches(r#"class="bar""#).count(), 2);
        // The grid ends at 600; 240 pixels of 600 for 510.
        assert!(svg.contains(r#"height="204.0"><title>00: 510</title>"#), "{svg}");
        assert!(svg.contains("bell: 1024 shots"));
    }

    #[test]
    fn texts_cannot_break_out() {
        let experiment = ExperimentResult { name: "<script>\"&\u{1}".to_owned(), ..bell() };
        let svg = written(vec![experiment]).unwrap();
        assert!(svg.contains("&lt;script&gt;&quot;&amp; : 1024 shots"), "{svg}");
        assert!(svg.contains("<title>a &amp; b.qasm</title>"));
    }

    #[test]
    fn the_most_frequent_outcomes_are_shown() {
        let mut counts = Counts::new(vec![Register::new("c", 0, 7)]);
        (0..100).for_each(|value| counts.add(BitString::from_u64(7, value), value + 1));
        let many = ExperimentResult { counts: Some(counts), ..bell() };
        let svg = written(vec![bell(), many]).unwrap();
        assert_eq!(svg.matches(r#"class="bar""#).count(), 2 + SHOWN);
        assert!(svg.contains("36 rarer outcomes not shown"));
        assert!(svg.contains("<title>1100011: 100</title>"));
    }

    #[test]
    fn without_counts_there_is_no_chart() {
        assert_eq!(written(vec![ExperimentResult::default()]), None);
    }

    #[test]
    fn grid_lines_stand_at_round_numbers() {
        let steps = [0, 4, 5, 9, 24, 514, 1024, u64::from(u32::MAX)].map(grid_step);
        assert_eq!(steps, [1, 1, 2, 2, 5, 200, 500, 1_000_000_000]);
    }
}
