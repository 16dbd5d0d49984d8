//! Several accounts, none, and ones that change.

use ketch_core::{Error, Filter, Host, Provider};
use ketch_provider_ibmq::IbmqProvider;
use serde_json::{Value, json};

use crate::{
    replay::{
        Nothing, Server,
        ibm::{DEVICE, Ibm},
        quantum_experience::{self, QuantumExperience},
    },
    support::{TestHost, account, failure, fast, provider, provider_of},
};

fn named(name: &str, url: &str) -> Value {
    let mut account = account(url);
    account["name"] = name.into();
    account
}

fn names(provider: &IbmqProvider) -> Vec<String> {
    let backends = provider.backends(&Filter::default()).unwrap();
    backends.iter().map(|backend| backend.name().to_owned()).collect()
}

#[test]
fn without_an_account_nothing_is_listed_and_asking_names_the_remedy() {
    let without = IbmqProvider::new(Host::none());
    let empty = provider(&[]);
    for provider in [without, empty] {
        assert!(provider.backends(&Filter::default()).unwrap().is_empty());
        let error = failure(provider.get_backend("ibm_any"));
        assert!(matches!(&error, Error::Unauthenticated { .. }));
        assert!(error.to_string().contains("`ketch account save` stores one"), "{error}");
    }
    let blank = provider(&[json!({"name": "a", "token": " "})]);
    let error = failure(blank.backends(&Filter::default())).to_string();
    assert!(error.contains("account `a` has an empty token"), "{error}");
    let broken = provider(&[json!({"token": "t"})]);
    assert_eq!(failure(broken.backends(&Filter::default())).code(), "account.invalid");
}

#[test]
fn a_name_that_two_accounts_have_needs_the_account() {
    let (one, two) =
        (Server::start(Ibm::default()).unwrap(), Server::start(Ibm::default()).unwrap());
    let provider = provider(&[named("work", &one.url()), named("home", &two.url())]);
    let candidates = [format!("work:{DEVICE}"), format!("home:{DEVICE}")];
    assert_eq!(names(&provider), candidates);
    let error = failure(provider.get_backend(DEVICE));
    assert!(matches!(error, Error::BackendAmbiguous { candidates: c, .. } if c == candidates));
    let backend = provider.get_backend(&candidates[1]).unwrap();
    assert_eq!(backend.name(), candidates[1]);
    let configuration = backend.configuration().unwrap();
    assert_eq!(configuration.backend_name, candidates[1]);
    assert_eq!(configuration.extra["account"], "home");
    assert_eq!(backend.status().unwrap().backend_name, candidates[1]);
    assert_eq!(two.asked(&format!("GET /api/v1/backends/{DEVICE}/status")).len(), 1);
    assert!(one.asked(&format!("GET /api/v1/backends/{DEVICE}/status")).is_empty());
}

#[test]
fn a_name_of_one_account_stands_alone() {
    let ibm = Server::start(Ibm::default()).unwrap();
    let early = Server::start(QuantumExperience::default()).unwrap();
    let then = json!({"name": "then", "token": quantum_experience::KEY, "url": early.url(),
        "api": "qx-2018"});
    let provider = provider(&[named("now", &ibm.url()), then]);
    let expected =
        [DEVICE, "ibmqx4", "ibmqx5", "ibmqx2", "ibmq_16_melbourne", "ibmq_qasm_simulator"];
    assert_eq!(names(&provider), expected);
    // The longer name is understood too.
    assert_eq!(provider.get_backend("then:ibmqx4").unwrap().name(), "ibmqx4");
    let error = failure(provider.get_backend("now:ibmqx4"));
    assert!(matches!(error, Error::BackendNotFound { .. }));
    let error = failure(provider.get_backend("ibmqx44"));
    assert_eq!(error.hint().as_deref(), Some("did you mean `ibmqx4`?"));
}

#[test]
fn an_account_with_a_problem_does_not_hide_the_others() {
    let (good, bad) = (Server::start(Ibm::default()).unwrap(), Server::start(Nothing).unwrap());
    let host = TestHost::with(&[named("bad", &bad.url()), named("good", &good.url())]);
    let provider = provider_of(&host, fast());
    assert_eq!(names(&provider), [DEVICE]);
    let heard = host.heard.lock().unwrap().join("\n");
    assert!(heard.contains("account `bad` is left out"), "{heard}");
}

#[test]
fn changes_of_the_accounts_are_seen() {
    let (one, two) =
        (Server::start(Ibm::default()).unwrap(), Server::start(Ibm::default()).unwrap());
    let host = TestHost::with(&[named("one", &one.url())]);
    let provider = provider_of(&host, fast());
    assert_eq!(names(&provider), [DEVICE]);
    host.set(&[named("one", &one.url()), named("two", &two.url())]);
    assert_eq!(names(&provider).len(), 2);
    assert_eq!(one.asked("POST /identity/token").len(), 1, "it stayed open");
    host.set(&[]);
    assert!(names(&provider).is_empty());
    assert!(matches!(failure(provider.get_backend(DEVICE)), Error::Unauthenticated { .. }));
}
