//! Pauli strings: P|j> = i^|x&z| (-1)^|j&z| |j^x>, where |·| counts bits.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::{Shared, plan, sweep, unit};
use crate::controls::Controls;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, Pass, Simd, Sum, Task};
use crate::threads::Threads;

#[derive(Debug)]
pub struct Pauli<'a, T> {
    pub(crate) threads: &'a Threads,
    pub(crate) state: &'a mut [Complex<T>],
    pub(crate) x_mask: usize,
    pub(crate) z_mask: usize,
    pub(crate) controls: Controls,
}

impl<T: Real> Task<T> for Pauli<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        let Self { threads, state, x_mask, z_mask, controls } = self;
        let lanes = S::LANES - 1;
        let flip = x_mask & !lanes;
        // Of the two vectors that change places, the base is the one without this bit.
        let pivot = if flip == 0 { 0 } else { 1 << flip.ilog2() };
        let (walk, controls) = plan::<T, S>(state.len(), pivot, controls);

        let (zero, one) = (T::zero(), T::one());
        let phase = match (x_mask & z_mask).count_ones() % 4 {
            0 => Complex::new(one, zero),
            1 => Complex::new(zero, one),
            2 => Complex::new(-one, zero),
            _ => Complex::new(zero, -one),
        };
        let moved = |odd: bool| {
            Coefficient::by_lane(simd, |lane| {
                let source = lane ^ (x_mask & lanes);
                match controls.admits(lane) {
                    false => unit(false),
                    true if is_odd(source & z_mask) != odd => -phase,
                    true => phase,
                }
            })
        };
        let pass = Flip {
            state: Shared::new(state),
            walk,
            flip,
            z_mask: z_mask & !lanes,
            shuffle: simd.shuffle(x_mask & lanes),
            kept: Coefficient::by_lane(simd, |lane| unit(!controls.admits(lane))),
            moved: [moved(false), moved(true)],
        };
        let vectors = if flip == 0 { 1 } else { 2 };
        sweep(simd, threads, &walk, vectors * S::LANES, &pass);
    }
}

#[inline(always)]
fn is_odd(bits: usize) -> bool {
    bits.count_ones() % 2 == 1
}

struct Flip<'a, T, V, F> {
    state: Shared<'a, T>,
    walk: Walk,
    /// The bits of `x` above the lanes; 0 when a vector stays in its place.
    flip: usize,
    /// The bits of `z` above the lanes.
    z_mask: usize,
    /// Moves the lanes by the bits of `x` among them.
    shuffle: F,
    /// 1 in the lanes that miss a control.
    kept: Coefficient<V>,
    /// What comes from elsewhere, by the parity of the source's vector with `z_mask`.
    moved: [Coefficient<V>; 2],
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Flip<'_, T, S::Vector, S::Shuffle> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        let [even, odd] = self.moved;
        for base in self.walk.bases(range) {
            let partner = base ^ self.flip;
            let from_base = if is_odd(base & self.z_mask) { odd } else { even };
            let from_partner = if is_odd(partner & self.z_mask) { odd } else { even };
            // SAFETY: `plan` makes every base a vector of the state, and the targets of
            // a string are no controls, so that its partner is met in this group alone.
            let place = unsafe { self.state.at(base) };
            // SAFETY: `flip` is below the length, a power of two, and so is the partner.
            let other = unsafe { self.state.at(partner) };
            // SAFETY: `place` is valid for LANES amplitudes.
            let a = unsafe { simd.load(place) };
            // SAFETY: `other` is valid for LANES amplitudes; it may be `place`.
            let b = unsafe { simd.load(other) };
            let (moved_a, moved_b) = (simd.permute(a, self.shuffle), simd.permute(b, self.shuffle));
            let new_a = Sum::product(simd, self.kept, a).and(simd, from_partner, moved_b);
            let new_b = Sum::product(simd, self.kept, b).and(simd, from_base, moved_a);
            // SAFETY: `place` is valid for LANES amplitudes.
            unsafe { simd.store(place, new_a.total(simd)) };
            // SAFETY: `other` is valid for LANES amplitudes; where it is `place`, `a` is
            // `b` and the two values are the same.
            unsafe { simd.store(other, new_b.total(simd)) };
        }
    }
}
