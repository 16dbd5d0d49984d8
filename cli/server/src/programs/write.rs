//! Results, in the types of Python's client or as plain JSON.

use ketch_primitives::{BitArray, EstimatorPubResult, PrimitiveResult, SamplerPubResult};
use serde_json::{Map, Value, json};

use super::{Form, options::noted};
use crate::wire::{bytes, floats, typed};

/// The samples of every register of each pub.
pub(super) fn samples(result: &PrimitiveResult<SamplerPubResult>, form: &Form) -> Value {
    let pubs = result.pubs.iter().map(|one| match form.for_qiskit {
        true => {
            let fields: Vec<(String, Value)> = one
                .registers
                .iter()
                .map(|(name, samples)| (name.clone(), bit_array(samples)))
                .collect();
            let content =
                json!({ "data": data_bin(&one.shape, fields), "metadata": noted(form, &one.metadata) });
            typed("SamplerPubResult", content)
        }
        false => {
            let registers: Map<String, Value> = one
                .registers
                .iter()
                .map(|(name, samples)| (name.clone(), plain(samples)))
                .collect();
            json!({ "data": registers, "metadata": noted(form, &one.metadata) })
        }
    });
    whole(pubs.collect(), &result.metadata, form)
}

/// The expectation values of each pub and their errors.
pub(super) fn estimates(result: &PrimitiveResult<EstimatorPubResult>, form: &Form) -> Value {
    let pubs = result.pubs.iter().map(|one| {
        let arrays = [
            ("evs", &one.evs),
            ("stds", &one.stds),
            ("ensemble_standard_error", &one.ensemble_standard_error),
        ];
        match form.for_qiskit {
            true => {
                let fields = arrays.map(|(name, array)| {
                    (name.to_owned(), floats(array.shape(), array.elements()))
                });
                let data = data_bin(one.evs.shape(), fields.to_vec());
                let content = json!({ "data": data, "metadata": noted(form, &one.metadata) });
                typed("PubResult", content)
            }
            false => {
                let data: Map<String, Value> = arrays
                    .iter()
                    .map(|(name, array)| {
                        ((*name).to_owned(), lists(array.shape(), array.elements()))
                    })
                    .collect();
                json!({ "data": data, "metadata": noted(form, &one.metadata) })
            }
        }
    });
    whole(pubs.collect(), &result.metadata, form)
}

fn whole(pubs: Vec<Value>, metadata: &Map<String, Value>, form: &Form) -> Value {
    let mut metadata = metadata.clone();
    metadata.insert("version".to_owned(), 2.into());
    match form.for_qiskit {
        true => typed("PrimitiveResult", json!({ "pub_results": pubs, "metadata": metadata })),
        false => json!({ "results": pubs, "metadata": metadata }),
    }
}

fn data_bin(shape: &[usize], fields: Vec<(String, Value)>) -> Value {
    let names: Vec<&String> = fields.iter().map(|(name, _)| name).collect();
    let content = json!({ "field_names": names, "field_types": [], "shape": shape });
    let Value::Object(mut content) = content else { unreachable!("an object was written") };
    content.insert("fields".to_owned(), Value::Object(fields.into_iter().collect()));
    typed("DataBin", content.into())
}

/// Bytes of each shot, the last clbit first, as Qiskit's BitArray keeps them.
fn bit_array(samples: &BitArray) -> Value {
    let width = (samples.n_bits() as usize).div_ceil(8);
    let shape: Vec<usize> =
        samples.shape().iter().copied().chain([samples.n_shots(), width]).collect();
    let array = bytes(&shape, samples.bytes());
    typed("BitArray", json!({ "array": array, "num_bits": samples.n_bits() }))
}

/// `0x3` for every shot; of several places one list each.
fn plain(samples: &BitArray) -> Value {
    let width = (samples.n_bits() as usize).div_ceil(8);
    let shots: Vec<Value> = match width {
        0 => vec!["0x0".into(); samples.n_shots() * samples.shape().iter().product::<usize>()],
        _ => samples.bytes().chunks_exact(width).map(|shot| hexadecimal(shot).into()).collect(),
    };
    let shape: Vec<usize> = samples.shape().iter().copied().chain([samples.n_shots()]).collect();
    json!({ "samples": lists(&shape, &shots), "num_bits": samples.n_bits() })
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match digits.trim_start_matches('0') {
        "" => "0x0".to_owned(),
        digits => format!("0x{digits}"),
    }
}

/// Elements in lists of a shape; what JSON has no number for is null.
fn lists<T: Clone + Into<Value>>(shape: &[usize], elements: &[T]) -> Value {
    match shape {
        [] => elements.first().cloned().map_or(Value::Null, Into::into),
        [0, ..] => Value::Array(Vec::new()),
        [size, rest @ ..] => {
            let each = elements.len() / size;
            (0..*size).map(|place| lists(rest, &elements[place * each..][..each])).collect()
        }
    }
}
