//! The gate table: every gate, once.
//!
//! A gate is a base gate plus any number of controls; `cx`, `ccx` and `mcx` are spellings of one
//! base gate, `x`. Parsers, documents, engines and tests are driven from the two tables here: a new
//! gate is one line in [`GATES`] or [`SPELLINGS`], and failing tests say what else it needs.
//!
//! Matrices and parameter orders are those of Qiskit's circuit library.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4};

use num_complex::Complex64;

use super::GateOp;
use crate::Matrix;

/// A base gate: what happens to the target qubits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "each variant is a row of GATES, which documents it")]
pub enum Gate {
    GlobalPhase,
    Id,
    X,
    Y,
    Z,
    H,
    S,
    Sdg,
    T,
    Tdg,
    Sx,
    Sxdg,
    P,
    U0,
    U1,
    U2,
    U3,
    U,
    PhasedU,
    R,
    Rx,
    Ry,
    Rz,
    Swap,
    Iswap,
    Dcx,
    Ecr,
    Rxx,
    Ryy,
    Rzz,
    Rzx,
    XxMinusYy,
    XxPlusYy,
    Rccx,
    Rc3x,
}

/// One row of the gate table.
#[derive(Debug)]
pub struct GateInfo {
    /// The gate.
    pub gate: Gate,
    /// Its name without controls, as in Qobj documents.
    pub name: &'static str,
    /// The number of target qubits.
    pub n_qubits: u32,
    /// The number of parameters.
    pub n_params: u32,
    /// The matrix is diagonal for all parameters.
    pub diagonal: bool,
    /// The gate maps Pauli operators to Pauli operators, for all parameters.
    pub clifford: bool,
    /// How to undo it.
    pub inverse: Inverse,
    /// The matrix; see [`Matrix`] for the order of its indices.
    entries: Entries,
}

/// How the entries of a gate's matrix follow from its parameters.
#[derive(Debug)]
enum Entries {
    /// Of one qubit: on the stack, since most gates are of this kind.
    One(fn(&[f64]) -> Entries1),
    /// Of any number of qubits.
    Any(fn(&[f64]) -> Matrix),
}

/// Row by row.
type Entries1 = [[Complex64; 2]; 2];

/// How a gate is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inverse {
    /// By itself.
    Same,
    /// By another gate without parameters.
    Gate(Gate),
    /// By itself with the first parameter negated, the others kept.
    NegateFirst,
    /// By itself with all parameters negated and the second and third exchanged.
    Euler,
    /// By the adjoint matrix: no gate of the table does it.
    Adjoint,
}

macro_rules! gates {
    ($($gate:ident $name:literal $qubits:literal $params:literal $class:ident $inverse:expr, $matrix:expr;)*) => {
        /// All base gates, indexed by `Gate as usize`.
        pub static GATES: &[GateInfo] = &[$(GateInfo {
            gate: Gate::$gate,
            name: $name,
            n_qubits: $qubits,
            n_params: $params,
            diagonal: class::$class.0,
            clifford: class::$class.1,
            inverse: $inverse,
            entries: $matrix,
        }),*];
    };
}

/// (diagonal, Clifford).
#[expect(non_upper_case_globals, reason = "words of the gate table")]
mod class {
    pub(super) const diagonal_clifford: (bool, bool) = (true, true);
    pub(super) const diagonal: (bool, bool) = (true, false);
    pub(super) const clifford: (bool, bool) = (false, true);
    pub(super) const general: (bool, bool) = (false, false);
}

use Entries::{Any, One};
use Inverse::{Adjoint, Euler, NegateFirst, Same};

gates! {
    // Gate     name     qubits params  class     inverse           matrix
    GlobalPhase "global_phase" 0 1 diagonal NegateFirst, Any(|p| Matrix::diagonal(&[cis(p[0])]));
    Id   "id"   1 0 diagonal_clifford Same, One(|_| diagonal(ONE, ONE));
    X    "x"    1 0 clifford Same, One(|_| [[ZERO, ONE], [ONE, ZERO]]);
    Y    "y"    1 0 clifford Same, One(|_| [[ZERO, -I], [I, ZERO]]);
    Z    "z"    1 0 diagonal_clifford Same, One(|_| diagonal(ONE, -ONE));
    H    "h"    1 0 clifford Same, One(|_| [[R2, R2], [R2, -R2]]);
    S    "s"    1 0 diagonal_clifford Inverse::Gate(Gate::Sdg), One(|_| diagonal(ONE, I));
    Sdg  "sdg"  1 0 diagonal_clifford Inverse::Gate(Gate::S), One(|_| diagonal(ONE, -I));
    T    "t"    1 0 diagonal Inverse::Gate(Gate::Tdg), One(|_| phase(FRAC_PI_4));
    Tdg  "tdg"  1 0 diagonal Inverse::Gate(Gate::T), One(|_| phase(-FRAC_PI_4));
    Sx   "sx"   1 0 clifford Inverse::Gate(Gate::Sxdg), One(|_| sqrt_x(I));
    Sxdg "sxdg" 1 0 clifford Inverse::Gate(Gate::Sx), One(|_| sqrt_x(-I));
    P    "p"    1 1 diagonal NegateFirst, One(|p| phase(p[0]));
    // The identity for a time of p[0] gate lengths, from the first devices.
    U0   "u0"   1 1 diagonal_clifford Same, One(|_| diagonal(ONE, ONE));
    U1   "u1"   1 1 diagonal NegateFirst, One(|p| phase(p[0]));
    U2   "u2"   1 2 general Adjoint, One(|p| euler(FRAC_PI_2, p[0], p[1], 0.0));
    U3   "u3"   1 3 general Euler, One(|p| euler(p[0], p[1], p[2], 0.0));
    U    "u"    1 3 general Euler, One(|p| euler(p[0], p[1], p[2], 0.0));
    // u with a phase of its own (p[3]), which matters once it is controlled: cu.
    PhasedU "phased_u" 1 4 general Euler, One(|p| euler(p[0], p[1], p[2], p[3]));
    R    "r"    1 2 general NegateFirst, One(|p| euler(p[0], p[1] - FRAC_PI_2, FRAC_PI_2 - p[1], 0.0));
    Rx   "rx"   1 1 general NegateFirst, One(|p| rotation(p[0], -I, -I));
    Ry   "ry"   1 1 general NegateFirst, One(|p| rotation(p[0], -ONE, ONE));
    Rz   "rz"   1 1 diagonal NegateFirst, One(|p| diagonal(cis(-p[0] / 2.0), cis(p[0] / 2.0)));
    Swap "swap" 2 0 clifford Same, Any(|_| exchange(ONE));
    Iswap "iswap" 2 0 clifford Adjoint, Any(|_| exchange(I));
    // cx from the first qubit to the second, then back.
    Dcx  "dcx"  2 0 clifford Adjoint, Any(|_| permutation(&[0, 2, 3, 1]));
    // Echoed cross-resonance: (IX - XY) / sqrt 2.
    Ecr  "ecr"  2 0 clifford Same, Any(|_| Matrix::from_rows([
        [ZERO, R2, ZERO, R2 * I],
        [R2, ZERO, -R2 * I, ZERO],
        [ZERO, R2 * I, ZERO, R2],
        [-R2 * I, ZERO, R2, ZERO],
    ]));
    Rxx  "rxx"  2 1 general NegateFirst, Any(|p| pauli_rotation(p[0], [(3, ONE), (2, ONE), (1, ONE), (0, ONE)]));
    Ryy  "ryy"  2 1 general NegateFirst, Any(|p| pauli_rotation(p[0], [(3, -ONE), (2, ONE), (1, ONE), (0, -ONE)]));
    Rzz  "rzz"  2 1 diagonal NegateFirst, Any(|p| pauli_rotation(p[0], [(0, ONE), (1, -ONE), (2, -ONE), (3, ONE)]));
    // Z on the first qubit, X on the second.
    Rzx  "rzx"  2 1 general NegateFirst, Any(|p| pauli_rotation(p[0], [(2, ONE), (3, -ONE), (0, ONE), (1, -ONE)]));
    XxMinusYy "xx_minus_yy" 2 2 general NegateFirst, Any(|p| mix([0, 3], p[0], p[1]));
    XxPlusYy "xx_plus_yy" 2 2 general NegateFirst, Any(|p| mix([1, 2], p[0], p[1]));
    // Toffoli gates up to relative phases: Margolus, and its version for three controls
    // (Maslov, arXiv:1508.03273, figures 3 and 4).
    Rccx "rccx" 3 0 general Same, Any(|_| {
        let mut rows = [[ZERO; 8]; 8];
        for i in [0, 1, 2, 4, 6] { rows[i][i] = ONE; }
        rows[5][5] = -ONE;
        rows[3][7] = -I;
        rows[7][3] = I;
        Matrix::from_rows(rows)
    });
    Rc3x "rcccx" 4 0 general Adjoint, Any(|_| {
        let mut rows = [[ZERO; 16]; 16];
        for (i, row) in rows.iter_mut().enumerate() { row[i] = ONE; }
        rows[3][3] = I;
        rows[11][11] = -I;
        rows[7][7] = ZERO;
        rows[15][15] = ZERO;
        rows[7][15] = ONE;
        rows[15][7] = -ONE;
        Matrix::from_rows(rows)
    });
}

impl Gate {
    /// This gate's row of the table.
    #[inline]
    #[must_use]
    pub fn info(self) -> &'static GateInfo {
        &GATES[self as usize]
    }

    /// Its name without controls.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Its matrix, without controls.
    ///
    /// # Panics
    /// If the number of parameters is not the table's.
    #[must_use]
    pub fn matrix(self, params: &[f64]) -> Matrix {
        match self.entries(params) {
            One(entries) => Matrix::from_rows(entries(params)),
            Any(matrix) => matrix(params),
        }
    }

    /// The rows of its matrix without controls, if it acts on one qubit: as
    /// [`matrix`](Self::matrix), without taking memory.
    ///
    /// # Panics
    /// If the number of parameters is not the table's.
    #[inline]
    #[must_use]
    pub fn matrix1(self, params: &[f64]) -> Option<[[Complex64; 2]; 2]> {
        match self.entries(params) {
            One(entries) => Some(entries(params)),
            Any(_) => None,
        }
    }

    fn entries(self, params: &[f64]) -> &'static Entries {
        let info = self.info();
        assert_eq!(params.len(), info.n_params as usize, "parameters of `{}`", info.name);
        &info.entries
    }
}

/// How many controls a spelling has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controls {
    /// Exactly this many.
    Exactly(u16),
    /// As many as there are qubits beyond the base gate's.
    Any,
}

/// Where OpenQASM 2 programs know a gate name from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// Built into the language.
    BuiltIn,
    /// In `qelib1.inc` of the specification (arXiv:1707.03429) or as Qiskit ships it.
    Qelib1,
    /// One of Qiskit's later standard gates, taken when the program has not its own.
    Later,
    /// Known to Qobj documents only.
    Qobj,
}

/// A name by which a gate with controls is known. Control qubits come first.
#[derive(Debug)]
pub struct Spelling {
    /// The name.
    pub name: &'static str,
    /// The base gate.
    pub gate: Gate,
    /// The number of controls.
    pub controls: Controls,
    /// Which OpenQASM 2 library defines it.
    pub library: Library,
}

macro_rules! spellings {
    ($($name:literal $gate:ident $controls:tt $library:ident;)*) => {
        /// All names of gates. The first that fits is the one that is written.
        pub static SPELLINGS: &[Spelling] = &[$(Spelling {
            name: $name,
            gate: Gate::$gate,
            controls: spellings!(@ $controls),
            library: Library::$library,
        }),*];
    };
    (@ any) => { Controls::Any };
    (@ $n:literal) => { Controls::Exactly($n) };
}

spellings! {
    "id" Id 0 Qelib1;
    "x" X 0 Qelib1;
    "y" Y 0 Qelib1;
    "z" Z 0 Qelib1;
    "h" H 0 Qelib1;
    "s" S 0 Qelib1;
    "sdg" Sdg 0 Qelib1;
    "t" T 0 Qelib1;
    "tdg" Tdg 0 Qelib1;
    "sx" Sx 0 Qelib1;
    "sxdg" Sxdg 0 Qelib1;
    "p" P 0 Qelib1;
    "u0" U0 0 Qelib1;
    "u1" U1 0 Qelib1;
    "u2" U2 0 Qelib1;
    "u3" U3 0 Qelib1;
    "u" U 0 Qelib1;
    "U" U 0 BuiltIn;
    "r" R 0 Later;
    "rx" Rx 0 Qelib1;
    "ry" Ry 0 Qelib1;
    "rz" Rz 0 Qelib1;
    "swap" Swap 0 Qelib1;
    "iswap" Iswap 0 Later;
    "dcx" Dcx 0 Later;
    "ecr" Ecr 0 Later;
    "rxx" Rxx 0 Qelib1;
    "ryy" Ryy 0 Later;
    "rzz" Rzz 0 Qelib1;
    "rzx" Rzx 0 Later;
    "xx_minus_yy" XxMinusYy 0 Later;
    "xx_plus_yy" XxPlusYy 0 Later;
    "rccx" Rccx 0 Qelib1;
    "rc3x" Rc3x 0 Qelib1;
    "rcccx" Rc3x 0 Later;
    "global_phase" GlobalPhase 0 Qobj;
    "gphase" GlobalPhase 0 Qobj;
    "cx" X 1 Qelib1;
    "CX" X 1 BuiltIn;
    "cnot" X 1 Later;
    "cy" Y 1 Qelib1;
    "cz" Z 1 Qelib1;
    "ch" H 1 Qelib1;
    "cs" S 1 Later;
    "csdg" Sdg 1 Later;
    "csx" Sx 1 Qelib1;
    "cp" P 1 Qelib1;
    "cphase" P 1 Later;
    "cu1" U1 1 Qelib1;
    "cu2" U2 1 Later;
    "cu3" U3 1 Qelib1;
    "cu" PhasedU 1 Qelib1;
    "crx" Rx 1 Qelib1;
    "cry" Ry 1 Qelib1;
    "crz" Rz 1 Qelib1;
    "cswap" Swap 1 Qelib1;
    "fredkin" Swap 1 Later;
    "ccx" X 2 Qelib1;
    "toffoli" X 2 Later;
    "ccz" Z 2 Later;
    "c3x" X 3 Qelib1;
    "c3sqrtx" Sx 3 Qelib1;
    "c3sx" Sx 3 Later;
    "c4x" X 4 Qelib1;
    "mcx" X any Qobj;
    "mcx_gray" X any Qobj;
    "mcy" Y any Qobj;
    "mcz" Z any Qobj;
    "mcsx" Sx any Qobj;
    "mcp" P any Qobj;
    "mcphase" P any Qobj;
    "mcr" R any Qobj;
    "mcrx" Rx any Qobj;
    "mcry" Ry any Qobj;
    "mcrz" Rz any Qobj;
    "mcu" PhasedU any Qobj;
    "mcu1" U1 any Qobj;
    "mcu2" U2 any Qobj;
    "mcu3" U3 any Qobj;
    "mcswap" Swap any Qobj;
}

impl Spelling {
    /// The spelling with this exact name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        SPELLINGS.iter().find(|spelling| spelling.name == name)
    }

    /// The name that circuits use for an instruction: `cnot` is `cx`. Names of no gate stay as they are.
    #[must_use]
    pub fn canonical(name: &str) -> String {
        let gate = Self::by_name(name).and_then(|spelling| match spelling.controls {
            Controls::Exactly(controls) => Some(GateOp::new(spelling.gate, controls)),
            Controls::Any => None,
        });
        gate.map_or_else(|| name.to_owned(), GateOp::name)
    }

    /// The name to write for a gate with `controls` controls in documents of `library` or an
    /// earlier one, if there is one.
    #[must_use]
    pub fn of(gate: Gate, controls: u16, library: Library) -> Option<&'static Self> {
        SPELLINGS.iter().find(|spelling| {
            spelling.gate == gate
                && spelling.library as u8 <= library as u8
                && match spelling.controls {
                    Controls::Exactly(n) => n == controls,
                    Controls::Any => controls > 0,
                }
        })
    }

    /// The number of controls when used on `n_qubits` qubits; `None` if that number cannot be.
    #[must_use]
    pub fn n_controls(&self, n_qubits: usize) -> Option<u16> {
        let beyond = n_qubits.checked_sub(self.gate.info().n_qubits as usize)?;
        let beyond = u16::try_from(beyond).ok()?;
        match self.controls {
            Controls::Exactly(n) => (n == beyond).then_some(n),
            Controls::Any => (beyond > 0).then_some(beyond),
        }
    }
}

const ZERO: Complex64 = Complex64::ZERO;
const ONE: Complex64 = Complex64::ONE;
const I: Complex64 = Complex64::I;
const R2: Complex64 = Complex64::new(FRAC_1_SQRT_2, 0.0);

fn cis(angle: f64) -> Complex64 {
    Complex64::cis(angle)
}

fn diagonal(zero: Complex64, one: Complex64) -> Entries1 {
    [[zero, ZERO], [ZERO, one]]
}

fn phase(angle: f64) -> Entries1 {
    diagonal(ONE, cis(angle))
}

/// A rotation by θ whose other entries, above and below the diagonal, are these times sin(θ/2).
fn rotation(theta: f64, above: Complex64, below: Complex64) -> Entries1 {
    let (sin, cos) = (theta / 2.0).sin_cos();
    [[cos.into(), above * sin], [below * sin, cos.into()]]
}

/// exp(iγ) times Qiskit's U(θ, φ, λ).
fn euler(theta: f64, phi: f64, lambda: f64, gamma: f64) -> Entries1 {
    let (sin, cos) = (theta / 2.0).sin_cos();
    [
        [cis(gamma) * cos, -cis(gamma + lambda) * sin],
        [cis(gamma + phi) * sin, cis(gamma + phi + lambda) * cos],
    ]
}

/// The square root of X with eigenvalues 1 and `root`, a square root of -1.
fn sqrt_x(root: Complex64) -> Entries1 {
    let (same, other) = ((ONE + root) / 2.0, (ONE - root) / 2.0);
    [[same, other], [other, same]]
}

/// Exchanges |01> and |10> with a factor.
fn exchange(factor: Complex64) -> Matrix {
    Matrix::from_rows([
        [ONE, ZERO, ZERO, ZERO],
        [ZERO, ZERO, factor, ZERO],
        [ZERO, factor, ZERO, ZERO],
        [ZERO, ZERO, ZERO, ONE],
    ])
}

/// Sends basis state `i` to `image[i]`.
fn permutation(image: &[usize]) -> Matrix {
    let dim = image.len();
    let mut entries = vec![ZERO; dim * dim];
    for (column, row) in image.iter().enumerate() {
        entries[row * dim + column] = ONE;
    }
    Matrix::new(dim, entries).expect("dim² entries were made")
}

/// exp(-iθ/2 P) for a two-qubit Pauli P given by, for each row, the column and value of its entry.
fn pauli_rotation(theta: f64, rows: [(usize, Complex64); 4]) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    let mut entries = vec![ZERO; 16];
    for (row, (column, value)) in rows.into_iter().enumerate() {
        entries[row * 4 + row] += cos;
        entries[row * 4 + column] += -I * sin * value;
    }
    Matrix::new(4, entries).expect("16 entries were made")
}

/// A rotation by θ between the two basis states `between`, with phase β: the excitation-preserving
/// and the pair-creating interaction.
fn mix(between: [usize; 2], theta: f64, beta: f64) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    let [low, high] = between;
    let mut entries = Matrix::identity(2).entries().to_vec();
    entries[low * 4 + low] = cos.into();
    entries[high * 4 + high] = cos.into();
    entries[low * 4 + high] = -I * sin * cis(-beta);
    entries[high * 4 + low] = -I * sin * cis(beta);
    Matrix::new(4, entries).expect("16 entries were made")
}

/// The parameters that undo a gate whose rule is [`Inverse::Euler`] or [`Inverse::NegateFirst`],
/// for numbers.
#[must_use]
pub fn inverse_params(inverse: Inverse, params: &[f64]) -> Vec<f64> {
    let mut inverted = params.to_vec();
    match inverse {
        NegateFirst => inverted[0] = -inverted[0],
        Euler => {
            inverted.iter_mut().for_each(|param| *param = -*param);
            inverted.swap(1, 2);
        }
        Same | Inverse::Gate(_) | Adjoint => {}
    }
    inverted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(info: &GateInfo) -> Vec<f64> {
        [0.3, -1.1, 2.3, 0.7][..info.n_params as usize].to_vec()
    }

    #[test]
    fn rows_stand_at_their_index_and_are_unitary() {
        for (index, info) in GATES.iter().enumerate() {
            assert_eq!(info.gate as usize, index, "{}", info.name);
            let matrix = info.gate.matrix(&params(info));
            assert_eq!(matrix.n_qubits(), Some(info.n_qubits), "{}", info.name);
            assert!(matrix.unitarity_defect() < 1e-15 * 16.0, "{}", info.name);
            if info.diagonal {
                let diagonal: Vec<_> = (0..matrix.dim()).map(|i| matrix.at(i, i)).collect();
                assert_eq!(matrix, Matrix::diagonal(&diagonal), "{}", info.name);
            }
        }
    }

    #[test]
    fn inverses_undo() {
        for info in GATES {
            let given = params(info);
            let matrix = info.gate.matrix(&given);
            let inverse = match info.inverse {
                Inverse::Gate(gate) => gate.matrix(&[]),
                Adjoint => matrix.adjoint(),
                rule => info.gate.matrix(&inverse_params(rule, &given)),
            };
            let identity = Matrix::identity(info.n_qubits);
            assert!(inverse.product(&matrix).distance(&identity) < 1e-14, "{}", info.name);
        }
    }

    #[test]
    fn clifford_rows_map_paulis_to_paulis() {
        for info in GATES.iter().filter(|info| info.n_qubits > 0) {
            let u = info.gate.matrix(&params(info));
            let all_paulis = (0..info.n_qubits).all(|qubit| {
                [Gate::X, Gate::Z].into_iter().all(|pauli| {
                    let image = u.product(&on(pauli, qubit, info.n_qubits)).product(&u.adjoint());
                    is_pauli(&image)
                })
            });
            assert_eq!(all_paulis, info.clifford, "{}", info.name);
        }
    }

    /// `gate` on one qubit of several.
    fn on(gate: Gate, qubit: u32, n_qubits: u32) -> Matrix {
        let small = gate.matrix(&[]);
        let dim = 1_usize << n_qubits;
        let entries = (0..dim * dim).map(|i| {
            let (row, column) = (i / dim, i % dim);
            let same_elsewhere = (row ^ column) & !(1 << qubit) == 0;
            let bit = |index: usize| index >> qubit & 1;
            if same_elsewhere { small.at(bit(row), bit(column)) } else { ZERO }
        });
        Matrix::new(dim, entries.collect()).unwrap()
    }

    /// One entry of modulus 1 a row, at one fixed distance, with phases a Pauli can have.
    fn is_pauli(matrix: &Matrix) -> bool {
        let dim = matrix.dim();
        let Some(x) = (0..dim).find(|&x| matrix.at(0, x).norm() > 0.5) else { return false };
        let first = matrix.at(0, x);
        let known: Vec<_> = (0..dim).map(|row| matrix.at(row, row ^ x) / first).collect();
        let signs = |row: usize| {
            let bits = (0..dim.trailing_zeros()).filter(|bit| row >> bit & 1 == 1);
            bits.fold(ONE, |sign, bit| sign * known[1 << bit])
        };
        (first.norm() - 1.0).abs() < 1e-9
            && (0..dim).all(|row| {
                (known[row].im.abs() + (known[row].re.abs() - 1.0).abs()) < 1e-9
                    && (known[row] - signs(row)).norm() < 1e-9
            })
    }

    #[test]
    fn spellings_are_unique_and_found_both_ways() {
        for spelling in SPELLINGS {
            let found = Spelling::by_name(spelling.name).unwrap();
            assert!(std::ptr::eq(found, spelling), "{} stands twice", spelling.name);
        }
        let written = |gate, controls| Spelling::of(gate, controls, Library::Qobj).unwrap().name;
        assert_eq!(written(Gate::X, 1), "cx");
        assert_eq!(written(Gate::X, 2), "ccx");
        assert_eq!(written(Gate::X, 7), "mcx");
        assert_eq!(written(Gate::U, 0), "u");
        assert_eq!(written(Gate::P, 2), "mcp");
        assert_eq!(Spelling::of(Gate::H, 2, Library::Qobj).map(|s| s.name), None);
        assert_eq!(Spelling::by_name("mcx").unwrap().n_controls(3), Some(2));
        assert_eq!(Spelling::by_name("ccx").unwrap().n_controls(2), None);
    }

    #[test]
    fn mixing_gates_have_qiskits_phases() {
        // The documentation of qiskit.circuit.library: XXPlusYYGate and XXMinusYYGate.
        let (theta, beta) = (0.7_f64, 0.3);
        let above = -I * (theta / 2.0).sin() * cis(-beta);
        let plus = Gate::XxPlusYy.matrix(&[theta, beta]);
        assert!((plus.at(1, 2) - above).norm() < 1e-15);
        let minus = Gate::XxMinusYy.matrix(&[theta, beta]);
        assert!((minus.at(0, 3) - above).norm() < 1e-15);
    }

    #[test]
    fn controls_come_first() {
        let cx = Gate::X.matrix(&[]).controlled(1, 1);
        assert_eq!(cx, permutation(&[0, 3, 2, 1]));
        let open = Gate::X.matrix(&[]).controlled(1, 0);
        assert_eq!(open, permutation(&[2, 1, 0, 3]));
        let dcx = permutation(&[0, 2, 1, 3]);
        let back = dcx.product(&cx).product(&dcx);
        assert_eq!(back.product(&cx), Gate::Dcx.matrix(&[]));
    }
}
