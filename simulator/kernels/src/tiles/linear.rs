//! Networks of X, CX and SWAP: an affine map of the index over GF(2).

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
    pub(super) columns: Vec<usize>,
    pub(super) shift: usize,
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
