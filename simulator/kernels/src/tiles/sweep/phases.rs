//! Phases between the amplitudes that are in the registers together.

use num_complex::Complex;

use super::Rotation;
use crate::real::Real;
use crate::simd::{Registers, Simd};
use crate::tiles::phases::{Table, cis, load};
use crate::tiles::rows::each_row;

/// What phases multiply the rows by.
#[derive(Clone, Debug)]
pub(super) struct Rows<T> {
    /// The rows whose factor is not 1, as a mask.
    active: usize,
    table: Table<T>,
}

/// Phases that are done together: the bits that are 1 where a phase is, and its angle.
pub(super) type Terms = Vec<([usize; 2], f64)>;

/// A part of a round before it is made ready.
#[derive(Debug)]
pub(super) enum Draft<'a> {
    Pairs(&'a Rotation),
    Phases(Terms),
}

/// Puts phases together that nothing stands between.
pub(super) fn drafted(rotations: &[Rotation]) -> Vec<Draft<'_>> {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for rotation in rotations {
        let Rotation::Phase { bits, angle } = rotation else {
            drafts.push(Draft::Pairs(rotation));
            continue;
        };
        let mask = rotation.mask();
        let behind = drafts
            .iter()
            .rposition(|draft| matches!(draft, Draft::Pairs(pairs) if pairs.mask() & mask != 0))
            .map_or(0, |at| at + 1);
        let waiting = drafts[behind..].iter_mut().find_map(|draft| match draft {
            Draft::Phases(terms) => Some(terms),
            Draft::Pairs(_) => None,
        });
        match waiting {
            Some(terms) => terms.push((*bits, *angle)),
            None => drafts.push(Draft::Phases(vec![(*bits, *angle)])),
        }
    }
    drafts
}

impl<T: Real> Rows<T> {
    pub(super) fn new(terms: &Terms, slots: &[usize], registers: Registers) -> Self {
        // The bit of the lane and, above it, of the row that each bit of the tile has.
        let low = |bit: usize| match slots.iter().position(|slot| *slot == bit) {
            Some(slot) => registers.lane_bits + slot,
            None => bit,
        };
        let terms: Vec<(usize, f64)> =
            terms.iter().map(|([a, b], angle)| (1 << low(*a) | 1 << low(*b), *angle)).collect();
        // A row with a phase in any lane has one in the last lane.
        let lanes = (1 << registers.lane_bits) - 1;
        let is_active = |row: &usize| {
            let index = row << registers.lane_bits | lanes;
            terms.iter().any(|(mask, _)| index & mask == *mask)
        };
        let rows = (0..1 << registers.slots).filter(is_active);
        let active = rows.fold(0, |mask, row| mask | 1 << row);
        Self { active, table: Table::new(&terms, registers) }
    }

    /// Multiplies the rows.
    #[inline(always)]
    pub(super) fn run<S: Simd<T>, const ROWS: usize>(&self, simd: S, rows: &mut [S::Vector; ROWS]) {
        match &self.table {
            Table::Ones => {}
            Table::Signs(signs) => {
                let signs: &[_; ROWS] = signs.first_chunk().expect("a sign for each row");
                each_row!(ROWS, |ROW| {
                    if self.active >> ROW & 1 == 1 {
                        rows[ROW] = simd.mul(load(simd, &signs[ROW]), rows[ROW]);
                    }
                });
            }
            Table::Any(table) => {
                let table: &[_; ROWS] = table.first_chunk().expect("a factor for each row");
                each_row!(ROWS, |ROW| {
                    if self.active >> ROW & 1 == 1 {
                        let [re, im] = &table[ROW];
                        let (re, im) = (load(simd, re), load(simd, im));
                        rows[ROW] = simd.complex_mul(re, im, rows[ROW]);
                    }
                });
            }
        }
    }
}

/// exp(i angle).
pub(super) fn cis_at<T: Real>(angle: f64) -> Complex<T> {
    let factor = cis(angle);
    Complex::new(T::narrow(factor.re), T::narrow(factor.im))
}
