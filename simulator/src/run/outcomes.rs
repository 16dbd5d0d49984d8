//! The clbits of the shots: counted, and kept in order if asked for.

use std::collections::HashMap;

use ketch_interface::{BitString, Counts, circuit::Register, result::Memory};
use ketch_kernels::AllocError;

use crate::Error;

/// The clbits of shots.
#[derive(Debug)]
pub(crate) struct Outcomes {
    width: u32,
    counts: HashMap<BitString, u64>,
    /// Packed as [`Memory`] is; `None` if it is not kept.
    memory: Option<Vec<u8>>,
}

impl Outcomes {
    /// None yet, with room for the memory of `shots` shots.
    pub(crate) fn new(width: u32, memory: bool, shots: u64) -> Result<Self, Error> {
        let memory = match memory {
            false => None,
            true => {
                let bytes = shots.saturating_mul(Memory::stride_of(width) as u64);
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                let mut memory = Vec::new();
                memory.try_reserve_exact(bytes).map_err(|_| AllocError { bytes })?;
                Some(memory)
            }
        };
        Ok(Self { width, counts: HashMap::new(), memory })
    }

    /// Adds the next shot.
    pub(crate) fn add(&mut self, clbits: &BitString) {
        self.count(clbits, 1);
        if let Some(memory) = &mut self.memory {
            memory.extend(bytes(clbits));
        }
    }

    /// Counts shots whose memory is set otherwise.
    pub(crate) fn count(&mut self, clbits: &BitString, shots: u64) {
        match self.counts.get_mut(clbits) {
            Some(count) => *count += shots,
            None => {
                self.counts.insert(clbits.clone(), shots);
            }
        }
    }

    /// The packed memory, if it is kept.
    pub(crate) fn memory_mut(&mut self) -> Option<&mut Vec<u8>> {
        self.memory.as_mut()
    }

    /// Adds later shots.
    pub(crate) fn append(&mut self, later: &Self) {
        later.counts.iter().for_each(|(clbits, shots)| self.count(clbits, *shots));
        if let (Some(memory), Some(later)) = (&mut self.memory, &later.memory) {
            memory.extend_from_slice(later);
        }
    }

    /// Counts and memory for the result.
    pub(crate) fn finish(self, registers: &[Register]) -> (Counts, Option<Memory>) {
        let mut counts = Counts::new(registers.to_vec());
        self.counts.into_iter().for_each(|(clbits, shots)| counts.add(clbits, shots));
        let width = self.width;
        let memory = self.memory.and_then(|bytes| Memory::from_bytes(width, bytes.into()));
        (counts, memory)
    }
}

/// The bytes of one shot's memory.
pub(crate) fn bytes(clbits: &BitString) -> impl Iterator<Item = u8> + '_ {
    clbits.words().flat_map(u64::to_le_bytes).take(Memory::stride_of(clbits.width()))
}
