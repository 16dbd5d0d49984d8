//! A circuit on a sparse state, from lowering to outcome.

use super::{
    SparseProgram,
    lower::SparseLower,
    sample, save,
    state::{Limit, State},
};
use crate::{
    Error, Facts, Outcome, Precision, Saved, memory,
    program::lower,
    records::Budget,
    run::{self, Size},
    simulate::{Work, counted, layout},
};

/// Basis states that fit memory on any machine.
const SMALL: usize = 1 << 14;

/// Runs a circuit that was checked, as long as no more than `at_most` basis states have an
/// amplitude at a time, nor more than the memory holds.
///
/// Amplitudes are always in double precision: basis states take more room than they.
pub(crate) fn simulate(work: Work<'_>, mut facts: Facts, at_most: usize) -> Result<Outcome, Error> {
    let Work { threads, circuit, options, cancel } = work;
    let layout = layout(circuit, options);
    let n_places = layout.n_places();
    let engine = SparseLower::new(n_places, options.initial_state.is_none());
    let program: SparseProgram<'_> = lower(circuit, layout, true, engine)?;
    let measured = run::measured_last(&program);
    // Asking the system takes longer than a small circuit.
    let bytes = match options.max_memory {
        None if at_most <= SMALL => memory::SMALL as u64,
        max_memory => memory::allowance(max_memory),
    };
    let copies = if measured.is_ok() { 1 } else { 1 + threads.count() as u64 };
    let mut state = State::zero(n_places, Limit::new(n_places, bytes / copies, at_most, cancel));
    if let Some(initial) = &options.initial_state {
        state.set(initial)?;
    }
    facts.precision = Precision::Double;
    facts.n_qubits = n_places as u32;
    facts.n_gates = program.n_gates;
    facts.n_passes = program.n_passes();
    facts.sampled = measured.is_ok();
    let budget = Budget::new(options.max_memory);
    let run = run::Run { program: &program, cancel, budget: &budget };
    let ran = match &measured {
        Ok(measured) => sample::sampled(&run, state, measured, options)?,
        Err(reason) => {
            facts.notes.push(run::note(&program, options, reason));
            run::shots(&run, state, threads, options, Size::Growing(bytes / copies))?
        }
    };
    facts.bytes = ran.state.bytes();
    let (mut data, snapshots) = ran.records.finish();
    if options.final_state {
        let vector = Saved::Vector(save::dense(&ran.state));
        data.entry("statevector".to_owned()).or_insert(vector);
        if measured.is_ok_and(|measured| !measured.bits.is_empty()) {
            facts.notes.push("the state is the one before the measurements at the end".to_owned());
        }
    }
    let (counts, memory) = counted(circuit, ran.outcomes);
    Ok(Outcome { counts, memory, data, snapshots, facts })
}
