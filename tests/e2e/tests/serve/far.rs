//! Another Ketch as the client: what runs there comes back as if it had run here.

use serde_json::Value;

use super::{Server, token};
use crate::{
    sandbox::{Run, Sandbox},
    service::save,
};

/// Two circuits, the first of them twice, as one Qobj.
fn sweep(sandbox: &Sandbox) {
    let coins = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[2];\ncreg input[1];\ncreg b[9];\n\
                 h q[0];\nx q[1];\nmeasure q[0] -> input[0];\nmeasure q[1] -> b[8];\n";
    sandbox.write("coins.qasm", coins);
    let mut qobj = sandbox.ketch(&["convert", "coins.qasm", "--to", "qobj"]).json();
    let one = qobj["experiments"][0].clone();
    let mut other = one.clone();
    other["header"]["name"] = "Zoë's \"量子\"".into();
    qobj["experiments"] = vec![one.clone(), one, other].into();
    sandbox.write("sweep.json", qobj.to_string());
}

/// Names and counts of all experiments.
#[track_caller]
fn outcomes(run: Run) -> Vec<(Value, Value)> {
    let document = run.json();
    let experiments = document["experiments"].as_array().unwrap().iter();
    experiments.map(|one| (one["name"].clone(), one["counts"].clone())).collect()
}

#[test]
fn the_same_seed_gives_the_same_counts_here_and_there() {
    let (near, far) = (Sandbox::new(), Sandbox::new());
    let server = Server::start(&near);
    let url = format!("http://127.0.0.1:{}", server.port);
    save(&far, "lab", &url, &token(&near, &["new", "ada"]));
    sweep(&near);
    sweep(&far);
    let run = ["run", "sweep.json", "--seed", "7", "--shots", "1000", "--json"];
    let expected = outcomes(near.ketch(&run));
    assert_eq!(expected.len(), 3);
    assert_ne!(expected[0].1, expected[1].1, "each has a seed of its own");
    let there = ["-b", "ibmq/local_qasm_simulator"];
    assert_eq!(outcomes(far.ketch(&[&run[..], &there].concat())), expected);
    let submit = ["submit", "sweep.json", "--seed", "7", "--shots", "1000"];
    far.ketch(&[&submit[..], &there].concat()).ok();
    assert_eq!(outcomes(far.ketch(&["result", "@1", "--json"])), expected);
}
