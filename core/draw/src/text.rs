//! Drawings as text.

use crate::{
    Drawing, TextOptions,
    canvas::{
        Canvas,
        Weight::{Double, Single},
    },
    layout::{Control, Item, Shape},
    pages::{Page, pages, shown, width},
};

/// Letters that are no lines.
struct Letters {
    closed: &'static str,
    open: &'static str,
    cross: &'static str,
    barrier: &'static str,
    goes_on: &'static str,
    comes_from: &'static str,
}

const UNICODE: Letters =
    Letters {
        closed: "●", open: "○", cross: "×", barrier: "░", goes_on: "»", comes_from: "«"
    };

const ASCII: Letters =
    Letters { closed: "@", open: "o", cross: "x", barrier: ":", goes_on: ">", comes_from: "<" };

impl Drawing {
    /// The drawing as lines of text, each ended. Where it is folded, a line goes on below, after an
    /// empty line.
    ///
    /// A wire is one line of text, with a line above and below it that it shares with its
    /// neighbours. Classical wires are doubled; a measurement names its bit below them.
    #[must_use]
    pub fn to_text(&self, options: TextOptions) -> String {
        let mut text = String::new();
        let pages = pages(self, options.width.map(|width| width.max(1)), options.ascii);
        for (number, page) in pages.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            let more = number + 1 < pages.len();
            for line in self.page(page, options.ascii, number > 0, more) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        for note in &self.notes {
            text.push_str(&shown(note, options.ascii));
            text.push('\n');
        }
        text
    }

    fn page(&self, page: &Page, ascii: bool, continued: bool, more: bool) -> Vec<String> {
        let letters = if ascii { &ASCII } else { &UNICODE };
        let mut canvas = Canvas::new(page.right + 1, 2 * self.wires.len() + 1);
        for (row, wire) in self.wires.iter().enumerate() {
            let (y, name) = (line_of(row), shown(&wire.label, ascii));
            canvas.text(page.left - 1 - name.chars().count(), y, &name);
            let weight = if wire.is_classical { Double } else { Single };
            canvas.horizontal(y, page.left, page.right, weight);
            if continued {
                canvas.text(page.left, y, letters.comes_from);
            }
            if more {
                canvas.text(page.right, y, letters.goes_on);
            }
        }
        for item in self.items.iter().filter(|item| page.columns.contains(&item.column)) {
            put(&mut canvas, item, page.middle(item.column), letters, ascii);
        }
        let lines = canvas.lines(ascii);
        let shown = |line: &String| !line.is_empty();
        let first = lines.iter().position(shown).unwrap_or(0);
        let end = lines.iter().rposition(shown).map_or(0, |last| last + 1);
        lines.into_iter().take(end).skip(first).collect()
    }
}

/// The line of text that a row's wire is on.
fn line_of(row: usize) -> usize {
    2 * row + 1
}

fn put(canvas: &mut Canvas, item: &Item, x: usize, letters: &Letters, ascii: bool) {
    let (top, bottom) = (line_of(item.top), line_of(item.bottom));
    match &item.shape {
        Shape::Gate { label, rows, controls } => {
            canvas.vertical(x, top, bottom, Single);
            if let (Some(first), Some(last)) = (rows.iter().min(), rows.iter().max()) {
                let (first, last) = (*first, *last);
                let (start, end) = framed(canvas, item, x, first, last, ascii);
                let numbered = rows.len() > 1;
                for (number, row) in rows.iter().enumerate().filter(|_| numbered) {
                    canvas.text(start + 1, line_of(*row), &number.to_string());
                }
                let label = shown(label, ascii);
                let from = end - 1 - label.chars().count();
                canvas.text(from, line_of(first).midpoint(line_of(last)), &label);
                // Controls between the targets stand at the border of the box.
                for control in controls {
                    let inside = (first..=last).contains(&control.row);
                    dot(canvas, *control, if inside { start } else { x }, letters);
                }
            } else {
                controls.iter().for_each(|control| dot(canvas, *control, x, letters));
            }
        }
        Shape::Swap { rows, controls } => {
            canvas.vertical(x, top, bottom, Single);
            rows.iter().for_each(|row| canvas.text(x, line_of(*row), letters.cross));
            controls.iter().for_each(|control| dot(canvas, *control, x, letters));
        }
        Shape::Measure { row, into, bit } => {
            canvas.vertical(x, top, line_of(*into), Double);
            canvas.rectangle(x - 2, top - 1, x + 2, top + 1);
            canvas.text(x, line_of(*row), "M");
            // The foot of the box is a single line, from which the double one leaves.
            canvas.vertical(x, top + 1, top + 2, Double);
            let bit = shown(bit, ascii);
            canvas.text(x - bit.chars().count() / 2, line_of(*into) + 1, &bit);
        }
        Shape::Barrier { rows } => {
            for row in rows {
                canvas.text(x, line_of(*row), letters.barrier);
                if rows.contains(&(row + 1)) {
                    canvas.text(x, line_of(*row) + 1, letters.barrier);
                }
            }
        }
        Shape::Frame { label } => {
            let (start, _) = framed(canvas, item, x, item.top, item.bottom, ascii);
            canvas.text(start + 2, top.midpoint(bottom), &shown(label, ascii));
        }
    }
}

/// A box around rows, as wide as the item needs; its left and its right border.
fn framed(
    canvas: &mut Canvas,
    item: &Item,
    x: usize,
    first: usize,
    last: usize,
    ascii: bool,
) -> (usize, usize) {
    let width = width(item, ascii);
    let start = x - width / 2;
    let end = start + width - 1;
    canvas.rectangle(start, line_of(first) - 1, end, line_of(last) + 1);
    (start, end)
}

fn dot(canvas: &mut Canvas, control: Control, x: usize, letters: &Letters) {
    let letter = if control.closed { letters.closed } else { letters.open };
    canvas.text(x, line_of(control.row), letter);
}
