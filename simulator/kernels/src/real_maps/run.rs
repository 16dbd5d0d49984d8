//! The inner loops: one map on one tile.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use num_complex::Complex;

use super::compiled::{Compiled, Exchange, Factors, Terms};
use crate::{index::Walk, real::Real, simd::Simd};

/// Applies a map to a tile.
#[inline(always)]
pub(super) fn run<T: Real, S: Simd<T>>(simd: S, map: &Compiled<T, S>, tile: &mut [T]) {
    let tile = Tile { start: tile.as_mut_ptr(), len: tile.len() };
    match map {
        Compiled::Rotation { fixed, offsets, matrix } => {
            rotation(simd, &tile, *fixed, *offsets, matrix);
        }
        Compiled::Square { fixed, offsets, matrix } => {
            square(simd, &tile, *fixed, *offsets, matrix);
        }
        Compiled::Monomial { fixed, offsets, from, factors } => {
            monomial(simd, &tile, *fixed, offsets, from, factors);
        }
        Compiled::Terms(terms) => match &terms.factors {
            Factors::Same(factors) => {
                sums(simd, &tile, terms, factors, |factor| simd.splat(factor));
            }
            Factors::ByLane(factors) => sums(simd, &tile, terms, factors, |factor| factor),
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
    fn bases(&self, fixed: usize) -> impl Iterator<Item = usize> {
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
    fixed: usize,
    offsets: [usize; 4],
    matrix: &[[T; 3]; 3],
) {
    let m = matrix.map(|row| row.map(|entry| simd.splat(entry)));
    for base in tile.bases(fixed) {
        let at = [base | offsets[1], base | offsets[2], base | offsets[3]];
        // SAFETY: `fixed` holds the bits of the offsets and the lanes, so base and offset are
        // within the tile and multiples of a vector; for this and all below.
        let v = at.map(|at| unsafe { tile.load(simd, at) });
        for (row, at) in m.iter().zip(at) {
            let sum = simd.mul(row[0], v[0]);
            let sum = simd.mul_add(row[1], v[1], sum);
            let sum = simd.mul_add(row[2], v[2], sum);
            // SAFETY: as above.
            unsafe { tile.store(simd, at, sum) };
        }
    }
}

#[inline(always)]
fn square<T: Real, S: Simd<T>>(
    simd: S,
    tile: &Tile<T>,
    fixed: usize,
    offsets: [usize; 4],
    matrix: &[[T; 4]; 4],
) {
    let m = matrix.map(|row| row.map(|entry| simd.splat(entry)));
    for base in tile.bases(fixed) {
        let at = offsets.map(|offset| base | offset);
        // SAFETY: as in `rotation`.
        let v = at.map(|at| unsafe { tile.load(simd, at) });
        for (row, at) in m.iter().zip(at) {
            let sum = simd.mul(row[0], v[0]);
            let sum = simd.mul_add(row[1], v[1], sum);
            let sum = simd.mul_add(row[2], v[2], sum);
            let sum = simd.mul_add(row[3], v[3], sum);
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, at, sum) };
        }
    }
}

#[inline(always)]
fn monomial<T: Real, S: Simd<T>>(
    simd: S,
    tile: &Tile<T>,
    fixed: usize,
    offsets: &[usize; 16],
    from: &[usize; 16],
    factors: &[T; 16],
) {
    for base in tile.bases(fixed) {
        // SAFETY: as in `rotation`; `from` holds the same offsets in another order.
        let read = from.map(|from| unsafe { tile.load(simd, base | from) });
        for ((offset, vector), factor) in offsets.iter().zip(read).zip(factors) {
            let product = simd.mul(simd.splat(*factor), vector);
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, base | offset, product) };
        }
    }
}

#[inline(always)]
fn sums<T: Real, S: Simd<T>, F: Copy>(
    simd: S,
    tile: &Tile<T>,
    terms: &Terms<T, S>,
    factors: &[F],
    vector: impl Fn(F) -> S::Vector,
) {
    let zero = simd.splat(T::zero());
    let mut read = vec![zero; terms.sources.len()];
    for base in tile.bases(terms.fixed) {
        for (source, read) in terms.sources.iter().zip(&mut read) {
            // SAFETY: as in `rotation`.
            let found = unsafe { tile.load(simd, base | source.offset) };
            *read = match source.exchange {
                Exchange::None => found,
                Exchange::Pairs(shuffle) => simd.permute(found, shuffle),
                // i times a complex number exchanges its parts and negates the even one.
                Exchange::Odd(shuffle) => simd.add_i(zero, simd.permute(found, shuffle)),
            };
        }
        let mut first = 0;
        for &(offset, end) in &terms.targets {
            let products = terms.terms[first..end].iter().zip(&factors[first..end]);
            let sum = products.fold(zero, |sum, (&source, &factor)| {
                simd.mul_add(vector(factor), read[source as usize], sum)
            });
            first = end;
            // SAFETY: as in `rotation`.
            unsafe { tile.store(simd, base | offset, sum) };
        }
    }
}
