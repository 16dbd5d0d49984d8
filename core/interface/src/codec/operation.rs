//! What each operation holds beyond its operands.

use super::{
    DecodeError,
    bytes::{Reader, Writer},
};
use crate::{
    Matrix,
    circuit::{
        BlockId, Case, ExprId, For, ForValues, Initialize, Labelled, Op, PauliTerm, Save, SaveKind,
        SaveSubtype, SetState, Snapshot, StoreElement, Switch, TimeUnit, VarId,
    },
};

type Read<T> = Result<T, DecodeError>;

/// Reads what an operation holds.
pub(super) type ReadOp = fn(&mut Reader<'_>) -> Read<Op>;

/// How each instruction is read. The names are part of the format.
#[rustfmt::skip]
pub(super) const READERS: &[(&str, ReadOp)] = &[
    ("measure", |_| Ok(Op::Measure)),
    ("measure_var", |r| Ok(Op::MeasureVar { var: var(r)?, bit: r.small()? })),
    ("reset", |_| Ok(Op::Reset)),
    ("barrier", |_| Ok(Op::Barrier)),
    ("delay", |r| unit(r).map(Op::Delay)),
    ("unitary", |r| {
        let label = r.optional(Reader::string)?;
        Ok(Op::Unitary(Box::new(Labelled { label, value: matrix(r)? })))
    }),
    ("diagonal", |r| Ok(Op::Diagonal(r.complexes()?.into()))),
    ("multiplexer", |r| Ok(Op::Multiplexer(r.list(2, matrix)?.into()))),
    ("pauli", |r| Ok(Op::Pauli(r.text()?.into()))),
    ("initialize", |r| Ok(Op::Initialize(Box::new(Initialize::Amplitudes(r.complexes()?))))),
    ("initialize_labels", |r| Ok(Op::Initialize(Box::new(Initialize::Labels(r.string()?))))),
    ("kraus", |r| Ok(Op::Kraus(r.list(2, matrix)?.into()))),
    ("superop", |r| Ok(Op::Superop(Box::new(matrix(r)?)))),
    ("roerror", |r| Ok(Op::ReadoutError(r.list(1, Reader::reals)?.into()))),
    ("save_state", |r| save(r, |_| Ok(SaveKind::State))),
    ("save_statevector", |r| save(r, |_| Ok(SaveKind::Statevector))),
    ("save_statevector_dict", |r| save(r, |_| Ok(SaveKind::StatevectorDict))),
    ("save_density_matrix", |r| save(r, |_| Ok(SaveKind::DensityMatrix))),
    ("save_probabilities", |r| save(r, |_| Ok(SaveKind::Probabilities))),
    ("save_probabilities_dict", |r| save(r, |_| Ok(SaveKind::ProbabilitiesDict))),
    ("save_expval", |r| save(r, |r| terms(r).map(SaveKind::ExpectationValue))),
    ("save_expval_var", |r| save(r, |r| terms(r).map(SaveKind::ExpectationValueVariance))),
    ("save_amplitudes", |r| save(r, |r| Ok(SaveKind::Amplitudes(r.list(1, Reader::bits)?)))),
    ("save_amplitudes_sq", |r| save(r, |r| Ok(SaveKind::AmplitudesSquared(r.list(1, Reader::bits)?)))),
    ("save_matrix_product_state", |r| save(r, |_| Ok(SaveKind::MatrixProductState))),
    ("save_stabilizer", |r| save(r, |_| Ok(SaveKind::Stabilizer))),
    ("save_clifford", |r| save(r, |_| Ok(SaveKind::Clifford))),
    ("save_unitary", |r| save(r, |_| Ok(SaveKind::Unitary))),
    ("save_superop", |r| save(r, |_| Ok(SaveKind::Superop))),
    ("snapshot", |r| {
        let (kind, label) = (r.string()?, r.string()?);
        Ok(Op::Snapshot(Box::new(Snapshot { kind, label, paulis: terms(r)? })))
    }),
    ("set_statevector", |r| Ok(set(SetState::Statevector(r.complexes()?)))),
    ("set_density_matrix", |r| Ok(set(SetState::DensityMatrix(matrix(r)?)))),
    ("set_unitary", |r| Ok(set(SetState::Unitary(matrix(r)?)))),
    ("set_superop", |r| Ok(set(SetState::Superop(matrix(r)?)))),
    ("store", |r| Ok(Op::Store { var: var(r)?, value: expr(r)? })),
    ("store_clbits", |r| Ok(Op::StoreClbits(expr(r)?))),
    ("if", |r| {
        let (condition, then) = (expr(r)?, block(r)?);
        // Block 0 is the program, so it stands for no block here.
        Ok(Op::If { condition, then, otherwise: BlockId::new(r.small()?) })
    }),
    ("while", |r| Ok(Op::While { condition: expr(r)?, body: block(r)? })),
    ("for_range", |r| {
        let values = ForValues::Range { start: expr(r)?, step: expr(r)?, stop: expr(r)? };
        for_loop(r, values)
    }),
    ("for_list", |r| {
        let values = ForValues::List(r.list(1, expr)?);
        for_loop(r, values)
    }),
    ("switch", |r| {
        let target = expr(r)?;
        let cases = r.list(2, |r| Ok(Case { values: r.list(1, expr)?, body: block(r)? }))?;
        Ok(Op::Switch(Box::new(Switch { target, cases })))
    }),
    ("break", |_| Ok(Op::Break)),
    ("continue", |_| Ok(Op::Continue)),
    ("end", |_| Ok(Op::End)),
    // Its name stands here and not in the table, so that it is held only as often as it is said.
    ("opaque", |r| Ok(Op::Opaque(r.text()?.into()))),
    ("store_bit", |r| Ok(Op::StoreBit { var: var(r)?, index: expr(r)?, value: expr(r)? })),
    ("store_clbit", |r| Ok(Op::StoreClbit { index: expr(r)?, value: expr(r)? })),
    ("store_element", |r| {
        let (first, size) = (var(r)?, r.small()?);
        let (index, value) = (expr(r)?, expr(r)?);
        Ok(Op::StoreElement(Box::new(StoreElement { first, size, index, value })))
    }),
];

/// Writes what an operation holds and returns its name in [`READERS`].
pub(super) fn write_payload(op: &Op, to: &mut Writer) -> &'static str {
    match op {
        Op::Gate(_) => unreachable!("gates have rows of their own"),
        Op::Opaque(name) => {
            to.text(name);
            "opaque"
        }
        Op::Measure => "measure",
        Op::MeasureVar { var, bit } => {
            to.number(var.0.into());
            to.number((*bit).into());
            "measure_var"
        }
        Op::Reset => "reset",
        Op::Barrier => "barrier",
        Op::Delay(unit) => {
            let place = UNITS.iter().position(|known| known == unit);
            to.byte(place.expect("all units stand in the table") as u8);
            "delay"
        }
        Op::Unitary(unitary) => {
            to.optional_text(unitary.label.as_deref());
            write_matrix(to, &unitary.value);
            "unitary"
        }
        Op::Diagonal(diagonal) => {
            to.complexes(diagonal);
            "diagonal"
        }
        Op::Multiplexer(matrices) => {
            write_matrices(to, matrices);
            "multiplexer"
        }
        Op::Pauli(letters) => {
            to.text(letters);
            "pauli"
        }
        Op::Initialize(state) => match &**state {
            Initialize::Amplitudes(amplitudes) => {
                to.complexes(amplitudes);
                "initialize"
            }
            Initialize::Labels(labels) => {
                to.text(labels);
                "initialize_labels"
            }
        },
        Op::Kraus(matrices) => {
            write_matrices(to, matrices);
            "kraus"
        }
        Op::Superop(superop) => {
            write_matrix(to, superop);
            "superop"
        }
        Op::ReadoutError(rows) => {
            to.length(rows.len());
            rows.iter().for_each(|row| to.reals(row));
            "roerror"
        }
        Op::Save(save) => write_save(save, to),
        Op::Snapshot(snapshot) => {
            to.text(&snapshot.kind);
            to.text(&snapshot.label);
            write_terms(to, &snapshot.paulis);
            "snapshot"
        }
        Op::SetState(state) => {
            match &**state {
                SetState::Statevector(amplitudes) => to.complexes(amplitudes),
                SetState::DensityMatrix(matrix)
                | SetState::Unitary(matrix)
                | SetState::Superop(matrix) => write_matrix(to, matrix),
            }
            match **state {
                SetState::Statevector(_) => "set_statevector",
                SetState::DensityMatrix(_) => "set_density_matrix",
                SetState::Unitary(_) => "set_unitary",
                SetState::Superop(_) => "set_superop",
            }
        }
        _ => write_control_flow(op, to),
    }
}

fn write_control_flow(op: &Op, to: &mut Writer) -> &'static str {
    let block = |to: &mut Writer, block: BlockId| to.length(block.index());
    match op {
        Op::Store { var, value } => {
            to.number(var.0.into());
            to.number(value.0.into());
            "store"
        }
        Op::StoreClbits(value) => {
            to.number(value.0.into());
            "store_clbits"
        }
        Op::StoreBit { var, index, value } => {
            [var.0, index.0, value.0].into_iter().for_each(|number| to.number(number.into()));
            "store_bit"
        }
        Op::StoreClbit { index, value } => {
            [index.0, value.0].into_iter().for_each(|number| to.number(number.into()));
            "store_clbit"
        }
        Op::StoreElement(element) => {
            let StoreElement { first, size, index, value } = **element;
            let numbers = [first.0, size, index.0, value.0];
            numbers.into_iter().for_each(|number| to.number(number.into()));
            "store_element"
        }
        Op::If { condition, then, otherwise } => {
            to.number(condition.0.into());
            block(to, *then);
            to.length(otherwise.map_or(0, BlockId::index));
            "if"
        }
        Op::While { condition, body } => {
            to.number(condition.0.into());
            block(to, *body);
            "while"
        }
        Op::For(each) => {
            let name = match &each.values {
                ForValues::Range { start, step, stop } => {
                    [start, step, stop].into_iter().for_each(|id| to.number(id.0.into()));
                    "for_range"
                }
                ForValues::List(values) => {
                    write_exprs(to, values);
                    "for_list"
                }
            };
            to.number(each.var.0.into());
            block(to, each.body);
            name
        }
        Op::Switch(switch) => {
            to.number(switch.target.0.into());
            to.length(switch.cases.len());
            for case in &switch.cases {
                write_exprs(to, &case.values);
                block(to, case.body);
            }
            "switch"
        }
        Op::Break => "break",
        Op::Continue => "continue",
        Op::End => "end",
        _ => unreachable!("all others are written by the caller"),
    }
}

const UNITS: [TimeUnit; 6] = [
    TimeUnit::Second,
    TimeUnit::Millisecond,
    TimeUnit::Microsecond,
    TimeUnit::Nanosecond,
    TimeUnit::Picosecond,
    TimeUnit::Tick,
];

const SUBTYPES: [SaveSubtype; 8] = [
    SaveSubtype::Single,
    SaveSubtype::List,
    SaveSubtype::Average,
    SaveSubtype::Accum,
    SaveSubtype::CSingle,
    SaveSubtype::CList,
    SaveSubtype::CAverage,
    SaveSubtype::CAccum,
];

fn unit(from: &mut Reader<'_>) -> Read<TimeUnit> {
    let place = from.byte()?;
    let unit = UNITS.get(usize::from(place));
    unit.copied().ok_or_else(|| from.invalid(place, "a unit of time below 6"))
}

fn write_save(save: &Save, to: &mut Writer) -> &'static str {
    to.text(&save.key);
    let place = SUBTYPES.iter().position(|known| *known == save.subtype);
    to.byte(place.expect("all subtypes stand in the table") as u8);
    match &save.kind {
        SaveKind::ExpectationValue(terms) | SaveKind::ExpectationValueVariance(terms) => {
            write_terms(to, terms);
        }
        SaveKind::Amplitudes(states) | SaveKind::AmplitudesSquared(states) => {
            to.length(states.len());
            states.iter().for_each(|state| to.bits(state));
        }
        _ => {}
    }
    save.kind.instruction_name()
}

fn save(from: &mut Reader<'_>, kind: impl FnOnce(&mut Reader<'_>) -> Read<SaveKind>) -> Read<Op> {
    let key = from.string()?;
    let place = from.byte()?;
    let subtype = SUBTYPES.get(usize::from(place)).copied();
    let subtype = subtype.ok_or_else(|| from.invalid(place, "a save subtype below 8"))?;
    Ok(Op::Save(Box::new(Save { kind: kind(from)?, key, subtype })))
}

fn set(state: SetState) -> Op {
    Op::SetState(Box::new(state))
}

fn for_loop(from: &mut Reader<'_>, values: ForValues) -> Read<Op> {
    Ok(Op::For(Box::new(For { var: var(from)?, values, body: block(from)? })))
}

fn var(from: &mut Reader<'_>) -> Read<VarId> {
    from.small().map(VarId)
}

pub(super) fn expr(from: &mut Reader<'_>) -> Read<ExprId> {
    from.small().map(ExprId)
}

fn block(from: &mut Reader<'_>) -> Read<BlockId> {
    let index = from.small()?;
    BlockId::new(index).ok_or_else(|| from.invalid(index, "the number of a block, from 1"))
}

fn write_exprs(to: &mut Writer, exprs: &[ExprId]) {
    to.length(exprs.len());
    exprs.iter().for_each(|expr| to.number(expr.0.into()));
}

fn write_terms(to: &mut Writer, terms: &[PauliTerm]) {
    to.length(terms.len());
    for term in terms {
        to.text(&term.pauli);
        to.real(term.coefficient.re);
        to.real(term.coefficient.im);
    }
}

fn terms(from: &mut Reader<'_>) -> Read<Vec<PauliTerm>> {
    from.list(17, |from| {
        let pauli = from.string()?;
        let coefficient = crate::Complex64::new(from.real()?, from.real()?);
        Ok(PauliTerm { pauli, coefficient })
    })
}

fn write_matrices(to: &mut Writer, matrices: &[Matrix]) {
    to.length(matrices.len());
    matrices.iter().for_each(|matrix| write_matrix(to, matrix));
}

fn write_matrix(to: &mut Writer, matrix: &Matrix) {
    to.length(matrix.dim());
    to.complexes(matrix.entries());
}

fn matrix(from: &mut Reader<'_>) -> Read<Matrix> {
    let dim = from.small()? as usize;
    let entries = from.complexes()?;
    let found = entries.len();
    let expected = "the square of the dimension";
    Matrix::new(dim, entries)
        .ok_or_else(|| from.invalid(format!("{found} entries for dimension {dim}"), expected))
}
