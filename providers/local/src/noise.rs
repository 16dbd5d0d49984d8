//! Noise models that come with a run.

use std::{collections::HashMap, sync::Arc};

use ketch_core::{
    Circuit, Error, Qobj, Result,
    noise::{Coverage, NoiseJsonError, NoiseModel},
    qobj::Program,
};
use ketch_simulator::noise::{insert, waits_for_parameters};
use serde_json::{Map, Value};

use crate::{
    backends::Row,
    options::{NOISE_MODEL, NOISE_PARAMS},
    run::described,
};

/// Puts the noise models of a Qobj's configuration and of its experiments into circuits, an
/// experiment's own before the Qobj's. What of each experiment's circuit had noise; `None` where
/// there is no model.
///
/// # Errors
/// A model that cannot be read, with the place in it; one for a backend that gives ideal states.
pub(crate) fn insert_models(row: &Row, qobj: &mut Qobj) -> Result<Vec<Option<Arc<Coverage>>>> {
    let common = read(row, &qobj.config.options)?.flatten();
    let Program::Circuits { circuits, experiments } = &mut qobj.program else {
        return Ok(Vec::new());
    };
    let mut known: HashMap<usize, (usize, Arc<Coverage>)> = HashMap::new();
    let mut coverages = Vec::with_capacity(experiments.len());
    for experiment in experiments {
        let own = read(row, &experiment.config.options)?;
        let is_own = own.is_some();
        let model = own.as_ref().unwrap_or(&common);
        let place = experiment.circuit;
        let (Some(model), Some(circuit)) = (model, circuits.get(place)) else {
            coverages.push(None);
            continue;
        };
        if let Some((noisy, coverage)) = known.get(&place).filter(|_| !is_own) {
            experiment.circuit = *noisy;
            coverages.push(Some(Arc::clone(coverage)));
            continue;
        }
        // How long it relaxes differs from one experiment to the next.
        if waits_for_parameters(circuit, model) {
            let bound = circuit.bind(&std::mem::take(&mut experiment.bindings))?;
            let coverage = Arc::new(model.coverage(&bound));
            experiment.circuit = added(circuits, noisy(&bound, model)?);
            coverages.push(Some(coverage));
            continue;
        }
        let (noisy, coverage) = (noisy(circuit, model)?, Arc::new(model.coverage(circuit)));
        experiment.circuit = added(circuits, noisy);
        if !is_own {
            known.insert(place, (experiment.circuit, Arc::clone(&coverage)));
        }
        coverages.push(Some(coverage));
    }
    Ok(coverages)
}

/// The noise that options speak of: `None` if they do not, and none inside if they say that there
/// is none.
fn read(row: &Row, options: &Map<String, Value>) -> Result<Option<Option<NoiseModel>>> {
    type Reader = fn(&Value) -> Result<NoiseModel, NoiseJsonError>;
    let readers: [(&str, Reader); 2] =
        [(NOISE_MODEL, NoiseModel::from_json_value), (NOISE_PARAMS, NoiseModel::from_noise_params)];
    for (name, reader) in readers {
        let Some(document) = options.get(name) else { continue };
        let invalid =
            |reason| Error::InvalidOption { name: name.to_owned(), reason, nearest: None };
        if document.is_null() {
            return Ok(Some(None));
        }
        if row.final_state {
            let reason = format!("`{}` gives ideal states; qasm_simulator has noise", row.name);
            return Err(invalid(reason));
        }
        let model = reader(document).map_err(|error| invalid(described(&error)))?;
        return Ok(Some(Some(model)));
    }
    Ok(None)
}

fn noisy(circuit: &Circuit, model: &NoiseModel) -> Result<Circuit> {
    insert(circuit, model).map_err(|error| Error::InvalidQobj {
        reason: format!("the noise of circuit `{}`: {error}", circuit.name),
        source: None,
    })
}

fn added(circuits: &mut Vec<Circuit>, circuit: Circuit) -> usize {
    circuits.push(circuit);
    circuits.len() - 1
}
