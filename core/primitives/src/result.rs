//! What primitives come back with.

use serde_json::{Map, Value};

use crate::{BitArray, NdArray};

/// What a primitive comes back with: one result for each pub, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct PrimitiveResult<T> {
    /// One for each pub.
    pub pubs: Vec<T>,
    /// What there is to say of the whole.
    pub metadata: Map<String, Value>,
}

impl<T> PrimitiveResult<T> {
    pub(crate) fn new(pubs: Vec<T>) -> Self {
        // The version of the primitives' meaning, as Qiskit counts it.
        let metadata = [("version".to_owned(), 2.into())].into_iter().collect();
        Self { pubs, metadata }
    }
}

/// What the sampler found for one pub.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplerPubResult {
    /// The shape of the pub: that of its parameter values.
    pub shape: Vec<usize>,
    /// The outcomes of each classical register, by name, in the circuit's order.
    pub registers: Vec<(String, BitArray)>,
    /// `shots`, and `shots_in_order: false` if the backend only counted outcomes: then those of one
    /// shot stand at one place in all registers, but the shots are sorted by outcome.
    pub metadata: Map<String, Value>,
}

impl SamplerPubResult {
    /// The outcomes of one register; `None` if the circuit has none of this name.
    #[must_use]
    pub fn register(&self, name: &str) -> Option<&BitArray> {
        self.registers.iter().find(|(known, _)| known == name).map(|(_, array)| array)
    }
}

/// What the estimator found for one pub.
#[derive(Clone, Debug, PartialEq)]
pub struct EstimatorPubResult {
    /// The expectation values, in the shape of the pub: parameter values and observables broadcast
    /// together.
    pub evs: NdArray<f64>,
    /// Their standard errors.
    pub stds: NdArray<f64>,
    /// The standard error of all shots together. It differs from `stds` only where shots are run in
    /// several batches, which none are here.
    pub ensemble_standard_error: NdArray<f64>,
    /// `target_precision`, `by` (`expectation_values` or `measurement`), and where it was measured
    /// the `shots` of each basis.
    pub metadata: Map<String, Value>,
}
