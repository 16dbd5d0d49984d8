//! A sheet of characters on which lines join where they meet.

/// How heavy a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Nothing.
    None,
    /// Quantum wires and boxes.
    Single,
    /// Classical wires.
    Double,
}

use Weight::{Double, None as No, Single};

/// What leaves a cell upwards, to the right, downwards, to the left.
type Strokes = [Weight; 4];

const UP: usize = 0;
const RIGHT: usize = 1;
const DOWN: usize = 2;
const LEFT: usize = 3;

#[derive(Clone, Copy, Debug)]
enum Cell {
    Lines(Strokes),
    Letter(char),
}

const EMPTY: Cell = Cell::Lines([No; 4]);

/// The sheet.
#[derive(Debug)]
pub(crate) struct Canvas {
    width: usize,
    cells: Vec<Cell>,
}

impl Canvas {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, cells: vec![EMPTY; width * height] }
    }

    /// A line from left to right.
    pub(crate) fn horizontal(&mut self, y: usize, from: usize, to: usize, weight: Weight) {
        for x in from..to {
            self.stroke(x, y, RIGHT, weight);
            self.stroke(x + 1, y, LEFT, weight);
        }
    }

    /// A line downwards.
    pub(crate) fn vertical(&mut self, x: usize, from: usize, to: usize, weight: Weight) {
        for y in from..to {
            self.stroke(x, y, DOWN, weight);
            self.stroke(x, y + 1, UP, weight);
        }
    }

    /// A box. Lines inside it vanish, lines that come from outside end at its border.
    pub(crate) fn rectangle(&mut self, x0: usize, y0: usize, x1: usize, y1: usize) {
        for y in y0..=y1 {
            for x in x0..=x1 {
                let outward = [y == y0, x == x1, y == y1, x == x0];
                if let Cell::Lines(strokes) = self.cell(x, y) {
                    let kept = |(stroke, outward)| if outward { stroke } else { No };
                    let mut left = strokes.iter().copied().zip(outward).map(kept);
                    *strokes = std::array::from_fn(|_| left.next().unwrap_or(No));
                }
            }
        }
        self.horizontal(y0, x0, x1, Single);
        self.horizontal(y1, x0, x1, Single);
        self.vertical(x0, y0, y1, Single);
        self.vertical(x1, y0, y1, Single);
    }

    /// A text from here to the right; what is beyond the sheet is cut.
    pub(crate) fn text(&mut self, x: usize, y: usize, text: &str) {
        for (x, letter) in (x..self.width).zip(text.chars()) {
            *self.cell(x, y) = Cell::Letter(letter);
        }
    }

    /// The lines, without spaces at their ends.
    pub(crate) fn lines(&self, ascii: bool) -> Vec<String> {
        let line = |cells: &[Cell]| {
            let text: String = cells.iter().map(|cell| glyph(*cell, ascii)).collect();
            text.trim_end().to_owned()
        };
        self.cells.chunks(self.width.max(1)).map(line).collect()
    }

    fn cell(&mut self, x: usize, y: usize) -> &mut Cell {
        &mut self.cells[y * self.width + x]
    }

    fn stroke(&mut self, x: usize, y: usize, side: usize, weight: Weight) {
        if x >= self.width {
            return;
        }
        if let Cell::Lines(strokes) = self.cell(x, y) {
            strokes[side] = strokes[side].max(weight);
        }
    }
}

fn glyph(cell: Cell, ascii: bool) -> char {
    match cell {
        Cell::Letter(letter) => letter,
        Cell::Lines(strokes) if ascii => ascii_line(strokes),
        Cell::Lines(strokes) => line(strokes),
    }
}

fn ascii_line(strokes: Strokes) -> char {
    let [up, right, down, left] = strokes;
    match (up.max(down), right.max(left)) {
        (No, No) => ' ',
        (No, Single) => '-',
        (No, Double) => '=',
        (_, No) => '|',
        _ => '+',
    }
}

#[rustfmt::skip]
const LINES: &[(Strokes, char)] = &[
    ([No, No, No, No], ' '),
    ([No, Single, No, Single], '─'), ([No, Single, No, No], '─'), ([No, No, No, Single], '─'),
    ([No, Double, No, Double], '═'), ([No, Double, No, No], '═'), ([No, No, No, Double], '═'),
    ([Single, No, Single, No], '│'), ([Single, No, No, No], '│'), ([No, No, Single, No], '│'),
    ([Double, No, Double, No], '║'), ([Double, No, No, No], '║'), ([No, No, Double, No], '║'),
    ([No, Single, Single, No], '┌'), ([No, No, Single, Single], '┐'),
    ([Single, Single, No, No], '└'), ([Single, No, No, Single], '┘'),
    ([Single, Single, Single, No], '├'), ([Single, No, Single, Single], '┤'),
    ([No, Single, Single, Single], '┬'), ([Single, Single, No, Single], '┴'),
    ([Single, Single, Single, Single], '┼'),
    ([Single, Double, Single, No], '╞'), ([Single, No, Single, Double], '╡'),
    ([Single, Double, Single, Double], '╪'),
    ([No, Double, Single, Double], '╤'), ([Single, Double, No, Double], '╧'),
    ([Double, Single, Double, Single], '╫'),
    ([No, Single, Double, Single], '╥'), ([Double, Single, No, Single], '╨'),
    ([No, Double, Double, Double], '╦'), ([Double, Double, No, Double], '╩'),
    ([Double, Double, Double, Double], '╬'),
    // A box under the foot of a measurement, and over one.
    ([Double, Single, Single, Single], '╨'), ([Single, Single, Double, Single], '╥'),
];

fn line(strokes: Strokes) -> char {
    LINES.iter().find(|(known, _)| *known == strokes).map_or('┼', |(_, letter)| *letter)
}
