//! From circuit to outcome.

use std::borrow::Cow;

use ketch_interface::{
    Array, Complex64, Counts,
    circuit::{Circuit, Op, Param, SaveKind},
    result::Memory,
};
use ketch_kernels::{Kernels, Threads};

use crate::{
    Cancel, Error, Facts, Method, Options, Outcome, Precision,
    check::{check, check_amplitudes},
    dense, density, memory, mps,
    plan::{Part, combined, plan, seed_of, summary},
    program::{Layout, sees_clbits},
    progress::Unit,
    run::Outcomes,
    sparse, stabilizer, stage,
};

/// Qubits below which one gate is too little work for several threads.
const THREADED_FROM: usize = 16;

/// Qubits below which a stabilizer circuit is done before threads have started.
const SERIAL_STABILIZERS: u32 = 64;

/// Runs a circuit. Blocks until it is done or cancelled.
///
/// Parameters must be [bound](Circuit::bind). The outcome depends on the circuit, the seed, the
/// method and the precision only, never on the number of threads.
///
/// # Errors
/// Everything that [`check`](crate::check) finds; [`Error::InsufficientMemory`] before any is
/// taken; [`Error::Cancelled`]; values of expressions that only show while the circuit runs.
pub fn simulate(circuit: &Circuit, options: &Options, cancel: &Cancel) -> Result<Outcome, Error> {
    cancel.poll()?;
    if let Some(outcome) = dense::small::run(circuit, &[], options, cancel)? {
        return Ok(outcome);
    }
    let parts = planned(circuit, options)?;
    let is_small = |part: &Part<'_>| {
        let small = match part.method {
            Method::Sparse => true,
            Method::Stabilizer => part.circuit.n_qubits() < SERIAL_STABILIZERS,
            method => state_places(&part.circuit, method, options) < THREADED_FROM,
        };
        small && !is_shot_by_shot(&part.circuit, part.method, options)
    };
    let threads = match parts.iter().all(is_small) {
        true => Threads::serial(),
        false => Threads::new(options.threads)?,
    };
    run_planned(&threads, circuit, &parts, options, cancel)
}

/// As [`simulate`], on threads that the caller keeps; `options.threads` is not looked at.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_on(
    threads: &Threads,
    circuit: &Circuit,
    options: &Options,
    cancel: &Cancel,
) -> Result<Outcome, Error> {
    simulate_bound(threads, circuit, &[], options, cancel)
}

/// As [`simulate_on`], of a circuit with these numbers for its parameters, in the order of
/// [`Circuit::parameters`]: thousands of bindings of a small circuit take no copies of it.
///
/// # Errors
/// As [`simulate`]; also [`Error::Bind`] for more or fewer numbers than parameters.
pub fn simulate_bound(
    threads: &Threads,
    circuit: &Circuit,
    bindings: &[f64],
    options: &Options,
    cancel: &Cancel,
) -> Result<Outcome, Error> {
    // Before the check, which takes its time: of a cancelled job, thousands may be left to come.
    cancel.poll()?;
    if let Some(outcome) = dense::small::run(circuit, bindings, options, cancel)? {
        return Ok(outcome);
    }
    if !bindings.is_empty() {
        circuit.validate()?;
        let bound = circuit.bind(bindings)?;
        return simulate_on(threads, &bound, options, cancel);
    }
    run_generally(threads, circuit, options, cancel)
}

/// As [`simulate_on`], without the short way for small circuits.
pub(crate) fn run_generally(
    threads: &Threads,
    circuit: &Circuit,
    options: &Options,
    cancel: &Cancel,
) -> Result<Outcome, Error> {
    let parts = planned(circuit, options)?;
    run_planned(threads, circuit, &parts, options, cancel)
}

/// What a circuit takes that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The qubits of the largest state that is held in full; 0 if none is.
    pub qubits: u32,
    /// The bytes it takes at most, as far as that is known before it runs; see [`memory_needed`].
    pub bytes: u128,
}

/// Checks that a circuit can be run with these options, and says what it takes on `threads`
/// threads. Memory is not looked at.
///
/// # Errors
/// As [`check`](crate::check) with the methods that [`choose`](crate::choose) chooses.
pub fn size(circuit: &Circuit, options: &Options, threads: usize) -> Result<Size, Error> {
    let parts = planned(circuit, options)?;
    let dense = parts.iter().filter(|part| part.method.is_dense());
    let qubits = dense.map(|part| n_qubits(&part.circuit, part.method, options)).max();
    Ok(Size { qubits: qubits.unwrap_or(0), bytes: bytes(circuit, &parts, options, threads) })
}

/// The plan of a circuit that can be run by it.
fn planned<'c>(circuit: &'c Circuit, options: &Options) -> Result<Vec<Part<'c>>, Error> {
    let parts = plan(circuit, options);
    for part in &parts {
        check(&part.circuit, part.method)?;
    }
    if !matches!(parts[..], [Part { circuit: Cow::Borrowed(_), .. }]) {
        // What was left out must make sense too.
        check(circuit, Method::Statevector)?;
    }
    Ok(parts)
}

fn run_planned(
    threads: &Threads,
    circuit: &Circuit,
    parts: &[Part<'_>],
    options: &Options,
    cancel: &Cancel,
) -> Result<Outcome, Error> {
    cancel.poll()?;
    if let [part] = parts {
        return run_part(threads, part, options, cancel);
    }
    require_memory(circuit, parts, options, threads.count())?;
    cancel.expects(Unit::Passes, parts.len() as u64);
    let quiet = cancel.quiet();
    let outcomes = parts.iter().enumerate().map(|(number, part)| {
        let options =
            Options { seed: seed_of(number, options.seed), memory: true, ..options.clone() };
        let outcome = run_part(threads, part, &options, &quiet);
        cancel.did(Unit::Passes, 1);
        outcome
    });
    let outcomes = outcomes.collect::<Result<Vec<_>, _>>()?;
    Ok(combined(circuit, options, summary(parts), outcomes))
}

fn run_part(
    threads: &Threads,
    part: &Part<'_>,
    options: &Options,
    cancel: &Cancel,
) -> Result<Outcome, Error> {
    let Part { circuit, method, reason } = part;
    let (circuit, method, reason) = (&**circuit, *method, *reason);
    if let Some(initial) = &options.initial_state {
        check_initial(circuit, method, initial)?;
    }
    require_memory(circuit, std::slice::from_ref(part), options, threads.count())?;
    let facts = Facts {
        method,
        reason,
        precision: options.precision,
        threads: threads.count(),
        instruction_set: Kernels::detect().arch().to_string(),
        ..Facts::default()
    };
    let work = Work { threads, circuit, options, cancel };
    match (method, options.precision) {
        (Method::Sparse, _) => sparse::simulate(work, facts, usize::MAX),
        (Method::Stabilizer, _) => stabilizer::simulate(work, facts),
        (Method::MatrixProductState, _) => mps::simulate(work, facts),
        (Method::DensityMatrix | Method::Superop, Precision::Double) => {
            density::simulate::<f64>(work, method, facts)
        }
        (Method::DensityMatrix | Method::Superop, Precision::Single) => {
            density::simulate::<f32>(work, method, facts)
        }
        (_, Precision::Double) => dense::simulate::<f64>(work, method, facts),
        (_, Precision::Single) => dense::simulate::<f32>(work, method, facts),
    }
}

/// The bytes that running a circuit takes at most, as far as that is known before it runs:
/// states, and the largest value that it saves.
///
/// # Panics
/// If the circuit is not valid; see [`check`](crate::check).
#[must_use]
pub fn memory_needed(circuit: &Circuit, options: &Options, threads: usize) -> u128 {
    bytes(circuit, &plan(circuit, options), options, threads)
}

/// The bytes that a plan takes: that of the largest part, and the clbits of all parts.
fn bytes(circuit: &Circuit, parts: &[Part<'_>], options: &Options, threads: usize) -> u128 {
    let largest = parts.iter().map(|part| part_bytes(part, options, threads)).max();
    let joined = match parts.len() {
        1 => 0,
        _ => {
            let stride = Memory::stride_of(circuit.n_clbits()) as u128;
            // The clbits of all shots in one part, and those of the parts before.
            2 * u128::from(options.shots) * stride * parts.len() as u128
        }
    };
    largest.unwrap_or(0) + joined
}

fn part_bytes(part: &Part<'_>, options: &Options, threads: usize) -> u128 {
    let (circuit, method) = (&*part.circuit, part.method);
    if method == Method::Stabilizer {
        return stabilizer::memory_needed(circuit, options, threads);
    }
    let places = state_places(circuit, method, options);
    let number = match (options.precision.amplitude_bytes(), method.is_real()) {
        (bytes, true) => bytes / 2,
        (bytes, false) => bytes,
    };
    let state = match method.is_dense() {
        true => memory::power_of_two_bytes(places as u64, number),
        // It grows as it must, and is refused when it has grown too large.
        false => 0,
    };
    let tiles = match method {
        Method::Statevector | Method::Unitary => stage::scratch_bytes(places, threads),
        _ => 0,
    };
    let once = !has_outcomes(method) || options.shots <= 1;
    let copies = match once || !is_shot_by_shot(circuit, method, options) {
        true => 1,
        false if places < dense::THREADED_SHOT => 2 + threads as u128,
        false => 3 + u128::from(dense::states_at_the_end(circuit, method, options)),
    };
    let largest_saved = circuit.instructions().filter_map(|instruction| match instruction.op {
        Op::Save(save) => {
            let n = instruction.qubits.len() as u64;
            Some(match save.kind {
                SaveKind::DensityMatrix => memory::power_of_two_bytes(2 * n, 16),
                SaveKind::ProbabilitiesDict if !method.is_dense() => 0,
                SaveKind::Probabilities | SaveKind::ProbabilitiesDict => {
                    memory::power_of_two_bytes(n, 8)
                }
                SaveKind::State if !method.is_dense() => 0,
                SaveKind::State | SaveKind::Statevector | SaveKind::Unitary | SaveKind::Superop => {
                    memory::power_of_two_bytes(places as u64, 16)
                }
                _ => 0,
            })
        }
        Op::SetState(_) if method == Method::Superop => {
            Some(memory::power_of_two_bytes(places as u64, 16))
        }
        // A gate on many qubits is applied to matrices of their states.
        Op::Gate(_) | Op::Unitary(_) | Op::Diagonal(_) | Op::Multiplexer(_) if method.is_real() => {
            Some(memory::power_of_two_bytes(2 * instruction.qubits.len() as u64, 16))
        }
        Op::Snapshot(snapshot) => {
            let n = match instruction.qubits.len() as u64 {
                0 => u64::from(circuit.n_qubits()),
                given => given,
            };
            Some(match snapshot.kind.as_str() {
                "density_matrix" => memory::power_of_two_bytes(2 * n, 16),
                "probabilities" if !method.is_dense() => 0,
                "probabilities" => memory::power_of_two_bytes(n, 8),
                "" | "statevector" | "state" | "unitary" | "superop" => {
                    memory::power_of_two_bytes(places as u64, 16)
                }
                _ => 0,
            })
        }
        _ => None,
    });
    let widened = match (options.final_state, options.precision) {
        (true, Precision::Double) if method.is_dense() && !method.is_real() => 0,
        (true, _) => memory::power_of_two_bytes(places as u64, 16),
        _ => 0,
    };
    (state + tiles) * copies
        + largest_saved.max().unwrap_or(0).max(widened)
        + outcome_bytes(circuit, options)
}

/// The bytes that counts and the memory of the shots take at most: as many different outcomes as
/// there are shots or patterns of clbits, twice, for blocks of shots are counted on their own first.
pub(crate) fn outcome_bytes(circuit: &Circuit, options: &Options) -> u128 {
    /// What the tables of counts take for an outcome beside its bits.
    const ENTRY: u128 = 64;
    if circuit.n_clbits() == 0 {
        return 0;
    }
    let shots = u128::from(options.shots);
    let stride = Memory::stride_of(circuit.n_clbits()) as u128;
    let patterns = 1_u128.checked_shl(circuit.n_clbits()).unwrap_or(u128::MAX);
    let memory = if options.memory { shots * stride } else { 0 };
    2 * shots.min(patterns) * (stride + ENTRY) + memory
}

/// The qubits that will be simulated at a time: all, or those that are not idle, or those of the
/// largest part that nothing joins to the others.
///
/// # Panics
/// As [`memory_needed`].
#[must_use]
pub fn qubits_needed(circuit: &Circuit, options: &Options) -> u32 {
    let parts = plan(circuit, options);
    parts.iter().map(|part| n_qubits(&part.circuit, part.method, options)).max().unwrap_or(0)
}

fn n_qubits(circuit: &Circuit, method: Method, options: &Options) -> u32 {
    match method {
        method if !has_outcomes(method) => circuit.n_qubits(),
        _ => layout(circuit, options).n_places() as u32,
    }
}

fn require_memory(
    circuit: &Circuit,
    parts: &[Part<'_>],
    options: &Options,
    threads: usize,
) -> Result<(), Error> {
    let (method, _) = summary(parts);
    let n_qubits = circuit.n_qubits();
    let what = || match method {
        Method::Unitary => format!("the unitary of {n_qubits} qubits"),
        Method::DensityMatrix => format!("the density matrix of {n_qubits} qubits"),
        Method::Superop => format!("the superoperator of {n_qubits} qubits"),
        _ => format!("a circuit of {n_qubits} qubits"),
    };
    let advice = match (method, options.precision) {
        (Method::Superop, _) => "the density_matrix method, or fewer qubits",
        (Method::Unitary | Method::DensityMatrix, _) => "the statevector method, or fewer qubits",
        (Method::Statevector, Precision::Double) => {
            "single precision, the stabilizer method for Clifford gates, the matrix_product_state \
             method for little entanglement, or fewer qubits"
        }
        (Method::Statevector, Precision::Single) => {
            "the stabilizer method for Clifford gates, the matrix_product_state method for little \
             entanglement, or fewer qubits"
        }
        _ => "fewer qubits, or fewer shots",
    };
    let needed = bytes(circuit, parts, options, threads);
    if options.max_memory.is_none() && needed <= memory::SMALL {
        return Ok(());
    }
    memory::require(what, needed, memory::allowance(options.max_memory), advice)
}

/// The number of index bits that the state will have.
fn state_places(circuit: &Circuit, method: Method, options: &Options) -> usize {
    match method {
        Method::Unitary => 2 * circuit.n_qubits() as usize,
        Method::Superop => 4 * circuit.n_qubits() as usize,
        Method::DensityMatrix => 2 * layout(circuit, options).n_places(),
        _ => layout(circuit, options).n_places(),
    }
}

/// Circuits have outcomes, shot by shot, rather than one operator.
const fn has_outcomes(method: Method) -> bool {
    !matches!(method, Method::Unitary | Method::Superop)
}

pub(crate) fn layout(circuit: &Circuit, options: &Options) -> Layout {
    let whole = options.final_state || options.initial_state.is_some() || !options.truncate;
    if whole { Layout::all(circuit.n_qubits()) } else { Layout::active(circuit) }
}

/// A guess from above: the circuit may need each shot run.
fn is_shot_by_shot(circuit: &Circuit, method: Method, options: &Options) -> bool {
    let exact = method == Method::DensityMatrix;
    let n_qubits = circuit.n_qubits() as usize;
    let mut measured = vec![false; n_qubits];
    let mut touched = vec![options.initial_state.is_some(); n_qubits];
    let mut any_measured = false;
    for instruction in circuit.instructions() {
        let qubits = || instruction.qubits.iter().map(|qubit| qubit.0 as usize);
        let random = match instruction.op {
            Op::Barrier | Op::Delay(_) => continue,
            Op::Measure => {
                any_measured = true;
                qubits().for_each(|qubit| measured[qubit] = true);
                false
            }
            Op::Gate(_) | Op::Unitary(_) | Op::Diagonal(_) | Op::Multiplexer(_) | Op::Pauli(_) => {
                let is_late = |param: &Param| matches!(param, Param::Expr(_));
                let late = any_measured && instruction.params.iter().any(is_late);
                late || qubits().any(|qubit| measured[qubit])
            }
            Op::Initialize(_) | Op::Reset | Op::Kraus(_) | Op::Superop(_) if exact => {
                qubits().any(|qubit| measured[qubit])
            }
            Op::ReadoutError(_) => false,
            Op::Initialize(_) | Op::Reset => qubits().any(|qubit| touched[qubit]),
            Op::Save(_) | Op::Snapshot(_) => any_measured || sees_clbits(instruction.op),
            Op::SetState(_) => any_measured,
            _ => true,
        };
        if random {
            return true;
        }
        qubits().for_each(|qubit| touched[qubit] = true);
    }
    false
}

fn check_initial(
    circuit: &Circuit,
    method: Method,
    initial: &Array<Complex64>,
) -> Result<(), Error> {
    let checked = match method {
        Method::Unitary => Err("the unitary method starts from the identity".to_owned()),
        Method::Superop => Err("the superop method starts from the identity".to_owned()),
        Method::Stabilizer => Err("the stabilizer method starts from |0…0>".to_owned()),
        _ => check_amplitudes(initial, circuit.n_qubits() as usize),
    };
    let instruction = "initial state".to_owned();
    checked.map_err(|reason| Error::BadValue { instruction, reason })
}

/// What a run is given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'w> {
    pub(crate) threads: &'w Threads,
    pub(crate) circuit: &'w Circuit,
    pub(crate) options: &'w Options,
    pub(crate) cancel: &'w Cancel,
}

/// What shots had in their clbits: counts, and their memory if it was asked for. `None` if the
/// circuit never writes a clbit.
pub(crate) fn counted(circuit: &Circuit, outcomes: Outcomes) -> (Option<Counts>, Option<Memory>) {
    if circuit.n_clbits() == 0 || !circuit.instructions().any(|i| i.op.writes_clbits()) {
        return (None, None);
    }
    let (counts, memory) = outcomes.finish(circuit.cregs());
    (Some(counts), memory)
}
