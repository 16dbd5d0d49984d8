//! Circuits as OpenQASM 2 programs.
//!
//! Gates that `qelib1.inc` has, in the form that Qiskit ships, are written by name; the others
//! with a definition at the head of the program, which any reader of OpenQASM 2 understands.
//! Global phases are dropped: the language has none.

use std::{collections::HashMap, fmt::Write};

use ketch_interface::{
    BitString, Circuit,
    circuit::{
        Binary, BlockId, CircuitError, EvaluateError, Expr, ExprId, Gate, GateOp, Instruction,
        Library, Op, Param, Qubit, Register, Scope, Spelling, Value,
    },
};

use super::{
    definitions::Body,
    lower::{euler, lower},
    names::is_reserved,
};
use crate::unique::UniqueNames;

/// The most controls of a gate that is written by a definition.
pub const MAX_WRITTEN_CONTROLS: u16 = 32;

/// A circuit that OpenQASM 2 cannot say.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// An instruction has no counterpart.
    #[error("cannot write `{instruction}` in OpenQASM 2: {reason}")]
    Unsupported {
        /// The instruction.
        instruction: String,
        /// Why.
        reason: String,
    },
    /// A parameter has no number yet.
    #[error("cannot write `{instruction}` in OpenQASM 2: parameter `{parameter}` has no value")]
    Unbound {
        /// The instruction.
        instruction: String,
        /// The parameter.
        parameter: String,
    },
    /// The circuit is not valid.
    #[error("cannot write a circuit that is not valid")]
    Invalid(#[from] CircuitError),
}

/// Writes a circuit as an OpenQASM 2 program.
///
/// Registers keep their names where the language allows it. A unitary of one qubit becomes `u3`;
/// controls that must be 0 get an `x` before and after; a block of several instructions becomes as
/// many `if` statements. Numbers are written with the fewest digits that read back the same.
///
/// # Errors
/// If an instruction, a condition or a parameter has no counterpart, or the circuit is not valid.
pub fn emit_v2(circuit: &Circuit) -> Result<String, EmitError> {
    circuit.validate()?;
    let mut writer = Writer {
        circuit,
        taken: UniqueNames::default(),
        qregs: Vec::new(),
        cregs: Vec::new(),
        head: String::new(),
        body: String::new(),
        defined: HashMap::new(),
        opaque: HashMap::new(),
    };
    writer.declare_opaque()?;
    writer.qregs = writer.register_names(circuit.qregs(), "q");
    writer.cregs = writer.register_names(circuit.cregs(), "c");
    writer.block(None, "")?;
    let mut text = String::from("OPENQASM 2.0;\ninclude \"qelib1.inc\";\n");
    text.push_str(&writer.head);
    for (keyword, registers, names) in
        [("qreg", circuit.qregs(), &writer.qregs), ("creg", circuit.cregs(), &writer.cregs)]
    {
        for (register, name) in registers.iter().zip(names).filter(|(r, _)| r.size > 0) {
            text.push_str(&format!("{keyword} {name}[{}];\n", register.size));
        }
    }
    text.push_str(&writer.body);
    Ok(text)
}

struct Writer<'a> {
    circuit: &'a Circuit,
    /// Names that mean something in the program.
    taken: UniqueNames,
    qregs: Vec<String>,
    cregs: Vec<String>,
    /// Definitions.
    head: String,
    body: String,
    /// The names of gates that were defined for these parameters (their bits).
    defined: HashMap<(GateOp, Vec<u64>), String>,
    /// Numbers of parameters and qubits by name.
    opaque: HashMap<&'a str, (usize, usize)>,
}

impl<'a> Writer<'a> {
    fn declare_opaque(&mut self) -> Result<(), EmitError> {
        for instruction in self.circuit.instructions() {
            let Op::Opaque(name) = instruction.op else { continue };
            let counts = (instruction.params.len(), instruction.qubits.len());
            let refused = |reason| Err(unsupported(&instruction, reason));
            match self.opaque.get(&**name) {
                Some(&known) if known == counts => continue,
                Some(_) => return refused("it has different numbers of operands at each use"),
                None if !is_name(name) => return refused("that is not a name of the language"),
                None if is_reserved(name) => return refused("the name means another gate"),
                None if counts.1 == 0 => return refused("it acts on no qubit"),
                None if !instruction.clbits.is_empty() => {
                    return refused("an opaque gate acts on qubits only");
                }
                None => {}
            }
            let numbered = |letter: char, n: usize| {
                (0..n).map(|i| format!("{letter}{i}")).collect::<Vec<_>>().join(",")
            };
            let params = match counts.0 {
                0 => String::new(),
                n => format!("({})", numbered('p', n)),
            };
            self.head.push_str(&format!("opaque {name}{params} {};\n", numbered('q', counts.1)));
            self.opaque.insert(name, counts);
            self.taken.insert((**name).to_owned());
        }
        Ok(())
    }

    /// Names that the language allows and that stand for one thing each.
    fn register_names(&mut self, registers: &[Register], default: &str) -> Vec<String> {
        let mut name = |register: &Register| {
            let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
            let mut name: String = register.name.chars().map(allowed).collect();
            match name.chars().next() {
                Some('a'..='z') => {}
                Some('A'..='Z') => name[..1].make_ascii_lowercase(),
                _ => name.insert_str(0, default),
            }
            self.taken.take(name, is_reserved)
        };
        registers.iter().map(&mut name).collect()
    }

    fn block(&mut self, block: Option<BlockId>, prefix: &str) -> Result<(), EmitError> {
        let circuit = self.circuit;
        for (_, instruction) in circuit.block(block) {
            match instruction.op {
                Op::If { condition, then, otherwise: None } if prefix.is_empty() => {
                    self.conditional(&instruction, *condition, *then)?;
                }
                Op::If { otherwise: Some(_), .. } => {
                    return Err(unsupported(&instruction, "`if` has no else branch"));
                }
                Op::If { .. } => return Err(unsupported(&instruction, "`if` cannot be nested")),
                Op::Barrier if !prefix.is_empty() => {
                    return Err(unsupported(&instruction, "`if` cannot hold a barrier"));
                }
                _ => self.instruction(&instruction, prefix)?,
            }
        }
        Ok(())
    }

    /// One `if` statement for each statement of the block.
    fn conditional(
        &mut self,
        instruction: &Instruction<'_>,
        condition: ExprId,
        then: BlockId,
    ) -> Result<(), EmitError> {
        let Some((register, value)) = self.register_and_value(condition) else {
            let reason = "the condition must compare a classical register with a number";
            return Err(unsupported(instruction, reason));
        };
        let bits = self.circuit.cregs()[register].bits();
        let prefix = format!("if({}=={}) ", self.cregs[register], decimal(&value));
        self.block(Some(then), &prefix)?;
        // Each statement asks again, so only the last one may change the answer.
        let n_instructions = self.circuit.block(Some(then)).count();
        let wrong = self.circuit.block(Some(then)).enumerate().any(|(i, (_, inner))| {
            let last = i + 1 == n_instructions && self.is_one_statement(&inner);
            !last && inner.clbits.iter().any(|clbit| bits.contains(&clbit.0))
        });
        match wrong {
            true => {
                let reason = "its block changes the register that the condition is about";
                Err(unsupported(instruction, reason))
            }
            false => Ok(()),
        }
    }

    /// The classical register, by its place, and the number that a condition compares.
    fn register_and_value(&self, condition: ExprId) -> Option<(usize, BitString)> {
        let expression = |id| self.circuit.expression(id);
        let &Expr::Binary(Binary::Equal, a, b) = expression(condition) else { return None };
        let (start, size, value) = match (expression(a), expression(b)) {
            (Expr::Clbits { start, size }, Expr::Literal(Value::Uint(value)))
            | (Expr::Literal(Value::Uint(value)), Expr::Clbits { start, size }) => {
                (*start, *size, value.clone())
            }
            _ => return None,
        };
        let same = |register: &Register| register.start == start && register.size == size;
        Some((self.circuit.cregs().iter().position(same)?, value))
    }

    fn instruction(
        &mut self,
        instruction: &Instruction<'a>,
        prefix: &str,
    ) -> Result<(), EmitError> {
        match instruction.op {
            Op::Gate(op) => self.gate(instruction, *op, prefix),
            Op::Measure => {
                self.measure(instruction, prefix);
                Ok(())
            }
            Op::Reset => {
                for operand in self.operands(instruction.qubits) {
                    self.statement(prefix, "reset", &[], &operand);
                }
                Ok(())
            }
            Op::Barrier if instruction.qubits.is_empty() => Ok(()),
            Op::Barrier => {
                let operands = self.operands(instruction.qubits).join(",");
                self.statement(prefix, "barrier", &[], &operands);
                Ok(())
            }
            Op::Opaque(name) => {
                let params = self.numbers(instruction)?;
                let operands = self.bits(instruction.qubits);
                self.statement(prefix, name, &params, &operands);
                Ok(())
            }
            Op::Unitary(unitary) if unitary.value.dim() == 2 => {
                let [theta, phi, lambda, _] = euler(&unitary.value);
                let operands = self.bits(instruction.qubits);
                self.statement(prefix, "u3", &[theta, phi, lambda], &operands);
                Ok(())
            }
            Op::Unitary(_) => {
                let reason = "only unitaries of one qubit can be written";
                Err(unsupported(instruction, reason))
            }
            Op::Pauli(letters) => {
                for (letter, qubit) in letters.chars().rev().zip(instruction.qubits) {
                    let name = letter.to_ascii_lowercase().to_string();
                    if letter != 'I' {
                        let operand = self.bits(&[*qubit]);
                        self.statement(prefix, &name, &[], &operand);
                    }
                }
                Ok(())
            }
            _ => Err(unsupported(instruction, "the language has no such instruction")),
        }
    }

    fn gate(
        &mut self,
        instruction: &Instruction<'_>,
        op: GateOp,
        prefix: &str,
    ) -> Result<(), EmitError> {
        let params = self.numbers(instruction)?;
        if op.gate == Gate::GlobalPhase && op.controls == 0 {
            return Ok(());
        }
        if op.gate == Gate::PhasedU && op.controls == 0 {
            let operands = self.bits(instruction.qubits);
            self.statement(prefix, "u3", &params[..3], &operands);
            return Ok(());
        }
        let closed = GateOp::new(op.gate, op.controls);
        let name = self.gate_name(instruction, closed, &params)?;
        // The name of a definition with its parameters built in takes none.
        let takes_params = Spelling::by_name(&name).is_some();
        let pattern = op.state.bits(op.controls);
        let open: Vec<Qubit> = match op.state.is_all() {
            true => Vec::new(),
            false => {
                let controls = instruction.qubits[..usize::from(op.controls)].iter().enumerate();
                controls.filter(|(i, _)| pattern >> i & 1 == 0).map(|(_, q)| *q).collect()
            }
        };
        let operands = self.bits(instruction.qubits);
        for qubit in &open {
            let operand = self.bits(&[*qubit]);
            self.statement(prefix, "x", &[], &operand);
        }
        self.statement(prefix, &name, if takes_params { &params } else { &[] }, &operands);
        for qubit in &open {
            let operand = self.bits(&[*qubit]);
            self.statement(prefix, "x", &[], &operand);
        }
        Ok(())
    }

    /// The name of a gate in the program; defines it if that is needed.
    fn gate_name(
        &mut self,
        instruction: &Instruction<'_>,
        op: GateOp,
        params: &[f64],
    ) -> Result<String, EmitError> {
        if let Some(spelling) = Spelling::of(op.gate, op.controls, Library::Qelib1) {
            return Ok(spelling.name.to_owned());
        }
        let body = Spelling::of(op.gate, op.controls, Library::Later)
            .and_then(|spelling| Body::of(spelling.name));
        if let Some(body) = body {
            if self.defined.insert((op, Vec::new()), body.name.to_owned()).is_none() {
                self.head.push_str(&body.text());
                self.head.push('\n');
            }
            return Ok(body.name.to_owned());
        }
        if op.controls > MAX_WRITTEN_CONTROLS {
            let reason = format!("it has more than {MAX_WRITTEN_CONTROLS} controls");
            return Err(unsupported(instruction, &reason));
        }
        let key = (op, params.iter().map(|param| param.to_bits()).collect());
        if let Some(name) = self.defined.get(&key) {
            return Ok(name.clone());
        }
        let name = self.define(op, params);
        self.defined.insert(key, name.clone());
        Ok(name)
    }

    /// Defines a gate for its very parameters.
    fn define(&mut self, op: GateOp, params: &[f64]) -> String {
        let name = self.taken.take(format!("c{}{}", op.controls, op.gate.name()), is_reserved);
        let qubit = |number: &usize| format!("q{number}");
        let qubits: Vec<String> = (0..op.n_qubits()).map(|number| qubit(&number)).collect();
        self.head.push_str(&format!("gate {name} {} {{\n", qubits.join(",")));
        for step in lower(op, params) {
            let operands: Vec<String> = step.qubits.iter().map(qubit).collect();
            let params = parenthesised(&step.params);
            self.head.push_str(&format!("  {}{params} {};\n", step.name, operands.join(",")));
        }
        self.head.push_str("}\n");
        name
    }

    fn measure(&mut self, instruction: &Instruction<'_>, prefix: &str) {
        if let Some((from, to)) = self.whole_registers(instruction) {
            let operands = format!("{} -> {}", self.qregs[from], self.cregs[to]);
            self.statement(prefix, "measure", &[], &operands);
            return;
        }
        for (qubit, clbit) in instruction.qubits.iter().zip(instruction.clbits) {
            let from = bit(self.circuit.qregs(), &self.qregs, qubit.0);
            let to = bit(self.circuit.cregs(), &self.cregs, clbit.0);
            self.statement(prefix, "measure", &[], &format!("{from} -> {to}"));
        }
    }

    /// The registers, by place, whose bits a measurement names, all and in order.
    fn whole_registers(&self, instruction: &Instruction<'_>) -> Option<(usize, usize)> {
        let qubits = instruction.qubits.iter().map(|qubit| qubit.0);
        let clbits = instruction.clbits.iter().map(|clbit| clbit.0);
        Some((whole(self.circuit.qregs(), qubits)?, whole(self.circuit.cregs(), clbits)?))
    }

    fn is_one_statement(&self, measurement: &Instruction<'_>) -> bool {
        measurement.clbits.len() <= 1 || self.whole_registers(measurement).is_some()
    }

    fn statement(&mut self, prefix: &str, name: &str, params: &[f64], operands: &str) {
        let params = parenthesised(params);
        writeln!(self.body, "{prefix}{name}{params} {operands};").expect("strings take all text");
    }

    /// Bits, and registers in place of all their bits.
    fn operands(&self, qubits: &[Qubit]) -> Vec<String> {
        let registers = self.circuit.qregs();
        let numbers: Vec<u32> = qubits.iter().map(|qubit| qubit.0).collect();
        let mut operands = Vec::new();
        let mut rest = &numbers[..];
        while let Some(&first) = rest.first() {
            let place = registers.iter().position(|r| r.size > 1 && r.start == first);
            let run = place.filter(|&place| {
                let bits = registers[place].bits();
                rest.len() >= bits.len() && bits.zip(rest).all(|(a, b)| a == *b)
            });
            let length = match run {
                Some(place) => {
                    operands.push(self.qregs[place].clone());
                    registers[place].size as usize
                }
                None => {
                    operands.push(bit(registers, &self.qregs, first));
                    1
                }
            };
            rest = &rest[length..];
        }
        operands
    }

    fn bits(&self, qubits: &[Qubit]) -> String {
        let name = |qubit: &Qubit| bit(self.circuit.qregs(), &self.qregs, qubit.0);
        qubits.iter().map(name).collect::<Vec<_>>().join(",")
    }

    fn numbers(&self, instruction: &Instruction<'_>) -> Result<Vec<f64>, EmitError> {
        instruction.params.iter().map(|param| self.number(instruction, *param)).collect()
    }

    fn number(&self, instruction: &Instruction<'_>, param: Param) -> Result<f64, EmitError> {
        if let Param::Expr(id) = param
            && self.depends_on_the_run(id)
        {
            let reason = "a parameter depends on what is measured or stored";
            return Err(unsupported(instruction, reason));
        }
        let scope = Scope { clbits: &BitString::default(), variables: &[], bindings: &[] };
        match self.circuit.number(param, scope) {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(unsupported(instruction, "a parameter is not finite")),
            Err(EvaluateError::Unbound { name }) => {
                let instruction = instruction.op.name();
                Err(EmitError::Unbound { instruction, parameter: name })
            }
            Err(error) => Err(unsupported(instruction, &error.to_string())),
        }
    }

    fn depends_on_the_run(&self, id: ExprId) -> bool {
        let expr = self.circuit.expression(id);
        expr.reads_storage() || expr.operands().any(|operand| self.depends_on_the_run(operand))
    }
}

fn unsupported(instruction: &Instruction<'_>, reason: &str) -> EmitError {
    let instruction = instruction.op.name();
    EmitError::Unsupported { instruction, reason: reason.to_owned() }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The register that has exactly these bits in order.
fn whole(registers: &[Register], bits: impl Iterator<Item = u32> + Clone) -> Option<usize> {
    let first = bits.clone().next()?;
    let place = registers.iter().position(|register| register.start == first && register.size > 0);
    place.filter(|&place| registers[place].bits().eq(bits))
}

fn bit(registers: &[Register], names: &[String], number: u32) -> String {
    let place = registers.partition_point(|register| register.start + register.size <= number);
    format!("{}[{}]", names[place], number - registers[place].start)
}

fn parenthesised(params: &[f64]) -> String {
    match params {
        [] => String::new(),
        params => {
            let numbers: Vec<String> = params.iter().map(|param| written(*param)).collect();
            format!("({})", numbers.join(","))
        }
    }
}

/// The shortest digits that read back as the same double; with a point, as the specification's
/// numbers with an exponent need one.
fn written(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
        _ => text,
    }
}

/// A number of any width in decimal digits.
fn decimal(bits: &BitString) -> String {
    const CHUNK: u64 = 10_000_000_000_000_000_000;
    let mut words: Vec<u64> = bits.words().collect();
    let mut chunks = Vec::new();
    loop {
        let mut rest = 0;
        for word in words.iter_mut().rev() {
            let wide = u128::from(rest) << 64 | u128::from(*word);
            *word = (wide / u128::from(CHUNK)) as u64;
            rest = (wide % u128::from(CHUNK)) as u64;
        }
        chunks.push(rest);
        if words.iter().all(|&word| word == 0) {
            break;
        }
    }
    let mut text = chunks.pop().unwrap_or(0).to_string();
    chunks.iter().rev().for_each(|chunk| text.push_str(&format!("{chunk:019}")));
    text
}
