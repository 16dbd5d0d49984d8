//! Numbers as these clients send and read them: arrays of NumPy, compressed, in base64.
//!
//! Sizes come from outside: what is inflated has a budget, and no size is believed before the bytes
//! are there.

use std::io::{Read, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use ketch::Circuit;
use serde_json::{Value, json};

/// What is wrong with something that was sent.
pub(crate) type Wrong = String;

/// What a request may still come to when it is read: bytes, and instructions of circuits.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: usize,
    instructions: usize,
}

/// The most instructions of all circuits of a request: more than fit into one that says each.
const INSTRUCTIONS: usize = 1 << 22;

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { bytes, instructions: INSTRUCTIONS }
    }

    /// What a text in base64 stands for, inflated.
    ///
    /// # Errors
    /// If it is no such text, or too much.
    pub(crate) fn inflate(&mut self, text: &str) -> Result<Vec<u8>, Wrong> {
        let deflated = STANDARD.decode(text).map_err(|error| format!("no base64: {error}"))?;
        let mut bytes = Vec::new();
        let mut inflating = ZlibDecoder::new(deflated.as_slice()).take(self.bytes as u64 + 1);
        inflating.read_to_end(&mut bytes).map_err(|error| format!("no zlib data: {error}"))?;
        self.spend(bytes.len())?;
        Ok(bytes)
    }

    /// The shape and the numbers of an `ndarray`, row by row.
    ///
    /// # Errors
    /// If it is none, not one of real numbers, or too much.
    pub(crate) fn array(&mut self, text: &str) -> Result<(Vec<usize>, Vec<f64>), Wrong> {
        let file = self.inflate(text)?;
        let Npy { shape, descr, data } = Npy::read(&file)?;
        // Small numbers become larger ones.
        let width = descr.trim_start_matches(|one: char| !one.is_ascii_digit()).parse();
        let count = data.len() / width.unwrap_or(1).max(1);
        self.spend(count.saturating_mul(size_of::<f64>()).saturating_sub(file.len()))?;
        let numbers = numbers(descr, data)?;
        let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size));
        if count != Some(numbers.len()) {
            return Err(format!("an array of shape {shape:?} with {} numbers", numbers.len()));
        }
        Ok((shape, numbers))
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Wrong> {
        let room = self.bytes;
        let left = room.checked_sub(bytes);
        self.bytes =
            left.ok_or_else(|| format!("inflates to more than the {room} bytes that are left"))?;
        Ok(())
    }

    /// A circuit that was read.
    ///
    /// # Errors
    /// If all together are too much.
    pub(crate) fn count(&mut self, circuit: &Circuit) -> Result<(), Wrong> {
        let left = self.instructions.checked_sub(circuit.len());
        self.instructions = left.ok_or_else(|| {
            format!(
                "more than {INSTRUCTIONS} instructions in all; send the circuits in several jobs"
            )
        })?;
        Ok(())
    }
}

/// The bytes deflated, in base64.
pub(crate) fn deflated(bytes: &[u8]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("a vector takes everything");
    STANDARD.encode(encoder.finish().expect("a vector takes everything"))
}

/// `{"__type__": …, "__value__": …}`
pub(crate) fn typed(kind: &str, value: Value) -> Value {
    json!({ "__type__": kind, "__value__": value })
}

/// What stands behind `__value__`, if the value says that it is of this kind.
pub(crate) fn of_kind<'v>(value: &'v Value, kind: &str) -> Option<&'v Value> {
    (value.get("__type__")?.as_str()? == kind).then(|| value.get("__value__"))?
}

/// Floating-point numbers as an `ndarray`.
pub(crate) fn floats(shape: &[usize], numbers: &[f64]) -> Value {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    array("<f8", shape, &bytes)
}

/// Bytes as an `ndarray`.
pub(crate) fn bytes(shape: &[usize], bytes: &[u8]) -> Value {
    array("|u1", shape, bytes)
}

fn array(descr: &str, shape: &[usize], bytes: &[u8]) -> Value {
    typed("ndarray", deflated(&npy(descr, shape, bytes)).into())
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// A file of version 1.0, as the documentation of `numpy.lib.format` defines it.
fn npy(descr: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
    let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // With the ten bytes before it and the line's end, the head fills blocks of 64.
    let padded = (10 + head.len() + 1).next_multiple_of(64) - 10;
    let mut file = Vec::with_capacity(10 + padded + bytes.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&[1, 0]);
    let length = u16::try_from(padded).expect("a shape of few axes is a short text");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(format!("{head:<width$}\n", width = padded - 1).as_bytes());
    file.extend_from_slice(bytes);
    file
}

/// A file of NumPy's, its head read.
struct Npy<'f> {
    shape: Vec<usize>,
    descr: &'f str,
    data: &'f [u8],
}

impl<'f> Npy<'f> {
    /// # Errors
    /// If it is none, or stands in another order than row by row.
    fn read(file: &'f [u8]) -> Result<Self, Wrong> {
        let rest = file.strip_prefix(MAGIC).ok_or("no .npy data")?;
        let (width, rest) = match rest {
            [1, _, rest @ ..] => (2, rest),
            [2 | 3, _, rest @ ..] => (4, rest),
            _ => return Err(".npy data of an unknown version".to_owned()),
        };
        let cut = || ".npy data that ends too early".to_owned();
        let (length, rest) = rest.split_at_checked(width).ok_or_else(cut)?;
        let length = length.iter().rev().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let (head, data) = rest.split_at_checked(length).ok_or_else(cut)?;
        let head = std::str::from_utf8(head).map_err(|_| ".npy data with a garbled head")?;
        let field = |name: &str| {
            let place = head.find(&format!("'{name}':"))? + name.len() + 3;
            Some(head[place..].trim_start())
        };
        let missing = |name: &str| format!(".npy data without `{name}`");
        let descr = field("descr").ok_or_else(|| missing("descr"))?;
        let descr = descr.split('\'').nth(1).ok_or_else(|| missing("descr"))?;
        if field("fortran_order").is_none_or(|text| !text.starts_with("False")) {
            return Err(".npy data in Fortran's order; send it in C's".to_owned());
        }
        let shape = field("shape").and_then(|text| text.strip_prefix('(')?.split(')').next());
        let shape = shape.ok_or_else(|| missing("shape"))?.split(',').map(str::trim);
        let shape: Vec<usize> = shape
            .filter(|size| !size.is_empty())
            .map(|size| size.parse().map_err(|_| format!("`{size}`: no size of an axis")))
            .collect::<Result<_, _>>()?;
        Ok(Self { shape, descr, data })
    }
}

fn numbers(descr: &str, data: &[u8]) -> Result<Vec<f64>, Wrong> {
    /// Bytes in the order in which they are written, the lowest first.
    fn each<const N: usize>(data: &[u8], big: bool, read: fn([u8; N]) -> f64) -> Option<Vec<f64>> {
        let (chunks, rest) = data.as_chunks::<N>();
        let in_order = |mut chunk: [u8; N]| {
            if big {
                chunk.reverse();
            }
            read(chunk)
        };
        rest.is_empty().then(|| chunks.iter().copied().map(in_order).collect())
    }
    let big = descr.starts_with('>');
    let numbers = match descr.trim_start_matches(['<', '>', '|', '=']) {
        "f8" => each(data, big, f64::from_le_bytes),
        "f4" => each(data, big, |bytes| f32::from_le_bytes(bytes).into()),
        "i8" => each(data, big, |bytes| i64::from_le_bytes(bytes) as f64),
        "i4" => each(data, big, |bytes| i32::from_le_bytes(bytes).into()),
        "i2" => each(data, big, |bytes| i16::from_le_bytes(bytes).into()),
        "u1" | "b1" => each(data, big, |[byte]| byte.into()),
        _ => return Err(format!("numbers of type `{descr}`; expected real ones, such as `<f8`")),
    };
    numbers.ok_or_else(|| format!("{} bytes of numbers of type `{descr}`", data.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_npy(file: &[u8]) -> Result<(Vec<usize>, Vec<f64>), Wrong> {
        Budget::new(1 << 20).array(&deflated(file))
    }

    #[test]
    fn arrays_go_there_and_back() {
        let numbers = [0.0, -1.5, f64::MAX, 1e-300, 5.0, 6.0];
        for shape in [vec![6], vec![2, 3], vec![1, 6, 1], vec![3, 2]] {
            let written = floats(&shape, &numbers);
            let text = of_kind(&written, "ndarray").unwrap().as_str().unwrap();
            let file = Budget::new(1 << 20).inflate(text).unwrap();
            // The data begins at a multiple of 64.
            assert_eq!((file.len() - 48) % 64, 0);
            assert_eq!(read_npy(&file), Ok((shape, numbers.to_vec())));
        }
        assert_eq!(read_npy(&npy("<f8", &[], &2.5_f64.to_le_bytes())), Ok((vec![], vec![2.5])));
        assert_eq!(read_npy(&npy("<f8", &[0], &[])), Ok((vec![0], vec![])));
    }

    #[test]
    fn every_type_of_real_numbers_is_read() {
        for (descr, data) in [
            ("<f4", 2.0_f32.to_le_bytes().to_vec()),
            (">f4", 2.0_f32.to_be_bytes().to_vec()),
            (">f8", 2.0_f64.to_be_bytes().to_vec()),
            ("<i8", 2_i64.to_le_bytes().to_vec()),
            ("<i4", 2_i32.to_le_bytes().to_vec()),
            (">i2", 2_i16.to_be_bytes().to_vec()),
            ("|u1", vec![2]),
        ] {
            assert_eq!(read_npy(&npy(descr, &[1], &data)), Ok((vec![1], vec![2.0])), "{descr}");
        }
    }

    /// The bytes that NumPy 2.4 writes for `np.save(f, np.array([[1, 2]], dtype='|u1'))`.
    #[test]
    fn the_bytes_are_those_of_numpy() {
        let head = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }";
        let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        expected.extend_from_slice(format!("{head:<117}\n").as_bytes());
        expected.extend_from_slice(&[1, 2]);
        assert_eq!(read_npy(&expected), Ok((vec![1, 2], vec![1.0, 2.0])));
        let own = npy("|u1", &[1, 2], &[1, 2]);
        assert_eq!(read_npy(&own), read_npy(&expected));
    }

    #[test]
    fn garbled_data_is_an_error_wherever_it_is_cut_or_changed() {
        let file = npy("<f8", &[2, 2], &[0; 32]);
        for length in 0..file.len() {
            assert!(read_npy(&file[..length]).is_err(), "{length}");
        }
        for place in 0..file.len() {
            for byte in [0, b'9', b'(', 0xff] {
                let mut changed = file.clone();
                changed[place] = byte;
                // Another number is as good as the one before; nothing panics.
                let _ = read_npy(&changed);
            }
        }
        let huge = npy("<f8", &[usize::MAX, usize::MAX], &[]);
        assert!(read_npy(&huge).unwrap_err().contains("shape"));
        assert!(read_npy(&npy("<c16", &[1], &[0; 16])).unwrap_err().contains("<c16"));
    }

    #[test]
    fn circuits_are_counted_together() {
        let circuit = Circuit::new(1, 0).h(0).x(0);
        let mut budget = Budget { bytes: 0, instructions: 5 };
        assert_eq!(budget.count(&circuit), Ok(()));
        assert_eq!(budget.count(&circuit), Ok(()));
        assert!(budget.count(&circuit).unwrap_err().contains("instructions in all"));
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let bomb = deflated(&vec![0; 10 << 20]);
        assert!(bomb.len() < 100_000);
        let mut budget = Budget::new(1 << 20);
        assert!(budget.inflate(&bomb).unwrap_err().contains("more than"));
        // Small numbers take eight bytes each when they are read.
        let bytes = deflated(&npy("|u1", &[1000], &[0; 1000]));
        assert!(Budget::new(7999).array(&bytes).unwrap_err().contains("more than"));
        let mut budget = Budget::new(8000);
        assert_eq!(budget.array(&bytes).unwrap().1.len(), 1000);
        assert_eq!(budget.bytes, 0, "and no more than that");
        let small = deflated(&[0; 1000]);
        let mut budget = Budget::new(1500);
        assert_eq!(budget.inflate(&small).unwrap().len(), 1000);
        assert!(budget.inflate(&small).is_err(), "the budget is for all together");
        for garbled in ["", "!", "AAAA", &small[..small.len() - 8]] {
            assert!(Budget::new(1 << 20).inflate(garbled).is_err(), "{garbled}");
        }
    }
}
