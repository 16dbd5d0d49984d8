//! A circuit on a density matrix or as a superoperator, from lowering to outcome.

use ketch_kernels::Real;

use super::{
    DensityProgram, lower::DensityLower, n_passes, plan::Bits, sample, save, state::PauliState,
};
use crate::{
    Error, Facts, Method, Options, Outcome,
    program::{Layout, lower},
    records::Budget,
    run::{self, Measured, Run, Size},
    simulate::{Work, counted, layout},
};

/// Runs a circuit that was checked, on a state for which there is memory.
pub(crate) fn simulate<T: Real>(
    work: Work<'_>,
    method: Method,
    mut facts: Facts,
) -> Result<Outcome, Error> {
    let Work { threads, circuit, options, cancel } = work;
    let superop = method == Method::Superop;
    let layout = if superop { Layout::all(circuit.n_qubits()) } else { layout(circuit, options) };
    let n_places = layout.n_places();
    let n_bits = if superop { 4 * n_places } else { 2 * n_places };
    let from_zero = !superop && options.initial_state.is_none();
    let engine = DensityLower::new(Bits { n_places, n_bits }, from_zero);
    let program: DensityProgram<'_, T> = lower(circuit, layout, !superop, engine)?;
    let mut state = match superop {
        true => PauliState::<T>::identity(n_places, threads, cancel)?,
        false => PauliState::zero(n_places, threads, cancel)?,
    };
    if let Some(initial) = &options.initial_state {
        state.set_pure(initial);
    }
    facts.n_qubits = n_places as u32;
    facts.bytes = state.bytes();
    facts.n_gates = program.n_gates;
    facts.n_passes = n_passes(&program);
    let budget = Budget::new(options.max_memory);
    let run = Run { program: &program, cancel, budget: &budget };
    let once = Options { shots: 1, memory: false, ..options.clone() };
    let measured = run::measured_last(&program);
    facts.sampled = measured.is_ok();
    let ran = match (&measured, superop) {
        (_, true) => sample::sampled(&run, state, &Measured::default(), &once)?,
        (Ok(measured), _) => sample::sampled(&run, state, measured, options)?,
        (Err(_), _) => run::shots(&run, state, threads, options, Size::Fixed(facts.bytes))?,
    };
    if program.n_left_out > 0 {
        let note = "the measurements at the end were left out of the superoperator";
        facts.notes.push(note.to_owned());
    }
    match &measured {
        Ok(measured) if options.final_state && !measured.bits.is_empty() => {
            let note = "the state is the one before the measurements at the end";
            facts.notes.push(note.to_owned());
        }
        Err(reason) if !superop => {
            facts.notes.push(format!("shots were not drawn from one state: {reason}"));
        }
        _ => {}
    }
    let (mut data, snapshots) = ran.records.finish();
    if options.final_state {
        let key = if superop { "superop" } else { "density_matrix" };
        data.entry(key.to_owned()).or_insert(save::whole(&ran.state)?);
    }
    let (counts, memory) = if superop { (None, None) } else { counted(circuit, ran.outcomes) };
    Ok(Outcome { counts, memory, data, snapshots, facts })
}
