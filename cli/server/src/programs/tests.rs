//! Parameters as clients send them, and results as they read them.

use ketch::{BackendConfiguration, RunResult};
use serde_json::{Value, json};

use super::*;
use crate::wire::{Budget, deflated, floats, of_kind, typed};

const BELL: &str = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[2] q; bit[2] c; \
     h q[0]; cx q[0], q[1]; c = measure q;";
const TURN: &str = "OPENQASM 3.0; include \"stdgates.inc\"; input float b; input float a; \
     qubit[1] q; bit[1] c; ry(a) q[0]; rz(b) q[0]; c[0] = measure q[0];";

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn read(program: &str, params: Value) -> Program {
    match Program::read(program, &params) {
        Ok(program) => program,
        Err(Unread::Refused(refusal) | Unread::Fails(refusal)) => panic!("{}", refusal.message),
    }
}

/// The result as a client reads it.
#[track_caller]
fn result(program: &Program, result: &RunResult) -> Value {
    serde_json::from_slice(&program.result(result.clone()).unwrap()).unwrap()
}

/// Why a request is refused.
#[track_caller]
fn refused(program: &str, params: Value) -> String {
    match Program::read(program, &params) {
        Err(Unread::Refused(refusal)) if refusal.status < 500 => refusal.message,
        other => panic!("{other:?}"),
    }
}

fn sampler(program: Program) -> Vec<SamplerPub> {
    match program {
        Program::Sampler { pubs, .. } => pubs,
        Program::Estimator { .. } | Program::Executor { .. } => panic!("not a sampler's"),
    }
}

#[test]
fn pubs_are_read_in_every_form() {
    for form in [json!(BELL), json!([BELL]), json!([BELL, null, 100]), json!([BELL, [], 100])] {
        let pubs = sampler(read("sampler", json!({ "pubs": [form], "version": 2 })));
        assert_eq!(pubs[0].circuit.n_qubits(), 2);
        assert!(matches!(pubs[0].shots, None | Some(100)));
    }
    let qasm2 = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[1]; creg c[1]; h q[0]; \
                 measure q[0] -> c[0];";
    assert_eq!(sampler(read("sampler", json!({ "pubs": [qasm2] }))).len(), 1);
}

/// A file that Qiskit wrote, as its client sends it.
fn qpy(name: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/qpy");
    typed("QuantumCircuit", deflated(&std::fs::read(folder.join(name)).unwrap()).into())
}

#[test]
fn circuits_of_every_qpy_version_are_read() {
    for version in 13..=18 {
        let pubs = json!([[qpy(&format!("v{version}/bell.qpy")), null, 10]]);
        let pubs = sampler(read("sampler", json!({ "pubs": pubs })));
        assert_eq!(pubs[0].circuit.n_qubits(), 2);
        assert_eq!(pubs[0].circuit.cregs()[0].name, "c");
    }
    let vectors = sampler(read(
        "sampler",
        json!({ "pubs": [[qpy("v17/vectors.qpy"), [1, 2, 3, 4, 5, 6, 7]]] }),
    ));
    assert_eq!(vectors[0].circuit.parameters().last().unwrap(), "theta2");
    let message = refused("sampler", json!({ "pubs": [[qpy("v17/two_circuits.qpy")]] }));
    assert!(message.contains("pub 0: circuit: 2 circuits, expected one"), "{message}");
    let message = refused("sampler", json!({ "pubs": [[qpy("v17/variables.qpy")]] }));
    assert!(message.contains("the input `flag` of type `Bool` has no value"), "{message}");
    let broken = typed("QuantumCircuit", deflated(b"QISKIT\x11\x02").into());
    let message = refused("sampler", json!({ "pubs": [[broken]] }));
    assert!(message.contains("broken QPY file"), "{message}");
}

#[test]
fn numbers_belong_to_the_parameters_in_the_order_of_their_names() {
    let of = |values: Value| {
        let program = read("sampler", json!({ "pubs": [[TURN, values]] }));
        let simulator = BackendConfiguration::simulator("s", "1.0.0", 5);
        let qobj = program.plan(&simulator).unwrap();
        let experiments = qobj.experiments().to_vec();
        let bound = |place: usize| {
            let circuit = qobj.circuits()[0].bind(&experiments[place].bindings).unwrap();
            format!("{circuit:?}")
        };
        (experiments.len(), bound(0))
    };
    let in_lists = of(json!([[0.125, 0.75], [0.5, 0.25]]));
    assert_eq!(in_lists.0, 2);
    assert_eq!(of(floats(&[2, 2], &[0.125, 0.75, 0.5, 0.25])), in_lists);
    assert_eq!(of(json!({ "a": [0.125, 0.5], "b": [0.75, 0.25] })), in_lists);
    assert_eq!(of(json!({ "b,a": [[0.75, 0.125], [0.25, 0.5]] })), in_lists);
    assert_eq!(of(json!({ "a": 0.125, "b": 0.75 })).0, 1);
}

#[test]
fn places_without_numbers_are_places_too() {
    let simulator = BackendConfiguration::simulator("s", "1.0.0", 5);
    for (values, places) in [(json!([]), 1), (json!([[], [], []]), 3)] {
        let program = read("sampler", json!({ "pubs": [[BELL, values, 100]] }));
        assert_eq!(program.plan(&simulator).unwrap().experiments().len(), places);
    }
}

#[test]
fn vector_elements_stand_in_the_order_of_their_numbers() {
    let mut names = ["b", "a[10]", "a[9]", "a", "c[0]"];
    names.sort_by_key(|name| read::place_of(name));
    assert_eq!(names, ["a", "a[9]", "a[10]", "b", "c[0]"]);
}

#[test]
fn what_is_wrong_is_said_with_the_pub() {
    let pubs = |one: Value| json!({ "pubs": [[BELL], one] });
    for (one, said) in [
        (json!([]), "circuit"),
        (json!([5]), "circuit"),
        (json!({}), "expected ["),
        (json!(["qubit q; foo q;"]), "foo"),
        (json!([BELL, null, -1]), "shots"),
        (json!([BELL, null, 1.5]), "shots"),
        (json!([BELL, null, 1, 2]), "fields"),
        (json!([BELL, "x"]), "parameter_values"),
        (json!([BELL, [[1], [1, 2]]]), "different sizes"),
        (json!([BELL, typed("ndarray", json!("!"))]), "base64"),
        (json!([BELL, typed("ndarray", deflated(b"x").into())]), ".npy"),
        (json!([typed("QuantumCircuit", json!(5))]), "circuit"),
        (json!([typed("QuantumCircuit", json!("AAAA"))]), "zlib"),
    ] {
        let message = refused("sampler", pubs(one.clone()));
        assert!(message.starts_with("pub 1: ") && message.contains(said), "{one}: {message}");
    }
    assert!(refused("sampler", json!({})).contains("pubs"));
    assert!(refused("sampler", json!(5)).contains("pubs"));
    assert!(refused("sampler", json!({ "pubs": [], "version": 1 })).contains("version"));
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    assert!(refused("sampler", json!({ "pubs": [[BELL, deep]] })).contains("deeper"));
    let bomb = deflated(&vec![0; 130 << 20]);
    let bomb = json!({ "pubs": [[typed("QuantumCircuit", bomb.into())]] });
    assert!(refused("sampler", bomb).contains("inflates"));
    for (observables, said) in [
        (json!(5), "observables"),
        (json!([["ZZ"], "ZZ"]), "different sizes"),
        (json!("QQ"), "observables"),
        (json!({ "ZZ": "x" }), "weight"),
        (json!({}), "observables"),
    ] {
        let message = refused("estimator", json!({ "pubs": [[BELL, observables]] }));
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn options_that_would_be_missed_are_refused_and_others_noted() {
    let with = |options: Value| json!({ "pubs": [BELL], "options": options });
    for options in [
        json!({ "resilience": { "zne_mitigation": true } }),
        json!({ "execution": { "meas_type": "kerneled" } }),
        json!({ "simulator": { "noise_model": {} } }),
        json!({ "default_shots": "x" }),
        json!({ "simulator": { "seed_simulator": -5 } }),
    ] {
        refused("sampler", with(options));
    }
    let estimate = |level: Value, options: Value| json!({ "pubs": [[BELL, ["ZZ"]]], "resilience_level": level, "options": options });
    refused("estimator", estimate(2.into(), json!({})));
    refused("estimator", estimate("high".into(), json!({})));
    for (level, options, noted) in [
        (json!(0), json!({}), &[][..]),
        (json!(null), json!({}), &[]),
        (json!(1), json!({}), &["resilience_level"]),
        (json!(2), json!({ "resilience": { "zne_mitigation": false } }), &["resilience_level"]),
    ] {
        let Program::Estimator { form, .. } = read("estimator", estimate(level, options)) else {
            panic!("not an estimator")
        };
        assert_eq!(form.without_effect, noted);
    }
    let options = json!({
        "default_shots": 7,
        "twirling": { "enable_gates": true, "enable_measure": false },
        "simulator": { "seed_simulator": 3 },
    });
    let Program::Sampler { options, form, .. } = read("sampler", with(options)) else {
        panic!("not a sampler")
    };
    assert_eq!((options.default_shots, options.seed), (7, Some(3)));
    assert_eq!(form.without_effect, ["twirling.enable_gates"]);
}

#[test]
fn gates_are_called_as_the_backend_calls_them() {
    let text = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[2] q; bit[2] c; U(0.1, 0.2, 0.3) q[0]; \
                p(0.4) q[1]; cp(0.5) q[0], q[1]; c = measure q; \
                if (c[0]) { U(0.1, 0.2, 0.3) q[1]; }";
    for (basis, expected) in [
        (&["u1", "u3", "cu1"][..], ["u3", "u1", "cu1", "u3"]),
        (&["u", "p", "cp"], ["u", "p", "cp", "u"]),
        // What has no other name here keeps its own, and so does what the backend knows.
        (&["rz", "u3", "u"], ["u", "p", "cp", "u"]),
    ] {
        let mut program = read("sampler", json!({ "pubs": [text] }));
        program.speak_as(&basis.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let circuits = program.circuits();
        let gates: Vec<String> = circuits[0]
            .instructions()
            .filter_map(|instruction| match instruction.op {
                Op::Gate(op) => Some(op.name()),
                _ => None,
            })
            .collect();
        assert_eq!(gates, expected);
    }
}

#[test]
fn experiments_may_have_seeds_of_their_own() {
    let with = |pubs: Value, seeds: Value| {
        let options = json!({"simulator": {"seed_simulator": 3}, "experimental": {"seeds": seeds}});
        json!({ "pubs": pubs, "options": options })
    };
    let configuration = BackendConfiguration::simulator("s", "1.0.0", 30);
    let planned = read("sampler", with(json!([BELL, BELL]), json!([7, null])));
    let qobj = planned.plan(&configuration).unwrap();
    let seeds: Vec<_> = qobj.experiments().iter().map(|one| qobj.seed(one)).collect();
    assert_eq!(seeds, [Some(7), Some(3)]);

    let swept = json!([BELL, [TURN, [[0.125, 0.75], [0.5, 0.25]]]]);
    let qobj = read("sampler", with(swept, json!([7, 8, 9]))).plan(&configuration).unwrap();
    let seeds: Vec<_> = qobj.experiments().iter().map(|one| qobj.seed(one)).collect();
    assert_eq!(seeds, [Some(7), Some(8), Some(9)]);

    for seeds in [json!([7, -1]), json!([7, "8"]), json!(7)] {
        let message = refused("sampler", with(json!([BELL, BELL]), seeds));
        assert!(message.contains("options.experimental.seeds"), "{message}");
    }
    let short = read("sampler", with(json!([BELL, BELL]), json!([7])));
    let message = short.plan(&configuration).unwrap_err().message;
    assert!(message.contains("1, expected 2"), "{message}");
}

#[test]
fn programs_that_are_not_known_are_told_apart() {
    let Err(Unread::Refused(refusal)) = Program::read("vqe", &json!({})) else { panic!("known") };
    assert_eq!(refusal.status, 404);
}

/// Shots of a Bell pair as a backend gives them.
fn bell_result() -> RunResult {
    RunResult::from_qiskit_json(&json_of(
        r#"{"backend_name": "s", "backend_version": "1.0.0", "qobj_id": "q", "job_id": "j",
            "success": true, "status": "COMPLETED", "results": [{"shots": 4, "success": true,
            "status": "DONE", "data": {"counts": {"0x0": 1, "0x3": 3},
            "memory": ["0x3", "0x0", "0x3", "0x3"]}, "header": {"name": "circuit",
            "memory_slots": 2, "creg_sizes": [["c", 2]]}}]}"#,
    ))
    .unwrap()
}

#[test]
fn results_are_written_for_both_kinds_of_clients() {
    let bell = bell_result();
    let params = |for_qiskit| json!({ "pubs": [[BELL, null, 4]], "support_qiskit": for_qiskit });
    let plain = result(&read("sampler", params(false)), &bell);
    let register = &plain["results"][0]["data"]["c"];
    assert_eq!(register, &json!({ "samples": ["0x3", "0x0", "0x3", "0x3"], "num_bits": 2 }));

    let typed = result(&read("sampler", params(true)), &bell);
    let one = &of_kind(&typed, "PrimitiveResult").unwrap()["pub_results"][0];
    let data = of_kind(&of_kind(one, "SamplerPubResult").unwrap()["data"], "DataBin").unwrap();
    assert_eq!((&data["field_names"], &data["shape"]), (&json!(["c"]), &json!([])));
    let bits = of_kind(&data["fields"]["c"], "BitArray").unwrap();
    assert_eq!(bits["num_bits"], 2);
    let text = of_kind(&bits["array"], "ndarray").unwrap().as_str().unwrap();
    let file = Budget::new(1 << 20).inflate(text).unwrap();
    assert!(file.windows(3).any(|bytes| bytes == b"|u1"));
    let array = Budget::new(1 << 20).array(text);
    assert_eq!(array, Ok((vec![4, 1], vec![3.0, 0.0, 3.0, 3.0])));
}

/// What the executor gets and gives, with OpenQASM in place of QPY.
fn execution(items: Value) -> Value {
    json!({
        "schema_version": "v2.0",
        "quantum_program": {
            "shots": 4,
            "circuits": { "data": [BELL] },
            "items": items,
            "meas_level": "classified",
            "passthrough_data": { "post_processor": { "odd": [1, null] } },
            "semantic_role": "sampler-v2",
        },
        "options": { "init_qubits": true },
    })
}

fn circuit_item() -> Value {
    let arguments = json!({ "data": deflated(&[]), "shape": [0], "dtype": "f64" });
    json!({ "item_type": "circuit", "circuit_arguments": arguments, "shape": [], "chunk_size": "auto" })
}

#[test]
fn circuits_are_executed_and_what_was_passed_comes_back() {
    let params = execution(json!([circuit_item()]));
    let written = result(&read("executor", params.clone()), &bell_result());
    let tensor = &written["data"][0]["results"]["c"];
    assert_eq!((&tensor["shape"], &tensor["dtype"]), (&json!([4, 2]), &json!("bool")));
    let packed = Budget::new(100).inflate(tensor["data"].as_str().unwrap()).unwrap();
    assert_eq!(packed, [0b1111_0011]);
    for field in ["passthrough_data", "semantic_role"] {
        assert_eq!(written[field], params["quantum_program"][field]);
    }
    assert_eq!(written["metadata"]["chunk_timing"], json!([]));
}

#[test]
fn items_that_are_no_circuits_fail_the_job_and_nonsense_is_refused() {
    let samplex = execution(json!([circuit_item(), { "item_type": "samplex" }]));
    let Err(Unread::Fails(why)) = Program::read("executor", &samplex) else { panic!("taken") };
    assert!(why.message.contains("samplex"), "{why:?}");
    for (params, said) in [
        (json!({}), "items"),
        (execution(json!([])), "1 circuits for 0 items"),
        (execution(json!([{}])), "item 0"),
    ] {
        let message = refused("executor", params);
        assert!(message.contains(said), "{message}");
    }
}
