//! From a program that runs straight through to Pauli frames.
//!
//! The tableau runs the program once, without noise and without conditional gates, reading 0 where
//! both outcomes are equally likely. Every shot differs from this run by a Pauli string only, for
//! noise and conditional gates are Pauli strings too, and the difference is what frames follow.

use std::{collections::HashMap, sync::Arc};

use ketch_interface::circuit::Op;
use ketch_kernels::{FrameChannel, FrameOp, FrameProgram};

use super::{
    StabilizerOp, StabilizerProgram, clifford::Clifford, condition::condition, mixture::Mixture,
    tableau::Tableau,
};
use crate::{Cancel, Error, program::Step};

/// Why shots of a program differ by more than Pauli strings; `None` if they do not.
///
/// `prefix` is the end of the steps that are the same in all shots.
pub(super) fn obstacle(program: &StabilizerProgram<'_>, prefix: usize) -> Option<&'static str> {
    let mut at = 0;
    while at < program.steps.len() {
        let obstacle = match &program.steps[at] {
            Step::Quantum(StabilizerOp::Gate(_)) | Step::Measure { .. } | Step::Reset(_) => None,
            Step::Quantum(StabilizerOp::Noise { mixture, .. }) => {
                (!mixture.is_pauli()).then_some("some noise is not of Pauli strings")
            }
            Step::ReadoutError(index) => {
                let n_bits = program.circuit.instruction(*index).clbits.len();
                (n_bits != 1).then_some("some clbits are misread together")
            }
            Step::Save(_) | Step::Snapshot(_) if at < prefix => None,
            Step::Save(_) | Step::Snapshot(_) => Some("a save stands behind a random choice"),
            Step::JumpUnless { condition: id, .. } => match conditional(program, at) {
                Some(end) if condition(program.circuit, *id, 0, &mut Vec::new()).is_some() => {
                    at = end - 1;
                    None
                }
                _ => Some("a condition decides about more than Pauli gates"),
            },
            _ => Some("there is control flow or classical storage"),
        };
        if obstacle.is_some() {
            return obstacle;
        }
        at += 1;
    }
    None
}

/// The end of a conditional block of Pauli gates without an else branch.
fn conditional(program: &StabilizerProgram<'_>, at: usize) -> Option<usize> {
    let Step::JumpUnless { to, .. } = program.steps[at] else { return None };
    let is_pauli = |step: &Step<StabilizerOp>| {
        use Clifford::{X, Y, Z};
        matches!(step, Step::Quantum(StabilizerOp::Gate(X(_) | Y(_) | Z(_))))
    };
    let body = program.steps.get(at + 1..to)?;
    body.iter().all(is_pauli).then_some(to)
}

/// Runs a program on a tableau, from |0…0>, and tells how frames follow it. The saves of its first
/// steps are left to others.
///
/// # Errors
/// [`Error::Cancelled`].
///
/// # Panics
/// If there is an [`obstacle`].
pub(super) fn plan(
    program: &StabilizerProgram<'_>,
    tableau: &mut Tableau,
    cancel: &Cancel,
) -> Result<FrameProgram, Error> {
    let n_clbits = program.circuit.n_clbits();
    let mut planning = Planning {
        tableau,
        frames: FrameProgram {
            n_qubits: program.layout.n_places(),
            n_clbits: n_clbits as usize,
            ..FrameProgram::default()
        },
        channels: HashMap::new(),
        misread: HashMap::new(),
    };
    // Where only measurements are left, no state has to be kept.
    let tail = tail(program);
    let read = |step: &Step<StabilizerOp>| match step {
        Step::Measure { place, .. } => *place,
        _ => None,
    };
    let mut last = Vec::new().into_iter();
    let mut at = 0;
    while at < program.steps.len() {
        cancel.poll()?;
        if at == tail {
            let places: Vec<usize> = program.steps[tail..].iter().filter_map(read).collect();
            last = planning.tableau.read_out(&places)?.into_iter();
        }
        match &program.steps[at] {
            Step::Quantum(StabilizerOp::Gate(gate)) => planning.gate(*gate),
            Step::Quantum(StabilizerOp::Noise { mixture, places }) => {
                planning.noise(mixture, places);
            }
            Step::Measure { place, clbit } => {
                let reference = place.map(|place| match at >= tail {
                    true => last.next().expect("each was read"),
                    false => planning.tableau.measure(place, || false),
                });
                planning.measure(place.zip(reference), *clbit);
            }
            Step::Reset(place) => {
                planning.tableau.reset(*place, || false);
                planning.frames.ops.push(FrameOp::Reset(*place as u32));
            }
            Step::ReadoutError(index) => {
                let instruction = program.circuit.instruction(*index);
                if let Op::ReadoutError(rows) = instruction.op {
                    planning.misread(instruction.clbits[0].0, rows);
                }
            }
            Step::JumpUnless { condition: id, to } => {
                let ops = &mut planning.frames.ops;
                let end = condition(program.circuit, *id, n_clbits, ops);
                let end = end.expect("such a condition is an obstacle") as usize;
                planning.frames.n_clbits = planning.frames.n_clbits.max(end);
                for step in &program.steps[at + 1..*to] {
                    if let Step::Quantum(StabilizerOp::Gate(gate)) = step {
                        planning.conditional(*gate, n_clbits);
                    }
                }
                at = to - 1;
            }
            Step::Save(_) | Step::Snapshot(_) => {}
            step => unreachable!("{step:?} is an obstacle"),
        }
        at += 1;
    }
    Ok(planning.frames)
}

/// The end of the steps that the reference run needs a state for: only measurements follow, and
/// noise, which it does not have.
fn tail(program: &StabilizerProgram<'_>) -> usize {
    let needs_none = |step: &Step<StabilizerOp>| {
        use StabilizerOp::Noise;
        matches!(step, Step::Measure { .. } | Step::ReadoutError(_) | Step::Quantum(Noise { .. }))
    };
    let last = program.steps.iter().rposition(|step| !needs_none(step));
    last.map_or(0, |last| last + 1)
}

struct Planning<'t> {
    tableau: &'t mut Tableau,
    frames: FrameProgram,
    /// The number of each channel, by the mixture that it is.
    channels: HashMap<*const Mixture, u32>,
    /// The number of the channel that flips a bit, by the bits of its probability.
    misread: HashMap<u64, u32>,
}

impl Planning<'_> {
    fn gate(&mut self, gate: Clifford) {
        self.tableau.apply(gate);
        let op = match gate {
            // They change signs only.
            Clifford::X(_) | Clifford::Y(_) | Clifford::Z(_) => return,
            Clifford::H(q) => FrameOp::H(q),
            Clifford::S(q) | Clifford::Sdg(q) => FrameOp::S(q),
            Clifford::SqrtX(q) | Clifford::SqrtXdg(q) => FrameOp::SqrtX(q),
            Clifford::Cx(c, t) => FrameOp::Cx(c, t),
            Clifford::Cz(a, b) => FrameOp::Cz(a, b),
            Clifford::Swap(a, b) => FrameOp::Swap(a, b),
        };
        self.frames.ops.push(op);
    }

    fn conditional(&mut self, gate: Clifford, clbit: u32) {
        let [qubit, _] = gate.places();
        if matches!(gate, Clifford::X(_) | Clifford::Y(_)) {
            self.frames.ops.push(FrameOp::XWhere { qubit, clbit });
        }
        if matches!(gate, Clifford::Z(_) | Clifford::Y(_)) {
            self.frames.ops.push(FrameOp::ZWhere { qubit, clbit });
        }
    }

    /// Measures a place that reads `reference` in the reference run; an idle qubit reads 0.
    fn measure(&mut self, read: Option<(usize, bool)>, clbit: u32) {
        let op = match read {
            None => FrameOp::Bit { op: ketch_kernels::BitOp::Clear, to: clbit, from: clbit },
            Some((place, reference)) => FrameOp::Measure { qubit: place as u32, clbit, reference },
        };
        self.frames.ops.push(op);
    }

    fn noise(&mut self, mixture: &Arc<Mixture>, places: &[u32]) {
        let channels = &mut self.frames.channels;
        let channel = *self.channels.entry(Arc::as_ptr(mixture)).or_insert_with(|| {
            let strings = mixture.paulis().expect("other noise is an obstacle");
            let strings: Vec<_> =
                strings.into_iter().map(|(x, z, p)| (interleaved(x, z), p)).collect();
            channels.push(FrameChannel::new(&strings));
            channels.len() as u32 - 1
        });
        if channels[channel as usize].is_identity() {
            return;
        }
        let operands = self.frames.operands.len() as u32;
        self.frames.operands.extend_from_slice(places);
        self.frames.ops.push(FrameOp::Channel { channel, operands });
    }

    fn misread(&mut self, clbit: u32, rows: &[Vec<f64>]) {
        let [zero, one] = [(0, 1), (1, 0)].map(|(row, column): (usize, usize)| {
            let probability = rows[row][column] / rows[row].iter().sum::<f64>();
            let channels = &mut self.frames.channels;
            *self.misread.entry(probability.to_bits()).or_insert_with(|| {
                channels.push(FrameChannel::new(&[(1, probability)]));
                channels.len() as u32 - 1
            })
        });
        self.frames.ops.push(FrameOp::Misread { clbit, zero, one });
    }
}

/// Bit `2i` is bit `i` of `x`, bit `2i + 1` that of `z`.
fn interleaved(x: u32, z: u32) -> u16 {
    (0..8).fold(0, |mask, bit| {
        mask | ((x >> bit & 1) << (2 * bit) | (z >> bit & 1) << (2 * bit + 1)) as u16
    })
}
