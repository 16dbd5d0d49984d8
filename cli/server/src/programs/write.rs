//! Results, in the types of Python's client or as plain JSON.
//!
//! Plain JSON is written number by number from what the result is kept as: a value for each shot
//! would take a hundred times the memory.

use std::fmt;

use ketch_primitives::{BitArray, EstimatorPubResult, NdArray, PrimitiveResult, SamplerPubResult};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::{Map, Value, json};

use super::{Form, options::noted};
use crate::wire::{bytes, floats, typed};

/// The samples of every register of each pub.
pub(super) fn samples(result: &PrimitiveResult<SamplerPubResult>, form: &Form) -> Vec<u8> {
    let metadata = whole_metadata(&result.metadata);
    if !form.for_qiskit {
        let results = result.pubs.iter().map(|one| {
            let each = one.registers.iter().map(|(name, samples)| (name.as_str(), samples));
            PlainPub {
                data: Fields(each.map(|(name, samples)| (name, Samples::of(samples))).collect()),
                metadata: noted(form, &one.metadata),
            }
        });
        return text(&Plain { results: results.collect(), metadata });
    }
    let pubs = result.pubs.iter().map(|one| {
        let fields: Vec<(String, Value)> = one
            .registers
            .iter()
            .map(|(name, samples)| (name.clone(), bit_array(samples)))
            .collect();
        let content =
            json!({ "data": data_bin(&one.shape, fields), "metadata": noted(form, &one.metadata) });
        typed("SamplerPubResult", content)
    });
    for_qiskit(pubs.collect(), metadata)
}

/// The expectation values of each pub and their errors.
pub(super) fn estimates(result: &PrimitiveResult<EstimatorPubResult>, form: &Form) -> Vec<u8> {
    let metadata = whole_metadata(&result.metadata);
    if !form.for_qiskit {
        let results = result.pubs.iter().map(|one| PlainPub {
            data: Fields(arrays(one).map(|(name, array)| (name, Lists::of(array))).into()),
            metadata: noted(form, &one.metadata),
        });
        return text(&Plain { results: results.collect(), metadata });
    }
    let pubs = result.pubs.iter().map(|one| {
        let fields = arrays(one)
            .map(|(name, array)| (name.to_owned(), floats(array.shape(), array.elements())));
        let data = data_bin(one.evs.shape(), fields.to_vec());
        typed("PubResult", json!({ "data": data, "metadata": noted(form, &one.metadata) }))
    });
    for_qiskit(pubs.collect(), metadata)
}

fn arrays(one: &EstimatorPubResult) -> [(&'static str, &NdArray<f64>); 3] {
    [
        ("evs", &one.evs),
        ("stds", &one.stds),
        ("ensemble_standard_error", &one.ensemble_standard_error),
    ]
}

fn whole_metadata(metadata: &Map<String, Value>) -> Map<String, Value> {
    let mut metadata = metadata.clone();
    metadata.insert("version".to_owned(), 2.into());
    metadata
}

fn for_qiskit(pubs: Vec<Value>, metadata: Map<String, Value>) -> Vec<u8> {
    text(&typed("PrimitiveResult", json!({ "pub_results": pubs, "metadata": metadata })))
}

/// A document as text.
pub(super) fn text(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("all keys are text, and a vector takes everything")
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

#[derive(Serialize)]
struct Plain<D> {
    results: Vec<PlainPub<D>>,
    metadata: Map<String, Value>,
}

#[derive(Serialize)]
struct PlainPub<D> {
    data: D,
    metadata: Value,
}

/// An object of these fields.
struct Fields<'r, T>(Vec<(&'r str, T)>);

impl<T: Serialize> Serialize for Fields<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// `0x3` for every shot; of several places one list each.
#[derive(Serialize)]
struct Samples<'r> {
    samples: Lists<Shots<'r>>,
    num_bits: u32,
}

impl<'r> Samples<'r> {
    fn of(array: &'r BitArray) -> Self {
        let shape = array.shape().iter().copied().chain([array.n_shots()]).collect();
        let width = (array.n_bits() as usize).div_ceil(8);
        let elements = Shots { bytes: array.bytes(), width };
        Self { samples: Lists { shape, elements }, num_bits: array.n_bits() }
    }
}

/// What is written one by one.
trait Elements {
    fn element(&self, place: usize) -> impl Serialize;
}

struct Shots<'r> {
    bytes: &'r [u8],
    width: usize,
}

impl Elements for Shots<'_> {
    fn element(&self, place: usize) -> impl Serialize {
        Hexadecimal(&self.bytes[place * self.width..][..self.width])
    }
}

/// What JSON has no number for is null.
impl Elements for &[f64] {
    fn element(&self, place: usize) -> impl Serialize {
        self[place]
    }
}

/// A number of bytes, the highest first.
struct Hexadecimal<'r>(&'r [u8]);

impl Serialize for Hexadecimal<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zeros = self.0.iter().take_while(|&&byte| byte == 0).count();
        match &self.0[zeros..] {
            [] => f.write_str("0x0"),
            [first, rest @ ..] => {
                write!(f, "0x{first:x}")?;
                rest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// Elements in lists of a shape.
struct Lists<E> {
    shape: Vec<usize>,
    elements: E,
}

impl<'r> Lists<&'r [f64]> {
    fn of(array: &'r NdArray<f64>) -> Self {
        Self { shape: array.shape().to_vec(), elements: array.elements() }
    }
}

impl<E: Elements> Serialize for Lists<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        List { shape: &self.shape, first: 0, elements: &self.elements }.serialize(serializer)
    }
}

/// One of the lists, which begins with this element.
struct List<'l, E> {
    shape: &'l [usize],
    first: usize,
    elements: &'l E,
}

impl<E: Elements> Serialize for List<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { shape, first, elements } = *self;
        let [size, shape @ ..] = shape else {
            return elements.element(first).serialize(serializer);
        };
        let each: usize = shape.iter().product();
        let mut list = serializer.serialize_seq(Some(*size))?;
        for place in 0..*size {
            list.serialize_element(&List { shape, first: first + place * each, elements })?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_written_in_lists_of_their_shape() {
        let written = |shape: &[usize], elements: &[f64]| {
            let array = NdArray::new(shape.to_vec(), elements.to_vec()).unwrap();
            String::from_utf8(text(&Lists::of(&array))).unwrap()
        };
        assert_eq!(written(&[], &[1.5]), "1.5");
        assert_eq!(written(&[0], &[]), "[]");
        assert_eq!(written(&[2, 0], &[]), "[[],[]]");
        assert_eq!(written(&[2, 1, 2], &[1.0, f64::NAN, 3.0, 4.0]), "[[[1.0,null]],[[3.0,4.0]]]");
    }

    #[test]
    fn samples_are_numbers_without_zeros_before_them() {
        let bytes = vec![0, 0, 0, 5, 1, 0x0f, 0xff, 0];
        let array = BitArray::from_bytes(vec![2], 2, 16, bytes).unwrap();
        let written = String::from_utf8(text(&Samples::of(&array))).unwrap();
        let expected = r#"{"samples":[["0x0","0x5"],["0x10f","0xff00"]],"num_bits":16}"#;
        assert_eq!(written, expected);
        let none = BitArray::from_bytes(vec![], 3, 0, vec![]).unwrap();
        let written = String::from_utf8(text(&Samples::of(&none))).unwrap();
        assert_eq!(written, r#"{"samples":["0x0","0x0","0x0"],"num_bits":0}"#);
    }
}
