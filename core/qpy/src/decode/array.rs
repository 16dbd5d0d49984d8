//! Arrays as `numpy.save` writes them: the NPY format, versions 1 to 3.

use ketch_interface::Complex64;

use crate::{
    cursor::Cursor,
    error::{Decoded, malformed},
    model::Array,
};

/// How the entries of an array are written.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    /// The least significant byte comes first.
    reversed: bool,
    kind: u8,
    /// In bytes; in letters for texts.
    size: usize,
}

/// The head of an array: what it says of its entries, whether its first index runs fastest, and
/// its shape.
struct Head<'a> {
    entry: &'a str,
    by_column: bool,
    shape: Vec<usize>,
}

fn head<'a>(cursor: &mut Cursor<'a>) -> Decoded<Head<'a>> {
    let at = cursor.at();
    if cursor.bytes(6)? != b"\x93NUMPY" {
        return malformed(at, "an array that is not in numpy's format");
    }
    let (major, _minor) = (cursor.u8()?, cursor.u8()?);
    let size: [u8; 2] = cursor.array()?;
    let mut size = u64::from(u16::from_le_bytes(size));
    if major > 1 {
        let high: [u8; 2] = cursor.array()?;
        size |= u64::from(u16::from_le_bytes(high)) << 16;
    }
    let text = cursor.text(size)?;
    let value = |key: &str| text.split_once(key).map(|(_, value)| value.trim_start());
    let parsed = (|| {
        let entry = value("'descr':")?;
        let by_column = value("'fortran_order':")?.starts_with("True");
        let (shape, _) = value("'shape':")?.strip_prefix('(')?.split_once(')')?;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape: Vec<usize> = sizes.map(|size| size.parse().ok()).collect::<Option<_>>()?;
        Some(Head { entry, by_column, shape })
    })();
    parsed.map_or_else(|| malformed(at, "an array whose head is not understood"), Ok)
}

/// A type such as `'<f8'`, and what follows it.
fn entry(text: &str) -> Option<(Entry, &str)> {
    let (word, rest) = text.trim_start().strip_prefix('\'')?.split_once('\'')?;
    let mut bytes = word.bytes();
    let (order, kind) = (bytes.next()?, bytes.next()?);
    let size = word.get(2..)?.parse().ok()?;
    Some((Entry { reversed: order != b'>', kind, size }, rest))
}

impl Entry {
    /// How many bytes one takes; `None` if it is nothing that is read.
    fn width(self) -> Option<usize> {
        match (self.kind, self.size) {
            (b'f', 4 | 8) | (b'c', 8 | 16) | (b'i' | b'u', 1 | 2 | 4 | 8) | (b'b', 1) => {
                Some(self.size)
            }
            (b'U', size) => size.checked_mul(4),
            _ => None,
        }
    }

    /// The bytes, the most significant one first.
    fn word(self, bytes: &[u8]) -> u64 {
        let join = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        match self.reversed {
            true => bytes.iter().rev().fold(0, join),
            false => bytes.iter().fold(0, join),
        }
    }

    fn real(self, bytes: &[u8]) -> f64 {
        match bytes.len() {
            4 => f64::from(f32::from_bits(self.word(bytes) as u32)),
            _ => f64::from_bits(self.word(bytes)),
        }
    }

    /// An entry that is a number.
    fn number(self, bytes: &[u8]) -> Complex64 {
        match self.kind {
            b'f' => self.real(bytes).into(),
            b'c' => {
                let (re, im) = bytes.split_at(bytes.len() / 2);
                Complex64::new(self.real(re), self.real(im))
            }
            b'i' => {
                let unused = 64 - 8 * bytes.len() as u32;
                let whole = (self.word(bytes) << unused) as i64 >> unused;
                (whole as f64).into()
            }
            _ => (self.word(bytes) as f64).into(),
        }
    }
}

/// An array of numbers or truth values.
pub(super) fn numbers(cursor: &mut Cursor<'_>) -> Decoded<Array> {
    let at = cursor.at();
    let Head { entry: text, by_column, shape } = head(cursor)?;
    let known = entry(text).map(|(entry, _)| entry).filter(|entry| entry.kind != b'U');
    let Some((entry, width)) = known.and_then(|entry| Some((entry, entry.width()?))) else {
        return malformed(at, "an array of something else than numbers");
    };
    let size = shape.iter().try_fold(1_usize, |size, &n| size.checked_mul(n));
    let size = cursor.count(size.unwrap_or(usize::MAX) as u64, width)?;
    let bytes = cursor.bytes((size * width) as u64)?;
    let mut entries: Vec<Complex64> =
        bytes.chunks_exact(width).map(|bytes| entry.number(bytes)).collect();
    // Of an array of nothing, one side may have any length.
    if let (true, false, &[rows, columns]) = (by_column, entries.is_empty(), &shape[..]) {
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| column * rows + row));
        entries = places.map(|place| entries[place]).collect();
    }
    Ok(Array { shape, entries })
}

/// An array of texts with weights.
pub(super) fn labelled(cursor: &mut Cursor<'_>) -> Decoded<Vec<(String, Complex64)>> {
    let at = cursor.at();
    let Head { entry: text, shape, .. } = head(cursor)?;
    let field = |text: &'_ str| {
        let (_, rest) = text.split_once("', ")?;
        entry(rest).map(|(entry, rest)| (entry, rest.len()))
    };
    let fields = (|| {
        let (label, left) = field(text)?;
        let (weight, _) = field(&text[text.len() - left..])?;
        (label.kind == b'U' && weight.kind != b'U').then_some((label, weight))
    })();
    let widths = fields.and_then(|(label, weight)| Some((label.width()?, weight.width()?)));
    let (Some((label, weight)), Some((label_width, weight_width)), &[size]) =
        (fields, widths, &shape[..])
    else {
        return malformed(at, "an operator with weights that are no numbers, such as parameters");
    };
    let width = label_width.saturating_add(weight_width);
    let size = cursor.count(size as u64, width)?;
    let mut terms = Vec::with_capacity(size);
    for _ in 0..size {
        let letters = cursor.bytes(label_width as u64)?.chunks_exact(4);
        let letters = letters.map(|bytes| char::from_u32(label.word(bytes) as u32));
        let Some(text) = letters.collect::<Option<String>>() else {
            return malformed(at, "a text of letters that do not exist");
        };
        let number = weight.number(cursor.bytes(weight_width as u64)?);
        terms.push((text.trim_end_matches('\0').to_owned(), number));
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(head: &str, data: &[u8]) -> Vec<u8> {
        let size = (head.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &size[..], head.as_bytes(), data].concat()
    }

    fn read(head: &str, data: &[u8]) -> Option<Vec<f64>> {
        let array = numbers(&mut Cursor::new(&saved(head, data))).ok()?;
        Some(array.entries.iter().map(|entry| entry.re).collect())
    }

    #[test]
    fn numbers_of_every_kind_are_read() {
        let head = |kind: &str, order: &str, shape: &str| {
            format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
        };
        let two = head("<i2", "False", "(2,)");
        assert_eq!(read(&two, &[1, 0, 254, 255]), Some(vec![1.0, -2.0]));
        assert_eq!(read(&head(">u2", "False", "(1,)"), &[1, 0]), Some(vec![256.0]));
        assert_eq!(read(&head("|b1", "False", "()"), &[1]), Some(vec![1.0]));
        let columns = head("|u1", "True", "(2, 3)");
        assert_eq!(read(&columns, &[1, 4, 2, 5, 3, 6]).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let half = 0.5_f64.to_le_bytes();
        assert_eq!(read(&head("<f8", "False", "(1, 1)"), &half), Some(vec![0.5]));
        let nothing = head("<f8", "True", "(9223372036854775807, 0)");
        assert_eq!(read(&nothing, &[]), Some(Vec::new()));
        // Too few bytes, too many entries, no numbers.
        assert_eq!(read(&two, &[1, 0, 254]), None);
        assert_eq!(read(&head("<f8", "False", "(4294967296, 4294967296)"), &half), None);
        assert_eq!(read(&head("|O", "False", "(1,)"), &half), None);
        assert_eq!(read(&head("<U0", "False", "(1,)"), &half), None);
    }

    #[test]
    fn labels_come_with_weights() {
        let head = "{'descr': [('labels', '<U2'), ('coeffs', '<f8')], 'fortran_order': False, \
                    'shape': (1,), }";
        let data = [b"X\0\0\0Z\0\0\0".as_slice(), &1.5_f64.to_le_bytes()].concat();
        let terms = labelled(&mut Cursor::new(&saved(head, &data))).unwrap();
        assert_eq!(terms, [("XZ".to_owned(), 1.5.into())]);
        let objects = head.replace("'<f8'", "'|O'");
        assert!(labelled(&mut Cursor::new(&saved(&objects, &data))).is_err());
    }
}
