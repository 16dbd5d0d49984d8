//! The IBM Quantum provider, from the command line to a service and back.

use std::time::{Duration, Instant};

use crate::{
    sandbox::{Run, Sandbox, example},
    service::{DEVICE, EARLY_KEY, KEY, ReplayServer, answering, save, without_secrets},
};

/// A user with an account at each of the two services.
fn user(server: &ReplayServer) -> Sandbox {
    let sandbox = Sandbox::new();
    save(&sandbox, "lab", &server.url(), KEY);
    save(&sandbox, "early", &server.early_url(), EARLY_KEY);
    sandbox
}

/// `ketch`, and no secret in what it says.
#[track_caller]
fn ketch(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    without_secrets(sandbox.ketch(arguments))
}

/// A failure is told once: one message, and what caused it.
#[track_caller]
fn one_error(said: &str) {
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
}

#[test]
fn backends_of_both_services_are_listed_and_described() {
    let server = ReplayServer::start();
    let sandbox = user(&server);
    let listed = ketch(&sandbox, &["backends"]);
    assert_eq!(listed.stderr, "");
    let listed = listed.ok();
    for name in ["ibmq/fake_lima", "ibmq/ibmqx4", "local/qasm_simulator", "noisy/ibmqx4"] {
        assert!(listed.lines().any(|line| line.starts_with(name)), "{name} in: {listed}");
    }
    assert!(!listed.contains("mock"), "{listed}");

    let device = ketch(&sandbox, &["backend", "ibmq/fake_lima", "--json"]).json();
    assert_eq!(device["configuration"]["n_qubits"], 5);
    assert_eq!(device["status"]["pending_jobs"], 3);
    assert_eq!(device["properties"]["qubits"].as_array().unwrap().len(), 5);
    let early = ketch(&sandbox, &["backend", "ibmq/ibmqx4", "--json"]).json();
    assert_eq!(early["configuration"]["coupling_map"].as_array().unwrap().len(), 6);
    let text = ketch(&sandbox, &["backend", "ibmq/fake_lima"]).ok();
    assert!(text.contains("basis gates") && text.contains("sx"), "{text}");
}

#[test]
fn a_circuit_is_compiled_sent_and_answered() {
    let server = ReplayServer::start();
    let sandbox = user(&server);
    let bell = example("bell.qasm");
    let run = ketch(&sandbox, &["run", &bell, "-b", "ibmq/fake_lima", "-s", "500", "--json"]);
    assert!(run.stderr.contains("compiled bell: +0 SWAP"), "{run:?}");
    let document = run.json();
    assert_eq!(document["backend"], "ibmq/fake_lima");
    // The outcomes are the server's: zeros and ones by turns.
    let counts = &document["experiments"][0]["counts"];
    assert_eq!((&counts["00"], &counts["11"]), (&250.into(), &250.into()));

    let named = format!("ibmq@lab/{DEVICE}");
    let text = ketch(&sandbox, &["run", &bell, "-b", &named]).ok();
    assert!(text.contains("1024 shots") && text.contains("512"), "{text}");
    let said = ketch(&sandbox, &["run", &bell, "-b", "ibmq@nobody/fake_lima"]).fails(3);
    one_error(&said);
    assert!(said.contains("nobody"), "{said}");

    // Without compiling, the device's basis is insisted on before anything is sent.
    let refused = ["run", &bell, "-b", "ibmq/fake_lima", "--no-compile"];
    let said = ketch(&sandbox, &refused).fails(9);
    one_error(&said);
    assert!(said.contains('h') && said.contains("fake_lima"), "{said}");
}

#[test]
fn the_service_of_2018_answers_as_recorded() {
    let server = ReplayServer::start();
    let sandbox = user(&server);
    let bell = example("bell.qasm");
    let run = ketch(&sandbox, &["run", &bell, "-b", "ibmq@early/ibmq_qasm_simulator"]);
    let text = run.ok();
    assert!(text.contains("ibmq_qasm_simulator") && text.contains("shots"), "{text}");
}

#[test]
fn a_job_that_is_not_done_in_time_is_given_up() {
    let server = ReplayServer::start();
    let sandbox = user(&server);
    let start = Instant::now();
    // The server's job takes six looks, and they are apart by a quarter of a second and more.
    let arguments = ["run", &example("bell.qasm"), "-b", "ibmq/fake_lima", "--timeout", "300ms"];
    let said = ketch(&sandbox, &arguments).fails(7);
    one_error(&said);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn a_circuit_that_is_too_large_is_refused() {
    let server = ReplayServer::start();
    let sandbox = user(&server);
    sandbox.write(
        "wide.qasm",
        "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[6];\ncreg c[6];\n\
                                h q;\nmeasure q -> c;\n",
    );
    for compile in [&[][..], &["--no-compile"]] {
        let arguments = [&["run", "wide.qasm", "-b", "ibmq/fake_lima"][..], compile].concat();
        let said = ketch(&sandbox, &arguments).fails(9);
        one_error(&said);
        assert!(said.contains('6') && said.contains('5') && said.contains("fake_lima"), "{said}");
    }
    // Nothing was handed over, so there is no job to be followed either.
    let said = ketch(&sandbox, &["submit", "wide.qasm", "-b", "ibmq/fake_lima"]).fails(9);
    assert!(!said.contains("@1"), "{said}");
}

#[test]
fn a_wrong_key_is_told_apart() {
    let server = ReplayServer::start();
    for url in [server.url(), server.early_url()] {
        let sandbox = Sandbox::new();
        let wrong = "wrong-but-secret-all-the-same";
        save(&sandbox, "lab", &url, wrong);
        let run = ["run", &example("bell.qasm"), "-b", "ibmq/fake_lima"];
        for arguments in [&["backend", "ibmq/fake_lima"][..], &run] {
            let said = ketch(&sandbox, arguments).fails(4);
            one_error(&said);
            assert!(!said.contains(wrong), "{said}");
        }
        // Other providers are none the worse.
        let listed = ketch(&sandbox, &["backends"]);
        assert!(!listed.stderr.contains(wrong) && listed.stderr.contains("ibmq"), "{listed:?}");
        assert!(listed.stdout.contains("local/qasm_simulator"), "{listed:?}");
    }
}

#[test]
fn an_account_that_is_named_tells_what_is_wrong_with_it() {
    let server = ReplayServer::start();
    let sandbox = user(&server);
    save(&sandbox, "bad", &server.url(), "wrong-but-secret-all-the-same");
    let run = |backend| ketch(&sandbox, &["run", &example("bell.qasm"), "-b", backend]);
    one_error(&run("ibmq@bad/fake_lima").fails(4));
    run("ibmq@lab/fake_lima").ok();
}

#[test]
fn without_an_account_it_says_how_to_save_one() {
    let sandbox = Sandbox::new();
    let said = ketch(&sandbox, &["run", &example("bell.qasm"), "-b", "ibmq/fake_lima"]).fails(4);
    one_error(&said);
    assert!(said.contains("ketch account save"), "{said}");
}

#[test]
fn a_service_that_is_gone_cannot_be_reached() {
    let server = ReplayServer::start();
    let (sandbox, url) = (user(&server), server.url());
    drop(server);
    let said = ketch(&sandbox, &["run", &example("bell.qasm"), "-b", "ibmq/fake_lima"]).fails(5);
    one_error(&said);
    assert!(said.contains(url.trim_start_matches("http://")), "the service is named: {said}");
}

#[test]
fn garbage_is_one_clear_error() {
    const GARBAGE: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\
          Connection: close\r\n\r\n<html>welcome</html>",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\
          Connection: close\r\n\r\n[1, 2, 3]",
    ];
    for bytes in GARBAGE {
        let sandbox = Sandbox::new();
        save(&sandbox, "lab", &answering(bytes), KEY);
        let run = ketch(&sandbox, &["run", &example("bell.qasm"), "-b", "ibmq/fake_lima"]);
        assert!(matches!(run.exit, Some(1..=9)), "{run:?}");
        one_error(&run.stderr);
        assert!(run.stderr.contains("127.0.0.1") && !run.stderr.contains("panicked"), "{run:?}");
    }
}
