//! The clbits of the shots: counted, and kept in order if asked for.

use ketch_interface::{BitString, Counts, circuit::Register, result::Memory};
use ketch_kernels::AllocError;

use crate::{Cancel, Error, shares::shuffle};

/// The clbits of shots.
#[derive(Debug)]
pub(crate) struct Outcomes {
    width: u32,
    /// What was seen and how often, at first in order and each once, then as it came.
    counts: Vec<(BitString, u64)>,
    /// How many stand in order.
    n_ordered: usize,
    /// Packed as [`Memory`] is; `None` if it is not kept.
    memory: Option<Vec<u8>>,
}

/// Outcomes that may stand as they came, however few different ones there are.
const MOST_WAITING: usize = 1 << 10;

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
        Ok(Self { width, counts: Vec::new(), n_ordered: 0, memory })
    }

    /// The clbits of a shot.
    pub(crate) fn width(&self) -> u32 {
        self.width
    }

    /// Adds the next shot.
    pub(crate) fn add(&mut self, clbits: &BitString) {
        self.count(clbits.clone(), 1);
        if let Some(memory) = &mut self.memory {
            memory.extend(bytes(clbits));
        }
    }

    /// Counts shots whose memory is set otherwise.
    pub(crate) fn count(&mut self, clbits: BitString, shots: u64) {
        self.counts.push((clbits, shots));
        if self.counts.len() >= MOST_WAITING.max(2 * self.n_ordered) {
            self.put_in_order();
        }
    }

    /// Counts shots whose memory is set otherwise: fastest if their values ascend.
    pub(crate) fn count_all(&mut self, mut outcomes: Vec<(BitString, u64)>) {
        match self.counts.is_empty() {
            true => self.counts = outcomes,
            false => self.counts.append(&mut outcomes),
        }
        self.put_in_order();
    }

    /// Adds all shots, which come that often each, in a random order if the memory is kept.
    pub(crate) fn share(
        &mut self,
        outcomes: Vec<(BitString, u64)>,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        if let Some(memory) = &mut self.memory {
            for (clbits, shots) in &outcomes {
                let packed: Vec<u8> = bytes(clbits).collect();
                (0..*shots).for_each(|_| memory.extend_from_slice(&packed));
            }
            shuffle(memory, Memory::stride_of(self.width), seed, cancel)?;
        }
        self.count_all(outcomes);
        Ok(())
    }

    /// Brings equal outcomes together. Sorting takes less than a hash of each shot, since it merges
    /// what is in order already.
    fn put_in_order(&mut self) {
        self.counts.sort_by(|a, b| a.0.cmp(&b.0));
        self.counts.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            earlier.1 += if same { later.1 } else { 0 };
            same
        });
        self.n_ordered = self.counts.len();
    }

    /// Adds the next shots, packed as [`Memory`] is. They become the memory if it is kept.
    pub(crate) fn add_packed(&mut self, packed: Vec<u8>, keep: bool) {
        self.count_all(counted(self.width, &packed));
        if keep {
            self.memory = Some(packed);
        }
    }

    /// The packed memory, if it is kept.
    pub(crate) fn memory_mut(&mut self) -> Option<&mut Vec<u8>> {
        self.memory.as_mut()
    }

    /// Adds later shots.
    pub(crate) fn append(&mut self, later: &Self) {
        later.counts.iter().for_each(|(clbits, shots)| self.count(clbits.clone(), *shots));
        if let (Some(memory), Some(later)) = (&mut self.memory, &later.memory) {
            memory.extend_from_slice(later);
        }
    }

    /// Counts and memory for the result.
    pub(crate) fn finish(self, registers: &[Register]) -> (Counts, Option<Memory>) {
        let counts = Counts::from_outcomes(registers.to_vec(), self.counts);
        let width = self.width;
        let memory = self.memory.and_then(|bytes| Memory::from_bytes(width, bytes.into()));
        (counts, memory)
    }
}

/// The bytes of one shot's memory.
pub(crate) fn bytes(clbits: &BitString) -> impl Iterator<Item = u8> + '_ {
    clbits.words().flat_map(u64::to_le_bytes).take(Memory::stride_of(clbits.width()))
}

/// How often each value stands in packed shots, in the order of the values.
pub(crate) fn counted(width: u32, packed: &[u8]) -> Vec<(BitString, u64)> {
    let stride = Memory::stride_of(width);
    if stride == 0 {
        return Vec::new();
    }
    // The upper 64 bits decide nearly always, and shots are compared without touching them.
    let key = |shot: &[u8]| {
        shot.iter().rev().take(8).fold(0, |key: u64, &byte| key << 8 | u64::from(byte))
    };
    if stride <= 8 {
        return counted_words(width, packed.chunks_exact(stride).map(key).collect());
    }
    let mut shots: Vec<(u64, &[u8])> =
        packed.chunks_exact(stride).map(|shot| (key(shot), shot)).collect();
    shots.sort_unstable_by(|(key_a, a), (key_b, b)| {
        key_a.cmp(key_b).then_with(|| a.iter().rev().cmp(b.iter().rev()))
    });
    let count =
        |run: &[(u64, &[u8])]| (BitString::from_le_bytes(width, run[0].1), run.len() as u64);
    shots.chunk_by(|a, b| a == b).map(count).collect()
}

/// How often each value comes, in the order of the values.
fn counted_words(width: u32, mut shots: Vec<u64>) -> Vec<(BitString, u64)> {
    shots.sort_unstable();
    let count = |run: &[u64]| (BitString::from_u64(width, run[0]), run.len() as u64);
    shots.chunk_by(|a, b| a == b).map(count).collect()
}
