//! Quantum instructions as operations on a chain.

use ketch_interface::{
    Complex64, Matrix,
    circuit::{Gate, GateOp, Initialize, Instruction, Op, Qubit},
};

use super::{op::MpsOp, operator::Operator};
use crate::{
    Error,
    noise::Channels,
    program::{Layout, Lower, Step},
};

/// Qubits up to which a multiplexer is one matrix.
const DENSE_MULTIPLEXER: usize = 6;

/// What lowering remembers.
#[derive(Debug)]
pub(super) struct MpsLower {
    /// The places that are |0> for certain: resetting them does nothing.
    fresh: Vec<bool>,
    channels: Channels,
}

type Steps = Vec<Step<MpsOp>>;

impl MpsLower {
    /// For `n_places`, each |0> at first if `from_zero`.
    pub(super) fn new(n_places: usize, from_zero: bool) -> Self {
        Self { fresh: vec![from_zero; n_places], channels: Channels::default() }
    }

    fn reset(&mut self, qubits: &[Qubit], layout: &Layout, out: &mut Steps) {
        // An idle qubit is |0> already.
        for place in qubits.iter().filter_map(|&qubit| layout.place(qubit)) {
            if !std::mem::replace(&mut self.fresh[place], true) {
                out.push(Step::Reset(place));
            }
        }
    }
}

impl Lower for MpsLower {
    type Op = MpsOp;

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize], out: &mut Steps) {
        self.forget(places);
        push(of_gate(op, params, places), out);
    }

    fn global_phase(&mut self, phase: f64, out: &mut Steps) {
        push(Some(MpsOp::Phase(Complex64::cis(phase))), out);
    }

    fn instruction(
        &mut self,
        instruction: Instruction<'_>,
        layout: &Layout,
        out: &mut Steps,
    ) -> Result<(), Error> {
        let op = instruction.op;
        if let Op::Reset | Op::Initialize(_) = op {
            self.reset(instruction.qubits, layout, out);
        }
        if let Op::Reset = op {
            return Ok(());
        }
        let places = layout.places(instruction.qubits);
        self.forget(&places);
        match op {
            Op::Unitary(unitary) => push(MpsOp::of_matrix(&unitary.value, &places), out),
            Op::Diagonal(entries) => push(diagonal(entries, &places), out),
            Op::Multiplexer(matrices) => multiplexer(matrices, &places, out),
            Op::Pauli(letters) => {
                for (letter, place) in letters.chars().rev().zip(&places) {
                    let gate = match letter {
                        'X' => Gate::X,
                        'Y' => Gate::Y,
                        'Z' => Gate::Z,
                        _ => continue,
                    };
                    push(MpsOp::of_matrix(&gate.matrix(&[]), &[*place]), out);
                }
            }
            Op::Kraus(_) | Op::Superop(_) => {
                let channel = self.channels.of(op)?;
                push(Some(MpsOp::drawn(&channel, &places)), out);
            }
            Op::Initialize(state) => push(prepare(state, &places), out),
            op => unreachable!("`{}` is lowered for all engines alike", op.name()),
        }
        Ok(())
    }

    fn flush(&mut self, _places: &[usize], _out: &mut Steps) {}

    fn flush_all(&mut self, _out: &mut Steps) {}

    fn forget(&mut self, places: &[usize]) {
        places.iter().for_each(|&place| self.fresh[place] = false);
    }

    fn forget_all(&mut self) {
        self.fresh.fill(false);
    }
}

/// A gate of the table; `None` for the identity. `places` are its controls, then its targets.
pub(super) fn of_gate(op: GateOp, params: &[f64], places: &[usize]) -> Option<MpsOp> {
    let (controlling, targets) = places.split_at(usize::from(op.controls));
    if let (Gate::Swap, [], [a, b]) = (op.gate, controlling, targets) {
        return Some(MpsOp::Swap([*a, *b]));
    }
    let pattern = op.state.bits(op.controls);
    let value = |bit: usize| op.state.is_all() || pattern >> bit & 1 == 1;
    let controls: Vec<(usize, bool)> =
        controlling.iter().enumerate().map(|(bit, &place)| (place, value(bit))).collect();
    let matrix = op.gate.matrix(params);
    match controls.is_empty() {
        true => MpsOp::of_matrix(&matrix, targets),
        false => MpsOp::controlled(&matrix, &controls, targets),
    }
}

fn push(op: Option<MpsOp>, out: &mut Steps) {
    out.extend(op.map(Step::Quantum));
}

fn diagonal(entries: &[Complex64], places: &[usize]) -> Option<MpsOp> {
    match places.len() {
        0..=2 => MpsOp::of_matrix(&Matrix::diagonal(entries), places),
        _ => {
            Some(MpsOp::Many(Operator::Diagonal { places: places.into(), entries: entries.into() }))
        }
    }
}

/// One unitary for each value of the controls, which follow the targets.
fn multiplexer(matrices: &[Matrix], places: &[usize], out: &mut Steps) {
    let n_targets = matrices[0].n_qubits().expect("the circuit was validated") as usize;
    if places.len() <= DENSE_MULTIPLEXER {
        let (part, dim) = (1 << n_targets, 1 << places.len());
        let entry = |row: usize, column: usize| match row / part == column / part {
            true => matrices[row / part].at(row % part, column % part),
            false => Complex64::ZERO,
        };
        let entries = (0..dim * dim).map(|i| entry(i / dim, i % dim)).collect();
        let whole = Matrix::new(dim, entries).expect("a square of entries");
        return push(MpsOp::of_matrix(&whole, places), out);
    }
    let (targets, controlling) = places.split_at(n_targets);
    for (value, matrix) in matrices.iter().enumerate() {
        let controls: Vec<(usize, bool)> =
            controlling.iter().enumerate().map(|(bit, &p)| (p, value >> bit & 1 == 1)).collect();
        push(MpsOp::controlled(matrix, &controls, targets), out);
    }
}

fn prepare(state: &Initialize, places: &[usize]) -> Option<MpsOp> {
    let amplitudes = state.amplitudes().expect("the circuit was validated");
    let amplitudes = amplitudes.iter().copied().collect();
    Some(MpsOp::Many(Operator::Prepare { places: places.into(), amplitudes }))
}
