//! Times `automatic` on wide circuits that cost little in disguise, 10,000 shots each: the shortest
//! and the median of many runs, planning and sampling included.
//!
//! `cargo run --release -p ketch-simulator --example wide`

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::{f64::consts::PI, hint::black_box, time::Instant};

use ketch_interface::Circuit;
use ketch_simulator::{Cancel, Options, choose, simulate};

fn ghz(n: u32) -> Circuit {
    (1..n).fold(Circuit::new(n, n).h(0), |circuit, i| circuit.cx(i - 1, i)).measure_all()
}

fn bernstein_vazirani(n: u32) -> Circuit {
    let walls = |circuit: Circuit| (0..n).fold(circuit, |circuit, i| circuit.h(i));
    let asked = walls(Circuit::new(n, n).x(n - 1));
    let secret = (0..n - 1).filter(|i| i * i % 7 < 4);
    walls(secret.fold(asked, |circuit, i| circuit.cx(i, n - 1))).measure_all()
}

fn w(n: u32) -> Circuit {
    let handed_on = (0..n - 1).fold(Circuit::new(n, n).x(0), |circuit, i| {
        let half = (1.0 / f64::from(n - i)).sqrt().acos();
        circuit.ry(half, i + 1).cx(i, i + 1).ry(-half, i + 1).cx(i, i + 1).cx(i + 1, i)
    });
    handed_on.measure_all()
}

/// Adds two registers of n/2 - 1 bits, the first in a superposition of 16 numbers.
fn adder(n: u32) -> Circuit {
    let bits = n / 2 - 1;
    let (a, b) = (|i: u32| 1 + 2 * i, |i: u32| 2 + 2 * i);
    let before = |i: u32| if i == 0 { 0 } else { a(i - 1) };
    let start = (0..4).fold(Circuit::new(n, n), |circuit, i| circuit.h(a(i)));
    let loaded = (0..bits).fold(start, |circuit, i| circuit.x(b(i)));
    let up = (0..bits).fold(loaded, |circuit, i| {
        circuit.cx(a(i), b(i)).cx(a(i), before(i)).ccx(before(i), b(i), a(i))
    });
    let down = (0..bits).rev().fold(up.cx(a(bits - 1), 2 * bits + 1), |circuit, i| {
        circuit.ccx(before(i), b(i), a(i)).cx(a(i), before(i)).cx(before(i), b(i))
    });
    down.measure_all()
}

fn apart(n: u32) -> Circuit {
    (0..n).fold(Circuit::new(n, n), |circuit, i| circuit.ry(0.1 * f64::from(i), i)).measure_all()
}

/// The quantum Fourier transform of a product state: nothing is cheap about it.
fn qft(n: u32) -> Circuit {
    let start = (0..n).fold(Circuit::new(n, n), |circuit, i| circuit.ry(0.3 + f64::from(i), i));
    let turned = (0..n).rev().fold(start, |circuit, i| {
        (0..i).rev().fold(circuit.h(i), |circuit, k| circuit.cp(PI / f64::from(1 << (i - k)), k, i))
    });
    turned.measure_all()
}

fn main() {
    let circuits = [
        ("ghz_24", ghz(24)),
        ("ghz_100", ghz(100)),
        ("bv_24", bernstein_vazirani(24)),
        ("bv_100", bernstein_vazirani(100)),
        ("w_24", w(24)),
        ("w_100", w(100)),
        ("adder_24", adder(24)),
        ("adder_100", adder(100)),
        ("apart_40", apart(40)),
        ("qft_18", qft(18)),
    ];
    println!("circuit    plan us   run us (median)  method: reason");
    for (name, circuit) in circuits {
        let options = Options { shots: 10_000, ..Options::default() };
        let mut plans = Vec::new();
        let mut runs = Vec::new();
        let begin = Instant::now();
        while runs.len() < 5 || begin.elapsed().as_secs_f64() < 0.5 && runs.len() < 1000 {
            let start = Instant::now();
            black_box(choose(&circuit, &options));
            plans.push(start.elapsed());
            let start = Instant::now();
            if let Err(error) = simulate(&circuit, &options, &Cancel::new()) {
                println!("{name}: {error}");
                break;
            }
            runs.push(start.elapsed());
        }
        plans.sort_unstable();
        runs.sort_unstable();
        let Some(shortest) = runs.first() else { continue };
        let (method, reason) = choose(&circuit, &options);
        println!(
            "{name:10} {:7.1} {:8.1} {:8.1}  {method}: {reason}",
            plans[0].as_secs_f64() * 1e6,
            shortest.as_secs_f64() * 1e6,
            runs[runs.len() / 2].as_secs_f64() * 1e6,
        );
    }
}
