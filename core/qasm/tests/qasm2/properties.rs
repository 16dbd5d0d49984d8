//! Laws that hold for random circuits and random damage.

use ketch_interface::{
    Circuit,
    circuit::{Controls, Library, SPELLINGS, Spelling},
};
use ketch_qasm::{emit_v2, parse_str};
use proptest::prelude::*;

use crate::unitary::{distance, unitary};

const N_QUBITS: u32 = 5;

/// One instruction of a random circuit.
#[derive(Clone, Debug)]
enum Step {
    Gate { spelling: &'static Spelling, params: Vec<f64>, qubits: Vec<u32> },
    Measure(u32, u32),
    Reset(u32),
    Barrier,
    If { value: u64, then: Box<Step> },
}

impl Step {
    fn apply(&self, circuit: Circuit) -> Circuit {
        match self {
            Self::Gate { spelling, params, qubits } => {
                let Controls::Exactly(controls) = spelling.controls else { unreachable!() };
                circuit.gate(spelling.gate, controls, params, qubits)
            }
            Self::Measure(qubit, clbit) => circuit.measure(*qubit, *clbit),
            Self::Reset(qubit) => circuit.reset(*qubit),
            Self::Barrier => circuit.barrier(),
            Self::If { value, then } => circuit.if_equal(0, *value, |c| then.apply(c)),
        }
    }
}

fn gates(of: fn(&Spelling) -> bool) -> impl Strategy<Value = Step> {
    let known: Vec<&'static Spelling> =
        SPELLINGS.iter().filter(|s| s.controls != Controls::Any && of(s)).collect();
    let qubits = Just((0..N_QUBITS).collect::<Vec<u32>>()).prop_shuffle();
    let params = proptest::collection::vec(-1e3..1e3_f64, 4);
    (proptest::sample::select(known), params, qubits).prop_map(
        |(spelling, mut params, mut qubits)| {
            let Controls::Exactly(controls) = spelling.controls else { unreachable!() };
            let info = spelling.gate.info();
            params.truncate(info.n_params as usize);
            qubits.truncate(usize::from(controls) + info.n_qubits as usize);
            Step::Gate { spelling, params, qubits }
        },
    )
}

fn steps() -> impl Strategy<Value = Step> {
    let included = |s: &Spelling| matches!(s.library, Library::Qelib1 | Library::BuiltIn);
    let simple = prop_oneof![
        6 => gates(included),
        1 => (0..N_QUBITS, 0..N_QUBITS).prop_map(|(qubit, clbit)| Step::Measure(qubit, clbit)),
        1 => (0..N_QUBITS).prop_map(Step::Reset),
    ];
    let simple = simple.boxed();
    prop_oneof![
        6 => simple.clone(),
        1 => Just(Step::Barrier),
        1 => (0..1_u64 << N_QUBITS, simple)
            .prop_map(|(value, then)| Step::If { value, then: Box::new(then) }),
    ]
}

fn build(steps: &[Step]) -> Circuit {
    steps.iter().fold(Circuit::new(N_QUBITS, N_QUBITS), |circuit, step| step.apply(circuit))
}

const PROGRAM: &str = "OPENQASM 2.0;
include \"qelib1.inc\";
qreg q[3]; creg c[3]; opaque o(p) a;
gate g(a,b) x,y { rx(a/b^2-sin(pi)) x; barrier x,y; cx y,x; }
g(-pi/2,1.5e-3) q[0],q[1]; // comment
h q; cx q[0],q[2]; if(c==5) measure q[1] -> c[2];
reset q; barrier q[0],q[1]; o(1) q[2]; measure q -> c;
";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(steps in proptest::collection::vec(steps(), 0..40)) {
        let circuit = build(&steps);
        let text = emit_v2(&circuit).unwrap();
        let read = parse_str(&text, "emitted").unwrap();
        prop_assert_eq!(&read, &circuit);
        prop_assert_eq!(emit_v2(&read).unwrap(), text);
    }

    #[test]
    fn gates_that_are_defined_keep_their_meaning(
        steps in proptest::collection::vec(gates(|s| s.library != Library::BuiltIn), 1..8)
    ) {
        let circuit = build(&steps);
        let text = emit_v2(&circuit).unwrap();
        let read = parse_str(&text, "emitted").unwrap();
        prop_assert!(distance(&unitary(&circuit), &unitary(&read)) < 1e-8, "{text}");
    }

    #[test]
    fn damaged_programs_never_panic(
        damage in proptest::collection::vec((0..PROGRAM.len(), 0..4, any::<u8>()), 1..8)
    ) {
        let mut bytes = PROGRAM.as_bytes().to_vec();
        for (at, kind, byte) in damage {
            let at = at.min(bytes.len().saturating_sub(1));
            match kind {
                _ if bytes.is_empty() => {}
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte & 0x7f),
                _ => {
                    let piece = bytes[at..].iter().take(usize::from(byte)).copied();
                    let piece: Vec<u8> = piece.collect();
                    bytes.splice(at..at, piece);
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        match parse_str(&text, "damaged") {
            Ok(circuit) => prop_assert!(circuit.validate().is_ok()),
            Err(error) => {
                let diagnostic = &error.diagnostics()[0];
                prop_assert!(diagnostic.line <= text.matches('\n').count() + 1);
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
