//! A device as an SVG picture.

use std::fmt::Write;

use super::{Device, percent};
use crate::output::plot::escape;

/// Pixels between neighbours, around all, and of a qubit.
const PITCH: f64 = 64.0;
const MARGIN: f64 = 40.0;
const RADIUS: f64 = 17.0;
/// Pixels above the picture for the title, and below for the legend.
const HEAD: f64 = 40.0;
const FOOT: f64 = 64.0;
const LEAST_WIDTH: f64 = 420.0;

const STYLE: &str = "\
text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#333}\
.title{font:600 14px system-ui,sans-serif;fill:#111}\
.qubit text{fill:#fff;text-anchor:middle}\
.rate{font-size:9px;fill:#333;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3px}\
line{stroke-width:6;stroke-linecap:round}";

/// From the least error to the largest: dark to light would not be seen on white.
const COLOURS: [[f64; 3]; 3] = [[31.0, 111.0, 180.0], [138.0, 107.0, 176.0], [214.0, 69.0, 80.0]];
const UNKNOWN: &str = "#999";

pub(super) fn draw(device: &Device, title: &str) -> String {
    let points: Vec<[f64; 2]> = match &device.grid {
        Some(grid) => grid.iter().map(|place| place.map(f64::from)).collect(),
        None => device.points.clone(),
    };
    let [left, top] = [0, 1].map(|axis| points.iter().map(|p| p[axis]).fold(f64::MAX, f64::min));
    let [right, bottom] =
        [0, 1].map(|axis| points.iter().map(|p| p[axis]).fold(f64::MIN, f64::max));
    let at = |qubit: usize| {
        let [x, y] = points[qubit];
        [MARGIN + (x - left) * PITCH, HEAD + MARGIN + (y - top) * PITCH]
    };
    let width = (2.0 * MARGIN + (right - left).max(0.0) * PITCH).max(LEAST_WIDTH);
    let height = HEAD + 2.0 * MARGIN + (bottom - top).max(0.0) * PITCH + FOOT;
    let couplings = Scale::of(device.errors());
    let readout = Scale::of(device.qubits.iter().filter_map(|error| *error));
    let mut svg = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        writeln!(svg, "{text}").expect("a string takes any text");
    };
    line(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}">"#
    ));
    let title = escape(title);
    line(format_args!("<title>{title}</title><style>{STYLE}</style>"));
    line(format_args!(r##"<rect width="100%" height="100%" fill="#fff"/>"##));
    line(format_args!(r#"<text class="title" x="{MARGIN}" y="26">{title}</text>"#));
    for coupling in &device.couplings {
        let [a, b] = coupling.qubits;
        let ([x1, y1], [x2, y2]) = (at(a), at(b));
        let colour = couplings.colour(coupling.error());
        let gate = coupling.gate.as_ref().map_or_else(String::new, |(gate, error)| {
            format!(": {} {} %", escape(gate), percent(*error))
        });
        line(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}"><title>{a} and {b}{gate}</title></line>"#
        ));
        if let Some(error) = coupling.error() {
            let (x, y) = ((x1 + x2) / 2.0, (y1 + y2) / 2.0 + 3.0);
            line(format_args!(
                r#"<text class="rate" x="{x:.1}" y="{y:.1}">{}</text>"#,
                percent(error)
            ));
        }
    }
    for (qubit, error) in device.qubits.iter().enumerate() {
        let [x, y] = at(qubit);
        let said =
            error.map_or_else(String::new, |error| format!(": readout {} %", percent(error)));
        let colour = readout.colour(*error);
        let below = y + 4.0;
        line(format_args!(
            r#"<g class="qubit"><title>{qubit}{said}</title><circle cx="{x:.1}" cy="{y:.1}" r="{RADIUS}" fill="{colour}"/><text x="{x:.1}" y="{below:.1}">{qubit}</text></g>"#
        ));
    }
    for (place, (what, scale)) in
        [("error of the gate on both", couplings), ("readout error", readout)].iter().enumerate()
    {
        let y = height - FOOT + 16.0 + 22.0 * place as f64;
        line(format_args!("{}", scale.legend(what, y)));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The colours of some numbers.
struct Scale(Option<[f64; 2]>);

impl Scale {
    fn of(errors: impl Iterator<Item = f64>) -> Self {
        let all = |[low, high]: [f64; 2], error: f64| [low.min(error), high.max(error)];
        let [low, high] = errors.fold([f64::MAX, f64::MIN], all);
        Self((low <= high).then_some([low, high]))
    }

    fn colour(&self, error: Option<f64>) -> String {
        let (Some(error), Some([low, high])) = (error, self.0) else { return UNKNOWN.to_owned() };
        // A few that are far off would make all others alike.
        let part = if high > low { ((error - low) / (high - low)).sqrt() } else { 0.0 };
        let at = part.clamp(0.0, 1.0) * 2.0;
        let (from, to) = if at < 1.0 { (COLOURS[0], COLOURS[1]) } else { (COLOURS[1], COLOURS[2]) };
        let mix = |axis: usize| from[axis] + (to[axis] - from[axis]) * at.fract().max(at - 1.0);
        format!("#{:02x}{:02x}{:02x}", mix(0) as u8, mix(1) as u8, mix(2) as u8)
    }

    fn legend(&self, what: &str, y: f64) -> String {
        let Some([low, high]) = self.0 else {
            return format!(r#"<text x="{MARGIN}" y="{y}">{what}: not known</text>"#);
        };
        let swatch = |place: usize, error: f64| {
            let x = MARGIN + 210.0 + 92.0 * place as f64;
            let (colour, top, after) = (self.colour(Some(error)), y - 11.0, x + 18.0);
            format!(
                r#"<rect x="{x}" y="{top}" width="13" height="13" fill="{colour}"/><text x="{after}" y="{y}">{} %</text>"#,
                percent(error)
            )
        };
        format!(r#"<text x="{MARGIN}" y="{y}">{what}</text>{}{}"#, swatch(0, low), swatch(1, high))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{layout::tests::eagle, tests::device};

    #[test]
    fn every_qubit_and_coupling_is_drawn_and_says_its_error() {
        let pairs = eagle();
        let svg = device(127, &pairs).svg("a <device>");
        assert_eq!(svg.matches("<circle").count(), 127);
        assert_eq!(svg.matches("<line").count(), pairs.len());
        assert!(
            svg.contains("a &lt;device&gt;") && svg.contains("<title>0: readout 1.00 %</title>")
        );
        assert!(svg.contains("<title>0 and 1: cx 1.00 %</title>"));
        assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn devices_that_fit_no_grid_are_drawn_all_the_same() {
        let svg = device(5, &[(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (2, 4)]).svg("bow tie");
        assert_eq!(svg.matches("<line").count(), 6);
        let nothing = device(1, &[]).svg("one");
        assert!(nothing.contains("not known") && !nothing.contains("NaN"));
    }
}
