//! Observables: sums of Pauli strings with real weights.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::{NdArray, limits::MAX_TERMS};

/// What a Pauli string has on one qubit, where it has anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Pauli {
    X,
    Y,
    Z,
}

impl Pauli {
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::X => 'X',
            Self::Y => 'Y',
            Self::Z => 'Z',
        }
    }
}

/// A Pauli string: the qubits on which it is not the identity, in ascending order.
pub(crate) type Support = Vec<(u32, Pauli)>;

/// A sum of Pauli strings with real weights. Equal strings are one term, and terms of weight 0 none.
///
/// ```
/// use ketch_primitives::Observable;
/// let energy = Observable::new([("ZZ", 1.0), ("IX", -0.5)])?;
/// assert_eq!(energy, "ZZ - 0.5 IX".parse()?);
/// // Qubit 0, the rightmost letter, is qubit 3 of a device of five.
/// assert_eq!(energy.on(&[3, 1], 5)?.to_string(), "1 IZIZI - 0.5 IXIII");
/// # Ok::<(), ketch_primitives::ObservableError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Observable {
    n_qubits: u32,
    terms: BTreeMap<Support, f64>,
}

/// A text or a list that is no observable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ObservableError {
    #[error("an observable without terms")]
    Empty,
    #[error("`{found}` in the string {string}, expected letters of {expected}")]
    Letter { found: char, string: String, expected: &'static str },
    #[error("the string {string} has {found} letters, the first one has {expected}")]
    Width { string: String, found: usize, expected: u32 },
    #[error("the weight of {string} is {found}, expected a finite number")]
    Weight { string: String, found: f64 },
    #[error("an observable of more than {limit} terms")]
    TooMany { limit: usize },
    #[error("expected {expected} at character {place} of `{text}`")]
    Text { expected: &'static str, place: usize, text: String },
    #[error("the layout names {found} qubits, the observable has {expected}")]
    Layout { found: usize, expected: u32 },
    #[error("the layout names qubit {qubit}, expected each once and below {limit}")]
    LayoutQubit { qubit: u32, limit: u32 },
}

impl Observable {
    /// The sum of these strings with these weights. Letters are `I`, `X`, `Y` and `Z`, and for the
    /// projectors on eigenstates of Z, X and Y `0 1`, `+ -` and `r l`; the rightmost is for qubit 0.
    /// A string with `k` projectors becomes `2^k` terms.
    ///
    /// # Errors
    /// If there is none, they are not equally long, a letter is unknown, a weight is not finite, or
    /// there are too many terms.
    pub fn new<S: AsRef<str>>(
        terms: impl IntoIterator<Item = (S, f64)>,
    ) -> Result<Self, ObservableError> {
        let mut sum: Option<Self> = None;
        for (string, weight) in terms {
            let string = string.as_ref();
            let (found, text) = (string.chars().count(), || shortened(string));
            let n_qubits = u32::try_from(found).unwrap_or(u32::MAX);
            let sum = sum.get_or_insert(Self { n_qubits, terms: BTreeMap::new() });
            if n_qubits != sum.n_qubits {
                let expected = sum.n_qubits;
                return Err(ObservableError::Width { string: text(), found, expected });
            }
            if !weight.is_finite() {
                return Err(ObservableError::Weight { string: text(), found: weight });
            }
            for (support, weight) in expanded(string, weight)? {
                *sum.terms.entry(support).or_insert(0.0) += weight;
                if sum.terms.len() > MAX_TERMS {
                    return Err(ObservableError::TooMany { limit: MAX_TERMS });
                }
            }
        }
        let mut sum = sum.ok_or(ObservableError::Empty)?;
        sum.terms.retain(|_, weight| *weight != 0.0);
        Ok(sum)
    }

    /// The number of qubits: of letters of each string.
    #[must_use]
    pub fn n_qubits(&self) -> u32 {
        self.n_qubits
    }

    /// The strings and their weights.
    pub fn terms(&self) -> impl ExactSizeIterator<Item = (String, f64)> + '_ {
        self.supports().map(|(support, weight)| (string(support, self.n_qubits), weight))
    }

    /// The same observable on a wider circuit, such as one that was compiled for a device: what it
    /// has on qubit `i` is on qubit `layout[i]` of `n_qubits`.
    ///
    /// # Errors
    /// If the layout does not name a qubit for each of this observable, or one twice, or one that is
    /// not there.
    pub fn on(&self, layout: &[u32], n_qubits: u32) -> Result<Self, ObservableError> {
        if layout.len() != self.n_qubits as usize {
            let (found, expected) = (layout.len(), self.n_qubits);
            return Err(ObservableError::Layout { found, expected });
        }
        let mut sorted = layout.to_vec();
        sorted.sort_unstable();
        let wrong = sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        if let Some(qubit) = wrong.or(sorted.last().copied().filter(|last| *last >= n_qubits)) {
            return Err(ObservableError::LayoutQubit { qubit, limit: n_qubits });
        }
        let moved = |(support, weight): (&Support, &f64)| {
            let mut support: Support =
                support.iter().map(|&(qubit, pauli)| (layout[qubit as usize], pauli)).collect();
            support.sort_unstable();
            (support, *weight)
        };
        Ok(Self { n_qubits, terms: self.terms.iter().map(moved).collect() })
    }

    pub(crate) fn supports(&self) -> impl ExactSizeIterator<Item = (&Support, f64)> {
        self.terms.iter().map(|(support, weight)| (support, *weight))
    }
}

/// The Pauli strings that a string with projectors is made of.
fn expanded(letters: &str, weight: f64) -> Result<Vec<(Support, f64)>, ObservableError> {
    let mut terms = vec![(Support::new(), weight)];
    for (qubit, letter) in (0..).zip(letters.chars().rev()) {
        let (pauli, sign) = match letter {
            'I' => continue,
            'X' => (Pauli::X, None),
            'Y' => (Pauli::Y, None),
            'Z' => (Pauli::Z, None),
            '+' => (Pauli::X, Some(1.0)),
            '-' => (Pauli::X, Some(-1.0)),
            'r' => (Pauli::Y, Some(1.0)),
            'l' => (Pauli::Y, Some(-1.0)),
            '0' => (Pauli::Z, Some(1.0)),
            '1' => (Pauli::Z, Some(-1.0)),
            found => {
                let (string, expected) = (shortened(letters), "I X Y Z 0 1 + - r l");
                return Err(ObservableError::Letter { found, string, expected });
            }
        };
        let Some(sign) = sign else {
            terms.iter_mut().for_each(|(support, _)| support.push((qubit, pauli)));
            continue;
        };
        // A projector is half the identity and half the Pauli operator with the eigenvalue's sign.
        if terms.len() * 2 > MAX_TERMS {
            return Err(ObservableError::TooMany { limit: MAX_TERMS });
        }
        terms.iter_mut().for_each(|(_, weight)| *weight /= 2.0);
        for place in 0..terms.len() {
            let (mut support, weight) = terms[place].clone();
            support.push((qubit, pauli));
            terms.push((support, weight * sign));
        }
    }
    Ok(terms)
}

/// A support as a string of letters.
pub(crate) fn string(support: &[(u32, Pauli)], n_qubits: u32) -> String {
    let mut left = support;
    let letter = |qubit| match left.split_last() {
        Some(((last, pauli), rest)) if *last == qubit => {
            left = rest;
            pauli.letter()
        }
        _ => 'I',
    };
    (0..n_qubits).rev().map(letter).collect()
}

/// The first letters of a string that may be of any length.
fn shortened(string: &str) -> String {
    match string.char_indices().nth(40) {
        None => format!("`{string}`"),
        Some((end, _)) => format!("`{}…`", &string[..end]),
    }
}

impl From<Observable> for NdArray<Observable> {
    fn from(observable: Observable) -> Self {
        Self::scalar(observable)
    }
}

impl fmt::Display for Observable {
    /// `1 ZZ - 0.5 IX`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return write!(f, "0 {}", string(&[], self.n_qubits));
        }
        for (place, (letters, weight)) in self.terms().enumerate() {
            match (place, weight < 0.0) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            write!(f, "{} {letters}", weight.abs())?;
        }
        Ok(())
    }
}

impl FromStr for Observable {
    type Err = ObservableError;

    /// Reads `ZZ - 0.5 IX`: strings of `I X Y Z`, each with a number before it or none, which is 1.
    fn from_str(text: &str) -> Result<Self, ObservableError> {
        let mut rest = text;
        let wrong = |expected, rest: &str| ObservableError::Text {
            expected,
            place: text.chars().count() - rest.chars().count(),
            text: text.to_owned(),
        };
        let mut terms: Vec<(&str, f64)> = Vec::new();
        loop {
            rest = rest.trim_start();
            let sign = match rest.chars().next() {
                None if !terms.is_empty() => break,
                Some('+') => Some(1.0),
                Some('-') => Some(-1.0),
                _ if terms.is_empty() => None,
                _ => return Err(wrong("+ or -", rest)),
            };
            rest = rest[sign.map_or(0, |_| 1)..].trim_start();
            let number = &rest[..number_length(rest)];
            let weight = match number {
                "" => 1.0,
                number => number.parse::<f64>().map_err(|_| wrong("a number", rest))?,
            };
            rest = rest[number.len()..].trim_start();
            if !number.is_empty() {
                rest = rest.strip_prefix('*').unwrap_or(rest).trim_start();
            }
            let end = rest.find(|c| !"IXYZ".contains(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(wrong("letters of I X Y Z", rest));
            }
            terms.push((&rest[..end], sign.unwrap_or(1.0) * weight));
            rest = &rest[end..];
        }
        Self::new(terms)
    }
}

/// The bytes of the number that a text begins with; a sign may only follow an `e`.
fn number_length(text: &str) -> usize {
    let mut previous = ' ';
    let outside = |c: char| {
        let of_number = c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E');
        let of_exponent = matches!(c, '+' | '-') && matches!(previous, 'e' | 'E');
        previous = c;
        !(of_number || of_exponent)
    };
    text.find(outside).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(observable: &Observable) -> Vec<(String, f64)> {
        observable.terms().collect()
    }

    #[test]
    fn the_rightmost_letter_is_for_qubit_0() {
        let observable = Observable::new([("XIZ", 2.0)]).unwrap();
        let (support, weight) = observable.supports().next().unwrap();
        assert_eq!((&support[..], weight), (&[(0, Pauli::Z), (2, Pauli::X)][..], 2.0));
        assert_eq!(terms(&observable), [("XIZ".to_owned(), 2.0)]);
    }

    #[test]
    fn equal_strings_are_one_term() {
        let observable = Observable::new([("X", 1.0), ("Z", 1.0), ("X", 0.5), ("Y", 0.0)]).unwrap();
        assert_eq!(terms(&observable), [("X".to_owned(), 1.5), ("Z".to_owned(), 1.0)]);
        let nothing = Observable::new([("X", 1.0), ("X", -1.0)]).unwrap();
        assert_eq!((terms(&nothing).len(), nothing.to_string()), (0, "0 I".to_owned()));
    }

    #[test]
    fn projectors_are_sums() {
        let projector = Observable::new([("0l", 1.0)]).unwrap();
        assert_eq!(projector, "0.25 II - 0.25 IY + 0.25 ZI - 0.25 ZY".parse().unwrap());
        let all = Observable::new([("1+-r", 16.0)]).unwrap();
        assert_eq!(all.terms().len(), 16);
        let refusal = Observable::new([("0".repeat(64), 1.0)]).unwrap_err();
        assert_eq!(refusal, ObservableError::TooMany { limit: MAX_TERMS });
    }

    #[test]
    fn text_is_read_as_it_is_written() {
        for text in ["1 ZZ", "-0.5 IX", "2 XX - 0.001 YY + 3 ZI"] {
            assert_eq!(text.parse::<Observable>().unwrap().to_string(), text);
        }
        let loose = "-XX+1e-3*ZZ - 2.5e+1YY".parse::<Observable>().unwrap();
        assert_eq!(loose.to_string(), "-1 XX - 25 YY + 0.001 ZZ");
    }

    #[test]
    fn text_that_is_no_observable_is_refused_at_its_place() {
        let says = |text: &str| text.parse::<Observable>().unwrap_err().to_string();
        assert_eq!(says(""), "expected letters of I X Y Z at character 0 of ``");
        assert_eq!(says("XX ZZ"), "expected + or - at character 3 of `XX ZZ`");
        assert_eq!(says("X + 0.5"), "expected letters of I X Y Z at character 7 of `X + 0.5`");
        assert_eq!(says("1.2.3 X"), "expected a number at character 0 of `1.2.3 X`");
        assert_eq!(says("X + ä"), "expected letters of I X Y Z at character 4 of `X + ä`");
        assert_eq!(says("XX + Z"), "the string `Z` has 1 letters, the first one has 2");
        assert_eq!(says("1e999 X"), "the weight of `X` is inf, expected a finite number");
    }

    #[test]
    fn lists_that_are_no_observables_are_refused() {
        let says =
            |list: &[(&str, f64)]| Observable::new(list.iter().copied()).unwrap_err().to_string();
        assert_eq!(says(&[]), "an observable without terms");
        assert_eq!(
            says(&[("XQ", 1.0)]),
            "`Q` in the string `XQ`, expected letters of I X Y Z 0 1 + - r l"
        );
        assert!(says(&[("X", f64::NAN)]).starts_with("the weight of `X` is NaN"));
        let long = says(&[(&"Ä".repeat(90), 1.0)]);
        assert!(long.contains(&format!("`{}…`", "Ä".repeat(40))), "{long}");
    }

    #[test]
    fn a_layout_moves_letters() {
        let observable = Observable::new([("XZ", 1.0)]).unwrap();
        assert_eq!(observable.on(&[2, 0], 4).unwrap().to_string(), "1 IZIX");
        let says = |layout: &[u32]| observable.on(layout, 4).unwrap_err().to_string();
        assert_eq!(says(&[0]), "the layout names 1 qubits, the observable has 2");
        assert_eq!(says(&[1, 1]), "the layout names qubit 1, expected each once and below 4");
        assert_eq!(says(&[1, 4]), "the layout names qubit 4, expected each once and below 4");
    }
}
