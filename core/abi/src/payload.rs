//! Documents and buffers, turned into what crosses and back, without copying large data.

#![expect(unsafe_code, reason = "reads and frees memory of the other side, as the ABI promises")]

use std::{marker::PhantomData, mem::size_of, slice};

use abi_stable::std_types::RVec;
use ketch_interface::{
    Array, Buffer, Complex64, Error, JobQuery, JobStatus, Message, Qobj, Result, RunOptions,
    RunResult, codec,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    error::malformed,
    guard::guard_or,
    raw::{Payload, RawBuffer, dtype, format},
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
    #[error("expected {expected} buffers, found {found}")]
    Count { expected: usize, found: usize },
    #[error("expected a payload of format {expected}, found {found}")]
    Format { expected: u32, found: u32 },
}

impl Payload {
    pub(crate) fn new(format: u32, head: Vec<u8>, buffers: Vec<Buffer>) -> Self {
        let buffers: Vec<RawBuffer> = buffers.into_iter().map(RawBuffer::from).collect();
        Self { format, reserved: 0, head: head.into(), buffers: buffers.into() }
    }

    pub(crate) fn json(document: &impl Serialize) -> Result<Self> {
        let head = serde_json::to_vec(document).map_err(|error| {
            Error::caused("document.unwritable", "cannot write a document", error)
        })?;
        Ok(Self::new(format::JSON, head, Vec::new()))
    }

    pub(crate) fn empty() -> Self {
        Self::new(format::JSON, Vec::new(), Vec::new())
    }

    pub(crate) fn to_document<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        self.expect_format(format::JSON, what)?;
        serde_json::from_slice(&self.head).map_err(|error| malformed(what, error))
    }

    fn expect_format(&self, expected: u32, what: &str) -> Result<()> {
        match self.format {
            found if found == expected => Ok(()),
            found => Err(malformed(what, BufferError::Format { expected, found })),
        }
    }
}

impl From<Message> for Payload {
    fn from(message: Message) -> Self {
        Self::new(message.format, message.head, message.buffers)
    }
}

impl TryFrom<Payload> for Message {
    type Error = Error;

    fn try_from(payload: Payload) -> Result<Self> {
        let Payload { format, head, buffers, .. } = payload;
        Ok(Self { format, head: head.into(), buffers: to_buffers(buffers, "message")? })
    }
}

pub(crate) fn from_run(qobj: &Qobj, options: &RunOptions) -> Result<Payload> {
    let millis = |deadline: std::time::SystemTime| {
        let since = deadline.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    };
    let head = json!({
        "schema": "ketch.run_request/1",
        "job_key": options.job_key,
        "threads": options.threads,
        "memory": options.memory,
        "deadline_ms": options.deadline.map(millis),
        "tags": options.tags,
    });
    let mut payload = Payload::json(&head)?;
    let qobj: Array<u8> = codec::encode_qobj(qobj).into();
    payload.buffers.push(Buffer::Bytes(qobj).into());
    Ok(payload)
}

pub(crate) fn to_run(request: Payload) -> Result<(Qobj, RunOptions)> {
    let what = "run request";
    let head: Value = request.to_document(what)?;
    let number = |key: &str| head.get(key).and_then(Value::as_u64);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let tags = head.get("tags").and_then(Value::as_array);
    let options = RunOptions {
        job_key: head.get("job_key").and_then(text),
        threads: number("threads").and_then(|n| u32::try_from(n).ok()),
        memory: number("memory"),
        deadline: number("deadline_ms")
            .and_then(|ms| std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_millis(ms))),
        tags: tags.map(|tags| tags.iter().filter_map(text).collect()).unwrap_or_default(),
    };
    let buffers = to_buffers(request.buffers, what)?;
    let [Buffer::Bytes(qobj)] = buffers.as_slice() else {
        return Err(malformed(what, BufferError::Count { expected: 1, found: buffers.len() }));
    };
    Ok((codec::decode_qobj(qobj)?, options))
}

pub(crate) fn from_job_query(query: &JobQuery) -> Result<Payload> {
    Payload::json(&json!({
        "schema": "ketch.job_query/1",
        "limit": query.limit,
        "skip": query.skip,
        "status": query.status,
    }))
}

pub(crate) fn to_job_query(payload: &Payload) -> Result<JobQuery> {
    let head: Value = payload.to_document("job query")?;
    let default = JobQuery::default();
    let count = |key: &str| head.get(key)?.as_u64().and_then(|n| usize::try_from(n).ok());
    Ok(JobQuery {
        limit: count("limit").unwrap_or(default.limit),
        skip: count("skip").unwrap_or(default.skip),
        status: head.get("status").and_then(Value::as_str).map(JobStatus::from),
    })
}

pub(crate) fn from_result(result: &RunResult) -> Payload {
    let (head, buffers) = codec::encode_result(result);
    Payload::new(format::RESULT, head, buffers)
}

pub(crate) fn to_result(payload: Payload) -> Result<RunResult> {
    payload.expect_format(format::RESULT, "result")?;
    let Payload { head, buffers, .. } = payload;
    let buffers = to_buffers(buffers, "result")?;
    Ok(codec::decode_result(&head, &buffers)?)
}

fn to_buffers(buffers: RVec<RawBuffer>, what: &str) -> Result<Vec<Buffer>> {
    let buffers = buffers.into_iter().map(to_buffer);
    buffers.collect::<Result<_, _>>().map_err(|error| malformed(what, error))
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
