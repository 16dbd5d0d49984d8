//! Dense matrices of small circuits, and the gates of `qelib1.inc` against their definitions.

use ketch_interface::{
    Circuit, Complex64, Matrix,
    circuit::{Op, Param, Qubit},
};
use ketch_qasm::parse_str;

/// What comes of a matrix when a gate acts on some qubits of its rows' indices.
fn applied(gate: &Matrix, on: &[Qubit], to: &Matrix) -> Matrix {
    let dim = to.dim();
    let mask = on.iter().fold(0, |mask, qubit| mask | 1_usize << qubit.0);
    let place = |inner: usize| {
        on.iter().enumerate().fold(0, |sum, (i, qubit)| sum | (inner >> i & 1) << qubit.0)
    };
    let places: Vec<usize> = (0..gate.dim()).map(place).collect();
    let mut entries = vec![Complex64::ZERO; dim * dim];
    for outer in (0..dim).filter(|index| index & mask == 0) {
        for (row, to_row) in places.iter().enumerate() {
            for (column, from_row) in places.iter().enumerate() {
                let factor = gate.at(row, column);
                if factor != Complex64::ZERO {
                    let from = &to.entries()[(outer | from_row) * dim..][..dim];
                    let sums = &mut entries[(outer | to_row) * dim..][..dim];
                    sums.iter_mut().zip(from).for_each(|(sum, entry)| *sum += factor * entry);
                }
            }
        }
    }
    Matrix::new(dim, entries).unwrap()
}

/// The matrix of a circuit of gates.
pub(crate) fn unitary(circuit: &Circuit) -> Matrix {
    let n_qubits = circuit.n_qubits();
    circuit.instructions().fold(Matrix::identity(n_qubits), |product, instruction| {
        let params: Vec<f64> =
            instruction.params.iter().copied().filter_map(Param::as_number).collect();
        let matrix = match instruction.op {
            Op::Gate(op) => op.matrix(&params),
            Op::Unitary(unitary) => unitary.value.clone(),
            Op::Barrier => return product,
            other => panic!("`{}` has no matrix", other.name()),
        };
        applied(&matrix, instruction.qubits, &product)
    })
}

/// The distance of two unitaries, whatever their global phases.
pub(crate) fn distance(a: &Matrix, b: &Matrix) -> f64 {
    let overlap: Complex64 = a.entries().iter().zip(b.entries()).map(|(a, b)| a.conj() * b).sum();
    if overlap.norm() < 1e-9 {
        return f64::INFINITY;
    }
    let phase = overlap / overlap.norm();
    let turned = a.entries().iter().map(|entry| entry * phase).collect();
    Matrix::new(a.dim(), turned).unwrap().distance(b)
}

/// The gates of the specification's `qelib1.inc` and of those added since, as that file builds
/// them up from U and CX.
const DEFINITIONS: &str = "
gate u3(theta,phi,lambda) q { U(theta,phi,lambda) q; }
gate u2(phi,lambda) q { U(pi/2,phi,lambda) q; }
gate u1(lambda) q { U(0,0,lambda) q; }
gate cx c,t { CX c,t; }
gate id a { U(0,0,0) a; }
gate u0(gamma) q { U(0,0,0) q; }
gate u(theta,phi,lambda) q { U(theta,phi,lambda) q; }
gate p(phi) q { U(0,0,phi) q; }
gate x a { u3(pi,0,pi) a; }
gate y a { u3(pi,pi/2,pi/2) a; }
gate z a { u1(pi) a; }
gate h a { u2(0,pi) a; }
gate s a { u1(pi/2) a; }
gate sdg a { u1(-pi/2) a; }
gate t a { u1(pi/4) a; }
gate tdg a { u1(-pi/4) a; }
gate rx(theta) a { u3(theta,-pi/2,pi/2) a; }
gate ry(theta) a { u3(theta,0,0) a; }
gate rz(phi) a { u1(phi) a; }
gate sx a { sdg a; h a; sdg a; }
gate sxdg a { s a; h a; s a; }
gate cz a,b { h b; cx a,b; h b; }
gate cy a,b { sdg b; cx a,b; s b; }
gate swap a,b { cx a,b; cx b,a; cx a,b; }
gate ch a,b { h b; sdg b; cx a,b; h b; t b; cx a,b; t b; h b; s b; x b; s a; }
gate ccx a,b,c { h c; cx b,c; tdg c; cx a,c; t c; cx b,c; tdg c; cx a,c; t b; t c; h c; cx a,b; t a; tdg b; cx a,b; }
gate cswap a,b,c { cx c,b; ccx a,b,c; cx c,b; }
gate crz(lambda) a,b { u1(lambda/2) b; cx a,b; u1(-lambda/2) b; cx a,b; }
gate cry(lambda) a,b { ry(lambda/2) b; cx a,b; ry(-lambda/2) b; cx a,b; }
gate crx(lambda) a,b { u1(pi/2) b; cx a,b; u3(-lambda/2,0,0) b; cx a,b; u3(lambda/2,-pi/2,0) b; }
gate cu1(lambda) a,b { u1(lambda/2) a; cx a,b; u1(-lambda/2) b; cx a,b; u1(lambda/2) b; }
gate cp(lambda) a,b { p(lambda/2) a; cx a,b; p(-lambda/2) b; cx a,b; p(lambda/2) b; }
gate cu3(theta,phi,lambda) c,t { u1((lambda+phi)/2) c; u1((lambda-phi)/2) t; cx c,t; u3(-theta/2,0,-(phi+lambda)/2) t; cx c,t; u3(theta/2,phi,0) t; }
gate csx a,b { h b; cu1(pi/2) a,b; h b; }
gate cu(theta,phi,lambda,gamma) c,t { p(gamma) c; p((lambda+phi)/2) c; p((lambda-phi)/2) t; cx c,t; u(-theta/2,0,-(phi+lambda)/2) t; cx c,t; u(theta/2,phi,0) t; }
gate rxx(theta) a,b { h a; h b; cx a,b; rz(theta) b; cx a,b; h b; h a; }
gate rzz(theta) a,b { cx a,b; u1(theta) b; cx a,b; }
gate rccx a,b,c { u2(0,pi) c; u1(pi/4) c; cx b,c; u1(-pi/4) c; cx a,c; u1(pi/4) c; cx b,c; u1(-pi/4) c; u2(0,pi) c; }
gate rc3x a,b,c,d { u2(0,pi) d; u1(pi/4) d; cx c,d; u1(-pi/4) d; u2(0,pi) d; cx a,d; u1(pi/4) d; cx b,d; u1(-pi/4) d; cx a,d; u1(pi/4) d; cx b,d; u1(-pi/4) d; u2(0,pi) d; u1(pi/4) d; cx c,d; u1(-pi/4) d; u2(0,pi) d; }
gate c3x a,b,c,d { h d; cu1(pi/2) c,d; h d; ccx a,b,c; h d; cu1(-pi/2) c,d; h d; ccx a,b,c; h d; cu1(pi/4) b,d; cx a,b; cu1(-pi/4) b,d; cx a,b; cu1(pi/4) a,d; h d; }
gate c3sqrtx a,b,c,d { h d; cu1(pi/8) a,d; cx a,b; cu1(-pi/8) b,d; cx a,b; cu1(pi/8) b,d; cx b,c; cu1(-pi/8) c,d; cx a,c; cu1(pi/8) c,d; cx b,c; cu1(-pi/8) c,d; cx a,c; cu1(pi/8) c,d; h d; }
gate c4x a,b,c,d,e { h e; cu1(pi/2) d,e; h e; c3x a,b,c,d; h e; cu1(-pi/2) d,e; h e; c3x a,b,c,d; c3sqrtx a,b,c,e; }
";

#[test]
fn the_gate_table_is_qelib1() {
    use ketch_interface::circuit::{Controls, Library, SPELLINGS};
    let mut n_compared = 0;
    for spelling in SPELLINGS.iter().filter(|spelling| spelling.library == Library::Qelib1) {
        let Controls::Exactly(controls) = spelling.controls else { continue };
        let info = spelling.gate.info();
        let n_qubits = u32::from(controls) + info.n_qubits;
        let params = ["0.7", "-1.1", "2.3", "0.4"][..info.n_params as usize].join(",");
        let qubits: Vec<String> = (0..n_qubits).map(|i| format!("q[{i}]")).collect();
        let call = format!("qreg q[{n_qubits}]; {}({params}) {};", spelling.name, qubits.join(","));
        let built_in = format!("OPENQASM 2.0; include \"qelib1.inc\"; {call}");
        let defined = format!("OPENQASM 2.0; {DEFINITIONS} {call}");
        let built_in = unitary(&parse_str(&built_in, "built in").unwrap());
        let defined = parse_str(&defined, "defined").unwrap_or_else(|error| panic!("{error}"));
        let distance = distance(&built_in, &unitary(&defined));
        assert!(distance < 1e-12, "`{}` is off by {distance}", spelling.name);
        n_compared += 1;
    }
    assert_eq!(n_compared, DEFINITIONS.matches("gate ").count());
}
