//! Networks of X, CX and SWAP: an affine map of the index over GF(2).

#![expect(unsafe_code, reason = "vectors are read and written through pointers")]

use std::ops::Range;

use num_complex::Complex;

use super::Tile;
use crate::arch::portable::Portable;
use crate::dispatch::Kernels;
use crate::gates::Shared;
use crate::real::Real;
use crate::simd::{MAX_LANES, Pass, Simd, Task};

/// The map that takes the amplitude of basis state `i` to `A i ⊕ b`, `A` an invertible
/// matrix over GF(2) whose column `j` is the image of bit `j`.
///
/// ```
/// use ketch_kernels::LinearMap;
///
/// let mut map = LinearMap::identity(3);
/// map.x(0);
/// map.cx(0, 2); // Control, target.
/// assert_eq!((map.of(0b000), map.of(0b001)), (0b101, 0b000));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearMap {
    columns: Vec<usize>,
    shift: usize,
}

impl LinearMap {
    /// The map of `n_bits` that moves nothing.
    pub fn identity(n_bits: usize) -> Self {
        Self { columns: (0..n_bits).map(|bit| 1 << bit).collect(), shift: 0 }
    }

    /// The map with these columns, then `shift` added.
    ///
    /// # Panics
    /// When a column or the shift lies beyond the bits, or the columns are dependent.
    pub fn new(columns: Vec<usize>, shift: usize) -> Self {
        let n_bits = columns.len();
        assert!(shift >> n_bits == 0, "the shift lies beyond the {n_bits} bits");
        let mut rest = columns.clone();
        for column in 0..n_bits {
            assert!(columns[column] >> n_bits == 0, "column {column} has more than {n_bits} bits");
            assert!(rest[column] != 0, "column {column} depends on those before it");
            let pivot = rest[column] & rest[column].wrapping_neg();
            let eliminated = rest[column];
            for later in &mut rest[column + 1..] {
                if *later & pivot != 0 {
                    *later ^= eliminated;
                }
            }
        }
        Self { columns, shift }
    }

    /// Bits of the index.
    pub fn n_bits(&self) -> usize {
        self.columns.len()
    }

    /// The images of the bits, without the shift.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// What is added to every index.
    pub fn shift(&self) -> usize {
        self.shift
    }

    /// Whether nothing moves.
    pub fn is_identity(&self) -> bool {
        self.shift == 0 && self.columns.iter().enumerate().all(|(bit, &image)| image == 1 << bit)
    }

    /// Follows the map by X on `bit`.
    ///
    /// # Panics
    /// When the bit lies beyond the map.
    pub fn x(&mut self, bit: usize) {
        assert!(bit < self.n_bits(), "bit {bit} of {}", self.n_bits());
        self.shift ^= 1 << bit;
    }

    /// Follows the map by X on `target` where `control` is 1.
    ///
    /// # Panics
    /// When a bit lies beyond the map, or both are the same.
    pub fn cx(&mut self, control: usize, target: usize) {
        assert!(control.max(target) < self.n_bits(), "cx {control}, {target} of {}", self.n_bits());
        assert_ne!(control, target, "a bit cannot control itself");
        for image in self.columns.iter_mut().chain([&mut self.shift]) {
            *image ^= (*image >> control & 1) << target;
        }
    }

    /// Follows the map by the exchange of two bits.
    ///
    /// # Panics
    /// When a bit lies beyond the map.
    pub fn swap(&mut self, a: usize, b: usize) {
        assert!(a.max(b) < self.n_bits(), "swap {a}, {b} of {}", self.n_bits());
        for image in self.columns.iter_mut().chain([&mut self.shift]) {
            let differ = (*image >> a ^ *image >> b) & 1;
            *image ^= differ << a | differ << b;
        }
    }

    /// Where basis state `index` goes.
    pub fn of(&self, index: usize) -> usize {
        let columns = self.columns.iter().enumerate();
        columns
            .fold(self.shift, |to, (bit, column)| to ^ (column & (index >> bit & 1).wrapping_neg()))
    }
}

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
        if lanes > 1 && within.iter().any(|column| *column >= lanes) {
            // Lanes leave their vector.
            return self.run(Portable::<1>);
        }
        // Within a vector, lane `l` goes to `A l`, and for some vectors on by a shift.
        let image = |lane: usize| {
            let columns = within.iter().enumerate();
            columns.fold(0, |to, (bit, column)| to ^ (column & (lane >> bit & 1).wrapping_neg()))
        };
        let shuffles = std::array::from_fn(|shift| {
            let mut sources = [0; MAX_LANES];
            for lane in 0..lanes {
                sources[image(lane) ^ (shift & (lanes - 1))] = lane;
            }
            simd.rearrange(sources)
        });
        let group_bits = across.len().min(GROUP.ilog2() as usize);
        let (near, far) = across.split_at(group_bits);
        let low = std::array::from_fn(|number| {
            let near = near.iter().enumerate();
            near.fold(0, |to, (bit, column)| to ^ (column & (number >> bit & 1).wrapping_neg()))
        });
        // Counting up by one flips a bit and all below it.
        let mut steps = [0; usize::BITS as usize];
        let mut sum = 0;
        for (step, column) in steps.iter_mut().zip(far) {
            sum ^= column;
            *step = sum;
        }
        let (from, to) = (self.from, Shared::new(self.to));
        let pass = Scatter { from, to, shift: self.map.shift, low, steps, shuffles };
        simd.vectorize(&pass, 0..1 << far.len());
    }
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
