//! From circuit to program.

use ketch_interface::{
    BitString, Complex64, Matrix,
    circuit::{
        BlockId, Circuit, EvaluateError, Expr, Gate, Initialize, Instruction, Op, Param, Qubit,
        Scope,
    },
    noise::{Channel, NoiseError},
};
use ketch_kernels::{Controls, Real};
use num_complex::Complex;

use super::{
    Layout, Noise, Program, Step,
    apply::{Action, Apply, mask, pauli_masks},
    fuse::fused,
    merge::Waiting,
};
use crate::{Error, Method};

/// Lowers a circuit that [`check`](crate::check) has accepted.
///
/// `keep_phase`: the phase of the whole can be seen at the end.
pub(crate) fn lower<T: Real>(
    circuit: &Circuit,
    method: Method,
    layout: Layout,
    keep_phase: bool,
    from_zero: bool,
) -> Result<Program<'_, T>, Error> {
    let n_places = layout.n_places();
    let mut lowering = Lowering {
        circuit,
        method,
        statics: statics(circuit),
        waiting: Waiting::new(n_places),
        fresh: vec![from_zero; n_places],
        loops: Vec::new(),
        ends: Vec::new(),
        program: Program {
            circuit,
            layout,
            steps: Vec::new(),
            n_slots: 0,
            n_gates: 0,
            n_left_out: 0,
        },
    };
    if circuit.global_phase != 0.0 {
        let action = Action::Phase(Complex64::cis(circuit.global_phase));
        lowering.apply(Apply { action, controls: Controls::NONE });
    }
    lowering.block(None)?;
    lowering.flush_places(usize::MAX);
    if keep_phase {
        lowering.flush_phase();
    }
    let end = lowering.program.steps.len();
    let ends = std::mem::take(&mut lowering.ends);
    ends.into_iter().for_each(|jump| lowering.patch(jump, end));
    let mut program = lowering.program;
    if method == Method::DensityMatrix {
        program.steps = fused(std::mem::take(&mut program.steps), n_places);
    }
    Ok(program)
}

/// Whether each expression is known before the circuit runs.
fn statics(circuit: &Circuit) -> Vec<bool> {
    let mut statics: Vec<bool> = Vec::with_capacity(circuit.expressions().len());
    for expr in circuit.expressions() {
        let known = match expr {
            Expr::Literal(_) | Expr::Parameter(_) => true,
            Expr::Unary(_, a) | Expr::Cast(_, a) => statics[a.0 as usize],
            Expr::Binary(_, a, b) => statics[a.0 as usize] && statics[b.0 as usize],
            _ => false,
        };
        statics.push(known);
    }
    statics
}

struct Lowering<'c, T> {
    circuit: &'c Circuit,
    method: Method,
    statics: Vec<bool>,
    waiting: Waiting,
    /// The places that are |0> for certain: resetting them does nothing.
    fresh: Vec<bool>,
    loops: Vec<Loop>,
    /// Jumps to the end of the program.
    ends: Vec<usize>,
    program: Program<'c, T>,
}

/// A loop that is being lowered.
struct Loop {
    /// Where its next round begins.
    next: usize,
    /// Jumps to behind it.
    breaks: Vec<usize>,
}

/// A step that jumps to where is not known yet.
const UNKNOWN: usize = usize::MAX;

impl<T: Real> Lowering<'_, T> {
    fn block(&mut self, block: Option<BlockId>) -> Result<(), Error> {
        let circuit = self.circuit;
        circuit.block(block).try_for_each(|(index, instruction)| self.step(index, instruction))
    }

    fn step(&mut self, index: usize, instruction: Instruction<'_>) -> Result<(), Error> {
        let Instruction { op, qubits, clbits, params } = instruction;
        match op {
            Op::Gate(gate) => self.gate(index, *gate, qubits, params)?,
            Op::Unitary(unitary) => {
                self.unitary(&unitary.value, qubits, Controls::NONE);
                self.program.n_gates += 1;
            }
            Op::Diagonal(entries) => self.diagonal(entries, qubits),
            Op::Multiplexer(matrices) => self.multiplexer(matrices, qubits),
            Op::Pauli(letters) if self.method == Method::DensityMatrix => {
                for (letter, qubit) in letters.chars().rev().zip(qubits) {
                    let gate = match letter {
                        'X' => Gate::X,
                        'Y' => Gate::Y,
                        'Z' => Gate::Z,
                        _ => continue,
                    };
                    self.unitary(&gate.matrix(&[]), &[*qubit], Controls::NONE);
                }
                self.program.n_gates += 1;
            }
            Op::Pauli(letters) => {
                let places = self.program.layout.places(qubits);
                let (x, z) = pauli_masks(letters, &places);
                self.touch(qubits);
                self.apply(Apply { action: Action::Pauli { x, z }, controls: Controls::NONE });
                self.program.n_gates += 1;
            }
            Op::Barrier | Op::Delay(_) => {}
            Op::Measure if self.method == Method::Unitary => {
                self.program.n_left_out += qubits.len();
            }
            Op::Measure => {
                for (&qubit, clbit) in qubits.iter().zip(clbits) {
                    let place = self.before_measuring(qubit);
                    self.push(Step::Measure { place, clbit: clbit.0 });
                }
            }
            Op::MeasureVar { var, bit } => {
                let place = self.before_measuring(qubits[0]);
                self.push(Step::MeasureVar { place, var: *var, bit: *bit });
            }
            Op::Kraus(kraus) => self.channel(op, Channel::new(kraus.to_vec()), qubits)?,
            Op::Superop(superop) => self.channel(op, Channel::from_superop(superop), qubits)?,
            Op::ReadoutError(_) => {
                self.push(Step::ReadoutError(index));
            }
            Op::Reset => qubits.iter().for_each(|&qubit| self.reset(qubit)),
            Op::Initialize(state) => self.initialize(state, qubits),
            Op::SetState(_) => {
                self.flush_all();
                self.fresh.fill(false);
                self.push(Step::SetState(index));
            }
            Op::Save(_) => {
                self.flush_all();
                self.push(Step::Save(index));
            }
            Op::Snapshot(_) => {
                self.flush_all();
                self.push(Step::Snapshot(index));
            }
            Op::Store { var, value } => {
                self.push(Step::Store { var: *var, value: *value });
            }
            Op::StoreClbits(value) => {
                self.push(Step::StoreClbits { index, value: *value });
            }
            _ => {
                self.flush_all();
                self.fresh.fill(false);
                self.control_flow(index, op)?;
                self.flush_all();
                self.fresh.fill(false);
            }
        }
        Ok(())
    }

    fn control_flow(&mut self, index: usize, op: &Op) -> Result<(), Error> {
        match op {
            Op::If { condition, then, otherwise } => {
                let skip = self.push(Step::JumpUnless { condition: *condition, to: UNKNOWN });
                self.body(*then)?;
                match otherwise {
                    None => self.patch_here(skip),
                    Some(otherwise) => {
                        let over = self.push(Step::Jump(UNKNOWN));
                        self.patch_here(skip);
                        self.body(*otherwise)?;
                        self.patch_here(over);
                    }
                }
            }
            Op::While { condition, body } => {
                let next = self.here();
                let exit = self.push(Step::JumpUnless { condition: *condition, to: UNKNOWN });
                self.round(next, exit, *body)?;
            }
            Op::For(each) => {
                let slot = self.slot();
                self.push(Step::ForBegin { slot, index });
                let next = self.here();
                let exit = self.push(Step::ForNext { slot, var: each.var, exit: UNKNOWN });
                self.round(next, exit, each.body)?;
            }
            Op::Switch(switch) => {
                let slot = self.slot();
                self.push(Step::SwitchBegin { slot, target: switch.target });
                let mut ends = Vec::new();
                for (case, arm) in switch.cases.iter().enumerate() {
                    let skip = self.push(Step::JumpUnlessCase { slot, index, case, to: UNKNOWN });
                    self.body(arm.body)?;
                    ends.push(self.push(Step::Jump(UNKNOWN)));
                    self.patch_here(skip);
                }
                ends.into_iter().for_each(|end| self.patch_here(end));
            }
            Op::Break => {
                let jump = self.push(Step::Jump(UNKNOWN));
                self.innermost().breaks.push(jump);
            }
            Op::Continue => {
                let next = self.innermost().next;
                self.push(Step::Jump(next));
            }
            Op::End => {
                let jump = self.push(Step::Jump(UNKNOWN));
                self.ends.push(jump);
            }
            op => unreachable!("`{}` was refused by the check", op.name()),
        }
        Ok(())
    }

    fn innermost(&mut self) -> &mut Loop {
        self.loops.last_mut().expect("the check refused jumps outside of loops")
    }

    /// The body of a loop whose `exit` step stands at `next` and leaves it.
    fn round(&mut self, next: usize, exit: usize, body: BlockId) -> Result<(), Error> {
        self.loops.push(Loop { next, breaks: Vec::new() });
        self.body(body)?;
        self.push(Step::Jump(next));
        let done = self.loops.pop().expect("the loop was pushed above");
        self.patch_here(exit);
        done.breaks.into_iter().for_each(|jump| self.patch_here(jump));
        Ok(())
    }

    fn body(&mut self, block: BlockId) -> Result<(), Error> {
        self.fresh.fill(false);
        self.block(Some(block))?;
        self.flush_all();
        Ok(())
    }

    fn gate(
        &mut self,
        index: usize,
        gate: ketch_interface::circuit::GateOp,
        qubits: &[Qubit],
        params: &[Param],
    ) -> Result<(), Error> {
        self.program.n_gates += 1;
        if matches!(gate.gate, Gate::Id | Gate::U0) {
            return Ok(());
        }
        let places = self.program.layout.places(qubits);
        self.touch(qubits);
        match self.numbers(&gate.name(), params)? {
            Some(numbers) => {
                if let Some(apply) = Apply::of_gate(gate, &numbers, &places) {
                    self.apply(apply);
                }
            }
            None => {
                self.flush_places(mask(&places));
                self.push(Step::Dynamic(index));
            }
        }
        Ok(())
    }

    /// The numbers of the parameters; `None` if one depends on classical values.
    fn numbers(&self, name: &str, params: &[Param]) -> Result<Option<Vec<f64>>, Error> {
        let known = |param: &Param| match param {
            Param::Number(_) => true,
            Param::Expr(id) => self.statics[id.0 as usize],
        };
        if !params.iter().all(known) {
            return Ok(None);
        }
        let clbits = BitString::zeros(0);
        let scope = Scope { clbits: &clbits, variables: &[], bindings: &[] };
        numbers(self.circuit, name, params, scope).map(Some)
    }

    fn unitary(&mut self, matrix: &Matrix, qubits: &[Qubit], controls: Controls) {
        let places = self.program.layout.places(qubits);
        self.touch(qubits);
        if let Some(apply) = Apply::of_matrix(matrix, &places, controls) {
            self.apply(apply);
        }
    }

    fn diagonal(&mut self, entries: &[Complex64], qubits: &[Qubit]) {
        self.program.n_gates += 1;
        if qubits.len() <= 1 {
            return self.unitary(&Matrix::diagonal(entries), qubits, Controls::NONE);
        }
        let places = self.program.layout.places(qubits).into();
        self.touch(qubits);
        let action = Action::Diagonal { places, entries: entries.into() };
        self.apply(Apply { action, controls: Controls::NONE });
    }

    /// One controlled unitary for each value of the controls.
    fn multiplexer(&mut self, matrices: &[Matrix], qubits: &[Qubit]) {
        self.program.n_gates += 1;
        let n_targets = matrices[0].n_qubits().expect("the circuit was validated") as usize;
        let (targets, controlling) = qubits.split_at(n_targets);
        let places = self.program.layout.places(controlling);
        self.touch(qubits);
        for (value, matrix) in matrices.iter().enumerate() {
            let controls = (0..).zip(&places).fold(Controls::NONE, |controls, (bit, &place)| {
                controls.and(place, value >> bit & 1 == 1)
            });
            self.unitary(matrix, targets, controls);
        }
    }

    fn channel(
        &mut self,
        op: &Op,
        channel: Result<Channel, NoiseError>,
        qubits: &[Qubit],
    ) -> Result<(), Error> {
        let channel = channel.map_err(|error| Error::BadValue {
            instruction: op.name(),
            reason: error.to_string(),
        })?;
        let places = self.program.layout.places(qubits);
        self.touch(qubits);
        self.flush_places(mask(&places));
        let noise = match self.method {
            Method::DensityMatrix => {
                Noise::exact(&channel.superop(), &places, self.program.layout.n_places())
            }
            _ => Noise::drawn(&channel, &places),
        };
        self.push(Step::Noise(noise));
        Ok(())
    }

    fn before_measuring(&mut self, qubit: Qubit) -> Option<usize> {
        let place = self.program.layout.place(qubit)?;
        self.flush_places(1 << place);
        self.fresh[place] = false;
        Some(place)
    }

    fn reset(&mut self, qubit: Qubit) {
        let Some(place) = self.program.layout.place(qubit) else { return };
        if !self.fresh[place] {
            self.flush_places(1 << place);
            if self.method == Method::DensityMatrix {
                let channel = Channel::amplitude_damping(1.0).expect("1 is a probability");
                let n_places = self.program.layout.n_places();
                let reset = Noise::exact(&channel.superop(), &[place], n_places);
                self.push(Step::Noise(reset));
            } else {
                self.push(Step::Reset(place));
            }
            self.fresh[place] = true;
        }
    }

    fn initialize(&mut self, state: &Initialize, qubits: &[Qubit]) {
        qubits.iter().for_each(|&qubit| self.reset(qubit));
        let places: Box<[usize]> = self.program.layout.places(qubits).into();
        let amplitudes = state.amplitudes().expect("the circuit was validated");
        let amplitudes =
            amplitudes.iter().map(|c| Complex::new(T::narrow(c.re), T::narrow(c.im))).collect();
        self.push(Step::Prepare { places, amplitudes });
        self.touch(qubits);
    }

    fn touch(&mut self, qubits: &[Qubit]) {
        for qubit in qubits {
            if let Some(place) = self.program.layout.place(*qubit) {
                self.fresh[place] = false;
            }
        }
    }

    fn apply(&mut self, apply: Apply<f64>) {
        let steps = &mut self.program.steps;
        self.waiting.take(apply, |apply| steps.push(Step::Apply(apply.narrow())));
    }

    fn flush_places(&mut self, mask: usize) {
        let all = (1_usize << self.program.layout.n_places()) - 1;
        let steps = &mut self.program.steps;
        self.waiting.flush(mask & all, |apply| steps.push(Step::Apply(apply.narrow())));
    }

    fn flush_phase(&mut self) {
        let steps = &mut self.program.steps;
        self.waiting.flush_phase(|apply| steps.push(Step::Apply(apply.narrow())));
    }

    fn flush_all(&mut self) {
        self.flush_places(usize::MAX);
        self.flush_phase();
    }

    fn slot(&mut self) -> usize {
        self.program.n_slots += 1;
        self.program.n_slots - 1
    }

    fn here(&self) -> usize {
        self.program.steps.len()
    }

    fn push(&mut self, step: Step<T>) -> usize {
        self.program.steps.push(step);
        self.program.steps.len() - 1
    }

    fn patch_here(&mut self, jump: usize) {
        self.patch(jump, self.here());
    }

    fn patch(&mut self, jump: usize, target: usize) {
        match &mut self.program.steps[jump] {
            Step::Jump(to)
            | Step::JumpUnless { to, .. }
            | Step::JumpUnlessCase { to, .. }
            | Step::ForNext { exit: to, .. } => *to = target,
            step => unreachable!("{step:?} does not jump"),
        }
    }
}

/// The numbers of a gate's parameters.
pub(super) fn numbers(
    circuit: &Circuit,
    name: &str,
    params: &[Param],
    scope: Scope<'_>,
) -> Result<Vec<f64>, Error> {
    let number = |param: &Param| {
        let evaluated = circuit.number(*param, scope);
        let number = evaluated.map_err(|source: EvaluateError| Error::Evaluate {
            instruction: name.to_owned(),
            source,
        })?;
        if number.is_finite() {
            return Ok(number);
        }
        let reason = format!("a parameter is {number}, expected a finite number");
        Err(Error::BadValue { instruction: name.to_owned(), reason })
    };
    params.iter().map(number).collect()
}

impl<T: Real> Program<'_, T> {
    /// The unitary of the gate at `index`, whose parameters depend on classical values; `None` for
    /// the identity.
    pub(crate) fn dynamic(
        &self,
        index: usize,
        scope: Scope<'_>,
    ) -> Result<Option<Apply<T>>, Error> {
        let instruction = self.circuit.instruction(index);
        let Op::Gate(gate) = instruction.op else {
            unreachable!("only gates have parameters that are evaluated late")
        };
        let numbers = numbers(self.circuit, &gate.name(), instruction.params, scope)?;
        let places = self.places(instruction.qubits);
        Ok(Apply::of_gate(*gate, &numbers, &places).map(|apply| apply.narrow()))
    }
}
