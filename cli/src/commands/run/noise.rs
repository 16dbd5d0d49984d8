//! `--noise`: a noise model for the simulator, and circuits compiled to the device that it is of.

use std::path::Path;

use ketch::{LoadedNoise, Qobj, Registry, check_fit_to, fit_to, load_noise, noise::NoiseModel};
use serde_json::Value;

use super::{RunArgs, choose::DEFAULT_BACKEND};
use crate::failure::Failure;

/// The option of simulators that holds a noise model.
const OPTION: &str = "noise_model";

/// The options that say what noise there is: the last one is of Qiskit 0.6.
const OPTIONS: [&str; 2] = [OPTION, "noise_params"];

/// A noise model, ready for every input.
#[derive(Debug)]
pub(super) struct Noise {
    name: String,
    loaded: LoadedNoise,
    document: Value,
}

/// The backend where `--noise` is given and no backend: the one that simulates noise.
pub(super) fn backend(args: &RunArgs) -> Option<&'static str> {
    args.noise.as_ref().map(|_| DEFAULT_BACKEND)
}

impl Noise {
    /// The noise in a file or directory of this name, else that of the backend's calibration.
    ///
    /// # Errors
    /// If there is neither, or it makes no sense.
    pub(super) fn find(registry: &Registry, name: &str) -> Result<Self, Failure> {
        let path = Path::new(name);
        let is_file = path.exists() || path.extension().is_some_and(|e| e == "json");
        let loaded = if is_file { load_noise(path)? } else { of_backend(registry, name)? };
        let document = loaded.model.to_json();
        Ok(Self { name: name.to_owned(), loaded, document })
    }

    /// Puts the model into a Qobj's configuration, in place of whatever noise the Qobj and its
    /// experiments have.
    pub(super) fn put_into(&self, qobj: &mut Qobj) {
        for option in OPTIONS {
            qobj.config.options.shift_remove(option);
            for experiment in qobj.experiments_mut() {
                experiment.config.options.shift_remove(option);
            }
        }
        qobj.config.options.insert(OPTION.to_owned(), self.document.clone());
    }

    /// The circuits compiled to the device, and what to tell of that and of the model.
    ///
    /// # Errors
    /// If a circuit cannot be made to fit the device, or does not fit as it is.
    pub(super) fn fitted(
        &self,
        mut qobj: Qobj,
        no_compile: bool,
        seed: u64,
    ) -> Result<(Qobj, Vec<String>), Failure> {
        let mut notes = Vec::new();
        if let Some((configuration, properties)) = &self.loaded.device {
            if no_compile {
                check_fit_to(&qobj, configuration, properties)?;
            } else {
                let fitted = fit_to(qobj, configuration, properties, seed)?;
                qobj = fitted.qobj;
                let to = &configuration.backend_name;
                let note = |note| format!("compiled to {to}: {note}");
                notes.extend(fitted.notes.into_iter().map(note));
            }
        }
        notes.extend(self.loaded.notes(qobj.circuits()));
        if self.loaded.model.is_ideal() {
            notes.push(format!("the noise model `{}` has no noise", self.name));
        }
        Ok((qobj, notes))
    }
}

fn of_backend(registry: &Registry, name: &str) -> Result<LoadedNoise, Failure> {
    let backend = registry.get_backend(name).map_err(|error| {
        let mut failure = Failure::from(error);
        failure.causes.push(format!("--noise is given `{name}`, which is no file either"));
        failure
    })?;
    let configuration = backend.backend.configuration()?;
    let Some(properties) = backend.backend.properties()? else {
        let message = format!("`{}` has no calibration to take noise from", backend.name);
        let hint = "`ketch backends simulator=true` lists the devices of the noisy provider";
        return Err(Failure::new("noise.no_calibration", message).with_hint(hint));
    };
    let model = NoiseModel::from_device(&configuration, &properties).map_err(|error| {
        let message = format!("the calibration of `{}` makes no sense", backend.name);
        Failure::new("noise.invalid", message).caused_by(&error)
    })?;
    Ok(LoadedNoise { model, device: Some((configuration, properties)) })
}
