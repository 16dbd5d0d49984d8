//! The options of a run, by name, type and meaning.

use ketch_core::{Array, Complex64, Error, Qobj, Result, nearest, qobj::Experiment};
use ketch_simulator::{Method, Options, Precision};
use serde_json::Value;

use crate::backends::Row;

/// One option that a Qobj's configuration may set.
#[derive(Debug)]
pub(crate) struct OptionRow {
    pub(crate) name: &'static str,
    /// What a value looks like, for messages.
    expected: &'static str,
    /// Sets it; `None` for a value of the wrong form.
    set: fn(&mut Settings, &Value) -> Option<()>,
}

/// What the options of an experiment come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) engine: Options,
    /// The most experiments side by side; 0 as many as there are threads.
    pub(crate) side_by_side: usize,
    /// A seed given as an option: it comes before all others.
    pub(crate) seed: Option<u64>,
    pub(crate) shots: Option<u64>,
    pub(crate) memory: Option<bool>,
    /// Names that were set and mean nothing here.
    pub(crate) ignored: Vec<String>,
}

/// The option that holds a noise model.
pub(crate) const NOISE_MODEL: &str = "noise_model";

/// The option of Qiskit 0.6 for the same.
pub(crate) const NOISE_PARAMS: &str = "noise_params";

/// All options.
#[rustfmt::skip]
pub(crate) static OPTIONS: &[OptionRow] = &[
    OptionRow { name: "method", expected: "\"automatic\", \"statevector\", \"unitary\", \"density_matrix\", \"stabilizer\", \"matrix_product_state\", \"superop\" or \"sparse\"", set: set_method },
    OptionRow { name: "precision", expected: "\"double\" or \"single\"", set: set_precision },
    OptionRow { name: "max_parallel_threads", expected: "a number, 0 for all", set: set_threads },
    OptionRow { name: "max_parallel_experiments", expected: "a number, 0 for as many as threads", set: set_experiments },
    OptionRow { name: "max_memory_mb", expected: "a number of MiB, 0 for what is free, -1 for no check", set: set_memory_mb },
    OptionRow { name: "enable_truncation", expected: "true or false", set: set_truncation },
    OptionRow { name: "matrix_product_state_max_bond_dimension", expected: "a number, 1 or more, or null for no limit", set: set_bond_dimension },
    OptionRow { name: "matrix_product_state_truncation_threshold", expected: "a number from 0 to 1", set: set_truncation_threshold },
    OptionRow { name: "mps_sample_measure_algorithm", expected: "\"mps_heuristic\", \"mps_probabilities\" or \"mps_apply_measure\"", set: set_sample_algorithm },
    OptionRow { name: "initial_statevector", expected: "a list of numbers or pairs [re, im]", set: set_initial },
    OptionRow { name: NOISE_MODEL, expected: "a noise model document, such as Qiskit Aer's", set: set_noise },
    OptionRow { name: NOISE_PARAMS, expected: "the noise parameters of Qiskit 0.6", set: set_noise },
    OptionRow { name: "seed_simulator", expected: "a number, 0 or more", set: set_seed },
    OptionRow { name: "seed", expected: "a number, 0 or more", set: set_seed },
    OptionRow { name: "shots", expected: "a number, 0 or more", set: set_shots },
    OptionRow { name: "memory", expected: "true or false", set: set_memory },
];

/// What Qobj documents carry in their configuration and what means nothing to a simulator.
const DOCUMENT_FIELDS: &[&str] = &[
    "backend",
    "calibrations",
    "data",
    "discriminators",
    "init_qubits",
    "kernels",
    "max_credits",
    "meas_level",
    "meas_lo_freq",
    "meas_return",
    "memory_slot_size",
    "memory_slots",
    "n_qubits",
    "parameter_binds",
    "parametric_pulses",
    "pulse_library",
    "qubit_lo_freq",
    "rep_delay",
    "rep_time",
];

/// Of those, the ones that the result mentions: somebody asked for something and did not get it.
const MENTIONED: &[&str] = &["data", "calibrations"];

impl Settings {
    /// Reads the options of the Qobj and of one of its experiments, whose word counts more.
    pub(crate) fn read(row: &Row, qobj: &Qobj, experiment: &Experiment) -> Result<Self> {
        let mut settings = Self::default();
        settings.engine.method = row.methods[0];
        settings.engine.final_state = row.final_state;
        for (name, value) in qobj.config.options.iter().chain(&experiment.config.options) {
            settings.set(name, value)?;
        }
        if !row.methods.contains(&settings.engine.method) {
            if settings.engine.method != Method::Automatic {
                return Err(Error::InvalidOption {
                    name: "method".to_owned(),
                    reason: format!("`{}` runs the method {} only", row.name, row.methods[0]),
                    nearest: None,
                });
            }
            settings.engine.method = row.methods[0];
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<()> {
        let Some(option) = OPTIONS.iter().find(|option| option.name == name) else {
            if DOCUMENT_FIELDS.contains(&name) {
                if MENTIONED.contains(&name) && !is_empty(value) {
                    self.ignored.push(name.to_owned());
                }
                return Ok(());
            }
            let nearest = nearest(name, OPTIONS.iter().map(|option| option.name));
            return Err(Error::InvalidOption {
                name: name.to_owned(),
                reason: "there is no such option".to_owned(),
                nearest: nearest.map(str::to_owned),
            });
        };
        (option.set)(self, value).ok_or_else(|| {
            let mut found = value.to_string();
            if let Some((cut, _)) = found.char_indices().nth(60) {
                found.truncate(cut);
                found.push('…');
            }
            Error::InvalidOption {
                name: name.to_owned(),
                reason: format!("found {found}, expected {}", option.expected),
                nearest: None,
            }
        })
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn set_method(settings: &mut Settings, value: &Value) -> Option<()> {
    let name = value.as_str()?;
    // Aer's older names say where a method runs as well.
    let name = name.strip_suffix("_cpu").unwrap_or(name);
    settings.engine.method = Method::ALL.into_iter().find(|method| method.name() == name)?;
    Some(())
}

fn set_precision(settings: &mut Settings, value: &Value) -> Option<()> {
    let name = value.as_str()?;
    settings.engine.precision =
        Precision::ALL.into_iter().find(|precision| precision.name() == name)?;
    Some(())
}

fn set_threads(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.engine.threads = usize::try_from(value.as_u64()?).ok()?;
    Some(())
}

fn set_experiments(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.side_by_side = usize::try_from(value.as_u64()?).ok()?;
    Some(())
}

fn set_memory_mb(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.engine.max_memory = match value.as_i64()? {
        0 => None,
        -1 => Some(u64::MAX),
        mib => Some(u64::try_from(mib).ok()?.saturating_mul(1 << 20)),
    };
    Some(())
}

fn set_truncation(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.engine.truncate = value.as_bool()?;
    Some(())
}

fn set_bond_dimension(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.engine.truncation.max_bond_dimension = match value {
        Value::Null => None,
        value => Some(usize::try_from(value.as_u64()?).ok().filter(|most| *most > 0)?),
    };
    Some(())
}

fn set_truncation_threshold(settings: &mut Settings, value: &Value) -> Option<()> {
    let threshold = value.as_f64().filter(|threshold| (0.0..=1.0).contains(threshold))?;
    settings.engine.truncation.threshold = threshold;
    Some(())
}

/// Aer's ways to draw shots from a matrix product state have the same outcomes; here one way
/// serves for all.
fn set_sample_algorithm(_settings: &mut Settings, value: &Value) -> Option<()> {
    const ALGORITHMS: [&str; 3] = ["mps_heuristic", "mps_probabilities", "mps_apply_measure"];
    ALGORITHMS.contains(&value.as_str()?).then_some(())
}

fn set_initial(settings: &mut Settings, value: &Value) -> Option<()> {
    let amplitude = |value: &Value| match value {
        Value::Number(number) => Some(Complex64::new(number.as_f64()?, 0.0)),
        Value::Array(pair) => match &pair[..] {
            [re, im] => Some(Complex64::new(re.as_f64()?, im.as_f64()?)),
            _ => None,
        },
        _ => None,
    };
    let amplitudes: Option<Vec<Complex64>> = value.as_array()?.iter().map(amplitude).collect();
    settings.engine.initial_state = Some(Array::from(amplitudes?));
    Some(())
}

/// A model is read once for all experiments, and put into their circuits before.
fn set_noise(_settings: &mut Settings, value: &Value) -> Option<()> {
    (value.is_object() || value.is_null()).then_some(())
}

fn set_seed(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.seed = Some(value.as_u64()?);
    Some(())
}

fn set_shots(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.shots = Some(value.as_u64()?);
    Some(())
}

fn set_memory(settings: &mut Settings, value: &Value) -> Option<()> {
    settings.memory = Some(value.as_bool()?);
    Some(())
}
