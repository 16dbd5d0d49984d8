//! The inner loop of a phase pass: no sine or cosine, only products.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::layout::{Factors, Lanes, Layout, OnTile, Table};
use crate::gates::Shared;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, MAX_LANES, Pass, Simd, Task};
use crate::tiles::rows::each_row;

/// Factors that are multiplied side by side.
const CHUNK: usize = 8;

/// A phase pass on one tile.
#[derive(Debug)]
pub struct PhaseTile<'a, T> {
    pub(crate) tile: &'a mut [Complex<T>],
    pub(super) layout: &'a Layout<T>,
    pub(super) on_tile: OnTile,
}

impl<T: Real> Task<T> for PhaseTile<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        match S::SLOTS {
            2 => self.with_rows::<S, 4>(simd),
            3 => self.with_rows::<S, 8>(simd),
            _ => self.with_rows::<S, 16>(simd),
        }
    }
}

impl<T: Real> PhaseTile<'_, T> {
    fn with_rows<S: Simd<T>, const ROWS: usize>(self, simd: S) {
        let Self { tile, layout, mut on_tile } = self;
        let low = layout.lane_bits + layout.slots.len();
        assert!(1 << layout.slots.len() == ROWS && 1 << layout.lane_bits == S::LANES);
        let mut fixed = layout.slots.iter().fold(S::LANES - 1, |mask, bit| mask | 1 << bit);
        // What every term has is set once and for all.
        let (mut value, mut counted) = (0, Vec::<usize>::with_capacity(layout.high.len()));
        for (at, bit) in layout.high.iter().enumerate().rev() {
            if on_tile.common >> (low + at) & 1 == 1 {
                (fixed, value) = (fixed | 1 << bit, value | 1 << bit);
                let root = on_tile.root;
                decide(&root, &layout.couplings[at], low + at, &mut on_tile.root);
                for above in &counted {
                    let coupling = layout.couplings[*above].at(1 + low + at);
                    on_tile.root.set(1 + low + above, on_tile.root.at(1 + low + above) * coupling);
                }
            } else {
                counted.push(at);
            }
        }
        counted.reverse();
        let walk = Walk::new(tile.len(), fixed, value);
        let lanes_where = |bit: usize, set: bool| {
            let lanes = Coefficient::by_lane(simd, |lane| {
                let is_set = lane >> bit & 1 == 1;
                Complex::from(if is_set == set { T::one() } else { T::zero() })
            });
            lanes.re
        };
        let ones = [Complex::from(T::one()); MAX_LANES];
        let pass = Multiply::<_, _, ROWS> {
            tile: Shared::new(tile),
            walk,
            offsets: std::array::from_fn(|row| {
                let slots = layout.slots.iter().enumerate();
                slots.fold(0, |at, (j, bit)| at | (row >> j & 1) << bit)
            }),
            layout,
            on_tile: &on_tile,
            counted: &counted,
            unit: load(simd, &Lanes(ones)),
            set: [lanes_where(0, true), lanes_where(1, true), lanes_where(2, true)],
            unset: [lanes_where(0, false), lanes_where(1, false), lanes_where(2, false)],
        };
        simd.vectorize(&pass, 0..walk.groups());
    }
}

/// Sets the bit at `place`, which is above all that are still undecided: its factor
/// becomes part of what is decided, and its couplings part of the others' factors.
#[inline(always)]
fn decide(before: &Factors, couplings: &Factors, place: usize, after: &mut Factors) {
    let mut start = 0;
    while start <= place {
        for at in start..start + CHUNK {
            let (re, im) = (before.re[at], before.im[at]);
            let (by_re, by_im) = (couplings.re[at], couplings.im[at]);
            after.re[at] = re * by_re - im * by_im;
            after.im[at] = re * by_im + im * by_re;
        }
        start += CHUNK;
    }
    let (re, im) = (before.re[0], before.im[0]);
    let (by_re, by_im) = (before.re[1 + place], before.im[1 + place]);
    after.re[0] = re * by_re - im * by_im;
    after.im[0] = re * by_im + im * by_re;
}

struct Multiply<'a, T, V, const ROWS: usize> {
    tile: Shared<'a, T>,
    walk: Walk,
    offsets: [usize; ROWS],
    layout: &'a Layout<T>,
    on_tile: &'a OnTile,
    /// The high bits that the walk counts through, ascending, by their number.
    counted: &'a [usize],
    /// The number 1 in every lane.
    unit: V,
    /// 1 in the lanes whose bit is set, by bit, else 0; and the opposite.
    set: [V; 3],
    unset: [V; 3],
}

impl<T: Real, S: Simd<T>, const ROWS: usize> Pass<T, S> for Multiply<'_, T, S::Vector, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let low = self.layout.lane_bits + self.layout.slots.len();
        // Level k is the last value of the counter whose lowest set bit was k.
        let mut levels = vec![Factors::ONES; self.counted.len()];
        for (counter, base) in self.walk.bases(range).enumerate() {
            let mut factors = &self.on_tile.root;
            if counter > 0 {
                let bit = counter.trailing_zeros() as usize;
                let above = counter & (counter - 1);
                let (up_to_bit, rest) = levels.split_at_mut(bit + 1);
                if above != 0 {
                    factors = &rest[above.trailing_zeros() as usize - bit - 1];
                }
                let at = self.counted[bit];
                decide(factors, &self.layout.couplings[at], low + at, &mut up_to_bit[bit]);
                factors = &up_to_bit[bit];
            }
            if self.on_tile.signs {
                self.group::<S, true>(simd, base, factors);
            } else {
                self.group::<S, false>(simd, base, factors);
            }
        }
    }
}

impl<T: Real, V: Copy, const ROWS: usize> Multiply<'_, T, V, ROWS> {
    /// Multiplies the vectors of a group; only by signs, if so promised.
    #[inline(always)]
    fn group<S: Simd<T, Vector = V>, const SIGNS: bool>(
        &self,
        simd: S,
        base: usize,
        factors: &Factors,
    ) {
        let factor = |at: usize| Coefficient {
            re: simd.splat(T::narrow(factors.re[at])),
            im: simd.splat(T::narrow(factors.im[at])),
        };
        let times = |factor: Coefficient<V>, vector: V| match SIGNS {
            true => simd.mul(factor.re, vector),
            false => simd.complex_mul(factor.re, factor.im, vector),
        };
        let lane_bits = self.layout.lane_bits;

        // The factor of the first row, as amplitudes: or, for signs, in both parts.
        let decided = factor(0);
        let mut first = match SIGNS {
            true => decided.re,
            false => simd.complex_mul(decided.re, decided.im, self.unit),
        };
        for bit in 0..lane_bits {
            if self.on_tile.active >> bit & 1 == 1 {
                let of_bit = factor(1 + bit);
                let of_bit = Coefficient {
                    re: simd.mul_add(self.set[bit], of_bit.re, self.unset[bit]),
                    im: simd.mul(self.set[bit], of_bit.im),
                };
                first = times(of_bit, first);
            }
        }

        let mut rows = [first; ROWS];
        macro_rules! double {
            ($($slot:literal)*) => {$(
                if 1 << $slot < ROWS {
                    if self.on_tile.active >> (lane_bits + $slot) & 1 == 1 {
                        let of_slot = factor(1 + lane_bits + $slot);
                        each_row!(ROWS, |ROW| {
                            if ROW >> $slot == 1 {
                                rows[ROW] = times(of_slot, rows[ROW ^ 1 << $slot]);
                            }
                        });
                    } else {
                        each_row!(ROWS, |ROW| {
                            if ROW >> $slot == 1 {
                                rows[ROW] = rows[ROW ^ 1 << $slot];
                            }
                        });
                    }
                }
            )*};
        }
        double!(0 1 2 3);

        match &self.layout.table {
            Table::Ones => {}
            Table::Signs(signs) => {
                let signs: &[Lanes<T>; ROWS] = signs.first_chunk().expect("a sign for each row");
                each_row!(ROWS, |ROW| {
                    rows[ROW] = simd.mul(load(simd, &signs[ROW]), rows[ROW]);
                });
            }
            Table::Any(table) => {
                let table: &[[Lanes<T>; 2]; ROWS] =
                    table.first_chunk().expect("a factor for each row");
                each_row!(ROWS, |ROW| {
                    let [re, im] = &table[ROW];
                    rows[ROW] = simd.complex_mul(load(simd, re), load(simd, im), rows[ROW]);
                });
            }
        }

        each_row!(ROWS, |ROW| {
            // SAFETY: a base has 0 in the bits of the slots and the lanes, of which the
            // offsets are made: a vector of the tile.
            let place = unsafe { self.tile.at(base | self.offsets[ROW]) };
            // SAFETY: `place` is valid for LANES amplitudes.
            let vector = unsafe { simd.load(place) };
            let multiplied = match SIGNS {
                true => simd.mul(rows[ROW], vector),
                false => simd.parts(rows[ROW]).times(simd, vector),
            };
            // SAFETY: as for the load.
            unsafe { simd.store(place, multiplied) };
        });
    }
}

/// A vector of what is kept for each lane.
#[inline(always)]
pub(in crate::tiles) fn load<T: Real, S: Simd<T>>(simd: S, lanes: &Lanes<T>) -> S::Vector {
    // SAFETY: `lanes` has MAX_LANES amplitudes, and LANES is at most that.
    unsafe { simd.load(lanes.0.as_ptr()) }
}
