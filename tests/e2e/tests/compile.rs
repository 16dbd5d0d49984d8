//! `ketch compile`, and what devices make of compiled circuits.

use serde_json::Value;

use crate::sandbox::{Sandbox, example};

/// Devices whose qubits are not all coupled, of five qubits each.
const DEVICES: &[&str] = &["noisy/ibmqx4", "noisy/synthetic_5"];

/// A GHZ state of five qubits in a star, which no device of five qubits has.
const STAR: &str = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[5];\ncreg c[5];\nh q[0];\n\
                    cx q[0],q[1];\ncx q[0],q[2];\ncx q[0],q[3];\ncx q[0],q[4];\n\
                    measure q -> c;\n";

/// In the basis of all devices, on two qubits that are not neighbours on these.
const FAR: &str = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[5];\ncreg c[5];\n\
                   cx q[0],q[4];\nmeasure q -> c;\n";

fn shots_of(counts: &Value, outcomes: &[&str]) -> u64 {
    outcomes.iter().filter_map(|outcome| counts[outcome].as_u64()).sum()
}

#[test]
fn a_compiled_circuit_fits_and_the_original_does_not() {
    let sandbox = Sandbox::new();
    sandbox.write("star.qasm", STAR);
    sandbox.write("far.qasm", FAR);
    for device in DEVICES {
        let refused = ["run", "star.qasm", "-b", device, "--no-compile"];
        let said = sandbox.ketch(&refused).fails(9);
        assert!(said.contains("`h` on qubit 0") && said.contains("basis"), "{device}: {said}");
        let refused = ["run", "far.qasm", "-b", device, "--no-compile"];
        let said = sandbox.ketch(&refused).fails(9);
        assert!(said.contains("`cx` on qubits 0"), "{device}: {said}");

        let compiled = ["compile", "star.qasm", "-b", device, "-O", "fits.qasm"];
        let compiled = sandbox.ketch(&compiled);
        assert!(compiled.stderr.contains("compiled star: +"), "{compiled:?}");
        compiled.ok();
        let run = ["run", "fits.qasm", "-b", device, "--no-compile", "--seed", "7", "--json"];
        let counts = sandbox.ketch(&run).json()["experiments"][0]["counts"].clone();
        // Noise takes its share; without it, all shots would read the same in all bits. Of noise
        // alone, 64 of 1024 would be these two.
        assert!(shots_of(&counts, &["00000", "11111"]) > 400, "{device}: {counts}");

        // Without noise it is the same state.
        let ideal = ["run", "fits.qasm", "-b", "local/qasm_simulator", "--seed", "7", "--json"];
        let counts = sandbox.ketch(&ideal).json()["experiments"][0]["counts"].clone();
        assert_eq!(shots_of(&counts, &["00000", "11111"]), 1024, "{device}: {counts}");
    }
}

#[test]
fn run_compiles_by_itself_and_says_so() {
    let sandbox = Sandbox::new();
    sandbox.write("star.qasm", STAR);
    for device in DEVICES {
        let run = sandbox.ketch(&["run", "star.qasm", "-b", device, "--seed", "7", "--json"]);
        assert!(run.stderr.contains("compiled star: +"), "{run:?}");
        let document = run.json();
        let counts = &document["experiments"][0]["counts"];
        assert!(shots_of(counts, &["00000", "11111"]) > 400, "{device}: {counts}");
    }
    // A simulator takes circuits as they are.
    let run = sandbox.ketch(&["run", "star.qasm"]);
    assert!(!run.stderr.contains("compiled"), "{run:?}");
    run.ok();
}

#[test]
fn the_same_seed_compiles_the_same_in_every_format() {
    let sandbox = Sandbox::new();
    sandbox.write("star.qasm", STAR);
    for format in ["qasm2", "qasm3", "qobj"] {
        let compile = || {
            let arguments =
                ["compile", "star.qasm", "-b", "noisy/ibmqx4", "--to", format, "--seed", "3"];
            sandbox.ketch(&arguments).ok()
        };
        let first = compile();
        assert_eq!(first, compile(), "{format}");
        match format {
            "qasm2" => assert!(first.starts_with("OPENQASM 2.0;"), "{first}"),
            "qasm3" => assert!(first.starts_with("OPENQASM 3"), "{first}"),
            _ => {
                sandbox.write("fits.json", &first);
                sandbox.ketch(&["run", "fits.json", "-b", "noisy/ibmqx4", "--no-compile"]).ok();
            }
        }
    }
}

#[test]
fn what_cannot_fit_is_refused() {
    let sandbox = Sandbox::new();
    let said = sandbox.ketch(&["compile", &example("quantum_volume_20.qasm"), "-b", DEVICES[0]]);
    let said = said.fails(9);
    assert!(said.contains("20") && said.contains("ibmqx4"), "{said}");
    let said = sandbox.ketch(&["compile", &example("bell.qasm"), "-b", "noisy/ibmqx44"]).fails(3);
    assert!(said.contains("noisy/ibmqx4"), "the nearest is named: {said}");
}
