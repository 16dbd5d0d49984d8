//! The API of 2018, against recordings of the real service.

use std::{sync::Arc, time::Duration};

use ketch_core::{
    Backend, Circuit, Error, FIND_JOB, JobQuery, JobStatus, Message, Provider, Qobj, RunOptions,
    circuit::Register,
};
use ketch_provider_ibmq::Settings;
use serde_json::{Value, json};

use crate::{
    replay::{
        Received, Reply, Script, Scripted, Server,
        quantum_experience::{JOB, KEY, QuantumExperience, SESSION, recording},
    },
    support::{TestHost, bell, failure, fast, provider, provider_of},
};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));
const SIMULATOR: &str = "ibmq_qasm_simulator";

fn account(url: &str) -> Value {
    json!({"name": "then", "token": KEY, "url": format!("{url}/api")})
}

fn replayed() -> Server {
    Server::start(QuantumExperience::default()).unwrap()
}

fn scripted(script: Script) -> Server {
    Server::start(Scripted { script, service: QuantumExperience::default() }).unwrap()
}

fn backend(server: &Server, name: &str) -> Arc<dyn Backend> {
    provider(&[account(&server.url())]).get_backend(name).unwrap()
}

#[test]
fn a_job_goes_all_the_way() {
    let server = replayed();
    let backend = backend(&server, SIMULATOR);
    assert_eq!(backend.status().unwrap().pending_jobs, 0);
    assert_eq!(backend.properties().unwrap(), None);
    // With the digits of the recording.
    let pi: f64 = "3.14159265358979".parse().unwrap();
    let circuit = Circuit::new(2, 2).named("bell");
    let circuit = circuit.gate(ketch_core::circuit::Gate::U2, 0, &[0.0, pi], &[0]).cx(0, 1);
    let circuit = circuit.measure(0, 0).measure(1, 1);
    let qobj = Qobj::from_circuit(circuit).with_shots(1024).with_seed(42);
    let options = RunOptions { job_key: Some("01ABC".to_owned()), ..RunOptions::default() };
    let job = backend.run(qobj, options).unwrap();
    assert_eq!(job.job_id(), JOB);
    assert_eq!(job.status().unwrap(), JobStatus::Running);
    assert_eq!(job.queue_position().unwrap(), None);
    let result = job.result(PATIENCE).unwrap();
    let counts = result.counts("bell").unwrap();
    assert_eq!((counts.get("11"), counts.get("00"), counts.total()), (522, 502, 1024));
    assert_eq!(result.experiments[0].seed, Some(42));
    assert_eq!(result.experiments[0].registers, [Register::new("c", 0, 2)]);
    assert_eq!(job.status().unwrap(), JobStatus::Done);
    // The recording's date was replaced with a dummy: it is unknown.
    assert_eq!(job.creation_date().unwrap(), None);

    // The question has the shape of the recorded one.
    let sent = &server.asked("POST /api/Jobs")[0];
    assert_eq!(sent.query("access_token"), Some(SESSION));
    let (sent, then) = (sent.json(), recording("POST_Jobs_200_RUNNING")["request"]["body"].clone());
    for field in ["shots", "seed", "maxCredits", "backend"] {
        assert_eq!(sent[field], then[field], "{field}");
    }
    let (program, recorded) = (&sent["qasms"][0], &then["qasms"][0]);
    assert_eq!(program["name"], recorded["name"]);
    let text = |value: &Value| {
        let text = value["qasm"].as_str().unwrap().replace("0.0,", "0,");
        text.replace("measure q -> c;\n", "measure q[0] -> c[0];\nmeasure q[1] -> c[1];\n")
    };
    assert_eq!(text(program), text(recorded));
    let labels =
        |value: &Value| value["metadata"]["compiled_circuit"]["header"]["clbit_labels"].clone();
    assert_eq!(labels(program), labels(recorded));
    assert_eq!(program["metadata"]["ketch_job_key"], "ketch-01ABC");
}

#[test]
fn devices_are_described_in_todays_words() {
    let server = replayed();
    let device = backend(&server, "ibmq_5_tenerife");
    assert_eq!(device.name(), "ibmqx4", "the name by which it was known later");
    let configuration = device.configuration().unwrap();
    assert_eq!(configuration.backend_version, "1.2.0");
    assert_eq!(configuration.n_qubits(), Some(5));
    assert_eq!(configuration.basis_gates, ["u1", "u2", "u3", "cx", "id"]);
    let couplings: [&[u32]; 6] = [&[1, 0], &[2, 0], &[2, 1], &[3, 2], &[3, 4], &[4, 2]];
    assert_eq!(configuration.coupling_map.as_ref().unwrap()[..], couplings);
    assert_eq!(configuration.sample_name.as_deref(), Some("Raven"));
    assert_eq!(configuration.extra["allow_q_object"], false);
    assert_eq!(configuration.gates.len(), 5);

    let properties = device.properties().unwrap().unwrap();
    assert_eq!(properties.t1(0), Some(47.8 / 1e6));
    assert_eq!(properties.t2(0), Some(37.8 / 1e6));
    assert_eq!(properties.frequency(0), Some(5.24986e9));
    assert_eq!(properties.readout_error(0), Some(0.061));
    assert_eq!(properties.gate_error("u2", &[0]), Some(0.000_944_353_233_504_613_4));
    assert_eq!(properties.gate_error("cx", &[1, 0]), Some(0.033_646_908_351_250_2));
    assert_eq!(properties.gate_length("u3", &[0]), Some(120.0 / 1e9));
    assert!(properties.general.is_empty(), "the recorded temperature is `-`");

    let status = backend(&server, "ibmqx5").status().unwrap();
    assert!(!status.operational);
    assert_eq!((status.pending_jobs, status.status_msg.as_str()), (42, "internal"));
    let questions = server.asked("GET /api/Backends/ibmqx5/queue/status");
    assert_eq!(questions[0].query("access_token"), None, "it needs no token");
    // Nothing is recorded of this device's calibration.
    assert_eq!(backend(&server, "ibmqx2").properties().unwrap(), None);
}

#[test]
fn jobs_are_found_again() {
    let server = replayed();
    let backend = backend(&server, SIMULATOR);
    let job = backend.retrieve_job(JOB).unwrap();
    let result = job.result(PATIENCE).unwrap();
    assert_eq!(result.counts("bell").unwrap().get("11"), 522);
    assert_eq!(result.experiments[0].registers, [Register::new("c", 0, 2)]);

    // The service refuses ids that it does not know as it refuses tokens.
    let error = failure(backend.retrieve_job("BAD_JOB_ID"));
    assert!(matches!(error, Error::JobNotFound { job } if job == "BAD_JOB_ID"));

    let other = provider(&[account(&server.url())]).get_backend("ibmqx4").unwrap();
    let error = failure(other.retrieve_job(JOB));
    assert!(matches!(error, Error::JobNotFound { .. }), "it is another device's");

    let query = JobQuery { limit: 3, skip: 2, status: Some(JobStatus::Queued) };
    let jobs = backend.jobs(&query).unwrap();
    let ids: Vec<String> = jobs.iter().map(|job| job.job_id()).collect();
    assert_eq!(ids, ["dummyapiJobsid02", "dummyapiJobsid03", "dummyapiJobsid04"]);
    let asked = &server.asked("GET /api/Jobs")[0];
    let filter: Value = serde_json::from_str(asked.query("filter").unwrap()).unwrap();
    let expected = json!({"order": "creationDate DESC", "limit": 3, "skip": 2, "where": {
        "status": "RUNNING", "infoQueue.status": "PENDING_IN_QUEUE", "backend.name": SIMULATOR}});
    assert_eq!(filter, expected);
    let query = JobQuery { status: Some(JobStatus::Validating), ..JobQuery::default() };
    assert!(matches!(failure(backend.jobs(&query)), Error::NotSupported { .. }));
}

#[test]
fn waiting_failing_and_odd_jobs_are_told() {
    let status = |word: &str, position: Option<u32>| {
        let queue = position.map(|p| json!({"status": "PENDING_IN_QUEUE", "position": p}));
        Reply::json(200, &json!({"status": word, "infoQueue": queue}))
    };
    let route = format!("GET /api/Jobs/{JOB}/status");
    let replies =
        [status("RUNNING", Some(7)), status("DREAMING", None), status("ERROR_RUNNING_JOB", None)];
    let whole = json!({"id": JOB, "status": "ERROR_RUNNING_JOB", "backend": {"name": SIMULATOR},
        "error": {"message": "too deep"}, "creationDate": "2018-10-02T09:57:24.000Z"});
    let script = Script::default()
        .on(&route, replies)
        .on(&format!("GET /api/Jobs/{JOB}"), [Reply::json(200, &whole)]);
    let server = scripted(script);
    let circuit = Circuit::new(1, 1).measure(0, 0);
    let job = backend(&server, SIMULATOR).run(Qobj::from_circuit(circuit), RunOptions::default());
    let job = job.unwrap();
    assert_eq!(job.queue_position().unwrap(), Some(7));
    assert_eq!(job.status().unwrap(), JobStatus::Other("DREAMING".to_owned()));
    let expected = "too deep (ERROR_RUNNING_JOB)";
    assert_eq!(job.error_message().unwrap().as_deref(), Some(expected));
    let error = failure(job.result(PATIENCE));
    assert!(matches!(error, Error::JobFailed { reason, .. } if reason == expected));
    let created = humantime::format_rfc3339_seconds(job.creation_date().unwrap().unwrap());
    assert_eq!(created.to_string(), "2018-10-02T09:57:24Z");
}

#[test]
fn a_job_can_be_cancelled() {
    let refused = json!({"error": {"message": "too late"}});
    let script = Script::default()
        .on(&format!("POST /api/Jobs/{JOB}/cancel"), [Reply::Pass, Reply::json(200, &refused)]);
    let server = scripted(script);
    let circuit = Circuit::new(1, 1).measure(0, 0);
    let job = backend(&server, SIMULATOR).run(Qobj::from_circuit(circuit), RunOptions::default());
    let job = job.unwrap();
    assert!(job.cancel().unwrap());
    assert!(!job.cancel().unwrap());
}

#[test]
fn a_devices_outcomes_are_put_into_the_circuits_order() {
    // Qubit 3 was measured into bit 0 and qubit 0 into bit 1 of two.
    let measured =
        |qubit: u32, clbit: u32| json!({"name": "measure", "qubits": [qubit], "clbits": [clbit]});
    let whole = json!({
        "id": JOB, "status": "COMPLETED", "shots": 10, "backend": {"name": "ibmqx4"},
        "qasms": [{"name": "it", "status": "DONE",
            "result": {"data": {"counts": {"01000": 7, "00001": 3}}},
            "metadata": {"compiled_circuit": {
                "header": {"clbit_labels": [["a", 1], ["b", 1]]},
                "operations": [measured(3, 0), measured(0, 1)]}}}],
    });
    let script = Script::default().on(&format!("GET /api/Jobs/{JOB}"), [Reply::json(200, &whole)]);
    let server = scripted(script);
    let job = backend(&server, "ibmqx4").retrieve_job(JOB).unwrap();
    let result = job.result(PATIENCE).unwrap();
    let counts = result.counts("it").unwrap();
    assert_eq!((counts.get("0 1"), counts.get("1 0")), (7, 3));
    let labels: Vec<String> = counts.labelled().map(|(outcome, _)| outcome).collect();
    assert_eq!(labels, ["0 1", "1 0"]);
}

#[test]
fn a_device_that_takes_a_qobj_gets_one() {
    let mut devices = recording("GET_Backends_200")["response"]["body"].clone();
    let list = devices.as_array_mut().unwrap();
    list.iter_mut().for_each(|device| device["allowQObject"] = true.into());
    let result = json!({"backend_name": SIMULATOR, "backend_version": "1.0.0", "qobj_id": "q",
        "job_id": JOB, "success": true, "status": "COMPLETED", "results": [{"shots": 4,
        "success": true, "status": "DONE", "data": {"counts": {"0x1": 4}},
        "header": {"name": "it", "memory_slots": 1, "creg_sizes": [["c", 1]]}}]});
    let whole = json!({"id": JOB, "status": "COMPLETED", "backend": {"name": SIMULATOR},
        "qObjectResult": result});
    let script = Script::default()
        .on("GET /api/Backends", [Reply::json(200, &devices)])
        .on(&format!("GET /api/Jobs/{JOB}"), [Reply::json(200, &whole)]);
    let server = scripted(script);
    let circuit = Circuit::new(1, 1).named("it").u(1.0, 0.0, 0.0, 0).measure(0, 0);
    let u3 = Circuit::new(1, 1)
        .named("it")
        .gate(ketch_core::circuit::Gate::U3, 0, &[1.0, 0.0, 0.0], &[0])
        .measure(0, 0);
    let device = backend(&server, SIMULATOR);
    assert!(device.run(Qobj::from_circuit(circuit), RunOptions::default()).is_err());
    let job = device.run(Qobj::from_circuit(u3).with_shots(4), RunOptions::default()).unwrap();
    assert_eq!(job.result(PATIENCE).unwrap().counts("it").unwrap().get("1"), 4);
    let sent = server.asked("POST /api/Jobs")[0].json();
    assert_eq!(sent["backend"], json!({"name": SIMULATOR}));
    assert_eq!(sent["qObject"]["header"]["backend_name"], SIMULATOR);
    let name = &sent["qObject"]["experiments"][0]["instructions"][0]["name"];
    assert_eq!(name, "u3");
}

#[test]
fn a_session_that_expires_is_renewed() {
    let refused = || crate::replay::quantum_experience::recorded("GET_Jobs_BAD_JOB_ID_401");
    let route = format!("GET /api/Jobs/{JOB}/status");
    let server = scripted(Script::default().on(&route, [refused(), Reply::Pass]));
    let circuit = Circuit::new(1, 1).measure(0, 0);
    let job = backend(&server, SIMULATOR).run(Qobj::from_circuit(circuit), RunOptions::default());
    assert_eq!(job.unwrap().status().unwrap(), JobStatus::Running);
    assert_eq!(server.asked("POST /api/users/loginWithToken").len(), 2);

    let mut wrong = account(&server.url());
    wrong["token"] = "wrong-key".into();
    let error = failure(provider(&[wrong]).get_backend("ibmqx4"));
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error}");
}

#[test]
fn a_job_whose_receipt_was_lost_is_found_by_its_key() {
    let mut job = recording("GET_Jobs_id__200_RUNNING")["response"]["body"].clone();
    job["qasms"][0]["metadata"]["ketch_job_key"] = "ketch-k2".into();
    let script = Script::default()
        .on("POST /api/Jobs", [Reply::Instead(Box::new(Reply::HangUp))])
        .on("GET /api/Jobs", [Reply::json(200, &json!([job]))]);
    let server = scripted(script);
    let circuit = Circuit::new(1, 1).measure(0, 0);
    let options = RunOptions { job_key: Some("k2".to_owned()), ..RunOptions::default() };
    let found = backend(&server, SIMULATOR).run(Qobj::from_circuit(circuit), options).unwrap();
    assert_eq!(found.job_id(), JOB);
    assert_eq!(server.asked("POST /api/Jobs").len(), 1);
    let asked = &server.asked("GET /api/Jobs")[0];
    let filter: Value = serde_json::from_str(asked.query("filter").unwrap()).unwrap();
    assert_eq!(filter["where"], json!({"qasms.metadata.ketch_job_key": "ketch-k2"}));
}

#[test]
fn what_the_service_cannot_take_is_not_sent() {
    let server = replayed();
    let backend = backend(&server, SIMULATOR);
    let circuit = || Circuit::new(1, 1).measure(0, 0);
    let mut qobj = Qobj::from_circuits(vec![circuit().named("a"), circuit().named("b")]);
    qobj.experiments_mut()[1].config.shots = Some(7);
    let error = failure(backend.run(qobj, RunOptions::default())).to_string();
    assert!(error.ends_with("one number of shots: `a` has 1024, `b` has 7"), "{error}");
    let error = failure(backend.run(bell(), RunOptions::default())).to_string();
    assert!(error.contains("does not know the instruction `rz`"), "{error}");
    assert!(server.asked("POST /api/Jobs").is_empty());
}

#[test]
fn a_job_is_found_by_its_key() {
    let server = replayed();
    let backend = backend(&server, SIMULATOR);
    let find = |job_key: &str| {
        let question = Message::json(&json!({"schema": FIND_JOB, "job_key": job_key}));
        let answer = backend.extensions().unwrap().call(FIND_JOB, question).unwrap();
        answer.to_json().unwrap()["job_id"].clone()
    };
    let options = RunOptions { job_key: Some("k1".to_owned()), ..RunOptions::default() };
    assert_eq!(find("k1"), Value::Null);
    backend.run(Qobj::from_circuit(Circuit::new(1, 1).measure(0, 0)), options).unwrap();
    assert_eq!((find("k1"), find("k2")), (JOB.into(), Value::Null));
}

#[test]
fn the_states_of_jobs_that_wait_take_one_question() {
    const JOBS: usize = 6;
    let row = |number: usize, status: &str, info: Value| {
        json!({"id": format!("job-{number}"), "status": status, "infoQueue": info,
            "backend": {"name": SIMULATOR}})
    };
    let waits = |number| {
        row(number, "RUNNING", json!({"status": "PENDING_IN_QUEUE", "position": number + 1}))
    };
    let mut script = Script::default();
    for number in 0..JOBS {
        let place = format!("GET /api/Jobs/job-{number}");
        let alone = match number {
            5 => row(number, "COMPLETED", Value::Null),
            _ => waits(number),
        };
        script = script
            .on(&place, [Reply::json(200, &waits(number))])
            .on(&format!("{place}/status"), [Reply::json(200, &alone)]);
    }
    // The fifth is not told to wait, and the last one is over: both are asked for alone.
    let list = (0..4).map(waits).chain([row(4, "RUNNING", Value::Null)]).collect();
    let server = scripted(script.on("GET /api/Jobs/status", [Reply::json(200, &list)]));
    let poll = Duration::from_secs(60);
    let settings = Settings { poll, poll_limit: poll, ..fast() };
    let host = TestHost::with(&[account(&server.url())]);
    let backend = provider_of(&host, settings).get_backend(SIMULATOR).unwrap();
    let jobs: Vec<_> =
        (0..JOBS).map(|number| backend.retrieve_job(&format!("job-{number}")).unwrap()).collect();
    let states = || jobs.iter().map(|job| job.status().unwrap()).collect::<Vec<_>>();
    let expected = [vec![JobStatus::Queued; 5], vec![JobStatus::Done]].concat();
    assert_eq!(states(), expected);
    let before = server.log().len();
    assert_eq!(states(), expected);
    let asked: Vec<String> = server.log()[before..].iter().map(Received::route).collect();
    assert_eq!(asked, ["GET /api/Jobs/status", "GET /api/Jobs/job-4/status"]);
    let list = &server.asked("GET /api/Jobs/status")[0];
    let filter: Value = serde_json::from_str(list.query("filter").unwrap()).unwrap();
    let waiting = json!({"status": "RUNNING", "infoQueue.status": "PENDING_IN_QUEUE"});
    assert_eq!(filter["where"], waiting);
}
