//! The arrays of a circuit as they are, for the binary codec.

use std::ops::Range;

use super::{Circuit, Clbit, Op, Param, Qubit, Record};

/// What a circuit is made of beyond what its public methods show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'c> {
    /// Every instruction's qubits, one after the other.
    pub(crate) qubits: &'c [Qubit],
    pub(crate) clbits: &'c [Clbit],
    pub(crate) params: &'c [Param],
    /// The blocks from number 1 on, as ranges of instructions.
    pub(crate) blocks: &'c [Range<u32>],
}

/// The operands of a circuit whose instructions have not come yet.
#[derive(Debug, Default)]
pub(crate) struct Operands {
    pub(crate) qubits: Vec<Qubit>,
    pub(crate) clbits: Vec<Clbit>,
    pub(crate) params: Vec<Param>,
}

/// An instruction's operation and the numbers of its qubits, clbits and parameters.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) op: Op,
    pub(crate) n_qubits: u32,
    pub(crate) n_clbits: u32,
    pub(crate) n_params: u32,
}

impl Circuit {
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts {
            qubits: &self.qubits,
            clbits: &self.clbits,
            params: &self.params,
            blocks: &self.blocks,
        }
    }

    /// Adds a parameter at the next place, whatever its name.
    pub(crate) fn push_parameter(&mut self, name: &str) {
        self.parameters.push(name.to_owned());
    }

    /// Gives an empty circuit its instructions; `None` if the operands are not used up exactly.
    /// Nothing else is checked: that is [`validate`](Self::validate)'s work.
    pub(crate) fn set_parts(
        &mut self,
        instructions: impl ExactSizeIterator<Item = Counted>,
        operands: Operands,
        blocks: Vec<Range<u32>>,
    ) -> Option<()> {
        let (mut qubits, mut clbits, mut params) = (0_u32, 0_u32, 0_u32);
        self.records.reserve_exact(instructions.len());
        for Counted { op, n_qubits, n_clbits, n_params } in instructions {
            self.records.push(Record { op, qubits, clbits, params });
            qubits = qubits.checked_add(n_qubits)?;
            clbits = clbits.checked_add(n_clbits)?;
            params = params.checked_add(n_params)?;
        }
        let used_up = qubits as usize == operands.qubits.len()
            && clbits as usize == operands.clbits.len()
            && params as usize == operands.params.len();
        self.qubits = operands.qubits;
        self.clbits = operands.clbits;
        self.params = operands.params;
        self.blocks = blocks;
        used_up.then_some(())
    }
}
