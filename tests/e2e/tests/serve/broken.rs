//! Broken requests of every kind to somebody with a good token: each is answered with what is wrong,
//! and the server is well after each kind.

use std::fs;

use serde_json::{Value, json};

use super::{
    Client, Server,
    packed::{base64, bomb, stored},
};
use crate::sandbox::{Sandbox, repository};

const BELL: &str = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[2] q; bit[2] c; \
     h q[0]; cx q[0], q[1]; c = measure q;";
const TURN: &str = "OPENQASM 3.0; include \"stdgates.inc\"; input float a; qubit[1] q; bit[1] c; \
     ry(a) q[0]; c[0] = measure q[0];";

/// A server that keeps no job, so that what is good after all is refused, too (429).
fn server(sandbox: &Sandbox) -> (Server, Client) {
    let server = Server::with(sandbox, &["--max-pending", "0", "--max-body", "4"]);
    let client = server.client(sandbox, "ada");
    (server, client)
}

#[track_caller]
fn is_well(server: &Server) {
    assert_eq!(Client::new(server.port, "").get("/healthz").ok()["status"], "ok");
}

/// Sends what must be refused, and returns why it is.
#[track_caller]
fn refused(client: &Client, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let answer = client.send(method, path, body);
    let status = answer.status;
    assert!((400..500).contains(&status), "{method} {path}: {answer:?}");
    let message = answer.refused(status)["message"].as_str().unwrap().to_owned();
    (status, message)
}

fn job(program: &str, params: Value) -> Value {
    json!({ "program_id": program, "backend": "local_qasm_simulator", "params": params })
}

fn typed(kind: &str, value: &str) -> Value {
    json!({ "__type__": kind, "__value__": value })
}

/// One request of each kind in which every field has a value of its type.
fn good() -> Vec<(&'static str, &'static str, Value)> {
    let numbers = [1.0_f64, 2.0].map(f64::to_le_bytes).concat();
    let tensor = json!({ "data": base64(&stored(&numbers)), "shape": [2, 1], "dtype": "f64" });
    let item = json!({ "item_type": "circuit", "circuit_arguments": tensor, "shape": [2], "chunk_size": "auto" });
    let program = json!({ "shots": 4, "circuits": { "data": [TURN] }, "items": [item],
        "meas_level": "classified", "passthrough_data": {}, "semantic_role": "x" });
    let mut sampler = job(
        "sampler",
        json!({ "pubs": [[TURN, [[0.5]], 10]], "version": 2, "support_qiskit": true,
            "options": { "default_shots": 5, "simulator": { "seed_simulator": 1 },
                "execution": { "meas_type": "classified", "init_qubits": true } } }),
    );
    sampler["tags"] = json!(["a"]);
    sampler["cost"] = json!(5);
    sampler["private"] = json!(false);
    let estimator = json!({ "pubs": [[TURN, [{ "Z": 1.0 }], { "a": [0.5] }, 0.25]], "version": 2,
        "options": { "default_precision": 0.5, "seed_estimator": 5 } });
    vec![
        ("POST", "/api/v1/jobs", sampler),
        ("POST", "/api/v1/jobs", job("estimator", estimator)),
        (
            "POST",
            "/api/v1/jobs",
            job(
                "executor",
                json!({ "schema_version": "v2.0",
            "quantum_program": program, "options": { "init_qubits": true } }),
            ),
        ),
    ]
}

/// The places of all values of a document, as JSON pointers.
fn places(document: &Value, here: &str, into: &mut Vec<String>) {
    into.push(here.to_owned());
    match document {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{here}/{name}"), into));
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(n, value)| places(value, &format!("{here}/{n}"), into));
        }
        _ => {}
    }
}

#[test]
fn values_of_a_wrong_type_are_refused_wherever_they_stand() {
    let sandbox = Sandbox::new();
    let (server, ada) = server(&sandbox);
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!("x"),
        json!(""),
        json!([]),
        json!([[], [1]]),
        json!({}),
        json!({ "__type__": "ndarray" }),
        typed("QuantumCircuit", "AAAA"),
        json!([[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]),
    ];
    for (method, path, document) in good() {
        // As it is, it is good.
        let (status, message) = refused(&ada, method, path, document.to_string().as_bytes());
        assert_eq!(status, 429, "{message}");
        let mut all = Vec::new();
        places(&document, "", &mut all);
        assert!(all.len() > 15, "{all:?}");
        for place in &all {
            for value in &wrong {
                let mut changed = document.clone();
                *changed.pointer_mut(place).unwrap() = value.clone();
                refused(&ada, method, path, changed.to_string().as_bytes());
            }
        }
        is_well(&server);
    }
    // Where nothing but the type is wrong, that is what is said.
    for (place, value, said) in [
        ("/program_id", json!(5), "program_id"),
        ("/backend", json!([]), "backend"),
        ("/tags", json!("a"), "tags"),
        ("/tags/0", json!(5), "tags"),
        ("/cost", json!(-1), "cost"),
        ("/private", json!("x"), "private"),
        ("/params/pubs", json!({}), "params.pubs"),
        ("/params/version", json!(1), "params.version"),
        ("/params/pubs/0", json!(5), "pub 0"),
        ("/params/pubs/0/0", json!(5), "circuit"),
        ("/params/pubs/0/1", json!("x"), "parameter_values"),
        ("/params/pubs/0/2", json!("x"), "shots"),
        ("/params/options/default_shots", json!("x"), "options.default_shots"),
        ("/params/options/simulator/seed_simulator", json!(-1), "options.simulator.seed_simulator"),
        ("/params/options/execution/meas_type", json!(5), "options.execution.meas_type"),
    ] {
        let (method, path, mut document) = good().swap_remove(0);
        *document.pointer_mut(place).unwrap() = value;
        let (status, message) = refused(&ada, method, path, document.to_string().as_bytes());
        // Names of fields, where the place in the text is what is known.
        let at = message.contains("line") && message.contains("invalid");
        assert!(status == 400 && (at || message.contains(said)), "{place}: {message}");
    }
    for (method, path, body) in [
        ("POST", "/api/v1/sessions", r#"{"backend": []}"#),
        ("POST", "/api/v1/sessions", r#"{"backend": "local_qasm_simulator", "mode": 5}"#),
        ("POST", "/api/v1/sessions", r#"{"backend": "local_qasm_simulator", "max_ttl": "x"}"#),
        ("PATCH", "/api/v1/sessions/x", r#"{"accepting_jobs": "x"}"#),
        ("PUT", "/api/v1/jobs/x/tags", r#"{"tags": [5]}"#),
        ("POST", "/identity/token", "\u{0}"),
    ] {
        let answer = ada.send(method, path, body.as_bytes());
        assert!(
            (400..500).contains(&answer.status) && !answer.body.is_empty(),
            "{path}: {answer:?}"
        );
    }
    is_well(&server);
}

#[test]
fn a_circuit_is_refused_wherever_it_is_cut() {
    let sandbox = Sandbox::new();
    let (server, ada) = server(&sandbox);
    for version in ["v17", "v18"] {
        let file = repository("tests/golden/qpy").join(version).join("bell.qpy");
        let file = fs::read(file).unwrap();
        let sent = |bytes: &[u8]| {
            let circuit = typed("QuantumCircuit", &base64(&stored(bytes)));
            let body = job("sampler", json!({ "pubs": [[circuit, null, 10]] })).to_string();
            refused(&ada, "POST", "/api/v1/jobs", body.as_bytes())
        };
        assert_eq!(sent(&file).0, 429);
        for length in 1..file.len() {
            let (status, message) = sent(&file[..length]);
            assert!(
                status == 400 && message.starts_with("pub 0: circuit: "),
                "{length}: {message}"
            );
        }
        is_well(&server);
    }
    // Cut in the middle of what packs it.
    let whole = base64(&stored(&[7; 100]));
    for length in 0..whole.len() {
        let circuit = typed("QuantumCircuit", &whole[..length]);
        let body = job("sampler", json!({ "pubs": [[circuit]] })).to_string();
        assert_eq!(refused(&ada, "POST", "/api/v1/jobs", body.as_bytes()).0, 400);
    }
    is_well(&server);
}

#[test]
fn what_is_too_large_or_too_deep_is_refused() {
    let sandbox = Sandbox::new();
    let (server, ada) = server(&sandbox);
    let said = |document: &Value| {
        let (status, message) =
            refused(&ada, "POST", "/api/v1/jobs", document.to_string().as_bytes());
        assert_eq!(status, 400, "{message}");
        message
    };
    let small = base64(&bomb(200 << 20));
    assert!(small.len() < 2 << 20);
    let mut executor = good().swap_remove(2).2;
    executor["params"]["quantum_program"]["items"][0]["circuit_arguments"]["data"] =
        small.as_str().into();
    let of_sampler = |one: Value| job("sampler", json!({ "pubs": [one] }));
    for document in [of_sampler(json!([typed("QuantumCircuit", &small)])), executor] {
        let message = said(&document);
        assert!(message.contains("inflates to more than"), "{message}");
    }
    is_well(&server);

    for (opened, closed) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        for depth in [200, 100_000] {
            let deep = opened.repeat(depth) + "1" + &closed.repeat(depth);
            for body in [
                deep.clone(),
                format!(
                    "{{\"program_id\": \"sampler\", \"backend\": \"local_qasm_simulator\", \"params\": {deep}}}"
                ),
                format!("{{\"tags\": {deep}}}"),
                opened.repeat(depth),
            ] {
                assert_eq!(refused(&ada, "POST", "/api/v1/jobs", body.as_bytes()).0, 400);
            }
        }
    }
    is_well(&server);

    // Each gate is the one before it, twice.
    let gates = (1..30).map(|n| format!("gate g{n} q {{ g{0} q; g{0} q; }}\n", n - 1));
    let twice = format!(
        "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[1]; creg c[1]; gate g0 q {{ h q; }}\n{} \
         g29 q[0]; measure q -> c;",
        gates.collect::<String>()
    );
    let wide = "OPENQASM 3.0; qubit[64] q; bit[64] c; c = measure q;";
    for (one, said_why) in [
        // A result for which there is no room: of one pub, and of several.
        (json!([wide, null, 9_000_000]), "result would take"),
        (json!([BELL, [], u64::MAX]), "result would take"),
        (json!([TURN, vec![[0.5]; 100_000], 1000]), "result would take"),
        (json!([twice]), "more than"),
        (json!(["OPENQASM 3.0; include \"/etc/hostname\"; qubit q;"]), "include"),
    ] {
        let mut document = of_sampler(one);
        document["params"]["support_qiskit"] = json!(false);
        let message = said(&document);
        assert!(message.contains(said_why), "{message}");
        is_well(&server);
    }
    let many = vec![json!([BELL, null, 1_000_000]); 11];
    assert!(said(&job("sampler", json!({ "pubs": many }))).contains("11000000 shots"));
    is_well(&server);
}
