//! Measurements that come last: what all shots can be drawn from one final state for.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use ketch_interface::circuit::{Clbit, Op};

use crate::program::{Operation, Program, Step};

/// What is read from the final state.
#[derive(Debug, Default)]
pub(crate) struct Measured<'c> {
    /// Clbits and the places that they read; none for an idle qubit, which reads 0.
    pub(crate) bits: Vec<(u32, Option<usize>)>,
    /// How clbits are misread afterwards, in order.
    pub(crate) readout_errors: Vec<(&'c [Clbit], &'c [Vec<f64>])>,
}

/// Which place each written clbit reads at the end, if measurements come last; otherwise the
/// reason why each shot must be run.
///
/// They come last if nothing acts on a measured place behind its measurement, nothing else is
/// random, and nothing reads clbits or looks at the state behind a measurement.
pub(crate) fn measured_last<'c, O: Operation>(
    program: &Program<'c, O>,
) -> Result<Measured<'c>, &'static str> {
    last(program, false)
}

/// As [`measured_last`], of a program in which noise is drawn before anything is measured.
pub(crate) fn measured_behind_noise<'c, O: Operation>(
    program: &Program<'c, O>,
) -> Result<Measured<'c>, &'static str> {
    last(program, true)
}

fn last<'c, O: Operation>(
    program: &Program<'c, O>,
    with_noise: bool,
) -> Result<Measured<'c>, &'static str> {
    let mut readout_errors: Vec<(&[Clbit], &[Vec<f64>])> = Vec::new();
    let mut measured = vec![false; program.layout.n_places()];
    let mut clbits = BTreeMap::new();
    let first_random = program.common_prefix();
    for (at, step) in program.steps.iter().enumerate() {
        match step {
            Step::Measure { place, clbit } => {
                if readout_errors.iter().any(|(bits, _)| bits.contains(&Clbit(*clbit))) {
                    return Err("a misread bit is written again");
                }
                place.iter().for_each(|&place| measured[place] = true);
                clbits.insert(*clbit, *place);
            }
            Step::ReadoutError(index) => {
                let instruction = program.circuit.instruction(*index);
                if let Op::ReadoutError(rows) = instruction.op {
                    readout_errors.push((instruction.clbits, rows));
                }
            }
            Step::Quantum(op) if op.is_random() && !with_noise => return Err("noise is drawn"),
            Step::Quantum(op) if op.acts_on(|place| measured[place]) => {
                return Err("a gate acts on a measured qubit");
            }
            Step::Quantum(_) => {}
            Step::SetState(_) | Step::Save(_) | Step::Snapshot(_) if at < first_random => {}
            Step::Save(_) | Step::Snapshot(_) => return Err("a save stands behind a measurement"),
            Step::SetState(_) => return Err("a state is set behind a measurement"),
            Step::Reset(_) => return Err("a qubit is reset"),
            _ => return Err("there is control flow or classical storage"),
        }
    }
    Ok(Measured { bits: clbits.into_iter().collect(), readout_errors })
}

impl<'c> Measured<'c> {
    /// What steps that only measure and misread come to.
    pub(crate) fn of<O>(steps: &[Step<O>], program: &Program<'c, O>) -> Self {
        let mut clbits = BTreeMap::new();
        let mut readout_errors: Vec<(&'c [Clbit], &'c [Vec<f64>])> = Vec::new();
        for step in steps {
            match step {
                Step::Measure { place, clbit } => {
                    clbits.insert(*clbit, *place);
                }
                Step::ReadoutError(index) => {
                    let instruction = program.circuit.instruction(*index);
                    if let Op::ReadoutError(rows) = instruction.op {
                        readout_errors.push((instruction.clbits, rows));
                    }
                }
                _ => unreachable!("the other steps stand before these"),
            }
        }
        Self { bits: clbits.into_iter().collect(), readout_errors }
    }
}

/// Where only measurements are left, and what they come to: no clbit that was misread is written
/// again.
pub(crate) fn measured_from<'c, O>(program: &Program<'c, O>) -> (usize, Measured<'c>) {
    let mut written = BTreeSet::new();
    let mut tail = program.steps.len();
    while tail > 0 {
        match &program.steps[tail - 1] {
            Step::Measure { clbit, .. } => {
                written.insert(*clbit);
            }
            Step::ReadoutError(index) => {
                let mut clbits = program.circuit.instruction(*index).clbits.iter();
                if clbits.any(|clbit| written.contains(&clbit.0)) {
                    break;
                }
            }
            _ => break,
        }
        tail -= 1;
    }
    (tail, Measured::of(&program.steps[tail..], program))
}

/// The runs of steps between measurements.
pub(crate) fn unmeasured_segments<O>(program: &Program<'_, O>) -> Vec<Range<usize>> {
    let mut segments = Vec::new();
    let mut start = 0;
    for (at, step) in program.steps.iter().enumerate() {
        if matches!(step, Step::Measure { .. } | Step::ReadoutError(_)) {
            segments.push(start..at);
            start = at + 1;
        }
    }
    segments.push(start..program.steps.len());
    segments
}
