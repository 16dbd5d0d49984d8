//! A third party's provider: what `ketch provider new` writes is tested, built, dropped, and used.

use std::{fs, process::Command, sync::Arc};

use ketch::{
    Isolation, Registry, SearchPath,
    jobs::{Store, StoredProvider},
};
use ketch_conformance::assert_conformant;

use crate::sandbox::{Sandbox, finish, repository, whole_machine};

#[test]
fn a_provider_outside_of_the_tree_works_by_dropping_its_file() {
    let sandbox = Sandbox::new();
    let checkout = repository("");
    let arguments = ["provider", "new", "my-lab", "--core", checkout.to_str().unwrap()];
    let folder = sandbox.ketch(&arguments).ok();
    let folder = sandbox.path("work").join(folder.trim());
    // The same versions as here, which this machine has already.
    fs::copy(repository("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let cargo = |command: &str| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args([command, "--offline", "--quiet"])
            .current_dir(&folder)
            .env("CARGO_TARGET_DIR", sandbox.path("target"))
            // It is built once and run once.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0");
        finish(&mut cargo).ok()
    };
    let machine = whole_machine();
    let tested = cargo("test");
    assert!(tested.contains("test result: ok. 3 passed"), "{tested}");
    cargo("build");
    drop(machine);

    let built = sandbox.path("target/debug/libketch_provider_my_lab.so");
    fs::copy(&built, sandbox.user_plugins().join("libketch_provider_my_lab.so")).unwrap();
    let listed = sandbox.ketch(&["backends"]).ok();
    assert!(listed.contains("my-lab/basis_simulator"), "{listed}");
    assert!(listed.contains("local/qasm_simulator"), "{listed}");

    let head = "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[4];\ncreg c[4];\n";
    let body = "x q[0];\ncx q[0],q[1];\nccx q[0],q[1],q[3];\nswap q[1],q[2];\nmeasure q -> c;\n";
    sandbox.write("classical.qasm", format!("{head}{body}"));
    let run = |backend: &str| {
        let arguments = ["run", "classical.qasm", "-b", backend, "--json", "--memory", "-s", "3"];
        let document = sandbox.ketch(&arguments).json();
        let experiment = &document["experiments"][0];
        (experiment["counts"].clone(), experiment["memory"].clone())
    };
    let (counts, memory) = run("basis_simulator");
    assert_eq!(counts, serde_json::json!({"1101": 3}));
    assert_eq!(memory, serde_json::json!(["1101", "1101", "1101"]));
    assert_eq!((counts, memory), run("local/qasm_simulator"), "the two simulators agree");

    sandbox.write("hadamard.qasm", format!("{head}h q[0];\nmeasure q -> c;\n"));
    let said = sandbox.ketch(&["run", "hadamard.qasm", "-b", "basis_simulator"]).fails(9);
    assert!(said.contains("does not know the instruction `h`"), "{said}");

    let _machine = whole_machine();
    let built = built.to_str().unwrap();
    let report =
        sandbox.ketch(&["provider", "check", built, "--json", "--time-limit", "2m"]).json();
    let lines = report["checks"].as_array().unwrap();
    assert!(lines.len() >= 130 && report["failed"] == 0, "{report}");
    assert_eq!(report["conformant"], true);
    assert!(lines.iter().all(|line| line["outcome"] == "passed" || line["why"].is_string()));
    let arguments = ["provider", "check", built, "--only", "honesty", "--isolation", "always"];
    let said = sandbox.ketch(&arguments).ok();
    assert!(said.contains("\nmy-lab/basis_simulator\n  honesty "), "{said}");
    assert!(said.contains("\nconformant: "), "{said}");

    for isolation in [Isolation::Never, Isolation::Always] {
        let registry = Registry::discover(&SearchPath::only([sandbox.user_plugins()]));
        let registry = registry.with_isolation(isolation);
        let provider = registry.provider("my-lab").unwrap();
        assert_conformant(&*provider);
        let store = Arc::new(Store::open(&sandbox.path("store")).unwrap());
        assert_conformant(&StoredProvider::new(store, provider));
    }
}

#[test]
fn a_crate_is_written_under_good_names_and_over_nothing() {
    let sandbox = Sandbox::without_plugins();
    for bad in ["", "Lab", "2lab", "../x", "a b", "ü", "local", "ibmq"] {
        let said = sandbox.ketch(&["provider", "new", bad]).fails(2);
        assert!(said.contains("is no id of a provider") || said.contains("is part of"), "{said}");
    }
    let made = sandbox.ketch(&["provider", "new", "lab"]).ok();
    assert_eq!(made.trim(), "./ketch-provider-lab");
    sandbox.write("ketch-provider-lab/src/lib.rs", "mine");
    let said = sandbox.ketch(&["provider", "new", "lab"]).fails(2);
    assert!(said.contains("is there already"), "{said}");
    assert_eq!(sandbox.read("ketch-provider-lab/src/lib.rs"), "mine");
    sandbox.ketch(&["provider", "new", "far", "--remote"]).ok();
    assert!(sandbox.read("ketch-provider-far/src/lib.rs").contains("id: \"far\""));
    assert!(sandbox.read("ketch-provider-far/README.md").contains("--provider far"));
    sandbox.ketch(&["provider", "new", "bits", "--c"]).ok();
    assert!(sandbox.read("ketch-provider-bits/bits.c").contains("libketch_provider_bits.so"));
    assert!(sandbox.read("ketch-provider-bits/ketch_plugin.h").contains("KETCH_C_VERSION"));
    sandbox.ketch(&["provider", "new", "both", "--c", "--remote"]).fails(2);
    let said = sandbox.ketch(&["provider", "new", "lab2", "--core", "nowhere"]).fails(2);
    assert!(said.contains("neither a checkout of Ketch nor an address"), "{said}");
}
