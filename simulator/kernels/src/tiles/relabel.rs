//! Moving the amplitudes of a tile by an affine map of their index.

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::{LinearMap, Tile};
use crate::arch::portable::Portable;
use crate::dispatch::Kernels;
use crate::gates::Shared;
use crate::index::Walk;
use crate::real::Real;
use crate::simd::{Coefficient, MAX_LANES, Pass, Simd, Task};

impl Kernels {
    /// Moves the amplitudes of a tile: that of `i` to `map.of(i)`.
    ///
    /// # Panics
    /// When the map has not as many bits as the tile.
    pub fn relabel<T: Real>(self, tile: &mut Tile<'_, T>, map: &LinearMap) {
        let len = tile.amplitudes.len();
        assert_eq!(1 << map.n_bits(), len, "a map of {} bits on {len} amplitudes", map.n_bits());
        assert_eq!(tile.scratch.len(), len, "the scratch is as long as the tile");
        T::relabel(self.isa, Relabel { from: tile.amplitudes, to: tile.scratch, map });
        tile.swap();
    }
}

/// Vectors whose images are found together.
const GROUP: usize = 8;

/// A relabelling from one tile to another.
#[derive(Debug)]
pub struct Relabel<'a, T> {
    pub(crate) from: &'a [Complex<T>],
    to: &'a mut [Complex<T>],
    map: &'a LinearMap,
}

impl<T: Real> Task<T> for Relabel<'_, T> {
    type Output = ();

    fn run<S: Simd<T>>(self, simd: S) {
        let (lanes, lane_bits) = (S::LANES, S::LANES.ilog2() as usize);
        let (within, across) = self.map.columns.split_at(lane_bits);
        let image = |lane: usize| combined(within, lane);
        if lanes > 1 && within.iter().any(|column| *column >= lanes) {
            // Lanes leave their vector.
            return match Crossing::new::<T, S>(simd, self.map) {
                Some(crossing) => {
                    let pairs = 0..crossing.walk.groups();
                    let cross = Cross { from: self.from, to: Shared::new(self.to), crossing };
                    simd.vectorize(&cross, pairs);
                }
                None => self.run(Portable::<1>),
            };
        }
        // Within a vector, lane `l` goes to `A l`, and for some vectors on by a shift.
        let shuffles = std::array::from_fn(|shift| {
            let mut sources = [0; MAX_LANES];
            for lane in 0..lanes {
                sources[image(lane) ^ (shift & (lanes - 1))] = lane;
            }
            simd.rearrange(sources)
        });
        let group_bits = across.len().min(GROUP.ilog2() as usize);
        let (near, far) = across.split_at(group_bits);
        let low = std::array::from_fn(|number| combined(near, number));
        let steps = steps(far.iter().copied());
        let (from, to) = (self.from, Shared::new(self.to));
        let pass = Scatter { from, to, shift: self.map.shift, low, steps, shuffles };
        simd.vectorize(&pass, 0..1 << far.len());
    }
}

/// The sum of the columns whose bits are set.
fn combined(columns: &[usize], bits: usize) -> usize {
    let columns = columns.iter().enumerate();
    columns.fold(0, |sum, (bit, column)| sum ^ (column & (bits >> bit & 1).wrapping_neg()))
}

/// What an image changes by when a counter is counted up, by the highest bit that flips: that
/// bit and all below it do.
fn steps(columns: impl Iterator<Item = usize>) -> [usize; usize::BITS as usize] {
    let (mut steps, mut sum) = ([0; usize::BITS as usize], 0);
    for (step, column) in steps.iter_mut().zip(columns) {
        sum ^= column;
        *step = sum;
    }
    steps
}

struct Scatter<'a, T, F> {
    from: &'a [Complex<T>],
    to: Shared<'a, T>,
    shift: usize,
    /// The images of the vectors' numbers up to [`GROUP`].
    low: [usize; GROUP],
    /// What the image of a group's number changes by when its bits up to one flip.
    steps: [usize; usize::BITS as usize],
    /// By what is added to the lanes.
    shuffles: [F; MAX_LANES],
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Scatter<'_, T, S::Shuffle> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        debug_assert!(range.start == 0, "the images are counted from the first");
        let mut image = self.shift;
        let groups = self.from.chunks(GROUP * S::LANES);
        for (next, group) in (1..=range.end).zip(groups) {
            for (vector, low) in group.chunks_exact(S::LANES).zip(&self.low) {
                // SAFETY: the chunk has LANES amplitudes.
                let vector = unsafe { simd.load(vector.as_ptr()) };
                let to = image ^ low;
                let lanes = to & (S::LANES - 1);
                let moved = match S::LANES {
                    1 => vector,
                    _ => simd.permute(vector, self.shuffles[lanes]),
                };
                // SAFETY: a map keeps to its bits, so that the image is an index of the tile,
                // and without the bits of the lanes the index of one of its vectors.
                let place = unsafe { self.to.at(to ^ lanes) };
                // SAFETY: `place` is valid for LANES amplitudes.
                unsafe { simd.store(place, moved) };
            }
            image ^= self.steps[next.trailing_zeros() as usize];
        }
    }
}

/// A map under which the lanes of a vector go to two vectors, and each of those takes the rest of
/// its lanes from one other vector: such as CX from a lane to any bits above.
struct Crossing<F, V> {
    /// The vectors in pairs, by the first.
    walk: Walk,
    /// From the first vector of a pair to the second, and from its image to that of the other.
    second: usize,
    second_image: usize,
    shift: usize,
    /// From the vector that lanes of even parity go to, to that for odd ones.
    odd: usize,
    /// Where the even lanes of the second vector go: to the odd ones of the first if 1.
    turned: usize,
    steps: [usize; usize::BITS as usize],
    /// For the lanes of even and of odd parity, by what is added to the lanes: the lanes in their
    /// new places, and 1 in those places.
    lanes: [[(F, V); MAX_LANES]; 2],
}

impl<F, V: Copy> Crossing<F, V> {
    /// `None` if lanes go to more than two vectors.
    fn new<T, S>(simd: S, map: &LinearMap) -> Option<Self>
    where
        T: Real,
        S: Simd<T, Vector = V, Shuffle = F>,
    {
        let lane_bits = S::LANES.ilog2() as usize;
        let (within, across) = map.columns.split_at(lane_bits);
        let above = |column: usize| column & !(S::LANES - 1);
        let odd = within.iter().map(|column| above(*column)).find(|above| *above != 0)?;
        if within.iter().any(|column| ![0, odd].contains(&above(*column))) {
            return None;
        }
        let (vector, turned) = dependent(across.iter().map(|column| above(*column)), odd);
        let second = vector << lane_bits;
        let first_bit = second.trailing_zeros() as usize;
        let parity_of = |lane: usize| {
            let leaves = |bit: &usize| lane >> bit & 1 == 1 && above(within[*bit]) != 0;
            (0..lane_bits).filter(leaves).count() % 2
        };
        let placed = |parity: usize, added: usize| {
            let (mut sources, mut from) = ([0; MAX_LANES], [None; MAX_LANES]);
            for lane in (0..S::LANES).filter(|lane| parity_of(*lane) == parity) {
                let to = (combined(within, lane) ^ added) & (S::LANES - 1);
                (sources[to], from[to]) = (lane, Some(lane));
            }
            let one = |lane: usize| {
                Complex::from(if from[lane].is_some() { T::one() } else { T::zero() })
            };
            (simd.rearrange(sources), Coefficient::by_lane(simd, one).re)
        };
        let others = across.iter().enumerate().filter(|(at, _)| at + lane_bits != first_bit);
        Some(Self {
            walk: Walk::new(1 << map.columns.len(), (S::LANES - 1) | 1 << first_bit, 0),
            second,
            second_image: combined(&map.columns, second),
            shift: map.shift,
            odd,
            turned,
            steps: steps(others.map(|(_, column)| *column)),
            lanes: [0, 1].map(|parity| std::array::from_fn(|added| placed(parity, added))),
        })
    }
}

/// Which of the columns add up to 0 or to `last`, as a mask, and 1 if it is to `last`. There is
/// one such sum if only one of them all depends on the others.
fn dependent(columns: impl Iterator<Item = usize>, last: usize) -> (usize, usize) {
    let mut basis: Vec<(usize, usize)> = Vec::new();
    let mut n_before = 0;
    let mut reduced = |column: usize| {
        let (mut rest, mut sum) = (column, 1_usize << n_before);
        for (value, of) in &basis {
            if rest & value & value.wrapping_neg() != 0 {
                (rest, sum) = (rest ^ value, sum ^ of);
            }
        }
        basis.push((rest, sum));
        n_before += 1;
        (rest == 0).then_some(sum)
    };
    for column in columns {
        if let Some(sum) = reduced(column) {
            return (sum, 0);
        }
    }
    let sum = reduced(last).expect("the columns of an invertible map have full rank");
    (sum ^ 1 << sum.ilog2(), 1)
}

/// Pairs of vectors on their way from one tile to another.
struct Cross<'a, T, F, V> {
    from: &'a [Complex<T>],
    to: Shared<'a, T>,
    crossing: Crossing<F, V>,
}

impl<T: Real, S: Simd<T>> Pass<T, S> for Cross<'_, T, S::Shuffle, S::Vector> {
    type Output = ();

    #[inline(always)]
    fn run(&self, simd: S, range: Range<usize>) {
        debug_assert!(range.start == 0, "the images are counted from the first");
        let Crossing { walk, second, second_image, shift, odd, turned, ref steps, ref lanes } =
            self.crossing;
        let mut image = shift;
        for (next, first) in (1..=range.end).zip(walk.bases(range)) {
            let x = load(simd, &self.from[first..]);
            let y = load(simd, &self.from[first ^ second..]);
            let added = image & (S::LANES - 1);
            let added_to_second = (image ^ second_image) & (S::LANES - 1);
            let to = image ^ added;
            for (to, of_x, of_y) in [(to, 0, turned), (to ^ odd, 1, 1 ^ turned)] {
                let (shuffle, here) = lanes[of_x][added];
                let (other_shuffle, there) = lanes[of_y][added_to_second];
                let other = simd.mul(there, simd.permute(y, other_shuffle));
                let both = simd.mul_add(here, simd.permute(x, shuffle), other);
                // SAFETY: a map keeps to its bits, so that images are indices of the tile, and
                // without the bits of the lanes those of vectors.
                let place = unsafe { self.to.at(to) };
                // SAFETY: `place` is valid for LANES amplitudes.
                unsafe { simd.store(place, both) };
            }
            image ^= steps[next.trailing_zeros() as usize];
        }
    }
}

/// The first vector of a slice.
#[inline(always)]
fn load<T: Real, S: Simd<T>>(simd: S, from: &[Complex<T>]) -> S::Vector {
    let vector = &from[..S::LANES];
    // SAFETY: the slice has LANES amplitudes.
    unsafe { simd.load(vector.as_ptr()) }
}
