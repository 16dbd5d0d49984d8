//! From what a file says to a circuit: the meaning of a program.

mod bits;
mod classical;
mod control;
mod custom;
mod evolution;
mod formula;
mod gate;
mod library;
mod modifier;
mod prepare;

use std::collections::{HashMap, HashSet};

use ketch_interface::{
    Circuit,
    circuit::{Clbit, Gate, GateOp, Op, Param, Qubit},
};

use crate::{
    ClassicalRegister, Error, Inputs, Program,
    model::{self, Condition, Instruction, Value},
};
use bits::Wires;
use classical::Var;
use formula::Bound;
use modifier::Step;

/// How many gates and operands definitions and loops may become that a file does not spell out, in
/// all of its circuits together. Each byte of the file adds one.
pub const MAX_EXPANSION: u64 = 1 << 23;

/// A loop of at most this many rounds is unrolled, unless something jumps out of it.
pub const MAX_UNROLLED: u64 = 1024;

/// Loops in loops are unrolled up to this many rounds together.
pub const MAX_UNROLLED_TOGETHER: u64 = 1 << 16;

/// How deep definitions may use each other.
const MAX_CALLS: u32 = 64;

/// Why lowering stopped, and at which instruction.
#[derive(Debug)]
struct Stop {
    instruction: Option<String>,
    reason: String,
}

type Lower<T> = Result<T, Box<Stop>>;

#[cold]
fn fail<T>(reason: impl Into<String>) -> Lower<T> {
    Err(Box::new(Stop { instruction: None, reason: reason.into() }))
}

/// A circuit of the file, on bits of the whole.
#[derive(Debug)]
struct Frame<'m> {
    circuit: &'m model::Circuit<'m>,
    qubits: Wires,
    clbits: Wires,
}

/// A circuit being made.
struct Lowerer<'m> {
    circuit: Circuit,
    inputs: &'m Inputs,
    /// Those of them that the circuit has.
    used: Vec<String>,
    /// What symbols stand for within loops.
    bound: HashMap<u128, Bound>,
    variables: HashMap<u128, Var>,
    /// Where gates go that are to be changed before they become instructions.
    steps: Option<Vec<Step>>,
    /// Qubits that may be in another state than |0>.
    touched: HashSet<u32>,
    /// How many definitions and unrolled loops are around.
    expansion: u32,
    /// How many definitions are around.
    calls: u32,
    /// How many blocks of the circuit are around, and how many of them are loops.
    blocks: u32,
    loops: u32,
    /// The product of the rounds of the unrolled loops around.
    rounds: u64,
    /// What is left of [`MAX_EXPANSION`].
    left: u64,
}

/// Makes programs of the circuits of a file of so many bytes.
pub(crate) fn programs(
    models: &[model::Circuit<'_>],
    inputs: &Inputs,
    size: usize,
) -> Result<Vec<Program>, Error> {
    // Small circuits in a file are many. What they become together is what takes the memory.
    let mut left = MAX_EXPANSION + size as u64;
    models.iter().map(|model| program(model, inputs, &mut left)).collect()
}

/// Makes a program of a circuit, and takes what it becomes from what is left.
fn program(model: &model::Circuit<'_>, inputs: &Inputs, left: &mut u64) -> Result<Program, Error> {
    let name = || model.name.to_owned();
    let mut lowerer = Lowerer {
        circuit: Circuit::default().named(model.name),
        inputs,
        used: Vec::new(),
        bound: HashMap::new(),
        variables: HashMap::new(),
        steps: None,
        touched: HashSet::new(),
        expansion: 0,
        calls: 0,
        blocks: 0,
        loops: 0,
        rounds: 1,
        left: *left,
    };
    let registers = lowerer.whole(model).map_err(|stop| match stop.instruction {
        Some(instruction) => {
            Error::Unsupported { circuit: name(), instruction, reason: stop.reason }
        }
        None => Error::Unrunnable { circuit: name(), reason: stop.reason },
    })?;
    let Lowerer { circuit, used, .. } = lowerer;
    *left = lowerer.left;
    circuit.validate().map_err(|source| Error::Invalid { circuit: name(), source })?;
    Ok(Program { circuit, registers, inputs: used })
}

impl<'m> Lowerer<'m> {
    fn whole(&mut self, model: &'m model::Circuit<'m>) -> Lower<Vec<ClassicalRegister>> {
        let registers = self.classical_registers(model)?;
        bits::registers(&mut self.circuit, model);
        for name in formula::parameters(model) {
            self.circuit.parameter(&name);
        }
        let frame = Frame {
            circuit: model,
            qubits: Wires::All(model.n_qubits),
            clbits: Wires::All(model.n_clbits),
        };
        self.body(&frame)?;
        Ok(registers)
    }

    /// The variables, the phase and the instructions of a circuit.
    fn body(&mut self, frame: &Frame<'m>) -> Lower<()> {
        self.declare(frame)?;
        self.phase(&frame.circuit.global_phase)?;
        for instruction in &frame.circuit.instructions {
            self.instruction(frame, instruction).map_err(|mut stop| {
                stop.instruction.get_or_insert_with(|| shown(instruction.name).to_owned());
                stop
            })?;
        }
        Ok(())
    }

    fn instruction(&mut self, frame: &Frame<'m>, instruction: &'m Instruction<'m>) -> Lower<()> {
        self.step(instruction.size())?;
        let qubits = frame.qubits.on(&instruction.qubits, "qubit")?;
        let clbits = frame.clbits.on(&instruction.clbits, "clbit")?;
        match &instruction.condition {
            Some(condition) if !matches!(instruction.name, "IfElseOp" | "WhileLoopOp") => {
                // What only Qiskit 1 writes.
                let condition = self.condition(frame, condition)?;
                self.check_whole("a condition")?;
                let block = self.circuit.open_if(condition);
                self.blocks += 1;
                self.operation(frame, instruction, &qubits, &clbits)?;
                self.blocks -= 1;
                self.circuit.close_block(block);
                Ok(())
            }
            _ => self.operation(frame, instruction, &qubits, &clbits),
        }
    }

    /// An instruction on bits of the whole, without its condition.
    fn operation(
        &mut self,
        frame: &Frame<'m>,
        instruction: &'m Instruction<'m>,
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<()> {
        if let Some(custom) = frame.circuit.customs.get(instruction.name) {
            return self.custom(frame, instruction, custom, qubits, clbits);
        }
        if self.standard_gate(instruction, qubits)? || self.library(instruction, qubits, clbits)? {
            return Ok(());
        }
        let params = &instruction.params;
        match instruction.name {
            "Measure" => self.push(Op::Measure, qubits, clbits, &[]),
            "Reset" => self.reset(qubits),
            "Barrier" => self.push(Op::Barrier, qubits, &[], &[]),
            "Delay" => self.delay(frame, params, qubits),
            "IfElseOp" => self.if_else(frame, instruction, qubits, clbits),
            "WhileLoopOp" => self.while_loop(frame, instruction, qubits, clbits),
            "ForLoopOp" => self.for_loop(params, qubits, clbits),
            "SwitchCaseOp" => self.switch(frame, params, qubits, clbits),
            "BoxOp" => match params.first() {
                Some(Value::Circuit(body)) => self.inline(body, qubits, clbits),
                _ => fail("a box without a body"),
            },
            "BreakLoopOp" => self.push(Op::Break, &[], &[], &[]),
            "ContinueLoopOp" => self.push(Op::Continue, &[], &[], &[]),
            "Store" => self.store(frame, params),
            _ => fail("no instruction that is known here, and the file does not define it"),
        }
    }

    /// The instructions of a circuit of the file, on these bits.
    fn inline(
        &mut self,
        body: &'m model::Circuit<'m>,
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<()> {
        let fits = body.n_qubits as usize == qubits.len() && body.n_clbits as usize == clbits.len();
        if !fits {
            let (q, c) = (body.n_qubits, body.n_clbits);
            let found = format!("{} and {}", qubits.len(), clbits.len());
            return fail(format!("a body on {q} qubits and {c} clbits that is put on {found}"));
        }
        let (qubits, clbits) = (qubits.to_vec(), clbits.to_vec());
        self.step(1 + (qubits.len() + clbits.len()) as u64)?;
        let frame =
            Frame { circuit: body, qubits: Wires::These(qubits), clbits: Wires::These(clbits) };
        self.body(&frame)
    }

    /// Counts work that the file does not spell out.
    fn step(&mut self, steps: u64) -> Lower<()> {
        if self.expansion > 0 {
            return self.charge(steps);
        }
        Ok(())
    }

    fn charge(&mut self, steps: u64) -> Lower<()> {
        match self.left.checked_sub(steps) {
            Some(left) => self.left = left,
            None => {
                return fail(format!("definitions and loops of more than {MAX_EXPANSION} steps"));
            }
        }
        Ok(())
    }

    /// Appends an instruction, or adds it to those that are to be changed.
    fn push(&mut self, op: Op, qubits: &[u32], clbits: &[u32], params: &[Param]) -> Lower<()> {
        if !matches!(op, Op::Barrier | Op::Delay(_) | Op::Reset) {
            self.touched.extend(qubits);
        }
        let qubits: Vec<Qubit> = qubits.iter().copied().map(Qubit).collect();
        if self.steps.is_some() {
            let step = Step { op, qubits, params: params.to_vec() };
            return self.keep(step);
        }
        let clbits: Vec<Clbit> = clbits.iter().copied().map(Clbit).collect();
        self.circuit.push(op, &qubits, &clbits, params).or_else(|error| fail(error.to_string()))
    }

    /// Adds a gate to those that are to be changed, after the checks that an instruction gets.
    fn keep(&mut self, step: Step) -> Lower<()> {
        if !step.is_unitary() {
            return fail(format!("`{}` cannot be inverted or controlled", step.op.name()));
        }
        let mark = self.circuit.mark();
        let checked = self.circuit.push(step.op.clone(), &step.qubits, &[], &step.params);
        self.circuit.rewind(&mark);
        checked.or_else(|error| fail(error.to_string()))?;
        self.steps.get_or_insert_default().push(step);
        Ok(())
    }

    /// A gate of the table.
    fn gate(&mut self, gate: Gate, controls: u16, qubits: &[u32], params: &[Param]) -> Lower<()> {
        self.push(Op::Gate(GateOp::new(gate, controls)), qubits, &[], params)
    }

    /// Nothing is to be changed before it becomes an instruction.
    fn check_whole(&self, what: &str) -> Lower<()> {
        match &self.steps {
            None => Ok(()),
            Some(_) => fail(format!("{what} cannot be inverted or controlled")),
        }
    }

    fn condition(
        &mut self,
        frame: &Frame<'m>,
        condition: &'m Condition<'m>,
    ) -> Lower<ketch_interface::circuit::ExprId> {
        match condition {
            Condition::Equals(storage, value) => self.equals(frame, *storage, *value),
            Condition::Expression(expression) => self.run_time(frame, expression),
        }
    }

    fn reset(&mut self, qubits: &[u32]) -> Lower<()> {
        self.push(Op::Reset, qubits, &[], &[])?;
        if self.blocks == 0 {
            for qubit in qubits {
                self.touched.remove(qubit);
            }
        }
        Ok(())
    }

    /// A phase of all that is around.
    fn phase(&mut self, value: &Value<'m>) -> Lower<()> {
        match self.param(value)? {
            Param::Number(0.0) => Ok(()),
            Param::Number(phase) if self.steps.is_none() && self.blocks == 0 => {
                self.circuit.global_phase += phase;
                Ok(())
            }
            param => self.gate(Gate::GlobalPhase, 0, &[], &[param]),
        }
    }
}

/// The name of an instruction without what makes it unique in a file.
fn shown(name: &str) -> &str {
    let unique = |text: &str| {
        let plain: usize = text.bytes().filter(|byte| *byte != b'-').count();
        let number = text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        number && !text.is_empty()
            || plain == 32 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    };
    let name = name.trim_start_matches('#');
    match name.rsplit_once('_') {
        Some((name, suffix)) if !name.is_empty() && unique(suffix) => name,
        _ => name,
    }
}
