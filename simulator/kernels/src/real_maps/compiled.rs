//! A map in the form that suits its bits and its entries.

#![expect(unsafe_code, reason = "coefficients are loaded into vectors")]

use super::RealMap;
use crate::{real::Real, simd::Simd};

/// A map, ready for the vectors of an instruction set.
pub(super) enum Compiled<T: Real, S: Simd<T>> {
    /// Two bits that tell vectors apart; the first value stays and the others do not see it.
    Rotation { fixed: usize, offsets: [usize; 4], matrix: [[T; 3]; 3] },
    /// Two bits that tell vectors apart.
    Square { fixed: usize, offsets: [usize; 4], matrix: [[T; 4]; 4] },
    /// Four bits that tell vectors apart; each row has one entry: out `i` is `factors[i]` times
    /// what stands at `from[i]`.
    Monomial { fixed: usize, offsets: [usize; 16], from: [usize; 16], factors: [T; 16] },
    /// Any.
    Terms(Terms<T, S>),
}

/// A map as sums of products of vectors: each out vector is a sum over some of the vectors that
/// are read, with their lanes exchanged in some way.
pub(super) struct Terms<T: Real, S: Simd<T>> {
    pub(super) fixed: usize,
    /// What is read: where, and which lanes are exchanged.
    pub(super) sources: Vec<Source<S::Shuffle>>,
    /// What is written: where, and the end of its terms.
    pub(super) targets: Vec<(usize, usize)>,
    /// Which source each term takes.
    pub(super) terms: Vec<u32>,
    /// What each term is multiplied by.
    pub(super) factors: Factors<T, S::Vector>,
}

pub(super) struct Source<X> {
    pub(super) offset: usize,
    pub(super) exchange: Exchange<X>,
}

pub(super) enum Exchange<X> {
    None,
    /// Lane `l` with lane `l ^ flip` for an even flip.
    Pairs(X),
    /// The same for an odd flip, with the sign of even lanes changed.
    Odd(X),
}

pub(super) enum Factors<T, V> {
    /// All lanes have the same.
    Same(Vec<T>),
    ByLane(Vec<V>),
}

impl<T: Real, S: Simd<T>> Compiled<T, S> {
    pub(super) fn new(simd: S, map: &RealMap<T>) -> Self {
        let lanes = 2 * S::LANES;
        let bits = &map.bits;
        let offset_of = |value: usize| {
            bits.iter().enumerate().fold(0, |o, (k, bit)| o | (value >> k & 1) << bit)
        };
        let fixed = map.mask() | (lanes - 1);
        let in_lanes = bits.iter().any(|&bit| 1 << bit < lanes);
        let zero = T::zero();
        match bits.len() {
            2 if !in_lanes => {
                let offsets = std::array::from_fn(offset_of);
                let m: [[T; 4]; 4] =
                    std::array::from_fn(|r| std::array::from_fn(|c| map.matrix[4 * r + c]));
                let apart = (1..4).all(|i| m[0][i] == zero && m[i][0] == zero);
                if apart && m[0][0] == T::one() {
                    let matrix = std::array::from_fn(|r| std::array::from_fn(|c| m[r + 1][c + 1]));
                    Self::Rotation { fixed, offsets, matrix }
                } else {
                    Self::Square { fixed, offsets, matrix: m }
                }
            }
            4 if !in_lanes => match monomial(&map.matrix) {
                Some((from, factors)) => {
                    let offsets: [usize; 16] = std::array::from_fn(offset_of);
                    Self::Monomial { fixed, offsets, from: from.map(|i| offsets[i]), factors }
                }
                None => Self::Terms(Terms::new(simd, map)),
            },
            _ => Self::Terms(Terms::new(simd, map)),
        }
    }
}

/// Where the only entry of each row stands, and what it is.
fn monomial<T: Real>(matrix: &[T]) -> Option<([usize; 16], [T; 16])> {
    let mut from = [0; 16];
    let mut factors = [T::zero(); 16];
    for (row, line) in matrix.chunks(16).enumerate() {
        let mut entries = line.iter().enumerate().filter(|(_, entry)| **entry != T::zero());
        if let Some((column, factor)) = entries.next() {
            (from[row], factors[row]) = (column, *factor);
        }
        if entries.next().is_some() {
            return None;
        }
    }
    Some((from, factors))
}

impl<T: Real, S: Simd<T>> Terms<T, S> {
    fn new(simd: S, map: &RealMap<T>) -> Self {
        let n_lanes = 2 * S::LANES;
        let dim = 1_usize << map.bits.len();
        let spread = |value: usize, wanted: &dyn Fn(usize) -> bool| {
            let bits = map.bits.iter().filter(|&&bit| wanted(1 << bit));
            bits.enumerate().fold(0, |o, (k, bit)| o | (value >> k & 1) << bit)
        };
        let part = |index: usize| {
            map.bits.iter().enumerate().fold(0, |p, (k, bit)| p | (index >> bit & 1) << k)
        };
        let n_flipped = map.bits.iter().filter(|&&bit| 1 << bit < n_lanes).count();
        let offsets: Vec<usize> =
            (0..dim >> n_flipped).map(|v| spread(v, &|bit| bit >= n_lanes)).collect();
        let flips: Vec<usize> =
            (0..1 << n_flipped).map(|f| spread(f, &|bit| bit < n_lanes)).collect();
        let mut sources = Vec::new();
        let mut numbers = vec![None; offsets.len() * flips.len()];
        let (mut targets, mut terms) = (Vec::new(), Vec::new());
        let (mut same, mut by_lane) = (Vec::new(), Vec::new());
        for &to in &offsets {
            let first = terms.len();
            for (i, &from) in offsets.iter().enumerate() {
                for (f, &flip) in flips.iter().enumerate() {
                    let factor =
                        |lane: usize| map.matrix[part(to | lane) * dim + part(from | lane ^ flip)];
                    if (0..n_lanes).all(|lane| factor(lane) == T::zero()) {
                        continue;
                    }
                    let number = numbers[i * flips.len() + f].get_or_insert_with(|| {
                        sources.push(Source { offset: from, exchange: Exchange::new(simd, flip) });
                        sources.len() as u32 - 1
                    });
                    terms.push(*number);
                    if n_flipped == 0 {
                        same.push(factor(0));
                        continue;
                    }
                    let mut lanes =
                        [num_complex::Complex::new(T::zero(), T::zero()); crate::simd::MAX_LANES];
                    for (pair, lanes) in lanes[..S::LANES].iter_mut().enumerate() {
                        // See `Exchange::Odd`.
                        let even = if flip & 1 == 1 { -T::one() } else { T::one() };
                        lanes.re = even * factor(2 * pair);
                        lanes.im = factor(2 * pair + 1);
                    }
                    // SAFETY: `lanes` has MAX_LANES complex numbers, and LANES is at most that.
                    by_lane.push(unsafe { simd.load(lanes.as_ptr()) });
                }
            }
            // What stays as it is need not be written.
            let stays = terms.len() == first + 1 && {
                let same_place = (0..n_lanes)
                    .all(|lane| map.matrix[part(to | lane) * dim + part(to | lane)] == T::one());
                same_place
            };
            if stays {
                terms.pop();
                same.truncate(terms.len());
                by_lane.truncate(terms.len());
            } else {
                targets.push((to, terms.len()));
            }
        }
        let factors = match n_flipped {
            0 => Factors::Same(same),
            _ => Factors::ByLane(by_lane),
        };
        Self { fixed: map.mask() | (n_lanes - 1), sources, targets, terms, factors }
    }
}

impl<X> Exchange<X> {
    fn new<T: Real, S: Simd<T, Shuffle = X>>(simd: S, flip: usize) -> Self {
        match (flip, flip & 1) {
            (0, _) => Self::None,
            (_, 0) => Self::Pairs(simd.shuffle(flip >> 1)),
            _ => Self::Odd(simd.shuffle(flip >> 1)),
        }
    }
}
