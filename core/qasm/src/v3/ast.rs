//! The tree of a program: what its statements say, before they have a meaning.
//!
//! Every node that a message may be about has a span, in bytes of its file. Trees are flat where
//! programs are long: `a + b + c` is one chain, `a[0][1]` one index, so that no program makes the
//! work on its tree recurse deeper than the parser lets parentheses and blocks nest.

use std::{ops::Range, rc::Rc};

use ketch_interface::{BitString, circuit::TimeUnit};

use super::intern::Name;

/// Bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn to(self, end: Self) -> Self {
        Self { start: self.start, end: end.end.max(self.start) }
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A name where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ident {
    pub(crate) name: Name,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) span: Span,
    pub(crate) kind: ExprKind,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    Int(i128),
    Float(f64),
    Imaginary(f64),
    Bool(bool),
    /// `"0110"`
    Bits(BitString),
    /// `10ns`
    Time(f64, TimeUnit),
    Name(Name),
    /// `$0`
    Physical(u32),
    Unary(UnaryOp, Box<Expr>),
    /// Operators of one level, from left to right.
    Chain(Box<Expr>, Vec<(BinaryOp, Expr)>),
    Index(Box<Expr>, Vec<Index>),
    Call(Ident, Vec<Expr>),
    Cast(Box<Type>, Box<Expr>),
    DurationOf(Block),
    /// `measure q`
    Measure(Box<Expr>),
    /// `f(a) q, r`, the older way to call a subroutine.
    QuantumCall(Ident, Vec<Expr>, Vec<Expr>),
    /// `{1, 2}`: an array's elements, or a set of indices.
    Braces(Vec<Expr>),
    /// `a ++ b`
    Concat(Vec<Expr>),
}

/// What stands between brackets.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) span: Span,
    pub(crate) items: Vec<IndexItem>,
}

#[derive(Debug)]
pub(crate) enum IndexItem {
    At(Expr),
    Range(RangeExpr),
}

/// `start : step : stop`, the ends included.
#[derive(Debug)]
pub(crate) struct RangeExpr {
    pub(crate) span: Span,
    pub(crate) start: Option<Box<Expr>>,
    pub(crate) step: Option<Box<Expr>>,
    pub(crate) stop: Option<Box<Expr>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Negate,
    Not,
    BitNot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    Shl,
    Shr,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
    And,
    Or,
}

#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) span: Span,
    pub(crate) kind: TypeKind,
}

#[derive(Debug)]
pub(crate) enum TypeKind {
    Bit(Option<Expr>),
    Int(Option<Expr>),
    Uint(Option<Expr>),
    Float(Option<Expr>),
    Angle(Option<Expr>),
    Bool,
    Duration,
    Stretch,
    Complex,
    Qubit(Option<Expr>),
    Array { element: Box<Type>, shape: Shape, access: Access },
}

#[derive(Debug)]
pub(crate) enum Shape {
    Sizes(Vec<Expr>),
    /// `#dim = 2`
    Dimensions(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Owned,
    Readonly,
    Mutable,
}

pub(crate) type Block = Vec<Stmt>;

#[derive(Debug)]
pub(crate) struct Stmt {
    pub(crate) span: Span,
    pub(crate) kind: StmtKind,
}

#[derive(Debug)]
pub(crate) enum StmtKind {
    Include(String),
    Declare {
        ty: Type,
        name: Ident,
        value: Option<Expr>,
        constant: bool,
    },
    Io {
        ty: Type,
        name: Ident,
        input: bool,
    },
    Alias(Ident, Expr),
    Assign {
        target: Expr,
        operator: Option<BinaryOp>,
        value: Expr,
    },
    Gate(Rc<GateDef>),
    Def(Rc<Sub>),
    Extern(Ident),
    Call(Box<GateCall>),
    /// `measure q -> c;`, or without a place for the result.
    Measure {
        value: Expr,
        target: Option<Expr>,
    },
    Reset(Expr),
    Barrier(Vec<Expr>),
    Delay(Expr, Vec<Expr>),
    Box(Option<Expr>, Block),
    Nop,
    Expr(Expr),
    Scope(Block),
    If {
        condition: Expr,
        then: Block,
        otherwise: Option<Block>,
    },
    While {
        condition: Expr,
        body: Block,
    },
    For {
        ty: Type,
        name: Ident,
        values: ForValues,
        body: Block,
    },
    Switch {
        target: Expr,
        cases: Vec<SwitchCase>,
    },
    Break,
    Continue,
    End,
    Return(Option<Expr>),
    /// `pragma`, `@annotation`, `defcalgrammar`: kept by nothing that runs.
    Noted,
    /// `cal { … }`
    Cal,
    /// `defcal` of this gate.
    DefCal(Option<Name>),
}

#[derive(Debug)]
pub(crate) enum ForValues {
    Range(RangeExpr),
    Set(Vec<Expr>),
    Of(Expr),
}

#[derive(Debug)]
pub(crate) struct SwitchCase {
    /// Empty: the default.
    pub(crate) values: Vec<Expr>,
    pub(crate) body: Block,
}

#[derive(Debug)]
pub(crate) struct GateDef {
    pub(crate) name: Ident,
    pub(crate) params: Vec<Ident>,
    pub(crate) qubits: Vec<Ident>,
    pub(crate) body: Block,
}

#[derive(Debug)]
pub(crate) struct Sub {
    pub(crate) name: Ident,
    pub(crate) args: Vec<(Type, Ident)>,
    pub(crate) returns: Option<Type>,
    pub(crate) body: Block,
}

#[derive(Debug)]
pub(crate) struct GateCall {
    pub(crate) modifiers: Vec<Modifier>,
    pub(crate) name: Ident,
    pub(crate) params: Vec<Expr>,
    pub(crate) operands: Vec<Expr>,
}

#[derive(Debug)]
pub(crate) struct Modifier {
    pub(crate) span: Span,
    pub(crate) kind: ModifierKind,
}

#[derive(Debug)]
pub(crate) enum ModifierKind {
    Inv,
    Pow(Expr),
    Ctrl { count: Option<Expr>, open: bool },
}
