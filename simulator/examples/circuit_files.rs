//! Times circuits in OpenQASM 2 files, from |0...0> to the final state:
//! `cargo run --release -p ketch-simulator --example circuit_files -- THREADS double|single FILE...`.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::{
    env,
    path::Path,
    time::{Duration, Instant},
};

use ketch_simulator::{Cancel, Method, Options, Precision, Threads, simulate_on};

/// Each circuit is run for this long, and at least three times.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [threads, precision, files @ ..] = &words[..] else {
        return Err("expected the number of threads, the precision and files".into());
    };
    let precision = match precision.as_str() {
        "double" => Precision::Double,
        "single" => Precision::Single,
        other => return Err(format!("expected `double` or `single`, found `{other}`").into()),
    };
    let threads = Threads::new(threads.parse()?)?;
    for file in files {
        let circuit = ketch_qasm::load(file)?;
        let options =
            Options { method: Method::Statevector, precision, shots: 1, ..Options::default() };
        let (mut least, started, mut runs) = (Duration::MAX, Instant::now(), 0);
        let facts = loop {
            let begun = Instant::now();
            let outcome = simulate_on(&threads, &circuit, &options, &Cancel::new())?;
            least = least.min(begun.elapsed());
            runs += 1;
            if runs >= 3 && started.elapsed() > LONG_ENOUGH {
                break outcome.facts;
            }
        };
        let name = Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
        println!(
            "{name:12} {:6} gates {:4} passes {:10.3} ms (least of {runs}, {}, {})",
            facts.n_gates,
            facts.n_passes,
            least.as_secs_f64() * 1e3,
            precision.name(),
            facts.instruction_set,
        );
    }
    Ok(())
}
