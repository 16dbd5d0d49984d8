//! `cargo run --release -p ketch-qasm --example parse_speed -- FILE` measures how fast a file is
//! parsed: the median of several readings, from the file to the circuit.
//!
//! Prints the seconds, and to the error stream how many megabytes a second that is.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]

use std::{hint::black_box, process::ExitCode, time::Instant};

const READINGS: usize = 11;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: parse_speed FILE");
        return ExitCode::from(2);
    };
    let mut seconds = Vec::new();
    let mut n_instructions = 0;
    for _ in 0..READINGS {
        let start = Instant::now();
        match ketch_qasm::load(&path) {
            Ok(circuit) => n_instructions = black_box(&circuit).len(),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds[READINGS / 2];
    let megabytes = std::fs::metadata(&path).map_or(0, |file| file.len()) as f64 / 1e6;
    println!("{median}");
    eprintln!("{:.1} MB/s, {n_instructions} instructions", megabytes / median);
    ExitCode::SUCCESS
}
