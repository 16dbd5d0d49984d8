//! The small trait that the kernels are written against, once.
//!
//! A value of a type that implements [`Simd`] is a token: it exists only on a CPU
//! that has the instructions, so that its methods are safe to call. A vector holds
//! `LANES` consecutive amplitudes, real and imaginary parts interleaved as in memory.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use crate::real::Real;

/// One instruction set, for amplitudes of precision `T`.
pub(crate) trait Simd<T: Real>: Copy + Send + Sync {
    /// `LANES` amplitudes.
    type Vector: Copy + Send + Sync;
    /// What [`Simd::permute`] needs to know, made once before a pass.
    type Shuffle: Copy + Send + Sync;
    /// Amplitudes in a vector: a power of two, at most [`MAX_LANES`].
    const LANES: usize;
    /// Two to this power is how many vectors the registers hold beside what is needed to
    /// work on them.
    const SLOTS: usize;

    /// Runs a pass compiled for this instruction set.
    fn vectorize<P: Pass<T, Self>>(self, pass: &P, range: Range<usize>) -> P::Output;

    /// Reads `LANES` amplitudes.
    ///
    /// # Safety
    /// `from` is valid for reading `LANES` amplitudes; it need not be aligned to more
    /// than `T`.
    unsafe fn load(self, from: *const Complex<T>) -> Self::Vector;

    /// Writes `LANES` amplitudes.
    ///
    /// # Safety
    /// `to` is valid for writing `LANES` amplitudes; it need not be aligned to more
    /// than `T`.
    unsafe fn store(self, to: *mut Complex<T>, vector: Self::Vector);

    /// `value` in each real and each imaginary part.
    fn splat(self, value: T) -> Self::Vector;

    /// The products of the parts: real with real, imaginary with imaginary.
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a * b + c`, part by part; fused where the CPU can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// `a * b - c`, part by part; fused where the CPU can.
    fn mul_sub(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// `a + i b`, as complex numbers.
    fn add_i(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The shuffle that exchanges lane `l` with lane `l ^ flip`, `flip < LANES`.
    #[inline(always)]
    fn shuffle(self, flip: usize) -> Self::Shuffle {
        self.rearrange(std::array::from_fn(|lane| lane ^ flip))
    }

    /// The shuffle whose lane `l` is lane `sources[l]`, which is below `LANES` for each `l`
    /// below `LANES`.
    fn rearrange(self, sources: [usize; MAX_LANES]) -> Self::Shuffle;

    /// The complex product with a coefficient in two parts: each real part of the factor
    /// twice in `re`, each imaginary part twice in `im`.
    fn complex_mul(self, re: Self::Vector, im: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The real and the imaginary part of each amplitude exchanged.
    fn swap_parts(self, vector: Self::Vector) -> Self::Vector;

    /// The vector as a coefficient: its real parts twice and its imaginary parts twice.
    fn parts(self, vector: Self::Vector) -> Coefficient<Self::Vector>;

    /// The shuffle that exchanges part `p` with part `p ^ flip`, `flip < 2 LANES`, where the parts
    /// of lane `l` are `2 l` and `2 l + 1`: for vectors of real numbers.
    fn shuffle_parts(self, flip: usize) -> Self::Shuffle;

    /// The vector with its lanes, or its parts, exchanged.
    fn permute(self, vector: Self::Vector, shuffle: Self::Shuffle) -> Self::Vector;
}

/// The most lanes of any instruction set: eight `Complex<f32>` are 512 bits.
pub(crate) const MAX_LANES: usize = 8;

/// An inner loop. `run` and all it calls must be `#[inline(always)]`: that is how
/// the code comes to be compiled for the instruction set of [`Simd::vectorize`].
pub(crate) trait Pass<T: Real, S: Simd<T>>: Sync {
    /// What the pass brings home.
    type Output: Send;

    /// Works on the groups of `range`.
    fn run(&self, simd: S, range: Range<usize>) -> Self::Output;
}

/// Work that is to be done with the instruction set that `dispatch` picks.
pub(crate) trait Task<T: Real> {
    /// What the task brings home.
    type Output;

    /// Does the work.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// What operations on tiles need to know of an instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// Bits of the index that tell the lanes of a vector apart: the lowest ones.
    pub(crate) lane_bits: usize,
    /// Bits that tell apart the vectors that are in the registers together.
    pub(crate) slots: usize,
}

impl Registers {
    /// The task that finds out.
    pub(crate) fn ask<T: Real>() -> impl Task<T, Output = Self> {
        struct Ask;
        impl<T: Real> Task<T> for Ask {
            type Output = Registers;

            fn run<S: Simd<T>>(self, _simd: S) -> Registers {
                Registers { lane_bits: S::LANES.ilog2() as usize, slots: S::SLOTS }
            }
        }
        Ask
    }
}

/// A complex coefficient for each lane: the real part twice, the imaginary part twice,
/// so that a complex product is two vector products and one [`Simd::add_i`].
#[derive(Clone, Copy)]
pub(crate) struct Coefficient<V> {
    pub(crate) re: V,
    pub(crate) im: V,
}

impl<V: Copy> Coefficient<V> {
    /// The coefficient `value(lane)` for each lane.
    #[inline(always)]
    pub(crate) fn by_lane<T, S>(simd: S, value: impl Fn(usize) -> Complex<T>) -> Self
    where
        T: Real,
        S: Simd<T, Vector = V>,
    {
        let mut re = [Complex::new(T::zero(), T::zero()); MAX_LANES];
        let mut im = re;
        for lane in 0..S::LANES {
            let value = value(lane);
            re[lane] = Complex::new(value.re, value.re);
            im[lane] = Complex::new(value.im, value.im);
        }
        // SAFETY: `re` has MAX_LANES amplitudes, and LANES is at most that.
        let re = unsafe { simd.load(re.as_ptr()) };
        // SAFETY: as above, for `im`.
        let im = unsafe { simd.load(im.as_ptr()) };
        Self { re, im }
    }

    /// The product of the coefficient and `vector`.
    #[inline(always)]
    pub(crate) fn times<T, S>(self, simd: S, vector: V) -> V
    where
        T: Real,
        S: Simd<T, Vector = V>,
    {
        simd.complex_mul(self.re, self.im, vector)
    }
}

/// The sum of complex products, kept as the part that awaits a factor of i and the
/// part that does not, so that one [`Simd::add_i`] at the end does for all.
#[derive(Clone, Copy)]
pub(crate) struct Sum<V> {
    plain: V,
    rotated: V,
}

impl<V: Copy> Sum<V> {
    /// The empty sum.
    #[inline(always)]
    pub(crate) fn zero(zero: V) -> Self {
        Self { plain: zero, rotated: zero }
    }

    /// The sum that is one product.
    #[inline(always)]
    pub(crate) fn product<T, S>(simd: S, coefficient: Coefficient<V>, vector: V) -> Self
    where
        T: Real,
        S: Simd<T, Vector = V>,
    {
        Self { plain: simd.mul(coefficient.re, vector), rotated: simd.mul(coefficient.im, vector) }
    }

    /// The sum and one more product.
    #[inline(always)]
    pub(crate) fn and<T, S>(self, simd: S, coefficient: Coefficient<V>, vector: V) -> Self
    where
        T: Real,
        S: Simd<T, Vector = V>,
    {
        Self {
            plain: simd.mul_add(coefficient.re, vector, self.plain),
            rotated: simd.mul_add(coefficient.im, vector, self.rotated),
        }
    }

    /// The value of the sum.
    #[inline(always)]
    pub(crate) fn total<T, S>(self, simd: S) -> V
    where
        T: Real,
        S: Simd<T, Vector = V>,
    {
        simd.add_i(self.plain, self.rotated)
    }
}
