//! Every sum against its definition, and bit for bit against itself with other threads
//! and other instruction sets.

mod common;

use common::{Random, every_arch, read, thread_counts, widen};
use ketch_kernels::{BLOCK, Kernels, Real, SampleError, Threads};
use num_complex::{Complex, Complex64};
use proptest::prelude::*;

const SERIAL: Threads = Threads::serial();

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{found} for {expected}");
}

fn squares<T: Real>(state: &[Complex<T>]) -> Vec<f64> {
    widen(state).iter().map(Complex64::norm_sqr).collect()
}

/// All sums of a state, flattened, to be compared bit by bit.
fn all_sums<T: Real>(kernels: Kernels, threads: &Threads, state: &[Complex<T>]) -> Vec<u64> {
    let n = state.len().ilog2() as usize;
    let qubits: Vec<usize> = (0..n).rev().collect();
    let (x_mask, z_mask) = (0x15555 & (state.len() - 1), 0x33333 & (state.len() - 1));
    let mut sums = vec![kernels.norm_sqr(threads, state)];
    sums.extend((0..n).map(|qubit| kernels.probability_of_one(threads, state, qubit)));
    for count in [0, n.min(1), n / 2, n.min(10), n.min(11), n] {
        sums.extend(
            kernels.probabilities(threads, state, &qubits[..count]).expect("memory suffices"),
        );
    }
    let reversed: Vec<_> = state.iter().rev().copied().collect();
    let product = kernels.inner_product(threads, state, &reversed);
    sums.extend([product.re, product.im]);
    for (x, z) in [(x_mask, z_mask), (x_mask, 0), (0, z_mask), (x_mask, x_mask)] {
        sums.push(kernels.expectation_pauli(threads, state, x, z));
    }
    sums.extend(kernels.block_probabilities(threads, state));
    sums.into_iter().map(f64::to_bits).collect()
}

#[test]
fn sums_are_the_same_bits_for_any_threads_and_any_instruction_set() {
    fn check<T: Real>(n: usize) {
        let state = Random(n as u64).numbers::<T>(1 << n);
        let expected = all_sums(every_arch()[0], &SERIAL, &state);
        let uniforms = sorted_uniforms(1000, 5);
        let drawn = every_arch()[0].sample_sorted(&SERIAL, &state, &uniforms).unwrap();
        for kernels in every_arch() {
            for threads in thread_counts() {
                assert!(
                    all_sums(kernels, &threads, &state) == expected,
                    "{kernels:?}, {threads:?}"
                );
                let again = kernels.sample_sorted(&threads, &state, &uniforms).unwrap();
                assert_eq!(again, drawn, "{kernels:?}, {threads:?}");
            }
        }
    }
    for n in [0, 1, 2, 3, 5, 12, 13, 18] {
        check::<f64>(n);
        check::<f32>(n);
    }
}

#[test]
fn probabilities_agree_with_their_definition() {
    fn check<T: Real>(kernels: Kernels) {
        let mut random = Random(1);
        for n in 0..=8 {
            let state = random.numbers::<T>(1 << n);
            let squares = squares(&state);
            assert_near(kernels.norm_sqr(&SERIAL, &state), squares.iter().sum());
            for mask in 0..1_usize << n {
                let value = random.bits() as usize & mask;
                let expected = (0..1 << n).filter(|i| i & mask == value).map(|i| squares[i]).sum();
                assert_near(kernels.probability(&SERIAL, &state, mask, value), expected);
            }
        }
        for n in [4, 8, 14] {
            let state = random.numbers::<T>(1 << n);
            let squares = squares(&state);
            for k in 0..=n {
                let qubits = random.distinct(k, n);
                let mut expected = vec![0.0; 1 << k];
                for (index, square) in squares.iter().enumerate() {
                    expected[read(index, &qubits)] += square;
                }
                let found = kernels.probabilities(&SERIAL, &state, &qubits).unwrap();
                assert_eq!(found.len(), expected.len());
                found
                    .iter()
                    .zip(&expected)
                    .for_each(|(found, expected)| assert_near(*found, *expected));
            }
        }
    }
    for kernels in every_arch() {
        check::<f64>(kernels);
        check::<f32>(kernels);
    }
}

#[test]
fn overlaps_and_expectations_agree_with_their_definition() {
    fn check<T: Real>(kernels: Kernels) {
        let mut random = Random(2);
        for n in 0..=6 {
            let (bra, ket) = (random.numbers::<T>(1 << n), random.numbers::<T>(1 << n));
            let found = kernels.inner_product(&SERIAL, &bra, &ket);
            let pairs = widen(&bra).into_iter().zip(widen(&ket));
            let expected: Complex64 = pairs.map(|(bra, ket)| bra.conj() * ket).sum();
            assert_near(found.re, expected.re);
            assert_near(found.im, expected.im);

            for string in 0..if n < 5 { 1 << (2 * n) } else { 300 } {
                let string = if n < 5 { string } else { random.below(1 << (2 * n)) };
                let (x_mask, z_mask) = (string & ((1 << n) - 1), string >> n);
                let state = widen(&ket);
                let phase = Complex64::I.powu((x_mask & z_mask).count_ones());
                let expected: Complex64 = (0..1 << n)
                    .map(|j: usize| {
                        let sign = if (j & z_mask).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
                        state[j ^ x_mask].conj() * phase * sign * state[j]
                    })
                    .sum();
                assert!(expected.im.abs() < 1e-12, "the reference is not Hermitian");
                assert_near(kernels.expectation_pauli(&SERIAL, &ket, x_mask, z_mask), expected.re);
            }
        }
    }
    for kernels in every_arch() {
        check::<f64>(kernels);
        check::<f32>(kernels);
    }
}

fn sorted_uniforms(count: usize, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    let mut uniforms: Vec<f64> = (0..count).map(|_| random.uniform()).collect();
    uniforms.sort_by(f64::total_cmp);
    uniforms
}

/// The first index whose cumulative weight exceeds the uniform's share, by the book.
fn sample_slowly(squares: &[f64], uniform: f64) -> usize {
    let total: f64 = squares.iter().sum();
    let mut after = 0.0;
    let found = squares.iter().position(|square| {
        after += square;
        after > uniform * total
    });
    found.unwrap_or_else(|| squares.iter().rposition(|square| *square > 0.0).expect("a weight"))
}

#[test]
fn samples_follow_the_cumulative_distribution() {
    let kernels = Kernels::detect();
    for n in [0, 1, 5, 12, 14] {
        let state = Random(n as u64).numbers::<f64>(1 << n);
        let squares = squares(&state);
        let uniforms = sorted_uniforms(200, 3);
        let drawn = kernels.sample_sorted(&SERIAL, &state, &uniforms).unwrap();
        for (uniform, drawn) in uniforms.iter().zip(drawn) {
            let expected = sample_slowly(&squares, *uniform);
            // Sums in another order may move a boundary by one rounding.
            assert!(drawn.abs_diff(expected) <= 1, "{uniform}: {drawn} for {expected}");
        }
    }
}

#[test]
fn sample_frequencies_pass_a_chi_square_test() {
    // 15 degrees of freedom: a correct sampler exceeds 44.3 once in 10,000 seeds, and
    // this seed is fixed.
    const DRAWS: usize = 100_000;
    let state = Random(11).numbers::<f32>(16);
    let squares = squares(&state);
    let total: f64 = squares.iter().sum();
    let uniforms = sorted_uniforms(DRAWS, 12);
    let mut counts = [0_u32; 16];
    for index in Kernels::detect().sample_sorted(&SERIAL, &state, &uniforms).unwrap() {
        counts[index] += 1;
    }
    let chi_square: f64 = counts
        .iter()
        .zip(&squares)
        .map(|(&count, square)| {
            let expected = DRAWS as f64 * square / total;
            (f64::from(count) - expected).powi(2) / expected
        })
        .sum();
    assert!(chi_square < 44.3, "chi-square {chi_square}");
}

#[test]
fn a_basis_state_is_always_drawn_wherever_it_is() {
    let kernels = Kernels::detect();
    let mut uniforms = sorted_uniforms(50, 4);
    uniforms.insert(0, 0.0);
    uniforms.push(1.0_f64.next_down());
    for len in [1, 2, 8, BLOCK, 4 * BLOCK] {
        for index in [0, len / 3, len / 2, len - 1] {
            let mut state = vec![Complex::<f32>::ZERO; len];
            state[index] = Complex::new(0.0, 1e-3);
            let drawn = kernels.sample_sorted(&SERIAL, &state, &uniforms).unwrap();
            assert!(drawn.iter().all(|&drawn| drawn == index), "{index} of {len}");
        }
    }
}

#[test]
fn a_state_without_a_norm_cannot_be_sampled() {
    let kernels = Kernels::detect();
    for value in [0.0, f64::NAN, f64::INFINITY] {
        let state = [Complex::new(value, 0.0); 4];
        let SampleError::Norm(norm) = kernels.sample_sorted(&SERIAL, &state, &[0.5]).unwrap_err()
        else {
            unreachable!("the only error there is");
        };
        assert!(norm == 0.0 || !norm.is_finite());
    }
}

proptest! {
    #[test]
    fn no_amplitude_without_weight_is_drawn(
        weights in proptest::collection::vec(prop_oneof![Just(0.0), 1e-30..1.0_f64], 64),
        mut uniforms in proptest::collection::vec(0.0..1.0_f64, 0..100),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0.0));
        uniforms.sort_by(f64::total_cmp);
        let state: Vec<_> = weights.iter().map(|weight| Complex::new(0.0, weight.sqrt())).collect();
        let drawn = Kernels::detect().sample_sorted(&SERIAL, &state, &uniforms).unwrap();
        prop_assert_eq!(drawn.len(), uniforms.len());
        prop_assert!(drawn.is_sorted());
        prop_assert!(drawn.iter().all(|&index| weights[index] > 0.0));
    }

    #[test]
    fn a_rotation_and_its_inverse_leave_the_state(
        n in 1_usize..9, qubit in 0_usize..8, angle in -7.0..7.0_f64, seed: u64,
    ) {
        let qubit = qubit % n;
        let state = Random(seed).numbers::<f64>(1 << n);
        let (cos, sin) = (Complex::from(angle.cos()), Complex::new(0.0, angle.sin()));
        for kernels in every_arch() {
            let mut found = state.clone();
            let none = ketch_kernels::Controls::NONE;
            kernels.apply_1q(&SERIAL, &mut found, qubit, &[[cos, -sin], [-sin, cos]], none);
            let (before, after) =
                (kernels.norm_sqr(&SERIAL, &state), kernels.norm_sqr(&SERIAL, &found));
            prop_assert!((before - after).abs() < 1e-12 * before);
            kernels.apply_1q(&SERIAL, &mut found, qubit, &[[cos, sin], [sin, cos]], none);
            common::assert_close(&found, &state, || format!("{kernels:?}"));
        }
    }
}
