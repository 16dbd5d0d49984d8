//! The arrays of a circuit as they are, for the binary codec.

use std::{ops::Range, sync::Arc};

use super::{Circuit, Clbit, Op, Param, Qubit, Record, Register};

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

/// The operands that instructions have together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    qubits: u64,
    clbits: u64,
    params: u64,
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

    /// Gives an empty circuit its registers, each of which begins where the one before it ends.
    pub(crate) fn set_registers(&mut self, qregs: Arc<Vec<Register>>, cregs: Arc<Vec<Register>>) {
        let bits = |registers: &[Register]| registers.last().map_or(0, |last| last.bits().end);
        (self.n_qubits, self.n_clbits) = (bits(&qregs), bits(&cregs));
        (self.qregs, self.cregs) = (qregs, cregs);
    }

    /// Adds a parameter at the next place, whatever its name.
    pub(crate) fn push_parameter(&mut self, name: &str) {
        self.parameters.push(name);
    }

    /// Gives an empty circuit its instructions, whose operands follow by
    /// [`set_operands`](Self::set_operands).
    pub(crate) fn set_instructions<E>(
        &mut self,
        instructions: impl ExactSizeIterator<Item = Result<Counted, E>>,
    ) -> Result<Totals, E> {
        let mut totals = Totals::default();
        self.records.reserve_exact(instructions.len());
        for instruction in instructions {
            let Counted { op, n_qubits, n_clbits, n_params } = instruction?;
            // More than 2^32 operands are found by the totals.
            let Totals { qubits, clbits, params } = totals;
            let (qubits, clbits, params) = (qubits as u32, clbits as u32, params as u32);
            self.records.push(Record { op, qubits, clbits, params });
            totals.qubits += u64::from(n_qubits);
            totals.clbits += u64::from(n_clbits);
            totals.params += u64::from(n_params);
        }
        Ok(totals)
    }

    /// Gives a circuit the operands of its instructions; `None` if they are not used up exactly.
    /// Nothing else is checked: that is [`validate`](Self::validate)'s work.
    pub(crate) fn set_operands(
        &mut self,
        totals: &Totals,
        operands: Operands,
        blocks: Vec<Range<u32>>,
    ) -> Option<()> {
        let fits = |total: u64, found: usize| total == found as u64 && u32::try_from(total).is_ok();
        let used_up = fits(totals.qubits, operands.qubits.len())
            && fits(totals.clbits, operands.clbits.len())
            && fits(totals.params, operands.params.len());
        self.qubits = operands.qubits;
        self.clbits = operands.clbits;
        self.params = operands.params;
        self.blocks = blocks;
        used_up.then_some(())
    }
}
