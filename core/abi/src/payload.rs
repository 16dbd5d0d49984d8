//! Messages, turned into what crosses and back, without copying large data.

#![expect(unsafe_code, reason = "reads and frees memory of the other side, as the ABI promises")]

use std::{marker::PhantomData, mem::size_of, slice};

use ketch_interface::{Array, Buffer, Complex64, Error, Message, Result};

use crate::{
    error::malformed,
    guard::guard_or,
    raw::{Payload, RawBuffer, dtype},
};

/// What the ABI promises of every buffer.
const ALIGNMENT: usize = 64;

/// A buffer that breaks the ABI's rules.
#[derive(Debug, thiserror::Error)]
enum BufferError {
    #[error("a buffer of unknown type {0}")]
    Type(u32),
    #[error("a buffer of {length} bytes is not a whole number of elements of {element} bytes")]
    Length { length: u64, element: usize },
    #[error("a buffer is not aligned to {ALIGNMENT} bytes")]
    Alignment,
}

impl Payload {
    pub(crate) fn empty() -> Self {
        Message::default().into()
    }
}

impl From<Message> for Payload {
    fn from(message: Message) -> Self {
        let Message { format, head, buffers } = message;
        let buffers: Vec<RawBuffer> = buffers.into_iter().map(RawBuffer::from).collect();
        Self { format, reserved: 0, head: head.into(), buffers: buffers.into() }
    }
}

impl TryFrom<Payload> for Message {
    type Error = Error;

    fn try_from(payload: Payload) -> Result<Self> {
        let Payload { format, head, buffers, .. } = payload;
        let buffers = buffers.into_iter().map(to_buffer).collect::<Result<_, _>>();
        let buffers = buffers.map_err(|error| malformed("message", error))?;
        Ok(Self { format, head: head.into(), buffers })
    }
}

impl From<Buffer> for RawBuffer {
    fn from(buffer: Buffer) -> Self {
        match buffer {
            Buffer::Bytes(array) => lend(dtype::BYTES, array),
            Buffer::Reals(array) => lend(dtype::REAL, array),
            Buffer::Complexes(array) => lend(dtype::COMPLEX, array),
            // `Buffer` may grow in the interface; the ABI's types do not.
            _ => lend::<u8>(dtype::BYTES, Array::default()),
        }
    }
}

/// Lends an array's memory to the other side. Copies only what is not aligned.
fn lend<T: Plain>(dtype: u32, array: Array<T>) -> RawBuffer {
    let length = (array.len() * size_of::<T>()) as u64;
    if !array.as_ptr().cast::<u8>().is_null() && array.as_ptr().addr().is_multiple_of(ALIGNMENT) {
        return own(dtype, array.as_ptr().cast(), length, array);
    }
    let aligned = Lines::copied(bytes_of(&array));
    own(dtype, aligned.0.as_ptr().cast(), length, aligned)
}

/// A raw buffer that keeps `owner`, whose memory it points to, until it is released.
fn own<O: Send + Sync>(dtype: u32, data: *const u8, length: u64, owner: O) -> RawBuffer {
    extern "C" fn release<O>(owner: *mut u8) {
        // SAFETY: `owner` came from `Box::into_raw` of a `Box<O>` below, and a buffer is released
        // once.
        let owner = unsafe { Box::from_raw(owner.cast::<O>()) };
        guard_or((), || drop(owner));
    }
    // Boxing moves the owner, not the heap memory that it points to.
    let owner = Box::into_raw(Box::new(owner)).cast();
    RawBuffer { dtype, reserved: 0, data, length, owner, release: release::<O> }
}

/// 64 bytes that begin at a multiple of 64.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; ALIGNMENT]);

struct Lines(Vec<Line>);

impl Lines {
    fn copied(bytes: &[u8]) -> Self {
        let line = |chunk: &[u8]| {
            let mut line = Line([0; ALIGNMENT]);
            line.0[..chunk.len()].copy_from_slice(chunk);
            line
        };
        Self(bytes.chunks(ALIGNMENT).map(line).collect())
    }
}

/// Types for which all bytes are a value and that have no padding.
trait Plain: Copy + Send + Sync + 'static {}
impl Plain for u8 {}
impl Plain for f64 {}
impl Plain for Complex64 {}

fn bytes_of<T: Plain>(elements: &[T]) -> &[u8] {
    // SAFETY: `T: Plain` has no padding, so all bytes of the slice are initialised; the length in
    // bytes is the slice's own.
    unsafe { slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

fn to_buffer(raw: RawBuffer) -> Result<Buffer, BufferError> {
    match raw.dtype {
        dtype::BYTES => Ok(Buffer::Bytes(borrow(raw)?)),
        dtype::REAL => Ok(Buffer::Reals(borrow(raw)?)),
        dtype::COMPLEX => Ok(Buffer::Complexes(borrow(raw)?)),
        unknown => Err(BufferError::Type(unknown)),
    }
}

fn borrow<T: Plain>(raw: RawBuffer) -> Result<Array<T>, BufferError> {
    let (length, element) = (raw.length, size_of::<T>());
    if length == 0 {
        return Ok(Array::default());
    }
    let whole = usize::try_from(length).ok().filter(|length| length.is_multiple_of(element));
    let bytes = whole.filter(|&bytes| isize::try_from(bytes).is_ok());
    let bytes = bytes.ok_or(BufferError::Length { length, element })?;
    if raw.data.is_null() || !raw.data.addr().is_multiple_of(ALIGNMENT) {
        return Err(BufferError::Alignment);
    }
    Ok(Array::from_owner(Borrowed { raw, count: bytes / element, element: PhantomData }))
}

/// Memory of the other side, given back when dropped.
struct Borrowed<T> {
    raw: RawBuffer,
    count: usize,
    element: PhantomData<fn() -> T>,
}

impl<T: Plain> AsRef<[T]> for Borrowed<T> {
    fn as_ref(&self) -> &[T] {
        // SAFETY: `borrow` checked that the pointer is aligned and not null and that the length is
        // `count` elements and at most `isize::MAX` bytes; the ABI promises that the memory is
        // initialised and unchanged until `release`, which runs when `self.raw` is dropped; `T:
        // Plain` admits all bytes.
        unsafe { slice::from_raw_parts(self.raw.data.cast(), self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Aligned {
        lines: Lines,
        _alive: std::sync::Arc<()>,
    }

    impl AsRef<[u8]> for Aligned {
        fn as_ref(&self) -> &[u8] {
            self.lines.0.as_flattened_bytes()
        }
    }

    trait AsFlattenedBytes {
        fn as_flattened_bytes(&self) -> &[u8];
    }

    impl AsFlattenedBytes for Vec<Line> {
        fn as_flattened_bytes(&self) -> &[u8] {
            // SAFETY: `Line` is 64 plain bytes without padding.
            unsafe { slice::from_raw_parts(self.as_ptr().cast(), self.len() * ALIGNMENT) }
        }
    }

    #[test]
    fn aligned_memory_moves_and_is_released_once() {
        let alive = std::sync::Arc::new(());
        let lines = Lines::copied(&vec![7; 256 << 10]);
        let array = Array::from_owner(Aligned { lines, _alive: std::sync::Arc::clone(&alive) });
        let pointer = array.as_ptr();
        let raw = RawBuffer::from(Buffer::Bytes(array));
        assert_eq!(raw.data, pointer, "no copy on the way out");
        let Buffer::Bytes(back) = to_buffer(raw).unwrap() else { panic!("bytes") };
        assert_eq!(back.as_ptr(), pointer, "no copy on the way in");
        let clone = back.clone();
        drop(back);
        assert_eq!((clone[1000], std::sync::Arc::strong_count(&alive)), (7, 2));
        drop(clone);
        assert_eq!(std::sync::Arc::strong_count(&alive), 1, "given back to its maker");
    }

    #[test]
    fn unaligned_memory_is_copied_to_an_aligned_place() {
        let numbers: Vec<f64> = (0..1000).map(f64::from).collect();
        // A slice in the middle of a vector can not be aligned for every offset.
        for skip in 0..9 {
            struct Tail(Vec<f64>, usize);
            impl AsRef<[f64]> for Tail {
                fn as_ref(&self) -> &[f64] {
                    &self.0[self.1..]
                }
            }
            let raw =
                RawBuffer::from(Buffer::Reals(Array::from_owner(Tail(numbers.clone(), skip))));
            assert!(raw.data.addr().is_multiple_of(64));
            let Buffer::Reals(back) = to_buffer(raw).unwrap() else { panic!("reals") };
            assert_eq!(*back, numbers[skip..]);
        }
    }

    #[test]
    fn buffers_that_break_the_rules_are_refused() {
        let broken = |change: fn(&mut RawBuffer)| {
            let mut raw = RawBuffer::from(Buffer::Complexes(vec![Complex64::ONE; 9].into()));
            change(&mut raw);
            to_buffer(raw).map(|_| ()).unwrap_err().to_string()
        };
        assert_eq!(broken(|raw| raw.dtype = 9), "a buffer of unknown type 9");
        assert_eq!(
            broken(|raw| raw.data = raw.data.wrapping_add(8)),
            "a buffer is not aligned to 64 bytes"
        );
        assert_eq!(
            broken(|raw| raw.data = std::ptr::null()),
            "a buffer is not aligned to 64 bytes"
        );
        assert!(broken(|raw| raw.length = 100).starts_with("a buffer of 100 bytes is not a whole"));
        assert!(broken(|raw| raw.length = 1 << 63).contains("is not a whole"));
    }
}
