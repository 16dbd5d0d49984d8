//! Which instructions a stabilizer state can follow, and what they come to.

use std::{collections::HashMap, sync::Arc};

use ketch_interface::{
    Complex64, Matrix,
    circuit::{Gate, GateOp, Initialize, Op},
    noise::Channel,
};

use super::{
    clifford::{Clifford, MAX_QUBITS, decompose},
    mixture::Mixture,
};
use crate::check::same_channel;

/// What an instruction comes to; place `i` of a gate is the `i`-th qubit of the instruction.
#[derive(Clone, Debug)]
pub(super) enum Recognised {
    /// Gates, after resets of all qubits if `resets`.
    Gates {
        /// The qubits are |0> first.
        resets: bool,
        /// The gates.
        gates: Arc<[Clifford]>,
    },
    /// One of some operations is drawn.
    Noise(Arc<Mixture>),
}

/// A gate and the bits of its parameters.
type Bound = (GateOp, Vec<u64>);

/// Recognises instructions and remembers those that take long.
#[derive(Debug, Default)]
pub(super) struct Recogniser {
    gates: HashMap<Bound, Option<Box<[Clifford]>>>,
    /// Noise comes as few channels on many qubits, so it is looked up by comparing.
    channels: Vec<(Op, Option<Arc<Mixture>>)>,
}

/// Channels that are remembered.
const MAX_CHANNELS: usize = 64;

impl Recogniser {
    /// The gates that a gate of the table comes to; `None` if it is not Clifford.
    pub(super) fn gate(&mut self, op: GateOp, params: &[f64]) -> Option<&[Clifford]> {
        if let Some(gates) = elementary(op) {
            return Some(gates);
        }
        let bits = params.iter().map(|param| param.to_bits()).collect();
        self.gates.entry((op, bits)).or_insert_with(|| gates_of(op, params)).as_deref()
    }

    /// What a quantum instruction that is no gate of the table comes to.
    ///
    /// # Errors
    /// Why a stabilizer state cannot follow it.
    pub(super) fn instruction(&mut self, op: &Op) -> Result<Recognised, String> {
        let matrix = |matrix: &Matrix| match matrix.n_qubits() {
            Some(n) if n <= MAX_QUBITS => {
                decompose(matrix).ok_or_else(|| "its matrix is not Clifford".to_owned())
            }
            _ => Err(format!(
                "whether it is Clifford is found out for up to {MAX_QUBITS} qubits only"
            )),
        };
        let gates = match op {
            Op::Unitary(unitary) => matrix(&unitary.value)?,
            Op::Diagonal(entries) if entries.len() > 1 << MAX_QUBITS => {
                return Err(format!("it is a diagonal on more than {MAX_QUBITS} qubits"));
            }
            Op::Diagonal(entries) => matrix(&Matrix::diagonal(entries))?,
            Op::Multiplexer(matrices) => {
                let dim = matrices.first().map_or(0, Matrix::dim);
                if dim * matrices.len() > 1 << MAX_QUBITS {
                    return Err(format!("it is a multiplexer on more than {MAX_QUBITS} qubits"));
                }
                matrix(&blocks(matrices, dim))?
            }
            Op::Pauli(letters) => pauli_gates(letters),
            Op::Reset => return Ok(Recognised::Gates { resets: true, gates: [].into() }),
            Op::Initialize(state) => {
                return Ok(Recognised::Gates { resets: true, gates: prepare(state)?.into() });
            }
            Op::Kraus(_) | Op::Superop(_) => {
                let mixture = self.channel(op).ok_or(
                    "this noise is no mixture of Pauli strings, Clifford gates and resets; use \
                     the density_matrix or the statevector method",
                )?;
                return Ok(Recognised::Noise(mixture));
            }
            _ => return Err("the method does not know it".to_owned()),
        };
        Ok(Recognised::Gates { resets: false, gates: gates.into() })
    }

    fn channel(&mut self, op: &Op) -> Option<Arc<Mixture>> {
        if let Some((_, mixture)) = self.channels.iter().find(|(known, _)| same_channel(known, op))
        {
            return mixture.clone();
        }
        let channel = match op {
            Op::Kraus(kraus) => Channel::new(kraus.to_vec()),
            Op::Superop(superop) => Channel::from_superop(superop),
            _ => return None,
        };
        let mixture = channel.ok().and_then(|channel| Mixture::of(&channel)).map(Arc::new);
        if self.channels.len() < MAX_CHANNELS {
            self.channels.push((op.clone(), mixture.clone()));
        }
        mixture
    }
}

/// The gates that need no look at their matrix.
fn elementary(op: GateOp) -> Option<&'static [Clifford]> {
    Some(match (op.gate, op.controls) {
        (Gate::Id | Gate::U0, _) => &[],
        (Gate::X, 0) => &[Clifford::X(0)],
        (Gate::Y, 0) => &[Clifford::Y(0)],
        (Gate::Z, 0) => &[Clifford::Z(0)],
        (Gate::H, 0) => &[Clifford::H(0)],
        (Gate::S, 0) => &[Clifford::S(0)],
        (Gate::Sdg, 0) => &[Clifford::Sdg(0)],
        (Gate::Sx, 0) => &[Clifford::SqrtX(0)],
        (Gate::Sxdg, 0) => &[Clifford::SqrtXdg(0)],
        (Gate::Swap, 0) => &[Clifford::Swap(0, 1)],
        (Gate::X, 1) if op.state.is_all() => &[Clifford::Cx(0, 1)],
        (Gate::Z, 1) if op.state.is_all() => &[Clifford::Cz(0, 1)],
        _ => return None,
    })
}

fn gates_of(op: GateOp, params: &[f64]) -> Option<Box<[Clifford]>> {
    if op.n_qubits() <= MAX_QUBITS as usize {
        return decompose(&op.matrix(params)).map(Box::from);
    }
    // With so many controls only what does nothing where they hold is Clifford.
    let matrix = op.gate.matrix(params);
    let identity = Matrix::identity(matrix.n_qubits()?);
    (matrix.distance(&identity) < 1e-12).then(|| [].into())
}

fn blocks(matrices: &[Matrix], dim: usize) -> Matrix {
    let whole = dim * matrices.len();
    let entry = |row: usize, column: usize| match row / dim == column / dim {
        true => matrices[row / dim].at(row % dim, column % dim),
        false => Complex64::ZERO,
    };
    let entries = (0..whole * whole).map(|i| entry(i / whole, i % whole)).collect();
    Matrix::new(whole, entries).expect("as many entries as asked for")
}

/// The rightmost letter acts on the first qubit.
fn pauli_gates(letters: &str) -> Vec<Clifford> {
    let gate = |(place, letter)| match letter {
        'X' => Some(Clifford::X(place)),
        'Y' => Some(Clifford::Y(place)),
        'Z' => Some(Clifford::Z(place)),
        _ => None,
    };
    (0..).zip(letters.chars().rev()).filter_map(gate).collect()
}

/// The gates that make a state of |0…0>.
fn prepare(state: &Initialize) -> Result<Vec<Clifford>, String> {
    match state {
        Initialize::Labels(labels) => {
            let gates = (0..)
                .zip(labels.chars().rev())
                .flat_map(|(place, label)| label_gates(label, place));
            Ok(gates.collect())
        }
        Initialize::Amplitudes(amplitudes) => {
            let is = |wanted: &[Complex64]| {
                let overlap: Complex64 =
                    wanted.iter().zip(amplitudes).map(|(a, b)| a.conj() * b).sum();
                (overlap.norm() - 1.0).abs() < 1e-9
            };
            if let Some(value) = amplitudes.iter().position(|a| (a.norm() - 1.0).abs() < 1e-9) {
                let n = amplitudes.len().trailing_zeros();
                return Ok((0..n).filter(|q| value >> q & 1 == 1).map(Clifford::X).collect());
            }
            let half = |im: f64, re: f64| {
                [Complex64::new(0.5_f64.sqrt(), 0.0), Complex64::new(re, im) * 0.5_f64.sqrt()]
            };
            let labels = [('+', half(0.0, 1.0)), ('-', half(0.0, -1.0))];
            let labels = labels.into_iter().chain([('r', half(1.0, 0.0)), ('l', half(-1.0, 0.0))]);
            let found = labels.into_iter().find(|(_, state)| amplitudes.len() == 2 && is(state));
            found.map(|(label, _)| label_gates(label, 0)).ok_or_else(|| {
                "the state is neither a basis state nor an eigenstate of X or Y of one qubit"
                    .to_owned()
            })
        }
    }
}

/// The gates that make a labelled state of |0>.
fn label_gates(label: char, place: u32) -> Vec<Clifford> {
    use Clifford::{H, S, Sdg, X};
    match label {
        '1' => vec![X(place)],
        '+' => vec![H(place)],
        '-' => vec![X(place), H(place)],
        'r' => vec![H(place), S(place)],
        'l' => vec![H(place), Sdg(place)],
        _ => Vec::new(),
    }
}
