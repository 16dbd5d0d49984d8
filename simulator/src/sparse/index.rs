//! Finding basis states in a list of them.

/// Places of basis states in a list, by the states themselves: open addressing, linear probing.
///
/// A basis state is a fixed number of words; the list is handed in with each call.
#[derive(Debug)]
pub(crate) struct Index {
    /// A place and one, or 0 for a free slot. A power of two of them, at most half of them taken.
    slots: Vec<u32>,
    n_taken: usize,
}

impl Index {
    /// The index of a list of different states, each of so many words.
    pub(crate) fn of(states: &[u64], n_words: usize) -> Self {
        let mut index = Self::with_room(states.len() / n_words);
        index.fill(states, n_words);
        index
    }

    fn fill(&mut self, states: &[u64], n_words: usize) {
        self.n_taken = states.len() / n_words;
        for (place, state) in states.chunks_exact(n_words).enumerate() {
            let slot = self.slot(state, states);
            self.slots[slot] = place as u32 + 1;
        }
    }

    /// Of an empty list, with room for `n` states.
    pub(crate) fn with_room(n: usize) -> Self {
        Self { slots: vec![0; (2 * n).next_power_of_two().max(16)], n_taken: 0 }
    }

    /// The place of a state, which is appended to the list if it is new, and whether it is.
    pub(crate) fn find_or_push(&mut self, state: &[u64], states: &mut Vec<u64>) -> (usize, bool) {
        if 2 * (self.n_taken + 1) > self.slots.len() {
            *self = Self::with_room(2 * self.n_taken);
            self.fill(states, state.len());
        }
        let slot = self.slot(state, states);
        match self.slots[slot] {
            0 => {
                let place = self.n_taken;
                states.extend_from_slice(state);
                self.slots[slot] = place as u32 + 1;
                self.n_taken += 1;
                (place, true)
            }
            taken => (taken as usize - 1, false),
        }
    }

    /// The place of a state; `None` if it is not in the list.
    pub(crate) fn find(&self, state: &[u64], states: &[u64]) -> Option<usize> {
        (self.slots[self.slot(state, states)] as usize).checked_sub(1)
    }

    /// The slot where a state is, or where it belongs.
    fn slot(&self, state: &[u64], states: &[u64]) -> usize {
        let (mask, n_words) = (self.slots.len() - 1, state.len());
        let mut slot = hash(state) as usize & mask;
        loop {
            let taken = self.slots[slot] as usize;
            if taken == 0 || states[(taken - 1) * n_words..taken * n_words] == *state {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }
}

/// Mixes all bits into all: neighbouring basis states must not fall into neighbouring slots.
fn hash(state: &[u64]) -> u64 {
    // Steele, Lea and Flood's finalizer of SplitMix64 (OOPSLA 2014), word after word.
    state.iter().fold(0, |hash: u64, word| {
        let mut mixed = (hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_found_where_it_was_put() {
        for words in [1, 2, 3] {
            let state = |i: u64| -> Vec<u64> { (0..words).map(|w| i << (7 * w)).collect() };
            let (mut index, mut states) = (Index::with_room(0), Vec::new());
            for i in 0..1000 {
                assert_eq!(index.find_or_push(&state(i * 3), &mut states), (i as usize, true));
            }
            for i in 0..1000 {
                assert_eq!(index.find_or_push(&state(i * 3), &mut states), (i as usize, false));
                assert_eq!(index.find(&state(i * 3), &states), Some(i as usize));
                assert_eq!(index.find(&state(i * 3 + 1), &states), None);
            }
        }
    }
}
