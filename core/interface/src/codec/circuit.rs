//! Circuits: flat arrays in, flat arrays out.

use std::sync::Arc;

use super::{
    DecodeError,
    bytes::{Reader, Writer},
    expression,
    names::{Names, Row},
};
use crate::{
    Circuit,
    circuit::{
        Clbit, Counted, ExprId, MAX_QUBITS, Operands, Param, Qubit, Register, VarType, Variable,
    },
};

type Read<T> = Result<T, DecodeError>;

/// All variables together hold at most this many bits: a short document must not ask for much
/// memory.
const MAX_VARIABLE_BITS: u64 = 64 * MAX_QUBITS as u64;

/// `payload` is empty before and after: it is lent so that thousands of circuits share its memory.
pub(super) fn write(circuit: &Circuit, names: &mut Names, payload: &mut Writer, to: &mut Writer) {
    to.text(&circuit.name);
    to.real(circuit.global_phase);
    write_registers(circuit.qregs(), to);
    write_registers(circuit.cregs(), to);
    to.length(circuit.variables().len());
    for variable in circuit.variables() {
        to.text(&variable.name);
        expression::write_type(variable.ty, to);
    }
    to.length(circuit.parameters().len());
    circuit.parameters().iter().for_each(|name| to.text(name));
    to.length(circuit.expressions().len());
    for expr in circuit.expressions() {
        if let Some(word) = expression::later(expr) {
            names.write_word(word);
        }
        expression::write(expr, to);
    }

    let parts = circuit.parts();
    to.length(parts.blocks.len());
    for block in parts.blocks {
        to.number(block.start.into());
        to.number(block.end.into());
    }
    to.length(circuit.len());
    for instruction in circuit.instructions() {
        let row = names.write_op(instruction.op, payload);
        let (qubits, clbits) = (instruction.qubits.len() as u64, instruction.clbits.len() as u64);
        to.numbers([row, qubits, clbits, instruction.params.len() as u64]);
    }
    to.length(payload.bytes.len());
    to.bytes.append(&mut payload.bytes);
    write_numbers(parts.qubits.iter().map(|qubit| qubit.0), to);
    write_numbers(parts.clbits.iter().map(|clbit| clbit.0), to);
    write_params(parts.params, to);
}

/// Registers as they were read, with their bytes.
type Registers<'b> = Option<(&'b [u8], Arc<Vec<Register>>)>;

/// What the reading of one circuit leaves for the next: registers, which mostly are the same, and
/// memory.
#[derive(Default)]
pub(super) struct Last<'b, 'r> {
    qregs: Registers<'b>,
    cregs: Registers<'b>,
    heads: Vec<Head<'r>>,
}

/// An instruction's row and the numbers of its qubits, clbits and parameters.
type Head<'r> = (&'r Row, u32, u32, u32);

pub(super) fn read<'b, 'r>(
    mut from: Reader<'b>,
    rows: &'r [Row],
    last: &mut Last<'b, 'r>,
) -> Read<Circuit> {
    let mut circuit = Circuit::default().named(from.text()?);
    circuit.global_phase = from.real()?;
    let qregs = from.same(&mut last.qregs, read_registers)?;
    let cregs = from.same(&mut last.cregs, read_registers)?;
    circuit.set_registers(qregs, cregs);
    let mut variable_bits = 0;
    for variable in from.list(3, variable)? {
        variable_bits += match variable.ty {
            VarType::Uint(width) => u64::from(width),
            _ => 64,
        };
        if variable_bits > MAX_VARIABLE_BITS {
            return Err(from.invalid(variable_bits, "at most 2^26 bits of variables"));
        }
        circuit.add_variable(variable.name, variable.ty);
    }
    for name in from.list(1, Reader::text)? {
        circuit.push_parameter(name);
    }
    for expr in from.list(2, expression::read)? {
        circuit.add_expr(expr);
    }
    let blocks = from.list(2, |from| Ok(from.small()?..from.small()?))?;
    let heads = &mut last.heads;
    heads.clear();
    for _ in 0..from.length(4)? {
        let [place, qubits, clbits, params] = from.numbers()?;
        let row = usize::try_from(place).ok().and_then(|place| rows.get(place));
        let row = row.ok_or_else(|| from.invalid(place, "a row of the table of names"))?;
        heads.push((row, from.as_small(qubits)?, from.as_small(clbits)?, from.as_small(params)?));
    }
    let n_bytes = from.number()?;
    let mut payload = Reader::new(from.take(n_bytes)?, "a circuit's operations");
    let totals =
        circuit.set_instructions(heads.iter().map(|(row, n_qubits, n_clbits, n_params)| {
            let op = row.read_op(&mut payload)?;
            Ok(Counted { op, n_qubits: *n_qubits, n_clbits: *n_clbits, n_params: *n_params })
        }))?;
    payload.finish()?;
    let operands = Operands {
        qubits: read_numbers(&mut from, Qubit)?,
        clbits: read_numbers(&mut from, Clbit)?,
        params: read_params(&mut from)?,
    };
    let complaint = from;
    from.finish()?;
    circuit
        .set_operands(&totals, operands, blocks)
        .ok_or_else(|| complaint.invalid("others", "as many operands as the instructions have"))?;
    Ok(circuit)
}

fn variable(from: &mut Reader<'_>) -> Read<Variable> {
    Ok(Variable { name: from.string()?, ty: expression::read_type(from)? })
}

fn write_registers(registers: &[Register], to: &mut Writer) {
    to.length(registers.len());
    for register in registers {
        to.text(&register.name);
        to.number(register.size.into());
    }
}

/// Registers with their sizes; where they start follows.
fn read_registers(from: &mut Reader<'_>) -> Read<Arc<Vec<Register>>> {
    let mut end = 0;
    let registers = from.list(2, |from| {
        let (name, start, size) = (from.string()?, end, from.small()?);
        let total = u64::from(start) + u64::from(size);
        if total > u64::from(MAX_QUBITS) {
            return Err(from.invalid(total, "at most 2^20 bits"));
        }
        end = start + size;
        Ok(Register::new(name, start, size))
    });
    registers.map(Arc::new)
}

fn write_numbers(numbers: impl ExactSizeIterator<Item = u32>, to: &mut Writer) {
    to.length(numbers.len());
    to.bytes.reserve(numbers.len() * 4);
    numbers.for_each(|number| to.bytes.extend_from_slice(&number.to_le_bytes()));
}

fn read_numbers<T>(from: &mut Reader<'_>, make: fn(u32) -> T) -> Read<Vec<T>> {
    let length = from.length(4)?;
    let bytes = from.take(length as u64 * 4)?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers.iter().map(|number| make(u32::from_le_bytes(*number))).collect())
}

/// Eight bytes each, a number or the number of an expression; then the places of the latter.
fn write_params(params: &[Param], to: &mut Writer) {
    to.length(params.len());
    to.bytes.reserve(params.len() * 8);
    for param in params {
        match param {
            Param::Number(number) => to.real(*number),
            Param::Expr(id) => to.bytes.extend_from_slice(&u64::from(id.0).to_le_bytes()),
        }
    }
    let is_expr = |(place, param): (usize, &Param)| match param {
        Param::Number(_) => None,
        Param::Expr(_) => Some(place),
    };
    let places: Vec<usize> = params.iter().enumerate().filter_map(is_expr).collect();
    to.length(places.len());
    places.into_iter().for_each(|place| to.length(place));
}

fn read_params(from: &mut Reader<'_>) -> Read<Vec<Param>> {
    let length = from.length(8)?;
    let (numbers, _) = from.take(length as u64 * 8)?.as_chunks::<8>();
    let number = |bytes: &[u8; 8]| Param::Number(f64::from_le_bytes(*bytes));
    let mut params: Vec<Param> = numbers.iter().map(number).collect();
    for place in from.list(1, Reader::number)? {
        let param = usize::try_from(place).ok().and_then(|place| params.get_mut(place));
        let Some(Param::Number(number)) = param.as_deref() else {
            return Err(from.invalid(place, "the place of a parameter, once"));
        };
        let id = number.to_bits();
        let id = u32::try_from(id).map_err(|_| from.invalid(id, "the number of an expression"))?;
        if let Some(param) = param {
            *param = Param::Expr(ExprId(id));
        }
    }
    Ok(params)
}
