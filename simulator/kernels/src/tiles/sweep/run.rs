//! A round: load a group of vectors, run its steps, store them.
//!
//! The steps of a round are a small program that is interpreted for each group. The
//! vectors stay in registers all the while: each step names its rows by constants.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::Rotation;
use super::phases::{Draft, Rows, drafted};
use crate::gates::Shared;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{MAX_LANES, Pass, Registers, Simd, Task};
use crate::tiles::rows::each_row;

/// What is done in one passage through the registers.
#[derive(Clone, Debug)]
pub(crate) struct Round<T> {
    /// The bits that tell the vectors of a group apart, ascending.
    slots: Vec<usize>,
    steps: Vec<Step<T>>,
}

/// One step of a round.
#[derive(Clone, Debug)]
enum Step<T> {
    Pairs(Box<Pairs<T>>),
    Phases(Rows<T>),
}

impl<T: Real> Round<T> {
    /// The round of these slots, ascending, and of rotations on their bits and those of lanes.
    pub(super) fn new(slots: Vec<usize>, rotations: &[Rotation], registers: Registers) -> Self {
        let step = |draft: Draft<'_>| match draft {
            Draft::Pairs(rotation) => {
                Step::Pairs(Box::new(Pairs::new(rotation, &slots, registers)))
            }
            Draft::Phases(terms) => Step::Phases(Rows::new(&terms, &slots, registers)),
        };
        let steps = drafted(rotations).into_iter().map(step).collect();
        Self { slots, steps }
    }
}

/// A real coefficient for each lane, twice, as the parts of an amplitude are.
type Lanes<T> = [Complex<T>; MAX_LANES];

/// A rotation in terms of slots and lanes: each vector becomes
/// `kept · itself + partner · the vector of the other amplitudes of its pairs`.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Pairs<T> {
    /// By the bits of a vector in the two slots of the step, the lower slot first; a step
    /// on one slot has only 00 and 11.
    partner: [Lanes<T>; 4],
    kept: [Lanes<T>; 4],
    place: Place,
    form: Form,
    /// What tells the lanes of a pair apart.
    flip: usize,
}

/// The slots of a step, the lower first; the same twice for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Slots(u8, u8),
    SlotAndLane(u8),
    Lanes,
    Scale,
}

/// Which coefficients are known to be 1 or -1, so that one multiply-add does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// All `kept` are 1.
    Tangent,
    /// `partner` is -1 for the first of a pair and 1 for the second.
    Cotangent,
    /// `kept` is 1 for the first of a pair and -1 for the second.
    Reflection,
    /// All `partner` are 1.
    Exchange,
    Any,
}

impl<T: Real> Pairs<T> {
    fn new(rotation: &Rotation, slots: &[usize], registers: Registers) -> Self {
        let slot = |bit: usize| slots.iter().position(|slot| *slot == bit);
        let lane = |bit: usize| 1_usize << bit;
        match *rotation {
            Rotation::Phase { .. } => unreachable!("phases are steps of their own"),
            Rotation::Scale(factor) => {
                let unused = [[1.0, 0.0], [0.0, 1.0]];
                let mut step = Self::by_class(Place::Scale, 0, |_, _| (unused, false));
                step.kept = [[real(factor); MAX_LANES]; 4];
                step
            }
            Rotation::One { bit, matrix } => match slot(bit) {
                Some(j) => Self::by_class(Place::Slots(j as u8, j as u8), 0, |class, _| {
                    (matrix, class == 3)
                }),
                None => {
                    debug_assert!(bit < registers.lane_bits);
                    let second = |at: usize| at >> bit & 1 == 1;
                    Self::by_class(Place::Lanes, lane(bit), |_, at| (matrix, second(at)))
                }
            },
            Rotation::Two { bits: [a, b], even, odd } => {
                // With the higher bit last, it tells the first of a pair from the second.
                let turned = [[odd[1][1], odd[1][0]], [odd[0][1], odd[0][0]]];
                let ([a, b], odd) = if a < b { ([a, b], odd) } else { ([b, a], turned) };
                let pick = |low: bool, high: bool| (if low == high { even } else { odd }, high);
                match (slot(a), slot(b)) {
                    (Some(i), Some(j)) => {
                        Self::by_class(Place::Slots(i as u8, j as u8), 0, |class, _| {
                            pick(class & 1 == 1, class & 2 == 2)
                        })
                    }
                    (None, Some(j)) => {
                        Self::by_class(Place::SlotAndLane(j as u8), lane(a), |class, at| {
                            pick(at >> a & 1 == 1, class & 2 == 2)
                        })
                    }
                    _ => Self::by_class(Place::Lanes, lane(a) | lane(b), |_, at| {
                        pick(at >> a & 1 == 1, at >> b & 1 == 1)
                    }),
                }
            }
        }
    }

    /// The step whose class (the bits of the vector in the slots) and lane select a
    /// matrix, and whether the amplitude is the second of its pair.
    fn by_class(
        place: Place,
        flip: usize,
        select: impl Fn(usize, usize) -> ([[f64; 2]; 2], bool),
    ) -> Self {
        // Across slots, all lanes are alike.
        let across = matches!(place, Place::Slots(..));
        let lanes = |class: usize, kept: bool| -> Lanes<T> {
            let of_lane = |lane: usize| {
                let (matrix, second) = select(class, lane);
                let row = usize::from(second);
                real(matrix[row][if kept { row } else { 1 - row }])
            };
            if across { [of_lane(0); MAX_LANES] } else { std::array::from_fn(of_lane) }
        };
        let partner: [Lanes<T>; 4] = std::array::from_fn(|class| lanes(class, false));
        let kept: [Lanes<T>; 4] = std::array::from_fn(|class| lanes(class, true));
        let n_lanes = if across { 1 } else { MAX_LANES };
        let all = |rows: &[Lanes<T>; 4], first: f64, second: f64| {
            let is = |class: usize, value: f64| {
                let value = real(value);
                rows[class][..n_lanes].iter().all(|x| *x == value)
            };
            is(0, first) && is(1, first) && is(2, second) && is(3, second)
        };
        // A step on one slot has no classes 01 and 10: `select` treats them as 00.
        let one_slot = matches!(place, Place::Slots(i, j) if i == j);
        let (mut p, mut k) = (partner, kept);
        if one_slot {
            (p[1], p[2], k[1], k[2]) = (p[0], p[3], k[0], k[3]);
        }
        let form = if all(&k, 1.0, 1.0) {
            Form::Tangent
        } else if across && all(&p, -1.0, 1.0) {
            Form::Cotangent
        } else if across && all(&k, 1.0, -1.0) {
            Form::Reflection
        } else if across && all(&p, 1.0, 1.0) {
            Form::Exchange
        } else {
            Form::Any
        };
        Self { partner: p, kept: k, place, form, flip }
    }
}

fn real<T: Real>(value: f64) -> Complex<T> {
    let value = T::narrow(value);
    Complex::new(value, value)
}

/// A round on one tile.
#[derive(Debug)]
pub struct SweepTile<'a, T> {
    pub(crate) tile: &'a mut [Complex<T>],
    pub(crate) round: &'a Round<T>,
}

impl<T: Real> Task<T> for SweepTile<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        match S::SLOTS {
            2 => self.with_rows::<S, 4>(simd),
            3 => self.with_rows::<S, 8>(simd),
            _ => self.with_rows::<S, 16>(simd),
        }
    }
}

impl<T: Real> SweepTile<'_, T> {
    fn with_rows<S: Simd<T>, const ROWS: usize>(self, simd: S) {
        let Round { slots, steps } = self.round;
        assert_eq!(1 << slots.len(), ROWS, "a round fills its slots");
        let mask = slots.iter().fold(0, |mask, bit| mask | 1 << bit);
        let walk = Walk::new(self.tile.len(), mask | (S::LANES - 1), 0);
        let offsets = std::array::from_fn(|row| {
            slots.iter().enumerate().fold(0, |at, (j, bit)| at | (row >> j & 1) << bit)
        });
        let shuffles = std::array::from_fn(|flip| simd.shuffle(flip & (S::LANES - 1)));
        let tile = Shared::new(self.tile);
        let pass = Interpreted::<_, _, ROWS> { tile, walk, offsets, shuffles, steps };
        simd.vectorize(&pass, 0..walk.groups());
    }
}

struct Interpreted<'a, T, F, const ROWS: usize> {
    tile: Shared<'a, T>,
    walk: Walk,
    offsets: [usize; ROWS],
    shuffles: [F; MAX_LANES],
    steps: &'a [Step<T>],
}

impl<T: Real, S: Simd<T>, const ROWS: usize> Pass<T, S> for Interpreted<'_, T, S::Shuffle, ROWS> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        for base in self.walk.bases(range) {
            let mut rows = [simd.splat(T::zero()); ROWS];
            each_row!(ROWS, |ROW| {
                // SAFETY: a base has 0 in the bits of the slots and the lanes, of which the
                // offsets are made: a vector of the tile.
                let place = unsafe { self.tile.at(base | self.offsets[ROW]) };
                // SAFETY: `place` is valid for LANES amplitudes.
                rows[ROW] = unsafe { simd.load(place) };
            });
            for step in self.steps {
                let step = match step {
                    Step::Pairs(step) => step,
                    Step::Phases(phases) => {
                        phases.run(simd, &mut rows);
                        continue;
                    }
                };
                let flip = self.shuffles[step.flip];
                match step.place {
                    Place::Slots(0, 0) => step.across::<S, ROWS, 0, 0>(simd, &mut rows),
                    Place::Slots(1, 1) => step.across::<S, ROWS, 1, 1>(simd, &mut rows),
                    Place::Slots(2, 2) => step.across::<S, ROWS, 2, 2>(simd, &mut rows),
                    Place::Slots(3, 3) => step.across::<S, ROWS, 3, 3>(simd, &mut rows),
                    Place::Slots(0, 1) => step.across::<S, ROWS, 0, 1>(simd, &mut rows),
                    Place::Slots(0, 2) => step.across::<S, ROWS, 0, 2>(simd, &mut rows),
                    Place::Slots(0, 3) => step.across::<S, ROWS, 0, 3>(simd, &mut rows),
                    Place::Slots(1, 2) => step.across::<S, ROWS, 1, 2>(simd, &mut rows),
                    Place::Slots(1, 3) => step.across::<S, ROWS, 1, 3>(simd, &mut rows),
                    Place::Slots(..) => step.across::<S, ROWS, 2, 3>(simd, &mut rows),
                    Place::SlotAndLane(0) => step.both::<S, ROWS, 0>(simd, &mut rows, flip),
                    Place::SlotAndLane(1) => step.both::<S, ROWS, 1>(simd, &mut rows, flip),
                    Place::SlotAndLane(2) => step.both::<S, ROWS, 2>(simd, &mut rows, flip),
                    Place::SlotAndLane(_) => step.both::<S, ROWS, 3>(simd, &mut rows, flip),
                    Place::Lanes => step.within(simd, &mut rows, flip),
                    Place::Scale => {
                        let factor = load(simd, &step.kept[0]);
                        each_row!(ROWS, |ROW| {
                            rows[ROW] = simd.mul(factor, rows[ROW]);
                        });
                    }
                }
            }
            each_row!(ROWS, |ROW| {
                // SAFETY: as for the load of the same ROW.
                let place = unsafe { self.tile.at(base | self.offsets[ROW]) };
                // SAFETY: `place` is valid for LANES amplitudes.
                unsafe { simd.store(place, rows[ROW]) };
            });
        }
    }
}

#[inline(always)]
fn load<T: Real, S: Simd<T>>(simd: S, lanes: &Lanes<T>) -> S::Vector {
    // SAFETY: `lanes` has MAX_LANES amplitudes, and LANES is at most that.
    unsafe { simd.load(lanes.as_ptr()) }
}

/// The coefficients of the rows by class.
#[inline(always)]
fn load_all<T: Real, S: Simd<T>>(simd: S, classes: &[Lanes<T>; 4]) -> [S::Vector; 4] {
    [
        load(simd, &classes[0]),
        load(simd, &classes[1]),
        load(simd, &classes[2]),
        load(simd, &classes[3]),
    ]
}

impl<T: Real> Pairs<T> {
    /// Pairs of rows that differ in slots `I` and `J`.
    #[inline(always)]
    fn across<S: Simd<T>, const ROWS: usize, const I: usize, const J: usize>(
        &self,
        simd: S,
        rows: &mut [S::Vector; ROWS],
    ) {
        if 1 << J >= ROWS {
            return;
        }
        let class = |row: usize| (row >> I & 1) | (row >> J & 1) << 1;
        match self.form {
            Form::Tangent => {
                let p = load_all(simd, &self.partner);
                each_row!(ROWS, |ROW| {
                    if ROW >> J & 1 == 0 {
                        let other = ROW ^ (1 << I | 1 << J);
                        let (x, y) = (rows[ROW], rows[other]);
                        rows[ROW] = simd.mul_add(p[class(ROW)], y, x);
                        rows[other] = simd.mul_add(p[class(other)], x, y);
                    }
                });
            }
            Form::Cotangent => {
                let k = load_all(simd, &self.kept);
                each_row!(ROWS, |ROW| {
                    if ROW >> J & 1 == 0 {
                        let other = ROW ^ (1 << I | 1 << J);
                        let (x, y) = (rows[ROW], rows[other]);
                        rows[ROW] = simd.mul_sub(k[class(ROW)], x, y);
                        rows[other] = simd.mul_add(k[class(other)], y, x);
                    }
                });
            }
            Form::Reflection => {
                let p = load_all(simd, &self.partner);
                each_row!(ROWS, |ROW| {
                    if ROW >> J & 1 == 0 {
                        let other = ROW ^ (1 << I | 1 << J);
                        let (x, y) = (rows[ROW], rows[other]);
                        rows[ROW] = simd.mul_add(p[class(ROW)], y, x);
                        rows[other] = simd.mul_sub(p[class(other)], x, y);
                    }
                });
            }
            Form::Exchange => {
                let k = load_all(simd, &self.kept);
                each_row!(ROWS, |ROW| {
                    if ROW >> J & 1 == 0 {
                        let other = ROW ^ (1 << I | 1 << J);
                        let (x, y) = (rows[ROW], rows[other]);
                        rows[ROW] = simd.mul_add(k[class(ROW)], x, y);
                        rows[other] = simd.mul_add(k[class(other)], y, x);
                    }
                });
            }
            Form::Any => {
                let p = load_all(simd, &self.partner);
                let k = load_all(simd, &self.kept);
                each_row!(ROWS, |ROW| {
                    if ROW >> J & 1 == 0 {
                        let other = ROW ^ (1 << I | 1 << J);
                        let (x, y) = (rows[ROW], rows[other]);
                        rows[ROW] = simd.mul_add(p[class(ROW)], y, simd.mul(k[class(ROW)], x));
                        rows[other] =
                            simd.mul_add(p[class(other)], x, simd.mul(k[class(other)], y));
                    }
                });
            }
        }
    }

    /// Pairs that differ in slot `J` and in a lane.
    #[inline(always)]
    fn both<S: Simd<T>, const ROWS: usize, const J: usize>(
        &self,
        simd: S,
        rows: &mut [S::Vector; ROWS],
        flip: S::Shuffle,
    ) {
        if 1 << J >= ROWS {
            return;
        }
        // By the bit in the slot, for what `select` makes of the lower bit is in the lanes.
        let p = load_all(simd, &self.partner);
        let k = load_all(simd, &self.kept);
        each_row!(ROWS, |ROW| {
            if ROW >> J & 1 == 0 {
                let other = ROW ^ 1 << J;
                let (mut x, mut y) = (rows[ROW], rows[other]);
                let (of_x, of_y) = (simd.permute(x, flip), simd.permute(y, flip));
                if self.form != Form::Tangent {
                    (x, y) = (simd.mul(k[0], x), simd.mul(k[3], y));
                }
                rows[ROW] = simd.mul_add(p[0], of_y, x);
                rows[other] = simd.mul_add(p[3], of_x, y);
            }
        });
    }

    /// Pairs of lanes.
    #[inline(always)]
    fn within<S: Simd<T>, const ROWS: usize>(
        &self,
        simd: S,
        rows: &mut [S::Vector; ROWS],
        flip: S::Shuffle,
    ) {
        let p = load(simd, &self.partner[0]);
        if self.form == Form::Tangent {
            each_row!(ROWS, |ROW| {
                rows[ROW] = simd.mul_add(p, simd.permute(rows[ROW], flip), rows[ROW]);
            });
        } else {
            let k = load(simd, &self.kept[0]);
            each_row!(ROWS, |ROW| {
                let x = rows[ROW];
                rows[ROW] = simd.mul_add(p, simd.permute(x, flip), simd.mul(k, x));
            });
        }
    }
}
