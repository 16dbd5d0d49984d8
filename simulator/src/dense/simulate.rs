//! A circuit on a dense state, from lowering to outcome.

use ketch_interface::circuit::{Circuit, Op};
use ketch_kernels::Real;

use super::{DenseProgram, State, deferred::Deferred, lower::DenseLower, sample, trajectories};
use crate::{
    Error, Facts, Method, Options, Outcome, Saved,
    noise::Channels,
    program::{Layout, lower},
    records::Budget,
    run::{self, Measured, Ran, Register, Run, Size},
    simulate::{Work, counted, layout},
    stage::Plan,
};

/// Runs a circuit that was checked, on a state for which there is memory.
pub(crate) fn simulate<T: Real>(
    work: Work<'_>,
    method: Method,
    mut facts: Facts,
) -> Result<Outcome, Error> {
    let Work { threads, circuit, options, cancel } = work;
    let n_qubits = circuit.n_qubits();
    let unitary = method == Method::Unitary;
    let layout = if unitary { Layout::rows(n_qubits) } else { layout(circuit, options) };
    let n_places = layout.n_places();
    if may_be_drawn_ahead(circuit, method, options)
        && let Some(outcome) = drawn_ahead::<T>(work, &layout, &facts)?
    {
        return Ok(outcome);
    }
    let program: DenseProgram<'_, T> = lowered(work, method, layout)?;
    let mut state = match method {
        Method::Unitary => State::<T>::identity(n_qubits as usize, threads, cancel)?,
        _ => State::zero(n_places, threads)?,
    };
    if let Some(initial) = &options.initial_state {
        state.set(initial);
    }
    facts.n_qubits = if unitary { n_qubits } else { n_places as u32 };
    facts.bytes = options.precision.amplitude_bytes() * state.amplitudes().len() as u64;
    facts.n_gates = program.n_gates;
    facts.n_passes = program.n_passes();
    let budget = Budget::new(options.max_memory);
    let run = Run { program: &program, cancel, budget: &budget };
    let once = Options { shots: 1, memory: false, ..options.clone() };
    let measured = run::measured_last(&program);
    facts.sampled = measured.is_ok();
    let ran = match (&measured, unitary) {
        (_, true) => sample::sampled(&run, state, &Measured::default(), &once)?,
        (Ok(measured), _) => sample::sampled(&run, state, measured, options)?,
        (Err(_), _) => {
            let (size, deferred) = (Size::Fixed(facts.bytes), Deferred::new(state, cancel));
            let Ran { state, outcomes, records } =
                run::shots(&run, deferred, threads, options, size)?;
            Ran { state: state.into_state()?, outcomes, records }
        }
    };
    facts.notes = notes(&program, &measured, method, options);
    finish(work, method, ran, facts)
}

pub(super) fn lowered<T: Real>(
    work: Work<'_>,
    method: Method,
    layout: Layout,
) -> Result<DenseProgram<'_, T>, Error> {
    let n_places = layout.n_places();
    let unitary = method == Method::Unitary;
    let from_zero = !unitary && work.options.initial_state.is_none();
    let plan = Plan { n_places, alone: false, cancel: work.cancel.clone() };
    // With noise, it depends on the shot which gates stand together.
    let plan = Some(plan).filter(|plan| !is_noisy(work.circuit) && plan.pays());
    let engine = DenseLower::new(n_places, work.options.final_state, from_zero, plan);
    lower(work.circuit, layout, !unitary, engine)
}

/// Whether all that is random may turn out to be noise whose choices do not depend on the state.
fn may_be_drawn_ahead(circuit: &Circuit, method: Method, options: &Options) -> bool {
    let plain = |op: &Op| op.blocks().next().is_none() && !matches!(op, Op::Save(_) | Op::Reset);
    let shared = options.shots > 1 && !options.final_state;
    method == Method::Statevector
        && shared
        && is_noisy(circuit)
        && circuit.instructions().all(|i| plain(i.op))
}

/// How many states a walk through shots with noise may take beside those that it keeps, where a
/// shot with a state to itself is read part by part: what is left of the state, half and a quarter
/// and so on, and a copy, for shots that part where they have to look at it.
pub(crate) fn states_at_the_end(circuit: &Circuit, method: Method, options: &Options) -> u64 {
    if !may_be_drawn_ahead(circuit, method, options) {
        return 0;
    }
    let mut channels = Channels::default();
    let mut looks = |op: &Op| {
        // One that is none is refused elsewhere.
        let is_noise = matches!(op, Op::Kraus(_) | Op::Superop(_));
        is_noise && channels.of(op).is_ok_and(|apart| apart.split.is_some())
    };
    match circuit.instructions().any(|i| looks(i.op)) {
        true => 2,
        false => 1,
    }
}

/// Shots of a circuit whose noise is drawn before it runs; `None` if that depends on the state.
fn drawn_ahead<T: Real>(
    work: Work<'_>,
    layout: &Layout,
    facts: &Facts,
) -> Result<Option<Outcome>, Error> {
    let Work { threads, options, .. } = work;
    // In double precision, for gates have to be unitary to be taken apart.
    let program: DenseProgram<'_, f64> = lowered(work, Method::Statevector, layout.clone())?;
    let Ok(measured) = run::measured_behind_noise(&program) else { return Ok(None) };
    let mut start = State::<T>::zero(layout.n_places(), threads)?;
    let plan = Plan {
        n_places: layout.n_places(),
        alone: start.shots_side_by_side(),
        cancel: work.cancel.clone(),
    };
    let Some(circuit) = trajectories::Circuit::of(&program, &plan)? else { return Ok(None) };
    if let Some(initial) = &options.initial_state {
        start.set(initial);
    }
    let ran = trajectories::run(work, &circuit, plan, &measured, &start)?;
    let not_one_state = run::measured_last(&program);
    let facts = Facts {
        n_qubits: layout.n_places() as u32,
        bytes: options.precision.amplitude_bytes() * start.amplitudes().len() as u64,
        n_gates: program.n_gates,
        n_passes: ran.n_passes,
        notes: notes(&program, &not_one_state, Method::Statevector, options),
        ..facts.clone()
    };
    let (counts, memory) = counted(work.circuit, ran.outcomes);
    Ok(Some(Outcome { counts, memory, facts, ..Outcome::default() }))
}

fn is_noisy(circuit: &Circuit) -> bool {
    circuit.instructions().any(|i| matches!(i.op, Op::Kraus(_) | Op::Superop(_)))
}

fn notes<T>(
    program: &DenseProgram<'_, T>,
    measured: &Result<Measured<'_>, &'static str>,
    method: Method,
    options: &Options,
) -> Vec<String> {
    let mut notes = Vec::new();
    if program.n_left_out > 0 {
        notes.push("the measurements at the end were left out of the unitary".to_owned());
    }
    match measured {
        Ok(measured) if options.final_state && !measured.bits.is_empty() => {
            notes.push("the state is the one before the measurements at the end".to_owned());
        }
        Err(reason) if method != Method::Unitary => {
            notes.push(format!("shots were not drawn from one state: {reason}"));
        }
        _ => {}
    }
    notes
}

fn finish<T: Real>(
    work: Work<'_>,
    method: Method,
    ran: Ran<State<'_, T>>,
    facts: Facts,
) -> Result<Outcome, Error> {
    let Work { circuit, options, .. } = work;
    let Ran { state, outcomes, records } = ran;
    let (mut data, snapshots) = records.finish();
    if options.final_state {
        let entries = state.into_array()?;
        let (key, value) = match method {
            Method::Unitary => ("unitary", Saved::Matrix { dim: 1 << circuit.n_qubits(), entries }),
            _ => ("statevector", Saved::Vector(entries)),
        };
        data.entry(key.to_owned()).or_insert(value);
    }
    let (counts, memory) = match method {
        Method::Unitary => (None, None),
        _ => counted(circuit, outcomes),
    };
    Ok(Outcome { counts, memory, data, snapshots, facts })
}
