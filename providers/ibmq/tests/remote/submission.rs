//! A job is handed over once, whatever the network does.

use std::sync::Arc;

use ketch_core::{Backend, Error, FIND_JOB, Message, Provider, Result, RunOptions};
use serde_json::{Value, json};

use ketch_provider_ibmq::Settings;

use crate::{
    replay::{
        Reply, Script, Scripted, Server,
        ibm::{DEVICE, Ibm, refusal},
    },
    support::{TestHost, account, bell, failure, fast, provider_of, told},
};

const SUBMIT: &str = "POST /api/v1/jobs";
const LIST: &str = "GET /api/v1/jobs";

struct Lab {
    server: Server,
    service: Arc<Ibm>,
    backend: Arc<dyn Backend>,
}

impl Lab {
    fn with(script: Script) -> Self {
        let service = Arc::new(Ibm::with_course(&["Queued", "Completed"]));
        let scripted = Scripted { script, service: Arc::clone(&service) };
        let server = Server::start(scripted).unwrap();
        let settings = Settings { submit: std::time::Duration::from_millis(300), ..fast() };
        let provider = provider_of(&TestHost::with(&[account(&server.url())]), settings);
        let backend = provider.get_backend(DEVICE).unwrap();
        Self { server, service, backend }
    }

    fn run(&self) -> Result<String> {
        let options = RunOptions { job_key: Some("k1".to_owned()), ..RunOptions::default() };
        Ok(self.backend.run(bell(), options)?.job_id())
    }

    /// The service's id of the job that was handed over with this key.
    fn find(&self, job_key: &str) -> Result<Option<String>> {
        let abilities = self.backend.extensions().unwrap();
        assert_eq!(abilities.supports(FIND_JOB), 1);
        let question = Message::json(&json!({"schema": FIND_JOB, "job_key": job_key}));
        let answer = abilities.call(FIND_JOB, question)?.to_json().unwrap();
        Ok(answer["job_id"].as_str().map(str::to_owned))
    }

    /// Jobs that the service has, attempts to hand one over, questions for it.
    fn numbers(&self) -> (usize, usize, usize) {
        let asked = |route| self.server.asked(route).len();
        (self.service.n_jobs(), asked(SUBMIT), asked(LIST))
    }
}

fn instead(reply: Reply) -> Reply {
    Reply::Instead(Box::new(reply))
}

#[test]
fn a_job_whose_receipt_was_lost_is_found_by_its_tag() {
    let lost = [
        instead(Reply::HangUp),
        instead(Reply::text(502, "")),
        instead(Reply::text(200, "garbage")),
        instead(Reply::Truncated(b"{\"id\":".to_vec())),
        instead(Reply::Hang),
    ];
    for reply in lost {
        let lab = Lab::with(Script::default().on(SUBMIT, [reply.clone()]));
        assert_eq!(lab.run().unwrap(), "job-1", "{reply:?}");
        assert_eq!(lab.numbers(), (1, 1, 1), "{reply:?}");
        let asked = &lab.server.asked(LIST)[0];
        assert_eq!(asked.query("tags"), Some("ketch-k1"));
    }
}

#[test]
fn a_job_that_did_not_arrive_is_sent_again_once_that_is_known() {
    for reply in [Reply::text(503, ""), Reply::HangUp] {
        let lab = Lab::with(Script::default().on(SUBMIT, [reply.clone(), Reply::Pass]));
        assert_eq!(lab.run().unwrap(), "job-1", "{reply:?}");
        assert_eq!(lab.numbers(), (1, 2, 1), "{reply:?}");
    }
    let lab = Lab::with(Script::default().on(SUBMIT, [Reply::text(503, "down")]));
    let error = failure(lab.run());
    assert!(matches!(error, Error::Transport { .. }), "{error}");
    assert_eq!(lab.numbers(), (0, 2, 2));
}

#[test]
fn what_may_still_be_on_its_way_is_not_sent_again() {
    let lab = Lab::with(Script::default().on(SUBMIT, [Reply::Hang]));
    let error = failure(lab.run());
    assert_eq!(error.code(), "job.submission_unknown");
    assert!(!error.is_retryable());
    assert!(told(&error).contains("look for a job with the tag `ketch-k1`"), "{}", told(&error));
    assert_eq!(lab.numbers(), (0, 1, 1));
}

#[test]
fn if_the_service_cannot_be_asked_nothing_is_sent_again() {
    let script =
        Script::default().on(SUBMIT, [instead(Reply::HangUp)]).on(LIST, [Reply::text(500, "")]);
    let lab = Lab::with(script);
    assert_eq!(failure(lab.run()).code(), "job.submission_unknown");
    assert_eq!(lab.numbers(), (1, 1, 4));
}

#[test]
fn a_refusal_is_final() {
    let lab = Lab::with(Script::default().on(SUBMIT, [refusal(400, "bad circuit")]));
    let error = failure(lab.run());
    assert_eq!(error.code(), "service.refused");
    let expected = format!("{} refused POST /jobs with 400: bad circuit", lab.server.url());
    assert_eq!(error.to_string(), expected);
    assert_eq!(lab.numbers(), (0, 1, 0));
}

#[test]
fn being_told_to_wait_is_no_doubt() {
    let busy = Reply::text(429, "").with("Retry-After", "0");
    let lab = Lab::with(Script::default().on(SUBMIT, [busy, Reply::Pass]));
    assert_eq!(lab.run().unwrap(), "job-1");
    assert_eq!(lab.numbers(), (1, 2, 0));
}

#[test]
fn an_expired_token_is_no_doubt() {
    let lab = Lab::with(Script::default().on(SUBMIT, [refusal(401, "expired"), Reply::Pass]));
    assert_eq!(lab.run().unwrap(), "job-1");
    assert_eq!(lab.numbers(), (1, 2, 0));
}

#[test]
fn other_jobs_are_not_taken_for_ours() {
    // A service that does not know the filter by tag.
    let others = serde_json::json!({"jobs": [{"id": "x", "status": "Queued", "tags": ["other"]}]});
    let script = Script::default()
        .on(SUBMIT, [Reply::HangUp, Reply::Pass])
        .on(LIST, [Reply::json(200, &others)]);
    let lab = Lab::with(script);
    assert_eq!(lab.run().unwrap(), "job-1");
    assert_eq!(lab.numbers(), (1, 2, 1));
}

#[test]
fn the_host_finds_a_job_by_the_key_that_it_gave() {
    let lab = Lab::with(Script::default());
    assert_eq!(lab.find("k1").unwrap(), None);
    assert_eq!(lab.run().unwrap(), "job-1");
    assert_eq!(lab.find("k1").unwrap().as_deref(), Some("job-1"));
    assert_eq!(lab.find("k").unwrap(), None, "a part of a key is another key");
    let asked = &lab.server.asked(LIST)[0];
    assert_eq!((asked.query("tags"), asked.query("backend")), (Some("ketch-k1"), Some(DEVICE)));

    let abilities = lab.backend.extensions().unwrap();
    assert_eq!(abilities.supports("ketch.nothing/1"), 0);
    let error = failure(abilities.call("ketch.nothing/1", Message::default()));
    assert_eq!(error.code(), "not_supported");
    assert_eq!(failure(abilities.call(FIND_JOB, Message::default())).code(), "extension.invalid");
}

#[test]
fn what_cannot_be_known_is_no_answer() {
    // It cannot be asked.
    let lab = Lab::with(Script::default().on(LIST, [Reply::text(500, "")]));
    assert_eq!(failure(lab.find("k1")).code(), "transport");
    // It does not know the filter, and has page after page of other jobs.
    let other = |number: u32| json!({"id": number.to_string(), "status": "Queued", "tags": []});
    let jobs: Vec<Value> = (0..50).map(other).collect();
    let page = Reply::json(200, &json!({ "jobs": jobs }));
    let lab = Lab::with(Script::default().on(LIST, [page.clone()]));
    assert_eq!(failure(lab.find("k1")).code(), "job.lookup_incomplete");
    // The job may be on a later page.
    let ours = json!({"id": "ours", "status": "Queued", "tags": ["ketch-k1"]});
    let last = Reply::json(200, &json!({ "jobs": [other(50), ours] }));
    let lab = Lab::with(Script::default().on(LIST, [page, last]));
    assert_eq!(lab.find("k1").unwrap().as_deref(), Some("ours"));
    assert_eq!(lab.server.asked(LIST)[1].query("offset"), Some("50"));
}
