//! [`Device`]: a device that was opened, and what it says of itself as Ketch's documents.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::c_int,
    sync::Arc,
};

use ketch_core::{
    BackendConfiguration, BackendProperties, Error, Result,
    circuit::Spelling,
    device::{CouplingMap, GateConfig},
};
use serde_json::{Map, Value, json};

use crate::{
    abi::{Handle, device, format, operation, site, status},
    answer::Failure,
    calibration,
    configured::Configured,
    session::Session,
    ticket::Ticket,
};

/// A device that was opened.
pub(crate) struct Device {
    pub(crate) session: Arc<Session>,
    pub(crate) configuration: Arc<BackendConfiguration>,
    pub(crate) properties: Option<Arc<BackendProperties>>,
    pub(crate) coupling: Option<CouplingMap>,
    /// The formats of programs that it takes; none if it runs nothing.
    pub(crate) formats: Vec<c_int>,
    /// It knows the instruction `barrier`.
    pub(crate) has_barrier: bool,
    /// It gives jobs back by their ids.
    pub(crate) retrieves: bool,
}

/// An operation as the device tells it.
pub(crate) struct Operation {
    pub(crate) handle: Handle,
    /// The name as Ketch spells it.
    pub(crate) name: String,
    parameters: u64,
    /// The groups of qubits that it acts on, and their sites; `None` if the device does not say.
    pub(crate) groups: Option<Vec<(Vec<u32>, Vec<Handle>)>>,
}

/// What Ketch calls otherwise.
const NAMES: &[(&str, &str)] = &[("i", "id"), ("if", "if_else")];

/// The instructions beside gates that devices are known to name.
const INSTRUCTIONS: &[&str] =
    &["measure", "reset", "barrier", "delay", "if_else", "for_loop", "while_loop", "switch_case"];

/// What is run for a state vector.
const SAVES: &[&str] = &["save_statevector", "snapshot"];

/// A map with more couplings says no more than that nearly all are coupled.
const MOST_COUPLINGS: usize = 1 << 20;

impl Device {
    /// Opens a device and asks it what it is. Blocks while it answers.
    ///
    /// # Errors
    /// As [`Session::open`], or if it does not answer what every device must.
    pub(crate) fn open(configured: &Configured) -> Result<Self> {
        let session = Session::open(configured)?;
        Self::ask(configured, session).map_err(|failure| {
            let id = &configured.id;
            Error::other("qdmi.device", format!("the device `{id}` does not answer: {failure}"))
        })
    }

    fn ask(configured: &Configured, session: Arc<Session>) -> Result<Self, Failure> {
        let qubits = qubits(&session)?;
        let n_qubits = session.device(device::QUBITS)?.and_then(|answer| answer.number());
        let n_qubits = n_qubits.unwrap_or(qubits.len() as u64);
        let n_qubits = u32::try_from(n_qubits).unwrap_or(u32::MAX).max(1);
        let operations = operations(&session, &qubits)?;
        let formats = session.device(device::PROGRAM_FORMATS)?;
        let formats = formats.map(|answer| answer.codes()).unwrap_or_default();
        let coupling = coupling(&session, &qubits, &operations)?;
        let sites: Vec<(u32, Handle)> = in_order(&qubits);
        let version = version(session.text(device::VERSION)?);
        let properties =
            calibration::of(&session, &configured.id, &version, &sites, &operations, n_qubits)?;
        // Only a service is asked for a job of earlier: what is lost with the process is here.
        let retrieves = match Ticket::retrieve(&session, "ketch-asks-whether-jobs-are-kept") {
            Ok(found) => found.is_some(),
            Err(failure) => failure.0 == status::NOT_FOUND,
        };
        let runs = formats.iter().any(|known| [format::QASM2, format::QASM3].contains(known));
        let simulator =
            configured.simulator.unwrap_or(runs && coupling.is_none() && properties.is_none());

        let mut configuration = BackendConfiguration::simulator(&configured.id, version, n_qubits);
        let name = |wanted: &str| operations.iter().any(|known| known.name == wanted);
        configuration.simulator = simulator;
        configuration.local = !retrieves;
        configuration.conditional = name("if_else");
        // Before 1.4, no device is known that tells single shots.
        configuration.memory = session.library.lists_programs();
        configuration.max_shots = None;
        configuration.display_name = session.text(device::NAME)?;
        configuration.description = Some(format!("QDMI {} device", session.version));
        configuration.basis_gates = gates(&operations).map(|known| known.name.clone()).collect();
        let mut supported = configuration.basis_gates.clone();
        let always = ["measure", "barrier"];
        let named = INSTRUCTIONS.iter().filter(|word| name(word) || always.contains(word));
        supported.extend(named.map(|&word| word.to_owned()));
        if simulator {
            supported.extend(SAVES.iter().map(|&word| word.to_owned()));
        }
        configuration.supported_instructions = Some(supported);
        configuration.gates = gates(&operations).filter_map(described).collect();
        configuration.coupling_map = coupling.as_ref().map(CouplingMap::to_groups);
        configuration.extra = extra(configured, &session, &formats)?;
        let has_barrier = name("barrier");
        Ok(Self {
            session,
            configuration: Arc::new(configuration),
            properties: properties.map(Arc::new),
            coupling,
            formats,
            has_barrier,
            retrieves,
        })
    }
}

/// The qubit of each regular site. Zones are sites too, and hold no qubit of their own.
fn qubits(session: &Session) -> Result<HashMap<Handle, u32>, Failure> {
    let sites = session.device(device::SITES)?.map(|answer| answer.handles()).unwrap_or_default();
    let mut qubits = HashMap::with_capacity(sites.len());
    for site in sites {
        let zone = session.site(site, site::IS_ZONE)?.and_then(|answer| answer.truth());
        if zone != Some(true) {
            let next = qubits.len() as u32;
            qubits.entry(site).or_insert(next);
        }
    }
    Ok(qubits)
}

fn in_order(qubits: &HashMap<Handle, u32>) -> Vec<(u32, Handle)> {
    let mut sites: Vec<_> = qubits.iter().map(|(site, qubit)| (*qubit, *site)).collect();
    sites.sort_unstable_by_key(|(qubit, _)| *qubit);
    sites
}

/// The operations on qubits, each name once; what moves atoms or acts on zones is none.
fn operations(session: &Session, qubits: &HashMap<Handle, u32>) -> Result<Vec<Operation>, Failure> {
    let handles = session.device(device::OPERATIONS)?;
    let mut operations: Vec<Operation> = Vec::new();
    for handle in handles.map(|answer| answer.handles()).unwrap_or_default() {
        let ask = |property| session.operation(handle, &[], property);
        let Some(name) = ask(operation::NAME)?.map(|answer| answer.text()) else { continue };
        let zoned = ask(operation::IS_ZONED)?.and_then(|answer| answer.truth());
        let name = NAMES.iter().find(|(theirs, _)| *theirs == name).map_or(name.as_str(), |n| n.1);
        if zoned == Some(true) || operations.iter().any(|known| known.name == name) {
            continue;
        }
        let number = |property| Ok(ask(property)?.and_then(|answer| answer.number()));
        let groups = match (number(operation::QUBITS)?, ask(operation::SITES)?) {
            (Some(width @ 1..), Some(sites)) => {
                let sites = sites.handles();
                let groups = sites.chunks_exact(usize::try_from(width).unwrap_or(usize::MAX));
                let group = |sites: &[Handle]| {
                    let qubits = sites.iter().map(|site| qubits.get(site).copied());
                    Some((qubits.collect::<Option<Vec<u32>>>()?, sites.to_vec()))
                };
                Some(groups.filter_map(group).collect())
            }
            _ => None,
        };
        let parameters = number(operation::PARAMETERS)?.unwrap_or(0);
        operations.push(Operation { handle, name: name.to_owned(), parameters, groups });
    }
    Ok(operations)
}

/// The operations that are gates which Ketch knows.
fn gates(operations: &[Operation]) -> impl Iterator<Item = &Operation> {
    let is_gate = |name: &str| {
        Spelling::by_name(name).is_some_and(|spelling| spelling.gate.info().n_qubits > 0)
    };
    operations.iter().filter(move |known| is_gate(&known.name))
}

/// A gate's entry in the configuration, if the device says where it acts.
fn described(known: &Operation) -> Option<GateConfig> {
    let groups: BTreeSet<&Vec<u32>> = known.groups.as_ref()?.iter().map(|(q, _)| q).collect();
    let parameters: Vec<String> = (0..known.parameters.min(16)).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = parameters.iter().map(String::as_str).collect();
    let mut gate = GateConfig::new(&known.name, &names, "");
    gate.coupling_map = Some(groups.into_iter().cloned().collect());
    Some(gate)
}

/// The couplings: those that the device lists, else those of its gates on two qubits.
fn coupling(
    session: &Session,
    qubits: &HashMap<Handle, u32>,
    operations: &[Operation],
) -> Result<Option<CouplingMap>, Failure> {
    if let Some(listed) = session.device(device::COUPLING_MAP)? {
        let sites = listed.handles();
        if sites.len() / 2 > MOST_COUPLINGS {
            return Ok(None);
        }
        let pair = |pair: &[Handle]| Some((*qubits.get(&pair[0])?, *qubits.get(&pair[1])?));
        return Ok(Some(sites.chunks_exact(2).filter_map(pair).collect()));
    }
    let groups = gates(operations).filter_map(|known| known.groups.as_ref()).flatten();
    let pairs: BTreeSet<(u32, u32)> = groups
        .filter_map(|(qubits, _)| match qubits[..] {
            [first, second] => Some((first, second)),
            _ => None,
        })
        .take(MOST_COUPLINGS)
        .collect();
    Ok((!pairs.is_empty()).then(|| CouplingMap::new(pairs)))
}

/// The device's version if it is of three numbers, as documents want it.
fn version(told: Option<String>) -> String {
    let told = told.unwrap_or_default();
    let numbers: Vec<&str> = told.split('.').collect();
    let plain = |n: &&str| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit());
    match numbers.len() == 3 && numbers.iter().all(plain) {
        true => told,
        false => "0.0.0".to_owned(),
    }
}

/// What the documents have no field for.
fn extra(
    configured: &Configured,
    session: &Session,
    formats: &[c_int],
) -> Result<Map<String, Value>, Failure> {
    let known = BTreeMap::from([(format::QASM2, "OpenQASM 2"), (format::QASM3, "OpenQASM 3")]);
    let formats: Vec<&str> = formats.iter().filter_map(|f| known.get(f).copied()).collect();
    let told = json!({
        "version": session.version,
        "library": configured.library.to_string_lossy(),
        "device_version": session.text(device::VERSION)?,
        "programs": formats,
    });
    // QDMI has no parameter for a seed.
    Ok(Map::from_iter([("qdmi".to_owned(), told), ("seeds".to_owned(), false.into())]))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_is_of_three_numbers() {
        assert_eq!(version(Some("4.1.1".to_owned())), "4.1.1");
        for other in [None, Some("4.1"), Some("v4.1.1"), Some("4.1.1-rc1"), Some("4..1")] {
            assert_eq!(version(other.map(str::to_owned)), "0.0.0");
        }
    }
}
