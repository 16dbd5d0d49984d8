//! Noise models as Aer writes them: read, compared with Aer's own superoperators, written again.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use ketch_interface::{
    Complex64, Matrix,
    noise::{Channel, NoiseModel, PauliLindblad, QuantumError},
};
use serde_json::{Map, Value, json};

/// Written by Aer 0.18 with `tests/golden/noise/generate.py`.
fn golden() -> Map<String, Value> {
    let text = include_str!("../../../tests/golden/noise/aer-0.18.json");
    serde_json::from_str(text).unwrap()
}

/// All of an error as one superoperator on the instruction's qubits.
fn superop(error: &QuantumError, n_qubits: u32) -> Matrix {
    let steps = error.steps().iter();
    let wide = steps.map(|step| step.channel.on_qubits(&step.places, n_qubits).unwrap().superop());
    wide.fold(Matrix::identity(2 * n_qubits), |total, step| step.product(&total))
}

fn matrix(rows: &Value) -> Matrix {
    let rows = rows.as_array().unwrap();
    let entries = rows
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|entry| Complex64::new(entry[0].as_f64().unwrap(), entry[1].as_f64().unwrap()));
    Matrix::new(rows.len(), entries.collect()).unwrap()
}

/// The entries of a document in one order.
fn sorted(document: &Value) -> Vec<Value> {
    let mut errors = document["errors"].as_array().unwrap().clone();
    errors.sort_by_key(|e| (e["operations"].to_string(), e["gate_qubits"].to_string()));
    errors
}

#[test]
fn aers_models_mean_what_aer_says() {
    for (name, entry) in golden() {
        let model = NoiseModel::from_json_value(&entry["model"])
            .unwrap_or_else(|e| panic!("{name}: {e:?}"));
        for known in entry["superops"].as_array().unwrap() {
            let operation = known["operation"].as_str().unwrap();
            let qubits: Vec<u32> = serde_json::from_value(known["qubits"].clone()).unwrap();
            let expected = matrix(&known["superop"]);
            let error = model.error(operation, &qubits).unwrap();
            let found = superop(error, expected.n_qubits().unwrap() / 2);
            let distance = found.distance(&expected);
            assert!(distance < 1e-12, "{name}: {operation} on {qubits:?} is off by {distance}");
        }
    }
}

#[test]
fn aers_documents_come_back_as_they_were() {
    for (name, entry) in golden() {
        let model = NoiseModel::from_json_value(&entry["model"]).unwrap();
        let written = model.to_json();
        assert_eq!(NoiseModel::from_json_value(&written).unwrap(), model, "{name}");
        assert_eq!(sorted(&written).len(), sorted(&entry["model"]).len(), "{name}");
        for (written, original) in sorted(&written).iter().zip(sorted(&entry["model"])) {
            for (key, value) in original.as_object().unwrap() {
                assert_eq!(&written[key], value, "{name}: {key} of {}", original["operations"]);
            }
        }
    }
}

#[test]
fn composed_errors_are_told_apart() {
    let entry = golden().remove("composed").unwrap();
    let model = NoiseModel::from_json_value(&entry["model"]).unwrap();
    let places = |name: &str, qubits: &[u32]| -> Vec<Vec<usize>> {
        model.error(name, qubits).unwrap().steps().iter().map(|s| s.places.clone()).collect()
    };
    assert_eq!(places("cx", &[5, 6]), [vec![0, 1], vec![0], vec![1]]);
    assert_eq!(places("cz", &[1, 4]), [vec![0, 1], vec![0], vec![1]]);
    assert_eq!(places("x", &[3]), [[0]]);
}

#[test]
fn readout_is_by_the_true_value() {
    let entry = golden().remove("readout").unwrap();
    let model = NoiseModel::from_json_value(&entry["model"]).unwrap();
    assert_eq!(model.readout(7).unwrap().rows(), [[0.99, 0.01], [0.05, 0.95]]);
    assert_eq!(model.readout(2).unwrap().rows(), [[0.9, 0.1], [0.2, 0.8]]);
    assert_eq!(model.joint_readout(&[0, 1]).unwrap().n_bits(), 2);
}

#[test]
fn older_dictionaries_are_read() {
    let model = NoiseModel::from_json_value(&json!({
        "errors": [
            {
                "type": "qerror", "operations": ["cx"], "gate_qubits": [[0, 1]],
                "noise_qubits": [[2], [0, 1]], "probabilities": [1.0],
                "instructions": [[{"name": "X", "qubits": [0]}]],
            },
        ],
        "x90_gates": [],
    }));
    let refused = model.unwrap_err();
    assert_eq!(refused.to_string(), "`errors[0]` is refused");
    let model = NoiseModel::from_json_value(&json!({
        "errors": [
            {
                "type": "qerror", "operations": ["cx"], "gate_qubits": [[0, 1]],
                "noise_qubits": [[2]], "probabilities": [0.5, 0.5],
                "instructions": [[{"name": "X", "qubits": [0]}], [{"name": "id", "qubits": [0]}]],
            },
            {
                "type": "qerror", "operations": ["cx", "cz"], "gate_qubits": [[0, 1], [1, 2]],
                "probabilities": [1.0], "instructions": [[{"name": "cx_10", "qubits": [0, 1]}]],
            },
        ],
        "x90_gates": [],
    }))
    .unwrap();
    let [other] = model.non_local("cx", &[0, 1]) else { panic!("one error elsewhere") };
    assert_eq!((&*other.qubits, other.error.steps().len()), (&[2][..], 1));
    assert_eq!(model.errors().count(), 4);
    let turned = ketch_interface::Circuit::new(2, 0).cx(1, 0);
    let expected = QuantumError::new().then_mixture(vec![(1.0, turned)]).unwrap();
    assert_eq!(superop(model.error("cz", &[1, 2]).unwrap(), 2), superop(&expected, 2));
    let written = model.to_json();
    assert_eq!(NoiseModel::from_json_value(&written).unwrap(), model);
}

fn pauli_lindblad(strings: &[(&str, f64, &[u32])], gate: &str, qubits: Value) -> Value {
    let pauli = |(letters, _, qubits): &(&str, f64, &[u32])| json!([{"name": "pauli", "params": [letters], "qubits": qubits}]);
    let rates: Vec<f64> = strings.iter().map(|(_, rate, _)| *rate).collect();
    json!({"errors": [{
        "type": "plerror", "operations": [gate], "gate_qubits": [qubits], "rates": rates,
        "instructions": strings.iter().map(pauli).collect::<Vec<_>>(),
    }]})
}

#[test]
fn pauli_lindblad_noise_is_written_sparsely() {
    let on: Vec<u32> = (0..100).collect();
    let strings: [(&str, f64, &[u32]); 3] =
        [("IXZ", 0.1, &[3, 7, 99]), ("YX", 0.2, &[98, 50]), ("I", 0.3, &[0])];
    let document = pauli_lindblad(&strings, "layer", json!(on));
    let model = NoiseModel::from_json_value(&document).unwrap();
    let written = model.to_json();
    assert_eq!(
        written["errors"][0]["instructions"],
        json!([
            [{"name": "pauli", "params": ["IXZ"], "qubits": [3, 7, 99]}],
            [{"name": "pauli", "params": ["XY"], "qubits": [50, 98]}],
            [{"name": "pauli", "params": ["I"], "qubits": [0]}],
        ])
    );
    assert_eq!(NoiseModel::from_json_value(&written).unwrap(), model);
}

#[test]
fn pauli_lindblad_noise_narrower_than_its_gate_is_written_as_wide() {
    let narrow = PauliLindblad::new(vec![("X".to_owned(), 0.1), ("Z".to_owned(), 0.2)]).unwrap();
    let narrow = QuantumError::new().then_pauli_lindblad(narrow).unwrap();
    let mut model = NoiseModel::new();
    model.add("cx", narrow.clone());
    model.add_on("layer", &[4, 2, 7, 1, 8, 3, 9], narrow);
    let again = NoiseModel::from_json_value(&model.to_json()).unwrap();
    for (name, qubits) in [("cx", vec![0, 1]), ("layer", vec![4, 2, 7, 1, 8, 3, 9])] {
        let steps = |model: &NoiseModel| model.error(name, &qubits).unwrap().steps().to_vec();
        assert_eq!(steps(&again), steps(&model), "{name}");
    }
}

#[test]
fn small_documents_take_little_memory() {
    // Written out it would be 40 MB of letters, and more on the way.
    let strings = vec![("X", 0.1, &[9_999_u32][..]); 4_000];
    let document = pauli_lindblad(&strings, "layer", json!([0]));
    let refusal = NoiseModel::from_json_value(&document).unwrap_err();
    let reason = std::error::Error::source(&refusal).unwrap().to_string();
    assert!(reason.contains("4000 generators on 10000 qubits"), "{reason}");
}

/// Aer 0.18 reads both documents alike.
#[test]
fn certain_qubits_may_have_no_noise_where_all_others_have() {
    let mut model = NoiseModel::new();
    model.add("cx", Channel::pauli(&[("X", 1.0)]).unwrap());
    model.add_on("cx", &[0, 1], Channel::identity(1));
    let written = model.to_json();
    let again = NoiseModel::from_json_value(&written).unwrap();
    assert_eq!(again, model);
    assert!(again.error("cx", &[0, 1]).unwrap().is_identity());
    assert!(!again.error("cx", &[1, 0]).unwrap().is_identity());
    // With identities for the certain qubits, what holds for all qubits holds for them too.
    let mut identities = written;
    let entries = identities["errors"].as_array_mut().unwrap();
    let local = entries.iter_mut().find(|entry| entry["gate_qubits"] == json!([[0, 1]])).unwrap();
    local["instructions"][1] = json!([{"name": "id", "qubits": [0]}]);
    let model = NoiseModel::from_json_value(&identities).unwrap();
    assert!(!model.error("cx", &[0, 1]).unwrap().is_identity());
    assert_eq!(NoiseModel::from_json_value(&model.to_json()).unwrap(), model);
}

/// What Aer's models hold and its dictionaries lose.
#[test]
fn relaxation_ticks_and_basis_gates_are_kept() {
    let document = json!({
        "errors": [],
        "basis_gates": ["cx", "sx"],
        "dt": 2.2e-10,
        "relaxation": [{"qubit": 3, "T1": 5e-5, "T2": 7e-5}, {"qubit": 4, "T2": 1e-5, "excited_state_population": 0.25}],
    });
    let model = NoiseModel::from_json_value(&document).unwrap();
    assert_eq!(model.to_json(), document);
    assert_eq!(model.relaxation(4).unwrap().t1, f64::INFINITY);
}

#[test]
fn bad_models_are_refused_with_place_and_reason() {
    let gate = |name: &str| json!([[{"name": name, "qubits": [0]}]]);
    let error = |change: Value| {
        let mut entry = json!({
            "type": "qerror", "operations": ["x"], "gate_qubits": [[0]], "probabilities": [1.0],
            "instructions": gate("z"),
        });
        for (key, value) in change.as_object().unwrap() {
            entry[key] = value.clone();
        }
        let found = NoiseModel::from_json_value(&json!({ "errors": [entry] })).unwrap_err();
        let mut text = found.to_string();
        let mut source = std::error::Error::source(&found);
        while let Some(error) = source {
            text += &format!(": {error}");
            source = error.source();
        }
        text
    };
    let kraus = |scale: f64| json!([[{"name": "kraus", "qubits": [0], "params": [[[[scale, 0.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]]]}]]);
    for (change, expected) in [
        (
            json!({"probabilities": [0.5]}),
            "`errors[0]` is refused: the sum of the probabilities is 0.5, expected 1",
        ),
        (
            json!({"probabilities": [1.5]}),
            "`errors[0]` is refused: probabilities[0] is 1.5, expected a probability",
        ),
        (
            json!({"probabilities": [0.5, 0.5]}),
            "`errors[0].instructions`: expected one circuit for each of 2 probabilities, found a list of 1",
        ),
        (
            json!({"probabilities": ["NaN"]}),
            "`errors[0].probabilities[0]`: expected a number, found \"NaN\"",
        ),
        (
            json!({"instructions": kraus(0.5)}),
            "`errors[0]` is refused: the channel does not keep the trace: the sum of K†K is off the identity by 7.5e-1",
        ),
        (
            json!({"instructions": []}),
            "`errors[0].instructions`: expected one circuit for each of 1 probabilities, found a list of 0",
        ),
        (
            json!({"instructions": [], "probabilities": []}),
            "`errors[0]` is refused: an error without circuits",
        ),
        (
            json!({"instructions": gate("frobnicate")}),
            "`errors[0]` is refused: an error has a `frobnicate`, which is no noise",
        ),
        (
            json!({"gate_qubits": [[0, 1]]}),
            "`errors[0].gate_qubits[0]`: expected the 1 qubits of a `x`, found a list of 2",
        ),
        (
            json!({"gate_qubits": [[-1]]}),
            "`errors[0].gate_qubits[0][0]`: expected a qubit below 1048576, found -1",
        ),
        (
            json!({"operations": ["cx"], "gate_qubits": [[1, 1]]}),
            "`errors[0].gate_qubits[0]`: expected qubits, none twice, found a list of 2",
        ),
        (
            json!({"operations": ["cx"], "gate_qubits": [[0, 1]]}),
            "`errors[0]` is refused: an error on 1 qubits for `cx` on [0, 1]",
        ),
        (
            json!({"operations": ["cx"], "gate_qubits": null}),
            "`errors[0]` is refused: an error on 1 qubits for `cx`, which has 2",
        ),
        (
            json!({"type": "werror"}),
            "`errors[0].type`: expected \"qerror\", \"plerror\" or \"roerror\", found \"werror\"",
        ),
        (
            json!({"type": "plerror", "rates": [0.1]}),
            "`errors[0].instructions[0]`: expected one `pauli`, found a list of 1",
        ),
        (
            json!({"type": "roerror", "probabilities": [[0.5, 0.6], [0.0, 1.0]]}),
            "`errors[0]` is refused: the sum of row 0 of the readout error is 1.1, expected 1",
        ),
        (
            json!({"type": "roerror", "probabilities": [[1.0, 0.0], [0.0, 1.0]], "operations": ["x"]}),
            "`errors[0].operations[0]`: expected \"measure\", found \"x\"",
        ),
    ] {
        assert_eq!(error(change), expected);
    }
    let relaxing =
        |t2: f64| json!({"errors": [], "relaxation": [{"qubit": 0, "T1": 1.0, "T2": t2}]});
    assert!(NoiseModel::from_json_value(&relaxing(2.0)).is_ok());
    assert!(NoiseModel::from_json_value(&relaxing(3.0)).is_err());
    assert_eq!(
        NoiseModel::from_json("{\n!").unwrap_err().to_string(),
        "not JSON at line 2, column 1"
    );
    let empty = NoiseModel::from_json("{}").unwrap_err().to_string();
    assert_eq!(
        empty,
        "`the document`: expected an object with `errors`, found an object without it"
    );
}
