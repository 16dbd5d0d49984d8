//! The terms of a phase polynomial, sorted by where they are worked out.
//!
//! The bits of a tile are low or high: the low ones tell apart the amplitudes that are in
//! the registers together. For each value of the high bits, the factor of an amplitude is
//! that of the high bits, times one for each low bit that is set, times that of the pairs
//! of low bits, which is the same for all and kept in a table.

use num_complex::{Complex, Complex64};

use super::{MAX_TILE_BITS, Phases, TileBits, cis};
use crate::real::Real;
use crate::simd::{MAX_LANES, Registers};

/// Places for the factor of the high bits and of each bit of the tile, real parts and
/// imaginary parts apart.
pub(super) const WIDTH: usize = MAX_TILE_BITS + 1;

/// The factor of what is decided first, then those of the bits, by their place, if set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    pub(super) re: [f64; WIDTH],
    pub(super) im: [f64; WIDTH],
}

impl Factors {
    pub(super) const ONES: Self = Self { re: [1.0; WIDTH], im: [0.0; WIDTH] };

    pub(super) fn at(&self, at: usize) -> Complex64 {
        Complex64::new(self.re[at], self.im[at])
    }

    pub(super) fn set(&mut self, at: usize, factor: Complex64) {
        (self.re[at], self.im[at]) = (factor.re, factor.im);
    }
}

/// A coefficient for each lane.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(in crate::tiles) struct Lanes<T>(pub(in crate::tiles) [Complex<T>; MAX_LANES]);

/// The most bits that tell the amplitudes in the registers apart.
const MAX_LOW_BITS: usize = 7;

/// Factors by row and lane.
#[derive(Clone, Debug)]
pub(in crate::tiles) enum Table<T> {
    Ones,
    /// All are 1 or -1.
    Signs(Vec<Lanes<T>>),
    /// Real parts twice, imaginary parts twice.
    Any(Vec<[Lanes<T>; 2]>),
}

/// Phases in terms of places: each bit of a tile has one, the lanes first, then the slots,
/// then the high bits, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Layout<T> {
    pub(super) lane_bits: usize,
    /// Which bits of the tile are slots, ascending.
    pub(super) slots: Vec<usize>,
    /// Which bits of the tile are high, ascending.
    pub(super) high: Vec<usize>,
    /// For each high bit, what it does to the factors of the places below it.
    pub(super) couplings: Vec<Factors>,
    pub(super) table: Table<T>,
    /// Places of low bits that are coupled to a high one.
    coupled: usize,
    /// Places that every pair within the tile has; all when there is no pair.
    common: usize,
    /// Whether every pair within the tile is a sign.
    signs: bool,
    constant: f64,
    linear: Vec<f64>,
    outer: Vec<Outer>,
    outer_pairs: Vec<(usize, f64)>,
}

/// A bit of the state that is constant in a tile.
#[derive(Clone, Debug)]
struct Outer {
    mask: usize,
    phase: f64,
    /// By place.
    couplings: Vec<f64>,
}

/// What is left of the phases in one tile.
#[derive(Debug)]
pub(crate) struct OnTile {
    pub(super) root: Factors,
    /// Places of low bits whose factor is not always 1.
    pub(super) active: usize,
    /// Places that must be 1 for an amplitude to have a phase.
    pub(super) common: usize,
    /// Whether every factor is 1 or -1.
    pub(super) signs: bool,
    identity: bool,
}

impl OnTile {
    pub(super) fn is_identity(&self) -> bool {
        self.identity
    }
}

impl<T: Real> Layout<T> {
    pub(super) fn new(phases: &Phases, bits: &TileBits, registers: Registers) -> Self {
        let n_bits = bits.n_tile_bits();
        let mut tile_bit = vec![None; bits.n_qubits()];
        for (bit, state_bit) in bits.gather().iter().enumerate() {
            tile_bit[*state_bit] = Some(bit);
        }
        // The phases of pairs within the tile, both ways.
        let mut within = vec![vec![0.0; n_bits]; n_bits];
        for &(a, b, phase) in &phases.pairs {
            if let (Some(a), Some(b)) = (tile_bit[a], tile_bit[b]) {
                within[a][b] += phase;
                within[b][a] += phase;
            }
        }
        let slots = choose_slots(&within, registers);
        let is_high = |bit: &usize| *bit >= registers.lane_bits && !slots.contains(bit);
        let high: Vec<usize> = (0..n_bits).filter(is_high).collect();
        let order: Vec<usize> =
            (0..registers.lane_bits).chain(slots.iter().chain(&high).copied()).collect();
        let place_of = |state_bit: usize| {
            tile_bit[state_bit]
                .map(|bit| order.iter().position(|b| *b == bit).expect("every bit has a place"))
        };

        let low = registers.lane_bits + slots.len();
        let mut couplings = vec![Factors::ONES; high.len()];
        let (mut coupled, mut common, mut signs) = (0, usize::MAX, true);
        for place in 0..n_bits {
            for below in 0..place {
                let phase = within[order[place]][order[below]];
                if phase == 0.0 {
                    continue;
                }
                common &= 1 << place | 1 << below;
                signs &= cis(phase).im == 0.0;
                if place >= low {
                    couplings[place - low].set(1 + below, cis(phase));
                    coupled |= if below < low { 1 << below } else { 0 };
                }
            }
        }
        let is_outer = |bit: &usize| tile_bit[*bit].is_none();
        let outer_bits: Vec<usize> = (0..bits.n_qubits()).filter(is_outer).collect();
        let phase_of = |bit: usize| phases.linear.get(bit).copied().unwrap_or(0.0);
        let mut outer: Vec<Outer> = outer_bits
            .iter()
            .map(|&bit| Outer {
                mask: 1 << bit,
                phase: phase_of(bit),
                couplings: vec![0.0; n_bits],
            })
            .collect();
        let mut outer_pairs = Vec::new();
        for &(a, b, phase) in &phases.pairs {
            let (state_bit, place) = match (place_of(a), place_of(b)) {
                (None, None) => {
                    outer_pairs.push((1 << a | 1 << b, phase));
                    continue;
                }
                (None, Some(place)) => (a, place),
                (Some(place), None) => (b, place),
                (Some(_), Some(_)) => continue,
            };
            let at = outer_bits.binary_search(&state_bit).expect("the bit is not local");
            outer[at].couplings[place] += phase;
        }
        outer.retain(|outer| outer.phase != 0.0 || outer.couplings.iter().any(|c| *c != 0.0));
        Self {
            lane_bits: registers.lane_bits,
            table: Table::new(&low_pairs(&within, &order[..low]), registers),
            slots,
            high,
            couplings,
            coupled,
            common,
            signs,
            constant: phases.constant,
            linear: order.iter().map(|bit| phase_of(bits.gather()[*bit])).collect(),
            outer,
            outer_pairs,
        }
    }

    /// Works the constant bits into the factors of the others.
    pub(super) fn on_tile(&self, base: usize) -> OnTile {
        let mut constant = self.constant;
        let mut linear = [0.0; MAX_TILE_BITS];
        linear[..self.linear.len()].copy_from_slice(&self.linear);
        for outer in self.outer.iter().filter(|outer| base & outer.mask != 0) {
            constant += outer.phase;
            for (phase, coupling) in linear.iter_mut().zip(&outer.couplings) {
                *phase += coupling;
            }
        }
        let pairs = self.outer_pairs.iter().filter(|(mask, _)| base & mask == *mask);
        constant += pairs.map(|(_, phase)| phase).sum::<f64>();

        let mut root = Factors::ONES;
        let (mut active, mut common, mut signs) = (self.coupled, self.common, self.signs);
        let factor = cis(constant);
        root.set(0, factor);
        signs &= factor.im == 0.0;
        if factor != Complex64::ONE {
            common = 0;
        }
        for (place, phase) in linear[..self.linear.len()].iter().enumerate() {
            let factor = cis(*phase);
            if factor != Complex64::ONE {
                root.set(1 + place, factor);
                signs &= factor.im == 0.0;
                active |= 1 << place;
                common &= 1 << place;
            }
        }
        // Every place is common to no term at all.
        let identity = common == usize::MAX;
        OnTile { root, active, common, signs, identity }
    }
}

/// The slots for phases `within` a tile: bits that ask for the least work. Those that are
/// idle spare products, those that no other low bit is coupled to spare the table, and a
/// bit that every term has is best left high, where half of the tile is skipped.
fn choose_slots(within: &[Vec<f64>], registers: Registers) -> Vec<usize> {
    let n_bits = within.len();
    // What a pair of low bits costs.
    let weight = |phase: &f64| match *phase {
        0.0 => 0,
        phase if cis(phase).im == 0.0 => 2,
        _ => 8,
    };
    let weights: Vec<Vec<usize>> =
        within.iter().map(|phases| phases.iter().map(weight).collect()).collect();
    let degree = |weights: &Vec<usize>| weights.iter().filter(|weight| **weight != 0).count();
    let degrees: Vec<usize> = weights.iter().map(degree).collect();
    let pairs = degrees.iter().sum::<usize>() / 2;
    let mut low: Vec<usize> = (0..registers.lane_bits).collect();
    for _ in 0..registers.slots {
        let cost = |bit: usize| {
            let coupled: usize = low.iter().map(|other| weights[bit][*other]).sum();
            let in_all = pairs > 0 && degrees[bit] == pairs;
            // Far bits share sets of the cache.
            let far = low.iter().filter(|other| **other >= 8).count() * usize::from(bit >= 8);
            coupled + if in_all { 100 } else { 0 } + usize::from(degrees[bit] > 0) + far
        };
        let free = (registers.lane_bits..n_bits).filter(|bit| !low.contains(bit));
        low.push(free.min_by_key(|bit| cost(*bit)).expect("the tile fills the registers"));
    }
    let mut slots = low.split_off(registers.lane_bits);
    slots.sort_unstable();
    slots
}

/// The phases of pairs of low bits, by the places of both as a mask.
fn low_pairs(within: &[Vec<f64>], low: &[usize]) -> Vec<(usize, f64)> {
    let pairs = (0..low.len()).flat_map(|p| (0..p).map(move |q| (p, q)));
    pairs
        .map(|(p, q)| (1 << p | 1 << q, within[low[p]][low[q]]))
        .filter(|(_, phase)| *phase != 0.0)
        .collect()
}

impl<T: Real> Table<T> {
    /// The factors for phases where all bits of a mask are 1: those of the lane and, above them,
    /// those of the row.
    pub(in crate::tiles) fn new(terms: &[(usize, f64)], registers: Registers) -> Self {
        let n_low = registers.lane_bits + registers.slots;
        let mut all = [Complex64::ONE; 1 << MAX_LOW_BITS];
        let factors = &mut all[..1 << n_low];
        let n_lanes = 1 << registers.lane_bits;
        for (mask, phase) in terms {
            let factor = cis(*phase);
            let (of_rows, of_lanes) = (mask >> registers.lane_bits, mask & (n_lanes - 1));
            let rows = factors.chunks_exact_mut(n_lanes).enumerate();
            for (_, lanes) in rows.filter(|(row, _)| row & of_rows == of_rows) {
                if of_lanes == 0 {
                    lanes.iter_mut().for_each(|entry| *entry *= factor);
                    continue;
                }
                let lanes = lanes.iter_mut().enumerate();
                let set = lanes.filter(|(lane, _)| lane & of_lanes == of_lanes);
                set.for_each(|(_, entry)| *entry *= factor);
            }
        }
        let factors = &*factors;
        let lanes = |row: usize, part: fn(&Complex64) -> f64| {
            let mut lanes = Lanes([Complex::from(T::one()); MAX_LANES]);
            let row = &factors[row << registers.lane_bits..][..1 << registers.lane_bits];
            for (lane, factor) in lanes.0.iter_mut().zip(row) {
                *lane = Complex::from(T::narrow(part(factor)));
                lane.im = lane.re;
            }
            lanes
        };
        let rows = 0..1 << registers.slots;
        if factors.iter().all(|factor| *factor == Complex64::ONE) {
            Self::Ones
        } else if factors.iter().all(|factor| factor.im == 0.0) {
            Self::Signs(rows.map(|row| lanes(row, |factor| factor.re)).collect())
        } else {
            let both = |row| [lanes(row, |factor| factor.re), lanes(row, |factor| factor.im)];
            Self::Any(rows.map(both).collect())
        }
    }
}
