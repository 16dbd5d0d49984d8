//! A host with accounts, circuits, and short ways to a backend.
#![allow(dead_code, reason = "each program that includes this module uses a part of it")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use ketch_core::{Backend, Circuit, Error, Extensions, Host, Message, Provider, Qobj, Result};
use ketch_provider_ibmq::{ACCOUNTS, IbmqProvider, Settings};
use serde_json::{Value, json};

use crate::replay;

/// A host that keeps accounts and listens.
pub(crate) struct TestHost {
    accounts: Mutex<Vec<Value>>,
    pub(crate) heard: Mutex<Vec<String>>,
}

impl TestHost {
    pub(crate) fn with(accounts: &[Value]) -> Arc<Self> {
        Arc::new(Self { accounts: Mutex::new(accounts.to_vec()), heard: Mutex::default() })
    }

    pub(crate) fn set(&self, accounts: &[Value]) {
        *self.accounts.lock().unwrap() = accounts.to_vec();
    }
}

impl Extensions for TestHost {
    fn supports(&self, name: &str) -> u32 {
        u32::from(name == ACCOUNTS)
    }

    fn call(&self, name: &str, message: Message) -> Result<Message> {
        match name {
            ACCOUNTS => {
                assert_eq!(message.to_json(), Some(json!({"schema": ACCOUNTS})));
                let accounts = self.accounts.lock().unwrap().clone();
                Ok(Message::json(&json!({"accounts": accounts})))
            }
            _ => {
                let line = String::from_utf8_lossy(&message.head).into_owned();
                self.heard.lock().unwrap().push(line);
                Ok(Message::default())
            }
        }
    }
}

/// Time limits for tests: everything is near.
pub(crate) fn fast() -> Settings {
    Settings {
        connect: Duration::from_secs(2),
        request: Duration::from_secs(5),
        submit: Duration::from_secs(5),
        attempts: 4,
        back_off: Duration::from_millis(5),
        back_off_limit: Duration::from_millis(20),
        budget: Duration::from_secs(10),
        poll: Duration::from_millis(5),
        poll_limit: Duration::from_millis(20),
    }
}

/// A provider with these accounts.
pub(crate) fn provider(accounts: &[Value]) -> IbmqProvider {
    provider_of(&TestHost::with(accounts), fast())
}

pub(crate) fn provider_of(host: &Arc<TestHost>, settings: Settings) -> IbmqProvider {
    let object: Arc<dyn Extensions> = Arc::clone(host) as _;
    IbmqProvider::with_settings(Host::new(object), settings)
}

/// An account at a server that speaks today's language.
pub(crate) fn account(url: &str) -> Value {
    json!({"name": "lab", "token": replay::ibm::KEY, "url": url,
        "instance": "crn:v1:bluemix:public:quantum-computing:us-east:a/1:2::"})
}

/// The device of the replayed IBM.
pub(crate) fn device(url: &str) -> Arc<dyn Backend> {
    provider(&[account(url)]).get_backend(replay::ibm::DEVICE).unwrap()
}

/// Two qubits, one register, in the device's basis.
pub(crate) fn bell() -> Qobj {
    let pi_half = std::f64::consts::FRAC_PI_2;
    let circuit = Circuit::new(2, 2).named("bell").rz(pi_half, 0).sx(0).rz(pi_half, 0);
    Qobj::from_circuit(circuit.cx(0, 1).measure_all()).with_shots(10).with_memory()
}

/// The error with all its causes and its hint, as it could reach a screen.
pub(crate) fn told(error: &Error) -> String {
    let causes = error.causes();
    let all = [vec![error.to_string()], causes, error.hint().into_iter().collect()].concat();
    all.join(": ")
}

/// The error of something that must not work.
pub(crate) fn failure<T>(outcome: Result<T>) -> Error {
    match outcome {
        Ok(_) => panic!("it worked"),
        Err(error) => error,
    }
}
