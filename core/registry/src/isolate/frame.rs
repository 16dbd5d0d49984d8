//! Frames: what passes between a host and a worker, as bytes and back.
//!
//! A frame is one datagram: a header of fixed size and a body. The body is a table of the buffers,
//! the name, the head and the buffers, each buffer at a multiple of 64 bytes. A body of more than
//! [`INLINE`] bytes does not travel in the datagram but in sealed memory beside it, where the other
//! side reads it without another copy. All numbers are little-endian.
//!
//! The other side is not trusted: every length is checked before it is used.

use std::{io, ops::Range, sync::Arc};

use ketch_core::{Array, Buffer, Complex64, Message};

use super::memory::{Mapped, Mapping, Memory, bytes_of};

/// Bodies of at most this many bytes travel in the datagram.
pub(super) const INLINE: usize = 64 << 10;

/// The largest datagram.
pub(super) const DATAGRAM: usize = HEADER + INLINE;

const HEADER: usize = 48;

/// No document is larger. Large data belongs into buffers.
const MAX_HEAD: u64 = 256 << 20;

const TABLE_ROW: usize = 16;
const ALIGNMENT: usize = 64;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Kind {
    /// The host calls a method of an object.
    Call = 1,
    /// The answer to a call.
    Reply = 2,
    /// The error that is the answer to a call.
    Failure = 3,
    /// The result that was waited for is there; the reply follows as soon as it is written down.
    Coming = 4,
    /// The host needs the object no longer. Without an answer.
    Release = 5,
    /// The plugin tells its host something. Without an answer.
    Event = 6,
    /// The plugin asks its host something.
    HostCall = 7,
    /// The answer to that.
    HostReply = 8,
    /// The error that is the answer to that.
    HostFailure = 9,
}

const KINDS: [Kind; 9] = [
    Kind::Call,
    Kind::Reply,
    Kind::Failure,
    Kind::Coming,
    Kind::Release,
    Kind::Event,
    Kind::HostCall,
    Kind::HostReply,
    Kind::HostFailure,
];

/// What passes between a host and a worker.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// Of a call: the number of the method.
    pub(super) method: u32,
    /// Which call this is, or answers.
    pub(super) id: u64,
    /// Of a call: whose method; of an answer: the object that it is.
    pub(super) object: u64,
    /// An argument or answer that is a name: of a backend, a job, an extension.
    pub(super) name: String,
    pub(super) message: Message,
}

/// A frame that breaks these rules.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a frame of {0} bytes, shorter than its header")]
    Short(usize),
    #[error("a frame longer than {DATAGRAM} bytes")]
    Long,
    #[error("a frame of the unknown kind {0}")]
    Kind(u32),
    #[error("a frame whose {what} of {length} bytes do not fit its {body} bytes")]
    Length { what: &'static str, length: u64, body: usize },
    #[error("a name that is not UTF-8")]
    Name,
    #[error("a buffer of the unknown type {0}")]
    BufferType(u32),
    #[error("a buffer of {length} bytes, no whole number of elements of {element} bytes")]
    Elements { length: usize, element: usize },
    #[error("a frame that comes without the memory that it names")]
    NoMemory,
    #[error("memory that cannot be used: {0}")]
    Memory(String),
}

impl Frame {
    pub(super) fn new(kind: Kind, id: u64) -> Self {
        let (name, message) = (String::new(), Message::default());
        Self { kind, method: 0, id, object: 0, name, message }
    }

    pub(super) fn with(self, message: Message) -> Self {
        Self { message, ..self }
    }
}

/// A frame as it is sent.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) datagram: Vec<u8>,
    pub(super) memory: Option<Memory>,
}

impl Packed {
    /// Writes a frame down. Copies large data once, into sealed memory.
    pub(super) fn new(frame: &Frame) -> io::Result<Self> {
        let Message { format, head, buffers } = &frame.message;
        let parts: Vec<Part> = buffers.iter().map(Part::of).collect();
        let lengths = parts.iter().map(|part| part.bytes.len());
        let (starts, body) = starts(frame.name.len(), head.len(), lengths);
        let large = body > INLINE;
        let mut datagram = Vec::with_capacity(HEADER + if large { 0 } else { body });
        datagram.extend((frame.kind as u32).to_le_bytes());
        datagram.extend(frame.method.to_le_bytes());
        datagram.extend(frame.id.to_le_bytes());
        datagram.extend(frame.object.to_le_bytes());
        datagram.extend(format.to_le_bytes());
        datagram.extend((frame.name.len() as u32).to_le_bytes());
        datagram.extend((head.len() as u64).to_le_bytes());
        datagram.extend((parts.len() as u32).to_le_bytes());
        datagram.extend(u32::from(large).to_le_bytes());

        let mut front = Vec::with_capacity(parts.len() * TABLE_ROW + frame.name.len());
        for part in &parts {
            front.extend((part.bytes.len() as u64).to_le_bytes());
            front.extend(u64::from(part.dtype).to_le_bytes());
        }
        front.extend(frame.name.as_bytes());
        if !large {
            datagram.extend(front);
            datagram.extend(head);
            for (part, start) in parts.iter().zip(starts) {
                datagram.resize(HEADER + start, 0);
                datagram.extend(part.bytes);
            }
            return Ok(Self { datagram, memory: None });
        }
        let memory = Memory::new()?;
        memory.write(&front, 0)?;
        memory.write(head, front.len())?;
        for (part, start) in parts.iter().zip(starts) {
            memory.write(part.bytes, start)?;
        }
        Ok(Self { datagram, memory: Some(memory.sealed()?) })
    }
}

/// Where each buffer begins in the body, and the length of the body.
fn starts(
    name: usize,
    head: usize,
    lengths: impl ExactSizeIterator<Item = usize>,
) -> (Vec<usize>, usize) {
    let mut end = lengths.len() * TABLE_ROW + name + head;
    let start = |length| {
        let start = end.next_multiple_of(ALIGNMENT);
        end = start + length;
        start
    };
    let starts = lengths.map(start).collect();
    (starts, end)
}

/// The bytes of a buffer.
struct Part<'a> {
    dtype: u32,
    bytes: &'a [u8],
}

/// The types of buffers, by number.
const BYTES: u32 = 0;
const REALS: u32 = 1;
const COMPLEXES: u32 = 2;

impl<'a> Part<'a> {
    fn of(buffer: &'a Buffer) -> Self {
        match buffer {
            Buffer::Bytes(array) => Self { dtype: BYTES, bytes: array },
            Buffer::Reals(array) => Self { dtype: REALS, bytes: bytes_of(array) },
            Buffer::Complexes(array) => Self { dtype: COMPLEXES, bytes: bytes_of(array) },
            // `Buffer` may grow in the interface; the ABI's types do not.
            _ => Self { dtype: BYTES, bytes: &[] },
        }
    }
}

/// The fields of a header that say how the body is read.
struct Header {
    format: u32,
    name: u64,
    head: u64,
    buffers: u64,
    large: bool,
}

/// Reads a datagram and the memory beside it.
pub(super) fn unpack(datagram: &[u8], memory: Option<Memory>) -> Result<Frame, FrameError> {
    let Some((fields, rest)) = datagram.split_at_checked(HEADER) else {
        return Err(FrameError::Short(datagram.len()));
    };
    let kind = KINDS.into_iter().find(|kind| *kind as u32 == u32_at(fields, 0));
    let header = Header {
        format: u32_at(fields, 24),
        name: u32_at(fields, 28).into(),
        head: u64_at(fields, 32),
        buffers: u32_at(fields, 40).into(),
        large: u32_at(fields, 44) != 0,
    };
    let (name, message) = match header.large {
        false => header.read(rest, None)?,
        true => {
            let memory = memory.ok_or(FrameError::NoMemory)?;
            let mapping = Arc::new(Mapping::of(&memory).map_err(FrameError::Memory)?);
            header.read(mapping.bytes(), Some(&mapping))?
        }
    };
    Ok(Frame {
        kind: kind.ok_or(FrameError::Kind(u32_at(fields, 0)))?,
        method: u32_at(fields, 4),
        id: u64_at(fields, 8),
        object: u64_at(fields, 16),
        name,
        message,
    })
}

impl Header {
    /// Reads a body: of what is `mapped` the buffers stay where they are, of others they are copied.
    fn read(
        &self,
        body: &[u8],
        mapped: Option<&Arc<Mapping>>,
    ) -> Result<(String, Message), FrameError> {
        let too_long = |what, length| FrameError::Length { what, length, body: body.len() };
        let part = |what, start: usize, length: u64| -> Result<Range<usize>, FrameError> {
            let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
            let end = end.filter(|end| *end <= body.len()).ok_or_else(|| too_long(what, length))?;
            Ok(start..end)
        };
        let table = part("table", 0, self.buffers * TABLE_ROW as u64)?;
        let name = part("name", table.end, self.name)?;
        if self.head > MAX_HEAD {
            return Err(too_long("head", self.head));
        }
        let head = part("head", name.end, self.head)?;
        let mut buffers = Vec::with_capacity(table.len() / TABLE_ROW);
        let mut end = head.end;
        for row in body[table].chunks_exact(TABLE_ROW) {
            let at = part("buffer", end.next_multiple_of(ALIGNMENT), u64_at(row, 0))?;
            end = at.end;
            buffers.push(buffer(u32_at(row, 8), body, at, mapped)?);
        }
        let name = std::str::from_utf8(&body[name]).map_err(|_| FrameError::Name)?.to_owned();
        Ok((name, Message { format: self.format, head: body[head].to_vec(), buffers }))
    }
}

fn buffer(
    dtype: u32,
    body: &[u8],
    at: Range<usize>,
    mapped: Option<&Arc<Mapping>>,
) -> Result<Buffer, FrameError> {
    let element = match dtype {
        BYTES => size_of::<u8>(),
        REALS => size_of::<f64>(),
        COMPLEXES => size_of::<Complex64>(),
        unknown => return Err(FrameError::BufferType(unknown)),
    };
    if !at.len().is_multiple_of(element) {
        return Err(FrameError::Elements { length: at.len(), element });
    }
    let bytes = &body[at.clone()];
    let real = |bytes: &[u8; 8]| f64::from_le_bytes(*bytes);
    let reals = || bytes.as_chunks().0.iter().map(real);
    Ok(match (dtype, mapped) {
        (BYTES, Some(mapping)) => Buffer::Bytes(Mapped::array(mapping, at)),
        (BYTES, None) => Buffer::Bytes(bytes.to_vec().into()),
        (REALS, Some(mapping)) => Buffer::Reals(Mapped::array(mapping, at)),
        (REALS, None) => Buffer::Reals(reals().collect()),
        (_, Some(mapping)) => Buffer::Complexes(Mapped::array(mapping, at)),
        (_, None) => {
            let halves: Vec<f64> = reals().collect();
            let complex = |&[re, im]: &[f64; 2]| Complex64::new(re, im);
            Buffer::Complexes(halves.as_chunks().0.iter().map(complex).collect::<Array<_>>())
        }
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("the header and the rows have the length"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("the header and the rows have the length"))
}

#[cfg(test)]
mod tests;
