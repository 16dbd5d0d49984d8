//! Plain Rust that the compiler vectorises for whatever CPU it targets.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use crate::real::Real;
use crate::simd::{Coefficient, MAX_LANES, Pass, Simd};

/// Beside the source of a lane: its parts are exchanged.
const SWAPPED: usize = 1 << 16;

/// Vectors of `LANES` amplitudes as arrays. One lane serves states that are too small
/// for a vector of the CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable<const LANES: usize>;

impl<T: Real, const LANES: usize> Simd<T> for Portable<LANES> {
    type Vector = [Complex<T>; LANES];
    type Shuffle = [usize; LANES];
    const LANES: usize = LANES;
    const SLOTS: usize = 2;

    // Kept apart, as the passes of the other instruction sets are: one copy each.
    #[inline(never)]
    fn vectorize<P: Pass<T, Self>>(self, pass: &P, range: Range<usize>) -> P::Output {
        pass.run(self, range)
    }

    #[inline(always)]
    unsafe fn load(self, from: *const Complex<T>) -> Self::Vector {
        // SAFETY: the caller's promise; an array of `Complex` needs no more alignment.
        unsafe { from.cast::<Self::Vector>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut Complex<T>, vector: Self::Vector) {
        // SAFETY: the caller's promise; an array of `Complex` needs no more alignment.
        unsafe { to.cast::<Self::Vector>().write(vector) }
    }

    #[inline(always)]
    fn splat(self, value: T) -> Self::Vector {
        [Complex::new(value, value); LANES]
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        std::array::from_fn(|lane| Complex::new(a[lane].re * b[lane].re, a[lane].im * b[lane].im))
    }

    // Not `Float::mul_add`: without the instruction that is a slow library call.
    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        std::array::from_fn(|lane| {
            let (a, b, c) = (a[lane], b[lane], c[lane]);
            Complex::new(a.re * b.re + c.re, a.im * b.im + c.im)
        })
    }

    #[inline(always)]
    fn mul_sub(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        std::array::from_fn(|lane| {
            let (a, b, c) = (a[lane], b[lane], c[lane]);
            Complex::new(a.re * b.re - c.re, a.im * b.im - c.im)
        })
    }

    #[inline(always)]
    fn add_i(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        std::array::from_fn(|lane| Complex::new(a[lane].re - b[lane].im, a[lane].im + b[lane].re))
    }

    #[inline(always)]
    fn rearrange(self, sources: [usize; MAX_LANES]) -> [usize; LANES] {
        std::array::from_fn(|lane| sources[lane])
    }

    #[inline(always)]
    fn shuffle_parts(self, flip: usize) -> [usize; LANES] {
        let swapped = if flip & 1 == 1 { SWAPPED } else { 0 };
        std::array::from_fn(|lane| ((lane ^ (flip >> 1)) & (LANES - 1)) | swapped)
    }

    #[inline(always)]
    fn permute(self, vector: Self::Vector, sources: [usize; LANES]) -> Self::Vector {
        std::array::from_fn(|lane| {
            let found = vector[sources[lane] & (LANES - 1)];
            match sources[lane] & SWAPPED {
                0 => found,
                _ => Complex::new(found.im, found.re),
            }
        })
    }

    #[inline(always)]
    fn complex_mul(self, re: Self::Vector, im: Self::Vector, b: Self::Vector) -> Self::Vector {
        <Self as Simd<T>>::add_i(
            self,
            <Self as Simd<T>>::mul(self, re, b),
            <Self as Simd<T>>::mul(self, im, b),
        )
    }

    #[inline(always)]
    fn swap_parts(self, vector: Self::Vector) -> Self::Vector {
        vector.map(|lane| Complex::new(lane.im, lane.re))
    }

    #[inline(always)]
    fn parts(self, vector: Self::Vector) -> Coefficient<Self::Vector> {
        Coefficient {
            re: vector.map(|lane| Complex::new(lane.re, lane.re)),
            im: vector.map(|lane| Complex::new(lane.im, lane.im)),
        }
    }
}
