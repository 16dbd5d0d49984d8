//! Every operation on tiles, on every instruction set, in both precisions, against its
//! definition, amplitude by amplitude.

mod common;

use common::{Random, assert_close, every_arch, narrow, reference, thread_counts, widen};
use ketch_kernels::{
    Controls, Kernels, LinearMap, PhasePass, Phases, Real, Rotation, Scratch, Sweep, Threads, Tile,
    TileBits,
};
use num_complex::{Complex, Complex64};
use proptest::prelude::*;

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

everywhere!(rotations_at_every_position);
everywhere!(rotations_of_two_bits_at_every_position);
everywhere!(many_rotations_keep_their_order);
everywhere!(transforms_of_the_bits_of_a_round);
everywhere!(phases_of_one_term_at_every_position);
everywhere!(dense_phases_on_every_tile);
everywhere!(phases_of_signs_and_of_rows);
everywhere!(linear_maps);
everywhere!(tiles_are_read_and_written_by_their_bits);
everywhere!(a_pass_of_many_operations_is_their_product);

/// A matrix of each form that has code of its own, and some that have none.
fn matrices(random: &mut Random) -> [[[f64; 2]; 2]; 9] {
    let mut t = || 2.0 * random.uniform() - 1.0;
    let (a, b, c) = (t(), t(), t());
    [
        [[1.0, -a], [a, 1.0]],
        [[b, -1.0], [1.0, b]],
        [[-b, 1.0], [-1.0, -b]],
        [[1.0, c], [c, -1.0]],
        [[a, 1.0], [1.0, -a]],
        [[0.5_f64.sqrt(); 2], [0.5_f64.sqrt(), -(0.5_f64.sqrt())]],
        [[0.0, 1.0], [1.0, 0.0]],
        [[1.0, 0.0], [0.0, 1.0]],
        [[a, b], [c, a - b]],
    ]
}

/// What a rotation is by definition, through the reference for matrices.
fn rotate<T: Real>(state: &[Complex<T>], rotation: &Rotation) -> Vec<Complex<T>> {
    let (qubits, matrix) = match *rotation {
        Rotation::Phase { bits, angle } => {
            let mask = 1 << bits[0] | 1 << bits[1];
            let factor = Complex64::cis(angle);
            let has_phase = |index: usize| index & mask == mask;
            let wide = widen(state).into_iter().enumerate();
            return wide.map(|(i, a)| narrow(if has_phase(i) { a * factor } else { a })).collect();
        }
        Rotation::Scale(factor) => (vec![], vec![factor]),
        Rotation::One { bit, matrix } => (vec![bit], matrix.as_flattened().to_vec()),
        Rotation::Two { bits, even: e, odd: o } => {
            let mut matrix = vec![0.0; 16];
            for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                matrix[4 * (3 * row) + 3 * column] = e[row][column];
                matrix[4 * (1 + row) + 1 + column] = o[row][column];
            }
            (bits.to_vec(), matrix)
        }
    };
    let matrix: Vec<Complex<T>> = matrix.into_iter().map(|x| Complex::from(T::narrow(x))).collect();
    reference(state, &qubits, &matrix, Controls::NONE).into_iter().map(narrow).collect()
}

fn any_rotation(random: &mut Random, n: usize) -> Rotation {
    let all = matrices(random);
    let mut matrix = || all[random.below(all.len())];
    let (even, odd) = (matrix(), matrix());
    match random.below(11) {
        8 => Rotation::Phase { bits: [random.below(n), random.below(n)], angle: 3.0 },
        9 | 10 if n > 1 => {
            let bits = random.distinct(2, n);
            let angle = [std::f64::consts::PI, 0.7 - random.uniform()][random.below(2)];
            Rotation::Phase { bits: [bits[0], bits[1]], angle }
        }
        0 => Rotation::Scale(random.uniform() + 0.5),
        1..=3 if n > 1 => {
            let bits = random.distinct(2, n);
            Rotation::Two { bits: [bits[0], bits[1]], even, odd }
        }
        _ => Rotation::One { bit: random.below(n), matrix: even },
    }
}

/// Phases with each term present with the given chance.
fn any_phases(random: &mut Random, n: usize, linear: f64, pairs: f64) -> Phases {
    let mut phase = |chance: f64| match random.uniform() < chance {
        true => 6.0 * random.uniform() - 3.0,
        false => 0.0,
    };
    let constant = phase(0.5);
    let single = (0..n).map(|_| phase(linear)).collect();
    let mut all = Vec::new();
    for b in 0..n {
        for a in 0..b {
            let phase = phase(pairs);
            if phase != 0.0 {
                all.push(if phase > 0.0 { (a, b, phase) } else { (b, a, phase) });
            }
        }
    }
    Phases { constant, linear: single, pairs: all }
}

fn multiplied<T: Real>(state: &[Complex<T>], phases: &Phases) -> Vec<Complex64> {
    widen(state).iter().enumerate().map(|(i, amplitude)| amplitude * phases.factor(i)).collect()
}

fn any_map(random: &mut Random, n: usize) -> LinearMap {
    let mut map = LinearMap::identity(n);
    for _ in 0..3 * n {
        let bits = random.distinct(2.min(n), n);
        match (random.below(3), &bits[..]) {
            (0, _) => map.x(bits[0]),
            (1, &[a, b]) => map.cx(a, b),
            (_, &[a, b]) => map.swap(a, b),
            _ => {}
        }
    }
    map
}

fn moved<T: Copy>(state: &[T], map: &LinearMap) -> Vec<T> {
    let mut to = state.to_vec();
    for (index, amplitude) in state.iter().enumerate() {
        to[map.of(index)] = *amplitude;
    }
    to
}

mod checks {
    use super::*;

    fn check_sweep<T: Real>(kernels: Kernels, n: usize, rotations: &[Rotation], seed: u64) {
        let state = Random(seed).numbers::<T>(1 << n);
        let mut found = state.clone();
        kernels.sweep(&mut found, &Sweep::compile(kernels, rotations, n));
        let expected = rotations.iter().fold(state, |state, rotation| rotate(&state, rotation));
        assert_close(&found, &widen(&expected), || format!("{kernels:?}, {n}: {rotations:?}"));
    }

    pub(super) fn rotations_at_every_position<T: Real>(kernels: Kernels) {
        let mut random = Random(1);
        for n in 1..=9 {
            for bit in 0..n {
                for matrix in matrices(&mut random) {
                    let rotation = Rotation::One { bit, matrix };
                    check_sweep::<T>(kernels, n, &[rotation], random.bits());
                }
            }
        }
    }

    pub(super) fn rotations_of_two_bits_at_every_position<T: Real>(kernels: Kernels) {
        let mut random = Random(2);
        for n in 2..=9 {
            for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))).filter(|(a, b)| a != b) {
                let all = matrices(&mut random);
                for at in 0..all.len() {
                    let (even, odd) = (all[at], all[(at + random.below(2)) % all.len()]);
                    let rotation = Rotation::Two { bits: [a, b], even, odd };
                    check_sweep::<T>(kernels, n, &[rotation], random.bits());
                }
            }
        }
    }

    pub(super) fn many_rotations_keep_their_order<T: Real>(kernels: Kernels) {
        let mut random = Random(3);
        for n in 1..=10 {
            for count in 0..=20 {
                let rotations: Vec<_> = (0..count).map(|_| any_rotation(&mut random, n)).collect();
                let (size, seed) = (rotations.len() as f64, random.bits());
                // Matrices of norm up to three; the reference's roundings grow with them.
                let rotations = if size > 8.0 { rotations[..8].to_vec() } else { rotations };
                check_sweep::<T>(kernels, n, &rotations, seed);
            }
        }
        for n in [6, 9, 11] {
            let all: Vec<_> = (0..n)
                .map(|bit| Rotation::One { bit, matrix: [[1.0, -0.1], [0.1, 1.0]] })
                .collect();
            check_sweep::<T>(kernels, n, &all, random.bits());
        }
    }

    /// Rows of a quantum Fourier transform: rotations between phases of all pairs.
    pub(super) fn transforms_of_the_bits_of_a_round<T: Real>(kernels: Kernels) {
        let mut random = Random(10);
        for n in 2..=10 {
            let (lanes, slots) = Sweep::<T>::reach(kernels, n);
            let mut bits: Vec<usize> = (0..lanes).collect();
            let others = random.distinct(slots, n - lanes);
            bits.extend(others.into_iter().map(|bit| bit + lanes));
            let mut rotations = Vec::new();
            for (at, &bit) in bits.iter().enumerate() {
                let matrix = [[1.0, 1.0], [1.0, -1.0]].map(|row: [f64; 2]| row.map(|x| 0.7 * x));
                rotations.push(Rotation::One { bit, matrix });
                let angle = 2.0 * random.uniform();
                let pairs = bits[at..].iter().map(|&other| [bit, other]);
                rotations.extend(pairs.map(|bits| Rotation::Phase { bits, angle }));
            }
            check_sweep::<T>(kernels, n, &rotations, random.bits());
            if slots > 0 {
                assert_eq!(Sweep::<T>::compile(kernels, &rotations, n).n_rounds(), 1);
            }
        }
    }

    /// Multiplies tile by tile, and compares.
    fn check_phases<T: Real>(kernels: Kernels, phases: &Phases, bits: &TileBits, seed: u64) {
        let state = Random(seed).numbers::<T>(1 << bits.n_qubits());
        let mut found = state.clone();
        let threads = Threads::serial();
        let mut scratch = Scratch::try_new(&threads, bits.n_tile_bits()).expect("a few tiles");
        let pass = PhasePass::compile(kernels, phases, bits);
        kernels.for_tiles(&threads, &mut found, bits, &mut scratch, |tile| {
            kernels.phases(tile.amplitudes, &pass, tile.base);
        });
        let expected = multiplied(&state, phases);
        assert_close(&found, &expected, || format!("{kernels:?}, {bits:?}: {phases:?}"));
    }

    pub(super) fn phases_of_one_term_at_every_position<T: Real>(kernels: Kernels) {
        let mut random = Random(4);
        for n in 1..=9 {
            let bits = TileBits::lowest(n, n - random.below(2));
            for a in 0..n {
                let mut linear = vec![0.0; n];
                linear[a] = 6.0 * random.uniform();
                let phases = Phases { linear, ..Phases::default() };
                check_phases::<T>(kernels, &phases, &bits, random.bits());
                for b in (0..n).filter(|b| *b != a) {
                    let phase = [6.0 * random.uniform(), std::f64::consts::PI][random.below(2)];
                    let phases = Phases { pairs: vec![(a, b, phase)], ..Phases::default() };
                    check_phases::<T>(kernels, &phases, &bits, random.bits());
                }
            }
        }
    }

    pub(super) fn dense_phases_on_every_tile<T: Real>(kernels: Kernels) {
        let mut random = Random(5);
        for n in 1..=11 {
            for n_local in 1..=n {
                let (linear, pairs) = (random.uniform(), random.uniform());
                let phases = any_phases(&mut random, n, linear, pairs);
                let bits = TileBits::new(n, &random.distinct(n_local, n));
                check_phases::<T>(kernels, &phases, &bits, random.bits());
                let phases = any_phases(&mut random, n, 1.0, 1.0);
                check_phases::<T>(kernels, &phases, &TileBits::lowest(n, n_local), random.bits());
            }
        }
        check_phases::<T>(kernels, &Phases::default(), &TileBits::lowest(8, 7), 1);
    }

    pub(super) fn phases_of_signs_and_of_rows<T: Real>(kernels: Kernels) {
        let mut random = Random(6);
        for n in 2..=11 {
            for _ in 0..8 {
                let n_local = 1 + random.below(n);
                let bits = TileBits::new(n, &random.distinct(n_local, n));
                let mut phases = any_phases(&mut random, n, 0.0, 0.4);
                phases.constant = 0.0;
                for (_, _, phase) in &mut phases.pairs {
                    *phase = std::f64::consts::PI.copysign(*phase);
                }
                check_phases::<T>(kernels, &phases, &bits, random.bits());
                phases.linear = (0..n).map(|_| random.uniform()).collect();
                check_phases::<T>(kernels, &phases, &bits, random.bits());

                // A row of the quantum Fourier transform: all terms where one bit is 1.
                let row = random.below(n);
                let others = (0..n).filter(|bit| *bit != row);
                let mut phases = Phases {
                    pairs: others.map(|bit| (bit, row, random.uniform())).collect(),
                    ..Phases::default()
                };
                check_phases::<T>(kernels, &phases, &bits, random.bits());
                phases.linear = vec![0.0; n];
                phases.linear[row] = 1.0;
                check_phases::<T>(kernels, &phases, &bits, random.bits());
            }
        }
    }

    pub(super) fn linear_maps<T: Real>(kernels: Kernels) {
        let mut random = Random(7);
        let check = |map: &LinearMap, seed: u64| {
            let state = Random(seed).numbers::<T>(1 << map.n_bits());
            let (mut amplitudes, mut scratch) = (state.clone(), state.clone());
            let mut tile = Tile { base: 0, amplitudes: &mut amplitudes, scratch: &mut scratch };
            kernels.relabel(&mut tile, map);
            assert!(*tile.amplitudes == moved(&state, map), "{kernels:?}: {map:?}");
        };
        for n in 0..=10 {
            check(&LinearMap::identity(n), 1);
            for a in 0..n {
                let mut map = LinearMap::identity(n);
                map.x(a);
                check(&map, random.bits());
                for b in (0..n).filter(|b| *b != a) {
                    let mut map = LinearMap::identity(n);
                    map.cx(a, b);
                    check(&map, random.bits());
                    let mut map = LinearMap::identity(n);
                    map.swap(a, b);
                    check(&map, random.bits());
                }
            }
            for _ in 0..if n == 0 { 0 } else { 10 } {
                check(&any_map(&mut random, n), random.bits());
            }
        }
    }

    pub(super) fn tiles_are_read_and_written_by_their_bits<T: Real>(kernels: Kernels) {
        let mut random = Random(8);
        for threads in thread_counts() {
            for n in 1..=12 {
                for _ in 0..8 {
                    let n_local = random.below(n + 1);
                    // Often with the lowest bits in their places, as in practice.
                    let kept = random.below(n_local + 1);
                    let mut local: Vec<usize> = (0..kept).collect();
                    let rest = random.distinct(n_local - kept, n - kept);
                    local.extend(rest.iter().map(|bit| bit + kept));
                    let mut scatter = local.clone();
                    if random.below(2) == 0 {
                        let order = random.distinct(n_local, n_local);
                        scatter = order.iter().map(|place| local[*place]).collect();
                    }
                    let bits = TileBits::new(n, &local).with_scatter(&scatter);
                    let swapped = random.below(2) == 0;

                    let state = random.numbers::<T>(1 << n);
                    let mut found = state.clone();
                    let mut scratch = Scratch::try_new(&threads, n_local).expect("a few tiles");
                    kernels.for_tiles(&threads, &mut found, &bits, &mut scratch, |tile| {
                        for (index, amplitude) in tile.amplitudes.iter().enumerate() {
                            assert_eq!(tile.base & bits.mask(), 0);
                            assert_eq!(*amplitude, state[common::write(tile.base, &local, index)]);
                        }
                        if swapped {
                            tile.scratch.copy_from_slice(tile.amplitudes);
                            tile.swap();
                            tile.scratch.fill(Complex::default());
                        }
                    });
                    let expected: Vec<_> = (0..1 << n)
                        .map(|to| state[common::write(to, &local, common::read(to, &scatter))])
                        .collect();
                    assert!(found == expected, "{kernels:?}: {bits:?}");
                }
            }
        }
    }

    pub(super) fn a_pass_of_many_operations_is_their_product<T: Real>(kernels: Kernels) {
        let mut random = Random(9);
        let n = 11;
        for n_local in [1, 4, 7, 9, 11] {
            let bits = TileBits::new(n, &random.distinct(n_local, n));
            let phases = any_phases(&mut random, n, 0.8, 0.3);
            let rotation = any_rotation(&mut random, n_local);
            let map = any_map(&mut random, n_local);
            let state = random.numbers::<T>(1 << n);

            let threads = Threads::new(2).expect("threads start");
            let mut found = state.clone();
            let mut scratch = Scratch::try_new(&threads, n_local).expect("a few tiles");
            let sweep = Sweep::compile(kernels, &[rotation], n_local);
            let pass = PhasePass::compile(kernels, &phases, &bits);
            kernels.for_tiles(&threads, &mut found, &bits, &mut scratch, |tile| {
                kernels.phases(tile.amplitudes, &pass, tile.base);
                kernels.sweep(tile.amplitudes, &sweep);
                kernels.relabel(tile, &map);
            });

            let local = |bit: usize| bits.gather()[bit];
            let on_state = match rotation {
                Rotation::One { bit, matrix } => Rotation::One { bit: local(bit), matrix },
                Rotation::Two { bits: [a, b], even, odd } => {
                    Rotation::Two { bits: [local(a), local(b)], even, odd }
                }
                Rotation::Phase { bits, angle } => Rotation::Phase { bits: bits.map(local), angle },
                Rotation::Scale(factor) => Rotation::Scale(factor),
            };
            let multiplied: Vec<_> = multiplied(&state, &phases).into_iter().map(narrow).collect();
            let rotated = rotate::<T>(&multiplied, &on_state);
            let mut expected = rotated.clone();
            for (index, amplitude) in rotated.iter().enumerate() {
                let to = map.of(common::read(index, bits.gather()));
                expected[common::write(index, bits.gather(), to)] = *amplitude;
            }
            assert_close(&found, &widen(&expected), || format!("{kernels:?}, {bits:?}"));
        }
    }
}

proptest! {
    #[test]
    fn a_map_is_made_of_its_columns(seed in any::<u64>(), n in 1_usize..12) {
        let map = any_map(&mut Random(seed), n);
        prop_assert_eq!(&LinearMap::new(map.columns().to_vec(), map.shift()), &map);
        let mut images: Vec<_> = (0..1 << n).map(|index| map.of(index)).collect();
        images.sort_unstable();
        prop_assert!(images.into_iter().eq(0..1 << n));
    }

    #[test]
    fn sweeps_are_the_product_of_their_rotations(seed in any::<u64>(), n in 5_usize..12) {
        let mut random = Random(seed);
        let rotations: Vec<_> = (0..6).map(|_| any_rotation(&mut random, n)).collect();
        let state = random.numbers::<f64>(1 << n);
        let expected = rotations.iter().fold(state.clone(), |state, r| rotate(&state, r));
        for kernels in every_arch() {
            let mut found = state.clone();
            kernels.sweep(&mut found, &Sweep::compile(kernels, &rotations, n));
            assert_close(&found, &widen(&expected), || format!("{kernels:?}: {rotations:?}"));
        }
    }
}
