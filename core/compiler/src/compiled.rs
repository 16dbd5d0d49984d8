//! What compiling gave.

use ketch_interface::{Circuit, circuit::Op};

/// A circuit that fits a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The circuit, on the device's qubits; classical registers are the original's.
    pub circuit: Circuit,
    /// For each qubit of the original, the qubit of the device that holds it in the beginning.
    pub initial_layout: Vec<u32>,
    /// For each qubit of the original, the qubit of the device that holds it in the end.
    pub final_layout: Vec<u32>,
    /// How many swaps were put in, those in blocks of control flow included. Many of them have
    /// melted into the gates around them.
    pub added_swaps: usize,
    /// What the original was made of.
    pub before: GateCounts,
    /// What the compiled circuit is made of.
    pub after: GateCounts,
}

/// The numbers of unitary instructions in a circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GateCounts {
    /// On any number of qubits.
    pub all: usize,
    /// On two.
    pub two_qubit: usize,
    /// On three or more.
    pub larger: usize,
}

impl GateCounts {
    /// Counts the gates of a circuit, those in blocks once.
    #[must_use]
    pub fn of(circuit: &Circuit) -> Self {
        let mut counts = Self::default();
        for instruction in circuit.instructions() {
            let unitary = matches!(
                instruction.op,
                Op::Gate(_) | Op::Unitary(_) | Op::Diagonal(_) | Op::Multiplexer(_) | Op::Pauli(_)
            );
            if unitary {
                counts.all += 1;
                counts.two_qubit += usize::from(instruction.qubits.len() == 2);
                counts.larger += usize::from(instruction.qubits.len() > 2);
            }
        }
        counts
    }
}

/// More moves than this are not listed in a line.
const LISTED: usize = 8;

impl Compiled {
    /// One line for people, such as `+3 SWAP, layout 0→4, 1→3`.
    #[must_use]
    pub fn summary(&self) -> String {
        let moved = |(v, p): &(usize, &u32)| *v as u32 != **p;
        let moves: Vec<String> = self
            .initial_layout
            .iter()
            .enumerate()
            .filter(moved)
            .map(|(v, p)| format!("{v}→{p}"))
            .collect();
        let layout = match moves.len() {
            0 => "layout unchanged".to_owned(),
            n if n <= LISTED => format!("layout {}", moves.join(", ")),
            n => format!("layout {}, … ({n} qubits moved)", moves[..LISTED].join(", ")),
        };
        format!("+{} SWAP, {layout}", self.added_swaps)
    }
}
