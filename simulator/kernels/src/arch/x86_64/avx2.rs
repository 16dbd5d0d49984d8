//! AVX2 with FMA: 256-bit vectors, two `Complex<f64>` or four `Complex<f32>`.

#![expect(unsafe_code, reason = "intrinsics are safe only on a CPU that has them")]

use std::arch::x86_64::*;
use std::ops::Range;

use num_complex::Complex;

use crate::simd::{Coefficient, MAX_LANES, Pass, Simd};

/// Proof that the CPU has AVX2 and FMA.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// The token, where the CPU has the instructions.
    pub(crate) fn new() -> Option<Self> {
        let has_both = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        has_both.then_some(Self(()))
    }
}

macro_rules! simd {
    ($real:ty, $vector:ty, $lanes:literal,
     $load:ident, $store:ident, $splat:ident, $mul:ident, $mul_add:ident, $mul_sub:ident, $mul_add_sub:ident,
     $swap_parts:ident, $real_parts:ident, $imag_parts:ident, $sub_add:ident,
     $permute:ident) => {
        impl Simd<$real> for Avx2 {
            type Vector = $vector;
            type Shuffle = __m256i;
            const LANES: usize = $lanes;
            const SLOTS: usize = 3;

            #[inline]
            fn vectorize<P: Pass<$real, Self>>(self, pass: &P, range: Range<usize>) -> P::Output {
                #[target_feature(enable = "avx2,fma")]
                fn enter<P: Pass<$real, Avx2>>(
                    token: Avx2,
                    pass: &P,
                    range: Range<usize>,
                ) -> P::Output {
                    pass.run(token, range)
                }
                // SAFETY: the token proves that the CPU has AVX2 and FMA.
                unsafe { enter(self, pass, range) }
            }

            #[inline(always)]
            unsafe fn load(self, from: *const Complex<$real>) -> Self::Vector {
                // SAFETY: the token proves AVX2; the caller vouches for the memory.
                unsafe { $load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut Complex<$real>, vector: Self::Vector) {
                // SAFETY: the token proves AVX2; the caller vouches for the memory.
                unsafe { $store(to.cast(), vector) }
            }

            #[inline(always)]
            fn splat(self, value: $real) -> Self::Vector {
                // SAFETY: the token proves AVX2.
                unsafe { $splat(value) }
            }

            #[inline(always)]
            fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves AVX2.
                unsafe { $mul(a, b) }
            }

            #[inline(always)]
            fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves FMA.
                unsafe { $mul_add(a, b, c) }
            }

            #[inline(always)]
            fn mul_sub(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves FMA.
                unsafe { $mul_sub(a, b, c) }
            }

            #[inline(always)]
            fn complex_mul(
                self,
                re: Self::Vector,
                im: Self::Vector,
                b: Self::Vector,
            ) -> Self::Vector {
                // SAFETY: the token proves FMA.
                unsafe { $mul_add_sub(re, b, $mul(im, $swap_parts(b))) }
            }

            #[inline(always)]
            fn swap_parts(self, vector: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves AVX2.
                unsafe { $swap_parts(vector) }
            }

            #[inline(always)]
            fn parts(self, vector: Self::Vector) -> Coefficient<Self::Vector> {
                // SAFETY: the token proves AVX2.
                unsafe { Coefficient { re: $real_parts(vector), im: $imag_parts(vector) } }
            }

            #[inline(always)]
            fn add_i(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
                // SAFETY: the token proves AVX2.
                unsafe { $sub_add(a, $swap_parts(b)) }
            }

            #[inline(always)]
            fn rearrange(self, sources: [usize; MAX_LANES]) -> Self::Shuffle {
                // AVX2 permutes 32-bit words across the vector, whatever they hold.
                let words_of_lane = 8 / $lanes;
                let words: [i32; 8] = std::array::from_fn(|word| {
                    (sources[word / words_of_lane] * words_of_lane + word % words_of_lane) as i32
                });
                // SAFETY: the token proves AVX2; `words` is 32 bytes long.
                unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
            }

            #[inline(always)]
            fn shuffle_parts(self, flip: usize) -> Self::Shuffle {
                let words_of_part = 4 / $lanes;
                let words: [i32; 8] =
                    std::array::from_fn(|word| (word ^ (words_of_part * flip)) as i32);
                // SAFETY: the token proves AVX2; `words` is 32 bytes long.
                unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
            }

            #[inline(always)]
            fn permute(self, vector: Self::Vector, shuffle: Self::Shuffle) -> Self::Vector {
                // SAFETY: the token proves AVX2.
                unsafe { $permute(vector, shuffle) }
            }
        }
    };
}

/// Exchanges the real and the imaginary parts.
#[inline]
#[target_feature(enable = "avx2")]
fn swap_parts_pd(vector: __m256d) -> __m256d {
    _mm256_permute_pd::<0b0101>(vector)
}

/// Exchanges the real and the imaginary parts.
#[inline]
#[target_feature(enable = "avx2")]
fn swap_parts_ps(vector: __m256) -> __m256 {
    _mm256_permute_ps::<0b10_11_00_01>(vector)
}

/// Moves whole doubles by the places of their 32-bit halves.
#[inline]
#[target_feature(enable = "avx2")]
fn permute_pd(vector: __m256d, words: __m256i) -> __m256d {
    let moved = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(vector), words);
    _mm256_castsi256_pd(moved)
}

/// Each imaginary part twice.
#[inline]
#[target_feature(enable = "avx2")]
fn imag_parts_pd(vector: __m256d) -> __m256d {
    _mm256_permute_pd::<0b1111>(vector)
}

/// Each imaginary part twice.
#[inline]
#[target_feature(enable = "avx2")]
fn imag_parts_ps(vector: __m256) -> __m256 {
    _mm256_movehdup_ps(vector)
}

simd!(
    f64,
    __m256d,
    2,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    _mm256_fmsub_pd,
    _mm256_fmaddsub_pd,
    swap_parts_pd,
    _mm256_movedup_pd,
    imag_parts_pd,
    _mm256_addsub_pd,
    permute_pd
);
simd!(
    f32,
    __m256,
    4,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_fmsub_ps,
    _mm256_fmaddsub_ps,
    swap_parts_ps,
    _mm256_moveldup_ps,
    imag_parts_ps,
    _mm256_addsub_ps,
    _mm256_permutevar8x32_ps
);
