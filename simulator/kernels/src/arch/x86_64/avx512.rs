//! AVX-512F: 512-bit vectors, four `Complex<f64>` or eight `Complex<f32>`.

#![expect(unsafe_code, reason = "intrinsics are safe only on a CPU that has them")]

use std::arch::x86_64::*;
use std::ops::Range;

use num_complex::Complex;

use crate::simd::{Coefficient, MAX_LANES, Pass, Simd};

/// Proof that the CPU has AVX-512F.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// The token, where the CPU has the instructions.
    pub(crate) fn new() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

macro_rules! simd {
    ($real:ty, $vector:ty, $lanes:literal, $word:ty,
     $load:ident, $store:ident, $splat:ident, $mul:ident, $mul_add:ident, $mul_sub:ident, $mul_add_sub:ident,
     $swap_parts:ident, $real_parts:ident, $imag_parts:ident, $sub_add:ident,
     $permute:ident) => {
        impl Simd<$real> for Avx512 {
            type Vector = $vector;
            type Shuffle = __m512i;
            const LANES: usize = $lanes;
            const SLOTS: usize = 4;

            #[inline]
            fn vectorize<P: Pass<$real, Self>>(self, pass: &P, range: Range<usize>) -> P::Output {
                #[target_feature(enable = "avx512f")]
                fn enter<P: Pass<$real, Avx512>>(
                    token: Avx512,
                    pass: &P,
                    range: Range<usize>,
                ) -> P::Output {
                    pass.run(token, range)
                }
                // SAFETY: the token proves that the CPU has AVX-512F.
                unsafe { enter(self, pass, range) }
            }

            #[inline(always)]
            unsafe fn load(self, from: *const Complex<$real>) -> Self::Vector {
                // SAFETY: the token proves AVX-512F; the caller vouches for the memory.
                unsafe { $load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut Complex<$real>, vector: Self::Vector) {
                // SAFETY: the token proves AVX-512F; the caller vouches for the memory.
                unsafe { $store(to.cast(), vector) }
            }

            #[inline(always)]
            fn splat(self, value: $real) -> Self::Vector {
                // SAFETY: the token proves AVX-512F.
                unsafe { $splat(value) }
            }

            #[inline(always)]
            fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves AVX-512F.
                unsafe { $mul(a, b) }
            }

            #[inline(always)]
            fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves AVX-512F.
                unsafe { $mul_add(a, b, c) }
            }

            #[inline(always)]
            fn mul_sub(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves AVX-512F.
                unsafe { $mul_sub(a, b, c) }
            }

            #[inline(always)]
            fn complex_mul(
                self,
                re: Self::Vector,
                im: Self::Vector,
                b: Self::Vector,
            ) -> Self::Vector {
                // SAFETY: the token proves AVX-512F.
                unsafe { $mul_add_sub(re, b, $mul(im, $swap_parts(b))) }
            }

            #[inline(always)]
            fn swap_parts(self, vector: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves AVX-512F.
                unsafe { $swap_parts(vector) }
            }

            #[inline(always)]
            fn parts(self, vector: Self::Vector) -> Coefficient<Self::Vector> {
                // SAFETY: the token proves AVX-512F.
                unsafe { Coefficient { re: $real_parts(vector), im: $imag_parts(vector) } }
            }

            #[inline(always)]
            fn add_i(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
                // A product with one, for AVX-512 lacks the plain subtract-and-add.
                // SAFETY: the token proves AVX-512F.
                unsafe { $sub_add(a, $splat(1.0), $swap_parts(b)) }
            }

            #[inline(always)]
            fn rearrange(self, sources: [usize; MAX_LANES]) -> Self::Shuffle {
                let words: [$word; 2 * $lanes] =
                    std::array::from_fn(|word| (2 * sources[word / 2] + word % 2) as $word);
                // SAFETY: the token proves AVX-512F; `words` is 64 bytes long.
                unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
            }

            #[inline(always)]
            fn shuffle_parts(self, flip: usize) -> Self::Shuffle {
                let words: [$word; 2 * $lanes] = std::array::from_fn(|word| (word ^ flip) as $word);
                // SAFETY: the token proves AVX-512F; `words` is 64 bytes long.
                unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
            }

            #[inline(always)]
            fn permute(self, vector: Self::Vector, shuffle: Self::Shuffle) -> Self::Vector {
                // SAFETY: the token proves AVX-512F.
                unsafe { $permute(shuffle, vector) }
            }
        }
    };
}

/// Exchanges the real and the imaginary parts.
#[inline]
#[target_feature(enable = "avx512f")]
fn swap_parts_pd(vector: __m512d) -> __m512d {
    _mm512_permute_pd::<0b0101_0101>(vector)
}

/// Exchanges the real and the imaginary parts.
#[inline]
#[target_feature(enable = "avx512f")]
fn swap_parts_ps(vector: __m512) -> __m512 {
    _mm512_permute_ps::<0b10_11_00_01>(vector)
}

/// Each imaginary part twice.
#[inline]
#[target_feature(enable = "avx512f")]
fn imag_parts_pd(vector: __m512d) -> __m512d {
    _mm512_permute_pd::<0b1111_1111>(vector)
}

/// Each imaginary part twice.
#[inline]
#[target_feature(enable = "avx512f")]
fn imag_parts_ps(vector: __m512) -> __m512 {
    _mm512_movehdup_ps(vector)
}

simd!(
    f64,
    __m512d,
    4,
    i64,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_set1_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd,
    _mm512_fmsub_pd,
    _mm512_fmaddsub_pd,
    swap_parts_pd,
    _mm512_movedup_pd,
    imag_parts_pd,
    _mm512_fmaddsub_pd,
    _mm512_permutexvar_pd
);
simd!(
    f32,
    __m512,
    8,
    i32,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_set1_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    _mm512_fmsub_ps,
    _mm512_fmaddsub_ps,
    swap_parts_ps,
    _mm512_moveldup_ps,
    imag_parts_ps,
    _mm512_fmaddsub_ps,
    _mm512_permutexvar_ps
);
