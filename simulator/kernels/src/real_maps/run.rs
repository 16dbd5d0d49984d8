//! The inner loops: one map on one tile.
//!
//! Arrays are filled by loops, for closures are compiled on their own, without the instruction set
//! of the function around them.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use num_complex::Complex;

use super::compiled::{Compiled, Dense, Factors, Form, Moved, Source, Terms};
use crate::{
    index::{Bases, Walk},
    real::Real,
    simd::Simd,
};

/// Applies a map to a tile.
#[inline(always)]
pub(super) fn run<T: Real, S: Simd<T>>(simd: S, map: &Compiled<T, S>, tile: &mut [T]) {
    let tile = Tile { start: tile.as_mut_ptr(), len: tile.len() };
    let bases = tile.bases(map.fixed);
    match &map.form {
        Form::Rotation { offsets, matrix } => rotation(simd, &tile, bases, offsets, matrix),
        Form::Square { offsets, matrix } => square(simd, &tile, bases, offsets, matrix),
        Form::Monomial { offsets, from, factors } => {
            monomial(simd, &tile, bases, offsets, from, factors);
        }
        Form::Lanes8(moved) => lanes(simd, &tile, bases, moved),
        Form::Lanes4(moved) => lanes(simd, &tile, bases, moved),
        Form::Dense16 { offsets, factors } => dense16(simd, &tile, bases, offsets, factors),
        Form::Dense8(map) => dense(simd, &tile, bases, map),
        Form::Dense4(map) => dense(simd, &tile, bases, map),
        Form::Dense2(map) => dense(simd, &tile, bases, map),
        Form::Terms(terms) => match &terms.factors {
            Factors::Same(factors) => sums::<_, _, Same>(simd, &tile, bases, terms, factors),
            Factors::ByLane(factors) => sums::<_, _, ByLane>(simd, &tile, bases, terms, factors),
        },
    }
}

/// A tile of at least one vector, whose length is a power of two.
struct Tile<T> {
    start: *mut T,
    len: usize,
}

impl<T: Real> Tile<T> {
    /// The first values of each group: `fixed` are the bits of the map and of the lanes.
    #[inline(always)]
    fn bases(&self, fixed: usize) -> Bases {
        assert!(fixed < self.len, "the bits of a map are within the tile");
        let walk = Walk::new(self.len, fixed, 0);
        walk.bases(0..walk.groups())
    }

    /// # Safety
    /// `at` is within the tile, and a multiple of the values in a vector.
    #[inline(always)]
    unsafe fn load<S: Simd<T>>(&self, simd: S, at: usize) -> S::Vector {
        // SAFETY: the caller's promise.
        let from = unsafe { self.start.add(at) };
        // SAFETY: a vector at a multiple of its length is within the tile.
        unsafe { simd.load(from.cast::<Complex<T>>()) }
    }

    /// # Safety
    /// As for [`Tile::load`].
    #[inline(always)]
    unsafe fn store<S: Simd<T>>(&self, simd: S, at: usize, vector: S::Vector) {
        // SAFETY: the caller's promise.
        let to = unsafe { self.start.add(at) };
        // SAFETY: a vector at a multiple of its length is within the tile.
        unsafe { simd.store(to.cast::<Complex<T>>(), vector) }
    }
}

#[inline(always)]
fn rotation<T: Real, S: Simd<T>>(
    simd: S,
    tile: &Tile<T>,
    bases: Bases,
    offsets: &[usize; 4],
    matrix: &[[T; 3]; 3],
) {
    let zero = simd.splat(T::zero());
    let mut m = [[zero; 3]; 3];
    for row in 0..3 {
        for column in 0..3 {
            m[row][column] = simd.splat(matrix[row][column]);
        }
    }
    for base in bases {
        let mut v = [zero; 3];
        for i in 0..3 {
            // SAFETY: `fixed` holds the bits of the offsets and of the lanes, so base and offset
            // together are within the tile, and a multiple of a vector.
            v[i] = unsafe { tile.load(simd, base | offsets[i + 1]) };
        }
        for i in 0..3 {
            let sum = simd.mul(m[i][0], v[0]);
            let sum = simd.mul_add(m[i][1], v[1], sum);
            let sum = simd.mul_add(m[i][2], v[2], sum);
            // SAFETY: as above.
            unsafe { tile.store(simd, base | offsets[i + 1], sum) };
        }
    }
}

#[inline(always)]
fn square<T: Real, S: Simd<T>>(
    simd: S,
    tile: &Tile<T>,
    bases: Bases,
    offsets: &[usize; 4],
    matrix: &[[T; 4]; 4],
) {
    let zero = simd.splat(T::zero());
    let mut m = [[zero; 4]; 4];
    for row in 0..4 {
        for column in 0..4 {
            m[row][column] = simd.splat(matrix[row][column]);
        }
    }
    for base in bases {
        let mut v = [zero; 4];
        for i in 0..4 {
            // SAFETY: as in `rotation`.
            v[i] = unsafe { tile.load(simd, base | offsets[i]) };
        }
        for i in 0..4 {
            let sum = simd.mul(m[i][0], v[0]);
            let sum = simd.mul_add(m[i][1], v[1], sum);
            let sum = simd.mul_add(m[i][2], v[2], sum);
            let sum = simd.mul_add(m[i][3], v[3], sum);
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, base | offsets[i], sum) };
        }
    }
}

#[inline(always)]
fn monomial<T: Real, S: Simd<T>>(
    simd: S,
    tile: &Tile<T>,
    bases: Bases,
    offsets: &[usize; 16],
    from: &[usize; 16],
    factors: &[T; 16],
) {
    for base in bases {
        let mut v = [simd.splat(T::zero()); 16];
        for i in 0..16 {
            // SAFETY: as in `rotation`; `from` holds the same offsets in another order.
            let read = unsafe { tile.load(simd, base | from[i]) };
            v[i] = simd.mul(simd.splat(factors[i]), read);
        }
        for i in 0..16 {
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, base | offsets[i], v[i]) };
        }
    }
}

#[inline(always)]
fn lanes<T: Real, S: Simd<T>, const N: usize>(
    simd: S,
    tile: &Tile<T>,
    bases: Bases,
    moved: &[Moved<S::Vector, S::Shuffle>; N],
) {
    for base in bases {
        let mut v = [simd.splat(T::zero()); N];
        for i in 0..N {
            // SAFETY: as in `rotation`.
            let read = unsafe { tile.load(simd, base | moved[i].from) };
            v[i] = simd.mul(moved[i].factor, simd.permute(read, moved[i].shuffle));
        }
        for i in 0..N {
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, base | moved[i].to, v[i]) };
        }
    }
}

/// A vector with its lanes exchanged.
#[inline(always)]
fn exchanged<T: Real, S: Simd<T>>(
    simd: S,
    tile: &Tile<T>,
    base: usize,
    source: &Source<S::Shuffle>,
) -> S::Vector {
    // SAFETY: as in `rotation`.
    let found = unsafe { tile.load(simd, base | source.offset) };
    simd.permute(found, source.shuffle)
}

/// Sums that are worked on at once: enough to hide how long a product takes.
const AT_ONCE: usize = 4;

#[inline(always)]
fn dense16<T: Real, S: Simd<T>>(
    simd: S,
    tile: &Tile<T>,
    bases: Bases,
    offsets: &[usize; 16],
    factors: &[[T; 16]; 16],
) {
    let zero = simd.splat(T::zero());
    for base in bases {
        let mut v = [zero; 16];
        for i in 0..16 {
            // SAFETY: as in `rotation`.
            v[i] = unsafe { tile.load(simd, base | offsets[i]) };
        }
        for first in (0..16).step_by(AT_ONCE) {
            let mut sums = [zero; AT_ONCE];
            for i in 0..16 {
                for k in 0..AT_ONCE {
                    sums[k] = simd.mul_add(simd.splat(factors[first + k][i]), v[i], sums[k]);
                }
            }
            for k in 0..AT_ONCE {
                // SAFETY: as in `rotation`.
                unsafe { tile.store(simd, base | offsets[first + k], sums[k]) };
            }
        }
    }
}

#[inline(always)]
fn dense<T: Real, S: Simd<T>, const TARGETS: usize, const SOURCES: usize>(
    simd: S,
    tile: &Tile<T>,
    bases: Bases,
    map: &Dense<S, T, TARGETS, SOURCES>,
) {
    let zero = simd.splat(T::zero());
    for base in bases {
        let mut v = [zero; SOURCES];
        for (v, source) in v.iter_mut().zip(&map.sources) {
            *v = exchanged(simd, tile, base, source);
        }
        for pair in map.targets.chunks_exact(2) {
            let ((to, factors), (other, others)) = (&pair[0], &pair[1]);
            let (mut sum, mut second) = (zero, zero);
            for i in 0..SOURCES {
                sum = simd.mul_add(factors[i], v[i], sum);
                second = simd.mul_add(others[i], v[i], second);
            }
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, base | to, sum) };
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, base | other, second) };
        }
    }
}

/// How a factor becomes a vector.
trait Factor<T: Real, S: Simd<T>> {
    /// As it is kept.
    type Kept: Copy;

    fn vector(simd: S, kept: Self::Kept) -> S::Vector;
}

struct Same;

impl<T: Real, S: Simd<T>> Factor<T, S> for Same {
    type Kept = T;

    #[inline(always)]
    fn vector(simd: S, kept: T) -> S::Vector {
        simd.splat(kept)
    }
}

struct ByLane;

impl<T: Real, S: Simd<T>> Factor<T, S> for ByLane {
    type Kept = S::Vector;

    #[inline(always)]
    fn vector(_simd: S, kept: S::Vector) -> S::Vector {
        kept
    }
}

#[inline(always)]
fn sums<T: Real, S: Simd<T>, F: Factor<T, S>>(
    simd: S,
    tile: &Tile<T>,
    bases: Bases,
    terms: &Terms<T, S>,
    factors: &[F::Kept],
) {
    let zero = simd.splat(T::zero());
    let mut read = vec![zero; terms.sources.len()];
    for base in bases {
        for (source, read) in terms.sources.iter().zip(&mut read) {
            *read = exchanged(simd, tile, base, source);
        }
        let mut first = 0;
        for &(offset, end) in &terms.targets {
            let mut sum = zero;
            for (&source, &factor) in terms.terms[first..end].iter().zip(&factors[first..end]) {
                sum = simd.mul_add(F::vector(simd, factor), read[source as usize], sum);
            }
            first = end;
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, base | offset, sum) };
        }
    }
}
