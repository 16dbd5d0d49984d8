//! Expressions: over the parameters of a circuit, bound before it runs, and over its classical
//! values, known while it runs. One arena holds both.

use crate::BitString;

/// The number of an expression within its circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExprId(pub u32);

/// The number of a variable within its circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VarId(pub u32);

/// The number of a named parameter within its circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParamId(pub u32);

/// A gate's parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Param {
    /// A number.
    Number(f64),
    /// An expression over named parameters, numbers and, in dynamic circuits, variables.
    Expr(ExprId),
}

impl From<f64> for Param {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl Param {
    /// The number, if it is one.
    #[must_use]
    pub fn as_number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Expr(_) => None,
        }
    }
}

/// One node of an expression.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Expr {
    /// A constant.
    Literal(Value),
    /// A named parameter of the circuit.
    Parameter(ParamId),
    /// One classical bit, as a bool.
    Clbit(super::Clbit),
    /// Clbits `start .. start + size` as an unsigned number, `start` least significant.
    Clbits {
        /// The first clbit.
        start: u32,
        /// How many.
        size: u32,
    },
    /// A variable.
    Var(VarId),
    /// An operator with one operand.
    Unary(Unary, ExprId),
    /// An operator with two operands.
    Binary(Binary, ExprId, ExprId),
    /// The value as another type.
    Cast(VarType, ExprId),
    /// One bit of a value, as a bool. Negative indices count from the end: -1 is the highest bit.
    Index {
        /// Bits, or a bool.
        of: ExprId,
        /// Which bit.
        index: ExprId,
    },
    /// One of the variables `first .. first + size`, chosen while the circuit runs: an element of an
    /// array. Negative indices count from the end.
    Element {
        /// The variable at index 0.
        first: VarId,
        /// How many there are.
        size: u32,
        /// Which one.
        index: ExprId,
    },
}

impl Expr {
    /// The expressions that this one is made of.
    pub fn operands(&self) -> impl Iterator<Item = ExprId> + use<> {
        let (a, b) = match *self {
            Self::Unary(_, a) | Self::Cast(_, a) | Self::Element { index: a, .. } => {
                (Some(a), None)
            }
            Self::Binary(_, a, b) | Self::Index { of: a, index: b } => (Some(a), Some(b)),
            Self::Literal(_) | Self::Parameter(_) => (None, None),
            Self::Clbit(_) | Self::Clbits { .. } | Self::Var(_) => (None, None),
        };
        a.into_iter().chain(b)
    }

    /// It looks at clbits or variables itself, which are known only while the circuit runs.
    #[must_use]
    pub fn reads_storage(&self) -> bool {
        match self {
            Self::Clbit(_) | Self::Clbits { .. } | Self::Var(_) | Self::Element { .. } => true,
            Self::Literal(_) | Self::Parameter(_) | Self::Unary(..) | Self::Binary(..) => false,
            Self::Cast(..) | Self::Index { .. } => false,
        }
    }
}

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// An unsigned number, or bits, of any width.
    Uint(BitString),
    /// A signed number.
    Int(i64),
    /// A number.
    Float(f64),
}

impl Value {
    /// False, and every form of 0, are false.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Uint(bits) => bits.words().any(|word| word != 0),
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
        }
    }
}

/// The type of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VarType {
    /// A truth value.
    Bool,
    /// An unsigned number, or bits, of this width.
    Uint(u32),
    /// A signed number of this width, at most 64.
    Int(u32),
    /// A number in double precision.
    Float,
}

/// A classical variable: storage that is not reported in the counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type. It starts as false or 0.
    pub ty: VarType,
}

/// Operators and functions of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Unary {
    Negate,
    Not,
    BitNot,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Exp,
    Ln,
    Sqrt,
    Abs,
    Floor,
    Ceiling,
    /// The number of bits that are 1, as an unsigned number of 64 bits.
    Popcount,
}

/// Operators of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    And,
    Or,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// Bits move towards the highest, which comes back as the lowest.
    RotateLeft,
    /// Bits move towards the lowest, which comes back as the highest.
    RotateRight,
}

impl Unary {
    /// Its sign or the name of its function, as OpenQASM 3 writes them.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Negate => "-",
            Self::Not => "!",
            Self::BitNot => "~",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tan => "tan",
            Self::Asin => "arcsin",
            Self::Acos => "arccos",
            Self::Atan => "arctan",
            Self::Exp => "exp",
            Self::Ln => "log",
            Self::Sqrt => "sqrt",
            Self::Abs => "abs",
            Self::Floor => "floor",
            Self::Ceiling => "ceiling",
            Self::Popcount => "popcount",
        }
    }

    /// Its [`word`](Self::word) is a sign before the operand, not a function of it.
    #[must_use]
    pub fn is_sign(self) -> bool {
        matches!(self, Self::Negate | Self::Not | Self::BitNot)
    }

    /// Applied to a number.
    #[must_use]
    pub fn of_number(self, x: f64) -> f64 {
        match self {
            Self::Negate => -x,
            Self::Not | Self::BitNot => f64::from(u8::from(x == 0.0)),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.tan(),
            Self::Asin => x.asin(),
            Self::Acos => x.acos(),
            Self::Atan => x.atan(),
            Self::Exp => x.exp(),
            Self::Ln => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Abs => x.abs(),
            Self::Floor => x.floor(),
            Self::Ceiling => x.ceil(),
            Self::Popcount => f64::from((x as u64).count_ones()),
        }
    }
}

impl Binary {
    /// Its sign or the name of its function, as OpenQASM 3 writes them.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Pow => "**",
            Self::And => "&&",
            Self::Or => "||",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::RotateLeft => "rotl",
            Self::RotateRight => "rotr",
        }
    }

    /// Its [`word`](Self::word) is a sign between the operands, not a function of them.
    #[must_use]
    pub fn is_sign(self) -> bool {
        !matches!(self, Self::RotateLeft | Self::RotateRight)
    }

    /// Applied to two numbers, if the operator has a meaning for them.
    #[must_use]
    pub fn of_numbers(self, a: f64, b: f64) -> Option<f64> {
        let truth = |value: bool| f64::from(u8::from(value));
        Some(match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Rem => a % b,
            Self::Pow => a.powf(b),
            Self::And => truth(a != 0.0 && b != 0.0),
            Self::Or => truth(a != 0.0 || b != 0.0),
            Self::Equal => truth(a == b),
            Self::NotEqual => truth(a != b),
            Self::Less => truth(a < b),
            Self::LessEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterEqual => truth(a >= b),
            Self::BitAnd | Self::BitOr | Self::BitXor => return None,
            Self::Shl | Self::Shr | Self::RotateLeft | Self::RotateRight => return None,
        })
    }
}
