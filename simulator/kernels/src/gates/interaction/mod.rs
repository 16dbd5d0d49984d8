//! A unitary on two qubits in real rotations and phases: two thirds of the arithmetic of its matrix.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

mod lanes;

use std::ops::Range;

use num_complex::{Complex, Complex64};

use super::{Shared, plan, sweep};
use crate::controls::Controls;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, MAX_LANES, Pass, Simd, Task};
use crate::threads::Threads;

/// In this order: a rotation on each qubit, phases, rotations between 00 and 11 and between 10 and
/// 01, phases. Up to phases and what acts on one qubit before it, that is any unitary on two qubits.
///
/// Rotations are given by their tangents t, as [[1, -t], [t, 1]]; what is missing to a rotation
/// stands in `scales`. The value of the first qubit is the low bit of a basis state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interaction {
    /// The rotation on each qubit.
    pub turns: [f64; 2],
    /// The phases of 11 and of 10 (the first qubit 0) in between, in radians.
    pub phases: [f64; 2],
    /// The rotations of the pairs (00, 11) and (10, 01).
    pub mixes: [f64; 2],
    /// The factors for both pairs.
    pub scales: [f64; 2],
    /// The phases of 01 (the first qubit 1), 10 and 11 at the end.
    pub after: [f64; 3],
}

/// An interaction in numbers for each basis state. Both phases in between are where one of the
/// qubits is 1, and take one multiply-add each: exp(i a) is cos a (1 + i tan a), and the cosine, which
/// is not 0 for any binary fraction, goes into what comes after.
struct Numbers {
    /// The tangents of the phases in between.
    tangents: [f64; 4],
    /// What the other state of its pair is multiplied by, to be added.
    partner: [f64; 4],
    /// The factors at the end.
    factors: [Complex64; 4],
}

impl Interaction {
    /// The numbers with phases where the `turned` qubit is 1.
    fn numbers(&self, turned: usize) -> Numbers {
        let [both, high] = self.phases;
        let [a, b, c] = self.after;
        // A phase before a pair is mixed is its opposite on the other one, and a phase of both.
        let (angles, shared) = match turned {
            0 => ([0.0, -high, 0.0, both], high),
            _ => ([0.0, 0.0, high, both], 0.0),
        };
        let after = [0.0, a + shared, b + shared, c];
        let cosines = angles.map(f64::cos);
        let state = [0_usize, 1, 2, 3];
        // 00 and 11 are a pair, and 01 and 10; where the first qubit is 0, the first of it.
        let pair = |state: usize| usize::from(state == 1 || state == 2);
        let sign = |state: usize| if state & 1 == 0 { -1.0 } else { 1.0 };
        Numbers {
            tangents: angles.map(f64::tan),
            partner: state.map(|state| {
                sign(state) * self.mixes[pair(state)] * cosines[state ^ 3] / cosines[state]
            }),
            factors: state.map(|state| {
                Complex64::from_polar(self.scales[pair(state)] * cosines[state], after[state])
            }),
        }
    }
}

#[derive(Debug)]
pub struct Interact<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) state: &'a mut [Complex<T>],
    pub(crate) qubits: [usize; 2],
    pub(crate) interaction: &'a Interaction,
}

impl<T: Real> Task<T> for Interact<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        match self.qubits.map(|qubit| 1 << qubit < S::LANES) {
            [false, false] => {}
            [true, true] => return lanes::run::<_, _, 1>(simd, self, 1),
            [first, _] => return lanes::run::<_, _, 2>(simd, self, usize::from(first)),
        }
        let Self { threads, state, qubits, interaction } = self;
        let [low, high] = qubits.map(|qubit| 1 << qubit);
        let (walk, _) = plan::<T, S>(state.len(), low | high, Controls::NONE);
        let real = |number: f64| simd.splat(T::narrow(number));
        let Numbers { tangents, partner, factors } = interaction.numbers(1);
        let [_, after @ ..] = factors;
        let pass = Rotate {
            state: Shared::new(state),
            walk,
            offsets: [0, low, high, low | high],
            turns: interaction.turns.map(|tangent| [real(-tangent), real(tangent)]),
            tangents: [tangents[2], tangents[3]]
                .map(|tangent| tangents_of_phases(simd, |_| tangent)),
            partner: partner.map(real),
            scale: real(factors[0].re),
            after: after.map(|c| Coefficient { re: real(c.re), im: real(c.im) }),
        };
        sweep(simd, threads, &walk, 6 * S::LANES, &pass);
    }
}

/// A number for each lane, for both parts.
fn reals<T: Real, S: Simd<T>>(simd: S, number: impl Fn(usize) -> f64) -> S::Vector {
    by_lane(simd, |lane| [number(lane); 2])
}

/// The tangent of a phase for each lane: what the other part is multiplied by, to be added.
fn tangents_of_phases<T: Real, S: Simd<T>>(simd: S, tangent: impl Fn(usize) -> f64) -> S::Vector {
    by_lane(simd, |lane| [-tangent(lane), tangent(lane)])
}

fn by_lane<T: Real, S: Simd<T>>(simd: S, parts: impl Fn(usize) -> [f64; 2]) -> S::Vector {
    let lanes: [Complex<T>; MAX_LANES] = std::array::from_fn(|lane| {
        let [re, im] = parts(lane).map(T::narrow);
        Complex::new(re, im)
    });
    // SAFETY: `lanes` has MAX_LANES amplitudes, and LANES is at most that.
    unsafe { simd.load(lanes.as_ptr()) }
}

struct Rotate<'a, T, V> {
    state: Shared<'a, T>,
    walk: Walk,
    /// What each basis state adds to the index.
    offsets: [usize; 4],
    /// Each tangent: its negative, itself.
    turns: [[V; 2]; 2],
    /// Of 10 and of 11.
    tangents: [V; 2],
    /// By basis state.
    partner: [V; 4],
    scale: V,
    /// Of 01, 10 and 11.
    after: [Coefficient<V>; 3],
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Rotate<'_, T, S::Vector> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let Self { turns, tangents, partner, scale, after, .. } = *self;
        let turn = |x: &mut S::Vector, y: &mut S::Vector, [minus, plus]: [S::Vector; 2]| {
            (*x, *y) = (simd.mul_add(minus, *y, *x), simd.mul_add(plus, *x, *y));
        };
        let rotate = |tangent, vector| simd.mul_add(tangent, simd.swap_parts(vector), vector);
        let times =
            |factor: Coefficient<S::Vector>, vector| simd.complex_mul(factor.re, factor.im, vector);
        for base in self.walk.bases(range) {
            // SAFETY: `plan` makes a base with 0 in the bits of both qubits, of which the offsets
            // are made: a vector of the state that no other group has.
            let places = self.offsets.map(|offset| unsafe { self.state.at(base | offset) });
            // SAFETY: each place is valid for LANES amplitudes.
            let [mut a, mut b, mut c, mut d] = places.map(|place| unsafe { simd.load(place) });
            turn(&mut a, &mut b, turns[0]);
            turn(&mut c, &mut d, turns[0]);
            turn(&mut a, &mut c, turns[1]);
            turn(&mut b, &mut d, turns[1]);
            c = rotate(tangents[0], c);
            d = rotate(tangents[1], d);
            turn(&mut a, &mut d, [partner[0], partner[3]]);
            turn(&mut c, &mut b, [partner[2], partner[1]]);
            let done =
                [simd.mul(scale, a), times(after[0], b), times(after[1], c), times(after[2], d)];
            for (place, vector) in places.into_iter().zip(done) {
                // SAFETY: as for the load of the same place.
                unsafe { simd.store(place, vector) };
            }
        }
    }
}
