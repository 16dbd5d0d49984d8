//! Circuits as pictures: text for terminals, and SVG.
//!
//! [`draw`] lays a circuit out once: a row for each qubit and each classical register, a column for
//! each moment. [`Drawing::to_text`] and [`Drawing::to_svg`] render that.
//!
//! ```
//! use ketch_interface::Circuit;
//! let bell = Circuit::new(2, 2).h(0).cx(0, 1).measure_all();
//! let text = ketch_draw::draw(&bell).unwrap().to_text(ketch_draw::TextOptions::default());
//! assert!(text.starts_with("      ┌───┐       ┌───┐\nq[0] ─┤ H ├───●───┤ M ├─"), "{text}");
//! ```

#![forbid(unsafe_code)]

mod canvas;
mod expression;
mod labels;
mod layout;
mod pages;
mod svg;
mod text;

use ketch_interface::Circuit;

use layout::{Item, Wire};

/// No picture has more rows than this.
pub const MAX_ROWS: usize = 512;

/// Of a circuit with more instructions than this, the first ones are drawn.
pub const MAX_INSTRUCTIONS: usize = 4000;

/// A circuit that cannot be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// There are too many qubits and classical registers for a picture.
    #[error(
        "cannot draw a circuit of {rows} rows, of qubits and classical registers: at most \
         {MAX_ROWS} are drawn"
    )]
    TooWide {
        /// How many rows it would have.
        rows: usize,
    },
}

/// A circuit that was laid out.
#[derive(Clone, Debug)]
pub struct Drawing {
    wires: Vec<Wire>,
    /// In the order of their columns.
    items: Vec<Item>,
    /// What the picture cannot show, a line each.
    notes: Vec<String>,
}

/// How a [`Drawing`] becomes text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextOptions {
    /// Longer lines are folded; `None`: none are.
    pub width: Option<usize>,
    /// Only characters of ASCII, for terminals that have no others.
    pub ascii: bool,
}

/// Lays a circuit out.
///
/// # Errors
/// If it has more qubits and classical registers than a picture can show.
///
/// # Panics
/// If the circuit is not [valid](Circuit::validate).
pub fn draw(circuit: &Circuit) -> Result<Drawing, DrawError> {
    layout::laid_out(circuit)
}
