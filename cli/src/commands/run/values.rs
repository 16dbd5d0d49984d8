//! The values of arguments, read and checked before anything else happens.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use ketch::{
    Complex64,
    circuit::{PauliTerm, SaveKind, SaveSubtype},
};
use serde_json::Value;

/// `key=value` of an option.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) value: Value,
}

/// A sum of Pauli strings of equal length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observable(pub(super) Vec<PauliTerm>);

/// What `--save` saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum SaveWhat {
    /// All amplitudes
    Statevector,
    /// The probability of each basis state
    Probabilities,
    /// The density matrix
    DensityMatrix,
    /// The unitary of the whole circuit
    Unitary,
}

impl SaveWhat {
    /// The instruction that saves it, and what happens with several shots: means are averaged.
    pub(super) fn kind(self) -> (SaveKind, SaveSubtype) {
        match self {
            Self::Statevector => (SaveKind::Statevector, SaveSubtype::Single),
            Self::Probabilities => (SaveKind::Probabilities, SaveSubtype::Average),
            Self::DensityMatrix => (SaveKind::DensityMatrix, SaveSubtype::Average),
            Self::Unitary => (SaveKind::Unitary, SaveSubtype::Single),
        }
    }
}

/// A file for results; its extension says in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutputFile {
    pub(super) path: PathBuf,
    pub(super) form: OutputForm,
}

/// The form of a file for results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutputForm {
    Json,
    Jsonl,
    Csv,
    Npy,
}

pub(super) fn output_file(text: &str) -> Result<OutputFile, String> {
    let path = PathBuf::from(text);
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let form = match extension.as_deref() {
        Some("json") => OutputForm::Json,
        Some("jsonl") => OutputForm::Jsonl,
        Some("csv") => OutputForm::Csv,
        Some("npy") => OutputForm::Npy,
        _ => return Err("expected a name that ends in .json, .jsonl, .csv or .npy".to_owned()),
    };
    Ok(OutputFile { path, form })
}

pub(crate) fn plot_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let svg = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    if svg { Ok(path) } else { Err("expected a name that ends in .svg".to_owned()) }
}

pub(super) fn setting(text: &str) -> Result<Setting, String> {
    let (key, value) = assignment(text)?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok(Setting { key: key.to_owned(), value })
}

pub(super) fn parameter(text: &str) -> Result<(String, f64), String> {
    let (name, value) = assignment(text)?;
    Ok((name.to_owned(), number(value)?))
}

pub(crate) fn timeout(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; expected a time such as 500ms, 20s or 2m"))
}

/// Reads `ZZ=1,XX=0.5`; a string without a weight has weight 1, `-` before it turns the sign.
pub(super) fn observable(text: &str) -> Result<Observable, String> {
    let terms: Vec<PauliTerm> = text.split(',').map(term).collect::<Result<_, _>>()?;
    let length = terms[0].pauli.len();
    match terms.iter().find(|term| term.pauli.len() != length) {
        Some(odd) => Err(format!(
            "`{}` has {} letters and `{}` has {length}; write I for a qubit that is left alone",
            odd.pauli,
            odd.pauli.len(),
            terms[0].pauli
        )),
        None => Ok(Observable(terms)),
    }
}

fn term(text: &str) -> Result<PauliTerm, String> {
    let (pauli, weight) = match text.split_once('=') {
        Some((pauli, weight)) => (pauli.trim(), number(weight.trim())?),
        None => (text.trim(), 1.0),
    };
    let (pauli, weight) = match pauli.strip_prefix('-') {
        Some(pauli) => (pauli.trim(), -weight),
        None => (pauli, weight),
    };
    if pauli.is_empty() || !pauli.bytes().all(|letter| b"IXYZ".contains(&letter)) {
        return Err(format!("`{pauli}` is no Pauli string: expected letters I, X, Y and Z"));
    }
    Ok(PauliTerm { pauli: pauli.to_owned(), coefficient: Complex64::from(weight) })
}

fn assignment(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
            Ok((key.trim(), value.trim()))
        }
        _ => Err("expected name=value".to_owned()),
    }
}

/// A number, or `pi` with a factor and a divisor: `-3*pi/4`.
fn number(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is not a number such as 0.5 or pi/2");
    let plain = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    if let Some(number) = plain(text) {
        return Ok(number);
    }
    let (product, divisor) = match text.split_once('/') {
        Some((product, divisor)) => (product, plain(divisor).ok_or_else(wrong)?),
        None => (text, 1.0),
    };
    let factor = product.trim().strip_suffix("pi").ok_or_else(wrong)?.trim_end();
    let factor = match factor {
        "" | "+" => 1.0,
        "-" => -1.0,
        factor => factor.strip_suffix('*').and_then(plain).ok_or_else(wrong)?,
    };
    let value = factor * std::f64::consts::PI / divisor;
    if value.is_finite() { Ok(value) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[test]
    fn numbers_may_be_parts_of_pi() {
        let cases = [
            ("0.5", Some(0.5)),
            ("-1e-3", Some(-1e-3)),
            ("pi", Some(PI)),
            ("-pi/2", Some(-PI / 2.0)),
            ("3*pi/4", Some(3.0 * PI / 4.0)),
            ("2 * pi", Some(2.0 * PI)),
            ("3pi", None),
            ("pi/0", None),
            ("pi/x", None),
            ("inf", None),
            ("nan", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn option_values_are_json_or_text() {
        let value = |text| setting(text).unwrap().value;
        assert_eq!(value("a=true"), Value::Bool(true));
        assert_eq!(value("a=[1,2]"), serde_json::json!([1, 2]));
        assert_eq!(value("a=state=vector"), "state=vector");
        assert!(setting("a").is_err() && setting("=1").is_err() && setting("a=").is_err());
    }

    #[test]
    fn observables_are_sums_of_pauli_strings() {
        let terms = |text: &str| {
            let Observable(terms) = observable(text).unwrap();
            terms.into_iter().map(|t| (t.pauli, t.coefficient.re)).collect::<Vec<_>>()
        };
        let owned = |text: &str| text.to_owned();
        assert_eq!(terms("ZZ=1, XX=-0.5"), [(owned("ZZ"), 1.0), (owned("XX"), -0.5)]);
        assert_eq!(terms("-IY"), [(owned("IY"), -1.0)]);
        assert!(observable("ZZ,X").unwrap_err().contains("write I"));
        assert!(observable("").is_err() && observable("ZZ=").is_err() && observable("z").is_err());
    }

    #[test]
    fn the_extension_says_the_form() {
        assert_eq!(output_file("a.jsonl").unwrap().form, OutputForm::Jsonl);
        assert_eq!(output_file("a/B.NPY").unwrap().form, OutputForm::Npy);
        assert!(output_file("json").is_err() && output_file("a.txt").is_err());
        assert!(plot_file("a.SVG").is_ok() && plot_file("a").is_err());
    }
}
