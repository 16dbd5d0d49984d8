//! Sampler and estimator on any backend.
//!
//! ```no_run
//! use ketch::{prelude::*, primitives::{Estimator, EstimatorPub, Observable}};
//!
//! # fn main() -> ketch::Result<()> {
//! let registry = Registry::discover(&SearchPath::standard());
//! let backend = registry.get_backend("local/qasm_simulator")?;
//! let circuit = Circuit::new(2, 0).h(0).ry("theta", 1).cx(0, 1);
//! let energy: Observable = "ZZ + 0.5 XI + 0.5 IX".parse().expect("an observable");
//! // One set of values for the circuit's one parameter; a sweep is an array of sets.
//! let pubs = [EstimatorPub::new(circuit, energy).with_parameters([3.9])];
//! let result = Estimator::new(&*backend).with_precision(0.0).run(&pubs, None)?;
//! println!("{}", result.pubs[0].evs.elements()[0]);
//! # Ok(())
//! # }
//! ```
//!
//! [`Sampler`] and [`Estimator`] run circuits as they are. For a device, compile what was planned:
//!
//! ```no_run
//! use ketch::{Backend, BackendExt, primitives::{EstimatorOptions, EstimatorPub, estimator}};
//!
//! # fn on_a_device(backend: &dyn Backend, pubs: &[EstimatorPub]) -> ketch::Result<()> {
//! let options = EstimatorOptions::default();
//! let plan = estimator::plan(pubs, &options, &*backend.configuration()?)?;
//! let fitted = ketch::fit(plan, backend, 0)?;
//! let result = backend.run_and_wait(fitted.qobj, None)?;
//! let values = estimator::collect(pubs, &options, &result)?;
//! # Ok(())
//! # }
//! ```
//!
//! A plan is a [`Qobj`](crate::Qobj) like any other: it may be kept as a job of the
//! [store](crate::jobs), and be collected by another program tomorrow.

pub use ketch_primitives::*;
