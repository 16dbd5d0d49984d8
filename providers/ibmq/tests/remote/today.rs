//! Today's API, when all goes well and when jobs do not.

use std::time::Duration;

use ketch_core::{
    Circuit, Error, Filter, JobQuery, JobStatus, Provider, Qobj, RunOptions, circuit::Register,
};
use serde_json::{Value, json};

use crate::{
    replay::{
        Received, Reply, Script, Scripted, Server, Service,
        ibm::{DEVICE, Ibm, REASON, refusal},
    },
    support::{account, bell, device, failure, provider},
};

const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

fn server(course: &[&'static str]) -> Server {
    Server::start(Ibm::with_course(course)).unwrap()
}

#[test]
fn a_job_goes_all_the_way() {
    let server = Server::start(Ibm::default()).unwrap();
    let provider = provider(&[account(&server.url())]);
    let backends = provider.backends(&Filter::new().with("simulator", false)).unwrap();
    let names: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
    assert_eq!(names, [DEVICE], "twins for dry runs are not listed");
    let backend = &backends[0];

    let configuration = backend.configuration().unwrap();
    assert_eq!(configuration.n_qubits(), Some(5));
    assert_eq!(configuration.extra["account"], "lab");
    assert!(!configuration.local);
    let properties = backend.properties().unwrap().unwrap();
    assert_eq!(properties.t1(2), Some(102e-6));
    assert_eq!(properties.gate_error("cx", &[3, 4]), Some(8e-3));
    let status = backend.status().unwrap();
    assert!(status.operational);
    assert_eq!((status.pending_jobs, status.status_msg.as_str()), (3, "active"));

    let tags = vec!["mine".to_owned()];
    let options = RunOptions { job_key: Some("01ABC".to_owned()), tags, ..RunOptions::default() };
    let job = backend.run(bell(), options).unwrap();
    assert_eq!(job.job_id(), "job-1");
    assert_eq!(job.backend().name(), DEVICE);
    assert_eq!(job.queue_position().unwrap(), Some(2));
    assert_eq!(job.queue_position().unwrap(), Some(1));
    assert_eq!(job.status().unwrap(), JobStatus::Running);
    assert_eq!(job.queue_position().unwrap(), None);
    let created = humantime::format_rfc3339_millis(job.creation_date().unwrap().unwrap());
    assert_eq!(created.to_string(), "2026-11-22T10:00:00.250Z");
    let result = job.result(PATIENCE).unwrap();
    assert_eq!(job.status().unwrap(), JobStatus::Done);
    assert_eq!(job.error_message().unwrap(), None);
    assert!(!job.cancel().unwrap());

    assert_eq!(result.job_id, "job-1");
    assert_eq!(result.backend_name, DEVICE);
    let counts = result.counts("bell").unwrap();
    assert_eq!((counts.get("00"), counts.get("11"), counts.total()), (5, 5, 10));
    let memory: Vec<String> = result.memory(0).unwrap().iter().map(|b| b.to_string()).collect();
    assert_eq!(memory[..3], ["00", "11", "00"]);

    // What is final is asked for once.
    let n_asked = server.log().len();
    assert_eq!(job.result(PATIENCE).unwrap(), result);
    assert_eq!(server.log().len(), n_asked);

    let sent = &server.asked("POST /api/v1/jobs")[0];
    assert_eq!(sent.header("ibm-api-version"), Some("2026-04-15"));
    let crn = "crn:v1:bluemix:public:quantum-computing:us-east:a/1:2::";
    assert_eq!(sent.header("service-crn"), Some(crn));
    let program = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nbit[2] c;\nqubit[2] q;\n\
        rz(1.5707963267948966) q[0];\nsx q[0];\nrz(1.5707963267948966) q[0];\n\
        cx q[0], q[1];\nc = measure q;\n\
        // ketch {\"qobj\":[\"\",{}],\"registers\":[[\"c\",2]],\"sent_as\":[\"c\"],\
        \"experiments\":[{\"name\":\"bell\",\"memory\":true}]}\n";
    let body = json!({
        "program_id": "sampler", "backend": DEVICE,
        "params": {"pubs": [[program, no_values(), 10]], "version": 2},
        "tags": ["ketch-01ABC", "mine"],
    });
    assert_eq!(sent.json(), body);
    assert_eq!(server.asked("POST /identity/token").len(), 1, "one token serves all");
}

/// An empty array of numbers, as IBM's own client sends it.
fn no_values() -> Value {
    let npy = "eJyb7BfqGxDJyFDGUK2eklqcXKRupaBuk2ahrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RoGOpo6CrUK\
        FAAuAFOzG1s=";
    json!({"__type__": "ndarray", "__value__": npy})
}

#[test]
fn experiments_are_pubs_with_their_numbers() {
    let server = server(&["Completed"]);
    let mut circuit = Circuit::new(2, 0).rz("theta", 0);
    circuit.add_creg("a", 1);
    circuit.add_creg("measure", 9);
    let circuit = circuit.measure(0, 0).measure(1, 9);
    let mut qobj = Qobj::from_circuits(vec![circuit.clone(), circuit]).with_shots(4);
    for (place, experiment) in qobj.experiments_mut().iter_mut().enumerate() {
        experiment.circuit = 0;
        experiment.bindings = vec![place as f64 + 0.5];
        experiment.header.insert("name".to_owned(), format!("run {place}").into());
    }
    qobj.experiments_mut()[1].config.shots = Some(6);
    let qobj = qobj.with_option("rep_delay", 0.0001).with_option("max_execution_time", 60);
    let job = device(&server.url()).run(qobj, RunOptions::default()).unwrap();
    let result = job.result(PATIENCE).unwrap();
    assert_eq!(result.counts("run 0").unwrap().total(), 4);
    let counts = result.counts("run 1").unwrap();
    // The registers have the circuit's names, though `measure` could not be sent.
    let registers = [Register::new("a", 0, 1), Register::new("measure", 1, 9)];
    assert_eq!(counts.registers(), registers);
    assert_eq!(counts.get("111111111 1"), 3);
    assert!(result.memory("run 1").is_err(), "it was not asked for");

    let body = server.asked("POST /api/v1/jobs")[0].json();
    let pubs = &body["params"]["pubs"];
    assert!(pubs[0][0].as_str().unwrap().contains("rz(0.5) q[0];"));
    assert!(pubs[1][0].as_str().unwrap().contains("rz(1.5) q[0];"));
    assert!(pubs[1][0].as_str().unwrap().contains("bit[9] measure_2;"));
    assert_eq!(body["params"]["options"], json!({"execution": {"rep_delay": 0.0001}}));
    assert_eq!(body["cost"], 60);
}

#[test]
fn what_the_device_cannot_run_is_not_sent() {
    let server = server(&["Completed"]);
    let backend = device(&server.url());
    let run = |qobj| failure(backend.run(qobj, RunOptions::default())).to_string();
    let named = |circuit: Circuit| Qobj::from_circuit(circuit.named("it"));
    let unknown = run(named(Circuit::new(1, 1).h(0).measure(0, 0)));
    assert_eq!(unknown, format!("backend `{DEVICE}` does not know the instruction `h`"));
    let large = run(named(Circuit::new(6, 1)));
    assert_eq!(large, format!("backend `{DEVICE}` has 5 qubits, the circuit `it` needs 6"));
    let unmeasured = run(named(Circuit::new(1, 0).x(0)));
    assert!(unmeasured.contains("`it` measures nothing"), "{unmeasured}");
    let option = run(bell().with_option("rep_dely", 1));
    assert!(option.contains("invalid option `rep_dely`"), "{option}");
    assert!(server.asked("POST /api/v1/jobs").is_empty());
}

#[test]
fn a_failed_job_tells_why() {
    let server = server(&["Running", "Failed"]);
    let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
    let error = failure(job.result(PATIENCE));
    let expected = format!("{REASON} (code 1517)");
    assert!(
        matches!(&error, Error::JobFailed { job, reason } if job == "job-1" && *reason == expected)
    );
    assert_eq!(job.status().unwrap(), JobStatus::Error);
    assert_eq!(job.error_message().unwrap(), Some(expected));
}

#[test]
fn a_failure_without_a_reason_is_told_by_the_programs_last_words() {
    let failed = json!({"id": "job-1", "backend": DEVICE, "state": {"status": "Failed"}});
    let script = Script::default()
        .on("GET /api/v1/jobs/job-1", [Reply::json(200, &failed)])
        .on("GET /api/v1/jobs/job-1/results", [Reply::text(200, " Traceback: no such gate\n")]);
    let server = Server::start(Scripted { script, service: Ibm::default() }).unwrap();
    let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
    let error = failure(job.result(PATIENCE)).to_string();
    assert_eq!(error, "job `job-1` failed: Traceback: no such gate");
}

#[test]
fn documents_of_jobs_must_hold_a_state() {
    let script =
        Script::default().on("GET /api/v1/jobs/job-1", [Reply::text(200, "{\"id\":\"job-1\"}")]);
    let server = Server::start(Scripted { script, service: Ibm::default() }).unwrap();
    let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
    let error = failure(job.status()).to_string();
    assert!(error.ends_with("unexpectedly: expected an object with `state`"), "{error}");
}

#[test]
fn a_result_that_is_gone_is_told() {
    let script = Script::default().on("GET /api/v1/jobs/job-1/results", [Reply::text(404, "")]);
    let service = Ibm::with_course(&["Completed"]);
    let server = Server::start(Scripted { script, service }).unwrap();
    let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
    let error = failure(job.result(PATIENCE)).to_string();
    assert_eq!(error, "job `job-1` failed: the service has no result of it");
}

#[test]
fn a_job_can_be_cancelled_once() {
    let server = server(&["Running"]);
    let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
    // While somebody waits for it.
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| job.result(PATIENCE));
        assert!(job.cancel().unwrap());
        let outcome = waits.join().unwrap();
        assert!(matches!(outcome, Err(Error::Cancelled { job }) if job == "job-1"));
    });
    assert_eq!(job.status().unwrap(), JobStatus::Cancelled);
    assert!(!job.cancel().unwrap());
    // Another handle does not know yet that it has ended; the service says so.
    let again = device(&server.url()).retrieve_job("job-1").unwrap();
    assert!(!again.cancel().unwrap());
}

#[test]
fn jobs_are_found_again() {
    let server = server(&["Queued", "Running", "Completed"]);
    let backend = device(&server.url());
    let looks = [3, 0, 2, 3, 1, 0];
    for n_looks in looks {
        let job = backend.run(bell(), RunOptions::default()).unwrap();
        (0..n_looks).for_each(|_| drop(job.status().unwrap()));
    }
    let ids = |limit, skip, status: Option<JobStatus>| -> Vec<String> {
        let jobs = backend.jobs(&JobQuery { limit, skip, status }).unwrap();
        jobs.iter().map(|job| job.job_id()).collect()
    };
    assert_eq!(ids(2, 0, None), ["job-6", "job-5"]);
    assert_eq!(ids(2, 4, None), ["job-2", "job-1"]);
    assert_eq!(ids(9, 0, Some(JobStatus::Done)), ["job-4", "job-1"]);
    assert_eq!(ids(1, 1, Some(JobStatus::Done)), ["job-1"]);
    assert_eq!(ids(9, 0, Some(JobStatus::Queued)), ["job-6", "job-5", "job-2"]);
    assert_eq!(ids(1, 0, Some(JobStatus::Running)), ["job-3"]);
    assert!(ids(0, 0, None).is_empty());

    // From another process, as it were: nothing is known of the circuit.
    let job = device(&server.url()).retrieve_job("job-1").unwrap();
    let result = job.result(PATIENCE).unwrap();
    assert_eq!(result.counts(0).unwrap().get("11"), 5);
    assert_eq!(result.experiments[0].registers, [Register::new("c", 0, 2)]);
    assert_eq!(result.memory(0).unwrap().len(), 10);

    let missing = failure(backend.retrieve_job("job-99"));
    assert!(matches!(missing, Error::JobNotFound { job } if job == "job-99"));
    let hostile = failure(backend.retrieve_job("../backends?x=1#"));
    assert!(matches!(hostile, Error::JobNotFound { .. }), "{hostile}");
    for id in ["", ".", ".."] {
        let nobodys = failure(backend.retrieve_job(id));
        assert!(matches!(&nobodys, Error::JobNotFound { job } if job == id), "{nobodys}");
    }
}

/// A service that answers in this way when it is asked for a job's programs.
struct Hiding(Ibm, Reply);

impl Service for Hiding {
    fn reply(&self, question: &Received) -> Reply {
        let asked = question.route() == "GET /api/v1/jobs/job-1";
        match asked && question.query("exclude_params").is_none() {
            true => self.1.clone(),
            false => self.0.reply(question),
        }
    }
}

#[test]
fn a_result_is_read_also_where_the_programs_are_not_shown() {
    let result_behind = |hides: Reply| {
        let service = Hiding(Ibm::with_course(&["Completed"]), hides);
        let server = Server::start(service).unwrap();
        drop(device(&server.url()).run(bell(), RunOptions::default()).unwrap());
        device(&server.url()).retrieve_job("job-1").unwrap().result(PATIENCE)
    };
    for reply in [
        refusal(403, "they are hidden"),
        refusal(413, "they are too large"),
        Reply::text(404, ""),
        Reply::text(200, "not shown"),
    ] {
        let result = result_behind(reply).unwrap();
        assert_eq!(result.counts(0).unwrap().get("11"), 5);
        assert_eq!(result.experiments[0].name, "");
    }
    // What passes is asked for again by whoever wants the result.
    let error = failure(result_behind(refusal(503, "later")));
    assert!(error.is_retryable(), "{error}");
}

#[test]
fn more_jobs_than_a_page_are_listed() {
    let server = server(&["Completed"]);
    let backend = device(&server.url());
    for _ in 0..53 {
        drop(backend.run(bell(), RunOptions::default()).unwrap());
    }
    let all = backend.jobs(&JobQuery { limit: 60, skip: 1, status: None }).unwrap();
    assert_eq!(all.len(), 52);
    assert_eq!(all[51].job_id(), "job-1");
}

#[test]
fn unknown_words_are_kept() {
    let server = server(&["Dreaming"]);
    let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
    assert_eq!(job.status().unwrap(), JobStatus::Other("Dreaming".to_owned()));
    let waits = Duration::from_millis(100);
    let error = failure(job.result(Some(waits)));
    assert!(matches!(error, Error::Timeout { after, .. } if after == waits));
}

#[test]
fn a_device_may_have_no_properties() {
    let route = format!("GET /api/v1/backends/{DEVICE}/properties");
    let replies = [Reply::text(200, "{}"), Reply::text(404, "")];
    let script = Script::default().on(&route, replies);
    let server = Server::start(Scripted { script, service: Ibm::default() }).unwrap();
    let backend = device(&server.url());
    assert_eq!(backend.properties().unwrap(), None);
    assert_eq!(backend.properties().unwrap(), None);
}

#[test]
fn the_typed_form_of_results_is_read() {
    // Two shots of one bit, 1 and 0, as NumPy wrote and zlib packed them.
    let array = crate::replay::ibm::packed(&[1, 0], 2);
    let typed = |kind: &str, value: Value| json!({"__type__": kind, "__value__": value});
    let bits = typed("BitArray", json!({"array": typed("ndarray", array.into()), "num_bits": 1}));
    let data = json!({"field_names": ["c"], "shape": [], "fields": {"c": bits}});
    let unit = typed("SamplerPubResult", json!({"data": typed("DataBin", data), "metadata": {}}));
    let whole = typed("PrimitiveResult", json!({"pub_results": [unit], "metadata": {"v": 2}}));
    let script = Script::default().on("GET /api/v1/jobs/job-1/results", [Reply::json(200, &whole)]);
    let service = Ibm::with_course(&["Completed"]);
    let server = Server::start(Scripted { script, service }).unwrap();
    let circuit = Circuit::new(1, 1).x(0).measure(0, 0);
    let qobj = Qobj::from_circuit(circuit).with_shots(2).with_memory();
    let job = device(&server.url()).run(qobj, RunOptions::default()).unwrap();
    let result = job.result(PATIENCE).unwrap();
    let shots: Vec<String> = result.memory(0).unwrap().iter().map(|b| b.to_string()).collect();
    assert_eq!(shots, ["1", "0"]);
    assert_eq!(result.metadata["v"], 2);
}

#[test]
fn results_that_do_not_fit_are_refused() {
    let cases = [
        (json!({"results": []}), "expected 1 results, found 0"),
        (json!([]), "expected a list `results`"),
        (json!({"results": [{}]}), "`results[0].data`: expected an object"),
        (
            json!({"results": [{"data": {"c": {"num_bits": 3, "samples": []}}}]}),
            "`results[0].data.c`: expected 2 bits, found 3",
        ),
        (
            json!({"results": [{"data": {"d": {"num_bits": 2, "samples": []}}}]}),
            "`results[0].data.d`: the circuit has no such register",
        ),
    ];
    for (document, expected) in cases {
        let script =
            Script::default().on("GET /api/v1/jobs/job-1/results", [Reply::json(200, &document)]);
        let service = Ibm::with_course(&["Completed"]);
        let server = Server::start(Scripted { script, service }).unwrap();
        let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
        let error = failure(job.result(PATIENCE)).to_string();
        let begins = format!("{} answered GET /jobs/job-1/results unexpectedly: ", server.url());
        assert!(error.starts_with(&begins), "{error}");
        assert!(error.ends_with(expected), "{error}");
    }
}
