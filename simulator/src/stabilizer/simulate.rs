//! A circuit on stabilizers, from lowering to outcome.

use ketch_interface::circuit::Circuit;
use ketch_kernels::Frames;

use super::{
    lower::StabilizerLower, plan, register::Stabilizers, sample::sample, save::stabilizers,
    tableau::Tableau,
};
use crate::{
    Error, Facts, Options, Outcome, memory,
    program::lower,
    records::{Budget, Records},
    run::{self, Ran, Run, Shot, Size},
    simulate::{Work, counted, layout, outcome_bytes},
};

/// The bytes that running a circuit takes at most: tableaus, frames, outcomes.
pub(crate) fn memory_needed(circuit: &Circuit, options: &Options, threads: usize) -> u128 {
    let places = layout(circuit, options).n_places();
    let copies = 2 + threads as u128;
    let frames = 64 * (2 * places as u128 + u128::from(circuit.n_clbits())) * threads as u128;
    Tableau::bytes(places) * copies + frames + outcome_bytes(circuit, options)
}

/// Runs a circuit that was checked.
pub(crate) fn simulate(work: Work<'_>, mut facts: Facts) -> Result<Outcome, Error> {
    let Work { threads, circuit, options, cancel } = work;
    let needed = memory_needed(circuit, options, threads.count());
    if options.max_memory.is_some() || needed > memory::SMALL {
        let what = || format!("a stabilizer circuit of {} qubits", circuit.n_qubits());
        memory::require(what, needed, memory::allowance(options.max_memory), "fewer shots")?;
    }
    let layout = layout(circuit, options);
    let n_places = layout.n_places();
    let program = lower(circuit, layout, true, StabilizerLower::default())?;
    facts.n_qubits = n_places as u32;
    facts.bytes = Tableau::bytes(n_places) as u64;
    facts.n_gates = program.n_gates;
    facts.n_passes = program.n_passes();
    let budget = Budget::new(options.max_memory);
    let run = Run { program: &program, cancel, budget: &budget };
    let new = || {
        let tableau = Tableau::zero(n_places)?;
        Ok::<_, Error>(Stabilizers { tableau, max_memory: options.max_memory })
    };
    let prefix = program.common_prefix();
    let measured = run::measured_last(&program);
    let obstacle = match (options.final_state, &measured) {
        (true, Err(reason)) => Some(*reason),
        _ => plan::obstacle(&program, prefix),
    };
    facts.sampled = obstacle.is_none();
    let Ran { state, outcomes, records } = match obstacle {
        Some(reason) => {
            facts.notes.push(run::note(&program, options, reason));
            run::shots(&run, new()?, threads, options, Size::Fixed(facts.bytes))?
        }
        None => {
            let (mut state, mut records) = (new()?, Records::default());
            if options.final_state || program.saves() {
                // What stands in front of all randomness is the same for all shots.
                for segment in run::unmeasured_segments(&program) {
                    let mut shot = Shot::new(&program, options.seed, 0);
                    let end =
                        if options.final_state { segment.end } else { segment.end.min(prefix) };
                    shot.run(&run, &mut state, &mut records, segment.start, end)?;
                }
            }
            let frames = plan::plan(&program, &mut new()?.tableau, cancel)?;
            facts.bytes += Frames::bytes(&frames);
            let outcomes = sample(&frames, circuit.n_clbits(), options, threads, cancel)?;
            Ran { state, outcomes, records: records.repeated(options.shots) }
        }
    };
    let (mut data, snapshots) = records.finish();
    if options.final_state {
        let value = stabilizers(&state.tableau);
        data.entry("stabilizer".to_owned()).or_insert(value);
        if measured.is_ok_and(|measured| !measured.bits.is_empty()) {
            facts.notes.push("the state is the one before the measurements at the end".to_owned());
        }
    }
    let (counts, memory) = counted(circuit, outcomes);
    Ok(Outcome { counts, memory, data, snapshots, facts })
}
