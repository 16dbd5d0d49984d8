//! Prints what the operations on tiles cost: nanoseconds per amplitude of one thread on a
//! tile that stays in the cache, and the bandwidth of a pass over a large state.
//!
//! Beside each time, the percentage of what the ports allow: `f` multiply-adds (or
//! shuffles, where more) and a load and a store of each vector, at one multiply-add, one
//! load and half a store a cycle. The length of a cycle is measured, by a chain of sums.
//!
//! `cargo run --release -p ketch-kernels --example tiles [tile bits [part of a name]]`

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use ketch_kernels::{
    AlignedVec, Arch, Kernels, LinearMap, PhasePass, Phases, Real, Rotation, Scratch, Sweep,
    Threads, Tile, TileBits,
};
use num_complex::Complex;

/// Each figure is the best of this many runs.
const RUNS: usize = 15;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let bits = std::env::args().nth(1).map_or(Ok(15), |arg| arg.parse())?;
    let cycle = cycle();
    println!("a cycle is {cycle:.3} ns; a tile has 2^{bits} amplitudes\n");
    println!("{:<36}{:>20}{:>20}{:>20}", "", "avx512", "avx2", "portable");
    let wanted = std::env::args().nth(2).unwrap_or_default();
    for (name, ops) in operations(bits) {
        if !name.contains(&wanted) {
            continue;
        }
        let rows: [(&str, Row); 2] = [("f64", operation::<f64>), ("f32", operation::<f32>)];
        for (real, row) in rows {
            print!("{name:<32}{real:<4}");
            for arch in Arch::ALL.into_iter().rev() {
                match Kernels::for_arch(arch) {
                    Some(kernels) => row(kernels, bits, &ops, cycle)?,
                    None => print!("{:>20}", "-"),
                }
            }
            println!();
        }
    }
    println!("\na pass that only moves tiles, 2^24 amplitudes, in GB/s (read and written)");
    passes::<f64>("f64", 24, bits)?;
    passes::<f32>("f32", 24, bits)
}

type Row = fn(Kernels, usize, &Measured, f64) -> Result<(), Failure>;

/// What is measured.
enum Operation {
    Sweep(Vec<Rotation>),
    Phases(Phases),
    Relabel(LinearMap),
}

/// The operation and the multiply-adds (or shuffles) of a vector.
type Measured = (Operation, f64);

fn operations(bits: usize) -> Vec<(&'static str, Measured)> {
    let (t, c) = ([[1.0, -0.3], [0.3, 1.0]], [[0.6, -1.0], [1.0, 0.6]]);
    let any = [[0.8, -0.6], [0.6, 0.8]];
    let one = |bit, matrix| Rotation::One { bit, matrix };
    let two = |a, b| Rotation::Two { bits: [a, b], even: t, odd: t };
    let sweep = |rotations: &[Rotation], f| (Operation::Sweep(rotations.to_vec()), f);
    let all = |matrix| -> Vec<Rotation> { (0..bits).map(|bit| one(bit, matrix)).collect() };
    let near: Vec<Rotation> = (4..8).map(|bit| one(bit, t)).collect();
    let far: Vec<Rotation> = (bits - 4..bits).map(|bit| one(bit, t)).collect();
    let lanes: Vec<Rotation> = (0..2).map(|bit| one(bit, t)).collect();
    let many: Vec<Rotation> =
        (0..8).flat_map(|_| [one(4, t), one(9, t), one(11, t), one(12, t)]).collect();

    let phases = |linear: f64, pairs: f64| {
        let pair = |a: usize, b: usize| (a, b, if pairs == 0.0 { 0.1 } else { pairs });
        let chain = (1..bits).map(|b| pair(b - 1, b));
        let linear = vec![linear; bits];
        Phases { constant: 0.3, linear, pairs: chain.collect() }
    };
    let mut dense = phases(0.3, 0.5);
    dense.pairs = (0..bits).flat_map(|b| (0..b).map(move |a| (a, b, 0.1))).collect();
    let mut single = phases(0.3, 0.5);
    single.pairs.clear();
    let row = |bit: usize| Phases {
        pairs: (0..bits).filter(|b| *b != bit).map(|b| (b, bit, 0.1)).collect(),
        ..Phases::default()
    };
    let sign = Phases {
        pairs: (1..bits).map(|b| (b - 1, b, std::f64::consts::PI)).collect(),
        ..Phases::default()
    };
    let mut chain = LinearMap::identity(bits);
    (3..bits).for_each(|bit| chain.cx(bit - 1, bit));
    let mut mixed = chain.clone();
    mixed.cx(0, bits - 1);
    mixed.swap(0, bits - 2);

    vec![
        ("sweep, nothing", sweep(&[Rotation::Scale(1.0)], 1.0)),
        ("sweep, tangent, 1 slot", sweep(&near[..1], 1.0)),
        ("sweep, tangent, 4 near slots", sweep(&near, 4.0)),
        ("sweep, tangent, 4 far slots", sweep(&far, 4.0)),
        ("sweep, tangent, 2 lanes", sweep(&lanes, 4.0)),
        ("sweep, 32 tangents on 4 slots", sweep(&many, 32.0)),
        ("sweep, tangent, all bits", sweep(&all(t), bits as f64)),
        ("sweep, cotangent, all bits", sweep(&all(c), bits as f64)),
        ("sweep, any matrix, all bits", sweep(&all(any), 2.0 * bits as f64)),
        ("sweep, slots 4,5 and 6,11", sweep(&[two(4, 5), two(6, 11)], 2.0)),
        ("sweep, slot and lane", sweep(&[two(1, 9)], 1.0)),
        ("phases, linear", (Operation::Phases(single), 5.0)),
        ("phases, chain", (Operation::Phases(phases(0.3, 0.5)), 5.0)),
        ("phases, dense", (Operation::Phases(dense), 7.0)),
        ("phases, row of a high bit", (Operation::Phases(row(bits - 2)), 2.5)),
        ("phases, row of bit 3", (Operation::Phases(row(3)), 2.5)),
        ("phases, cz chain", (Operation::Phases(sign), 1.0)),
        ("relabel, cx chain above lanes", (Operation::Relabel(chain), 0.0)),
        ("relabel, lanes too", (Operation::Relabel(mixed), 0.0)),
    ]
}

fn operation<T: Real>(
    kernels: Kernels,
    bits: usize,
    (operation, adds): &Measured,
    cycle: f64,
) -> Result<(), Failure> {
    let mut amplitudes = AlignedVec::<Complex<T>>::try_zeroed(1 << bits)?;
    let mut scratch = AlignedVec::<Complex<T>>::try_zeroed(1 << bits)?;
    let repeats = (1 << 19 >> bits).max(1);
    let mut best = f64::INFINITY;
    let mut tile = Tile { base: 0, amplitudes: &mut amplitudes, scratch: &mut scratch };
    let mut measure = |run: &mut dyn FnMut(&mut Tile<'_, T>)| {
        for _ in 0..RUNS {
            // Neither denormal nor overflowing numbers, which would take longer.
            tile.amplitudes.fill(Complex::new(T::narrow(1e-3), T::narrow(2e-3)));
            let start = Instant::now();
            for _ in 0..repeats {
                run(&mut tile);
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
    };
    match operation {
        Operation::Sweep(rotations) => {
            let sweep = Sweep::compile(kernels, rotations, bits);
            measure(&mut |tile| kernels.sweep(tile.amplitudes, &sweep));
        }
        Operation::Phases(phases) => {
            let pass = PhasePass::compile(kernels, phases, &TileBits::lowest(bits, bits));
            measure(&mut |tile| kernels.phases(tile.amplitudes, &pass, 0));
        }
        Operation::Relabel(map) => measure(&mut |tile| kernels.relabel(tile, map)),
    }
    let time = best * 1e9 / (repeats << bits) as f64;
    let bytes = match kernels.arch() {
        Arch::Avx512 => 64,
        Arch::Avx2 => 32,
        Arch::Portable => 16,
    };
    // Halves of a 512-bit vector go through ports of their own.
    let width = 64.0 / bytes.max(32) as f64;
    let rounds = match operation {
        Operation::Sweep(rotations) => Sweep::<T>::compile(kernels, rotations, bits).n_rounds(),
        _ => 1,
    };
    let of_vector = (adds / width).max(2.0 * rounds as f64 / width);
    let limit = of_vector * cycle * size_of::<Complex<T>>() as f64 / bytes as f64;
    print!("{time:>13.4}{:>6.0}%", 100.0 * limit / time);
    Ok(())
}

/// The length of a clock cycle in nanoseconds: each link of the chain is an integer
/// multiplication of three cycles and an exclusive or of one.
fn cycle() -> f64 {
    let (count, mut best, mut value) = (3_000_000_u64, f64::INFINITY, black_box(1_u64));
    for _ in 0..RUNS {
        let start = Instant::now();
        for step in 0..count {
            value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ step;
        }
        best = best.min(start.elapsed().as_secs_f64());
        value = black_box(value);
    }
    best * 1e9 / (4 * count) as f64
}

fn passes<T: Real>(real: &str, n: usize, bits: usize) -> Result<(), Failure> {
    let kernels = Kernels::detect();
    let mut state = AlignedVec::<Complex<T>>::try_zeroed(1 << n)?;
    state.fill(Complex::from(T::narrow(0.1)));
    let spread = |low: usize| -> Vec<usize> { (0..low).chain(n - (bits - low)..n).collect() };
    let mut turned = spread(6);
    turned[6..].reverse();
    let all = [
        ("contiguous", TileBits::lowest(n, bits)),
        ("lowest 10 and highest bits", TileBits::new(n, &spread(10))),
        ("lowest 6 and highest bits", TileBits::new(n, &spread(6))),
        ("lowest 4 and highest bits", TileBits::new(n, &spread(4))),
        ("lowest 6, permuted", TileBits::new(n, &spread(6)).with_scatter(&turned)),
    ];
    for (name, tiles) in all {
        print!("{name:<32}{real:<4}");
        for count in [1, Threads::new(0)?.count()] {
            let threads = Threads::new(count)?;
            let mut scratch = Scratch::try_new(&threads, bits)?;
            // The median time from tile to tile of a thread: what else runs on the machine
            // holds up some tiles, but not most.
            let starts = Mutex::new(Vec::new());
            for _ in 0..RUNS {
                kernels.for_tiles(&threads, &mut state, &tiles, &mut scratch, |tile| {
                    let start = (std::thread::current().id(), Instant::now());
                    starts.lock().expect("no thread panics").push(start);
                    // A contiguous tile is not copied: touch it.
                    if tiles.is_contiguous() {
                        let one = Complex::from(T::one());
                        tile.amplitudes.iter_mut().for_each(|amplitude| *amplitude += one);
                    }
                });
            }
            let mut last = HashMap::new();
            let mut times = Vec::new();
            for (thread, start) in starts.into_inner().expect("no thread panics") {
                let before = last.insert(thread, start);
                times.extend(before.map(|before| start.duration_since(before).as_secs_f64()));
            }
            times.sort_by(f64::total_cmp);
            let moved = (count * 2 * size_of::<Complex<T>>()) << bits;
            let median = times[times.len() / 2];
            print!("{:>14.1} with {count} threads", moved as f64 / median * 1e-9);
        }
        println!();
    }
    Ok(())
}
