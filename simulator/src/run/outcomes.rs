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
    /// Counts of shots that came packed, in the order of their values, each value once.
    sorted: Vec<(BitString, u64)>,
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
        Ok(Self { width, counts: HashMap::new(), sorted: Vec::new(), memory })
    }

    /// The clbits of a shot.
    pub(crate) fn width(&self) -> u32 {
        self.width
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

    /// Adds the next shots, packed as [`Memory`] is. They become the memory if it is kept.
    pub(crate) fn add_packed(&mut self, packed: Vec<u8>, keep: bool) {
        let counted = counted(self.width, &packed);
        self.sorted = merged(std::mem::take(&mut self.sorted), counted);
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
        later.counts.iter().for_each(|(clbits, shots)| self.count(clbits, *shots));
        if let (Some(memory), Some(later)) = (&mut self.memory, &later.memory) {
            memory.extend_from_slice(later);
        }
    }

    /// Counts and memory for the result.
    pub(crate) fn finish(self, registers: &[Register]) -> (Counts, Option<Memory>) {
        let mut counts = Counts::from_outcomes(registers.to_vec(), self.sorted);
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

/// How often each value stands in packed shots, in the order of the values.
fn counted(width: u32, packed: &[u8]) -> Vec<(BitString, u64)> {
    let stride = Memory::stride_of(width);
    if stride == 0 {
        return Vec::new();
    }
    // The upper 64 bits decide nearly always, and shots are compared without touching them.
    let key = |shot: &[u8]| {
        shot.iter().rev().take(8).fold(0, |key: u64, &byte| key << 8 | u64::from(byte))
    };
    let mut shots: Vec<(u64, &[u8])> =
        packed.chunks_exact(stride).map(|shot| (key(shot), shot)).collect();
    if stride <= 8 {
        shots.sort_unstable_by_key(|(key, _)| *key);
    } else {
        shots.sort_unstable_by(|(key_a, a), (key_b, b)| {
            key_a.cmp(key_b).then_with(|| a.iter().rev().cmp(b.iter().rev()))
        });
    }
    let same = |a: &(u64, &[u8]), b: &(u64, &[u8])| a.0 == b.0 && (stride <= 8 || a.1 == b.1);
    let count =
        |run: &[(u64, &[u8])]| (BitString::from_le_bytes(width, run[0].1), run.len() as u64);
    shots.chunk_by(same).map(count).collect()
}

/// Two sorted lists as one.
fn merged(a: Vec<(BitString, u64)>, b: Vec<(BitString, u64)>) -> Vec<(BitString, u64)> {
    if a.is_empty() {
        return b;
    }
    let mut merged: Vec<(BitString, u64)> = Vec::with_capacity(a.len().max(b.len()));
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x.0 <= y.0 => a.next(),
            (Some(_), None) => a.next(),
            _ => b.next(),
        };
        let Some((bits, count)) = next else { return merged };
        match merged.last_mut() {
            Some((last, so_far)) if *last == bits => *so_far += count,
            _ => merged.push((bits, count)),
        }
    }
}
