//! How wide each column is, and which columns stand beside each other where a picture is folded.
//! Measured in characters; SVG has so many pixels for each.

use std::ops::Range;

use crate::{
    Drawing, labels,
    layout::{Item, Shape},
};

/// Columns that stand beside each other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) columns: Range<usize>,
    /// Where each of them begins.
    starts: Vec<usize>,
    widths: Vec<usize>,
    /// Where the wires begin, behind their names.
    pub(crate) left: usize,
    /// Where they end.
    pub(crate) right: usize,
}

impl Page {
    /// The middle of a column.
    pub(crate) fn middle(&self, column: usize) -> usize {
        let place = column - self.columns.start;
        self.starts[place] + self.widths[place] / 2
    }
}

/// A label as it is shown.
pub(crate) fn shown(label: &str, ascii: bool) -> String {
    if ascii { labels::ascii(label) } else { label.to_owned() }
}

/// How wide an item is.
pub(crate) fn width(item: &Item, ascii: bool) -> usize {
    let length = |label: &str| shown(label, ascii).chars().count();
    match &item.shape {
        Shape::Gate { rows, .. } if rows.is_empty() => 1,
        Shape::Gate { label, rows, .. } => {
            let numbers = if rows.len() > 1 { (rows.len() - 1).to_string().len() + 1 } else { 0 };
            length(label) + 4 + numbers
        }
        Shape::Frame { label } => length(label) + 4,
        // The name of the bit stands beside the middle, half of it on either side.
        Shape::Measure { bit, .. } => 5.max(length(bit) | 1),
        Shape::Swap { .. } | Shape::Barrier { .. } => 1,
    }
}

/// The pages of a picture of lines of at most this many characters. A column that is wider than
/// that has a page of its own.
pub(crate) fn pages(drawing: &Drawing, line: Option<usize>, ascii: bool) -> Vec<Page> {
    let n_columns = drawing.items.last().map_or(0, |item| item.column + 1);
    let mut widths = vec![1; n_columns];
    for item in &drawing.items {
        widths[item.column] = widths[item.column].max(width(item, ascii));
    }
    let names = drawing.wires.iter().map(|wire| shown(&wire.label, ascii).chars().count());
    let left = names.max().map_or(0, |longest| longest + 1);
    let mut pages = Vec::new();
    let mut first = 0;
    loop {
        let (mut starts, mut at, mut next) = (Vec::new(), left + 1, first);
        while next < n_columns {
            let end = at + widths[next] + 1;
            if next > first && line.is_some_and(|line| end > line) {
                break;
            }
            starts.push(at);
            at = end;
            next += 1;
        }
        let widths = widths[first..next].to_vec();
        pages.push(Page { columns: first..next, starts, widths, left, right: at });
        first = next;
        if first >= n_columns {
            return pages;
        }
    }
}
