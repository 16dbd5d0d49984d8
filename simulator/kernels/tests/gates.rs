//! Every gate kernel, on every instruction set, in both precisions, at every position
//! of its qubits, against the definition.

mod common;

use std::f64::consts::FRAC_PI_2;

use common::{
    Random, assert_close, controls_beside, diagonal_matrix, every_arch, reference, thread_counts,
};
use ketch_kernels::{Controls, Interaction, Kernels, OneQubitGate, Real, Threads};
use num_complex::Complex;

/// Runs a check in both precisions and on every instruction set.
macro_rules! everywhere {
    ($check:ident) => {
        #[test]
        fn $check() {
            for kernels in every_arch() {
                checks::$check::<f64>(kernels);
                checks::$check::<f32>(kernels);
            }
        }
    };
}

everywhere!(one_qubit_gates_at_every_position_with_controls);
everywhere!(sequences_of_one_qubit_gates);
everywhere!(two_qubit_gates_at_every_position_with_controls);
everywhere!(interactions_at_every_position);
everywhere!(three_qubit_matrices_at_every_position);
everywhere!(matrices_of_many_qubits);
everywhere!(diagonals_of_many_qubits);
everywhere!(pauli_strings_are_the_product_of_their_factors);
everywhere!(collapse_keeps_the_outcome_alone);
everywhere!(threads_do_not_change_a_bit);

mod checks {
    use super::*;

    const SERIAL: Threads = Threads::serial();

    pub(super) fn one_qubit_gates_at_every_position_with_controls<T: Real>(kernels: Kernels) {
        let mut random = Random(1);
        let zero = Complex::new(T::zero(), T::zero());
        let one = Complex::new(T::one(), T::zero());
        for n in 1..=8 {
            for qubit in 0..n {
                for controls in controls_beside(n, &[qubit], &mut random) {
                    let state = random.numbers::<T>(1 << n);
                    let m = random.numbers::<T>(4);
                    let check =
                        |name: &str, matrix: [Complex<T>; 4], apply: &dyn Fn(&mut [Complex<T>])| {
                            let mut found = state.clone();
                            apply(&mut found);
                            let expected = reference(&state, &[qubit], &matrix, controls);
                            let what =
                                || format!("{name} on {qubit} of {n}, {controls:?}, {kernels:?}");
                            assert_close(&found, &expected, what);
                        };
                    check("matrix", [m[0], m[1], m[2], m[3]], &|state| {
                        kernels.apply_1q(
                            &SERIAL,
                            state,
                            qubit,
                            &[[m[0], m[1]], [m[2], m[3]]],
                            controls,
                        );
                    });
                    check("diagonal", [m[0], zero, zero, m[1]], &|state| {
                        kernels.apply_diagonal_1q(&SERIAL, state, qubit, [m[0], m[1]], controls);
                    });
                    check("phase gate", [one, zero, zero, m[1]], &|state| {
                        kernels.apply_diagonal_1q(&SERIAL, state, qubit, [one, m[1]], controls);
                    });
                    check("antidiagonal", [zero, m[0], m[1], zero], &|state| {
                        kernels.apply_antidiagonal_1q(
                            &SERIAL,
                            state,
                            qubit,
                            [m[0], m[1]],
                            controls,
                        );
                    });
                    check("x", [zero, one, one, zero], &|state| {
                        kernels.apply_x(&SERIAL, state, qubit, controls);
                    });
                    check("phase", [m[2], zero, zero, m[2]], &|state| {
                        kernels.apply_phase(&SERIAL, state, m[2], controls);
                    });
                }
            }
        }
    }

    pub(super) fn interactions_at_every_position<T: Real>(kernels: Kernels) {
        let mut random = Random(11);
        for n in 2..=8 {
            for qubits in (0..n * n).map(|pair| [pair / n, pair % n]).filter(|[a, b]| a != b) {
                let mut number = || 2.0 * random.uniform() - 1.0;
                let mut two = || [number(), number()];
                let (turns, mixes, scales) = (two(), two(), two());
                // Right angles too, whose tangents are huge.
                let phases = match (qubits[0] + qubits[1]) % 3 {
                    0 => [FRAC_PI_2, 3.0 * FRAC_PI_2],
                    1 => [0.4 * number(), -FRAC_PI_2],
                    _ => [3.0 * number(), 3.0 * number()],
                };
                let after = [3.0 * number(), 3.0 * number(), 3.0 * number()];
                let interaction = Interaction { turns, phases, mixes, scales, after };
                let mut found = random.numbers::<T>(1 << n);
                // As its definition says, factor by factor; the first qubit is the low bit.
                let (o, i) = (Complex::new(0.0, 0.0), Complex::new(1.0, 0.0));
                let (turn, tangent) = (turns, mixes.map(Complex::from));
                let [even, odd] = tangent;
                let cis = num_complex::Complex64::cis;
                let factors: [(&[usize], Vec<num_complex::Complex64>); 5] = [
                    (&qubits[..1], vec![i, (-turn[0]).into(), turn[0].into(), i]),
                    (&qubits[1..], vec![i, (-turn[1]).into(), turn[1].into(), i]),
                    (&qubits, diagonal_matrix(&[i, i, cis(phases[1]), cis(phases[0])])),
                    (&qubits, vec![i, o, o, -even, o, i, odd, o, o, -odd, i, o, even, o, o, i]),
                    (
                        &qubits,
                        diagonal_matrix(&[
                            scales[0].into(),
                            cis(after[0]) * scales[1],
                            cis(after[1]) * scales[1],
                            cis(after[2]) * scales[0],
                        ]),
                    ),
                ];
                let mut expected = common::widen(&found);
                for (qubits, matrix) in factors {
                    expected = reference(&expected, qubits, &matrix, Controls::NONE);
                }
                kernels.apply_interaction(&SERIAL, &mut found, qubits, &interaction);
                assert_close(&found, &expected, || format!("on {qubits:?} of {n}, {kernels:?}"));
            }
        }
    }

    pub(super) fn sequences_of_one_qubit_gates<T: Real>(kernels: Kernels) {
        let mut random = Random(7);
        for n in 1..=8 {
            for qubit in 0..n {
                for controls in controls_beside(n, &[qubit], &mut random) {
                    let state = random.numbers::<T>(1 << n);
                    let m = random.numbers::<T>(4);
                    let gate =
                        OneQubitGate { qubit, matrix: [[m[0], m[1]], [m[2], m[3]]], controls };
                    let mut found = state.clone();
                    kernels.apply_1q_sequence(&mut found, &[gate]);
                    let what = || format!("on {qubit} of {n}, {controls:?}, {kernels:?}");
                    assert_close(&found, &reference(&state, &[qubit], &m, controls), what);
                    // A second gate, with the same controls on any other qubit or none.
                    let other = (qubit + 1) % n;
                    if controls.mask() >> other & 1 == 0 {
                        let again = OneQubitGate { qubit: other, ..gate };
                        kernels.apply_1q_sequence(&mut found, &[again, gate, again]);
                        let mut expected = state.clone();
                        for qubit in [qubit, other, qubit, other] {
                            let matrix = &gate.matrix;
                            kernels.apply_1q(&SERIAL, &mut expected, qubit, matrix, controls);
                        }
                        let expected = common::widen(&expected);
                        assert_close(&found, &expected, what);
                    }
                }
            }
        }
        kernels.apply_1q_sequence::<T>(&mut [], &[]);
    }

    pub(super) fn two_qubit_gates_at_every_position_with_controls<T: Real>(kernels: Kernels) {
        let mut random = Random(2);
        let swap: Vec<Complex<T>> = (0..16)
            .map(|at| if [0, 6, 9, 15].contains(&at) { T::one() } else { T::zero() })
            .map(Complex::from)
            .collect();
        for n in 2..=8 {
            for qubits in (0..n * n).map(|pair| [pair / n, pair % n]).filter(|[a, b]| a != b) {
                for controls in controls_beside(n, &qubits, &mut random) {
                    let state = random.numbers::<T>(1 << n);
                    let m = random.numbers::<T>(16);
                    let check =
                        |name: &str, matrix: &[Complex<T>], apply: &dyn Fn(&mut [Complex<T>])| {
                            let mut found = state.clone();
                            apply(&mut found);
                            let expected = reference(&state, &qubits, matrix, controls);
                            let what = || {
                                format!("{name} on {qubits:?} of {n}, {controls:?}, {kernels:?}")
                            };
                            assert_close(&found, &expected, what);
                        };
                    check("matrix", &m, &|state| {
                        let rows = std::array::from_fn(|row| {
                            std::array::from_fn(|column| m[4 * row + column])
                        });
                        kernels.apply_2q(&SERIAL, state, qubits, &rows, controls);
                    });
                    check("swap", &swap, &|state| {
                        kernels.apply_swap(&SERIAL, state, qubits, controls)
                    });
                    check("diagonal", &diagonal_matrix(&m[..4]), &|state| {
                        kernels.apply_diagonal(&SERIAL, state, &qubits, &m[..4], controls);
                    });
                }
            }
        }
    }

    pub(super) fn three_qubit_matrices_at_every_position<T: Real>(kernels: Kernels) {
        let mut random = Random(3);
        for n in 3..=8 {
            for a in 0..n {
                for b in (0..n).filter(|&b| b != a) {
                    for c in (0..n).filter(|&c| c != a && c != b) {
                        check_matrix::<T>(kernels, n, &[a, b, c], &mut random);
                    }
                }
            }
        }
    }

    pub(super) fn matrices_of_many_qubits<T: Real>(kernels: Kernels) {
        let mut random = Random(4);
        for n in 1..=10 {
            for k in 0..=n.min(8) {
                for _ in 0..if k < 6 { 40 } else { 4 } {
                    let qubits = random.distinct(k, n);
                    check_matrix::<T>(kernels, n, &qubits, &mut random);
                }
            }
        }
    }

    /// Without controls and with random ones.
    fn check_matrix<T: Real>(kernels: Kernels, n: usize, qubits: &[usize], random: &mut Random) {
        let matrix = random.numbers::<T>(1 << (2 * qubits.len()));
        let controls = controls_beside(n, qubits, random);
        for controls in [Controls::NONE, controls[random.below(controls.len())]] {
            let state = random.numbers::<T>(1 << n);
            let mut found = state.clone();
            kernels.apply_matrix(&SERIAL, &mut found, qubits, &matrix, controls);
            let expected = reference(&state, qubits, &matrix, controls);
            assert_close(&found, &expected, || {
                format!("{qubits:?} of {n}, {controls:?}, {kernels:?}")
            });
        }
    }

    pub(super) fn diagonals_of_many_qubits<T: Real>(kernels: Kernels) {
        let mut random = Random(5);
        for n in 1..=10 {
            for k in 0..=n {
                for _ in 0..20 {
                    let qubits = random.distinct(k, n);
                    let diagonal = random.numbers::<T>(1 << k);
                    let controls = controls_beside(n, &qubits, &mut random);
                    let controls = controls[random.below(controls.len())];
                    let state = random.numbers::<T>(1 << n);
                    let mut found = state.clone();
                    kernels.apply_diagonal(&SERIAL, &mut found, &qubits, &diagonal, controls);
                    let mut expected = common::widen(&state);
                    let factors = common::widen(&diagonal);
                    for (index, amplitude) in expected.iter_mut().enumerate() {
                        if controls.admits(index) {
                            *amplitude *= factors[common::read(index, &qubits)];
                        }
                    }
                    assert_close(&found, &expected, || {
                        format!("{qubits:?}, {controls:?}, {kernels:?}")
                    });
                }
            }
        }
    }

    pub(super) fn pauli_strings_are_the_product_of_their_factors<T: Real>(kernels: Kernels) {
        let mut random = Random(6);
        let number = |re: f64, im: f64| Complex::new(T::narrow(re), T::narrow(im));
        let (zero, one) = (number(0.0, 0.0), number(1.0, 0.0));
        let factors = [
            [one, zero, zero, one],
            [zero, one, one, zero],
            [one, zero, zero, -one],
            [zero, number(0.0, -1.0), number(0.0, 1.0), zero],
        ];
        // Every string of up to four qubits, and random longer ones.
        let all = (1..=4).flat_map(|n| (0..1_usize << (2 * n)).map(move |string| (n, string)));
        let some: Vec<_> = (0..500).map(|_| (8, random.below(1 << 16))).collect();
        for (n, string) in all.chain(some) {
            let (x_mask, z_mask) = (string & ((1 << n) - 1), string >> n);
            let support = x_mask | z_mask;
            let mask = random.bits() as usize & ((1 << n) - 1) & !support;
            for controls in [Controls::NONE, Controls::new(mask, random.bits() as usize & mask)] {
                let state = random.numbers::<T>(1 << n);
                let mut expected = state.clone();
                for qubit in 0..n {
                    let factor = (x_mask >> qubit & 1) + 2 * (z_mask >> qubit & 1);
                    let next = reference(&expected, &[qubit], &factors[factor], Controls::NONE);
                    expected = next.into_iter().map(common::narrow).collect();
                }
                for index in (0..1 << n).filter(|&index| !controls.admits(index)) {
                    expected[index] = state[index];
                }
                let mut found = state.clone();
                kernels.apply_pauli(&SERIAL, &mut found, x_mask, z_mask, controls);
                assert_eq!(
                    found, expected,
                    "x {x_mask:b}, z {z_mask:b}, {controls:?}, {kernels:?}"
                );
            }
        }
    }

    pub(super) fn collapse_keeps_the_outcome_alone<T: Real>(kernels: Kernels) {
        let mut random = Random(7);
        for n in 0..=6 {
            for mask in 0..1_usize << n {
                let value = random.bits() as usize & mask;
                let state = random.numbers::<T>(1 << n);
                let mut found = state.clone();
                kernels.collapse(&SERIAL, &mut found, mask, value, 1.5);
                for (index, (found, before)) in found.iter().zip(&state).enumerate() {
                    let scale = if index & mask == value { T::narrow(1.5) } else { T::zero() };
                    assert_eq!(*found, *before * scale, "{index:b} of {mask:b} = {value:b}");
                }
            }
        }
    }

    type Gate<'a, T> = dyn Fn(&Threads, &mut [Complex<T>]) + 'a;

    /// Large enough that most passes are split; as no sum crosses a group, the same bits.
    pub(super) fn threads_do_not_change_a_bit<T: Real>(kernels: Kernels) {
        const N: usize = 19;
        let mut random = Random(8);
        let state = random.numbers::<T>(1 << N);
        let m = random.numbers::<T>(1 << 14);
        let square: [[Complex<T>; 2]; 2] = [[m[0], m[1]], [m[2], m[3]]];
        for low in [0, 2, 9, N - 4] {
            let (high, control) = (low + 2, Controls::NONE.and(low + 1, true));
            let qubits: Vec<usize> = (0..7).map(|at| (low + 2 * at) % N).collect();
            let gates: [&Gate<'_, T>; 9] = [
                &|t, state| kernels.apply_1q(t, state, low, &square, Controls::NONE),
                &|t, state| kernels.apply_1q(t, state, high, &square, control),
                &|t, state| kernels.apply_x(t, state, low, control),
                &|t, state| kernels.apply_swap(t, state, [high, low], Controls::NONE),
                &|t, state| kernels.apply_matrix(t, state, &qubits[..3], &m[..64], Controls::NONE),
                &|t, state| {
                    kernels.apply_matrix(t, state, &qubits[..5], &m[..1024], Controls::NONE)
                },
                &|t, state| {
                    kernels.apply_diagonal(
                        t,
                        state,
                        &qubits,
                        &m[..128],
                        control.and((low + 3) % N, true),
                    )
                },
                &|t, state| kernels.apply_pauli(t, state, 1 << low | 1 << high, 1 << low, control),
                &|t, state| kernels.collapse(t, state, 1 << low, 0, 2.0),
            ];
            for (number, gate) in gates.iter().enumerate() {
                let mut expected = state.clone();
                gate(&SERIAL, &mut expected);
                assert!(expected != state, "gate {number} does nothing");
                for threads in thread_counts() {
                    let mut found = state.clone();
                    gate(&threads, &mut found);
                    assert!(found == expected, "gate {number}, {} threads", threads.count());
                }
            }
        }
    }
}

#[test]
fn nonsense_is_refused_before_anything_is_written() {
    let kernels = Kernels::detect();
    let threads = Threads::serial();
    let matrix = [[Complex::new(1.0, 0.0); 2]; 2];
    let refused: [&dyn Fn(); 7] = [
        &|| kernels.apply_1q(&threads, &mut [Complex::I; 3], 0, &matrix, Controls::NONE),
        &|| kernels.apply_1q(&threads, &mut [Complex::I; 4], 2, &matrix, Controls::NONE),
        &|| kernels.apply_1q(&threads, &mut [Complex::I; 4], 70, &matrix, Controls::NONE),
        &|| kernels.apply_1q(&threads, &mut [Complex::I; 4], 1, &matrix, Controls::ones(2)),
        &|| kernels.apply_swap(&threads, &mut [Complex::<f32>::I; 4], [1, 1], Controls::NONE),
        &|| {
            kernels.apply_matrix(
                &threads,
                &mut [Complex::<f64>::I; 8],
                &[0, 1],
                &[],
                Controls::NONE,
            )
        },
        &|| kernels.apply_x(&threads, &mut [Complex::<f64>::I; 8], 0, Controls::ones(8)),
    ];
    for (number, call) in refused.iter().enumerate() {
        assert!(
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err(),
            "call {number}"
        );
    }
}
