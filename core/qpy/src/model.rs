//! What a file says, before it is given a meaning.

use std::collections::HashMap;

use ketch_interface::{
    Complex64,
    circuit::{TimeUnit, VarType},
};

/// A circuit: a program, a block of one, or the definition of an instruction.
#[derive(Debug)]
pub(crate) struct Circuit<'a> {
    pub(crate) name: &'a str,
    pub(crate) global_phase: Value<'a>,
    pub(crate) n_qubits: u32,
    pub(crate) n_clbits: u32,
    pub(crate) qregs: Vec<Register<'a>>,
    pub(crate) cregs: Vec<Register<'a>>,
    /// The place of each classical register.
    pub(crate) creg_places: HashMap<&'a str, usize>,
    pub(crate) variables: Vec<Variable<'a>>,
    pub(crate) customs: HashMap<&'a str, Custom<'a>>,
    pub(crate) instructions: Vec<Instruction<'a>>,
}

/// A register; bits may be in several registers, or in none.
#[derive(Debug)]
pub(crate) struct Register<'a> {
    pub(crate) name: &'a str,
    pub(crate) bits: Bits,
    /// It belongs to the circuit; otherwise only some of its bits do.
    pub(crate) in_circuit: bool,
}

/// The places of a register's bits.
#[derive(Debug)]
pub(crate) enum Bits {
    Run {
        start: u32,
        size: u32,
    },
    /// `None` for those that the circuit does not have.
    List(Vec<Option<u32>>),
}

impl Bits {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Run { size, .. } => *size as usize,
            Self::List(places) => places.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<u32> {
        match self {
            Self::Run { start, size } => {
                u32::try_from(index).ok().filter(|index| index < size).map(|index| start + index)
            }
            Self::List(places) => places.get(index).copied().flatten(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<u32>> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The first bit, if all follow each other.
    pub(crate) fn start(&self) -> Option<u32> {
        match self {
            Self::Run { start, .. } => Some(*start),
            Self::List(places) => {
                let start = (*places.first()?)?;
                let follow =
                    (start..).zip(places).all(|(expected, place)| *place == Some(expected));
                follow.then_some(start)
            }
        }
    }
}

/// A classical variable that belongs to a circuit, or a stretch.
#[derive(Debug)]
pub(crate) struct Variable<'a> {
    pub(crate) uuid: u128,
    pub(crate) name: &'a str,
    pub(crate) usage: Usage,
    pub(crate) ty: Type,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Usage {
    Input,
    /// Of a circuit around this one.
    Captured,
    Local,
    Stretch,
}

/// A type of classical values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Type {
    Bool,
    Uint(u32),
    Float,
    Duration,
}

impl Type {
    /// How a value of this type is kept while a circuit runs.
    pub(crate) fn stored(self) -> Option<VarType> {
        match self {
            Self::Bool => Some(VarType::Bool),
            Self::Uint(width) => Some(VarType::Uint(width)),
            Self::Float => Some(VarType::Float),
            Self::Duration => None,
        }
    }
}

/// An instruction that the file says more about than its class.
#[derive(Debug)]
pub(crate) struct Custom<'a> {
    pub(crate) kind: CustomKind,
    pub(crate) n_qubits: u32,
    pub(crate) n_clbits: u32,
    pub(crate) definition: Option<Definition<'a>>,
    /// What is controlled or annotated.
    pub(crate) base: Option<Instruction<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum CustomKind {
    /// A gate or another instruction.
    Plain,
    Controlled,
    Annotated,
    PauliEvolution,
}

#[derive(Debug)]
pub(crate) enum Definition<'a> {
    Circuit(Box<Circuit<'a>>),
    Evolution(Box<Evolution<'a>>),
}

/// exp(-itH) by a product formula.
#[derive(Debug)]
pub(crate) struct Evolution<'a> {
    pub(crate) time: Value<'a>,
    /// One operator that is taken apart, or several that each belong together.
    pub(crate) standalone: bool,
    pub(crate) operators: Vec<Vec<Term>>,
    /// The formula's class and settings.
    pub(crate) formula: serde_json::Value,
}

/// A product of operators of one qubit each, with its weight.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) weight: Complex64,
    /// Qubits, ascending, and letters of `XYZ+-rl01`.
    pub(crate) factors: Vec<(u32, u8)>,
}

#[derive(Debug)]
pub(crate) struct Instruction<'a> {
    pub(crate) name: &'a str,
    pub(crate) condition: Option<Condition<'a>>,
    pub(crate) qubits: Vec<u32>,
    pub(crate) clbits: Vec<u32>,
    pub(crate) params: Vec<Value<'a>>,
    pub(crate) n_controls: u32,
    pub(crate) control_state: u32,
}

impl Instruction<'_> {
    /// How many things it is made of.
    pub(crate) fn size(&self) -> u64 {
        let bits = self.qubits.len() + self.clbits.len();
        1 + bits as u64 + self.params.iter().map(Value::size).sum::<u64>()
    }
}

#[derive(Debug)]
pub(crate) enum Condition<'a> {
    Equals(Storage<'a>, i64),
    Expression(Expression<'a>),
}

/// A classical bit or a whole register.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Storage<'a> {
    Bit(u32),
    Register(&'a str),
}

/// A parameter of an instruction.
#[derive(Debug)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Float(f64),
    Complex(Complex64),
    Text(&'a str),
    Array(Array),
    Formula(Formula<'a>),
    Expression(Expression<'a>),
    Storage(Storage<'a>),
    /// The label of the last case of a switch.
    Default,
    Modifier(Modifier),
    Range {
        start: i64,
        stop: i64,
        step: i64,
    },
    Tuple(Vec<Self>),
    Circuit(Box<Circuit<'a>>),
}

impl Value<'_> {
    /// How many things it is made of; circuits within it are counted where they are used.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Array(array) => array.entries.len() as u64,
            Self::Tuple(items) => items.iter().map(|item| 1 + item.size()).sum(),
            _ => 1,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Modifier {
    Inverse,
    Control { n_controls: u32, state: u32 },
    Power(f64),
}

/// A numpy array, row by row.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) entries: Vec<Complex64>,
}

/// A parameter of a circuit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symbol<'a> {
    pub(crate) uuid: u128,
    pub(crate) name: &'a str,
    /// The place in the vector of that name.
    pub(crate) element: Option<u64>,
}

/// A number made of a circuit's parameters. Nodes name only earlier ones; the last is the whole.
#[derive(Debug)]
pub(crate) struct Formula<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Node<'a> {
    Number(f64),
    Symbol(Symbol<'a>),
    Unary(Function, u32),
    Binary(Operator, u32, u32),
    /// What no gate takes as an angle.
    Impossible(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Exp,
    Ln,
    Abs,
    Sign,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
}

/// A classical value that is known while the circuit runs. Nodes name only earlier ones; the last
/// is the whole.
#[derive(Debug)]
pub(crate) struct Expression<'a> {
    pub(crate) nodes: Vec<(Part<'a>, Type)>,
}

/// A node of an expression.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    Storage(Storage<'a>),
    /// A variable or stretch, by its place among those of the circuit.
    Variable(u16),
    Bool(bool),
    /// Big-endian.
    Int(&'a [u8]),
    Float(f64),
    Duration(f64, TimeUnit),
    Cast(u32),
    Unary(u8, u32),
    Binary(u8, u32, u32),
    Index(u32, u32),
}
