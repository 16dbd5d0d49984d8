//! Small files that would become large, deep or endless circuits.

use ketch_interface::circuit::Op;
use ketch_qpy::{MAX_EXPANSION, read};

/// A circuit of version 17, or of version 18 if it has registers.
#[derive(Default)]
struct Body {
    n_qubits: u32,
    n_clbits: u32,
    registers: Vec<Vec<u8>>,
    customs: Vec<Vec<u8>>,
    instructions: Vec<Vec<u8>>,
}

impl Body {
    fn version(&self) -> u8 {
        if self.registers.is_empty() { 17 } else { 18 }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(1_u16.to_be_bytes());
        bytes.push(b'f');
        bytes.extend(8_u16.to_be_bytes());
        bytes.extend(self.n_qubits.to_be_bytes());
        bytes.extend(self.n_clbits.to_be_bytes());
        bytes.extend([0; 8]);
        bytes.extend((self.registers.len() as u32).to_be_bytes());
        bytes.extend((self.instructions.len() as u64).to_be_bytes());
        bytes.extend([0; 4]);
        bytes.push(b'c');
        bytes.extend(0_f64.to_be_bytes());
        bytes.extend(self.registers.concat());
        bytes.extend([0; 4]);
        // Vectors of parameters; before version 18 calibrations, at another place.
        let later = self.version() >= 18;
        bytes.extend(if later { &[0; 2][..] } else { &[] });
        bytes.extend((self.customs.len() as u64).to_be_bytes());
        bytes.extend(self.customs.concat());
        bytes.extend(self.instructions.concat());
        bytes.extend(if later { &[] } else { &[0; 2][..] });
        bytes.extend([0; 21]);
        bytes
    }

    fn file(&self) -> Vec<u8> {
        self.times(1)
    }

    /// A file with this circuit so often.
    fn times(&self, number: usize) -> Vec<u8> {
        let (circuit, mut bytes) = (self.bytes(), b"QISKIT".to_vec());
        bytes.extend([self.version(), 2, 6, 2]);
        bytes.extend((number as u64).to_be_bytes());
        bytes.extend(b"pq");
        let begins = |place: usize| 20 + 8 * number + circuit.len() * place;
        bytes.extend((0..number).flat_map(|place| (begins(place) as u64).to_be_bytes()));
        bytes.extend(circuit.repeat(number));
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
            ..Body::default()
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
        ..Body::default()
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
            ..Body::default()
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
        ..Body::default()
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

/// The widest circuit: one clbit more is refused.
const WIDE: u32 = 1 << 20;

/// How often all of the widest circuit's clbits may be named.
const NAMED: usize = (MAX_EXPANSION / WIDE as u64) as usize;

/// A classical register of so many bits from the first one on, in version 18.
fn register(name: &str, size: u32) -> Vec<u8> {
    let mut bytes = vec![b'c', 1];
    bytes.extend(size.to_be_bytes());
    bytes.extend((name.len() as u16).to_be_bytes());
    bytes.extend([1, 1]);
    bytes.extend(name.bytes());
    bytes.extend(0_u32.to_be_bytes());
    bytes
}

/// One register after the other, on the same bits.
fn wide(number: usize) -> Body {
    let registers = (0..number).map(|place| register(&format!("c{place}"), WIDE));
    Body { n_clbits: WIDE, registers: registers.collect(), ..Body::default() }
}

/// What is said of bytes that cannot be read.
fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("a file that cannot be read").to_string()
}

#[test]
fn wide_registers_are_counted_over_the_whole_file() {
    let programs = read(&wide(2).times(NAMED / 2)).unwrap();
    assert_eq!(programs.len(), NAMED / 2);
    assert_eq!(programs[0].registers[1].clbits.len(), WIDE as usize);
    for (registers, circuits) in [(NAMED + 1, 1), (1, NAMED + 1), (3, NAMED / 2), (1, 5000)] {
        let message = refusal(&wide(registers).times(circuits));
        assert!(message.contains("more than the file may name"), "{message}");
    }
}

#[test]
fn long_stores_are_counted_over_the_whole_file() {
    let of_width =
        |bytes: &[u8]| [&[bytes[0], b'u'], &WIDE.to_be_bytes()[..], &bytes[1..]].concat();
    let place = of_width(b"xR\x00\x02c0");
    let value = of_width(b"vi\x01\x07");
    let store = instruction("Store", 0, &[(b'x', place), (b'x', value)]);
    let stores = |number: usize| Body { instructions: vec![store.clone(); number], ..wide(1) };
    // Each register of a circuit and each store names all bits, and each value has as many.
    let programs = read(&stores(2).times(2)).unwrap();
    assert_eq!(programs[1].circuit.len(), 2);
    for bytes in [stores(NAMED).file(), stores(3).times(2), stores(2).times(3)] {
        let message = refusal(&bytes);
        assert!(message.starts_with("circuit `c`: `Store`: "), "{message}");
        assert!(message.contains(&format!("more than {MAX_EXPANSION} steps")), "{message}");
    }
}

/// Evolution by this formula under an observable of one term with these letters, by their codes.
fn evolution(codes: &[u16], formula: &str) -> Body {
    let n = codes.len() as u32;
    let sizes = [16, 2 * u64::from(n), 4 * u64::from(n), 16];
    let mut operator = vec![1];
    operator.extend(n.to_be_bytes());
    operator.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    operator.extend([1_f64, 0.0].iter().flat_map(|part| part.to_be_bytes()));
    operator.extend(codes.iter().flat_map(|code| code.to_be_bytes()));
    operator.extend((0..n).flat_map(u32::to_be_bytes));
    operator.extend([0, u64::from(n)].iter().flat_map(|bound| bound.to_be_bytes()));
    evolution_under(n, &[operator], formula)
}

fn evolution_under(n_qubits: u32, operators: &[Vec<u8>], formula: &str) -> Body {
    let mut definition = (operators.len() as u64).to_be_bytes().to_vec();
    definition.extend([0, b'f']);
    definition.extend(8_u64.to_be_bytes());
    definition.extend((formula.len() as u64).to_be_bytes());
    definition.extend(operators.concat());
    definition.extend(1_f64.to_be_bytes());
    definition.extend(formula.bytes());
    let mut evolution = custom("e_0", b'p', &definition, &[]);
    evolution[3..7].copy_from_slice(&n_qubits.to_be_bytes());
    Body {
        n_qubits,
        customs: vec![evolution],
        instructions: vec![instruction("e_0", n_qubits, &[])],
        ..Body::default()
    }
}

#[test]
fn long_products_are_bounded() {
    let lie = r#"{"class": "LieTrotter", "settings": {}}"#;
    // Each projector is two operators.
    let projectors = |number| evolution(&vec![0b1001; number], lie);
    let programs = read(&projectors(3).file()).unwrap();
    assert!(programs[0].circuit.len() > 8, "{}", programs[0].circuit.len());
    // High orders copy the product again and again.
    let high = r#"{"class": "SuzukiTrotter", "settings": {"order": 16}}"#;
    let z = |number| evolution(&vec![0b0001; number], high);
    for body in [projectors(40), z(60)] {
        let message = body.refusal();
        assert!(message.contains(&format!("more than {MAX_EXPANSION} steps")), "{message}");
    }
}

#[test]
fn nothing_is_not_repeated() {
    let none = [&[1][..], &[0; 4 + 24], &8_u64.to_be_bytes(), &[0; 8]].concat();
    let for_ever = |class: &str, order: u64| {
        let settings = format!(r#"{{"reps": {}, "order": {order}}}"#, u64::MAX);
        format!(r#"{{"class": "{class}", "settings": {settings}}}"#)
    };
    for formula in [for_ever("LieTrotter", 1), for_ever("SuzukiTrotter", 16)] {
        let nothing = evolution_under(1, &vec![none.clone(); 100], &formula);
        assert_eq!(read(&nothing.file()).unwrap()[0].circuit.len(), 0);
    }
}

/// Truth values as numpy writes them.
fn truths(shape: &str, size: usize, is_true: impl Fn(usize) -> bool) -> Vec<u8> {
    let head = format!("{{'descr': '|b1', 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.bytes());
    bytes.extend((0..size).map(|place| u8::from(is_true(place))));
    bytes
}

#[test]
fn matrices_are_counted_by_their_entries() {
    let identity = truths("(2, 2)", 4, |place| place % 3 == 0);
    let gate = base("UnitaryGate", &[(b'n', identity)]);
    let powers = |exponent: f64, times: usize| {
        let power = [&[b'p'][..], &[0; 8], &exponent.to_be_bytes()].concat();
        let inverse = [&[b'i'][..], &[0; 16]].concat();
        let modifiers = [vec![(b'm', power)], vec![(b'm', inverse); times]].concat();
        Body {
            n_qubits: 1,
            customs: vec![custom("p_0", b'a', &[], &gate)],
            instructions: vec![instruction("p_0", 1, &modifiers)],
            ..Body::default()
        }
    };
    assert_eq!(read(&powers(5.0, 3).file()).unwrap()[0].circuit.len(), 5);
    // Two words and four entries for each: fewer of them would fit without the entries.
    assert!(powers(2e6, 0).refusal().contains("steps"));
    assert!(powers(1e4, 5000).refusal().contains("steps"));
}

#[test]
fn what_loops_repeat_is_counted_with_its_parameters() {
    let range = |stop: i64| [0, stop, 1].iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<u8>>();
    let each = |n_qubits: u32, values: (u8, Vec<u8>), body: &Body| Body {
        n_qubits,
        instructions: vec![instruction(
            "ForLoopOp",
            n_qubits,
            &[values, (b'z', Vec::new()), (b'q', body.bytes())],
        )],
        ..Body::default()
    };
    let twice =
        |body: &Body, n: u32| each(n, (b'r', range(256)), &each(n, (b'r', range(256)), body));
    // A loop through a list that is too long to be unrolled.
    let item = [&[b'i'][..], &8_u64.to_be_bytes(), &[0; 8]].concat();
    let list = [&2000_u64.to_be_bytes()[..], &item.repeat(2000)].concat();
    let gate =
        Body { n_qubits: 1, instructions: vec![instruction("HGate", 1, &[])], ..Body::default() };
    let listed = each(1, (b't', list), &gate);
    assert_eq!(read(&listed.file()).unwrap()[0].circuit.len(), 2);
    assert!(twice(&listed, 1).refusal().contains("steps"));
    // A state.
    let zero = truths("(1024,)", 1024, |place| place == 0);
    let initialize = instruction("Initialize", 10, &[(b'n', zero)]);
    let state = Body { n_qubits: 10, instructions: vec![initialize], ..Body::default() };
    assert_eq!(read(&each(10, (b'r', range(5)), &state).file()).unwrap()[0].circuit.len(), 5);
    assert!(twice(&state, 10).refusal().contains("steps"));
}
