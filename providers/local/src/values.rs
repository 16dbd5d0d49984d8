//! What circuits save, in the result's form.

use ketch_core::{Complex64, result::Data};
use ketch_simulator::{Saved, Tensor};
use serde_json::{Map, Value, json};

/// A saved value as it stands in the result.
pub(crate) fn data(saved: Saved) -> Data {
    match saved {
        Saved::Number(number) => Data::Number(number),
        Saved::Reals(numbers) => Data::Reals(numbers),
        Saved::Vector(amplitudes) => Data::Vector(amplitudes),
        Saved::Matrix { dim, entries } => Data::Matrix { dim, entries },
        Saved::List(values) => Data::List(values.into_iter().map(data).collect()),
        other => Data::Json(json(&other)),
    }
}

/// As JSON: complex numbers as `[re, im]`, basis states and clbits as `0x…`.
fn json(saved: &Saved) -> Value {
    let complex = |number: &Complex64| json!([number.re, number.im]);
    let complexes = |numbers: &[Complex64]| numbers.iter().map(complex).collect::<Vec<_>>();
    match saved {
        Saved::Number(number) => json!(number),
        Saved::Reals(numbers) => json!(&numbers[..]),
        Saved::Vector(amplitudes) => complexes(amplitudes).into(),
        Saved::Matrix { dim, entries } => {
            let rows = entries.chunks((*dim).max(1)).map(|row| Value::from(complexes(row)));
            rows.collect()
        }
        Saved::Probabilities(by) => object(by, |probability| json!(probability)),
        Saved::Amplitudes(by) => object(by, complex),
        Saved::Bits(bits) => bits.to_hex().into(),
        Saved::Stabilizers { stabilizers, destabilizers } => {
            json!({ "stabilizer": stabilizers, "destabilizer": destabilizers })
        }
        Saved::MatrixProductState { sites, weights } => {
            let rows = |t: &Tensor| t.entries.chunks(t.columns.max(1)).map(complexes).collect();
            let matrices = |site: &[Tensor; 2]| site.iter().map(rows).collect::<Vec<Vec<_>>>();
            json!([sites.iter().map(matrices).collect::<Vec<_>>(), weights])
        }
        Saved::List(values) => values.iter().map(json).collect(),
        Saved::ByClbits(by) => object(by, json),
        _ => Value::Null,
    }
}

fn object<V>(
    by: &std::collections::BTreeMap<ketch_core::BitString, V>,
    value: impl Fn(&V) -> Value,
) -> Value {
    let fields: Map<String, Value> = by.iter().map(|(bits, v)| (bits.to_hex(), value(v))).collect();
    fields.into()
}
