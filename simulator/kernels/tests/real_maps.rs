//! Maps on bits of a real vector, against the definition.

use ketch_kernels::{ALWAYS_LOCAL, AlignedVec, Arch, Kernels, MapStage, Real, RealMap, Threads};
use proptest::{prelude::*, sample::subsequence};

/// What a map is, entry by entry.
fn defined(values: &[f64], bits: &[usize], matrix: &[f64]) -> Vec<f64> {
    let dim = 1 << bits.len();
    let part = |i: usize| bits.iter().enumerate().fold(0, |p, (k, bit)| p | (i >> bit & 1) << k);
    let offset = |v: usize| bits.iter().enumerate().fold(0, |o, (k, b)| o | (v >> k & 1) << b);
    let mask = offset(dim - 1);
    let entry = |i: usize| {
        let products = (0..dim).map(|c| matrix[part(i) * dim + c] * values[i & !mask | offset(c)]);
        products.sum()
    };
    (0..values.len()).map(entry).collect()
}

/// A pseudo-random number in [-1, 1).
fn number(seed: u64) -> f64 {
    let mixed = (seed ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 31).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed >> 11) as f64) / (1_u64 << 52) as f64 - 1.0
}

/// A matrix that one kind of kernel is made for.
fn matrix(kind: u8, k: usize, seed: u64) -> Vec<f64> {
    let dim = 1 << k;
    let entry = |i: usize| {
        let (row, column) = (i / dim, i % dim);
        let any = number(seed + 7 * i as u64);
        match kind {
            // The first value stays apart.
            0 if row == 0 || column == 0 => f64::from(u8::from(row == column)),
            // One entry a row.
            1 if column != row ^ (seed as usize % dim) => 0.0,
            // Few entries, and rows that leave their value as it is.
            2 if row % 2 == 0 => f64::from(u8::from(row == column)),
            2 if (row + column) % 3 == 0 => 0.0,
            _ => any,
        }
    };
    (0..dim * dim).map(entry).collect()
}

fn applied<T: Real>(
    arch: Arch,
    threads: &Threads,
    values: &[f64],
    local: usize,
    maps: &[(Vec<usize>, Vec<f64>)],
) -> Option<Vec<f64>> {
    let kernels = Kernels::for_arch(arch)?;
    let maps: Vec<RealMap<T>> = maps
        .iter()
        .map(|(bits, matrix)| RealMap::new(bits, matrix.iter().map(|&x| T::narrow(x)).collect()))
        .collect();
    let mut narrow = AlignedVec::<T>::try_zeroed(values.len()).expect("a small vector fits");
    narrow.iter_mut().zip(values).for_each(|(to, from)| *to = T::narrow(*from));
    let stage = MapStage::new(local, &maps);
    let tiles = stage.tiles(values.len());
    // In two goes, as a caller does that looks at the clock in between.
    for tiles in [0..tiles / 2, tiles / 2..tiles] {
        kernels.apply_stage(threads, &mut narrow, &stage, tiles).expect("a tile fits");
    }
    Some(narrow.iter().map(|value| value.widen()).collect())
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn a_stage_is_its_maps_one_after_the_other(
        n in 2_usize..11,
        others in any::<usize>(),
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, 1_usize..6), 1..5),
        order in subsequence((0..11_usize).collect::<Vec<_>>(), 11).prop_shuffle(),
        seed in 0_u64..1000,
    ) {
        let lowest = (1 << ALWAYS_LOCAL.min(n)) - 1;
        let local = (lowest | others) & ((1 << n) - 1);
        let bits: Vec<usize> = order.into_iter().filter(|bit| local >> bit & 1 == 1).collect();
        let values: Vec<f64> = (0..1 << n).map(|i| number(seed * 1000 + i)).collect();
        let mut maps = Vec::new();
        let mut expected = values.clone();
        for (step, (start, kind, k)) in picks.into_iter().enumerate() {
            let k = k.min(bits.len());
            let start = start.index(bits.len() - k + 1);
            let on = bits[start..start + k].to_vec();
            let matrix = matrix(kind, k, seed + 31 * step as u64);
            expected = defined(&expected, &on, &matrix);
            maps.push((on, matrix));
        }
        let scale = expected.iter().fold(1.0_f64, |most, value| most.max(value.abs()));
        for arch in Arch::ALL {
            for threads in [Threads::serial(), Threads::new(3).unwrap()] {
                if let Some(found) = applied::<f64>(arch, &threads, &values, local, &maps) {
                    prop_assert!(distance(&found, &expected) < 1e-13 * scale, "{arch}");
                }
                if let Some(found) = applied::<f32>(arch, &threads, &values, local, &maps) {
                    prop_assert!(distance(&found, &expected) < 1e-4 * scale, "{arch}");
                }
            }
        }
    }
}

#[test]
fn every_pair_of_bits_and_every_kind_of_matrix() {
    let n = 7;
    let values: Vec<f64> = (0..1 << n).map(number).collect();
    for kind in 0..4 {
        for a in 0..n {
            for b in (0..n).filter(|b| *b != a) {
                for on in [vec![a], vec![a, b], vec![a, b, (a + b) % 7]] {
                    let mask = on.iter().fold(0_usize, |mask, bit| mask | 1 << bit);
                    if mask.count_ones() as usize != on.len() {
                        continue;
                    }
                    let matrix = matrix(kind, on.len(), 5);
                    let expected = defined(&values, &on, &matrix);
                    for arch in Arch::ALL {
                        let maps = [(on.clone(), matrix.clone())];
                        let serial = Threads::serial();
                        let found = applied::<f64>(arch, &serial, &values, 127, &maps);
                        let off = found.map_or(0.0, |found| distance(&found, &expected));
                        assert!(off < 1e-13, "{arch}, kind {kind}, bits {on:?}: off by {off}");
                    }
                }
            }
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let n = 18;
    let values: Vec<f64> = (0..1 << n).map(number).collect();
    let maps: Vec<(Vec<usize>, Vec<f64>)> = vec![
        (vec![3, 12], matrix(0, 2, 1)),
        (vec![0, 12], matrix(3, 2, 2)),
        (vec![5, 6, 12, 9], matrix(1, 4, 3)),
        (vec![9, 1, 2, 17], matrix(3, 4, 4)),
    ];
    let local = 0b10_0001_0010_0111_1111;
    let run = |threads: &Threads| {
        applied::<f64>(Kernels::detect().arch(), threads, &values, local, &maps).unwrap()
    };
    let alone = run(&Threads::serial());
    for count in [2, 5] {
        assert_eq!(alone, run(&Threads::new(count).unwrap()));
    }
}
