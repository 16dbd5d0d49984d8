//! A result as a head of sections, and the large arrays beside it.

use std::sync::Arc;

use num_complex::Complex64;

use super::{
    DecodeError,
    bytes::{Reader, Writer},
    frame::{RESULT, begin, of_number, only, open, section, sections},
    maps::{ReadMaps, WrittenMaps},
    spread::{Spread, joined, one_by_one, read_all, write_all},
};
use crate::{
    Array, Buffer, Counts, RunResult,
    circuit::{MAX_QUBITS, Register},
    result::{Data, ExperimentResult, Memory, SnapshotResult},
};

type Read<T> = Result<T, DecodeError>;

const RUN: u32 = 1;
const EXPERIMENT: u32 = 2;
const SECTIONS: [(u32, &str); 2] = [(RUN, "the head of a result"), (EXPERIMENT, "an experiment")];

/// Arrays of more bytes than this leave the head as buffers.
const INLINE_BYTES: usize = 4096;

/// Lists of lists of data, at most this deep, are read.
const MAX_DEPTH: u32 = 64;

/// Writes a result: a small head, and beside it the arrays of more than 4 KiB, which are shared
/// and not copied.
#[must_use]
pub fn encode_result(result: &RunResult) -> (Vec<u8>, Vec<Buffer>) {
    encode_result_on(result, &one_by_one)
}

/// As [`encode_result`], the experiments side by side; the bytes are the same.
#[must_use]
pub fn encode_result_on(result: &RunResult, spread: Spread<'_>) -> (Vec<u8>, Vec<Buffer>) {
    let mut document = begin(RESULT);
    let mut buffers: Vec<Buffer> = Vec::new();
    section(&mut document, RUN, |to| {
        to.text(&result.backend_name);
        to.text(&result.backend_version);
        to.text(&result.qobj_id);
        to.text(&result.job_id);
        to.optional_text(result.date.as_deref());
        to.byte(u8::from(result.success));
        to.text(&result.status);
        to.map(&result.header);
        to.map(&result.metadata);
    });
    let experiments = &result.experiments;
    let metadata = WrittenMaps::of(experiments);
    let pieces = write_all(experiments, spread, document, &mut buffers, |part, buffers, to| {
        let known = buffers.len();
        for experiment in part {
            section(to, EXPERIMENT, |to| {
                write_experiment(experiment, to, buffers);
                metadata.write(&experiment.metadata, to);
                to.real(experiment.time_taken);
            });
        }
        buffers.len() > known
    });
    (joined(pieces), buffers)
}

/// Reads what [`encode_result`] wrote; the large arrays of the result are the buffers, not copies.
///
/// # Errors
/// As [`decode_qobj`](super::decode_qobj); also if a buffer is missing or of another type.
pub fn decode_result(head: &[u8], buffers: &[Buffer]) -> Result<RunResult, DecodeError> {
    decode_result_on(head, buffers, &one_by_one)
}

/// As [`decode_result`], the experiments side by side.
///
/// # Errors
/// As [`decode_result`].
pub fn decode_result_on(
    head: &[u8],
    buffers: &[Buffer],
    spread: Spread<'_>,
) -> Result<RunResult, DecodeError> {
    let sections = sections(open(head, RESULT)?, &SECTIONS)?;
    let mut from = only(&sections, RUN, "the head of a result")?;
    let mut result = RunResult {
        backend_name: from.string()?,
        backend_version: from.string()?,
        qobj_id: from.string()?,
        job_id: from.string()?,
        date: from.optional(Reader::string)?,
        success: from.truth()?,
        status: from.string()?,
        header: from.map()?,
        metadata: from.map()?,
        experiments: Vec::new(),
    };
    from.finish()?;
    let contents = of_number(&sections, EXPERIMENT);
    let metadata = ReadMaps::new(contents.len());
    result.experiments = read_all(&contents, spread, |_, contents| {
        let mut registers = None;
        let mut experiments = Vec::with_capacity(contents.len());
        for mut from in contents.iter().copied() {
            let mut experiment = read_experiment(&mut from, buffers, &mut registers)?;
            experiment.metadata = metadata.read(&mut from)?;
            experiment.time_taken = from.real()?;
            from.finish()?;
            experiments.push(experiment);
        }
        Ok(experiments)
    })?;
    Ok(result)
}

/// All but the metadata and what follows them.
fn write_experiment(experiment: &ExperimentResult, to: &mut Writer, buffers: &mut Vec<Buffer>) {
    to.text(&experiment.name);
    to.number(experiment.shots);
    to.optional_number(experiment.seed);
    to.byte(u8::from(experiment.success));
    to.text(&experiment.status);
    write_registers(&experiment.registers, to);
    to.byte(u8::from(experiment.counts.is_some()));
    if let Some(counts) = &experiment.counts {
        write_registers(counts.registers(), to);
        to.length(counts.len());
        for (outcome, count) in counts.iter() {
            to.bits(outcome);
            to.number(count);
        }
    }
    to.byte(u8::from(experiment.memory.is_some()));
    if let Some(memory) = &experiment.memory {
        to.number(memory.width().into());
        write_array(memory.bytes(), to, buffers, Buffer::Bytes, |bytes, to| {
            to.length(bytes.len());
            to.bytes.extend_from_slice(bytes);
        });
    }
    to.length(experiment.data.len());
    for (key, data) in &experiment.data {
        to.text(key);
        write_data(data, to, buffers);
    }
    to.length(experiment.snapshots.len());
    for snapshot in &experiment.snapshots {
        to.text(&snapshot.kind);
        to.text(&snapshot.label);
        to.length(snapshot.values.len());
        snapshot.values.iter().for_each(|value| write_data(value, to, buffers));
    }
    to.map(&experiment.header);
}

/// What [`write_experiment`] wrote.
fn read_experiment<'b>(
    from: &mut Reader<'b>,
    buffers: &[Buffer],
    last: &mut Registers<'b>,
) -> Read<ExperimentResult> {
    let mut experiment = ExperimentResult {
        name: from.string()?,
        shots: from.number()?,
        seed: from.optional(Reader::number)?,
        success: from.truth()?,
        status: from.string()?,
        registers: from.same(last, read_registers)?.to_vec(),
        ..ExperimentResult::default()
    };
    experiment.counts = from.optional(|from| read_counts(from, last))?;
    experiment.memory = from.optional(|from| {
        let width = from.width()?;
        let bytes = read_array(
            from,
            buffers,
            |buffer| match buffer {
                Buffer::Bytes(bytes) => Some(bytes.clone()),
                _ => None,
            },
            |from| {
                let length = from.number()?;
                Ok(from.take(length)?.to_vec())
            },
        )?;
        let found = bytes.len();
        let expected = "whole shots of their width";
        Memory::from_bytes(width, bytes)
            .ok_or_else(|| from.invalid(format!("{found} bytes of {width} bits"), expected))
    })?;
    for _ in 0..from.length(2)? {
        let key = from.string()?;
        let data = read_data(from, buffers, 0)?;
        experiment.data.insert(key, data);
    }
    experiment.snapshots = from.list(3, |from| {
        let (kind, label) = (from.string()?, from.string()?);
        let values = from.list(2, |from| read_data(from, buffers, 0))?;
        Ok(SnapshotResult { kind, label, values })
    })?;
    experiment.header = from.map()?;
    Ok(experiment)
}

fn write_registers(registers: &[Register], to: &mut Writer) {
    to.length(registers.len());
    for register in registers {
        to.text(&register.name);
        to.number(register.start.into());
        to.number(register.size.into());
    }
}

/// The registers that were read last, with their bytes.
type Registers<'b> = Option<(&'b [u8], Arc<Vec<Register>>)>;

fn read_registers(from: &mut Reader<'_>) -> Read<Arc<Vec<Register>>> {
    let mut total = 0;
    let registers = from.list(3, |from| {
        let register = Register::new(from.string()?, from.width()?, from.width()?);
        total += u64::from(register.size);
        if register.start + register.size > MAX_QUBITS || total > u64::from(MAX_QUBITS) {
            return Err(from.invalid(total, "registers of at most 2^20 bits together"));
        }
        Ok(register)
    });
    registers.map(Arc::new)
}

fn read_counts<'b>(from: &mut Reader<'b>, last: &mut Registers<'b>) -> Read<Counts> {
    let registers = from.same(last, read_registers)?;
    let mut total = 0_u64;
    let outcomes = from.list(2, |from| {
        let outcome = from.bits()?;
        let count = from.number()?;
        total = total
            .checked_add(count)
            .ok_or_else(|| from.invalid(count, "counts whose sum is below 2^64"))?;
        Ok((outcome, count))
    })?;
    Ok(Counts::from_outcomes(registers, outcomes))
}

fn write_data(data: &Data, to: &mut Writer, buffers: &mut Vec<Buffer>) {
    match data {
        Data::Number(number) => {
            to.byte(0);
            to.real(*number);
        }
        Data::Reals(values) => {
            to.byte(1);
            write_array(values, to, buffers, Buffer::Reals, |values, to| to.reals(values));
        }
        Data::Vector(values) => {
            to.byte(2);
            write_complexes(values, to, buffers);
        }
        Data::Matrix { dim, entries } => {
            to.byte(3);
            to.length(*dim);
            write_complexes(entries, to, buffers);
        }
        Data::List(items) => {
            to.byte(4);
            to.length(items.len());
            items.iter().for_each(|item| write_data(item, to, buffers));
        }
        Data::Json(value) => {
            to.byte(5);
            to.json(value);
        }
    }
}

fn read_data(from: &mut Reader<'_>, buffers: &[Buffer], depth: u32) -> Read<Data> {
    if depth > MAX_DEPTH {
        return Err(from.invalid("more", "lists that are at most 64 deep"));
    }
    Ok(match from.byte()? {
        0 => Data::Number(from.real()?),
        1 => Data::Reals(read_array(
            from,
            buffers,
            |buffer| match buffer {
                Buffer::Reals(values) => Some(values.clone()),
                _ => None,
            },
            |from| from.reals(),
        )?),
        2 => Data::Vector(read_complexes(from, buffers)?),
        3 => {
            let dim = from.number()?;
            let entries = read_complexes(from, buffers)?;
            match usize::try_from(dim).ok().filter(|d| d.checked_mul(*d) == Some(entries.len())) {
                Some(dim) => Data::Matrix { dim, entries },
                None => {
                    let found = format!("{} entries for dimension {dim}", entries.len());
                    return Err(from.invalid(found, "the square of the dimension"));
                }
            }
        }
        4 => Data::List(from.list(2, |from| read_data(from, buffers, depth + 1))?),
        5 => Data::Json(from.json()?),
        other => return Err(from.invalid(other, "data of kind 0 to 5")),
    })
}

fn write_complexes(values: &Array<Complex64>, to: &mut Writer, buffers: &mut Vec<Buffer>) {
    write_array(values, to, buffers, Buffer::Complexes, |values, to| to.complexes(values));
}

fn read_complexes(from: &mut Reader<'_>, buffers: &[Buffer]) -> Read<Array<Complex64>> {
    let complexes = |buffer: &Buffer| match buffer {
        Buffer::Complexes(values) => Some(values.clone()),
        _ => None,
    };
    read_array(from, buffers, complexes, |from| from.complexes())
}

/// A small array here, a large one as the number of its buffer.
fn write_array<T: Send + Sync>(
    values: &Array<T>,
    to: &mut Writer,
    buffers: &mut Vec<Buffer>,
    share: fn(Array<T>) -> Buffer,
    write: fn(&[T], &mut Writer),
) {
    if size_of_val::<[T]>(values) <= INLINE_BYTES {
        to.byte(0);
        write(values, to);
    } else {
        to.byte(1);
        to.length(buffers.len());
        buffers.push(share(values.clone()));
    }
}

fn read_array<T: Send + Sync>(
    from: &mut Reader<'_>,
    buffers: &[Buffer],
    of_type: impl Fn(&Buffer) -> Option<Array<T>>,
    read: impl Fn(&mut Reader<'_>) -> Read<Vec<T>>,
) -> Read<Array<T>> {
    match from.byte()? {
        0 => read(from).map(Array::from),
        1 => {
            let index = from.number()?;
            let buffer = usize::try_from(index).ok().and_then(|index| buffers.get(index));
            let array = buffer.and_then(of_type);
            array.ok_or_else(|| from.invalid(index, "the number of a buffer of this type"))
        }
        other => Err(from.invalid(other, "0 for here or 1 for a buffer")),
    }
}
