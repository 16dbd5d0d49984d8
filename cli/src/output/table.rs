//! Tables of text in columns.

use std::io::{self, Write};

use super::terminal::Terminal;

/// Rows of text in columns, with a heading over each column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Column {
    heading: &'static str,
    right: bool,
}

/// What stands between two columns.
const GAP: &str = "  ";

impl Table {
    /// A table with these headings; a heading that begins with `>` is of a column that stands at
    /// the right, as numbers do.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        let columns = headings.iter().map(|heading| match heading.strip_prefix('>') {
            Some(heading) => Column { heading, right: true },
            None => Column { heading, right: false },
        });
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a row, one text a column.
    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row has a text for each column");
        self.rows.push(row.map(|text| one_line(&text)).to_vec());
    }

    /// There are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, headings first. On a terminal the last column is cut where the line ends.
    pub(crate) fn write(&self, out: &mut dyn Write, terminal: Terminal) -> io::Result<()> {
        let widths: Vec<usize> = (0..self.columns.len()).map(|place| self.width(place)).collect();
        let headings: Vec<String> =
            self.columns.iter().map(|column| column.heading.to_owned()).collect();
        if headings.iter().any(|heading| !heading.is_empty()) {
            let line = self.line(&headings, &widths, terminal);
            writeln!(out, "{}", terminal.bold(&line))?;
        }
        self.rows.iter().try_for_each(|row| writeln!(out, "{}", self.line(row, &widths, terminal)))
    }

    fn width(&self, place: usize) -> usize {
        let texts = self.rows.iter().map(|row| row[place].as_str());
        let texts = texts.chain([self.columns[place].heading]);
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    }

    fn line(&self, row: &[String], widths: &[usize], terminal: Terminal) -> String {
        let mut line = String::new();
        for (place, (text, &width)) in row.iter().zip(widths).enumerate() {
            if place > 0 {
                line.push_str(GAP);
            }
            if self.columns[place].right {
                line.push_str(&format!("{text:>width$}"));
            } else {
                line.push_str(&format!("{text:<width$}"));
            }
        }
        let line = line.trim_end();
        match terminal.width {
            Some(width) if line.chars().count() > width => {
                let kept: String = line.chars().take(width.saturating_sub(1)).collect();
                format!("{kept}…")
            }
            _ => line.to_owned(),
        }
    }
}

/// What a plugin says of itself must not move the cursor or begin a line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NAME", ">QUBITS", "DESCRIPTION"]);
        table.push(["local/a".to_owned(), "29".to_owned(), "a state vector".to_owned()]);
        table.push(["b".to_owned(), "no limit".to_owned(), "two\nlines\x1b[1m".to_owned()]);
        table
    }

    fn written(terminal: Terminal) -> String {
        let mut text = Vec::new();
        table().write(&mut text, terminal).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn columns_stand_below_their_headings() {
        let expected = "\
NAME       QUBITS  DESCRIPTION
local/a        29  a state vector
b        no limit  two lines [1m
";
        assert_eq!(written(Terminal::NONE), expected);
    }

    #[test]
    fn a_terminal_cuts_long_lines() {
        let expected = "\
NAME       QUBITS  D…
local/a        29  a…
b        no limit  t…
";
        assert_eq!(written(Terminal { width: Some(21), colour: false }), expected);
    }

    #[test]
    fn headings_are_bold_where_colours_are_welcome() {
        let text = written(Terminal { width: Some(80), colour: true });
        assert!(text.starts_with("\x1b[1mNAME"), "{text}");
    }
}
