//! A circuit as operations on one and two qubits.

mod controlled;
mod multiplexed;
mod symbolic;
mod unitary;

use ketch_interface::{
    Circuit,
    circuit::{Gate, GateOp, Instruction, Op, Param},
};

use crate::{
    CompileError, Target,
    linear::{self, C, M2, X, Y, Z, of},
    node::{Extent, Fence, Flow, Node},
};

/// No circuit becomes more operations than this (some hundred megabytes).
const MAX_NODES: usize = 1 << 22;

/// Translates a circuit; new expressions over its parameters go to `out`.
#[derive(Debug)]
pub(crate) struct Expander<'a> {
    source: &'a Circuit,
    target: &'a Target,
    out: &'a mut Circuit,
    nodes: Vec<Node>,
    /// Operations of the blocks that are done.
    written: usize,
    /// The phase of the program's operations that no operation carries.
    phase: f64,
    /// The place of the instruction at work.
    place: usize,
}

/// The program as operations, and its phase.
pub(crate) fn expand(
    source: &Circuit,
    target: &Target,
    out: &mut Circuit,
) -> Result<(Vec<Node>, f64), CompileError> {
    let mut expander =
        Expander { source, target, out, nodes: Vec::new(), written: 0, phase: 0.0, place: 0 };
    let nodes = expander.block(0..source.len())?;
    Ok((nodes, expander.phase))
}

impl Expander<'_> {
    fn block(&mut self, range: std::ops::Range<usize>) -> Result<Vec<Node>, CompileError> {
        let around = std::mem::take(&mut self.nodes);
        let source = self.source;
        let mut next = range.start;
        while next < range.end {
            self.place = next;
            let instruction = source.instruction(next);
            let end = source.end_of(next);
            if instruction.op.blocks().next().is_some() {
                let place = next;
                let ranges: Vec<_> =
                    instruction.op.blocks().map(|b| source.block_range(Some(b))).collect();
                let phase = self.phase;
                let blocks = ranges.into_iter().map(|range| self.block(range));
                let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
                // What a block does to the phase of the whole is not known before it runs.
                self.phase = phase;
                self.push(Node::Flow(Box::new(Flow::new(place, blocks))));
            } else {
                self.instruction(instruction)?;
            }
            if self.written + self.nodes.len() > MAX_NODES {
                return Err(self.too_large(instruction.op));
            }
            next = end;
        }
        self.written += self.nodes.len();
        Ok(std::mem::replace(&mut self.nodes, around))
    }

    fn instruction(&mut self, instruction: Instruction<'_>) -> Result<(), CompileError> {
        let qubits: Vec<u32> = instruction.qubits.iter().map(|q| q.0).collect();
        if self.stays(instruction.op) {
            self.fence(&qubits, Extent::Qubits);
            return Ok(());
        }
        match instruction.op {
            Op::Gate(op) => self.gate(*op, instruction.params, &qubits)?,
            Op::Unitary(unitary) => self.unitary(&unitary.value, &qubits)?,
            Op::Diagonal(diagonal) => {
                self.bound(qubits.len())?;
                // Written so that entries that are not numbers are refused too.
                if !diagonal.iter().all(|entry| (entry.norm() - 1.0).abs() < 1e-6) {
                    return Err(
                        self.untranslatable("its diagonal has entries whose modulus is not 1")
                    );
                }
                let phases: Vec<f64> = diagonal.iter().map(|entry| entry.arg()).collect();
                self.diagonal(&phases, &qubits);
            }
            Op::Multiplexer(matrices) => self.multiplexer(matrices, &qubits)?,
            Op::Pauli(letters) => {
                for (&q, letter) in qubits.iter().zip(letters.chars().rev()) {
                    match letter {
                        'X' => self.one(q, X),
                        'Y' => self.one(q, Y),
                        'Z' => self.one(q, Z),
                        _ => {}
                    }
                }
            }
            Op::Initialize(state) => {
                self.bound(qubits.len())?;
                let Some(amplitudes) = state.amplitudes() else {
                    return Err(self.untranslatable("its labels are not known"));
                };
                self.initialize(&amplitudes, &qubits);
            }
            Op::Measure | Op::MeasureVar { .. } | Op::Reset | Op::Barrier | Op::Delay(_) => {
                self.fence(&qubits, Extent::Qubits)
            }
            op if op.is_store() => self.fence(&qubits, Extent::Qubits),
            Op::Break | Op::Continue | Op::End => self.fence(&qubits, Extent::All),
            op if self.target.simulator || self.target.knows(&op.name()) => {
                let whole = matches!(op, Op::Save(_) | Op::Snapshot(_) | Op::SetState(_));
                self.fence(&qubits, if whole { Extent::All } else { Extent::Qubits });
            }
            _ => return Err(self.untranslatable("it is no gate, and not in the basis")),
        }
        Ok(())
    }

    /// A simulator that couples all qubits runs what it knows as it stands.
    fn stays(&self, op: &Op) -> bool {
        let known = match op {
            Op::Gate(gate) => self.target.supports(*gate),
            op => self.target.knows(&op.name()),
        };
        known && self.target.simulator && self.target.coupling.is_none() && has_translation(op)
    }

    fn gate(&mut self, op: GateOp, params: &[Param], qubits: &[u32]) -> Result<(), CompileError> {
        let (controls, targets) = qubits.split_at(usize::from(op.controls));
        let bits = op.state.bits(op.controls);
        let open: Vec<u32> = (controls.iter().enumerate())
            .filter(|(i, _)| *i < 64 && bits >> i & 1 == 0)
            .map(|(_, &q)| q)
            .collect();
        if controls.len() > MOST_CONTROLS {
            return Err(self.too_large(&Op::Gate(op)));
        }
        if params.iter().any(|param| param.as_number().is_some_and(|number| !number.is_finite())) {
            return Err(self.untranslatable("an angle is not a finite number"));
        }
        open.iter().for_each(|&q| self.one(q, X));
        let numbers: Option<Vec<f64>> = params.iter().map(|param| param.as_number()).collect();
        match numbers {
            Some(numbers) => self.numeric(op.gate, &numbers, controls, targets),
            None => self.symbolic(op.gate, params, controls, targets),
        }
        open.iter().for_each(|&q| self.one(q, X));
        Ok(())
    }

    fn numeric(&mut self, gate: Gate, params: &[f64], controls: &[u32], targets: &[u32]) {
        match (gate, controls, targets) {
            (Gate::GlobalPhase, [], _) => self.phase += params[0],
            (Gate::GlobalPhase, ..) => self.controlled_phase(controls, params[0]),
            (Gate::Id | Gate::U0, ..) => {}
            (Gate::X, &[control], &[target]) => self.cx(control, target),
            (Gate::Swap, [], &[a, b]) => self.push(Node::Swap(a, b)),
            (Gate::Swap, _, &[a, b]) => {
                self.cx(b, a);
                self.controlled(&[controls, &[a]].concat(), b, &X);
                self.cx(b, a);
            }
            (_, [], &[q]) => self.one(q, of(&gate.matrix(params))),
            (_, [], &[a, b]) => self.two(a, b, of(&gate.matrix(params))),
            (_, &[control], &[q]) => {
                let matrix = gate.matrix(params).controlled(1, 1);
                self.two(control, q, of(&matrix));
            }
            (_, _, &[q]) => self.controlled(controls, q, &of(&gate.matrix(params))),
            (Gate::Rccx, _, &[a, b, t]) => self.margolus(controls, a, b, t),
            (Gate::Rc3x, _, &[a, b, c, t]) => self.margolus3(controls, a, b, c, t),
            (_, _, &[a, b]) => self.controlled_pair(controls, a, b, &of(&gate.matrix(params))),
            _ => unreachable!("the table has gates of one to four qubits, those of more by name"),
        }
    }

    fn push(&mut self, node: Node) {
        self.nodes.push(node);
    }

    fn one(&mut self, q: u32, matrix: M2) {
        self.push(Node::One(q, matrix));
    }

    fn cx(&mut self, control: u32, target: u32) {
        self.push(Node::Cx(control, target));
    }

    fn two(&mut self, a: u32, b: u32, matrix: linear::M4) {
        self.push(Node::Two(a, b, Box::new(matrix)));
    }

    fn fence(&mut self, qubits: &[u32], extent: Extent) {
        let fence = Fence { source: self.place, qubits: qubits.to_vec(), extent };
        self.push(Node::Fence(Box::new(fence)));
    }

    /// Refuses what takes exponentially many gates on this many qubits.
    fn bound(&self, n_qubits: usize) -> Result<(), CompileError> {
        match n_qubits {
            0..=16 => Ok(()),
            _ => Err(self.too_large(self.source.instruction(self.place).op)),
        }
    }

    fn too_large(&self, op: &Op) -> CompileError {
        CompileError::TooLarge { instruction: op.name(), limit: MAX_NODES }
    }

    fn untranslatable(&self, reason: &str) -> CompileError {
        let instruction = self.source.instruction(self.place);
        CompileError::Untranslatable {
            backend: self.target.backend.clone(),
            instruction: instruction.op.name(),
            qubits: instruction.qubits.iter().map(|q| q.0).collect(),
            reason: reason.to_owned(),
        }
    }
}

/// More controls than this take more gates than any machine runs.
const MOST_CONTROLS: usize = 256;

/// What this module makes into gates where the target does not know it.
fn has_translation(op: &Op) -> bool {
    matches!(
        op,
        Op::Gate(_)
            | Op::Unitary(_)
            | Op::Diagonal(_)
            | Op::Multiplexer(_)
            | Op::Pauli(_)
            | Op::Initialize(_)
    )
}

/// The eigenvalues' angles of a one-qubit unitary, and the matrix of eigenvectors.
pub(super) fn eigen(u: &M2) -> ([f64; 2], M2) {
    let trace = u[0][0] + u[1][1];
    let determinant = u[0][0] * u[1][1] - u[0][1] * u[1][0];
    let root = (trace * trace - determinant * 4.0).sqrt();
    let values = [(trace + root) / 2.0, (trace - root) / 2.0];
    if (values[0] - values[1]).norm() < 1e-12 {
        return ([values[0].arg(); 2], linear::IDENTITY);
    }
    // (U - v₁) maps every vector to a multiple of the eigenvector of v₀: take the longer column.
    let shifted = [[u[0][0] - values[1], u[0][1]], [u[1][0], u[1][1] - values[1]]];
    let column = |j: usize| [shifted[0][j], shifted[1][j]];
    let length = |c: [C; 2]| (c[0].norm_sqr() + c[1].norm_sqr()).sqrt();
    let vector = if length(column(0)) >= length(column(1)) { column(0) } else { column(1) };
    let norm = length(vector);
    let [a, b] = vector.map(|entry| entry / norm);
    (values.map(|value| value.arg()), [[a, -b.conj()], [b, a.conj()]])
}
