//! Which amplitudes a controlled gate touches.

/// Control qubits and the values they must read for the gate to act.
///
/// ```
/// use ketch_kernels::Controls;
///
/// // Acts where qubit 3 is 1 and qubit 0 is 0.
/// let controls = Controls::NONE.and(3, true).and(0, false);
/// assert_eq!((controls.mask(), controls.value()), (0b1001, 0b1000));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Controls {
    /// Bit `q` is set when qubit `q` is a control.
    mask: usize,
    /// Bit `q` is the value that control `q` must read; a subset of `mask`.
    value: usize,
}

impl Controls {
    /// No control: the gate acts everywhere.
    pub const NONE: Self = Self { mask: 0, value: 0 };

    /// Every qubit of `mask` must be 1.
    pub const fn ones(mask: usize) -> Self {
        Self { mask, value: mask }
    }

    /// The qubits of `mask` must read as the same bits of `value`.
    ///
    /// # Panics
    /// When `value` has a bit outside `mask`.
    pub const fn new(mask: usize, value: usize) -> Self {
        assert!(value & !mask == 0, "a control value lies outside the control mask");
        Self { mask, value }
    }

    /// These controls and one more.
    ///
    /// # Panics
    /// When `qubit` is a control already, or is not a bit of `usize`.
    #[must_use]
    pub const fn and(self, qubit: usize, value: bool) -> Self {
        let bit = 1 << qubit;
        assert!(self.mask & bit == 0, "the qubit is a control already");
        Self { mask: self.mask | bit, value: self.value | if value { bit } else { 0 } }
    }

    /// Bit `q` is set when qubit `q` is a control.
    pub const fn mask(self) -> usize {
        self.mask
    }

    /// Bit `q` is the value that control `q` must read.
    pub const fn value(self) -> usize {
        self.value
    }

    /// Whether basis state `index` meets every control.
    pub const fn admits(self, index: usize) -> bool {
        index & self.mask == self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admits_exactly_the_matching_indices() {
        let controls = Controls::new(0b101, 0b001);
        let admitted: Vec<usize> = (0..8).filter(|&index| controls.admits(index)).collect();
        assert_eq!(admitted, [0b001, 0b011]);
        assert_eq!(Controls::ones(0b11), Controls::NONE.and(0, true).and(1, true));
        assert!((0..8).all(|index| Controls::NONE.admits(index)));
    }
}
