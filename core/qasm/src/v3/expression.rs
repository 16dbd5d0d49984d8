//! Expressions and numbers as OpenQASM 3 writes them.

use ketch_interface::{
    BitString, Circuit,
    circuit::{Binary, Expr, ExprId, Register, Unary, Value},
};

/// Names of the things that expressions are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) inputs: &'a [String],
    pub(super) cregs: &'a [String],
}

/// The text of an expression; `Err` says what the language, as written here, lacks.
pub(super) fn written(circuit: &Circuit, id: ExprId, names: Names<'_>) -> Result<String, String> {
    let inner = |id| operand(circuit, id, names);
    match circuit.expression(id) {
        Expr::Literal(value) => literal(value),
        Expr::Parameter(param) => Ok(names.inputs[param.0 as usize].clone()),
        Expr::Clbit(clbit) => Ok(bit(circuit.cregs(), names.cregs, clbit.0)),
        Expr::Clbits { start, size } => clbits(circuit, *start, *size, names),
        Expr::Unary(operator, a) => Ok(match function(*operator) {
            Some(function) => format!("{function}({})", written(circuit, *a, names)?),
            None => format!("{}{}", sign(*operator)?, inner(*a)?),
        }),
        Expr::Binary(operator, a, b) => {
            Ok(format!("{} {} {}", inner(*a)?, symbol(*operator)?, inner(*b)?))
        }
        Expr::Var(_) => Err("it uses a variable".to_owned()),
        other => Err(format!("it uses {other:?}")),
    }
}

/// In parentheses if it is not one word.
fn operand(circuit: &Circuit, id: ExprId, names: Names<'_>) -> Result<String, String> {
    let text = written(circuit, id, names)?;
    let compound = matches!(circuit.expression(id), Expr::Binary(..) | Expr::Unary(..));
    Ok(if compound || text.starts_with('-') { format!("({text})") } else { text })
}

fn literal(value: &Value) -> Result<String, String> {
    match value {
        Value::Bool(value) => Ok(value.to_string()),
        Value::Uint(bits) => Ok(decimal(bits)),
        Value::Int(value) => Ok(value.to_string()),
        Value::Float(value) => number(*value),
        other => Err(format!("it uses {other:?}")),
    }
}

/// The shortest digits that read back as the same double.
pub(super) fn number(number: f64) -> Result<String, String> {
    match number.is_finite() {
        true => Ok(format!("{number:?}")),
        false => Err("a number is not finite".to_owned()),
    }
}

/// A register, or a part of one.
fn clbits(circuit: &Circuit, start: u32, size: u32, names: Names<'_>) -> Result<String, String> {
    let registers = circuit.cregs();
    let holds = |register: &Register| {
        register.start <= start && start + size <= register.start + register.size && size > 0
    };
    let Some(place) = registers.iter().position(holds) else {
        return Err("it looks at clbits of several registers at once".to_owned());
    };
    let (register, name) = (&registers[place], &names.cregs[place]);
    let first = start - register.start;
    Ok(match size {
        _ if size == register.size => name.clone(),
        1 => format!("{name}[{first}]"),
        _ => format!("{name}[{first}:{}]", first + size - 1),
    })
}

/// One bit of the register that has it.
pub(super) fn bit(registers: &[Register], names: &[String], number: u32) -> String {
    let place = registers.partition_point(|register| register.start + register.size <= number);
    format!("{}[{}]", names[place], number - registers[place].start)
}

fn function(operator: Unary) -> Option<&'static str> {
    Some(match operator {
        Unary::Sin => "sin",
        Unary::Cos => "cos",
        Unary::Tan => "tan",
        Unary::Asin => "arcsin",
        Unary::Acos => "arccos",
        Unary::Atan => "arctan",
        Unary::Exp => "exp",
        Unary::Ln => "log",
        Unary::Sqrt => "sqrt",
        _ => return None,
    })
}

fn sign(operator: Unary) -> Result<&'static str, String> {
    match operator {
        Unary::Negate => Ok("-"),
        Unary::Not => Ok("!"),
        Unary::BitNot => Ok("~"),
        other => Err(format!("the language has no {other:?}")),
    }
}

fn symbol(operator: Binary) -> Result<&'static str, String> {
    Ok(match operator {
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Rem => "%",
        Binary::Pow => "**",
        Binary::And => "&&",
        Binary::Or => "||",
        Binary::BitAnd => "&",
        Binary::BitOr => "|",
        Binary::BitXor => "^",
        Binary::Shl => "<<",
        Binary::Shr => ">>",
        Binary::Equal => "==",
        Binary::NotEqual => "!=",
        Binary::Less => "<",
        Binary::LessEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterEqual => ">=",
        other => return Err(format!("the language has no {other:?}")),
    })
}

/// A number of any width, in a form that stays short: hexadecimal beyond 64 bits.
fn decimal(bits: &BitString) -> String {
    bits.to_u64().map_or_else(|| bits.to_hex(), |value| value.to_string())
}
