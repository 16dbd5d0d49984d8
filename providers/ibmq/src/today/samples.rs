//! The outcomes of one classical register, in either of the forms that the service has.

use std::io::Read;

use base64::Engine;
use flate2::read::ZlibDecoder;
use ketch_core::BitString;
use serde_json::Value;

/// Arrays are inflated up to this many bytes.
const MAX_INFLATED: u64 = 1 << 30;

/// Registers have at most this many bits.
const MAX_BITS: u64 = 1 << 16;

/// What is wrong with a result, and where.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("`{path}`: {what}")]
pub(super) struct BadResult {
    pub(super) path: String,
    pub(super) what: String,
}

impl BadResult {
    pub(super) fn new(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into() }
    }
}

/// The outcomes of a register, shot by shot.
#[derive(Debug, PartialEq)]
pub(super) struct Samples {
    pub(super) n_bits: u32,
    pub(super) shots: Vec<BitString>,
}

/// The value inside `{"__type__": …, "__value__": …}`; any other value itself.
pub(super) fn unwrapped(value: &Value) -> &Value {
    match (value.get("__type__"), value.get("__value__")) {
        (Some(_), Some(inner)) => inner,
        _ => value,
    }
}

impl Samples {
    /// Reads `{samples: ["0x3", …], num_bits}` or `{array: npy, num_bits}`.
    pub(super) fn read(value: &Value, path: &str) -> Result<Self, BadResult> {
        let value = unwrapped(value);
        let bad = |what: &str| BadResult::new(path, what);
        let n_bits = value.get("num_bits").and_then(Value::as_u64);
        let n_bits = n_bits.ok_or_else(|| bad("expected `num_bits`"))?;
        if n_bits > MAX_BITS {
            return Err(bad(&format!("{n_bits} bits are more than {MAX_BITS}")));
        }
        let n_bits = n_bits as u32;
        let shots = match (value.get("samples"), value.get("array")) {
            (Some(samples), _) => hexadecimal(samples, n_bits, path)?,
            (_, Some(array)) => packed(unwrapped(array), n_bits, path)?,
            _ => return Err(bad("expected `samples` or `array`")),
        };
        Ok(Self { n_bits, shots })
    }
}

/// The shots of each place of a pub, in lists within lists.
fn hexadecimal(samples: &Value, n_bits: u32, path: &str) -> Result<Vec<BitString>, BadResult> {
    let bad = |what: String| BadResult::new(format!("{path}.samples"), what);
    let mut shots = Vec::new();
    // What is to be read next is on top.
    let mut lists =
        vec![samples.as_array().ok_or_else(|| bad("expected a list".to_owned()))?.iter()];
    while let Some(list) = lists.last_mut() {
        match list.next() {
            None => drop(lists.pop()),
            Some(Value::Array(inner)) => lists.push(inner.iter()),
            Some(Value::String(text)) => shots
                .push(BitString::from_hex(n_bits, text).map_err(|error| bad(error.to_string()))?),
            Some(other) => return Err(bad(format!("expected texts, found {other}"))),
        }
    }
    Ok(shots)
}

/// Base64 of zlib of a NumPy file of bytes: one row a shot, the most significant byte first.
fn packed(array: &Value, n_bits: u32, path: &str) -> Result<Vec<BitString>, BadResult> {
    let bad = |what: &str| BadResult::new(format!("{path}.array"), what);
    let text = array.as_str().ok_or_else(|| bad("expected a text"))?;
    let deflated = base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(|error| bad(&error.to_string()))?;
    let mut file = Vec::new();
    let mut inflated = ZlibDecoder::new(&deflated[..]).take(MAX_INFLATED + 1);
    inflated.read_to_end(&mut file).map_err(|error| bad(&error.to_string()))?;
    if file.len() as u64 > MAX_INFLATED {
        return Err(bad(&format!("it is larger than {MAX_INFLATED} bytes")));
    }
    let (row, bytes) = npy_rows(&file).ok_or_else(|| bad("not a NumPy file of bytes"))?;
    if row != (n_bits as usize).div_ceil(8) {
        return Err(bad(&format!("{row} bytes a shot do not hold {n_bits} bits")));
    }
    if row == 0 {
        return Ok(Vec::new());
    }
    let shot = |row: &[u8]| {
        let little_endian: Vec<u8> = row.iter().rev().copied().collect();
        BitString::from_le_bytes(n_bits, &little_endian)
    };
    Ok(bytes.chunks_exact(row).map(shot).collect())
}

/// The length of the last axis and all bytes of a NumPy file (format versions 1 to 3) of type
/// `|u1` in C order.
fn npy_rows(file: &[u8]) -> Option<(usize, &[u8])> {
    let rest = file.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_at_checked(2)?;
    let width = if version[0] == 1 { 2 } else { 4 };
    let (length, rest) = rest.split_at_checked(width)?;
    let length = length.iter().rev().fold(0_usize, |n, &byte| n << 8 | usize::from(byte));
    let (header, bytes) = rest.split_at_checked(length)?;
    let header: String = String::from_utf8_lossy(header).split_whitespace().collect();
    let c_order = header.contains("'fortran_order':False");
    let of_bytes = header.contains("'descr':'|u1'") || header.contains("'descr':'u1'");
    let shape = header.split_once("'shape':(")?.1.split_once(')')?.0;
    let axes = shape.split(',').filter(|axis| !axis.is_empty());
    let axes: Vec<usize> = axes.map(|axis| axis.parse().ok()).collect::<Option<_>>()?;
    let size = axes.iter().try_fold(1_usize, |size, &axis| size.checked_mul(axis))?;
    (c_order && of_bytes && size == bytes.len()).then_some((*axes.last()?, bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    fn npy(header: &str, bytes: &[u8]) -> Value {
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(bytes);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&file).unwrap();
        base64::engine::general_purpose::STANDARD.encode(zlib.finish().unwrap()).into()
    }

    fn shots(value: &Value) -> Result<Vec<String>, String> {
        let samples = Samples::read(value, "c").map_err(|error| error.to_string())?;
        Ok(samples.shots.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn both_forms_say_the_same() {
        let plain = json!({"num_bits": 9, "samples": ["0x105", "0x0"]});
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 2), }  \n";
        let array = json!({"__type__": "ndarray", "__value__": npy(header, &[1, 5, 0, 0])});
        let typed = json!({"__type__": "BitArray", "__value__": {"array": array, "num_bits": 9}});
        let expected = vec!["100000101".to_owned(), "000000000".to_owned()];
        assert_eq!(shots(&plain), Ok(expected.clone()));
        let places = json!({"num_bits": 9, "samples": [["0x105"], ["0x0"]]});
        assert_eq!(shots(&places), Ok(expected.clone()));
        assert_eq!(shots(&typed), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let fails = |value: Value, expected: &str| {
            assert_eq!(shots(&value).unwrap_err(), expected);
        };
        fails(json!(3), "`c`: expected `num_bits`");
        fails(json!({"num_bits": 1_u64 << 40}), "`c`: 1099511627776 bits are more than 65536");
        fails(json!({"num_bits": 2}), "`c`: expected `samples` or `array`");
        fails(json!({"num_bits": 2, "samples": [1]}), "`c.samples`: expected texts, found 1");
        let wide = json!({"num_bits": 1, "samples": ["0x2"]});
        assert!(shots(&wide).unwrap_err().contains("fits the register"));
        fails(
            json!({"num_bits": 2, "array": npy("{}", &[])}),
            "`c.array`: not a NumPy file of bytes",
        );
        let header =
            "{'descr': '|u1', 'fortran_order': False, 'shape': (4611686018427387904, 8), }";
        fails(
            json!({"num_bits": 2, "array": npy(header, &[0])}),
            "`c.array`: not a NumPy file of bytes",
        );
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1), }";
        fails(
            json!({"num_bits": 9, "array": npy(header, &[0])}),
            "`c.array`: 1 bytes a shot do not hold 9 bits",
        );
    }
}
