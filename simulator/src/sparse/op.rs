//! What is done to a sparse state, and how instructions say it.

use ketch_interface::{
    Complex64, Matrix,
    circuit::{Gate, GateOp},
};

/// Bits of a basis state: the words that hold any of them, with their masks.
pub(crate) type Bits = Box<[(usize, u64)]>;

/// One operation on some places, where its controls hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SparseOp {
    pub(crate) action: Action,
    pub(crate) controls: Controls,
}

/// What is done, by what it costs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// A factor.
    Phase(Complex64),
    /// The Pauli string of these bits times a factor: i for each Y is part of the factor.
    Pauli { x: Bits, z: Bits, factor: Complex64 },
    /// A matrix with one entry in each column: basis state `i` of the places goes to `image[i]`
    /// with the factor `factors[i]`.
    Monomial { places: Box<[usize]>, image: Box<[usize]>, factors: Box<[Complex64]> },
    /// Any matrix, row by row. The only unitary that can change the number of basis states.
    Matrix { places: Box<[usize]>, entries: Box<[Complex64]> },
    /// Sets places that are |0> to a state; the first place is the lowest bit of its index.
    Prepare { places: Box<[usize]>, amplitudes: Box<[Complex64]> },
    /// Draws one of the Kraus operators, with the probability that it has in the state.
    Channel { places: Box<[usize]>, operators: Box<[Matrix]> },
}

/// Bits that must have given values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Controls(Vec<Word>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Word {
    at: usize,
    mask: u64,
    value: u64,
}

impl Controls {
    /// No condition.
    pub(crate) const NONE: Self = Self(Vec::new());

    /// The same with one bit more.
    pub(crate) fn and(mut self, place: usize, value: bool) -> Self {
        let (at, bit) = (place / 64, place % 64);
        let found = self.0.iter().position(|word| word.at == at);
        let found = found.unwrap_or_else(|| {
            self.0.push(Word { at, mask: 0, value: 0 });
            self.0.len() - 1
        });
        let word = &mut self.0[found];
        word.mask |= 1 << bit;
        word.value |= u64::from(value) << bit;
        self
    }

    /// Whether a basis state has these values.
    pub(crate) fn hold(&self, state: &[u64]) -> bool {
        self.0.iter().all(|word| state[word.at] & word.mask == word.value)
    }

    /// Whether one of the bits is at a place for which `asked` holds.
    pub(crate) fn any(&self, asked: impl Fn(usize) -> bool) -> bool {
        self.0.iter().any(|word| any_bit(word.at, word.mask, &asked))
    }
}

/// The bits at these places.
pub(crate) fn bits(places: impl IntoIterator<Item = usize>) -> Bits {
    let mut words: Vec<(usize, u64)> = Vec::new();
    for place in places {
        let (at, bit) = (place / 64, 1 << (place % 64));
        match words.iter_mut().find(|(word, _)| *word == at) {
            Some((_, mask)) => *mask |= bit,
            None => words.push((at, bit)),
        }
    }
    words.into()
}

fn any_bit(word: usize, mask: u64, asked: impl Fn(usize) -> bool) -> bool {
    (0..64).filter(|bit| mask >> bit & 1 == 1).any(|bit| asked(word * 64 + bit))
}

impl SparseOp {
    /// A gate of the table. `places` are its controls, then its targets.
    pub(crate) fn of_gate(op: GateOp, params: &[f64], places: &[usize]) -> Self {
        let (controlling, targets) = places.split_at(usize::from(op.controls));
        let pattern = op.state.bits(op.controls);
        let controls = (0..).zip(controlling).fold(Controls::NONE, |controls, (i, &place)| {
            controls.and(place, op.state.is_all() || pattern >> i & 1 == 1)
        });
        if op.gate == Gate::X {
            let action = Action::Pauli {
                x: bits(targets.iter().copied()),
                z: Bits::default(),
                factor: Complex64::ONE,
            };
            return Self { action, controls };
        }
        Self::of_matrix(&op.gate.matrix(params), targets, controls)
    }

    /// Any unitary.
    pub(crate) fn of_matrix(matrix: &Matrix, places: &[usize], controls: Controls) -> Self {
        let action = match (places, monomial(matrix)) {
            ([], _) => Action::Phase(matrix.at(0, 0)),
            (_, Some((image, factors))) => {
                Action::Monomial { places: places.into(), image, factors }
            }
            (_, None) => Action::Matrix { places: places.into(), entries: matrix.entries().into() },
        };
        Self { action, controls }
    }

    /// A diagonal on several places.
    pub(crate) fn diagonal(entries: &[Complex64], places: &[usize]) -> Self {
        let action = Action::Monomial {
            places: places.into(),
            image: (0..entries.len()).collect(),
            factors: entries.into(),
        };
        Self { action, controls: Controls::NONE }
    }

    /// A Pauli string whose rightmost letter acts on the first place.
    pub(crate) fn pauli(letters: &str, places: &[usize]) -> Self {
        let (x, z, factor) = pauli(letters, places);
        Self { action: Action::Pauli { x, z, factor }, controls: Controls::NONE }
    }

    /// A phase of the whole state, in radians.
    pub(crate) fn phase(angle: f64) -> Self {
        Self { action: Action::Phase(Complex64::cis(angle)), controls: Controls::NONE }
    }

    /// Whether a random number decides what it does.
    pub(crate) fn draws(&self) -> bool {
        matches!(self.action, Action::Channel { .. })
    }

    /// Whether it acts on a place for which `asked` holds.
    pub(crate) fn acts(&self, asked: impl Fn(usize) -> bool) -> bool {
        let acts = match &self.action {
            Action::Phase(_) => false,
            Action::Pauli { x, z, .. } => {
                x.iter().chain(z).any(|(word, mask)| any_bit(*word, *mask, &asked))
            }
            Action::Monomial { places, .. }
            | Action::Matrix { places, .. }
            | Action::Prepare { places, .. }
            | Action::Channel { places, .. } => places.iter().copied().any(&asked),
        };
        acts || self.controls.any(asked)
    }
}

/// The X bits, the Z bits and the factor of a Pauli string, whose rightmost letter acts on the
/// first place. With P = i^(number of Y) X^x Z^z, Z acts first.
pub(crate) fn pauli(letters: &str, places: &[usize]) -> (Bits, Bits, Complex64) {
    let at = |wanted: [u8; 2]| {
        let pairs = letters.bytes().rev().zip(places);
        bits(pairs.filter(|(letter, _)| wanted.contains(letter)).map(|(_, place)| *place))
    };
    let n_y = letters.bytes().filter(|letter| *letter == b'Y').count();
    (at(*b"XY"), at(*b"ZY"), i_power(n_y))
}

/// i to this power.
pub(crate) fn i_power(power: usize) -> Complex64 {
    [Complex64::ONE, Complex64::I, -Complex64::ONE, -Complex64::I][power % 4]
}

/// The row and the value of the one entry of each column.
type Entries = (Box<[usize]>, Box<[Complex64]>);

/// For a matrix with one entry in each column: these.
fn monomial(matrix: &Matrix) -> Option<Entries> {
    let dim = matrix.dim();
    let mut image = Vec::with_capacity(dim);
    let mut factors = Vec::with_capacity(dim);
    for column in 0..dim {
        let mut rows = (0..dim).filter(|&row| matrix.at(row, column) != Complex64::ZERO);
        let (row, None) = (rows.next()?, rows.next()) else { return None };
        image.push(row);
        factors.push(matrix.at(row, column));
    }
    Some((image.into(), factors.into()))
}
