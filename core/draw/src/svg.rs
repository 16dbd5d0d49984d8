//! Drawings as SVG: the same columns and rows, in pixels.

use std::fmt::Write;

use crate::{
    Drawing,
    layout::{Control, Item, Shape},
    pages::{Page, pages, width},
};

/// Pixels for each character of a column.
const LETTER: usize = 8;
/// Pixels from wire to wire.
const ROW: usize = 44;
/// Half of the height of a box.
const HALF: usize = 16;
/// Pixels around a page.
const MARGIN: usize = 10;
/// Characters of a line before it is folded.
const LINE: usize = 150;

const STYLE: &str = "text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#1b1f24}\
    .w{stroke:#57606a;fill:none}.v{stroke:#0a58a8;stroke-width:1.5;fill:none}\
    .g{fill:#dbeafe;stroke:#0a58a8}.m{fill:#f1f3f5;stroke:#57606a}.f{fill:#fff4d6;stroke:#b08800}\
    .c{fill:#0a58a8;stroke:#0a58a8}.o{fill:#fff;stroke:#0a58a8;stroke-width:1.5}\
    .b{stroke:#8c959f;stroke-width:3;stroke-dasharray:3 3}.n{font-size:10px;fill:#57606a}";

impl Drawing {
    /// The drawing as an SVG document. Long circuits are folded, one part below the other.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let pages = pages(self, Some(LINE), false);
        let across = pages.iter().map(|page| page.right).max().unwrap_or(0) * LETTER + 2 * MARGIN;
        let page_height = self.wires.len() * ROW + 2 * MARGIN;
        let notes = self.notes.iter().map(|note| note.chars().count() * LETTER + 2 * MARGIN);
        let across = notes.fold(across, usize::max);
        let down = pages.len() * page_height + self.notes.len() * 20;
        let mut svg = Svg(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{across}\" height=\"{down}\" \
             viewBox=\"0 0 {across} {down}\">\n<style>{STYLE}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        ));
        for (number, page) in pages.iter().enumerate() {
            self.svg_page(&mut svg, page, number * page_height + MARGIN);
        }
        for (number, note) in self.notes.iter().enumerate() {
            svg.text("", MARGIN, pages.len() * page_height + number * 20 + 10, "start", note);
        }
        svg.0 + "</svg>\n"
    }

    fn svg_page(&self, svg: &mut Svg, page: &Page, top: usize) {
        let y_of = |row: usize| top + row * ROW + ROW / 2;
        let (left, right) = (page.left * LETTER + MARGIN, page.right * LETTER + MARGIN);
        for (row, wire) in self.wires.iter().enumerate() {
            let y = y_of(row);
            svg.text("", left - LETTER, y, "end", &wire.label);
            if wire.is_classical {
                svg.line("w", (left, y - 2), (right, y - 2));
                svg.line("w", (left, y + 2), (right, y + 2));
            } else {
                svg.line("w", (left, y), (right, y));
            }
        }
        for item in self.items.iter().filter(|item| page.columns.contains(&item.column)) {
            let x = page.middle(item.column) * LETTER + LETTER / 2 + MARGIN;
            put(svg, item, x, &y_of);
        }
    }
}

fn put(svg: &mut Svg, item: &Item, x: usize, y_of: &impl Fn(usize) -> usize) {
    let (top, bottom) = (y_of(item.top), y_of(item.bottom));
    let half = width(item, false) * LETTER / 2;
    match &item.shape {
        Shape::Gate { label, rows, controls } => {
            svg.line("v", (x, top), (x, bottom));
            let mut edge = (usize::MAX, 0);
            if let (Some(first), Some(last)) = (rows.iter().min(), rows.iter().max()) {
                svg.rectangle("g", x, half, y_of(*first), y_of(*last));
                svg.text("", x, y_of(*first).midpoint(y_of(*last)), "middle", label);
                for (number, row) in rows.iter().enumerate().filter(|_| rows.len() > 1) {
                    svg.text("n", x - half + 4, y_of(*row), "start", &number.to_string());
                }
                edge = (*first, *last);
            }
            for control in controls {
                let inside = edge.0 <= control.row && control.row <= edge.1;
                svg.dot(*control, if inside { x - half } else { x }, y_of(control.row));
            }
        }
        Shape::Swap { rows, controls } => {
            svg.line("v", (x, top), (x, bottom));
            for row in rows {
                let y = y_of(*row);
                svg.line("v", (x - 5, y - 5), (x + 5, y + 5));
                svg.line("v", (x - 5, y + 5), (x + 5, y - 5));
            }
            controls.iter().for_each(|control| svg.dot(*control, x, y_of(control.row)));
        }
        Shape::Measure { row, into, bit } => {
            let (y, end) = (y_of(*row), y_of(*into));
            svg.line("w", (x - 2, y), (x - 2, end - 6));
            svg.line("w", (x + 2, y), (x + 2, end - 6));
            let head = [(x - 5, end - 8), (x + 5, end - 8), (x, end)];
            let points: Vec<String> = head.iter().map(|(x, y)| format!("{x},{y}")).collect();
            svg.push(&format!("<polygon points=\"{}\" fill=\"#57606a\"/>", points.join(" ")));
            svg.rectangle("m", x, 5 * LETTER / 2, y, y);
            svg.push(&format!(
                "<path class=\"w\" d=\"M{} {}a11 11 0 0 1 22 0M{x} {}l7 -14\"/>",
                x - 11,
                y + 6,
                y + 6
            ));
            svg.text("n", x, end + 11, "middle", bit);
        }
        Shape::Barrier { rows } => {
            for row in rows {
                let y = y_of(*row);
                svg.line("b", (x, y - ROW / 2), (x, y + ROW / 2));
            }
        }
        Shape::Frame { label } => {
            svg.rectangle("f", x, half, top, bottom);
            svg.text("", x, top.midpoint(bottom), "middle", label);
        }
    }
}

/// A document that grows.
struct Svg(String);

impl Svg {
    fn push(&mut self, element: &str) {
        self.0.push_str(element);
        self.0.push('\n');
    }

    fn line(&mut self, class: &str, from: (usize, usize), to: (usize, usize)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        writeln!(self.0, "<path class=\"{class}\" d=\"M{x1} {y1}L{x2} {y2}\"/>")
            .expect("strings take all text");
    }

    /// A box around the wires at these heights.
    fn rectangle(&mut self, class: &str, x: usize, half: usize, top: usize, bottom: usize) {
        let (width, height) = (2 * half, bottom - top + 2 * HALF);
        let (x, y) = (x - half, top - HALF);
        writeln!(
            self.0,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             rx=\"3\"/>"
        )
        .expect("strings take all text");
    }

    /// A text in the middle of a line of this height.
    fn text(&mut self, class: &str, x: usize, y: usize, anchor: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let (y, text) = (y + 4, escaped(text));
        writeln!(self.0, "<text{class} x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>")
            .expect("strings take all text");
    }

    fn dot(&mut self, control: Control, x: usize, y: usize) {
        let class = if control.closed { "c" } else { "o" };
        writeln!(self.0, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>")
            .expect("strings take all text");
    }
}

/// Text that stands for itself in XML; what no document may hold is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
