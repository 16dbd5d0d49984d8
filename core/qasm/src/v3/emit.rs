//! Circuits as OpenQASM 3 programs.

use std::{collections::HashSet, f64::consts::FRAC_PI_2, fmt::Write};

use ketch_interface::{
    Circuit,
    circuit::{
        BlockId, CircuitError, Clbit, ExprId, GateOp, Instruction, Op, Param, Qubit, Register,
        TimeUnit,
    },
};

use super::{
    definitions::{Definition, Params, said},
    expression::{self, Type, bit},
    names::Names,
    storage::Storage,
};

/// A circuit that cannot be said in OpenQASM 3, as far as [`emit_v3`] knows the language.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// An instruction has no counterpart.
    #[error("cannot write `{instruction}` in OpenQASM 3: {reason}")]
    Unsupported {
        /// The instruction.
        instruction: String,
        /// Why.
        reason: String,
    },
    /// The circuit is not valid.
    #[error("cannot write a circuit that is not valid")]
    Invalid(#[from] CircuitError),
}

/// Writes a circuit as an OpenQASM 3 program.
///
/// Gates of `stdgates.inc` are written by name, with `ctrl` and `negctrl` for controls that the
/// name does not hold; the table's other gates with a definition at the head of the program.
/// Registers keep their names where the language allows it; parameters without a number become
/// `input float[64]`. Numbers are written with the fewest digits that read back the same.
/// Variables are declared behind the registers and begin as 0, as in the circuit; one that only a
/// loop uses is declared by the loop. Casts are written where the language's rules for types and
/// those of the circuit differ.
///
/// # Errors
/// If an instruction has no counterpart, or the circuit is not valid.
///
/// ```
/// use ketch_interface::Circuit;
/// let text = ketch_qasm::emit_v3(&Circuit::new(2, 0).h(0).cx(0, 1)).unwrap();
/// assert!(text.ends_with("qubit[2] q;\nh q[0];\ncx q[0], q[1];\n"));
/// ```
pub fn emit_v3(circuit: &Circuit) -> Result<String, EmitError> {
    circuit.validate()?;
    let mut writer = Writer::new(circuit)?;
    if circuit.global_phase != 0.0 {
        let phase = expression::number(circuit.global_phase);
        let refused = |reason| EmitError::Unsupported { instruction: "gphase".into(), reason };
        writer.line(&format!("gphase({});", phase.map_err(refused)?));
    }
    writer.block(None)?;
    Ok(writer.program())
}

/// The names by which [`emit_v3`] writes the classical registers, in the circuit's order.
#[must_use]
pub fn creg_names(circuit: &Circuit) -> Vec<String> {
    RegisterNames::new(circuit).cregs
}

/// The names of what a program declares first.
struct RegisterNames {
    names: Names,
    qregs: Vec<String>,
    cregs: Vec<String>,
    inputs: Vec<String>,
}

impl RegisterNames {
    fn new(circuit: &Circuit) -> Self {
        let mut names = Names::default();
        let of = |registers: &[Register], first: &str, names: &mut Names| {
            registers.iter().map(|register| names.unique(&register.name, first)).collect()
        };
        let qregs = of(circuit.qregs(), "q", &mut names);
        let cregs = of(circuit.cregs(), "c", &mut names);
        let inputs = circuit.parameters().iter().map(|name| names.unique(name, "p")).collect();
        Self { names, qregs, cregs, inputs }
    }
}

pub(super) struct Writer<'a> {
    pub(super) circuit: &'a Circuit,
    inputs: Vec<String>,
    cregs: Vec<String>,
    qregs: Vec<String>,
    pub(super) storage: Storage,
    pub(super) free_names: Names,
    /// Gates that were defined, by name.
    defined: HashSet<&'static str>,
    definitions: String,
    body: String,
    depth: usize,
}

pub(super) type Emit<T = ()> = Result<T, EmitError>;

impl<'a> Writer<'a> {
    fn new(circuit: &'a Circuit) -> Emit<Self> {
        let RegisterNames { mut names, qregs, cregs, inputs } = RegisterNames::new(circuit);
        let storage = Storage::new(circuit, &mut names)
            .map_err(|reason| EmitError::Unsupported { instruction: "store".to_owned(), reason })?;
        Ok(Self {
            circuit,
            inputs,
            cregs,
            qregs,
            storage,
            free_names: names,
            defined: HashSet::new(),
            definitions: String::new(),
            body: String::new(),
            depth: 0,
        })
    }

    fn program(self) -> String {
        let mut text = String::from("OPENQASM 3.0;\ninclude \"stdgates.inc\";\n");
        self.inputs.iter().for_each(|name| text.push_str(&format!("input float[64] {name};\n")));
        text.push_str(&self.definitions);
        for (word, registers, names) in [
            ("bit", self.circuit.cregs(), &self.cregs),
            ("qubit", self.circuit.qregs(), &self.qregs),
        ] {
            for (register, name) in registers.iter().zip(names).filter(|(r, _)| r.size > 0) {
                text.push_str(&format!("{word}[{}] {name};\n", register.size));
            }
        }
        text.push_str(&self.storage.declarations());
        text.push_str(&self.body);
        text
    }

    pub(super) fn line(&mut self, text: &str) {
        writeln!(self.body, "{:indent$}{text}", "", indent = 2 * self.depth)
            .expect("strings take all text");
    }

    pub(super) fn block(&mut self, block: Option<BlockId>) -> Emit {
        let circuit = self.circuit;
        circuit.block(block).try_for_each(|(place, i)| self.instruction(place, &i))
    }

    pub(super) fn nested(&mut self, head: &str, block: BlockId) -> Emit {
        self.line(&format!("{head} {{"));
        self.indented(|writer| writer.block(Some(block)))
    }

    pub(super) fn indented(&mut self, write: impl FnOnce(&mut Self) -> Emit) -> Emit {
        self.deeper();
        write(self)?;
        self.shallower();
        Ok(())
    }

    pub(super) fn deeper(&mut self) {
        self.depth += 1;
    }

    pub(super) fn shallower(&mut self) {
        self.depth -= 1;
    }

    fn instruction(&mut self, place: usize, instruction: &Instruction<'a>) -> Emit {
        match instruction.op {
            Op::Gate(op) => self.gate(instruction, *op)?,
            Op::Measure => self.measure(instruction.qubits, instruction.clbits),
            Op::Reset => {
                for operand in self.operands(instruction.qubits) {
                    self.line(&format!("reset {operand};"));
                }
            }
            Op::Barrier => {
                let operands = self.operands(instruction.qubits).join(", ");
                let space = if operands.is_empty() { "" } else { " " };
                self.line(&format!("barrier{space}{operands};"));
            }
            Op::Delay(unit) => {
                let duration = self.duration(instruction, *unit)?;
                let operands = self.operands(instruction.qubits).join(", ");
                self.line(&format!("delay[{duration}] {operands};"));
            }
            Op::Pauli(letters) => {
                for (letter, qubit) in letters.chars().rev().zip(instruction.qubits) {
                    if letter != 'I' {
                        let operand = self.qubit(*qubit);
                        self.line(&format!("{} {operand};", letter.to_ascii_lowercase()));
                    }
                }
            }
            Op::If { condition, then, otherwise } => {
                let condition = self.condition(instruction, *condition)?;
                self.nested(&format!("if ({condition})"), *then)?;
                if let Some(otherwise) = otherwise {
                    self.nested("} else", *otherwise)?;
                }
                self.line("}");
            }
            Op::While { condition, body } => {
                let condition = self.condition(instruction, *condition)?;
                self.nested(&format!("while ({condition})"), *body)?;
                self.line("}");
            }
            Op::For(each) => self.for_loop(place, instruction, each)?,
            Op::Switch(switch) => self.switch(instruction, switch)?,
            Op::MeasureVar { var, bit } => self.measure_variable(instruction, *var, *bit)?,
            op if op.is_store() => self.store(instruction)?,
            Op::Break => self.line("break;"),
            Op::Continue => self.line("continue;"),
            Op::End => self.line("end;"),
            _ => return Err(unsupported(instruction, "it has no counterpart that can be written")),
        }
        Ok(())
    }

    fn gate(&mut self, instruction: &Instruction<'_>, op: GateOp) -> Emit {
        let said = said(op);
        if let Some(definition) = said.definition {
            self.define(definition);
        }
        let given = self.params(instruction)?;
        let half_pi = || format!("{FRAC_PI_2:?}");
        let zero = || "0.0".to_owned();
        let params: Vec<String> = match said.params {
            Params::Same => given,
            Params::Three => given.into_iter().take(3).collect(),
            Params::Dropped => Vec::new(),
            Params::AfterHalfPi => std::iter::once(half_pi()).chain(given).collect(),
            Params::AfterHalfPiThenZero => {
                std::iter::once(half_pi()).chain(given).chain([zero()]).collect()
            }
            Params::ThenZero => given.into_iter().chain([zero()]).collect(),
        };
        let modifiers = if said.controls_within { String::new() } else { modifiers(op) };
        let params = match params.is_empty() {
            true => String::new(),
            false => format!("({})", params.join(", ")),
        };
        let operands: Vec<String> = instruction.qubits.iter().map(|q| self.qubit(*q)).collect();
        let space = if operands.is_empty() { "" } else { " " };
        self.line(&format!("{modifiers}{}{params}{space}{};", said.name, operands.join(", ")));
        Ok(())
    }

    fn define(&mut self, definition: &'static Definition) {
        if let Some(needed) = definition.needs() {
            self.define(needed);
        }
        if self.defined.insert(definition.name) {
            self.definitions.push_str(&definition.text());
        }
    }

    fn params(&self, instruction: &Instruction<'_>) -> Emit<Vec<String>> {
        instruction.params.iter().map(|param| self.param(instruction, *param)).collect()
    }

    fn param(&self, instruction: &Instruction<'_>, param: Param) -> Emit<String> {
        let text = match param {
            Param::Number(number) => expression::number(number),
            Param::Expr(id) => {
                let text = expression::written(self.circuit, id, self.names());
                text.map(|text| text.cast(Type::Float).text)
            }
        };
        text.map_err(|reason| unsupported(instruction, &reason))
    }

    pub(super) fn condition(
        &self,
        instruction: &Instruction<'_>,
        condition: ExprId,
    ) -> Emit<String> {
        let text = expression::condition(self.circuit, condition, self.names());
        text.map_err(|reason| unsupported(instruction, &reason))
    }

    pub(super) fn names(&self) -> expression::Names<'_> {
        expression::Names { inputs: &self.inputs, cregs: &self.cregs, storage: &self.storage }
    }

    fn duration(&self, instruction: &Instruction<'_>, unit: TimeUnit) -> Emit<String> {
        let [param] = instruction.params else {
            return Err(unsupported(instruction, "it has no duration"));
        };
        let (word, factor) = match unit {
            TimeUnit::Second => ("s", 1.0),
            TimeUnit::Millisecond => ("ms", 1.0),
            TimeUnit::Microsecond => ("us", 1.0),
            TimeUnit::Nanosecond => ("ns", 1.0),
            // The language has no picoseconds.
            TimeUnit::Picosecond => ("ns", 1e-3),
            TimeUnit::Tick => ("dt", 1.0),
        };
        match param {
            Param::Number(number) if number.fract() == 0.0 && factor == 1.0 => {
                Ok(format!("{number:.0}{word}"))
            }
            Param::Number(number) => {
                let number = expression::number(number * factor);
                let number = number.map_err(|reason| unsupported(instruction, &reason))?;
                Ok(format!("{number}{word}"))
            }
            Param::Expr(_) => {
                let value = self.param(instruction, *param)?;
                let factor = if factor == 1.0 { "1" } else { "0.001" };
                Ok(format!("({value}) * {factor}{word}"))
            }
        }
    }

    fn measure(&mut self, qubits: &[Qubit], clbits: &[Clbit]) {
        let (qregs, cregs) = (self.circuit.qregs(), self.circuit.cregs());
        let from = whole(qregs, qubits.iter().map(|qubit| qubit.0));
        let to = whole(cregs, clbits.iter().map(|clbit| clbit.0));
        if let (Some(from), Some(to)) = (from, to) {
            let text = format!("{} = measure {};", self.cregs[to], self.qregs[from]);
            return self.line(&text);
        }
        for (qubit, clbit) in qubits.iter().zip(clbits) {
            let to = bit(cregs, &self.cregs, clbit.0);
            let from = self.qubit(*qubit);
            self.line(&format!("{to} = measure {from};"));
        }
    }

    pub(super) fn qubit(&self, qubit: Qubit) -> String {
        bit(self.circuit.qregs(), &self.qregs, qubit.0)
    }

    /// A register in place of all its bits, or the bits.
    fn operands(&self, qubits: &[Qubit]) -> Vec<String> {
        match whole(self.circuit.qregs(), qubits.iter().map(|qubit| qubit.0)) {
            Some(register) => vec![self.qregs[register].clone()],
            None => qubits.iter().map(|qubit| self.qubit(*qubit)).collect(),
        }
    }
}

/// The register that has exactly these bits in order.
pub(super) fn whole(
    registers: &[Register],
    bits: impl Iterator<Item = u32> + Clone,
) -> Option<usize> {
    registers.iter().position(|register| register.size > 0 && register.bits().eq(bits.clone()))
}

/// `ctrl(2) @ negctrl @ ` for two controls that must be 1 and then one that must be 0.
fn modifiers(op: GateOp) -> String {
    let pattern = op.state.bits(op.controls);
    let closed = |control: u16| op.state.is_all() || pattern >> control & 1 == 1;
    let mut text = String::new();
    let mut control = 0;
    while control < op.controls {
        let kind = closed(control);
        let run = (control..op.controls).take_while(|&next| closed(next) == kind).count();
        text.push_str(if kind { "ctrl" } else { "negctrl" });
        if run > 1 {
            text.push_str(&format!("({run})"));
        }
        text.push_str(" @ ");
        control += u16::try_from(run).expect("no more than the controls");
    }
    text
}

pub(super) fn unsupported(instruction: &Instruction<'_>, reason: &str) -> EmitError {
    EmitError::Unsupported { instruction: instruction.op.name(), reason: reason.to_owned() }
}
