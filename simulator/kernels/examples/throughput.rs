//! Prints the time per amplitude of the main kernels, by instruction set, precision,
//! threads and size. Arguments: the numbers of threads, 1 and all cores by default.
//!
//! `cargo run --release -p ketch-kernels --example throughput`

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::time::Instant;

use ketch_kernels::{AlignedVec, Arch, Controls, Kernels, Real, Threads};
use num_complex::Complex;

/// Each figure is the best of this many runs, after one that is not counted.
const RUNS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut counts: Vec<usize> = std::env::args().skip(1).flat_map(|arg| arg.parse()).collect();
    if counts.is_empty() {
        counts = vec![1, Threads::new(0)?.count()];
        counts.dedup();
    }
    println!("nanoseconds per amplitude of the state\n");
    print!("{:<22}", "arch, type, n, threads");
    for (name, _) in gates::<f64>(24) {
        print!("{name:>11}");
    }
    println!();
    for arch in Arch::ALL {
        let Some(kernels) = Kernels::for_arch(arch) else { continue };
        for n in [6, 8, 10, 14, 16, 20, 24] {
            for &count in &counts {
                let threads = Threads::new(count)?;
                row::<f64>("f64", kernels, n, &threads)?;
                row::<f32>("f32", kernels, n, &threads)?;
            }
        }
    }
    Ok(())
}

type Gate<T> = Box<dyn Fn(Kernels, &Threads, &mut [Complex<T>])>;

/// The gates of a row, none of which changes the size of the amplitudes much.
fn gates<T: Real>(n: usize) -> Vec<(&'static str, Gate<T>)> {
    let none = Controls::NONE;
    let h = Complex::from(T::narrow(0.5_f64.sqrt()));
    let hadamard = [[h, h], [h, -h]];
    let half = Complex::from(T::narrow(0.5));
    // The two-qubit gate of four Hadamard signs.
    let sign =
        |row: usize, column: usize| if (row & column).count_ones() % 2 == 1 { -half } else { half };
    let double: [[_; 4]; 4] =
        std::array::from_fn(|row| std::array::from_fn(|column| sign(row, column)));
    let phase = Complex::new(T::narrow(0.6), T::narrow(0.8));
    let one_qubit = move |qubit: usize| -> Gate<T> {
        Box::new(move |k, t, state| k.apply_1q(t, state, qubit, &hadamard, none))
    };
    let two_qubits = move |a: usize, b: usize| -> Gate<T> {
        Box::new(move |k, t, state| k.apply_2q(t, state, [a, b], &double, none))
    };
    // The gate of the Hadamard signs of more qubits, from `first` upwards.
    let many_qubits = move |count: usize, first: usize| -> Gate<T> {
        let scale = Complex::from(T::narrow((-(count as f64) / 2.0).exp2()));
        let entry = |at: usize| match (at >> count & at).count_ones() % 2 {
            0 => scale,
            _ => -scale,
        };
        let matrix: Vec<_> = (0..1 << (2 * count)).map(entry).collect();
        let qubits: Vec<usize> = (first..first + count).collect();
        Box::new(move |k, t, state| k.apply_matrix(t, state, &qubits, &matrix, none))
    };
    let (top, middle) = (n - 1, n / 2);
    vec![
        ("1q 0", one_qubit(0)),
        ("1q 2", one_qubit(2)),
        ("1q 5", one_qubit(5)),
        ("1q mid", one_qubit(middle)),
        ("1q top", one_qubit(top)),
        ("2q 0,1", two_qubits(0, 1)),
        ("2q 0,mid", two_qubits(0, middle)),
        ("2q mid,top", two_qubits(middle, top)),
        ("3q 0-2", many_qubits(3, 0)),
        ("3q top", many_qubits(3, n - 3)),
        ("4q 0-3", many_qubits(4, 0)),
        ("4q top", many_qubits(4, n - 4)),
        ("5q 0-4", many_qubits(5, 0)),
        ("5q top", many_qubits(5, n - 5)),
        (
            "rz mid",
            Box::new(move |k, t, state| {
                k.apply_diagonal_1q(t, state, middle, [phase.conj(), phase], none)
            }),
        ),
        (
            "cz",
            Box::new(move |k, t, state| {
                k.apply_phase(
                    t,
                    state,
                    -Complex::from(T::one()),
                    Controls::ones(1 << middle | 1 << top),
                )
            }),
        ),
        ("x top", Box::new(move |k, t, state| k.apply_x(t, state, top, none))),
        ("norm", Box::new(move |k, t, state| assert!(k.norm_sqr(t, state) > 0.5))),
    ]
}

fn row<T: Real>(
    name: &str,
    kernels: Kernels,
    n: usize,
    threads: &Threads,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut state = AlignedVec::<Complex<T>>::try_zeroed(1 << n)?;
    state.fill(Complex::from(T::narrow((-(n as f64) / 2.0).exp2())));
    print!("{:<22}", format!("{} {name} {n} {}", kernels.arch(), threads.count()));
    // Small states are measured many gates at a time.
    let repeats = (1 << 16 >> n).max(1);
    for (_, gate) in gates::<T>(n) {
        let mut best = f64::INFINITY;
        for _ in 0..=RUNS {
            let start = Instant::now();
            for _ in 0..repeats {
                gate(kernels, threads, &mut state);
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        print!("{:>11.3}", best * 1e9 / (repeats << n) as f64);
    }
    println!();
    Ok(())
}
