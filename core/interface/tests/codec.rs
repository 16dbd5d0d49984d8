//! The binary form keeps everything, and bytes from anywhere are read or refused, never worse.
//!
//! `UPDATE_EXPECT=1` writes the golden bytes anew.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod circuits;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use circuits::{Tape, circuit};
use ketch_interface::circuit::{Op, Qubit, Register};
use ketch_interface::codec::{
    DecodeError, decode_qobj, decode_qobj_on, decode_result, decode_result_on, encode_qobj,
    encode_qobj_on, encode_result, encode_result_on, result_from_bytes, result_to_bytes,
};
use ketch_interface::qobj::{Experiment, Program, Qobj, QobjConfig};
use ketch_interface::result::{Data, ExperimentResult, Memory, SnapshotResult};
use ketch_interface::{Array, BitString, Buffer, Circuit, Complex64, Counts, RunResult};
use proptest::prelude::*;
use serde_json::json;

fn bell() -> Qobj {
    let mut qobj = Qobj::from_circuit(Circuit::new(2, 2).h(0).cx(0, 1).measure_all().named("bell"))
        .with_shots(1024)
        .with_seed(42)
        .with_option("method", "statevector");
    qobj.qobj_id = "golden".to_owned();
    qobj
}

fn result(n_large: usize) -> RunResult {
    let registers = vec![Register::new("c", 0, 2)];
    let mut counts = Counts::new(registers.clone());
    counts.add("00".parse().unwrap(), 510);
    counts.add("11".parse().unwrap(), 514);
    let vector: Array<Complex64> = (0..n_large).map(|i| Complex64::new(0.5, i as f64)).collect();
    let small: Array<Complex64> =
        vec![Complex64::ONE, Complex64::I, Complex64::ZERO, -Complex64::ONE].into();
    let mut experiment = ExperimentResult {
        name: "bell".to_owned(),
        shots: 1024,
        seed: Some(42),
        success: true,
        status: "DONE".to_owned(),
        registers,
        counts: Some(counts),
        memory: Memory::from_bytes(9, vec![1; 2 * n_large].into()),
        snapshots: vec![SnapshotResult {
            kind: "statevector".to_owned(),
            label: "s".to_owned(),
            values: vec![Data::Vector(small.clone()), Data::Number(-0.0)],
        }],
        time_taken: 0.25,
        ..ExperimentResult::default()
    };
    experiment.header.insert("name".to_owned(), "bell".into());
    Arc::make_mut(&mut experiment.metadata)
        .insert("method".to_owned(), json!({"name": "statevector", "why": [1.5]}));
    for (key, data) in [
        ("statevector", Data::Vector(vector.clone())),
        ("unitary", Data::Matrix { dim: 2, entries: small }),
        ("probabilities", Data::Reals((0..n_large).map(|i| i as f64).collect())),
        (
            "list",
            Data::List(vec![Data::Json(json!({"a": 1})), Data::List(vec![Data::Vector(vector)])]),
        ),
    ] {
        experiment.data.insert(key.to_owned(), data);
    }
    RunResult {
        backend_name: "qasm_simulator".to_owned(),
        backend_version: "0.1.0".to_owned(),
        qobj_id: "golden".to_owned(),
        job_id: "1".to_owned(),
        success: true,
        status: "COMPLETED".to_owned(),
        experiments: vec![experiment, ExperimentResult::default()],
        ..RunResult::default()
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(32).map(|chunk| line(chunk) + "\n").collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/codec").join(name)
}

/// The bytes that were written by the first version of the format.
fn expect(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = golden(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, to_hex(bytes)).unwrap();
    }
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("cannot read {}: {e}; set UPDATE_EXPECT=1", path.display()));
    from_hex(&text)
}

#[test]
fn the_bytes_stay_as_they_are() {
    let bytes = encode_qobj(&bell());
    let kept = expect("bell_qobj.hex", &bytes);
    assert_eq!(decode_qobj(&kept).unwrap(), bell(), "old documents are read");
    assert_eq!(to_hex(&bytes), to_hex(&kept), "and nothing newer is written without need");

    let bytes = result_to_bytes(&result(300));
    let kept = expect("result.hex", &bytes);
    assert_eq!(result_from_bytes(&kept).unwrap(), result(300));
    assert_eq!(to_hex(&bytes), to_hex(&kept));
}

#[test]
fn the_bytes_of_every_operation_stay_as_they_are() {
    // A fixed sequence (Knuth's constants), long enough to meet every operation.
    let mut state = 1_u64;
    let numbers: Vec<u64> = (0..12_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state >> 20
        })
        .collect();
    let circuits: Vec<Circuit> =
        numbers.chunks(600).map(|chunk| circuit(&mut Tape { rest: chunk, all: true })).collect();
    let kept = expect("every_operation.hex", &encode_qobj(&Qobj::from_circuits(circuits)));
    let qobj = decode_qobj(&kept).unwrap();
    assert_eq!(to_hex(&encode_qobj(&qobj)), to_hex(&kept));
    let all = qobj.circuits().iter().flat_map(Circuit::instructions);
    let names: BTreeSet<String> = all.map(|instruction| instruction.op.name()).collect();
    let expected = "barrier break_loop continue_loop delay diagonal end for_loop if_else initialize \
        kraus measure multiplexer pauli reset roerror save_amplitudes \
        set_density_matrix set_statevector set_superop snapshot store superop \
        switch_case unitary wait while_loop";
    let missing = expected.split_whitespace().filter(|name| !names.contains(*name));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&str>::new());
}

/// Everything that the first version of the format did not have.
fn dynamic() -> Qobj {
    use ketch_interface::circuit::{
        Binary, Clbit, Expr, StoreElement, Unary, Value, VarId, VarType,
    };
    let mut circuit = Circuit::new(1, 2).named("dynamic");
    circuit.add_variable("bits", VarType::Uint(5));
    circuit.add_variable("a[0]", VarType::Int(8));
    circuit.add_variable("a[1]", VarType::Int(8));
    let bits = circuit.add_expr(Expr::Var(VarId(0)));
    let one = circuit.add_expr(Expr::Literal(Value::Int(1)));
    let index = circuit.add_expr(Expr::Index { of: bits, index: one });
    circuit.add_expr(Expr::Element { first: VarId(1), size: 2, index: one });
    for operator in [Unary::Floor, Unary::Ceiling, Unary::Popcount] {
        circuit.add_expr(Expr::Unary(operator, bits));
    }
    for operator in [Binary::RotateLeft, Binary::RotateRight] {
        circuit.add_expr(Expr::Binary(operator, bits, one));
    }
    let bit = Op::StoreBit { var: VarId(0), index: one, value: index };
    circuit.push(bit, &[], &[], &[]).unwrap();
    let clbit = Op::StoreClbit { index: one, value: index };
    circuit.push(clbit, &[], &[Clbit(1), Clbit(0)], &[]).unwrap();
    let element = StoreElement { first: VarId(1), size: 2, index: one, value: one };
    circuit.push(Op::StoreElement(Box::new(element)), &[], &[], &[]).unwrap();
    let mut qobj = Qobj::from_circuit(circuit);
    qobj.qobj_id = "golden".to_owned();
    qobj
}

#[test]
fn what_came_later_is_named_for_readers_that_do_not_know_it() {
    let bytes = encode_qobj(&dynamic());
    let kept = expect("dynamic.hex", &bytes);
    assert_eq!(decode_qobj(&kept).unwrap(), dynamic());
    assert_eq!(to_hex(&bytes), to_hex(&kept));
    let words = ["floor", "ceiling", "popcount", "rotl", "rotr", "index", "element"];
    for word in words.into_iter().chain(["store_bit", "store_clbit", "store_element"]) {
        // A row of kind 1, and the length of the name.
        let row = [&[1, word.len() as u8], word.as_bytes()].concat();
        let place = bytes.windows(row.len()).position(|window| window == row);
        let mut unknown = bytes.clone();
        unknown[place.unwrap() + 2] = b'_';
        let error = decode_qobj(&unknown).unwrap_err().to_string();
        assert_eq!(error, format!("unknown instruction `_{}`", &word[1..]));
    }
}

#[test]
fn a_whole_qobj_survives() {
    let mut qobj = bell();
    qobj.header.insert("backend_name".to_owned(), "x".into());
    let Program::Circuits { circuits, experiments } = &mut qobj.program else { unreachable!() };
    circuits.push(Circuit::new(1, 0).rx("theta", 0));
    let mut config =
        QobjConfig { memory: Some(false), seed: Some(u64::MAX), ..QobjConfig::default() };
    config.options.insert("deep".to_owned(), json!([0.1, 1e-300, {"a": null}]));
    let header = serde_json::Map::from_iter([("name".to_owned(), json!("ψ"))]);
    for number in 0..3 {
        experiments.push(Experiment {
            circuit: 1,
            bindings: vec![f64::from(number) / 3.0],
            header: header.clone(),
            config: config.clone(),
        });
    }
    assert_eq!(decode_qobj(&encode_qobj(&qobj)).unwrap(), qobj);

    let pulse = serde_json::Map::from_iter([("type".to_owned(), json!("PULSE"))]);
    let qobj = Qobj { program: Program::Pulse(pulse), ..qobj };
    assert_eq!(decode_qobj(&encode_qobj(&qobj)).unwrap(), qobj);
}

#[test]
fn large_arrays_are_shared_and_small_ones_are_not() {
    let original = result(300);
    let (head, buffers) = encode_result(&original);
    assert_eq!(buffers.len(), 2, "the two vectors of 4800 bytes");
    assert!(head.len() < 8192);
    let decoded = decode_result(&head, &buffers).unwrap();
    assert_eq!(decoded, original);
    let address = |result: &RunResult| result.statevector(0).unwrap().as_ptr();
    assert_eq!(address(&decoded), address(&original), "the amplitudes were copied");

    let large = result(10_000);
    let (_, buffers) = encode_result(&large);
    let kinds: Vec<u8> = buffers
        .iter()
        .map(|buffer| match buffer {
            Buffer::Bytes(_) => 0,
            Buffer::Reals(_) => 1,
            _ => 2,
        })
        .collect();
    assert_eq!(kinds, [0, 2, 1, 2]);
    let bytes = result_to_bytes(&large);
    assert_eq!(result_from_bytes(&bytes).unwrap(), large);
    let first = bytes.windows(64).position(|window| window == [1; 64]).unwrap();
    assert_eq!(first % 64, 0, "the shots begin at a multiple of 64 bytes");
}

#[test]
fn what_experiments_share_is_written_as_if_they_did_not_and_shared_again() {
    let one = result(4).experiments.remove(0);
    let mut other = one.clone();
    Arc::make_mut(&mut other.metadata).insert("gates".to_owned(), 3.into());
    let experiments = vec![one.clone(), other.clone(), one.clone(), other, one];
    let shared = RunResult { experiments, ..RunResult::default() };
    let mut apart = shared.clone();
    for experiment in &mut apart.experiments {
        experiment.metadata = Arc::new((*experiment.metadata).clone());
    }
    let (head, buffers) = encode_result(&shared);
    assert_eq!(head, encode_result(&apart).0);
    let back = decode_result(&head, &buffers).unwrap();
    assert_eq!(back, shared);
    let same = |a: usize, b: usize| {
        Arc::ptr_eq(&back.experiments[a].metadata, &back.experiments[b].metadata)
    };
    assert!(same(0, 2) && same(0, 4) && same(1, 3) && !same(0, 1));
    let registers = |place: usize| back.experiments[place].counts.as_ref().unwrap().registers();
    assert!(std::ptr::eq(registers(0), registers(4)), "registers are shared");

    // By experiments that are read apart, too.
    let many = vec![shared.experiments[0].clone(); 300];
    let (head, buffers) = encode_result_on(&RunResult { experiments: many, ..shared }, &on_threads);
    let back = decode_result(&head, &buffers).unwrap();
    let [first, .., last] = &back.experiments[..] else { panic!("300 experiments") };
    assert!(Arc::ptr_eq(&first.metadata, &last.metadata));
}

#[test]
fn circuits_alike_share_their_registers_and_no_others_do() {
    let circuits: Vec<Circuit> = (0..200)
        .map(|n| {
            let mut circuit = Circuit::new(2, 2).h(0).measure_all();
            if n % 3 == 0 {
                circuit.add_creg("more", n);
            }
            circuit
        })
        .collect();
    let qobj = Qobj::from_circuits(circuits);
    let back = decode_qobj(&encode_qobj(&qobj)).unwrap();
    assert_eq!(back, qobj);
    let [_, one, other, ..] = back.circuits() else { panic!("200 circuits") };
    assert!(Arc::ptr_eq(&one.shared_cregs(), &other.shared_cregs()));
    // What is shared is not changed for the others.
    let mut changed = other.clone();
    let mark = changed.mark();
    changed.add_creg("c2", 1);
    assert_eq!((changed.cregs().len(), other.cregs().len()), (2, 1));
    changed.rewind(&mark);
    assert_eq!(changed, *other);
}

/// Each part on a thread of its own, the last first.
fn on_threads(count: usize, task: &(dyn Fn(usize) + Sync)) {
    std::thread::scope(|scope| {
        (0..count).rev().for_each(|number| {
            scope.spawn(move || task(number));
        });
    });
}

#[test]
fn documents_are_read_the_same_side_by_side() {
    let named = |n: usize| Circuit::new(2, 2).h(0).cx(0, 1).measure_all().named(n.to_string());
    let qobj = Qobj::from_circuits((0..300).map(named).collect());
    assert_eq!(decode_qobj_on(&encode_qobj(&qobj), &on_threads).unwrap(), qobj);

    let mut run = result(1000);
    run.experiments = (0..200)
        .map(|n| ExperimentResult { name: n.to_string(), ..run.experiments[0].clone() })
        .collect();
    let (head, buffers) = encode_result(&run);
    assert_eq!(decode_result_on(&head, &buffers, &on_threads).unwrap(), run);

    // Of what is wrong, the first is told.
    let mut circuits: Vec<Circuit> = (0..300).map(named).collect();
    for bad in [290, 150, 70] {
        circuits[bad].push_unchecked(Op::Reset, &[Qubit(2)], &[], &[]);
    }
    let error = decode_qobj_on(&encode_qobj(&Qobj::from_circuits(circuits)), &on_threads);
    assert!(matches!(error, Err(DecodeError::Circuit { index: 70, .. })), "{error:?}");
}

#[test]
fn documents_are_written_the_same_side_by_side() {
    // Gates that come up late change the table of names in the middle.
    let circuit = |n: usize| {
        let circuit = Circuit::new(2, 2).h(0).cx(0, 1).named(n.to_string());
        let circuit = if n % 70 == 69 { circuit.rz(0.5, 1) } else { circuit };
        let circuit = if n > 200 { circuit.swap(0, 1) } else { circuit };
        if n == 290 { circuit.reset(0) } else { circuit.measure_all() }
    };
    for n in [0, 1, 64, 65, 300] {
        let qobj = Qobj::from_circuits((0..n).map(circuit).collect());
        let bytes = encode_qobj(&qobj);
        let aside = encode_qobj_on(&qobj, &on_threads);
        assert!(*aside == *bytes, "{n} circuits");
        assert_eq!(decode_qobj(&bytes).unwrap(), qobj);
    }

    // Most have no large arrays; those in the middle do.
    let (small, large) = (result(4), result(1000));
    let mut run = small.clone();
    run.experiments = (0..300)
        .map(|n| {
            let one = if (100..150).contains(&n) { &large } else { &small };
            ExperimentResult { name: n.to_string(), ..one.experiments[0].clone() }
        })
        .collect();
    let (head, buffers) = encode_result(&run);
    let (head_aside, buffers_aside) = encode_result_on(&run, &on_threads);
    assert!(head_aside == head, "the heads differ");
    assert_eq!(buffers_aside.len(), buffers.len());
    assert_eq!(decode_result(&head, &buffers_aside).unwrap(), run);
}

#[test]
fn missing_and_mistyped_buffers_are_refused() {
    let (head, buffers) = encode_result(&result(300));
    let invalid = |buffers: &[Buffer]| {
        matches!(decode_result(&head, buffers), Err(DecodeError::Invalid { .. }))
    };
    assert!(invalid(&[]));
    assert!(invalid(&buffers[..1]));
    assert!(invalid(&[Buffer::Reals(vec![].into()), buffers[1].clone()]));
}

#[test]
fn an_unknown_gate_or_instruction_is_named() {
    let bytes = encode_qobj(&bell());
    let patched = |from: &[u8], to: &[u8]| {
        let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
        let mut bytes = bytes.clone();
        bytes[place..place + from.len()].copy_from_slice(to);
        decode_qobj(&bytes).unwrap_err()
    };
    // Kind 0 is a gate, kind 1 an instruction; the length of the name follows.
    let error = patched(b"\x00\x01h", b"\x00\x01k");
    assert_eq!(error.to_string(), "unknown instruction `k`");
    let error = patched(b"\x01\x07measure", b"\x01\x07teleprt");
    assert_eq!(error.to_string(), "unknown instruction `teleprt`");
}

#[test]
fn unknown_versions_features_and_critical_sections_are_refused() {
    let bytes = encode_qobj(&bell());
    let with = |place: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[place] = value;
        bytes
    };
    assert!(matches!(decode_qobj(&with(0, 0)), Err(DecodeError::Magic { .. })));
    assert!(matches!(decode_qobj(&with(4, 2)), Err(DecodeError::Version { found: 2, .. })));
    assert_eq!(decode_qobj(&with(6, 9)).unwrap(), bell(), "a newer minor version is read");
    assert!(matches!(decode_qobj(&with(8, 4)), Err(DecodeError::Features { bits: 4, .. })));

    let mut more = bytes.clone();
    more.extend([77, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
    assert_eq!(decode_qobj(&more).unwrap(), bell(), "a skippable section is passed over");
    more[bytes.len() + 4] = 1;
    assert!(matches!(decode_qobj(&more), Err(DecodeError::Section { number: 77, .. })));
}

#[test]
fn a_length_of_almost_everything_allocates_nothing() {
    let mut bytes = encode_qobj(&bell());
    let section = 12 + 8;
    bytes[section..section + 8].copy_from_slice(&(u64::MAX - 1).to_le_bytes());
    assert!(matches!(decode_qobj(&bytes), Err(DecodeError::Truncated { .. })));
    // The id's length, as the longest number there is.
    let mut bytes = encode_qobj(&bell());
    bytes.splice(28..29, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    assert!(decode_qobj(&bytes).is_err());
}

#[test]
fn an_invalid_circuit_is_refused() {
    let mut circuit = Circuit::new(1, 0);
    circuit.push_unchecked(Op::Reset, &[Qubit(7)], &[], &[]);
    let error = decode_qobj(&encode_qobj(&Qobj::from_circuit(circuit))).unwrap_err();
    assert!(matches!(error, DecodeError::Circuit { index: 0, .. }), "{error}");
}

#[test]
fn blocks_nested_too_deeply_are_refused() {
    let mut circuit = Circuit::new(1, 1);
    let condition = circuit.register_equals(0, 1, 1);
    let blocks: Vec<_> = (0..100_000).map(|_| circuit.open_if(condition)).collect();
    blocks.into_iter().rev().for_each(|block| circuit.close_block(block));
    let error = decode_qobj(&encode_qobj(&Qobj::from_circuit(circuit))).unwrap_err();
    assert!(matches!(error, DecodeError::Circuit { .. }), "{error}");
}

#[test]
fn an_expression_that_would_never_end_is_refused() {
    use ketch_interface::circuit::{Binary, Expr, Unary, Value};
    let mut doubled = Circuit::new(1, 0);
    let mut id = doubled.add_expr(Expr::Literal(Value::Float(1.0)));
    for _ in 0..64 {
        id = doubled.add_expr(Expr::Binary(Binary::Add, id, id));
    }
    let mut deep = Circuit::new(1, 0);
    let mut id = deep.add_expr(Expr::Literal(Value::Float(1.0)));
    for _ in 0..100_000 {
        id = deep.add_expr(Expr::Unary(Unary::Negate, id));
    }
    for circuit in [doubled, deep] {
        let error = decode_qobj(&encode_qobj(&Qobj::from_circuit(circuit))).unwrap_err();
        assert!(matches!(error, DecodeError::Circuit { .. }), "{error}");
    }
}

#[test]
fn data_nested_too_deeply_is_refused() {
    let mut data = Data::Number(1.0);
    for _ in 0..100 {
        data = Data::List(vec![data]);
    }
    let mut experiment = ExperimentResult::default();
    experiment.data.insert("deep".to_owned(), data);
    let result = RunResult { experiments: vec![experiment], ..RunResult::default() };
    assert!(result_from_bytes(&result_to_bytes(&result)).is_err());
}

#[test]
fn cut_documents_are_refused_at_every_byte() {
    let bytes = encode_qobj(&bell());
    for end in 0..bytes.len() {
        assert!(decode_qobj(&bytes[..end]).is_err(), "the first {end} bytes are a Qobj");
    }
    let bytes = result_to_bytes(&result(300));
    for end in 0..bytes.len() {
        assert!(result_from_bytes(&bytes[..end]).is_err(), "the first {end} bytes are a result");
    }
    let (head, buffers) = encode_result(&result(20));
    for end in 0..head.len() {
        // Whole sections may be missing at the end: they are experiments.
        if let Ok(part) = decode_result(&head[..end], &buffers) {
            assert!(part.experiments.len() < 2);
        }
    }
}

proptest! {
    #[test]
    fn any_circuit_survives(numbers in prop::collection::vec(any::<u64>(), 0..600)) {
        let original = circuit(&mut Tape { rest: &numbers, all: true });
        let qobj = Qobj::from_circuit(original);
        prop_assert_eq!(decode_qobj(&encode_qobj(&qobj)).unwrap(), qobj);
    }

    #[test]
    fn damaged_qobjs_are_read_or_refused(
        numbers in prop::collection::vec(any::<u64>(), 0..300),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = encode_qobj(&Qobj::from_circuit(circuit(&mut Tape { rest: &numbers, all: true })));
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(qobj) = decode_qobj(&bytes) {
            // Whatever it is now, it is a valid document.
            prop_assert!(decode_qobj(&encode_qobj(&qobj)).is_ok());
        }
    }

    #[test]
    fn damaged_results_are_read_or_refused(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = result_to_bytes(&result(300));
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let _ = result_from_bytes(&bytes);
    }

    #[test]
    fn any_bytes_are_refused_or_read(
        rest in prop::collection::vec(any::<u8>(), 0..200),
        magic in prop::sample::select(vec![*b"KQBJ", *b"KRES", *b"KRBL"]),
    ) {
        let mut bytes = magic.to_vec();
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(rest);
        let _ = (decode_qobj(&bytes), decode_result(&bytes, &[]), result_from_bytes(&bytes));
    }

    #[test]
    fn counts_of_any_width_survive(
        outcomes in prop::collection::vec((any::<[u64; 3]>(), 0_u32..1 << 20), 0..20),
        width in 0_u32..192,
    ) {
        let mut counts = Counts::new(vec![Register::new("c", 0, width)]);
        for (words, count) in outcomes {
            counts.add(BitString::from_words(width, &words), count.into());
        }
        let experiment = ExperimentResult { counts: Some(counts), ..ExperimentResult::default() };
        let result = RunResult { experiments: vec![experiment], ..RunResult::default() };
        prop_assert_eq!(result_from_bytes(&result_to_bytes(&result)).unwrap(), result);
    }
}
