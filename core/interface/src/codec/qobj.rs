//! A Qobj as sections.

use super::{
    DecodeError,
    bytes::{Reader, Writer},
    circuit,
    frame::{QOBJ, begin, of_number, only, open, section, sections},
    names::{Names, Row},
    spread::{Spread, joined, one_by_one, read_all, write_all},
};
use crate::{
    Array, Qobj,
    qobj::{Experiment, Program, QobjConfig},
};

const HEAD: u32 = 1;
const NAMES: u32 = 2;
const CIRCUIT: u32 = 3;
const EXPERIMENTS: u32 = 4;
const PULSE: u32 = 5;

const SECTIONS: [(u32, &str); 5] = [
    (HEAD, "the head of a Qobj"),
    (NAMES, "the table of names"),
    (CIRCUIT, "a circuit"),
    (EXPERIMENTS, "the experiments"),
    (PULSE, "a pulse document"),
];

/// Writes a Qobj.
#[must_use]
pub fn encode_qobj(qobj: &Qobj) -> Vec<u8> {
    joined(pieces(qobj, &one_by_one))
}

/// As [`encode_qobj`], the circuits side by side; the bytes are the same, and begin at a multiple of
/// [64](Array::aligned), so that they can be lent across the plugin boundary as they are.
#[must_use]
pub fn encode_qobj_on(qobj: &Qobj, spread: Spread<'_>) -> Array<u8> {
    let pieces = pieces(qobj, spread);
    Array::aligned(pieces.iter().map(|piece| &piece.bytes[..]))
}

fn pieces(qobj: &Qobj, spread: Spread<'_>) -> Vec<Writer> {
    let mut document = begin(QOBJ);
    section(&mut document, HEAD, |to| {
        to.text(&qobj.qobj_id);
        to.map(&qobj.header);
        write_config(&qobj.config, to);
    });
    let (circuits, experiments) = match &qobj.program {
        Program::Pulse(pulse) => {
            section(&mut document, PULSE, |to| to.map(pulse));
            return vec![document];
        }
        Program::Circuits { circuits, experiments } => (circuits, experiments),
    };
    let mut names = Names::default();
    let mut pieces = write_all(circuits, spread, document, &mut names, |circuits, names, to| {
        let known = names.len();
        let mut payload = Writer::default();
        for circuit in circuits {
            section(to, CIRCUIT, |to| circuit::write(circuit, names, &mut payload, to));
        }
        names.len() > known
    });
    let last = pieces.last_mut().expect("the first piece holds the head");
    section(last, NAMES, |to| names.write(to));
    section(last, EXPERIMENTS, |to| {
        to.length(experiments.len());
        experiments.iter().for_each(|experiment| write_experiment(experiment, to));
    });
    pieces
}

/// Reads what [`encode_qobj`] wrote, from any source: the circuits are
/// [valid](crate::Circuit::validate).
///
/// # Errors
/// If the bytes are damaged, or of a newer format than this version knows.
pub fn decode_qobj(bytes: &[u8]) -> Result<Qobj, DecodeError> {
    decode_qobj_on(bytes, &one_by_one)
}

/// As [`decode_qobj`], the circuits side by side.
///
/// # Errors
/// As [`decode_qobj`].
pub fn decode_qobj_on(bytes: &[u8], spread: Spread<'_>) -> Result<Qobj, DecodeError> {
    let sections = sections(open(bytes, QOBJ)?, &SECTIONS)?;
    let mut head = only(&sections, HEAD, "the head of a Qobj")?;
    let qobj_id = head.string()?;
    let header = head.map()?;
    let config = read_config(&mut head)?;
    head.finish()?;
    if sections.iter().any(|section| section.0 == PULSE) {
        let mut pulse = only(&sections, PULSE, "the pulse document")?;
        let program = Program::Pulse(pulse.map()?);
        pulse.finish()?;
        return Ok(Qobj { qobj_id, header, config, program });
    }
    let rows = Row::read_all(only(&sections, NAMES, "the table of names")?)?;
    let contents: Vec<Reader<'_>> = of_number(&sections, CIRCUIT);
    let circuits = read_all(&contents, spread, |first, contents| {
        let mut last = circuit::Last::default();
        let mut circuits = Vec::with_capacity(contents.len());
        for (index, content) in (first..).zip(contents) {
            let circuit = circuit::read(*content, &rows, &mut last)?;
            circuit.validate().map_err(|source| DecodeError::Circuit { index, source })?;
            circuits.push(circuit);
        }
        Ok(circuits)
    })?;
    let mut from = only(&sections, EXPERIMENTS, "the experiments")?;
    let experiments = from.list(7, |from| read_experiment(from, circuits.len()))?;
    from.finish()?;
    let program = Program::Circuits { circuits, experiments };
    Ok(Qobj { qobj_id, header, config, program })
}

fn write_experiment(experiment: &Experiment, to: &mut Writer) {
    to.length(experiment.circuit);
    to.reals(&experiment.bindings);
    to.map(&experiment.header);
    write_config(&experiment.config, to);
}

fn read_experiment(from: &mut Reader<'_>, n_circuits: usize) -> Result<Experiment, DecodeError> {
    let circuit = from.number()?;
    let known = usize::try_from(circuit).ok().filter(|&circuit| circuit < n_circuits);
    Ok(Experiment {
        circuit: known.ok_or_else(|| from.invalid(circuit, "the number of a circuit"))?,
        bindings: from.reals()?,
        header: from.map()?,
        config: read_config(from)?,
    })
}

fn write_config(config: &QobjConfig, to: &mut Writer) {
    to.optional_number(config.shots);
    to.optional_number(config.seed);
    to.optional_number(config.memory.map(u64::from));
    to.map(&config.options);
}

fn read_config(from: &mut Reader<'_>) -> Result<QobjConfig, DecodeError> {
    Ok(QobjConfig {
        shots: from.optional(Reader::number)?,
        seed: from.optional(Reader::number)?,
        memory: from.optional(Reader::truth)?,
        options: from.map()?,
    })
}
