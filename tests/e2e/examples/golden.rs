//! Today's host, for `cargo xtask golden`: uses a plugin that may be older, newer, or built by
//! another compiler.
//!
//! `golden DIRECTORY PROVIDER` loads what lies in the directory, into its own process and then into
//! another, checks that the provider keeps the contract, and calls the extensions of the golden
//! plugin.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a check that panics has failed, as it should; what worked is said"
)]

use std::{
    process::ExitCode,
    sync::{Arc, Mutex},
};

use ketch::{
    Buffer, Event, Extensions, Filter, Isolation, Message, Registry, SearchPath, run_if_plugin_host,
};
use ketch_conformance::{Outcome, run_all};
use serde_json::{Value, json};

fn main() -> ExitCode {
    run_if_plugin_host();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, id] = &arguments[..] else {
        println!("expected: golden DIRECTORY PROVIDER");
        return ExitCode::FAILURE;
    };
    let search_path = SearchPath::only([directory.into()]);
    let in_process = use_plugin(&search_path, Isolation::Never, id);
    let isolated = use_plugin(&search_path, Isolation::Always, id);
    println!("{id}: in process {in_process}; isolated {isolated}");
    ExitCode::SUCCESS
}

/// Uses the provider in every way there is, and says how.
fn use_plugin(search_path: &SearchPath, isolation: Isolation, id: &str) -> String {
    let registry = Registry::discover(search_path).with_isolation(isolation);
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    registry.listen(move |event| heard.lock().unwrap().push(event));

    let listing = registry.backends(&Filter::new());
    assert!(listing.problems.is_empty(), "{:?}", listing.problems);
    let provider = registry.provider(id).unwrap();
    let report = run_all(&*provider);
    let broken: Vec<_> = report.failures().filter(|line| !is_younger(id, line.check)).collect();
    assert!(broken.is_empty(), "{isolation}: {report}");
    let passed = report.lines.iter().filter(|line| line.outcome == Outcome::Passed).count();

    let extensions = provider.extensions().unwrap();
    assert_eq!(extensions.supports("no.such.extension"), 0);
    let refused = extensions.call("no.such.extension", Message::default()).unwrap_err();
    assert_eq!(refused.code(), "not_supported");
    if id != "golden" {
        return format!("{passed} checks passed");
    }
    properties_cross(&registry);
    extensions_work(extensions);
    events_arrive(&events.lock().unwrap());
    format!("{passed} checks passed, properties, extensions, events")
}

/// The code of the golden plugin stays as it was, so it does not know what was asked for later: here,
/// a gate on two qubits that are not coupled. All else it keeps.
fn is_younger(id: &str, check: &str) -> bool {
    id == "golden" && check == "qubits that are not coupled are refused"
}

fn properties_cross(registry: &Registry) {
    let device = registry.get_backend("golden/basis_device").unwrap();
    let properties = device.properties().unwrap().unwrap();
    assert_eq!(properties.t1(2), Some(50e-6));
    assert_eq!(properties.gate_error("cx", &[0, 1]), Some(0.01));
    assert!(device.configuration().unwrap().coupling().unwrap().unwrap().contains(1, 2));
}

fn extensions_work(golden: &dyn Extensions) {
    assert_eq!(golden.supports("golden.echo"), 3);
    let mut message = Message { format: 77, head: vec![0, 255, 7], buffers: Vec::new() };
    message.buffers.push(Buffer::Bytes(vec![1, 2, 3].into()));
    message.buffers.push(Buffer::Reals(vec![0.5; 9].into()));
    message.buffers.push(Buffer::Complexes(vec![ketch::Complex64::I; 5].into()));
    assert_eq!(golden.call("golden.echo", message.clone()).unwrap(), message);

    let answer = golden.call("golden.numbers", Message::default()).unwrap();
    let [Buffer::Reals(numbers)] = &answer.buffers[..] else { panic!("{answer:?}") };
    assert_eq!((numbers.len(), numbers[999_999]), (1_000_000, 999_999.0));

    let counter = golden.open("golden.counter", Message::default()).unwrap();
    let next = || counter.call("golden.next", Message::default()).unwrap().to_json().unwrap();
    assert_eq!((next(), next()), (json!({"next": 0}), json!({"next": 1})));

    let busy = golden.call("golden.busy", Message::default()).unwrap_err();
    assert_eq!((busy.code(), busy.is_retryable()), ("golden.busy", true));
    assert_eq!(busy.hint().as_deref(), Some("ask again"));
    assert_eq!(busy.causes(), ["the fridge is warm", "it is summer"]);
    let panicked = golden.call("golden.panic", Message::default()).unwrap_err();
    assert_eq!(panicked.code(), "provider.panicked");
    assert!(panicked.to_string().contains("golden panic"), "{panicked}");

    let ask = |name: &str| -> Value {
        let question = Message::json(&json!({"name": name}));
        golden.call("golden.host", question).unwrap().to_json().unwrap()
    };
    let unknown = json!({"supports": 0, "said": null, "refused": "not_supported"});
    assert_eq!(ask("no.such.extension"), unknown);
    assert_eq!(ask("ketch.accounts/1")["said"]["accounts"], json!([]), "no account is its own");
}

fn events_arrive(events: &[Event]) {
    let logged = |wanted: &str| {
        events.iter().any(|event| match event {
            Event::Log { message, .. } => message.starts_with(wanted),
            _ => false,
        })
    };
    assert!(logged("the golden provider was made") && logged("running "), "{events:?}");
    let progress = events.iter().any(|event| match event {
        Event::Job { document, .. } => document["progress"] == 0.5,
        _ => false,
    });
    assert!(progress, "{events:?}");
}
