//! Which bits of the index of a state make the index of a tile.

/// The local bits of a pass: bit `j` of the index within a tile is bit `gather()[j]` of
/// the index of the state when the tile is read, and bit `scatter()[j]` when it is
/// written. A tile for each value of the other bits.
///
/// Reading and writing are fast where the lowest bits are local and keep their places:
/// runs of 64 amplitudes and more move at the speed of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileBits {
    n_qubits: usize,
    gather: Vec<usize>,
    scatter: Vec<usize>,
    /// Bit `q` is set when bit `q` of the state's index is local.
    mask: usize,
    /// The bits that are 0 in every amplitude that is not 0 itself.
    empty: usize,
}

impl TileBits {
    /// Tiles over the bits `local` of a state of `n_qubits`, written to where they were
    /// read.
    ///
    /// # Panics
    /// When a bit lies beyond the state or is named twice.
    pub fn new(n_qubits: usize, local: &[usize]) -> Self {
        let mut mask = 0_usize;
        for &bit in local {
            assert!(bit < n_qubits, "local bit {bit} of {n_qubits}");
            assert!(mask >> bit & 1 == 0, "local bit {bit} is named twice");
            mask |= 1 << bit;
        }
        Self { n_qubits, gather: local.to_vec(), scatter: local.to_vec(), mask, empty: 0 }
    }

    /// Contiguous tiles: the lowest `n_tile_bits` bits are local.
    ///
    /// # Panics
    /// When `n_tile_bits` exceeds `n_qubits`.
    pub fn lowest(n_qubits: usize, n_tile_bits: usize) -> Self {
        Self::new(n_qubits, &(0..n_tile_bits).collect::<Vec<_>>())
    }

    /// The same tiles, bit `j` of them written to bit `scatter[j]` of the state: what was
    /// bit `gather()[j]` of the state before the pass is bit `scatter[j]` after it.
    ///
    /// # Panics
    /// When `scatter` is not a permutation of the local bits.
    #[must_use]
    pub fn with_scatter(mut self, scatter: &[usize]) -> Self {
        let to = Self::new(self.n_qubits, scatter);
        assert_eq!(to.mask, self.mask, "a tile is written to other bits than it was read from");
        self.scatter = to.gather;
        self
    }

    /// Only the tiles with 0 in the bits of `mask` that are not local: the others are known
    /// to be all zeros, which no operation on a tile changes, and are passed over.
    ///
    /// # Panics
    /// When a bit lies beyond the state.
    #[must_use]
    pub fn without(mut self, mask: usize) -> Self {
        assert!(mask >> self.n_qubits == 0, "bits {mask:b} of {} qubits", self.n_qubits);
        self.empty = mask & !self.mask;
        self
    }

    /// Qubits of the state.
    pub fn n_qubits(&self) -> usize {
        self.n_qubits
    }

    /// Local bits.
    pub fn n_tile_bits(&self) -> usize {
        self.gather.len()
    }

    /// Tiles of a pass.
    pub fn n_tiles(&self) -> usize {
        1 << (self.n_qubits - self.gather.len() - self.empty.count_ones() as usize)
    }

    /// Which bit of the state each bit of the tile is read from.
    pub fn gather(&self) -> &[usize] {
        &self.gather
    }

    /// Which bit of the state each bit of the tile is written to.
    pub fn scatter(&self) -> &[usize] {
        &self.scatter
    }

    /// Bit `q` is set when bit `q` of the state's index is local.
    pub fn mask(&self) -> usize {
        self.mask
    }

    /// The bits that are 0 in the index of every tile of a pass.
    pub(super) fn empty(&self) -> usize {
        self.empty
    }

    /// Whether the tiles are consecutive pieces of the state, which are worked on in place.
    pub fn is_contiguous(&self) -> bool {
        let in_place = |bits: &[usize]| bits.iter().enumerate().all(|(j, &bit)| j == bit);
        in_place(&self.gather) && in_place(&self.scatter)
    }
}
