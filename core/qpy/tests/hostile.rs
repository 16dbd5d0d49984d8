//! Small files that would become large, deep or endless circuits.

use ketch_interface::circuit::Op;
use ketch_qpy::{MAX_EXPANSION, read};

/// A circuit of version 17 on one qubit.
#[derive(Default)]
struct Body {
    n_qubits: u32,
    customs: Vec<Vec<u8>>,
    instructions: Vec<Vec<u8>>,
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(1_u16.to_be_bytes());
        bytes.push(b'f');
        bytes.extend(8_u16.to_be_bytes());
        bytes.extend(self.n_qubits.to_be_bytes());
        bytes.extend([0; 4 + 8 + 4]);
        bytes.extend((self.instructions.len() as u64).to_be_bytes());
        bytes.extend([0; 4]);
        bytes.push(b'c');
        bytes.extend(0_f64.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend((self.customs.len() as u64).to_be_bytes());
        bytes.extend(self.customs.concat());
        bytes.extend(self.instructions.concat());
        bytes.extend([0; 2 + 21]);
        bytes
    }

    fn file(&self) -> Vec<u8> {
        let mut bytes = b"QISKIT\x11\x02\x06\x02".to_vec();
        bytes.extend(1_u64.to_be_bytes());
        bytes.extend(b"pq");
        bytes.extend(28_u64.to_be_bytes());
        bytes.extend(self.bytes());
        bytes
    }

    /// What is said when it is read.
    fn refusal(&self) -> String {
        read(&self.file()).expect_err("a circuit that cannot be").to_string()
    }
}

/// An instruction on qubit 0, or on nothing.
fn instruction(name: &str, n_qubits: u32, params: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = (name.len() as u16).to_be_bytes().to_vec();
    bytes.extend([0; 2]);
    bytes.extend((params.len() as u16).to_be_bytes());
    bytes.extend(n_qubits.to_be_bytes());
    bytes.extend([0; 4 + 1 + 2 + 8 + 4 + 4]);
    bytes.extend(name.bytes());
    for qubit in 0..n_qubits {
        bytes.push(b'q');
        bytes.extend(qubit.to_be_bytes());
    }
    for (kind, param) in params {
        bytes.push(*kind);
        bytes.extend((param.len() as u64).to_be_bytes());
        bytes.extend(param);
    }
    bytes
}

/// An instruction without the bits that it acts on.
fn base(name: &str, params: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = instruction(name, 1, params);
    let bits = 2 + 2 + 2 + 4 + 4 + 1 + 2 + 8 + 4 + 4 + name.len();
    bytes.drain(bits..bits + 5);
    bytes
}

fn custom(name: &str, kind: u8, definition: &[u8], base: &[u8]) -> Vec<u8> {
    let mut bytes = (name.len() as u16).to_be_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(1_u32.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.push(u8::from(!definition.is_empty()));
    bytes.extend((definition.len() as u64).to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend((base.len() as u64).to_be_bytes());
    bytes.extend(name.bytes());
    bytes.extend(definition);
    bytes.extend(base);
    bytes
}

/// Definitions in definitions; each uses the next one so often.
fn nested(depth: usize, uses: usize) -> Body {
    let mut body =
        Body { n_qubits: 1, instructions: vec![instruction("HGate", 1, &[])], ..Body::default() };
    for _ in 0..depth {
        body = Body {
            n_qubits: 1,
            customs: vec![custom("g_0", b'g', &body.bytes(), &[])],
            instructions: vec![instruction("g_0", 1, &[]); uses],
        };
    }
    body
}

#[test]
fn definitions_do_not_double_without_end() {
    let few = nested(5, 2);
    assert_eq!(read(&few.file()).unwrap()[0].circuit.len(), 32);
    let message = nested(50, 2).refusal();
    assert!(message.contains(&format!("more than {MAX_EXPANSION} steps")), "{message}");
    assert!(message.starts_with("circuit `c`: `g`: "), "{message}");
}

#[test]
fn nothing_is_nested_deep() {
    assert!(nested(200, 1).refusal().contains("nested more than 64 deep"));
    let mut expression = vec![b'v', b'b', b'b', 1];
    for _ in 0..100_000 {
        expression = [&[b'u', b'b', 2][..], &expression].concat();
        if expression.len() > 3000 {
            break;
        }
    }
    let delay = instruction("Delay", 1, &[(b'x', expression)]);
    let body = Body { n_qubits: 1, instructions: vec![delay], ..Body::default() };
    assert!(body.refusal().contains("nested more than 64 deep"));
}

#[test]
fn annotations_of_themselves_end() {
    let inverse = [&[b'i'][..], &[0; 16]].concat();
    let own = base("a_0", &[(b'm', inverse.clone())]);
    let body = Body {
        n_qubits: 1,
        customs: vec![custom("a_0", b'a', &[], &own)],
        instructions: vec![instruction("a_0", 1, &[(b'm', inverse)])],
    };
    assert!(body.refusal().contains("use each other more than 64 deep"));
}

#[test]
fn powers_are_bounded() {
    let with = |exponent: f64| {
        let power = [&[b'p'][..], &[0; 8], &exponent.to_be_bytes()].concat();
        let gate = base("HGate", &[]);
        Body {
            n_qubits: 1,
            customs: vec![custom("p_0", b'a', &[], &gate)],
            instructions: vec![instruction("p_0", 1, &[(b'm', power)])],
        }
    };
    assert_eq!(read(&with(-3.0).file()).unwrap()[0].circuit.len(), 3);
    assert!(with(9e8).refusal().contains("steps"));
    assert!(with(0.5).refusal().contains("the power 0.5"));
    assert!(with(f64::NAN).refusal().contains("the power NaN"));
}

#[test]
fn what_is_inverted_is_checked_first() {
    let inverse = [&[b'i'][..], &[0; 16]].concat();
    let gate = base("RXGate", &[]);
    let body = Body {
        n_qubits: 1,
        customs: vec![custom("a_0", b'a', &[], &gate)],
        instructions: vec![instruction("a_0", 1, &[(b'm', inverse)])],
    };
    let message = body.refusal();
    assert!(message.contains("`rx` takes 1 parameters, found 0"), "{message}");
}

#[test]
fn long_loops_stay_loops() {
    let range: Vec<u8> = [i64::MIN, i64::MAX, 1].iter().flat_map(|n| n.to_be_bytes()).collect();
    let inner =
        Body { n_qubits: 1, instructions: vec![instruction("HGate", 1, &[])], ..Body::default() };
    let params = [(b'r', range), (b'z', Vec::new()), (b'q', inner.bytes())];
    let each = instruction("ForLoopOp", 1, &params);
    let body = Body { n_qubits: 1, instructions: vec![each], ..Body::default() };
    let programs = read(&body.file()).unwrap();
    assert_eq!(programs[0].circuit.len(), 2);
    assert!(matches!(programs[0].circuit.instruction(0).op, Op::For(_)));
}

#[test]
fn sizes_are_not_believed() {
    let many = Body { n_qubits: u32::MAX, ..Body::default() };
    assert!(many.refusal().contains("at most 1048576"));
    let mut bytes = Body::default().file();
    // The number of instructions.
    let place = bytes.len() - 2 - 21 - 8 - 4 - 8 - 1 - 4 - 8;
    bytes[place..place + 8].copy_from_slice(&(u64::MAX / 33).to_be_bytes());
    assert!(read(&bytes).unwrap_err().to_string().contains("things of 33 bytes expected"));
}

#[test]
fn substitutions_do_not_grow_without_end() {
    let uuid = [7_u8; 16];
    let symbol = [&1_u16.to_be_bytes()[..], &uuid, b"x"].concat();
    let table = [&b"pp"[..], &[0; 8], &symbol].concat();
    let formula = |steps: &[u8]| {
        let size = (steps.len() as u64).to_be_bytes();
        [&1_u64.to_be_bytes()[..], &size, steps, &table].concat()
    };
    let sum = [&[0, b'p'][..], &uuid, b"p", &uuid].concat();
    let doubled = formula(&sum);
    let item = [
        &1_u64.to_be_bytes()[..],
        &16_u16.to_be_bytes(),
        b"e",
        &(doubled.len() as u16).to_be_bytes(),
        &uuid,
        &doubled,
    ]
    .concat();
    let size = (item.len() as u64).to_be_bytes();
    let step = [&[15, b'u'][..], &size, &[0; 8], b"n", &[0; 16], &item].concat();
    let with = |times: usize| {
        let steps = [sum.clone(), step.repeat(times)].concat();
        let gate = instruction("RXGate", 1, &[(b'e', formula(&steps))]);
        Body { n_qubits: 1, instructions: vec![gate], ..Body::default() }
    };
    let programs = read(&with(3).file()).unwrap();
    let bound = programs[0].circuit.bind(&[0.25]).unwrap();
    assert_eq!(bound.instruction(0).params[0].as_number(), Some(16.0 * 0.25));
    assert!(with(40).refusal().contains("cannot be run"));
    assert!(with(3000).refusal().contains("substitutions of more than"));
}
