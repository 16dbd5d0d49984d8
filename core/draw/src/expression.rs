//! Expressions as short text, in the words of OpenQASM 3. Not for reading back: casts are left out.

use ketch_interface::{
    Circuit,
    circuit::{Expr, ExprId, Value},
};

/// Deeper parts are left out.
const MAX_DEPTH: u32 = 8;

/// The text of an expression.
pub(crate) fn text(circuit: &Circuit, id: ExprId) -> String {
    written(circuit, id, MAX_DEPTH).0
}

/// Clbits as the registers that hold them name them.
pub(crate) fn clbits(circuit: &Circuit, start: u32, size: u32) -> String {
    let registers = circuit.cregs();
    let holds = registers.iter().find(|r| r.start <= start && start + size <= r.start + r.size);
    let Some(register) = holds else { return format!("clbits[{start}:{}]", start + size - 1) };
    let first = start - register.start;
    match size {
        _ if size == register.size => register.name.clone(),
        1 => format!("{}[{first}]", register.name),
        _ => format!("{}[{first}:{}]", register.name, first + size - 1),
    }
}

/// One clbit, always with its index unless it is alone.
pub(crate) fn clbit(circuit: &Circuit, number: u32) -> String {
    clbits(circuit, number, 1)
}

/// The text, and whether it holds together without parentheses.
fn written(circuit: &Circuit, id: ExprId, depth: u32) -> (String, bool) {
    let Some(depth) = depth.checked_sub(1) else { return ("…".to_owned(), true) };
    let plain = |id: ExprId| written(circuit, id, depth).0;
    let closed = |id: ExprId| match written(circuit, id, depth) {
        (text, true) => text,
        (text, false) => format!("({text})"),
    };
    let name = |var: u32| circuit.variables()[var as usize].name.clone();
    match circuit.expression(id) {
        Expr::Literal(value) => (literal(value), true),
        Expr::Parameter(param) => (circuit.parameters()[param.0 as usize].clone(), true),
        Expr::Clbit(bit) => (clbit(circuit, bit.0), true),
        Expr::Clbits { start, size: 0 } => (format!("clbits[{start}:0]"), true),
        Expr::Clbits { start, size } => (clbits(circuit, *start, *size), true),
        Expr::Var(var) => (name(var.0), true),
        Expr::Element { first, index, .. } => {
            let name = name(first.0);
            let array = name.split('[').next().unwrap_or_default();
            (format!("{array}[{}]", plain(*index)), true)
        }
        Expr::Index { of, index } => (format!("{}[{}]", closed(*of), plain(*index)), true),
        Expr::Unary(operator, a) => match (operator.word(), operator.is_sign()) {
            (sign, true) => (format!("{sign}{}", closed(*a)), true),
            (function, false) => (format!("{function}({})", plain(*a)), true),
        },
        Expr::Binary(operator, a, b) => match (operator.word(), operator.is_sign()) {
            (sign, true) => (format!("{} {sign} {}", closed(*a), closed(*b)), false),
            (function, false) => (format!("{function}({}, {})", plain(*a), plain(*b)), true),
        },
        Expr::Cast(_, a) => written(circuit, *a, depth),
        _ => ("…".to_owned(), true),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Uint(bits) => match bits.to_u64() {
            Some(value) => value.to_string(),
            None => bits.to_hex(),
        },
        Value::Int(value) => value.to_string(),
        Value::Float(value) => crate::labels::number(*value),
        _ => "…".to_owned(),
    }
}
