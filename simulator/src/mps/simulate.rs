//! A circuit on a matrix product state, from lowering to outcome.

use super::{MpsProgram, chain::Chain, lower::MpsLower, register::State, sample, save};
use crate::{
    Error, Facts, Outcome, Precision, memory,
    program::lower,
    records::Budget,
    run::{self, Size},
    simulate::{Work, counted, layout},
};

/// Runs a circuit that was checked. Tensors are always in double precision.
pub(crate) fn simulate(work: Work<'_>, mut facts: Facts) -> Result<Outcome, Error> {
    let Work { threads, circuit, options, cancel } = work;
    let layout = layout(circuit, options);
    let n_places = layout.n_places();
    let engine = MpsLower::new(n_places, options.initial_state.is_none());
    let program: MpsProgram<'_> = lower(circuit, layout, true, engine)?;
    let measured = run::measured_last(&program);
    // Shots that are run side by side share the memory.
    let copies = if measured.is_ok() { 1 } else { 1 + threads.count() as u64 };
    let max_bytes = memory::allowance(options.max_memory) / copies;
    let mut state =
        State::new(Chain::new(n_places, options.truncation, max_bytes, cancel.clone()), threads);
    if let Some(initial) = &options.initial_state {
        state.set_amplitudes(initial)?;
    }
    facts.precision = Precision::Double;
    facts.n_qubits = n_places as u32;
    facts.n_gates = program.n_gates;
    facts.n_passes = program.n_passes();
    facts.sampled = measured.is_ok();
    let budget = Budget::new(options.max_memory);
    let run = run::Run { program: &program, cancel, budget: &budget };
    let mut ran = match &measured {
        Ok(measured) => sample::sampled(&run, state, measured, options)?,
        Err(reason) => {
            facts.notes.push(run::note(&program, options, reason));
            run::shots(&run, state, threads, options, Size::Growing(max_bytes))?
        }
    };
    facts.bytes = ran.state.chain().bytes();
    let record = ran.state.record();
    facts.bond_dimension = Some(record.largest_bond);
    facts.discarded_weight = Some(record.discarded);
    let (mut data, snapshots) = ran.records.finish();
    if options.final_state {
        data.entry("statevector".to_owned()).or_insert(save::vector(&mut ran.state)?);
        if measured.is_ok_and(|measured| !measured.bits.is_empty()) {
            facts.notes.push("the state is the one before the measurements at the end".to_owned());
        }
    }
    let (counts, memory) = counted(circuit, ran.outcomes);
    Ok(Outcome { counts, memory, data, snapshots, facts })
}
