//! How often each outcome was seen.

use std::{fmt, sync::Arc};

use crate::{BitString, circuit::Register};

/// How often each outcome was seen, with the registers that give its key spaces.
#[derive(Clone, Default, PartialEq)]
pub struct Counts {
    /// Shared, as thousands of experiments mostly have the same.
    registers: Arc<Vec<Register>>,
    /// By the outcome's value, each once.
    counts: Vec<(BitString, u64)>,
}

impl Counts {
    /// No outcomes yet, of clbits in these registers.
    #[must_use]
    pub fn new(registers: impl Into<Arc<Vec<Register>>>) -> Self {
        Self { registers: registers.into(), counts: Vec::new() }
    }

    /// How often each of these outcomes was seen; one that comes twice counts twice. Faster than to
    /// [`add`](Self::add) one after the other, most of all if they come in order.
    #[must_use]
    pub fn from_outcomes(
        registers: impl Into<Arc<Vec<Register>>>,
        outcomes: impl IntoIterator<Item = (BitString, u64)>,
    ) -> Self {
        let mut outcomes: Vec<(BitString, u64)> = outcomes.into_iter().collect();
        if !outcomes.is_sorted_by(|a, b| a.0 < b.0) {
            outcomes.sort_by(|a, b| a.0.cmp(&b.0));
        }
        outcomes.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            earlier.1 += if same { later.1 } else { 0 };
            same
        });
        Self { registers: registers.into(), counts: outcomes }
    }

    /// Adds `count` more of `outcome`. A new one takes time in proportion to the outcomes of higher
    /// value; [`from_outcomes`](Self::from_outcomes) takes thousands at once.
    pub fn add(&mut self, outcome: BitString, count: u64) {
        match self.place(&outcome) {
            Ok(place) => self.counts[place].1 += count,
            Err(place) => self.counts.insert(place, (outcome, count)),
        }
    }

    /// Where an outcome stands, or where it would.
    fn place(&self, outcome: &BitString) -> Result<usize, usize> {
        self.counts.binary_search_by(|(bits, _)| bits.cmp(outcome))
    }

    /// The count of an outcome written as bits, spaces between registers or not; 0 if it was never
    /// seen.
    #[must_use]
    pub fn get(&self, outcome: &str) -> u64 {
        let bits = outcome.parse::<BitString>().ok();
        bits.map_or(0, |bits| self.of(&bits))
    }

    /// The count of an outcome.
    #[must_use]
    pub fn of(&self, outcome: &BitString) -> u64 {
        self.place(outcome).map_or(0, |place| self.counts[place].1)
    }

    /// Outcomes and counts, by the outcome's value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&BitString, u64)> {
        self.counts.iter().map(|(bits, count)| (bits, *count))
    }

    /// Outcomes as text with a space between registers, and counts.
    pub fn labelled(&self) -> impl ExactSizeIterator<Item = (String, u64)> + '_ {
        self.counts.iter().map(|(bits, count)| (bits.to_register_string(&self.registers), *count))
    }

    /// The registers, in circuit order.
    #[must_use]
    pub fn registers(&self) -> &[Register] {
        &self.registers
    }

    /// The number of different outcomes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The number of shots.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// The outcome seen most often; of several, the one with the lowest value.
    #[must_use]
    pub fn most_frequent(&self) -> Option<&BitString> {
        self.counts
            .iter()
            .max_by_key(|(bits, count)| (*count, std::cmp::Reverse(bits)))
            .map(|(b, _)| b)
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.labelled()).finish()
    }
}

impl fmt::Display for Counts {
    /// `{00: 510, 11: 514}`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<String> = self.labelled().map(|(k, v)| format!("{k}: {v}")).collect();
        write!(f, "{{{}}}", items.join(", "))
    }
}
