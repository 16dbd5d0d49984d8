//! What a method can run, found out before anything runs.

use std::sync::Arc;

use ketch_interface::{
    BitString, Complex64, Matrix,
    circuit::{Circuit, Instruction, Op, Param, Save, SaveKind, SaveSubtype, SetState},
    noise::{Channel, NoiseError, ReadoutError},
};

use crate::{Error, Method};

/// How far a matrix may be from unitary, and a state's norm from 1: Qiskit Aer's default of
/// `validation_threshold`.
const TOLERANCE: f64 = 1e-8;

/// Up to this dimension all entries of U†U are checked; above, which would take long, the norms of
/// rows and columns.
const CHECKED_DIM: usize = 64;

/// Channels that are remembered as checked.
const MAX_REMEMBERED: usize = 64;

/// Checks that a method can run a circuit, without running it. `method` is not
/// [`Automatic`](Method::Automatic); see [`choose`](crate::choose).
///
/// # Errors
/// [`Error::InvalidCircuit`], or what stands in the way, naming the instruction.
pub fn check(circuit: &Circuit, method: Method) -> Result<(), Error> {
    circuit.validate()?;
    check_loop_jumps(circuit, method)?;
    if !circuit.global_phase.is_finite() {
        let reason = format!("found {}, expected a finite number", circuit.global_phase);
        return Err(Error::BadValue { instruction: "global_phase".to_owned(), reason });
    }
    let late = late_expressions(circuit);
    // For methods without outcomes: qubits that were measured for the last time.
    let mut measured = vec![false; circuit.n_qubits() as usize];
    let mut stabilizer = crate::stabilizer::Checker::default();
    // Noise comes as few channels on many qubits, and comparing is faster than checking again.
    let mut sound: Vec<&Op> = Vec::new();
    for instruction in circuit.instructions() {
        match method {
            Method::Unitary => check_unitary_method(instruction, &late, &mut measured)?,
            Method::Stabilizer => stabilizer.check(circuit, instruction, &late)?,
            Method::Superop => check_superop_method(instruction, &late, &mut measured)?,
            _ => check_method(instruction, method)?,
        }
        if matches!(instruction.op, Op::Kraus(_) | Op::Superop(_)) {
            if sound.iter().any(|op| same_channel(op, instruction.op)) {
                continue;
            }
            if sound.len() < MAX_REMEMBERED {
                sound.push(instruction.op);
            }
        }
        check_values(circuit, instruction)?;
    }
    Ok(())
}

/// Whether two instructions are the same channel. Mostly they share their operators, and nothing is
/// compared.
pub(crate) fn same_channel(a: &Op, b: &Op) -> bool {
    match (a, b) {
        (Op::Kraus(a), Op::Kraus(b)) => Arc::ptr_eq(a, b) || a == b,
        (Op::Superop(a), Op::Superop(b)) => a == b,
        _ => false,
    }
}

fn refuse(op: &Op, method: Method, reason: &str) -> Error {
    let instruction = match op {
        Op::Snapshot(snapshot) => format!("snapshot ({})", snapshot.kind),
        op => op.name(),
    };
    Error::UnsupportedInstruction { instruction, method, reason: reason.to_owned() }
}

/// The methods that run shots: by state vector or by density matrix.
pub(crate) fn check_method(instruction: Instruction<'_>, method: Method) -> Result<(), Error> {
    let op = instruction.op;
    let refuse = |reason| Err(refuse(op, method, reason));
    let is_chain = method == Method::MatrixProductState;
    let is_vector = is_chain || matches!(method, Method::Statevector | Method::Sparse);
    match op {
        Op::Opaque(_) => refuse("it is known by name only"),
        Op::Save(save) => match &save.kind {
            SaveKind::State
            | SaveKind::DensityMatrix
            | SaveKind::Probabilities
            | SaveKind::ProbabilitiesDict
            | SaveKind::ExpectationValue(_)
            | SaveKind::ExpectationValueVariance(_)
            | SaveKind::AmplitudesSquared(_) => check_subtype(op, save, method),
            SaveKind::Statevector | SaveKind::StatevectorDict | SaveKind::Amplitudes(_) => {
                match is_vector {
                    true => check_subtype(op, save, method),
                    false => refuse("a mixed state has no amplitudes; use the statevector method"),
                }
            }
            SaveKind::MatrixProductState if is_chain => check_subtype(op, save, method),
            SaveKind::MatrixProductState => refuse("use the matrix_product_state method"),
            SaveKind::Unitary => refuse("use the unitary method"),
            _ => refuse("the method's state has no such form"),
        },
        Op::SetState(state) => match **state {
            SetState::Statevector(_) if is_vector => Ok(()),
            SetState::Statevector(_) => refuse("use the statevector method"),
            SetState::DensityMatrix(_) if !is_vector => Ok(()),
            SetState::DensityMatrix(_) => refuse("use the density_matrix method"),
            SetState::Unitary(_) => refuse("use the unitary method"),
            _ => refuse("the method's state has no such form"),
        },
        Op::Snapshot(snapshot) => match snapshot.kind.as_str() {
            "" | "statevector" if is_vector => Ok(()),
            ""
            | "state"
            | "probabilities"
            | "density_matrix"
            | "memory"
            | "register"
            | "expectation_value_pauli" => Ok(()),
            _ => refuse(
                "this method knows statevector, state, probabilities, density_matrix, memory, \
                 register and expectation_value_pauli",
            ),
        },
        Op::Gate(_) | Op::Unitary(_) | Op::Diagonal(_) | Op::Multiplexer(_) | Op::Pauli(_) => {
            Ok(())
        }
        Op::Measure | Op::MeasureVar { .. } | Op::Reset | Op::Initialize(_) => Ok(()),
        Op::Kraus(_) | Op::Superop(_) | Op::ReadoutError(_) => Ok(()),
        Op::Barrier | Op::Delay(_) => Ok(()),
        op if op.is_store() => Ok(()),
        Op::If { .. } | Op::While { .. } | Op::For(_) | Op::Switch(_) => Ok(()),
        Op::Break | Op::Continue | Op::End => Ok(()),
        _ => refuse("the method does not know it"),
    }
}

fn check_unitary_method(
    instruction: Instruction<'_>,
    late: &[bool],
    measured: &mut [bool],
) -> Result<(), Error> {
    let refuse = |reason| Err(refuse(instruction.op, Method::Unitary, reason));
    let is_late = |param: &Param| matches!(param, Param::Expr(id) if late[id.0 as usize]);
    if instruction.params.iter().any(is_late) {
        return refuse("its parameters depend on classical values");
    }
    let mut qubits = instruction.qubits.iter().map(|qubit| qubit.0 as usize);
    match instruction.op {
        Op::Measure => {
            qubits.for_each(|qubit| measured[qubit] = true);
            Ok(())
        }
        Op::Barrier | Op::Delay(_) => Ok(()),
        Op::Gate(_) | Op::Unitary(_) | Op::Diagonal(_) | Op::Multiplexer(_) | Op::Pauli(_) => {
            if qubits.any(|qubit| measured[qubit]) {
                return refuse("it stands behind a measurement; the circuit has no unitary");
            }
            Ok(())
        }
        Op::Save(save) => match save.kind {
            SaveKind::Unitary | SaveKind::State => {
                check_subtype(instruction.op, save, Method::Unitary)
            }
            _ => refuse("the method's state has no such form"),
        },
        Op::SetState(state) => match **state {
            SetState::Unitary(_) => Ok(()),
            _ => refuse("the method's state has no such form"),
        },
        Op::Snapshot(snapshot) if matches!(snapshot.kind.as_str(), "" | "unitary" | "state") => {
            Ok(())
        }
        Op::Snapshot(_) => refuse("this method knows unitary and state"),
        _ => refuse("a circuit with it has no unitary; use the statevector method"),
    }
}

fn check_superop_method(
    instruction: Instruction<'_>,
    late: &[bool],
    measured: &mut [bool],
) -> Result<(), Error> {
    let refuse = |reason| Err(refuse(instruction.op, Method::Superop, reason));
    let is_late = |param: &Param| matches!(param, Param::Expr(id) if late[id.0 as usize]);
    if instruction.params.iter().any(is_late) {
        return refuse("its parameters depend on classical values");
    }
    let mut qubits = instruction.qubits.iter().map(|qubit| qubit.0 as usize);
    match instruction.op {
        Op::Measure => {
            qubits.for_each(|qubit| measured[qubit] = true);
            Ok(())
        }
        Op::Barrier | Op::Delay(_) | Op::Store { .. } => Ok(()),
        Op::Gate(_)
        | Op::Unitary(_)
        | Op::Diagonal(_)
        | Op::Multiplexer(_)
        | Op::Pauli(_)
        | Op::Kraus(_)
        | Op::Superop(_)
        | Op::Reset
        | Op::Initialize(_) => match qubits.any(|qubit| measured[qubit]) {
            true => refuse("it stands behind a measurement; its outcome would be lost"),
            false => Ok(()),
        },
        Op::Save(save) => match save.kind {
            SaveKind::Superop | SaveKind::State => Ok(()),
            _ => refuse("the method's state has no such form"),
        },
        Op::SetState(state) => match **state {
            SetState::Superop(_) => Ok(()),
            _ => refuse("the method's state has no such form"),
        },
        Op::Snapshot(snapshot) if matches!(snapshot.kind.as_str(), "" | "superop" | "state") => {
            Ok(())
        }
        Op::Snapshot(_) => refuse("this method knows superop and state"),
        _ => refuse("a circuit with it has no superoperator; use the density_matrix method"),
    }
}

/// Sums of amplitudes over shots mean nothing; the phase of each is free.
fn check_subtype(op: &Op, save: &Save, method: Method) -> Result<(), Error> {
    use SaveSubtype::{Accum, Average, CAccum, CAverage};
    let sums = matches!(save.subtype, Accum | Average | CAccum | CAverage);
    let mixed = method == Method::DensityMatrix;
    let amplitudes = matches!(save.kind, SaveKind::State) && !mixed
        || matches!(
            save.kind,
            SaveKind::Statevector
                | SaveKind::StatevectorDict
                | SaveKind::Amplitudes(_)
                | SaveKind::MatrixProductState
                | SaveKind::Unitary
        );
    match sums && amplitudes {
        true => Err(refuse(op, method, "amplitudes are not averaged; use `single` or `list`")),
        false => Ok(()),
    }
}

/// Numbers that a form alone does not make right.
pub(crate) fn check_values(circuit: &Circuit, instruction: Instruction<'_>) -> Result<(), Error> {
    let op = instruction.op;
    let n_qubits = circuit.n_qubits() as usize;
    match op {
        Op::Unitary(unitary) => check_unitary(op, &unitary.value),
        Op::Multiplexer(matrices) => matrices.iter().try_for_each(|m| check_unitary(op, m)),
        Op::Diagonal(entries) => match entries.iter().find(|entry| !is_one(entry.norm_sqr())) {
            Some(entry) => Err(bad(op, format!("entry {entry} has not modulus 1"))),
            None => Ok(()),
        },
        Op::SetState(state) => match &**state {
            SetState::Statevector(amplitudes) => check_state(op, amplitudes, n_qubits),
            SetState::Unitary(matrix) if matrix.n_qubits() == Some(circuit.n_qubits()) => {
                check_unitary(op, matrix)
            }
            SetState::DensityMatrix(matrix) if matrix.n_qubits() == Some(circuit.n_qubits()) => {
                check_density_matrix(op, matrix)
            }
            SetState::Superop(matrix) if matrix.n_qubits() == Some(2 * circuit.n_qubits()) => {
                check_superop(op, matrix)
            }
            _ => Err(bad(op, format!("expected a state of {n_qubits} qubits"))),
        },
        Op::Kraus(kraus) => check_noise(op, Channel::new(kraus.to_vec())),
        Op::Superop(superop) => check_noise(op, Channel::from_superop(superop)),
        Op::ReadoutError(rows) => check_noise(op, ReadoutError::new(rows.to_vec())),
        Op::Save(save) => check_save(op, save, instruction, n_qubits),
        Op::Snapshot(snapshot) => {
            let n_letters = match instruction.qubits.len() {
                0 => n_qubits,
                given => given,
            };
            let mut paulis = snapshot.paulis.iter().map(|term| term.pauli.as_str());
            paulis.try_for_each(|pauli| check_pauli(op, pauli, n_letters))
        }
        _ => Ok(()),
    }
}

fn check_save(
    op: &Op,
    save: &Save,
    instruction: Instruction<'_>,
    n_qubits: usize,
) -> Result<(), Error> {
    match &save.kind {
        SaveKind::ExpectationValue(terms) | SaveKind::ExpectationValueVariance(terms) => {
            for term in terms {
                check_pauli(op, &term.pauli, instruction.qubits.len())?;
                if term.coefficient.im != 0.0 || !term.coefficient.re.is_finite() {
                    let reason = format!(
                        "the weight of {} is {}, expected a real number: the sum is no observable",
                        term.pauli, term.coefficient
                    );
                    return Err(bad(op, reason));
                }
            }
            Ok(())
        }
        SaveKind::Amplitudes(indices) | SaveKind::AmplitudesSquared(indices) => {
            let beyond =
                |index: &BitString| (n_qubits as u32..index.width()).any(|bit| index.get(bit));
            match indices.iter().find(|index| beyond(index)) {
                Some(index) => Err(bad(op, format!("basis state {index} of {n_qubits} qubits"))),
                None => Ok(()),
            }
        }
        SaveKind::State
        | SaveKind::Statevector
        | SaveKind::StatevectorDict
        | SaveKind::MatrixProductState
        | SaveKind::Unitary => {
            let in_order = (0..).zip(instruction.qubits).all(|(i, qubit)| qubit.0 == i);
            let whole = instruction.qubits.is_empty() || instruction.qubits.len() == n_qubits;
            match in_order && whole {
                true => Ok(()),
                false => Err(bad(op, "it saves all qubits in order, or names none".to_owned())),
            }
        }
        _ => Ok(()),
    }
}

/// `2^n_qubits` amplitudes of norm 1.
pub(crate) fn check_amplitudes(amplitudes: &[Complex64], n_qubits: usize) -> Result<(), String> {
    let expected = u32::try_from(n_qubits).ok().and_then(|n| 1_usize.checked_shl(n));
    if expected != Some(amplitudes.len()) {
        return Err(format!("expected 2^{n_qubits} amplitudes, found {}", amplitudes.len()));
    }
    let norm: f64 = amplitudes.iter().map(Complex64::norm_sqr).sum();
    match is_one(norm) {
        true => Ok(()),
        false => Err(format!("the squared amplitudes sum to {norm}, expected 1")),
    }
}

fn check_state(op: &Op, amplitudes: &[Complex64], n_qubits: usize) -> Result<(), Error> {
    check_amplitudes(amplitudes, n_qubits).map_err(|reason| bad(op, reason))
}

fn check_pauli(op: &Op, pauli: &str, n_qubits: usize) -> Result<(), Error> {
    if let Some(letter) = pauli.chars().find(|letter| !"IXYZ".contains(*letter)) {
        return Err(bad(op, format!("`{letter}` in `{pauli}`, expected one of IXYZ")));
    }
    match pauli.len() == n_qubits {
        true => Ok(()),
        false => {
            Err(bad(op, format!("`{pauli}` has {} letters for {n_qubits} qubits", pauli.len())))
        }
    }
}

fn check_noise<N>(op: &Op, noise: Result<N, NoiseError>) -> Result<(), Error> {
    noise.map(|_| ()).map_err(|error| bad(op, error.to_string()))
}

/// Takes Hermitian matrices to Hermitian ones of the same trace.
fn check_superop(op: &Op, matrix: &Matrix) -> Result<(), Error> {
    let d = 1_usize << (matrix.n_qubits().unwrap_or(0) / 2);
    let (mut skew, mut lost) = (0.0_f64, 0.0_f64);
    for (r, c) in (0..d * d).map(|i| (i / d, i % d)) {
        let mut trace = Complex64::ZERO;
        for (row, column) in (0..d * d).map(|i| (i / d, i % d)) {
            let entry = matrix.at(column * d + row, c * d + r);
            let mirrored = matrix.at(row * d + column, r * d + c);
            let off = (entry - mirrored.conj()).norm();
            // Written so that a NaN stays.
            skew = if off <= skew { skew } else { off };
            trace += if row == column { entry } else { Complex64::ZERO };
        }
        let off = (trace - f64::from(u8::from(r == c))).norm();
        lost = if off <= lost { lost } else { off };
    }
    match (skew <= TOLERANCE, lost <= TOLERANCE) {
        (true, true) => Ok(()),
        (false, _) => {
            Err(bad(op, format!("it does not keep matrices Hermitian: it is off by {skew:.1e}")))
        }
        (_, false) => Err(bad(op, format!("it does not keep the trace: it is off by {lost:.1e}"))),
    }
}

/// Hermitian, of trace 1, without negative probabilities.
fn check_density_matrix(op: &Op, matrix: &Matrix) -> Result<(), Error> {
    let dim = matrix.dim();
    let defect = matrix.distance(&matrix.adjoint());
    let trace: f64 = (0..dim).map(|i| matrix.at(i, i).re).sum();
    let least = (0..dim).map(|i| matrix.at(i, i).re).fold(0.0, f64::min);
    if defect > TOLERANCE || defect.is_nan() {
        return Err(bad(op, format!("the matrix is not Hermitian: it is off by {defect:.1e}")));
    }
    if !is_one(trace) {
        return Err(bad(op, format!("the trace is {trace}, expected 1")));
    }
    match least >= -TOLERANCE {
        true => Ok(()),
        false => Err(bad(op, format!("a probability on the diagonal is {least}"))),
    }
}

fn check_unitary(op: &Op, matrix: &Matrix) -> Result<(), Error> {
    let dim = matrix.dim();
    let defect = if dim <= CHECKED_DIM {
        matrix.unitarity_defect()
    } else {
        let mut columns = vec![0.0; dim];
        let mut worst = 0.0_f64;
        for row in matrix.entries().chunks(dim) {
            let norm: f64 = row.iter().map(Complex64::norm_sqr).sum();
            // Written so that a NaN stays.
            worst = if (norm - 1.0).abs() <= worst { worst } else { (norm - 1.0).abs() };
            columns.iter_mut().zip(row).for_each(|(sum, entry)| *sum += entry.norm_sqr());
        }
        columns.into_iter().fold(worst, |worst, norm: f64| {
            if (norm - 1.0).abs() <= worst { worst } else { (norm - 1.0).abs() }
        })
    };
    match defect <= TOLERANCE {
        true => Ok(()),
        false => Err(bad(op, format!("the matrix is not unitary: it is off by {defect:.1e}"))),
    }
}

fn is_one(norm: f64) -> bool {
    (norm - 1.0).abs() <= TOLERANCE
}

fn bad(op: &Op, reason: String) -> Error {
    Error::BadValue { instruction: op.name(), reason }
}

/// No loop jump stands outside of a loop.
fn check_loop_jumps(circuit: &Circuit, method: Method) -> Result<(), Error> {
    // The end of each open block, and whether it is a loop's body.
    let mut open: Vec<(usize, bool)> = Vec::new();
    for (index, instruction) in circuit.instructions().enumerate() {
        if matches!(instruction.op, Op::Gate(_)) {
            continue;
        }
        while open.last().is_some_and(|(end, _)| index >= *end) {
            open.pop();
        }
        let op = instruction.op;
        let is_loop = matches!(op, Op::For(_) | Op::While { .. });
        if matches!(op, Op::Break | Op::Continue) && !open.iter().any(|(_, is_loop)| *is_loop) {
            return Err(refuse(op, method, "it stands outside of a loop"));
        }
        let blocks: Vec<_> = op.blocks().collect();
        // Blocks of one instruction follow each other, so the first to be entered is put last.
        for block in blocks.into_iter().rev() {
            open.push((circuit.block_range(Some(block)).end, is_loop));
        }
    }
    Ok(())
}

/// The expressions whose value is known only while the circuit runs.
fn late_expressions(circuit: &Circuit) -> Vec<bool> {
    let mut late: Vec<bool> = Vec::with_capacity(circuit.expressions().len());
    for expr in circuit.expressions() {
        let is_late = expr.reads_storage() || expr.operands().any(|id| late[id.0 as usize]);
        late.push(is_late);
    }
    late
}
