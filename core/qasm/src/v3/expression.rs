//! Expressions and numbers as OpenQASM 3 writes them.
//!
//! The rules for types of the language and of [`Circuit::evaluate`] differ: where they do, casts
//! are written, so that the text means what the circuit does.

use ketch_interface::{
    BitString, Circuit,
    circuit::{Binary, Expr, ExprId, Register, Unary, Value, VarType},
};

use super::storage::Storage;

/// Names of the things that expressions are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names<'a> {
    pub(super) inputs: &'a [String],
    pub(super) cregs: &'a [String],
    pub(super) storage: &'a Storage,
}

/// The type that the language gives to a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Type {
    /// Also a single bit: the two are taken for each other.
    Bool,
    /// `bit[n]`
    Bits(u32),
    Uint(u32),
    Int(u32),
    Float,
    /// An integer in digits, which fits whatever stands beside it.
    Digits,
}

/// What [`Circuit::evaluate`] has.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Bool,
    Uint(u32),
    Int,
    Float,
}

/// The text of an expression.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) ty: Type,
    kind: Kind,
    /// It holds together without parentheses.
    closed: bool,
}

/// Why something cannot be written.
type Write<T = Text> = Result<T, String>;

impl Text {
    fn new(text: impl Into<String>, ty: Type) -> Self {
        let kind = match ty {
            Type::Bool => Kind::Bool,
            Type::Bits(width) | Type::Uint(width) => Kind::Uint(width),
            Type::Int(_) | Type::Digits => Kind::Int,
            Type::Float => Kind::Float,
        };
        Self { text: text.into(), ty, kind, closed: true }
    }

    fn open(text: String, ty: Type) -> Self {
        Self { closed: false, ..Self::new(text, ty) }
    }

    /// In parentheses if it is not one word.
    fn operand(&self) -> String {
        if self.closed { self.text.clone() } else { format!("({})", self.text) }
    }

    /// As another type.
    pub(super) fn cast(self, ty: Type) -> Self {
        let function = |name: String, inner: &str| Self::new(format!("{name}({inner})"), ty);
        match (self.ty, ty) {
            (from, to) if from == to => self,
            (Type::Bits(_), Type::Bool) => Self::open(format!("{} != 0", self.operand()), ty),
            (Type::Bits(width), Type::Uint(to)) if width == to => {
                function(format!("uint[{to}]"), &self.text)
            }
            (Type::Bits(width), _) => self.cast(Type::Uint(width)).cast(ty),
            (Type::Uint(width), Type::Bits(to)) if width == to => {
                function(format!("bit[{to}]"), &self.text)
            }
            (_, Type::Bits(to)) => self.cast(Type::Uint(to)).cast(ty),
            (Type::Digits, Type::Float) if self.closed && self.text.len() < 16 => {
                Self::new(format!("{}.0", self.text), ty)
            }
            (_, Type::Digits) => self,
            (_, Type::Bool) => function("bool".to_owned(), &self.text),
            (_, Type::Uint(width)) => function(format!("uint[{width}]"), &self.text),
            (_, Type::Int(width)) => function(format!("int[{width}]"), &self.text),
            (_, Type::Float) => function("float[64]".to_owned(), &self.text),
        }
    }
}

/// The text of an expression; `Err` says what the language, as written here, lacks.
pub(super) fn written(circuit: &Circuit, id: ExprId, names: Names<'_>) -> Write {
    let inner = |id| written(circuit, id, names);
    match circuit.expression(id) {
        Expr::Literal(value) => literal(value),
        Expr::Parameter(param) => {
            Ok(Text::new(names.inputs[param.0 as usize].clone(), Type::Float))
        }
        Expr::Clbit(clbit) => Ok(Text::new(bit(circuit.cregs(), names.cregs, clbit.0), Type::Bool)),
        Expr::Clbits { start, size } => {
            let text = clbits(circuit, *start, *size, names)?;
            Ok(Text::new(text, Type::Bits(*size)))
        }
        Expr::Var(var) => Ok(Text::new(names.storage.name(*var), names.storage.ty(*var))),
        Expr::Element { first, index, .. } => {
            let array = names.storage.array(*first)?;
            let text = format!("{array}[{}]", index_text(inner(*index)?));
            Ok(Text::new(text, names.storage.ty(*first)))
        }
        Expr::Index { of, index } => {
            let of = indexed(circuit, *of, names)?;
            Ok(Text::new(format!("{of}[{}]", index_text(inner(*index)?)), Type::Bool))
        }
        Expr::Unary(operator, a) => unary(*operator, inner(*a)?),
        Expr::Binary(operator, a, b) => binary(*operator, inner(*a)?, inner(*b)?),
        Expr::Cast(VarType::Int(width), a) => match circuit.expression(*a) {
            Expr::Binary(operator, a, b) if is_modular(*operator) => {
                wrapped(*operator, inner(*a)?, inner(*b)?, *width)
            }
            _ => Ok(inner(*a)?.cast(Type::Int(*width))),
        },
        Expr::Cast(ty, a) => Ok(inner(*a)?.cast(type_of(*ty)?)),
        other => Err(format!("it uses {other:?}")),
    }
}

/// What a condition is: a truth value, or bits as they are.
pub(super) fn condition(circuit: &Circuit, id: ExprId, names: Names<'_>) -> Write<String> {
    let text = written(circuit, id, names)?;
    Ok(text.cast(Type::Bool).text)
}

/// The type that a variable is declared with.
pub(super) fn type_of(ty: VarType) -> Write<Type> {
    Ok(match ty {
        VarType::Bool => Type::Bool,
        VarType::Uint(0) => return Err("it uses a number of no bits".to_owned()),
        VarType::Uint(width) => Type::Uint(width),
        VarType::Int(width) => Type::Int(width),
        VarType::Float => Type::Float,
        other => return Err(format!("it uses {other:?}")),
    })
}

/// An index: digits, or an integer.
pub(super) fn index_text(index: Text) -> String {
    match index.ty {
        Type::Digits | Type::Int(_) | Type::Uint(_) => index.text,
        _ => index.cast(Type::Int(64)).text,
    }
}

/// What a bit is taken out of: a register or a variable, by its name.
fn indexed(circuit: &Circuit, id: ExprId, names: Names<'_>) -> Write<String> {
    let refused = || Err("it takes a bit out of what is neither register nor variable".to_owned());
    match circuit.expression(id) {
        Expr::Var(var) if names.storage.ty(*var) != Type::Bool => Ok(names.storage.name(*var)),
        Expr::Clbits { start, size } => {
            let whole = |r: &&Register| r.start == *start && r.size == *size;
            match circuit.cregs().iter().find(whole) {
                Some(_) => clbits(circuit, *start, *size, names),
                None => refused(),
            }
        }
        Expr::Cast(VarType::Uint(width), inner) => match circuit.expression(*inner) {
            Expr::Var(var) if names.storage.ty(*var) == Type::Int(*width) => {
                Ok(names.storage.name(*var))
            }
            _ => refused(),
        },
        _ => refused(),
    }
}

fn literal(value: &Value) -> Write {
    Ok(match value {
        Value::Bool(value) => Text::new(value.to_string(), Type::Bool),
        Value::Uint(bits) => {
            Text { kind: Kind::Uint(bits.width()), ..Text::new(decimal(bits), Type::Digits) }
        }
        Value::Int(value) if *value < 0 => Text::open(value.to_string(), Type::Digits),
        Value::Int(value) => Text::new(value.to_string(), Type::Digits),
        Value::Float(value) => {
            let text = number(*value)?;
            if text.starts_with('-') {
                Text::open(text, Type::Float)
            } else {
                Text::new(text, Type::Float)
            }
        }
        other => return Err(format!("it uses {other:?}")),
    })
}

/// The type of a text once it is computed with.
fn full(kind: Kind) -> Type {
    match kind {
        Kind::Bool => Type::Bool,
        Kind::Uint(width) => Type::Uint(width),
        Kind::Int => Type::Int(64),
        Kind::Float => Type::Float,
    }
}

fn unary(operator: Unary, a: Text) -> Write {
    if is_real_function(operator) {
        let function = operator.word();
        let a = match a.kind {
            Kind::Float => a,
            _ => a.cast(Type::Float),
        };
        return Ok(Text::new(format!("{function}({})", a.text), Type::Float));
    }
    let prefix = |sign: &str, a: Text| Text::open(format!("{sign}{}", a.operand()), a.ty);
    let kind = a.kind;
    match (operator, kind) {
        (Unary::Not, _) => Ok(prefix("!", a.cast(Type::Bool))),
        (Unary::BitNot, Kind::Bool) => Ok(prefix("!", a)),
        (Unary::BitNot, Kind::Uint(_)) if matches!(a.ty, Type::Bits(_)) => Ok(prefix("~", a)),
        (Unary::BitNot, Kind::Uint(_) | Kind::Int) => Ok(prefix("~", a.cast(full(kind)))),
        (Unary::Negate, Kind::Uint(width)) => {
            let a = a.cast(full(kind));
            let text = format!("uint[{width}](0) - {}", a.operand());
            Ok(Text::open(text, a.ty))
        }
        (Unary::Negate, Kind::Float) => Ok(prefix("-", a)),
        (Unary::Negate, _) => Ok(prefix("-", a.cast(Type::Int(64)))),
        (Unary::Popcount, Kind::Bool | Kind::Uint(_) | Kind::Int) => {
            let a = match (a.ty, kind) {
                (Type::Bits(_) | Type::Uint(_), _) => a,
                (_, Kind::Bool) => a.cast(Type::Uint(1)),
                (_, Kind::Uint(width)) => a.cast(Type::Uint(width)),
                _ => a.cast(Type::Int(64)).cast(Type::Uint(64)),
            };
            let bits = match a.ty {
                Type::Uint(width) => a.cast(Type::Bits(width)),
                _ => a,
            };
            let counted = Text::new(format!("popcount({})", bits.text), Type::Digits);
            Ok(counted.cast(Type::Uint(64)))
        }
        (operator, _) => Err(format!("the language has no {operator:?} of such a value")),
    }
}

/// Whether two values are the same number.
pub(super) fn equal(a: Text, b: Text) -> Write<String> {
    binary(Binary::Equal, a, b).map(|text| text.text)
}

fn binary(operator: Binary, a: Text, b: Text) -> Write {
    match operator {
        Binary::And | Binary::Or => {
            let sign = operator.word();
            return Ok(infix(sign, a.cast(Type::Bool), b.cast(Type::Bool), Type::Bool));
        }
        Binary::Shl | Binary::Shr | Binary::RotateLeft | Binary::RotateRight => {
            return moved(operator, a, b);
        }
        _ => {}
    }
    let sign = operator.word();
    let compares = is_comparison(operator);
    let result = |ty| if compares { Type::Bool } else { ty };
    match (a.kind, b.kind) {
        (Kind::Float, _) | (_, Kind::Float) => {
            if matches!(operator, Binary::BitAnd | Binary::BitOr | Binary::BitXor) {
                return Err(format!("{operator:?} has no meaning for real numbers"));
            }
            Ok(infix(sign, a.cast(Type::Float), b.cast(Type::Float), result(Type::Float)))
        }
        (Kind::Int, _) | (_, Kind::Int) => {
            let side = |text: Text| match text.ty {
                Type::Digits if text.kind == Kind::Int => text,
                Type::Int(_) if compares => text,
                _ => text.cast(Type::Int(64)),
            };
            // Of written-out numbers alone, division would be that of real numbers.
            let a = match (a.ty, b.ty) {
                (Type::Digits, Type::Digits) => a.cast(Type::Int(64)),
                _ => a,
            };
            Ok(infix(sign, side(a), side(b), result(Type::Int(64))))
        }
        (Kind::Bool, Kind::Bool) => match operator {
            Binary::BitAnd => binary(Binary::And, a, b),
            Binary::BitOr => binary(Binary::Or, a, b),
            Binary::BitXor | Binary::NotEqual => Ok(infix("!=", a, b, Type::Bool)),
            Binary::Equal => Ok(infix("==", a, b, Type::Bool)),
            _ => {
                let one = Type::Uint(1);
                Ok(infix(sign, a.cast(one), b.cast(one), result(one)).cast(Type::Bool))
            }
        },
        (left, right) => {
            // Registers and numbers are compared as they stand.
            if compares && (a.ty == Type::Digits) != (b.ty == Type::Digits) {
                return Ok(infix(sign, a, b, Type::Bool));
            }
            if a.ty == b.ty
                && matches!(a.ty, Type::Bits(_))
                && matches!(operator, Binary::BitAnd | Binary::BitOr | Binary::BitXor)
            {
                let ty = a.ty;
                return Ok(infix(sign, a, b, ty));
            }
            let width = |kind| if let Kind::Uint(width) = kind { width } else { 1 };
            let ty = Type::Uint(width(left).max(width(right)));
            Ok(infix(sign, a.cast(ty), b.cast(ty), result(ty)))
        }
    }
}

/// Arithmetic on signed numbers that is cut to `width` bits: done at that width at once.
fn wrapped(operator: Binary, a: Text, b: Text, width: u32) -> Write {
    let ty = Type::Int(width);
    let wide = |text: &Text| match text.ty {
        Type::Int(own) => own >= width,
        Type::Digits => text.kind == Kind::Int,
        _ => false,
    };
    if !(wide(&a) && wide(&b)) {
        return Ok(binary(operator, a, b)?.cast(ty));
    }
    let exact = a.ty == ty && b.ty == ty;
    let text = infix(operator.word(), a, b, if exact { ty } else { Type::Int(64) });
    let cast = Text::new(format!("int[{width}]({})", text.text), ty);
    Ok(if exact { text } else { cast })
}

/// Add and the like: the lowest bits of the result depend on the lowest bits alone.
fn is_modular(operator: Binary) -> bool {
    use Binary::{Add, BitAnd, BitOr, BitXor, Mul, Sub};
    matches!(operator, Add | Sub | Mul | BitAnd | BitOr | BitXor)
}

fn moved(operator: Binary, a: Text, b: Text) -> Write {
    let kind = a.kind;
    let rotates = matches!(operator, Binary::RotateLeft | Binary::RotateRight);
    let a = match (a.ty, kind) {
        (Type::Bits(_), _) => a,
        // One bit stays where it is.
        (_, Kind::Bool) if rotates => return Ok(a),
        (_, Kind::Int) if rotates => {
            return Err(format!("{operator:?} has no meaning for signed numbers"));
        }
        (_, Kind::Bool) => a.cast(Type::Uint(1)),
        (_, Kind::Float) => return Err(format!("{operator:?} has no meaning for real numbers")),
        _ => a.cast(full(kind)),
    };
    let b = match b.ty {
        Type::Bits(width) => b.cast(Type::Uint(width)),
        Type::Bool => b.cast(Type::Uint(1)),
        Type::Float if rotates => b.cast(Type::Int(64)),
        Type::Float => return Err(format!("{operator:?} by a real number has no meaning")),
        _ => b,
    };
    let ty = a.ty;
    Ok(match operator {
        Binary::RotateLeft => Text::new(format!("rotl({}, {})", a.text, b.text), ty),
        Binary::RotateRight => Text::new(format!("rotr({}, {})", a.text, b.text), ty),
        _ => infix(operator.word(), a, b, ty),
    })
}

fn infix(sign: &str, a: Text, b: Text, ty: Type) -> Text {
    Text::open(format!("{} {sign} {}", a.operand(), b.operand()), ty)
}

fn is_comparison(operator: Binary) -> bool {
    use Binary::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(operator, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

/// The shortest digits that read back as the same double.
pub(super) fn number(number: f64) -> Result<String, String> {
    match number.is_finite() {
        true => Ok(format!("{number:?}")),
        false => Err("a number is not finite".to_owned()),
    }
}

/// A register, or a part of one.
pub(super) fn clbits(
    circuit: &Circuit,
    start: u32,
    size: u32,
    names: Names<'_>,
) -> Result<String, String> {
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
        _ => format!("{name}[{first}:{}]", first + size - 1),
    })
}

/// One bit of the register that has it.
pub(super) fn bit(registers: &[Register], names: &[String], number: u32) -> String {
    let place = registers.partition_point(|register| register.start + register.size <= number);
    format!("{}[{}]", names[place], number - registers[place].start)
}

/// A function from numbers to numbers.
fn is_real_function(operator: Unary) -> bool {
    use Unary::{Acos, Asin, Atan, Ceiling, Cos, Exp, Floor, Ln, Sin, Sqrt, Tan};
    matches!(operator, Sin | Cos | Tan | Asin | Acos | Atan | Exp | Ln | Sqrt | Floor | Ceiling)
}

/// A number of any width, in a form that stays short: hexadecimal beyond 64 bits.
fn decimal(bits: &BitString) -> String {
    bits.to_u64().map_or_else(|| bits.to_hex(), |value| value.to_string())
}
