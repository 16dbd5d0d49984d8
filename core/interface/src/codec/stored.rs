//! A result as one piece: the head, then the arrays, each where a program may map it into memory.

use super::{
    DecodeError,
    bytes::{self, Writer},
    frame::{STORED, begin, open},
    result::{decode_result, encode_result},
};
use crate::{Buffer, RunResult};

/// Arrays begin at multiples of this: a cache line, and the widest vector register.
const ALIGNMENT: usize = 64;

const BYTES: u32 = 0;
const REALS: u32 = 1;
const COMPLEXES: u32 = 2;

/// Writes a result as one piece, for disk: the head, then the arrays, each at a multiple of 64
/// bytes.
#[must_use]
pub fn result_to_bytes(result: &RunResult) -> Vec<u8> {
    let (head, buffers) = encode_result(result);
    let mut document = begin(STORED);
    let mut put = |number: usize| document.bytes.extend_from_slice(&(number as u64).to_le_bytes());
    put(head.len());
    put(buffers.len());
    // The frame, two numbers, three numbers for each buffer, the head.
    let mut end = 12 + 16 + 24 * buffers.len() + head.len();
    for buffer in &buffers {
        let (kind, n_bytes) = kind_and_size(buffer);
        let start = end.next_multiple_of(ALIGNMENT);
        put(kind as usize);
        put(start);
        put(n_bytes);
        end = start + n_bytes;
    }
    document.bytes.reserve_exact(end - document.bytes.len());
    document.bytes.extend_from_slice(&head);
    for buffer in &buffers {
        let start = document.bytes.len().next_multiple_of(ALIGNMENT);
        document.bytes.resize(start, 0);
        append(buffer, &mut document);
    }
    document.bytes
}

/// Reads what [`result_to_bytes`] wrote.
///
/// # Errors
/// As [`decode_result`].
pub fn result_from_bytes(bytes: &[u8]) -> Result<RunResult, DecodeError> {
    let mut from = open(bytes, STORED)?;
    let head_length = from.u64()?;
    let n_buffers = from.u64()?;
    if n_buffers > from.left() as u64 / 24 {
        return Err(from.invalid(n_buffers, "as many buffers as the bytes have room for"));
    }
    let mut places = Vec::new();
    for _ in 0..n_buffers {
        places.push((from.u64()?, from.u64()?, from.u64()?));
    }
    let head = from.take(head_length)?;
    let mut last_end = (bytes.len() - from.left()) as u64;
    let mut buffers = Vec::new();
    for (kind, start, n_bytes) in places {
        // In order and without overlap, so that the whole is never larger than the bytes.
        let end = start.checked_add(n_bytes).filter(|_| start >= last_end);
        let range = end.and_then(|end| Some(usize::try_from(start).ok()?..end.try_into().ok()?));
        let array = range.and_then(|range| bytes.get(range));
        let array = array.ok_or_else(|| from.invalid(start, "the place of the next buffer"))?;
        last_end = start + n_bytes;
        let buffer = u32::try_from(kind).ok().and_then(|kind| read(kind, array));
        buffers.push(buffer.ok_or_else(|| from.invalid(kind, "a buffer of kind 0, 1 or 2"))?);
    }
    if last_end != bytes.len() as u64 {
        return Err(from.invalid("more bytes", "the end"));
    }
    decode_result(head, &buffers)
}

fn kind_and_size(buffer: &Buffer) -> (u32, usize) {
    match buffer {
        Buffer::Bytes(array) => (BYTES, array.len()),
        Buffer::Reals(array) => (REALS, array.len() * 8),
        Buffer::Complexes(array) => (COMPLEXES, array.len() * 16),
    }
}

fn append(buffer: &Buffer, to: &mut Writer) {
    match buffer {
        Buffer::Bytes(array) => to.bytes.extend_from_slice(array),
        Buffer::Reals(array) => array.iter().for_each(|value| to.real(*value)),
        Buffer::Complexes(array) => {
            for value in array.iter() {
                to.real(value.re);
                to.real(value.im);
            }
        }
    }
}

fn read(kind: u32, array: &[u8]) -> Option<Buffer> {
    match kind {
        BYTES => Some(Buffer::Bytes(array.to_vec().into())),
        REALS if array.len().is_multiple_of(8) => Some(Buffer::Reals(bytes::reals(array).into())),
        COMPLEXES if array.len().is_multiple_of(16) => {
            Some(Buffer::Complexes(bytes::complexes(array).into()))
        }
        _ => None,
    }
}
