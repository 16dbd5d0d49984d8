//! The values of arguments, read and checked before anything else happens.

use std::{fs::File, io::Read, path::PathBuf, time::Duration};

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

/// Numbers by the names of the parameters that they are for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numbers(pub(super) Vec<(String, f64)>);

/// The largest file of numbers.
const MAX_NUMBERS: u64 = 16 << 20;

/// Reads `name=value`, or a JSON file that `@` stands before. Blocks while the file is read.
pub(super) fn numbers(text: &str) -> Result<Numbers, String> {
    let Some(path) = text.strip_prefix('@') else {
        let (name, value) = assignment(text)?;
        return Ok(Numbers(vec![(name.to_owned(), number(value)?)]));
    };
    let mut json = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_NUMBERS + 1).read_to_string(&mut json))
        .map_err(|error| format!("cannot read `{path}`: {error}"))?;
    if json.len() as u64 > MAX_NUMBERS {
        return Err(format!("`{path}` is larger than {MAX_NUMBERS} bytes"));
    }
    object_of_numbers(&json).map_err(|wrong| format!("`{path}`: {wrong}"))
}

/// A JSON object of numbers, or of texts such as `pi/2`.
fn object_of_numbers(json: &str) -> Result<Numbers, String> {
    let object: serde_json::Map<String, Value> = serde_json::from_str(json)
        .map_err(|error| format!("expected a JSON object of names and numbers: {error}"))?;
    let each = object.into_iter().map(|(name, value)| {
        let number = match &value {
            Value::Bool(truth) => Ok(f64::from(u8::from(*truth))),
            Value::String(text) => number(text),
            Value::Number(one) => exact(one).ok_or_else(|| {
                format!("{one} has more digits than a number in double precision holds")
            }),
            Value::Null | Value::Array(_) | Value::Object(_) => Err("expected a number".to_owned()),
        };
        number.map(|number| (name.clone(), number)).map_err(|wrong| format!("`{name}`: {wrong}"))
    });
    each.collect::<Result<_, _>>().map(Numbers)
}

/// The number in double precision, unless it is a whole one that changes.
fn exact(number: &serde_json::Number) -> Option<f64> {
    let double = number.as_f64()?;
    number.as_i128().is_none_or(|whole| double as i128 == whole).then_some(double)
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
    fn numbers_come_from_the_line_or_a_json_object() {
        let pairs = |pairs: &[(&str, f64)]| {
            Ok(Numbers(pairs.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect()))
        };
        assert_eq!(numbers("t=-pi/2"), pairs(&[("t", -PI / 2.0)]));
        let json = r#"{"a": 1, "b": -2.5e-1, "c": "3*pi/4", "d": true, "e": 4503599627370496}"#;
        let found = [("a", 1.0), ("b", -0.25), ("c", 0.75 * PI), ("d", 1.0), ("e", 2_f64.powi(52))];
        assert_eq!(object_of_numbers(json), pairs(&found));
        for (json, expected) in [
            (r#"{"a": [1]}"#, "`a`: expected a number"),
            (r#"{"a": null}"#, "`a`: expected a number"),
            (r#"{"a": "x"}"#, "`a`: `x` is not a number"),
            (r#"{"a": 9007199254740993}"#, "`a`: 9007199254740993 has more digits"),
            (r#"{"a": 1e999}"#, "expected a JSON object"),
            ("[1]", "expected a JSON object"),
            ("", "expected a JSON object"),
        ] {
            let found = object_of_numbers(json).unwrap_err();
            assert!(found.starts_with(expected), "{json}: {found}");
        }

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("n.json");
        std::fs::write(&path, r#"{"theta": "pi"}"#).unwrap();
        let argument = |path: &std::path::Path| format!("@{}", path.display());
        assert_eq!(numbers(&argument(&path)), pairs(&[("theta", PI)]));
        let wrong = [(argument(directory.path()), "cannot read"), ("@".to_owned(), "cannot read")];
        for (argument, expected) in wrong {
            let found = numbers(&argument).unwrap_err();
            assert!(found.starts_with(expected), "{argument}: {found}");
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
