//! Operations written as instructions of the device.

use ketch_interface::{
    Circuit,
    circuit::{BlockId, Case, For, Gate, GateOp, Op, Param, Qubit, Switch},
};

use crate::{
    CompileError, Target,
    linear::{H, IDENTITY, M2, SH, adjoint, mul},
    node::{Flow, Node},
    synthesis::one_qubit::{Euler, Native},
    target::Entangler,
};

/// Appends operations to a circuit in the gates of the target, and their phases to its phase.
pub(crate) fn emit(
    nodes: &[Node],
    source: &Circuit,
    target: &Target,
    out: &mut Circuit,
) -> Result<(), CompileError> {
    let waiting = vec![None; out.n_qubits() as usize];
    let mut emitter = Emitter { source, target, out, waiting, made: Vec::new(), phase: 0.0 };
    emitter.block(nodes)?;
    let phase = emitter.phase;
    out.global_phase += phase;
    Ok(())
}

struct Emitter<'a> {
    source: &'a Circuit,
    target: &'a Target,
    out: &'a mut Circuit,
    /// For each qubit, the product of one-qubit gates that are not written yet.
    waiting: Vec<Option<M2>>,
    made: Vec<Native>,
    phase: f64,
}

impl Emitter<'_> {
    fn block(&mut self, nodes: &[Node]) -> Result<(), CompileError> {
        for node in nodes {
            self.node(node)?;
        }
        self.write_all()
    }

    fn node(&mut self, node: &Node) -> Result<(), CompileError> {
        match node {
            Node::One(q, matrix) => self.one(*q, matrix),
            Node::Rz(q, angle) => self.rotate(*q, *angle)?,
            Node::Cx(a, b) => self.cx(*a, *b)?,
            Node::Swap(a, b) => {
                let (a, b) = if self.runs_on(*a, *b) { (*a, *b) } else { (*b, *a) };
                self.cx(a, b)?;
                self.cx(b, a)?;
                self.cx(a, b)?;
            }
            Node::Ising(a, b, angle) => self.ising(*a, *b, *angle)?,
            Node::Two(..) => unreachable!("joined runs are made into gates before"),
            Node::Reset(q) => {
                self.write(*q)?;
                self.out.push_unchecked(Op::Reset, &[Qubit(*q)], &[], &[]);
            }
            Node::Fence(fence) => {
                if node.stops_all() {
                    self.write_all()?;
                }
                fence.qubits.iter().try_for_each(|&q| self.write(q))?;
                let instruction = self.source.instruction(fence.source);
                let qubits: Vec<Qubit> = fence.qubits.iter().copied().map(Qubit).collect();
                let op = instruction.op.clone();
                self.out.push_unchecked(op, &qubits, instruction.clbits, instruction.params);
            }
            Node::Flow(flow) => self.flow(flow)?,
        }
        Ok(())
    }

    fn one(&mut self, q: u32, matrix: &M2) {
        let waiting = self.waiting[q as usize].get_or_insert(IDENTITY);
        *waiting = mul(matrix, waiting);
    }

    fn write_all(&mut self) -> Result<(), CompileError> {
        (0..self.waiting.len() as u32).try_for_each(|q| self.write(q))
    }

    /// Writes the one-qubit gates that wait on a qubit.
    fn write(&mut self, q: u32) -> Result<(), CompileError> {
        let Some(matrix) = self.waiting[q as usize].take() else { return Ok(()) };
        if let Some(phase) = crate::linear::identity_phase(&matrix) {
            self.phase += phase;
            return Ok(());
        }
        let euler = self.euler()?;
        self.made.clear();
        self.phase += euler.synthesise(&matrix, &mut self.made);
        for (gate, angles) in &self.made {
            let params = angles.map(Param::Number);
            let params = &params[..gate.info().n_params as usize];
            self.out.push_unchecked(Op::Gate(GateOp::new(*gate, 0)), &[Qubit(q)], &[], params);
        }
        Ok(())
    }

    fn rotate(&mut self, q: u32, angle: Param) -> Result<(), CompileError> {
        let (gate, params, frame) = self.euler()?.rotation_about_z(angle);
        frame.iter().for_each(|frame| self.one(q, frame));
        self.write(q)?;
        self.out.push_unchecked(Op::Gate(GateOp::new(gate, 0)), &[Qubit(q)], &[], &params);
        frame.iter().for_each(|frame| self.one(q, &adjoint(frame)));
        Ok(())
    }

    fn cx(&mut self, a: u32, b: u32) -> Result<(), CompileError> {
        let target = self.target;
        let Some(entangler) = &target.entangler else {
            return Err(self.poor("cx", "a gate that entangles two qubits"));
        };
        let Entangler { op, angle, as_cx, .. } = entangler;
        let turned = !self.runs_on(a, b);
        let (first, second) = if turned { (b, a) } else { (a, b) };
        if turned {
            self.one(a, &H);
            self.one(b, &H);
        }
        self.one(first, &as_cx.before[0]);
        self.one(second, &as_cx.before[1]);
        self.write(first)?;
        self.write(second)?;
        let params = angle.map(Param::Number);
        let qubits = [Qubit(first), Qubit(second)];
        self.out.push_unchecked(Op::Gate(*op), &qubits, &[], params.as_slice());
        self.phase += as_cx.phase;
        self.one(first, &as_cx.after[0]);
        self.one(second, &as_cx.after[1]);
        if turned {
            self.one(a, &H);
            self.one(b, &H);
        }
        Ok(())
    }

    fn ising(&mut self, a: u32, b: u32, angle: f64) -> Result<(), CompileError> {
        let gate = self.target.ising.expect("interactions are made where the device has them");
        let (a, b) = if self.runs_on(a, b) { (a, b) } else { (b, a) };
        let frames = match gate {
            Gate::Rxx => [H, H],
            Gate::Ryy => [SH, SH],
            Gate::Rzx => [IDENTITY, H],
            _ => [IDENTITY, IDENTITY],
        };
        for (q, frame) in [a, b].into_iter().zip(&frames) {
            self.one(q, frame);
            self.write(q)?;
        }
        let op = Op::Gate(GateOp::new(gate, 0));
        self.out.push_unchecked(op, &[Qubit(a), Qubit(b)], &[], &[Param::Number(angle)]);
        for (q, frame) in [a, b].into_iter().zip(&frames) {
            self.one(q, &adjoint(frame));
        }
        Ok(())
    }

    /// The two-qubit gate can go from the first to the second.
    fn runs_on(&self, a: u32, b: u32) -> bool {
        self.target.coupling.as_ref().is_none_or(|coupling| coupling.directed(a, b))
    }

    fn flow(&mut self, flow: &Flow) -> Result<(), CompileError> {
        self.write_all()?;
        let place = self.out.len();
        self.out.push_unchecked(Op::End, &[], &[], &[]);
        let mut blocks = Vec::with_capacity(flow.blocks.len());
        // A phase inside a block cannot be seen, and does not always happen.
        let phase = self.phase;
        for nodes in &flow.blocks {
            let block = self.out.push_block(|_| {});
            self.block(nodes)?;
            self.out.close_block(block);
            blocks.push(block);
        }
        self.phase = phase;
        let op = self.source.instruction(flow.source).op;
        self.out.set_op(place, with_blocks(op, &blocks));
        Ok(())
    }

    fn euler(&self) -> Result<Euler, CompileError> {
        let lacks = "rotations about two axes, such as u3, or rz and sx";
        self.target.euler.ok_or_else(|| self.poor("u", lacks))
    }

    fn poor(&self, gate: &str, lacks: &'static str) -> CompileError {
        CompileError::PoorBasis {
            backend: self.target.backend.clone(),
            gate: gate.to_owned(),
            lacks,
            basis: self.target.basis.clone(),
        }
    }
}

/// Control flow with other blocks, in the order of [`Op::blocks`].
fn with_blocks(op: &Op, blocks: &[BlockId]) -> Op {
    match (op, blocks) {
        (Op::If { condition, .. }, _) => {
            Op::If { condition: *condition, then: blocks[0], otherwise: blocks.get(1).copied() }
        }
        (Op::While { condition, .. }, _) => Op::While { condition: *condition, body: blocks[0] },
        (Op::For(each), _) => Op::For(Box::new(For { body: blocks[0], ..(**each).clone() })),
        (Op::Switch(switch), _) => {
            let cases = switch.cases.iter().zip(blocks);
            let cases = cases.map(|(case, &body)| Case { values: case.values.clone(), body });
            Op::Switch(Box::new(Switch { target: switch.target, cases: cases.collect() }))
        }
        (op, _) => op.clone(),
    }
}

/// A circuit without instructions that has everything else of `source`.
pub(crate) fn empty_like(source: &Circuit, n_physical: Option<u32>) -> Circuit {
    use ketch_interface::circuit::Expr;
    let mut out = Circuit::default().named(source.name.clone());
    out.global_phase = source.global_phase;
    match n_physical {
        Some(n) => {
            out.add_qreg("q", n);
        }
        None => source.qregs().iter().for_each(|register| {
            out.add_qreg(register.name.clone(), register.size);
        }),
    }
    for register in source.cregs() {
        out.add_creg(register.name.clone(), register.size);
    }
    for variable in source.variables() {
        out.add_variable(variable.name.clone(), variable.ty);
    }
    let parameters: Vec<_> = source.parameters().iter().map(|name| out.parameter(name)).collect();
    for expr in source.expressions() {
        let expr = match expr {
            Expr::Parameter(id) => Expr::Parameter(parameters[id.0 as usize]),
            expr => expr.clone(),
        };
        out.add_expr(expr);
    }
    out
}
