//! A map in the form that suits its bits and its entries.

#![expect(unsafe_code, reason = "factors are loaded into vectors")]

use num_complex::Complex;

use super::RealMap;
use crate::{
    real::Real,
    simd::{MAX_LANES, Simd},
};

/// A map, ready for the vectors of an instruction set.
pub(super) struct Compiled<T: Real, S: Simd<T>> {
    /// The bits of the map and those that number lanes: a walk over the others goes from group to
    /// group of vectors.
    pub(super) fixed: usize,
    pub(super) form: Form<T, S>,
}

/// Offsets are those of vectors within a group.
pub(super) enum Form<T: Real, S: Simd<T>> {
    /// Two bits that tell vectors apart; the first value stays and the others do not see it.
    Rotation { offsets: [usize; 4], matrix: [[T; 3]; 3] },
    /// Two bits that tell vectors apart.
    Square { offsets: [usize; 4], matrix: [[T; 4]; 4] },
    /// Four bits that tell vectors apart, one entry a row: out `i` is `factors[i]` times what
    /// stands at `from[i]`.
    Monomial { offsets: [usize; 16], from: [usize; 16], factors: [T; 16] },
    /// The same for eight vectors, where each bit of the map may tell lanes apart.
    Lanes8(Lanes<T, S, 8>),
    /// The same for four vectors.
    Lanes4(Lanes<T, S, 4>),
    /// Four bits that tell vectors apart.
    Dense16 { offsets: [usize; 16], factors: Box<[[T; 16]; 16]> },
    /// Eight vectors, each also with its lanes exchanged.
    Dense8(Box<Dense<S, T, 8, 16>>),
    /// Four vectors with their lanes exchanged in three ways.
    Dense4(Box<Dense<S, T, 4, 16>>),
    /// Two vectors, each also with its lanes exchanged.
    Dense2(Box<Dense<S, T, 2, 4>>),
    /// Any.
    Terms(Terms<T, S>),
}

/// The out vectors of a group, each from one source.
type Lanes<T, S, const N: usize> = Box<[Moved<<S as Simd<T>>::Vector, <S as Simd<T>>::Shuffle>; N]>;

/// An out vector that is another with its lanes exchanged, times factors.
#[derive(Clone, Copy)]
pub(super) struct Moved<V, X> {
    pub(super) to: usize,
    pub(super) from: usize,
    pub(super) shuffle: X,
    pub(super) factor: V,
}

/// Out vectors that are each a sum over all sources.
pub(super) struct Dense<S: Simd<T>, T: Real, const TARGETS: usize, const SOURCES: usize> {
    pub(super) sources: [Source<S::Shuffle>; SOURCES],
    pub(super) targets: [(usize, [S::Vector; SOURCES]); TARGETS],
}

/// What is read: where, and which lanes are exchanged.
#[derive(Clone, Copy)]
pub(super) struct Source<X> {
    pub(super) offset: usize,
    pub(super) shuffle: X,
}

/// Out vectors as sums over some of the sources.
pub(super) struct Terms<T: Real, S: Simd<T>> {
    pub(super) sources: Vec<Source<S::Shuffle>>,
    /// What is written: where, and the end of its terms.
    pub(super) targets: Vec<(usize, usize)>,
    /// Which source each term takes.
    pub(super) terms: Vec<u32>,
    /// What each term is multiplied by.
    pub(super) factors: Factors<T, S::Vector>,
}

pub(super) enum Factors<T, V> {
    /// All lanes have the same.
    Same(Vec<T>),
    ByLane(Vec<V>),
}

impl<T: Real, S: Simd<T>> Compiled<T, S> {
    pub(super) fn new(simd: S, map: &RealMap<T>) -> Self {
        let groups = Groups::new(simd, map);
        let fixed = map.mask() | (2 * S::LANES - 1);
        Self { fixed, form: groups.form() }
    }
}

/// How a map sees vectors and lanes.
struct Groups<'a, T: Real, S: Simd<T>> {
    simd: S,
    map: &'a RealMap<T>,
    dim: usize,
    /// The vectors of a group.
    offsets: Vec<usize>,
    /// In which ways lanes are exchanged.
    flips: Vec<usize>,
    /// The part of a row or a column that each lane stands for.
    lane_parts: [usize; 2 * MAX_LANES],
}

impl<'a, T: Real, S: Simd<T>> Groups<'a, T, S> {
    fn new(simd: S, map: &'a RealMap<T>) -> Self {
        let in_lanes = |bit: &&usize| 1 << **bit < 2 * S::LANES;
        let all = |bits: Vec<usize>| -> Vec<usize> {
            let spread = |value: usize| {
                bits.iter().enumerate().fold(0, |o, (k, bit)| o | (value >> k & 1) << bit)
            };
            (0..1 << bits.len()).map(spread).collect()
        };
        let offsets = all(map.bits.iter().filter(|bit| !in_lanes(bit)).copied().collect());
        let flips = all(map.bits.iter().filter(in_lanes).copied().collect());
        let lane_parts = std::array::from_fn(|lane| part(map, lane & (2 * S::LANES - 1)));
        Self { simd, map, dim: 1 << map.bits.len(), offsets, flips, lane_parts }
    }

    fn form(&self) -> Form<T, S> {
        match (self.offsets.len(), self.flips.len()) {
            (4, 1) => self.square(),
            (16, 1) => self.monomial().unwrap_or_else(|| self.dense16()),
            (8, 2) => match self.moved() {
                Some(moved) => Form::Lanes8(moved),
                None => Form::Dense8(self.dense()),
            },
            (4, 4) => match self.moved() {
                Some(moved) => Form::Lanes4(moved),
                None => Form::Dense4(self.dense()),
            },
            (2, 2) => Form::Dense2(self.dense()),
            _ => Form::Terms(self.terms()),
        }
    }

    /// The entry that takes one vector of a group to another, where no bit tells lanes apart.
    fn entry(&self, to: usize, from: usize) -> T {
        self.map.matrix[part(self.map, to) * self.dim + part(self.map, from)]
    }

    /// What each lane of the vector at `to` takes of the vector at `from` with its lanes exchanged,
    /// as pairs; `None` if that is nothing.
    fn parts(&self, to: usize, from: usize, flip: usize) -> Option<[Complex<T>; MAX_LANES]> {
        let (row, column) = (part(self.map, to), part(self.map, from));
        let factor = |lane: usize| {
            let row = row | self.lane_parts[lane];
            self.map.matrix[row * self.dim + (column | self.lane_parts[lane ^ flip])]
        };
        let mut parts = [Complex::new(T::zero(), T::zero()); MAX_LANES];
        let mut any = false;
        for (pair, parts) in parts[..S::LANES].iter_mut().enumerate() {
            (parts.re, parts.im) = (factor(2 * pair), factor(2 * pair + 1));
            any |= parts.re != T::zero() || parts.im != T::zero();
        }
        any.then_some(parts)
    }

    fn factors(&self, to: usize, from: usize, flip: usize) -> Option<S::Vector> {
        let parts = self.parts(to, from, flip)?;
        // SAFETY: `parts` has MAX_LANES complex numbers, and LANES is at most that.
        Some(unsafe { self.simd.load(parts.as_ptr()) })
    }

    /// Every source, by offset and then by flip.
    fn sources(&self) -> impl Iterator<Item = (usize, usize)> {
        self.offsets.iter().flat_map(|&offset| self.flips.iter().map(move |&flip| (offset, flip)))
    }

    fn square(&self) -> Form<T, S> {
        let offsets: [usize; 4] = std::array::from_fn(|i| self.offsets[i]);
        // The bits of the map may be in any order; those of the offsets are in the same.
        let m: [[T; 4]; 4] = offsets.map(|to| offsets.map(|from| self.entry(to, from)));
        let zero = T::zero();
        let apart = (1..4).all(|i| m[0][i] == zero && m[i][0] == zero) && m[0][0] == T::one();
        if !apart {
            return Form::Square { offsets, matrix: m };
        }
        let matrix = std::array::from_fn(|r| std::array::from_fn(|c| m[r + 1][c + 1]));
        Form::Rotation { offsets, matrix }
    }

    fn monomial(&self) -> Option<Form<T, S>> {
        let offsets: [usize; 16] = std::array::from_fn(|i| self.offsets[i]);
        let (mut from, mut factors) = ([0; 16], [T::zero(); 16]);
        for (row, &to) in offsets.iter().enumerate() {
            let entries = offsets.iter().map(|&from| (from, self.entry(to, from)));
            let mut entries = entries.filter(|(_, entry)| *entry != T::zero());
            (from[row], factors[row]) = entries.next().unwrap_or((0, T::zero()));
            if entries.next().is_some() {
                return None;
            }
        }
        Some(Form::Monomial { offsets, from, factors })
    }

    fn dense16(&self) -> Form<T, S> {
        let offsets: [usize; 16] = std::array::from_fn(|i| self.offsets[i]);
        let factors = offsets.map(|to| offsets.map(|from| self.entry(to, from)));
        Form::Dense16 { offsets, factors: Box::new(factors) }
    }

    /// If each out vector takes from one source only.
    fn moved<const N: usize>(&self) -> Option<Lanes<T, S, N>> {
        let mut all = Vec::with_capacity(N);
        for &to in &self.offsets {
            let terms = self.sources().filter_map(|(from, flip)| {
                let factor = self.factors(to, from, flip)?;
                Some(Moved { to, from, shuffle: self.simd.shuffle_parts(flip), factor })
            });
            let terms: Vec<_> = terms.take(2).collect();
            all.push(*terms.first().filter(|_| terms.len() == 1)?);
        }
        all.into_boxed_slice().try_into().ok()
    }

    fn dense<const TARGETS: usize, const SOURCES: usize>(
        &self,
    ) -> Box<Dense<S, T, TARGETS, SOURCES>> {
        let pairs: Vec<_> = self.sources().collect();
        let zero = self.simd.splat(T::zero());
        Box::new(Dense {
            sources: std::array::from_fn(|i| Source {
                offset: pairs[i].0,
                shuffle: self.simd.shuffle_parts(pairs[i].1),
            }),
            targets: std::array::from_fn(|t| {
                let to = self.offsets[t];
                let factor = |i: usize| self.factors(to, pairs[i].0, pairs[i].1).unwrap_or(zero);
                (to, std::array::from_fn(factor))
            }),
        })
    }

    fn terms(&self) -> Terms<T, S> {
        let pairs: Vec<_> = self.sources().collect();
        let source = |&(offset, flip): &(usize, usize)| Source {
            offset,
            shuffle: self.simd.shuffle_parts(flip),
        };
        let (mut targets, mut terms) = (Vec::new(), Vec::new());
        let (mut same, mut by_lane) = (Vec::new(), Vec::new());
        for &to in &self.offsets {
            let first = terms.len();
            for (number, &(from, flip)) in (0..).zip(&pairs) {
                if self.flips.len() == 1 {
                    let factor = self.entry(to, from);
                    if factor != T::zero() {
                        terms.push(number);
                        same.push(factor);
                    }
                } else if let Some(factor) = self.factors(to, from, flip) {
                    terms.push(number);
                    by_lane.push(factor);
                }
            }
            let one = Complex::new(T::one(), T::one());
            let stays = terms.len() == first + 1
                && self.parts(to, to, 0).is_some_and(|p| p[..S::LANES].iter().all(|p| *p == one));
            if stays {
                // It need not be written.
                terms.truncate(first);
                same.truncate(first);
                by_lane.truncate(first);
            } else {
                targets.push((to, terms.len()));
            }
        }
        let factors =
            if self.flips.len() == 1 { Factors::Same(same) } else { Factors::ByLane(by_lane) };
        Terms { sources: pairs.iter().map(source).collect(), targets, terms, factors }
    }
}

/// The row or the column of an index.
fn part<T>(map: &RealMap<T>, index: usize) -> usize {
    let bits = map.bits.iter().enumerate();
    bits.fold(0, |part, (k, bit)| part | (index >> bit & 1) << k)
}
