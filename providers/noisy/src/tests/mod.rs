//! The provider through its interfaces.

mod devices;
mod files;
mod refusals;
mod results;

use std::{sync::Arc, time::Duration};

use ketch_core::{Backend, BackendExt, Circuit, Host, Provider, Qobj, RunResult, circuit::Gate};

use crate::NoisyProvider;

fn provider() -> NoisyProvider {
    NoisyProvider::with_directory(Host::none(), None)
}

fn backend(name: &str) -> Arc<dyn Backend> {
    provider().get_backend(name).unwrap()
}

fn run(name: &str, qobj: Qobj) -> RunResult {
    backend(name).run_and_wait(qobj, Some(Duration::from_secs(60))).unwrap()
}

/// A Bell pair in the gates of 2018.
fn bell_2018(n_qubits: u32, control: u32, target: u32) -> Circuit {
    let h = [0.0, std::f64::consts::PI];
    let circuit = Circuit::new(n_qubits, 2).named("bell").gate(Gate::U2, 0, &h, &[control]);
    circuit.cx(control, target).measure(control, 0).measure(target, 1)
}

/// A Bell pair in the gates of today.
fn bell(n_qubits: u32, control: u32, target: u32) -> Circuit {
    let half = std::f64::consts::FRAC_PI_2;
    let circuit = Circuit::new(n_qubits, 2).named("bell").rz(half, control).sx(control);
    circuit.rz(half, control).cx(control, target).measure(control, 0).measure(target, 1)
}
