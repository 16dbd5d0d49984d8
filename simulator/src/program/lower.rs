//! From circuit to program: what is the same for all engines.

use ketch_interface::{
    BitString,
    circuit::{
        BlockId, Circuit, EvaluateError, Gate, GateOp, Instruction, Op, Param, Qubit, Scope,
    },
};

use super::{Layout, Program, Step};
use crate::Error;

/// How an engine lowers quantum instructions to its own operations.
///
/// It may keep back what it is given, to merge it with what comes; `flush` gives it out. What it
/// keeps back never stands behind a jump or in front of a jump's target.
pub(crate) trait Lower {
    /// The engine's operations.
    type Op: std::fmt::Debug;

    /// A gate of the table other than the identity. `places` are its controls, then its targets.
    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize], out: &mut Vec<Step<Self::Op>>);

    /// A phase of the whole state, in radians.
    fn global_phase(&mut self, phase: f64, out: &mut Vec<Step<Self::Op>>);

    /// A quantum instruction that is neither gate nor measurement: unitaries, diagonals,
    /// multiplexers, Pauli strings, channels, resets, initializations.
    fn instruction(
        &mut self,
        instruction: Instruction<'_>,
        layout: &Layout,
        out: &mut Vec<Step<Self::Op>>,
    ) -> Result<(), Error>;

    /// Gives out all that was kept back and acts on these places.
    fn flush(&mut self, places: &[usize], out: &mut Vec<Step<Self::Op>>);

    /// Gives out all that was kept back.
    fn flush_all(&mut self, out: &mut Vec<Step<Self::Op>>);

    /// Gives out all that was kept back and can be seen at the end of the circuit.
    fn finish(&mut self, out: &mut Vec<Step<Self::Op>>) {
        self.flush_all(out);
    }

    /// Nothing is known of these places any more: something acts on them that the engine was not
    /// given, a measurement or a gate with late parameters.
    fn forget(&mut self, places: &[usize]);

    /// Nothing is known of any place: steps may be jumped to from elsewhere.
    fn forget_all(&mut self);
}

/// Lowers a circuit that [`check`](crate::check) has accepted.
///
/// `measures`: the method has outcomes; measurements are left out otherwise.
pub(crate) fn lower<'c, L: Lower>(
    circuit: &'c Circuit,
    layout: Layout,
    measures: bool,
    engine: L,
) -> Result<Program<'c, L::Op>, Error> {
    let mut lowering = Lowering {
        circuit,
        measures,
        engine,
        statics: statics(circuit),
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
        lowering.engine.global_phase(circuit.global_phase, &mut lowering.program.steps);
    }
    lowering.block(None)?;
    lowering.engine.finish(&mut lowering.program.steps);
    let end = lowering.program.steps.len();
    let ends = std::mem::take(&mut lowering.ends);
    ends.into_iter().for_each(|jump| lowering.patch(jump, end));
    Ok(lowering.program)
}

/// Whether each expression is known before the circuit runs.
fn statics(circuit: &Circuit) -> Vec<bool> {
    let mut statics: Vec<bool> = Vec::with_capacity(circuit.expressions().len());
    for expr in circuit.expressions() {
        let known = !expr.reads_storage() && expr.operands().all(|id| statics[id.0 as usize]);
        statics.push(known);
    }
    statics
}

struct Lowering<'c, L: Lower> {
    circuit: &'c Circuit,
    measures: bool,
    engine: L,
    statics: Vec<bool>,
    loops: Vec<Loop>,
    /// Jumps to the end of the program.
    ends: Vec<usize>,
    program: Program<'c, L::Op>,
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

impl<L: Lower> Lowering<'_, L> {
    fn block(&mut self, block: Option<BlockId>) -> Result<(), Error> {
        let circuit = self.circuit;
        circuit.block(block).try_for_each(|(index, instruction)| self.step(index, instruction))
    }

    fn step(&mut self, index: usize, instruction: Instruction<'_>) -> Result<(), Error> {
        let Instruction { op, qubits, clbits, params } = instruction;
        match op {
            Op::Gate(gate) => self.gate(index, *gate, qubits, params)?,
            Op::Unitary(_) | Op::Diagonal(_) | Op::Multiplexer(_) | Op::Pauli(_) => {
                self.program.n_gates += 1;
                self.quantum(instruction)?;
            }
            Op::Kraus(_) | Op::Superop(_) | Op::Reset | Op::Initialize(_) => {
                self.quantum(instruction)?;
            }
            Op::Barrier | Op::Delay(_) => {}
            Op::Measure if !self.measures => self.program.n_left_out += qubits.len(),
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
            Op::ReadoutError(_) => {
                self.push(Step::ReadoutError(index));
            }
            Op::SetState(_) => {
                self.flush_all();
                self.engine.forget_all();
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
            Op::StoreBit { var, index, value } => {
                self.push(Step::StoreBit { var: *var, index: *index, value: *value });
            }
            Op::StoreClbit { .. } => {
                self.push(Step::StoreClbit(index));
            }
            Op::StoreElement(_) => {
                self.push(Step::StoreElement(index));
            }
            _ => {
                self.flush_all();
                self.engine.forget_all();
                self.control_flow(index, op)?;
                self.flush_all();
                self.engine.forget_all();
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
        self.engine.forget_all();
        self.block(Some(block))?;
        self.flush_all();
        Ok(())
    }

    fn gate(
        &mut self,
        index: usize,
        gate: GateOp,
        qubits: &[Qubit],
        params: &[Param],
    ) -> Result<(), Error> {
        self.program.n_gates += 1;
        if matches!(gate.gate, Gate::Id | Gate::U0) {
            return Ok(());
        }
        let places = self.program.layout.places(qubits);
        match self.numbers(&gate, params)? {
            Some(numbers) => {
                self.engine.gate(gate, &numbers, &places, &mut self.program.steps);
            }
            None => {
                self.engine.flush(&places, &mut self.program.steps);
                self.engine.forget(&places);
                self.push(Step::Dynamic(index));
            }
        }
        Ok(())
    }

    /// The numbers of the parameters; `None` if one depends on classical values.
    fn numbers(&self, gate: &GateOp, params: &[Param]) -> Result<Option<Vec<f64>>, Error> {
        let known = |param: &Param| match param {
            Param::Number(_) => true,
            Param::Expr(id) => self.statics[id.0 as usize],
        };
        if !params.iter().all(known) {
            return Ok(None);
        }
        let clbits = BitString::zeros(0);
        let scope = Scope { clbits: &clbits, variables: &[], bindings: &[] };
        numbers(self.circuit, *gate, params, scope).map(Some)
    }

    fn quantum(&mut self, instruction: Instruction<'_>) -> Result<(), Error> {
        let Program { layout, steps, .. } = &mut self.program;
        self.engine.instruction(instruction, layout, steps)
    }

    fn before_measuring(&mut self, qubit: Qubit) -> Option<usize> {
        let place = self.program.layout.place(qubit)?;
        self.engine.flush(&[place], &mut self.program.steps);
        self.engine.forget(&[place]);
        Some(place)
    }

    fn flush_all(&mut self) {
        self.engine.flush_all(&mut self.program.steps);
    }

    fn slot(&mut self) -> usize {
        self.program.n_slots += 1;
        self.program.n_slots - 1
    }

    fn here(&self) -> usize {
        self.program.steps.len()
    }

    fn push(&mut self, step: Step<L::Op>) -> usize {
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
///
/// # Errors
/// [`Error::Evaluate`], or [`Error::BadValue`] for a number that is not finite.
pub(crate) fn numbers(
    circuit: &Circuit,
    gate: GateOp,
    params: &[Param],
    scope: Scope<'_>,
) -> Result<Vec<f64>, Error> {
    let number = |param: &Param| {
        let evaluated = circuit.number(*param, scope);
        let number = evaluated.map_err(|source: EvaluateError| Error::Evaluate {
            instruction: gate.name(),
            source,
        })?;
        if number.is_finite() {
            return Ok(number);
        }
        let reason = format!("a parameter is {number}, expected a finite number");
        Err(Error::BadValue { instruction: gate.name(), reason })
    };
    params.iter().map(number).collect()
}
