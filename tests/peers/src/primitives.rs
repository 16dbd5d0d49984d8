//! One pub of the sampler or the estimator, on the local provider's plugin.

use std::path::PathBuf;

use anyhow::Result;
use ketch::{
    prelude::*,
    primitives::{
        By, Estimator, EstimatorPub, NdArray, Observable, ParameterValues, Sampler, SamplerPub,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is run.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    /// Where the plugin lies.
    plugins: PathBuf,
    /// The program in OpenQASM; its `input`s are the parameters.
    qasm: String,
    /// The parameters that the last axis of the values goes over.
    names: Vec<String>,
    values: Array<f64>,
    #[serde(flatten)]
    primitive: Primitive,
    seed: u64,
}

#[derive(Debug, Deserialize)]
struct Array<T> {
    shape: Vec<usize>,
    elements: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "primitive", rename_all = "snake_case")]
enum Primitive {
    Sampler {
        shots: u64,
    },
    Estimator {
        /// Each a list of strings with their weights.
        observables: Array<Vec<(String, f64)>>,
        precision: f64,
        /// Whether they are measured in any case.
        measured: bool,
    },
}

/// The shape, and for each register its bytes in hexadecimal, or values and standard errors.
pub(crate) fn answer(request: &Request) -> Result<Value> {
    let registry = Registry::discover(&SearchPath::only([request.plugins.clone()]));
    let backend = registry.get_backend("local/qasm_simulator")?;
    let circuit = crate::parse(&request.qasm)?;
    let values = NdArray::new(request.values.shape.clone(), request.values.elements.clone())?;
    let values = ParameterValues::named(request.names.clone(), values);
    match &request.primitive {
        Primitive::Sampler { shots } => {
            let pubs = [SamplerPub::new(circuit).with_parameters(values).with_shots(*shots)];
            let result = Sampler::new(&*backend).with_seed(request.seed).run(&pubs, None)?;
            let of_pub = &result.pubs[0];
            let registers = of_pub.registers.iter().map(|(name, array)| {
                let hex: String = array.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
                json!({"name": name, "bits": array.n_bits(), "shots": array.n_shots(), "bytes": hex})
            });
            Ok(json!({"shape": of_pub.shape, "registers": registers.collect::<Vec<_>>()}))
        }
        Primitive::Estimator { observables, precision, measured } => {
            let sums: Result<Vec<Observable>, _> =
                observables.elements.iter().map(|terms| Observable::new(terms.clone())).collect();
            let observables = NdArray::new(observables.shape.clone(), sums?)?;
            let pubs = [EstimatorPub::new(circuit, observables)
                .with_parameters(values)
                .with_precision(*precision)];
            let by = if *measured { By::Measurement } else { By::Automatic };
            let estimator = Estimator::new(&*backend).with_seed(request.seed).by(by);
            let result = estimator.run(&pubs, None)?;
            let of_pub = &result.pubs[0];
            Ok(json!({
                "shape": of_pub.evs.shape(),
                "evs": of_pub.evs.elements(),
                "stds": of_pub.stds.elements(),
                "by": of_pub.metadata["by"],
            }))
        }
    }
}
