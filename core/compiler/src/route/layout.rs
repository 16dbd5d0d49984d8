//! Which physical qubit holds which virtual one.

/// A permutation: every physical qubit holds one virtual qubit. Those beyond the circuit's are idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    physical: Vec<u32>,
    holds: Vec<u32>,
}

impl Layout {
    /// From the places of some virtual qubits; the others fill the free places in order.
    pub(crate) fn from_places(places: &[Option<u32>], n_physical: u32) -> Self {
        let mut holds = vec![u32::MAX; n_physical as usize];
        let mut physical = vec![u32::MAX; n_physical as usize];
        for (v, place) in places.iter().enumerate() {
            if let Some(p) = place {
                holds[*p as usize] = v as u32;
                physical[v] = *p;
            }
        }
        // An idle qubit stays at its own number if that is free.
        for q in 0..n_physical as usize {
            if holds[q] == u32::MAX && physical[q] == u32::MAX {
                (holds[q], physical[q]) = (q as u32, q as u32);
            }
        }
        let mut free = (0..n_physical)
            .filter(|&p| holds[p as usize] == u32::MAX)
            .collect::<Vec<_>>()
            .into_iter();
        for (v, place) in physical.iter_mut().enumerate().filter(|(_, place)| **place == u32::MAX) {
            *place = free.next().expect("as many free places as qubits without one");
            holds[*place as usize] = v as u32;
        }
        Self { physical, holds }
    }

    pub(crate) fn trivial(n_physical: u32) -> Self {
        Self { physical: (0..n_physical).collect(), holds: (0..n_physical).collect() }
    }

    /// Where a virtual qubit is.
    pub(crate) fn physical(&self, virtual_qubit: u32) -> u32 {
        self.physical[virtual_qubit as usize]
    }

    /// The virtual qubit in a place.
    pub(crate) fn holds(&self, physical: u32) -> u32 {
        self.holds[physical as usize]
    }

    /// Exchanges what two places hold.
    pub(crate) fn swap(&mut self, p: u32, q: u32) {
        self.holds.swap(p as usize, q as usize);
        self.physical[self.holds[p as usize] as usize] = p;
        self.physical[self.holds[q as usize] as usize] = q;
    }

    /// The places of the first `n` virtual qubits.
    pub(crate) fn places(&self, n: u32) -> Vec<u32> {
        self.physical[..n as usize].to_vec()
    }
}
