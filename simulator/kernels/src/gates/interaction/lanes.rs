//! An interaction where one of the qubits, or both, tell the lanes of a vector apart: the other
//! amplitude of a pair comes from an exchange of lanes, and each lane has numbers of its own.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use super::{Interact, Numbers, reals, tangents_of_phases};
use crate::controls::Controls;
use crate::gates::{Shared, plan, sweep};
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, Pass, Simd};

/// Runs an interaction on one vector at a time, or on two that differ in the qubit number `across`.
pub(super) fn run<T: Real, S: Simd<T>, const ROWS: usize>(
    simd: S,
    interact: Interact<'_, T>,
    across: usize,
) {
    let Interact { threads, state, qubits, interaction } = interact;
    let bits = qubits.map(|qubit| 1_usize << qubit);
    let tells_rows_apart = |number: usize| ROWS == 2 && number == across;
    // The basis state of a row and a lane.
    let value = |row: usize, lane: usize| {
        let is_set = |number: usize| match tells_rows_apart(number) {
            true => row == 1,
            false => lane & bits[number] != 0,
        };
        usize::from(is_set(0)) | usize::from(is_set(1)) << 1
    };
    let exchange = |numbers: &[usize]| {
        let lanes = numbers.iter().filter(|number| !tells_rows_apart(**number));
        simd.shuffle(lanes.fold(0, |flip, &number| flip | bits[number]))
    };
    let turn = |number: usize| {
        let tangent = interaction.turns[number];
        let of_lane = |lane: usize| if lane & bits[number] == 0 { -tangent } else { tangent };
        (reals(simd, of_lane), exchange(&[number]))
    };
    let Numbers { tangents, partner, factors } = interaction.numbers(across);
    let offset = if ROWS == 2 { bits[across] } else { 0 };
    let (walk, _) = plan::<T, S>(state.len(), offset, Controls::NONE);
    let slope = T::narrow(interaction.turns[across]);
    let pass = Lanes::<_, _, _, ROWS> {
        state: Shared::new(state),
        walk,
        offset,
        turns: [turn(1 - across), turn(across)],
        across: [simd.splat(-slope), simd.splat(slope)],
        tangents: tangents_of_phases(simd, |lane| tangents[value(ROWS - 1, lane)]),
        pair: exchange(&[0, 1]),
        partner: std::array::from_fn(|row| reals(simd, |lane| partner[value(row, lane)])),
        after: std::array::from_fn(|row| Coefficient {
            re: reals(simd, |lane| factors[value(row, lane)].re),
            im: reals(simd, |lane| factors[value(row, lane)].im),
        }),
    };
    sweep(simd, threads, &walk, 2 * ROWS * S::LANES, &pass);
}

struct Lanes<'a, T, V, F, const ROWS: usize> {
    state: Shared<'a, T>,
    walk: Walk,
    /// What the second row adds to the index.
    offset: usize,
    /// The rotations on qubits in the lanes: the tangent by lane, and the exchange of lanes. The
    /// second one is not done if its qubit tells rows apart.
    turns: [(V, F); 2],
    /// The tangent of the rotation between rows: its negative, itself.
    across: [V; 2],
    /// Of the phases in between, which are in the last row.
    tangents: V,
    /// The exchange of lanes between the amplitudes of a pair, which are in different rows if there
    /// are two.
    pair: F,
    partner: [V; ROWS],
    after: [Coefficient<V>; ROWS],
}

impl<T: Real, S: Simd<T>, const ROWS: usize> Pass<T, S>
    for Lanes<'_, T, S::Vector, S::Shuffle, ROWS>
{
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let turn = |(tangent, exchange): (S::Vector, S::Shuffle), x: S::Vector| {
            simd.mul_add(tangent, simd.permute(x, exchange), x)
        };
        let Self { turns, across: [minus, plus], tangents, pair, partner, after, .. } = *self;
        for base in self.walk.bases(range) {
            let mut rows = [simd.splat(T::zero()); ROWS];
            for (row, x) in rows.iter_mut().enumerate() {
                // SAFETY: `plan` makes a base with 0 in the bits of the lanes and of the offset: a
                // vector of the state that no other group has.
                let place = unsafe { self.state.at(base | (row * self.offset)) };
                // SAFETY: `place` is valid for LANES amplitudes.
                *x = turn(turns[0], unsafe { simd.load(place) });
            }
            if ROWS == 2 {
                let (x, y) = (rows[0], rows[1]);
                (rows[0], rows[1]) = (simd.mul_add(minus, y, x), simd.mul_add(plus, x, y));
            } else {
                rows[0] = turn(turns[1], rows[0]);
            }
            let last = rows[ROWS - 1];
            rows[ROWS - 1] = simd.mul_add(tangents, simd.swap_parts(last), last);
            let mixed = rows;
            for (row, x) in rows.iter_mut().enumerate() {
                let other = simd.permute(mixed[ROWS - 1 - row], pair);
                *x = after[row].times(simd, simd.mul_add(partner[row], other, *x));
                // SAFETY: as for the load of the same row.
                let place = unsafe { self.state.at(base | (row * self.offset)) };
                // SAFETY: `place` is valid for LANES amplitudes.
                unsafe { simd.store(place, *x) };
            }
        }
    }
}
