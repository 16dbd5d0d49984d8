//! What the passes work on: a list of operations, each on one or two qubits or a fence.
//!
//! Order in a list is a valid order of execution. Passes may move operations past others on
//! different qubits, but keep fences in the order in which they stand: classical values pass
//! between those.

use ketch_interface::circuit::Param;

use crate::linear::{self, M2, M4};

/// One operation.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A one-qubit unitary.
    One(u32, M2),
    /// `rz` by an angle that is not known yet.
    Rz(u32, Param),
    /// `cx` from the first to the second.
    Cx(u32, u32),
    Swap(u32, u32),
    /// A two-qubit unitary; the first qubit is the least significant.
    Two(u32, u32, Box<M4>),
    /// `exp(-iθ/2 ZZ)`, made where the device has such interactions.
    Ising(u32, u32, f64),
    Reset(u32),
    /// An instruction of the source, as it is.
    Fence(Box<Fence>),
    /// Control flow of the source, with its blocks.
    Flow(Box<Flow>),
}

#[derive(Clone, Debug)]
pub(crate) struct Fence {
    /// Its place in the source.
    pub(crate) source: usize,
    /// Its own qubits.
    pub(crate) qubits: Vec<u32>,
    pub(crate) extent: Extent,
}

/// What nothing may be moved across a fence on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Its qubits.
    Qubits,
    /// All qubits: it looks at the whole state, or leaves a block.
    All,
}

#[derive(Clone, Debug)]
pub(crate) struct Flow {
    /// The place of the instruction in the source.
    pub(crate) source: usize,
    /// Its blocks, in order.
    pub(crate) blocks: Vec<Vec<Node>>,
    /// All qubits that are used within.
    pub(crate) qubits: Vec<u32>,
}

impl Flow {
    pub(crate) fn new(source: usize, blocks: Vec<Vec<Node>>) -> Self {
        let mut qubits: Vec<u32> =
            blocks.iter().flatten().flat_map(|node| node.qubits().to_vec()).collect();
        qubits.sort_unstable();
        qubits.dedup();
        Self { source, blocks, qubits }
    }

    /// A block leaves a loop, or ends the shot.
    pub(crate) fn jumps(&self) -> bool {
        self.blocks.iter().flatten().any(|node| match node {
            Node::Fence(fence) => fence.extent == Extent::All,
            Node::Flow(flow) => flow.jumps(),
            _ => false,
        })
    }
}

/// The qubits of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operands<'a> {
    One([u32; 1]),
    Two([u32; 2]),
    Many(&'a [u32]),
}

impl std::ops::Deref for Operands<'_> {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        match self {
            Self::One(one) => one,
            Self::Two(two) => two,
            Self::Many(many) => many,
        }
    }
}

impl Node {
    pub(crate) fn qubits(&self) -> Operands<'_> {
        match self {
            Self::One(q, _) | Self::Rz(q, _) | Self::Reset(q) => Operands::One([*q]),
            Self::Cx(a, b) | Self::Swap(a, b) | Self::Two(a, b, _) | Self::Ising(a, b, _) => {
                Operands::Two([*a, *b])
            }
            Self::Fence(fence) => Operands::Many(&fence.qubits),
            Self::Flow(flow) => Operands::Many(&flow.qubits),
        }
    }

    /// The qubits of a two-qubit unitary.
    pub(crate) fn pair(&self) -> Option<[u32; 2]> {
        match self.qubits() {
            Operands::Two(pair) => Some(pair),
            _ => None,
        }
    }

    /// The matrix of a two-qubit unitary, its first qubit the least significant.
    pub(crate) fn pair_matrix(&self) -> Option<M4> {
        match self {
            Self::Cx(..) => Some(linear::cx(true)),
            Self::Swap(..) => Some(linear::swap()),
            Self::Two(_, _, matrix) => Some(**matrix),
            Self::Ising(_, _, angle) => {
                let [[minus, _], [_, plus]] = linear::rz(*angle);
                let mut matrix = [[linear::C::ZERO; 4]; 4];
                for (i, entry) in [minus, plus, plus, minus].into_iter().enumerate() {
                    matrix[i][i] = entry;
                }
                Some(matrix)
            }
            _ => None,
        }
    }

    /// Nothing may be moved across it, on any qubit.
    pub(crate) fn stops_all(&self) -> bool {
        match self {
            Self::Fence(fence) => fence.extent == Extent::All,
            Self::Flow(flow) => flow.jumps(),
            _ => false,
        }
    }

    /// Its place among the other fences is kept.
    pub(crate) fn is_ordered(&self) -> bool {
        matches!(self, Self::Fence(_) | Self::Flow(_))
    }

    /// The same on other qubits.
    pub(crate) fn on(self, place: impl Fn(u32) -> u32) -> Self {
        match self {
            Self::One(q, m) => Self::One(place(q), m),
            Self::Rz(q, angle) => Self::Rz(place(q), angle),
            Self::Cx(a, b) => Self::Cx(place(a), place(b)),
            Self::Swap(a, b) => Self::Swap(place(a), place(b)),
            Self::Two(a, b, m) => Self::Two(place(a), place(b), m),
            Self::Ising(a, b, angle) => Self::Ising(place(a), place(b), angle),
            Self::Reset(q) => Self::Reset(place(q)),
            Self::Fence(mut fence) => {
                fence.qubits.iter_mut().for_each(|q| *q = place(*q));
                Self::Fence(fence)
            }
            Self::Flow(mut flow) => {
                flow.qubits.iter_mut().for_each(|q| *q = place(*q));
                Self::Flow(flow)
            }
        }
    }
}
