//! Requests that wait for a job to stop.

use std::{sync::OnceLock, time::Duration};

use hyper::{HeaderMap, Method, header};
use ketch::{
    Circuit, Qobj, Registry, RunOptions, SearchPath,
    jobs::{NewJob, PluginDirectories, Runner, Store, served::Served},
};

use crate::{
    Limits, Options, Quotas, Server, Service,
    answer::{Answer, Reply},
    request::Request,
    routes,
};

/// A service without backends, with a job of Ada's that this process claims to run.
fn service(directory: &std::path::Path) -> (Server, String, String) {
    let store = std::sync::Arc::new(Store::open(directory).unwrap());
    let token = store.new_token("ada", &["read".into(), "run".into()], None).unwrap().secret;
    let served = Served {
        user: "ada".to_owned(),
        program: "sampler".to_owned(),
        session: None,
        cost: None,
        params: b"{}".to_vec(),
        refused: None,
    };
    let new = NewJob::new("local/qasm_simulator", Runner::Program, RunOptions::default());
    let qobj = Qobj::from_circuit(Circuit::new(1, 1).h(0).measure(0, 0));
    let id = store.submit(&NewJob { served: Some(served), ..new }, &qobj).unwrap();
    let server = Server::new(Options {
        registry: Registry::discover(&SearchPath::default()),
        address: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        remote: false,
        store,
        plugins: PluginDirectories::default(),
        limits: Limits::default(),
        quotas: Quotas::default(),
        tls: None,
        wake: Box::new(|| {}),
        say: Box::new(|_| {}),
    });
    (server.unwrap(), token, id)
}

fn ask(service: &Service, token: &str, method: Method, path: &str, waited: Duration) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let request = Request::new(method, &path.parse().unwrap(), headers)?;
    let user = OnceLock::new();
    let route = routes::admit(service, &request, &user)?;
    routes::answer(service, &request, route, user.get(), waited)
}

#[test]
fn nobody_is_kept_while_a_job_stops() {
    let directory = tempfile::tempdir().unwrap();
    let (server, token, id) = service(directory.path());
    let service = &*server.service;
    let path = format!("/api/v1/jobs/{id}");
    let delete = |waited| ask(service, &token, Method::DELETE, &path, waited);
    let cancel = |waited| ask(service, &token, Method::POST, &format!("{path}/cancel"), waited);
    let (now, later) = (Duration::ZERO, Duration::from_secs(60));
    // One that runs, and was not asked to stop, is not waited for.
    assert_eq!(delete(now).unwrap_err().status, 409);
    assert_eq!(cancel(now), Ok(Answer::not_yet()));
    assert_eq!(cancel(Duration::from_millis(10)), Ok(Answer::not_yet()));
    assert_eq!(delete(now), Ok(Answer::not_yet()));
    // Not for ever: the job has been told to stop, that is all that was asked for.
    assert_eq!(cancel(later), Ok(Answer::done()));
    assert_eq!(delete(later).unwrap_err().status, 409);
}
