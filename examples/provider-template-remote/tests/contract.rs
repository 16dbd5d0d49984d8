//! What users rely on, with a small service of its own on this machine.

mod service;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ketch_core::{
    ACCOUNTS, Backend, BackendExt, Circuit, Error, Extensions, Filter, Host, JobStatus, Message,
    Provider, Result,
};
use ketch_provider_template::provider;
use serde_json::{Value, json};
use service::{Service, TOKEN};

/// A host that keeps these accounts for the provider.
struct Accounts(Value);

impl Extensions for Accounts {
    fn supports(&self, name: &str) -> u32 {
        u32::from(name == ACCOUNTS)
    }

    fn call(&self, _name: &str, _message: Message) -> Result<Message> {
        Ok(Message::json(&json!({"schema": ACCOUNTS, "accounts": self.0})))
    }
}

fn with_account(url: &str, token: &str) -> impl Provider {
    let account = json!({"name": "mine", "url": url, "token": token});
    provider(Host::new(Arc::new(Accounts(json!([account]))))).unwrap()
}

fn backend(url: &str) -> Arc<dyn Backend> {
    with_account(url, TOKEN).get_backend("bit_machine").unwrap()
}

fn flip() -> Circuit {
    Circuit::new(2, 2).x(0).cx(0, 1).measure_all()
}

#[test]
fn it_keeps_the_contract() {
    let service = Service::start();
    ketch_conformance::assert_conformant(&with_account(&service.url(), TOKEN));
}

#[test]
fn it_counts_what_the_gates_make() {
    let service = Service::start();
    let job = backend(&service.url()).run_circuit(flip(), 100).unwrap();
    let result = job.result(Some(Duration::from_secs(60))).unwrap();
    assert_eq!(result.counts(0).unwrap().get("11"), 100);
    assert_eq!(job.status().unwrap(), JobStatus::Done);
    // Whoever comes later, perhaps in another process, finds it by its id.
    let again = backend(&service.url()).retrieve_job(&job.job_id()).unwrap();
    assert_eq!(again.result(Some(Duration::from_secs(60))).unwrap(), result);
}

#[test]
fn it_refuses_what_it_cannot_do_before_anything_is_sent() {
    let service = Service::start();
    let backend = backend(&service.url());
    drop(service);
    let refused = backend.run_circuit(Circuit::new(1, 1).h(0).measure(0, 0), 1);
    assert!(matches!(refused.err(), Some(Error::UnsupportedInstruction { .. })));
}

#[test]
fn without_an_account_there_is_nothing() {
    let provider = provider(Host::none()).unwrap();
    assert!(provider.backends(&Filter::new()).unwrap().is_empty());
}

#[test]
fn what_is_wrong_with_an_account_is_told_without_its_token() {
    let service = Service::start();
    let told = |url: &str, token: &str| {
        let error = with_account(url, token).backends(&Filter::new()).err().unwrap();
        assert!(!format!("{error:?}").contains(token));
        error.code().to_owned()
    };
    let url = service.url();
    assert_eq!(told(&url, "geheim"), "unauthenticated");
    assert_eq!(told("", TOKEN), "account.url");
    assert_eq!(told("mailto:me@lab.example", TOKEN), "account.url");
    assert_eq!(told(&format!("{url}/elsewhere"), TOKEN), "service.refused");
    drop(service);
    assert_eq!(told(&url, TOKEN), "transport");
}

#[test]
fn a_service_that_falls_silent_costs_no_more_than_the_time_out() {
    let service = Service::start();
    let job = backend(&service.url()).run_circuit(flip(), 1).unwrap();
    service.fall_silent();
    let start = Instant::now();
    let after = Duration::from_millis(300);
    let answer = job.result(Some(after));
    assert!(matches!(answer, Err(Error::Timeout { after: told, .. }) if told == after));
    let took = start.elapsed();
    assert!(took >= after && took < after + Duration::from_secs(5), "{took:?}");
}
