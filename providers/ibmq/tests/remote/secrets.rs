//! Keys and tokens stay out of everything that can be seen.

use std::sync::Arc;

use ketch_core::{Filter, JobQuery, Provider, RunOptions};
use serde_json::json;

use crate::{
    replay::{
        Received, Reply, Script, Scripted, Server, Service,
        ibm::{DEVICE, Ibm, KEY},
        quantum_experience::{self, QuantumExperience, SESSION},
    },
    support::{TestHost, account, bell, device, failure, fast, provider, provider_of, told},
};

/// A service that repeats all that it is told in its refusals, which nobody should.
struct Parrot {
    status: u16,
    as_json: bool,
}

impl Service for Parrot {
    fn reply(&self, question: &Received) -> Reply {
        let said = format!("{:?} {:?} {}", question.query, question.headers, question.body);
        match self.as_json {
            true => Reply::json(
                self.status,
                &json!({"errors": [{"message": said,
                "solution": said}], "error": {"message": said}}),
            ),
            false => Reply::text(self.status, &said),
        }
    }
}

/// A good service whose every answer but the named ones comes from a parrot.
struct Mixed<S> {
    good: S,
    good_paths: &'static [&'static str],
    parrot: Parrot,
}

impl<S: Service> Service for Mixed<S> {
    fn reply(&self, question: &Received) -> Reply {
        match self.good_paths.contains(&question.path.as_str()) {
            true => self.good.reply(question),
            false => self.parrot.reply(question),
        }
    }
}

/// Does everything that can be done and collects all that is said.
fn everything(host: &Arc<TestHost>, name: &str) -> String {
    let provider = provider_of(host, fast());
    let mut said = vec![format!("{provider:?}")];
    let mut hear = |error: Option<ketch_core::Error>| {
        said.extend(error.map(|error| format!("{error:?} {error} {}", told(&error))));
    };
    hear(provider.backends(&Filter::default().with("simulator", true)).err());
    match provider.get_backend(name) {
        Err(error) => hear(Some(error)),
        Ok(backend) => {
            hear(backend.configuration().err());
            hear(backend.properties().err());
            hear(backend.status().err());
            hear(backend.retrieve_job("job-1").err());
            hear(backend.jobs(&JobQuery::default()).err());
            match backend.run(bell(), RunOptions::default()) {
                Err(error) => hear(Some(error)),
                Ok(job) => {
                    hear(job.status().err());
                    hear(job.result(Some(std::time::Duration::from_millis(50))).err());
                    hear(job.cancel().err());
                    hear(job.error_message().err());
                }
            }
        }
    }
    said.extend(host.heard.lock().unwrap().iter().cloned());
    said.join("\n")
}

#[test]
fn no_secret_is_ever_said() {
    let mut n_errors = 0;
    for status in [200, 400, 401, 404, 418, 500] {
        for as_json in [true, false] {
            let parrot = || Parrot { status, as_json };
            let device: &[&str] = &[
                "/identity/token",
                "/api/v1/backends",
                "/api/v1/backends/fake_lima/configuration",
            ];
            for good_paths in [&[], &device[..1], &device[..2], device] {
                let service = Mixed { good: Ibm::default(), good_paths, parrot: parrot() };
                let server = Server::start(service).unwrap();
                let said = everything(&TestHost::with(&[account(&server.url())]), DEVICE);
                for secret in [KEY, "secret-token"] {
                    assert!(!said.contains(secret), "{status}: {secret} in\n{said}");
                }
                n_errors += said.lines().count();
            }
            let early: &[&str] = &["/api/users/loginWithToken", "/api/Backends"];
            for good_paths in [&[], &early[..1], early] {
                let good = QuantumExperience::default();
                let service = Mixed { good, good_paths, parrot: parrot() };
                let server = Server::start(service).unwrap();
                let account = json!({"name": "a", "token": quantum_experience::KEY,
                    "url": server.url(), "api": "qx-2018"});
                let said = everything(&TestHost::with(&[account]), "ibmqx4");
                for secret in [quantum_experience::KEY, SESSION] {
                    assert!(!said.contains(secret), "{status}: {secret} in\n{said}");
                }
                n_errors += said.lines().count();
            }
        }
    }
    assert!(n_errors > 200, "there was little to look at: {n_errors}");
}

#[test]
fn the_reason_of_a_failed_job_is_cleaned_too() {
    let failed = json!({"id": "job-1", "backend": DEVICE,
        "state": {"status": "Failed", "reason": format!("bad key {KEY}")}});
    let script = Script::default().on("GET /api/v1/jobs/job-1", [Reply::json(200, &failed)]);
    let server = Server::start(Scripted { script, service: Ibm::default() }).unwrap();
    let job = device(&server.url()).run(bell(), RunOptions::default()).unwrap();
    assert_eq!(job.error_message().unwrap().as_deref(), Some("bad key …"));
}

#[test]
fn a_connection_that_breaks_does_not_show_the_address_with_its_token() {
    // The token of 2018 stands in the query.
    for reply in [Reply::HangUp, Reply::Truncated(Vec::new())] {
        let script = Script::default().on("GET /api/Jobs/1", [reply]);
        let service = QuantumExperience::default();
        let server = Server::start(Scripted { script, service }).unwrap();
        let account = json!({"name": "a", "token": quantum_experience::KEY, "url": server.url(),
            "api": "qx-2018"});
        let provider = provider(&[account]);
        let backend = provider.get_backend("ibmqx4").unwrap();
        let error = failure(backend.retrieve_job("1"));
        let asked = server.asked("GET /api/Jobs/1");
        assert_eq!(asked[0].query("access_token"), Some(SESSION));
        let said = format!("{error:?} {}", told(&error));
        assert!(!said.contains(SESSION), "{said}");
    }
}
