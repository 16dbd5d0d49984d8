//! [`Qobj`]: what a backend is asked to run.

pub(crate) mod json;

use serde_json::{Map, Value};

pub use json::{QobjDialect, QobjJsonError};

use crate::Circuit;
pub use crate::json::Mistyped;

/// What a backend is asked to run: circuits, and experiments that bind and repeat them.
///
/// JSON is one of its codecs, not its form in memory: see [`Qobj::from_json`],
/// [`Qobj::to_json`] and the compact [`codec`](crate::codec).
#[derive(Clone, Debug, PartialEq)]
pub struct Qobj {
    /// Its id.
    pub qobj_id: String,
    /// What the document says of itself: `backend_name` and whatever else the user put there.
    pub header: Map<String, Value>,
    /// What holds for all experiments.
    pub config: QobjConfig,
    /// What is run.
    pub program: Program,
}

/// What a Qobj holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Program {
    /// Circuits, named by the experiments.
    Circuits {
        /// Each once, however many experiments run it.
        circuits: Vec<Circuit>,
        /// What is run, in order.
        experiments: Vec<Experiment>,
    },
    /// A pulse document, kept as it came: it is written again unchanged, and refused at run.
    Pulse(Map<String, Value>),
}

/// One run of a circuit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experiment {
    /// Which circuit.
    pub circuit: usize,
    /// Numbers for the circuit's parameters, in their order.
    pub bindings: Vec<f64>,
    /// What the document says of the experiment, such as `name`.
    pub header: Map<String, Value>,
    /// What differs from the Qobj's configuration.
    pub config: QobjConfig,
}

/// How experiments are run. In an experiment, what is `None` is as in the Qobj.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QobjConfig {
    /// How often.
    pub shots: Option<u64>,
    /// The seed of all random choices.
    pub seed: Option<u64>,
    /// Whether the outcome of each shot is kept, in order.
    pub memory: Option<bool>,
    /// The backend's options and everything else in the document, by name.
    pub options: Map<String, Value>,
}

/// The shots of a Qobj that does not say how many.
pub const DEFAULT_SHOTS: u64 = 1024;

impl Qobj {
    /// One experiment that runs `circuit`.
    #[must_use]
    pub fn from_circuit(circuit: Circuit) -> Self {
        Self::from_circuits(vec![circuit])
    }

    /// One experiment for each circuit, named as the circuit is.
    #[must_use]
    pub fn from_circuits(circuits: Vec<Circuit>) -> Self {
        let experiments = (0..circuits.len())
            .map(|circuit| Experiment { circuit, ..Experiment::default() })
            .collect();
        Self {
            qobj_id: String::new(),
            header: Map::new(),
            config: QobjConfig::default(),
            program: Program::Circuits { circuits, experiments },
        }
    }

    /// With this many shots for each experiment that does not say otherwise.
    #[must_use]
    pub fn with_shots(mut self, shots: u64) -> Self {
        self.config.shots = Some(shots);
        self
    }

    /// With this seed for each experiment that does not say otherwise.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.config.seed = Some(seed);
        self
    }

    /// With the outcome of each shot kept, in order.
    #[must_use]
    pub fn with_memory(mut self) -> Self {
        self.config.memory = Some(true);
        self
    }

    /// With one of the backend's options.
    #[must_use]
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.config.options.insert(name.into(), value.into());
        self
    }

    /// The circuits; none in a pulse document.
    #[must_use]
    pub fn circuits(&self) -> &[Circuit] {
        match &self.program {
            Program::Circuits { circuits, .. } => circuits,
            Program::Pulse(_) => &[],
        }
    }

    /// The experiments; none in a pulse document.
    #[must_use]
    pub fn experiments(&self) -> &[Experiment] {
        match &self.program {
            Program::Circuits { experiments, .. } => experiments,
            Program::Pulse(_) => &[],
        }
    }

    /// The experiments, to be changed; none in a pulse document.
    pub fn experiments_mut(&mut self) -> &mut [Experiment] {
        match &mut self.program {
            Program::Circuits { experiments, .. } => experiments,
            Program::Pulse(_) => &mut [],
        }
    }

    /// The name of an experiment: its header's, or else its circuit's.
    #[must_use]
    pub fn experiment_name<'a>(&'a self, experiment: &'a Experiment) -> &'a str {
        let named = experiment.header.get("name").and_then(Value::as_str);
        named.or_else(|| Some(self.circuits().get(experiment.circuit)?.name.as_str())).unwrap_or("")
    }

    /// The shots of an experiment.
    #[must_use]
    pub fn shots(&self, experiment: &Experiment) -> u64 {
        experiment.config.shots.or(self.config.shots).unwrap_or(DEFAULT_SHOTS)
    }

    /// The seed of an experiment, if it has one.
    #[must_use]
    pub fn seed(&self, experiment: &Experiment) -> Option<u64> {
        experiment.config.seed.or(self.config.seed)
    }

    /// Whether an experiment's shots are kept.
    #[must_use]
    pub fn memory(&self, experiment: &Experiment) -> bool {
        experiment.config.memory.or(self.config.memory).unwrap_or(false)
    }

    /// An option of an experiment, by name.
    #[must_use]
    pub fn option<'a>(&'a self, experiment: &'a Experiment, name: &str) -> Option<&'a Value> {
        experiment.config.options.get(name).or_else(|| self.config.options.get(name))
    }
}

/// Writes an explicit seed into every experiment that has none of its own, derived from the Qobj's
/// seed or from `seed`, so that results do not depend on how the work is split.
///
/// The first experiment of a Qobj gets the seed itself; later ones get values that the splitmix64
/// sequence (Steele, Lea and Flood, OOPSLA 2014) yields from it.
pub fn seed_experiments(qobj: &mut Qobj, seed: u64) {
    let first = qobj.config.seed.unwrap_or(seed);
    for (place, experiment) in (0_u64..).zip(qobj.experiments_mut()) {
        if experiment.config.seed.is_none() {
            let derived = if place == 0 { first } else { splitmix64(first, place) };
            // 63 bits, so that JSON readers with signed numbers keep it.
            experiment.config.seed = Some(derived & (u64::MAX >> 1));
        }
    }
}

fn splitmix64(seed: u64, place: u64) -> u64 {
    let mut z = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
