//! Sums over a state: the public methods, and the blocks that fix their order.
//!
//! Floating-point addition depends on its order, so the order is fixed. A pass adds the
//! amplitudes of one block in eight lanes, by the lowest three bits of the index; the
//! lanes are added pairwise, then the blocks. No product is fused with a sum. So the
//! result is the same to the last bit for any number of threads and any instruction
//! set. Sums are kept in double precision whatever the precision of the state.

mod probability;
mod products;
mod sample;

use num_complex::Complex;

use crate::aligned::AllocError;
use crate::controls::Controls;
use crate::dispatch::Kernels;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Pass, Simd, Task};
use crate::threads::Threads;

pub(crate) use probability::Squares;
pub(crate) use products::{Flipped, Overlap};
pub use sample::SampleError;

/// The consecutive amplitudes of a block of [`Kernels::block_probabilities`].
pub const BLOCK: usize = 1 << 12;

/// Amplitudes that are added side by side.
const LANES: usize = 8;

/// Octets of a block.
const OCTETS: usize = BLOCK / LANES;

/// Eight consecutive amplitudes.
type Octet<T> = [Complex<T>; LANES];

/// Sums of real and of imaginary parts, by lane.
pub(crate) type Parts = [[f64; 2]; LANES];

/// Measurements and other sums. The state is only read; it need not be normalised.
///
/// # Panics
/// Every method panics when the length of a state is not a power of two, or when a qubit
/// or a mask lies beyond the state.
impl Kernels {
    /// The sum of |a|² over all amplitudes.
    pub fn norm_sqr<T: Real>(self, threads: &Threads, state: &[Complex<T>]) -> f64 {
        self.probability(threads, state, 0, 0)
    }

    /// The sum of |a|² over the basis states whose qubits of `mask` read `value`.
    ///
    /// # Panics
    /// Also when `value` has a bit outside `mask`.
    pub fn probability<T: Real>(
        self,
        threads: &Threads,
        state: &[Complex<T>],
        mask: usize,
        value: usize,
    ) -> f64 {
        check(state, mask);
        probability::of(self.isa, threads, state, Controls::new(mask, value))
    }

    /// The sum of |a|² over the basis states in which `qubit` reads 1.
    pub fn probability_of_one<T: Real>(
        self,
        threads: &Threads,
        state: &[Complex<T>],
        qubit: usize,
    ) -> f64 {
        assert!(qubit < state.len().ilog2() as usize, "qubit {qubit} lies beyond the state");
        self.probability(threads, state, 1 << qubit, 1 << qubit)
    }

    /// The sums of |a|² by the values of k qubits: 2^k of them, the first qubit as the
    /// least significant bit of their index.
    ///
    /// # Errors
    /// When there is no memory for the answer.
    ///
    /// # Panics
    /// Also when a qubit is named twice.
    pub fn probabilities<T: Real>(
        self,
        threads: &Threads,
        state: &[Complex<T>],
        qubits: &[usize],
    ) -> Result<Vec<f64>, AllocError> {
        check(state, 0);
        let mut mask = 0;
        for &qubit in qubits {
            assert!(qubit < state.len().ilog2() as usize, "qubit {qubit} lies beyond the state");
            assert!(mask >> qubit & 1 == 0, "qubit {qubit} is named twice");
            mask |= 1 << qubit;
        }
        probability::by_value(self.isa, threads, state, qubits, mask)
    }

    /// The sum of conj(bra) · ket.
    ///
    /// # Panics
    /// Also when the states differ in length.
    pub fn inner_product<T: Real>(
        self,
        threads: &Threads,
        bra: &[Complex<T>],
        ket: &[Complex<T>],
    ) -> Complex<f64> {
        check(bra, 0);
        assert_eq!(bra.len(), ket.len(), "the states differ in length");
        products::inner(self.isa, threads, bra, ket)
    }

    /// <state| P |state> for the Pauli string with X on the qubits of `x_mask`, Z on
    /// those of `z_mask` and Y where both are set.
    pub fn expectation_pauli<T: Real>(
        self,
        threads: &Threads,
        state: &[Complex<T>],
        x_mask: usize,
        z_mask: usize,
    ) -> f64 {
        check(state, x_mask | z_mask);
        products::pauli(self.isa, threads, state, x_mask, z_mask)
    }

    /// The sums of |a|² over each [`BLOCK`] of consecutive amplitudes; one sum for a
    /// state that is smaller than a block.
    pub fn block_probabilities<T: Real>(self, threads: &Threads, state: &[Complex<T>]) -> Vec<f64> {
        check(state, 0);
        probability::by_block(self.isa, threads, state)
    }

    /// Draws basis states with probability |a|² / Σ|a|²: answer `i` is the first one
    /// whose cumulative probability exceeds `uniforms[i]`. Uniforms in ascending order,
    /// each at least 0 and less than 1, give an ascending answer.
    ///
    /// The answer is the same for any number of threads and any instruction set.
    ///
    /// # Errors
    /// When the norm of the state is zero, infinite or not a number.
    ///
    /// # Panics
    /// Also when `uniforms` is not in ascending order or leaves the range.
    pub fn sample_sorted<T: Real>(
        self,
        threads: &Threads,
        state: &[Complex<T>],
        uniforms: &[f64],
    ) -> Result<Vec<usize>, SampleError> {
        assert!(uniforms.is_sorted(), "the uniform numbers must be in ascending order");
        let in_range = uniforms.first().is_none_or(|first| *first >= 0.0)
            && uniforms.last().is_none_or(|last| *last < 1.0);
        assert!(in_range, "the uniform numbers must be at least 0 and less than 1");
        let blocks = self.block_probabilities(threads, state);
        sample::sorted(threads, state, uniforms, &blocks)
    }
}

/// Refuses what no pass may see.
fn check<T>(state: &[Complex<T>], mask: usize) {
    assert!(state.len().is_power_of_two(), "a state of {} amplitudes", state.len());
    assert!(mask < state.len(), "a mask lies beyond the {} qubits", state.len().ilog2());
}

/// The octet that starts at `base`.
#[inline(always)]
fn octet<T>(state: &[Complex<T>], base: usize) -> &Octet<T> {
    state[base..].first_chunk().expect("an octet starts at a multiple of 8 in the state")
}

/// `state`, filled up with zeros where it is smaller than an octet.
fn padded<'a, T: Real>(state: &'a [Complex<T>], room: &'a mut Octet<T>) -> &'a [Complex<T>] {
    if state.len() >= LANES {
        return state;
    }
    room[..state.len()].copy_from_slice(state);
    room
}

/// The sums of a pass, block by block of a walk over octets.
#[derive(Debug)]
pub struct Blocks<'a, P> {
    threads: &'a Threads,
    walk: Walk,
    pub(crate) pass: P,
}

impl<T: Real, P> Task<T> for Blocks<'_, P>
where
    P: Summand<T>,
{
    type Output = Vec<P::Sum>;

    fn run<S: Simd<T>>(self, simd: S) -> Vec<P::Sum> {
        let octets = self.walk.groups();
        let run = ByBlock { walk: self.walk, pass: &self.pass };
        self.threads.map_blocks(octets.div_ceil(OCTETS), octets * LANES, |block| {
            let start = block * OCTETS;
            simd.vectorize(&run, start..octets.min(start + OCTETS))
        })
    }
}

/// A sum over octets. `add` must be `#[inline(always)]`.
pub(crate) trait Summand<T: Real>: Sync {
    /// The sum of a block.
    type Sum: Send + Default;

    /// Adds the octet at `base`.
    fn add(&self, sum: &mut Self::Sum, base: usize);
}

struct ByBlock<'a, P> {
    walk: Walk,
    pass: &'a P,
}

impl<T: Real, S: Simd<T>, P: Summand<T>> Pass<T, S> for ByBlock<'_, P> {
    type Output = P::Sum;

    #[inline(always)]
    fn run(&self, _simd: S, octets: std::ops::Range<usize>) -> P::Sum {
        let mut sum = P::Sum::default();
        for base in self.walk.bases(octets) {
            self.pass.add(&mut sum, base);
        }
        sum
    }
}

/// The sum of `values`, halves first: the error grows with the logarithm of the length.
fn pairwise(values: &[f64]) -> f64 {
    match values {
        [] => 0.0,
        [value] => *value,
        _ => {
            let (left, right) = values.split_at(values.len() / 2);
            pairwise(left) + pairwise(right)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairwise_adds_all() {
        for len in 0..40 {
            let values: Vec<f64> = (0..len).map(f64::from).collect();
            assert_eq!(pairwise(&values), f64::from(len * (len - 1) / 2));
        }
    }
}
