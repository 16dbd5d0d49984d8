//! NumPy's `.npy`, version 1.0: one array of float64 or complex128, little-endian, in C order.
//!
//! Source: the format's description in NumPy's manual, module `numpy.lib.format`.

use std::io::{self, Write};

use ketch::{Complex64, result::Data};

/// The lengths of header and magic together are a multiple of this.
const ALIGNMENT: usize = 64;

/// Whether a value is one array of numbers.
pub(crate) fn is_array(data: &Data) -> bool {
    matches!(data, Data::Reals(_) | Data::Vector(_) | Data::Matrix { .. })
}

/// Writes one array of numbers; what is none is an error of kind `InvalidInput`.
pub(crate) fn write(out: &mut dyn Write, data: &Data) -> io::Result<()> {
    match data {
        Data::Reals(numbers) => {
            out.write_all(&header("<f8", &[numbers.len()]))?;
            numbers.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))
        }
        Data::Vector(amplitudes) => {
            out.write_all(&header("<c16", &[amplitudes.len()]))?;
            write_complexes(out, amplitudes)
        }
        Data::Matrix { dim, entries } => {
            out.write_all(&header("<c16", &[*dim, *dim]))?;
            write_complexes(out, entries)
        }
        _ => Err(io::Error::from(io::ErrorKind::InvalidInput)),
    }
}

fn write_complexes(out: &mut dyn Write, numbers: &[Complex64]) -> io::Result<()> {
    numbers.iter().try_for_each(|number| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.re.to_le_bytes());
        bytes[8..].copy_from_slice(&number.im.to_le_bytes());
        out.write_all(&bytes)
    })
}

/// Magic, version, length and the description of the array.
fn header(element: &str, shape: &[usize]) -> Vec<u8> {
    // A tuple of one has a comma in Python.
    let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let shape = if shape.len() == 1 { format!("{},", shape[0]) } else { shape.join(", ") };
    let mut text =
        format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({shape}), }}");
    let fixed = b"\x93NUMPY\x01\x00".len() + size_of::<u16>();
    let length = (fixed + text.len() + 1).next_multiple_of(ALIGNMENT) - fixed;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    text.push('\n');
    let length = u16::try_from(length).expect("two numbers fit 64 KiB");
    [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(data: &Data) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, data).unwrap();
        bytes
    }

    #[test]
    fn a_state_is_complex128() {
        let bytes = written(&Data::Vector(vec![Complex64::new(1.0, -2.0), Complex64::ZERO].into()));
        assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
        let text = "{'descr': '<c16', 'fortran_order': False, 'shape': (2,), }";
        assert_eq!(&bytes[10..10 + text.len()], text.as_bytes());
        assert!(bytes[10 + text.len()..127].iter().all(|&byte| byte == b' '));
        assert_eq!(bytes[127], b'\n');
        assert_eq!(bytes[128..136], 1f64.to_le_bytes());
        assert_eq!(bytes[136..144], (-2f64).to_le_bytes());
        assert_eq!(bytes.len(), 128 + 32);
    }

    #[test]
    fn a_matrix_has_two_axes() {
        let entries = vec![Complex64::ONE; 4].into();
        let bytes = written(&Data::Matrix { dim: 2, entries });
        assert!(String::from_utf8_lossy(&bytes[..128]).contains("'shape': (2, 2), }"));
        assert_eq!(bytes.len(), 128 + 64);
    }

    #[test]
    fn probabilities_are_float64() {
        let bytes = written(&Data::Reals(vec![0.25, 0.75].into()));
        assert!(String::from_utf8_lossy(&bytes[..128]).contains("'<f8'"));
        assert_eq!(bytes[136..], 0.75f64.to_le_bytes());
    }

    #[test]
    fn what_is_no_array_is_refused() {
        assert!(!is_array(&Data::Number(1.0)));
        assert!(write(&mut Vec::new(), &Data::Number(1.0)).is_err());
    }
}
