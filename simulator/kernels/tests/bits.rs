//! Rows of bits against one bit at a time, on every instruction set.

use ketch_kernels::{
    Arch, BitOp, Collapse, FrameChannel, FrameOp, FrameProgram, Frames, Kernels, SHOTS,
};

fn all_kernels() -> impl Iterator<Item = Kernels> {
    Arch::ALL.into_iter().filter_map(Kernels::for_arch)
}

/// Words without a pattern.
fn words(n: usize, seed: u64) -> Vec<u64> {
    let mut state = seed;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 29
    };
    (0..n).map(|_| next()).collect()
}

fn bit(words: &[u64], at: usize) -> bool {
    words[at / 64] >> (at % 64) & 1 == 1
}

#[test]
fn products_have_the_sign_of_each_meeting_of_z_and_x() {
    for half in [1, 2, 3, 8, 13, 16] {
        for seed in 0..20 {
            let (a, b) = (words(2 * half, seed), words(2 * half, seed + 100));
            let met = |left: &[u64], right: &[u64]| {
                let meets = |q: &usize| bit(left, half * 64 + q) && bit(right, *q);
                (0..half * 64).filter(meets).count() % 2 == 1
            };
            let sum: Vec<u64> = a.iter().zip(&b).map(|(a, b)| a ^ b).collect();
            for kernels in all_kernels() {
                let mut row = a.clone();
                assert_eq!(kernels.multiply_row(&mut row, &b), met(&a, &b));
                assert_eq!(row, sum);
                let mut row = a.clone();
                assert_eq!(kernels.multiply_row_from_left(&mut row, &b), met(&b, &a));
                assert_eq!(row, sum);
            }
        }
    }
}

/// One bit at a time: controlled X gates, then the phase gate, the Hadamard gate and X.
#[test]
fn a_collapse_is_a_few_gates_on_columns() {
    for (half, pivot) in [(1, 5), (2, 64), (8, 400), (3, 191)] {
        for (phase, flip) in [(false, false), (true, false), (false, true), (true, true)] {
            let n_rows = 40;
            let rows = words(n_rows * 2 * half, 3);
            let phases: Vec<u8> = words(n_rows, 4).iter().map(|word| (word & 3) as u8).collect();
            let mut others = words(half, 5);
            others[pivot / 64] &= !(1 << (pivot % 64));
            let (mut expected, mut powers) = (rows.clone(), phases.clone());
            for (row, power) in expected.chunks_mut(2 * half).zip(&mut powers) {
                let (x, z) = row.split_at_mut(half);
                let flipped = |words: &mut [u64], at: usize| words[at / 64] ^= 1 << (at % 64);
                for q in (0..half * 64).filter(|&q| bit(&others, q)) {
                    if bit(x, pivot) {
                        flipped(x, q);
                    }
                    if bit(z, q) {
                        flipped(z, pivot);
                    }
                }
                if phase && bit(x, pivot) {
                    *power += 3;
                    flipped(z, pivot);
                }
                if bit(x, pivot) && bit(z, pivot) {
                    *power += 2;
                }
                if bit(x, pivot) != bit(z, pivot) {
                    flipped(x, pivot);
                    flipped(z, pivot);
                }
                if flip && bit(z, pivot) {
                    *power += 2;
                }
                *power &= 3;
            }
            for kernels in all_kernels() {
                let (mut found, mut found_powers) = (rows.clone(), phases.clone());
                let collapse = Collapse { pivot, others: &others, phase, flip };
                kernels.collapse_rows(&mut found, &mut found_powers, &collapse);
                assert!(found == expected && found_powers == powers, "{half} words");
            }
        }
    }
}

fn run(kernels: Kernels, program: &FrameProgram, block: u64) -> Vec<u8> {
    let mut frames = Frames::new(program);
    let stride = program.n_clbits.div_ceil(8);
    let mut out = vec![0; SHOTS * stride];
    kernels.run_frames(program, &mut frames, 5, block);
    kernels.write_shots(&frames, program.n_clbits, &mut out, stride);
    out
}

fn measure(qubit: u32, clbit: u32) -> FrameOp {
    FrameOp::Measure { qubit, clbit, reference: false }
}

/// A program with every step.
fn program() -> FrameProgram {
    let channels = vec![
        FrameChannel::new(&[(0b01, 0.01), (0b10, 0.2), (0b11, 0.0)]),
        FrameChannel::new(&[(0b1101, 0.001), (0, 0.5)]),
        FrameChannel::new(&[(1, 0.3)]),
        FrameChannel::new(&[]),
    ];
    let ops = vec![
        FrameOp::H(0),
        FrameOp::Cx(0, 1),
        FrameOp::Channel { channel: 0, operands: 0 },
        FrameOp::S(1),
        FrameOp::SqrtX(2),
        FrameOp::Cz(1, 2),
        FrameOp::Channel { channel: 1, operands: 1 },
        FrameOp::Channel { channel: 3, operands: 0 },
        FrameOp::Swap(0, 2),
        measure(0, 3),
        FrameOp::Measure { qubit: 1, clbit: 0, reference: true },
        FrameOp::Misread { clbit: 3, zero: 2, one: 1 },
        FrameOp::Bit { op: BitOp::Not, to: 70, from: 3 },
        FrameOp::Bit { op: BitOp::And, to: 70, from: 0 },
        FrameOp::XWhere { qubit: 2, clbit: 70 },
        FrameOp::ZWhere { qubit: 1, clbit: 70 },
        FrameOp::Reset(1),
        FrameOp::H(1),
        measure(1, 9),
        measure(2, 65),
    ];
    FrameProgram { n_qubits: 3, n_clbits: 71, ops, operands: vec![1, 0, 2], channels }
}

#[test]
fn every_instruction_set_runs_the_same_shots() {
    let program = program();
    let expected = run(Kernels::for_arch(Arch::Portable).unwrap(), &program, 3);
    for kernels in all_kernels() {
        assert!(run(kernels, &program, 3) == expected, "{}", kernels.arch());
        assert!(run(kernels, &program, 4) != expected, "blocks differ");
    }
}

#[test]
fn shots_are_columns() {
    // Clbit c of shot s is random, but the same in clbit c + 70.
    let n = 70;
    let ops = (0..n)
        .flat_map(|q| [FrameOp::H(q), measure(q, q), measure(q, q + n)])
        .chain([FrameOp::Bit { op: BitOp::Clear, to: 7, from: 7 }])
        .chain([FrameOp::Bit { op: BitOp::Not, to: 8, from: 7 }])
        .collect();
    let program = FrameProgram { n_qubits: 70, n_clbits: 140, ops, ..FrameProgram::default() };
    let out = run(Kernels::detect(), &program, 0);
    let mut ones = 0;
    for shot in out.chunks(18) {
        let bit = |at: usize| shot[at / 8] >> (at % 8) & 1;
        for clbit in (0..70).filter(|clbit| ![7, 8].contains(clbit)) {
            assert_eq!(bit(clbit), bit(clbit + 70));
            ones += u32::from(bit(clbit));
        }
        assert_eq!((bit(7), bit(8)), (0, 1));
        assert_eq!(shot[17] >> 4, 0);
    }
    // Fair within 5 standard deviations: a false alarm in 1.7 million seeds.
    let coins = 68.0 * SHOTS as f64;
    assert!((f64::from(ones) - coins / 2.0).abs() < 2.5 * coins.sqrt(), "{ones} of {coins}");
}

/// Each pattern comes as often as it should, over blocks: within 6 standard deviations, a false
/// alarm in 5 * 10^8 seeds.
#[test]
fn channels_act_as_often_as_they_should() {
    for probabilities in [[0.001, 0.0002], [0.3, 0.1], [0.25, 0.75], [1.0, 0.0]] {
        let strings = [(0b0001, probabilities[0]), (0b0100, probabilities[1])];
        let ops = (0..50)
            .flat_map(|round| {
                let clbit = 2 * round;
                [
                    FrameOp::Channel { channel: 0, operands: 0 },
                    measure(0, clbit),
                    measure(1, clbit + 1),
                    FrameOp::Reset(0),
                    FrameOp::Reset(1),
                ]
            })
            .collect();
        let program = FrameProgram {
            n_qubits: 2,
            n_clbits: 100,
            ops,
            operands: vec![0, 1],
            channels: vec![FrameChannel::new(&strings)],
        };
        let mut ones = [0_u32; 2];
        let n_blocks = 20;
        for block in 0..n_blocks {
            for shot in run(Kernels::detect(), &program, block).chunks(13) {
                for at in 0..100 {
                    ones[at % 2] += u32::from(shot[at / 8] >> (at % 8) & 1);
                }
            }
        }
        let n = n_blocks as f64 * SHOTS as f64 * 50.0;
        for (ones, p) in ones.into_iter().zip(probabilities) {
            let deviation = (n * p * (1.0 - p)).sqrt();
            let off = (f64::from(ones) - n * p).abs();
            assert!(off <= 6.0 * deviation, "{ones} of {n} where {p} was asked for");
        }
    }
}
