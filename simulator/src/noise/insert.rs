//! [`insert`].

use std::{
    borrow::Cow,
    f64::consts::{FRAC_PI_2, PI},
};

use ketch_interface::{
    circuit::{
        BlockId, Case, Circuit, Clbit, For, Gate, GateOp, Instruction, Op, Param, Qubit, Switch,
        TimeUnit,
    },
    noise::{Channel, NoiseError, NoiseModel, PULSE, QuantumError, Relaxation},
};

use super::schedule::unit_seconds;

/// The circuit with the noise that a model says it has.
///
/// Channels follow their gates, also inside of blocks; those of `measure` come before it. A unitary
/// with a label has the noise of the label and not that of its name. What an instruction does to
/// other qubits comes behind its own noise; qubits that the circuit does not have are added for it.
/// A measurement is followed by the readout errors of its qubits; one into a variable is not. A delay
/// lets its qubits relax, if the model says how; one whose time only shows while the circuit runs does
/// not, and one of a parameter has to be bound first, see [`waits_for_parameters`]. Channels that need
/// more qubits than an instruction has are left out. Gates that are made of pulses are, with the noise
/// of each.
///
/// # Errors
/// A delay below 0, or without end, of a qubit that relaxes; a relaxation that makes no sense.
pub fn insert(circuit: &Circuit, model: &NoiseModel) -> Result<Circuit, NoiseError> {
    let mut noisy = without_instructions(circuit);
    add_qubits_beside(circuit, model, &mut noisy);
    let mut inserting = Inserting { circuit, model, refusal: None };
    inserting.block(None, &mut noisy);
    match inserting.refusal {
        Some(refusal) => Err(refusal),
        None => Ok(noisy),
    }
}

/// How long a qubit relaxes depends on the circuit's parameters, so that noise can only be inserted
/// when they are bound.
#[must_use]
pub fn waits_for_parameters(circuit: &Circuit, model: &NoiseModel) -> bool {
    let waits = |instruction: Instruction<'_>| {
        let mut relaxing = instruction.qubits.iter().filter_map(|q| model.relaxation(q.0));
        matches!(instruction.op, Op::Delay(_))
            && !matches!(instruction.params, [Param::Number(_)])
            && relaxing.next().is_some()
    };
    !circuit.parameters().is_empty() && circuit.instructions().any(waits)
}

/// Adds the qubits that the circuit does not have and its gates do something to.
fn add_qubits_beside(circuit: &Circuit, model: &NoiseModel, noisy: &mut Circuit) {
    let n_qubits = circuit.n_qubits();
    let errors = model.non_local_errors();
    let reached = errors.filter(|(_, from, _)| from.iter().all(|qubit| *qubit < n_qubits));
    let furthest = reached.flat_map(|(.., error)| &error.qubits).max();
    if let Some(furthest) = furthest.filter(|furthest| **furthest >= n_qubits) {
        noisy.add_qreg("beside", furthest + 1 - n_qubits);
    }
}

/// The circuit's name, registers, variables, parameters and expressions.
pub(super) fn without_instructions(circuit: &Circuit) -> Circuit {
    let mut empty = Circuit::default().named(circuit.name.clone());
    empty.global_phase = circuit.global_phase;
    for register in circuit.qregs() {
        empty.add_qreg(register.name.clone(), register.size);
    }
    for register in circuit.cregs() {
        empty.add_creg(register.name.clone(), register.size);
    }
    for variable in circuit.variables() {
        empty.add_variable(variable.name.clone(), variable.ty);
    }
    for name in circuit.parameters() {
        empty.parameter(name);
    }
    for expr in circuit.expressions() {
        empty.add_expr(expr.clone());
    }
    empty
}

struct Inserting<'a> {
    circuit: &'a Circuit,
    model: &'a NoiseModel,
    /// The first thing that cannot be.
    refusal: Option<NoiseError>,
}

impl Inserting<'_> {
    fn block(&mut self, block: Option<BlockId>, noisy: &mut Circuit) {
        let circuit = self.circuit;
        for (_, instruction) in circuit.block(block) {
            self.step(instruction, noisy);
        }
    }

    fn step(&mut self, instruction: Instruction<'_>, noisy: &mut Circuit) {
        let Instruction { op, qubits, clbits, params } = instruction;
        if op.blocks().next().is_some() {
            return self.control_flow(instruction, noisy);
        }
        if matches!(op, Op::Measure) {
            let numbers: Vec<u32> = qubits.iter().map(|qubit| qubit.0).collect();
            if let Some(error) = self.model.joint_readout(&numbers) {
                qubits.iter().for_each(|qubit| self.channels(op, &[*qubit], noisy));
                noisy.push_unchecked(op.clone(), qubits, clbits, params);
                noisy.push_unchecked(error.to_op(), &[], clbits, &[]);
                return;
            }
            for (qubit, clbit) in qubits.iter().zip(clbits) {
                self.channels(op, &[*qubit], noisy);
                noisy.push_unchecked(op.clone(), &[*qubit], &[*clbit], params);
                self.readout(*qubit, *clbit, noisy);
            }
            return;
        }
        if matches!(op, Op::MeasureVar { .. }) {
            self.channels(op, qubits, noisy);
            noisy.push_unchecked(op.clone(), qubits, clbits, params);
            return;
        }
        if let Op::Gate(gate) = op
            && self.model.is_pulsed(*gate)
            && self.pulses(*gate, qubits, params, noisy)
        {
            return;
        }
        noisy.push_unchecked(op.clone(), qubits, clbits, params);
        match (op, params) {
            (Op::Delay(unit), [Param::Number(time)]) => self.relax(*unit, *time, qubits, noisy),
            // Named by documents as one instruction, but each qubit is reset on its own.
            (Op::Reset, _) => qubits.iter().for_each(|q| self.channels(op, &[*q], noisy)),
            _ => self.channels(op, qubits, noisy),
        }
    }

    /// Blocks get new numbers, in the same order.
    fn control_flow(&mut self, instruction: Instruction<'_>, noisy: &mut Circuit) {
        let Instruction { op, qubits, clbits, params } = instruction;
        let place = noisy.len();
        noisy.push_unchecked(Op::Barrier, qubits, clbits, params);
        let mut block = |id: BlockId| noisy.push_block(|noisy| self.block(Some(id), noisy));
        let renumbered = match op {
            Op::If { condition, then, otherwise } => Op::If {
                condition: *condition,
                then: block(*then),
                otherwise: otherwise.map(&mut block),
            },
            Op::While { condition, body } => {
                Op::While { condition: *condition, body: block(*body) }
            }
            Op::For(each) => Op::For(Box::new(For { body: block(each.body), ..(**each).clone() })),
            Op::Switch(switch) => {
                let case =
                    |case: &Case| Case { values: case.values.clone(), body: block(case.body) };
                let cases = switch.cases.iter().map(case).collect();
                Op::Switch(Box::new(Switch { target: switch.target, cases }))
            }
            op => unreachable!("`{}` has no blocks", op.name()),
        };
        noisy.set_op(place, renumbered);
    }

    fn channels(&self, op: &Op, qubits: &[Qubit], noisy: &mut Circuit) {
        let numbers: Vec<u32> = qubits.iter().map(|qubit| qubit.0).collect();
        let label = match op {
            Op::Unitary(unitary) => unitary.label.as_deref(),
            _ => None,
        };
        let name = label.map_or_else(|| op.name().into(), Cow::Borrowed);
        let error = self.model.error(&name, &numbers);
        if let Some(error) = error.filter(|error| error.n_qubits() <= qubits.len()) {
            push(error, qubits, noisy);
        }
        for other in self.model.non_local(&name, &numbers) {
            let on: Vec<Qubit> = other.qubits.iter().map(|&qubit| Qubit(qubit)).collect();
            push(&other.error, &on, noisy);
        }
    }

    /// A gate as 90° pulses about X, each followed by its noise, and rotations about Z between them;
    /// false for one that is not made of them. McKay et al., arXiv:1612.00858.
    fn pulses(
        &self,
        gate: GateOp,
        qubits: &[Qubit],
        params: &[Param],
        noisy: &mut Circuit,
    ) -> bool {
        let n = Param::Number;
        let angles = match (gate.gate, params) {
            (Gate::U | Gate::U3, [theta, phi, lambda]) => Some([*theta, *phi, *lambda]),
            (Gate::X, []) => Some([n(PI), n(0.0), n(PI)]),
            (Gate::Y, []) => Some([n(PI), n(FRAC_PI_2), n(FRAC_PI_2)]),
            _ => None,
        };
        let turn = |angle: Param, noisy: &mut Circuit| {
            noisy.push_unchecked(Op::Gate(GateOp::new(Gate::Rz, 0)), qubits, &[], &[angle]);
        };
        let pulse = |noisy: &mut Circuit| {
            noisy.push_unchecked(Op::Gate(GateOp::new(Gate::Sx, 0)), qubits, &[], &[]);
            if let Some(error) = self.model.error(PULSE, &[qubits[0].0]) {
                push(error, qubits, noisy);
            }
        };
        // Angles that are not bound yet are added to by rotating twice.
        match (gate.gate, params, angles) {
            (_, _, Some([theta, phi, lambda])) => {
                turn(lambda, noisy);
                pulse(noisy);
                turn(theta, noisy);
                turn(n(PI), noisy);
                pulse(noisy);
                turn(phi, noisy);
                turn(n(PI), noisy);
            }
            (Gate::U2, [phi, lambda], _) => {
                turn(*lambda, noisy);
                turn(n(-FRAC_PI_2), noisy);
                pulse(noisy);
                turn(*phi, noisy);
                turn(n(FRAC_PI_2), noisy);
            }
            (Gate::H, [], _) => {
                turn(n(FRAC_PI_2), noisy);
                pulse(noisy);
                turn(n(FRAC_PI_2), noisy);
            }
            _ => return false,
        }
        true
    }

    fn readout(&self, qubit: Qubit, clbit: Clbit, noisy: &mut Circuit) {
        let error = self.model.readout(qubit.0).filter(|error| !error.is_identity());
        if let Some(error) = error.filter(|error| error.n_bits() == 1) {
            noisy.push_unchecked(error.to_op(), &[], &[clbit], &[]);
        }
    }

    fn relax(&mut self, unit: TimeUnit, time: f64, qubits: &[Qubit], noisy: &mut Circuit) {
        let Some(unit) = unit_seconds(unit, self.model.tick()) else { return };
        for &qubit in qubits {
            let Some(relaxation) = self.model.relaxation(qubit.0) else { continue };
            match relaxing(*relaxation, time * unit, qubit) {
                Ok(channel) => push(&QuantumError::from(channel), &[qubit], noisy),
                Err(error) => self.refusal = self.refusal.take().or(Some(error)),
            }
        }
    }
}

/// What a qubit does during a delay.
fn relaxing(relaxation: Relaxation, seconds: f64, qubit: Qubit) -> Result<Channel, NoiseError> {
    if !(seconds.is_finite() && seconds >= 0.0) {
        let key = format!("a delay of qubit {}, in seconds,", qubit.0);
        return Err(NoiseError::BadNumber { key, found: seconds, expected: "0 or more" });
    }
    relaxation.during(seconds)
}

fn push(error: &QuantumError, qubits: &[Qubit], noisy: &mut Circuit) {
    for step in error.steps() {
        let on: Vec<Qubit> = step.places.iter().map(|&place| qubits[place]).collect();
        noisy.push_unchecked(step.channel.to_op(), &on, &[], &[]);
    }
}
