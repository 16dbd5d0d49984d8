//! Pictures of a device: which qubits are coupled, and how much goes wrong there.
//!
//! `layout` says where qubits stand, `text` and `svg` draw them.

mod layout;
mod svg;
mod text;

use std::collections::BTreeMap;

use ketch::{BackendConfiguration, BackendProperties};

/// Qubits up to which a picture is drawn: beyond, nobody could read it.
const MOST: usize = 1500;

/// A device as it is drawn.
pub(crate) struct Device {
    /// The readout error of each qubit, where it is known.
    qubits: Vec<Option<f64>>,
    couplings: Vec<Coupling>,
    /// Columns and rows, if the device fits a grid.
    grid: Option<Vec<[i32; 2]>>,
    points: Vec<[f64; 2]>,
}

/// Two qubits that are coupled, the lower first.
#[derive(Debug, PartialEq)]
struct Coupling {
    qubits: [usize; 2],
    /// The best of the gates on both, and its error.
    gate: Option<(String, f64)>,
}

impl Device {
    /// `None` for a backend without a coupling map, and for one that is too large.
    pub(crate) fn new(
        configuration: &BackendConfiguration,
        properties: Option<&BackendProperties>,
    ) -> Option<Self> {
        let groups = configuration.coupling_map.as_ref()?;
        let n = configuration.n_qubits()? as usize;
        if n > MOST {
            return None;
        }
        let mut found: BTreeMap<[usize; 2], Option<(String, f64)>> = BTreeMap::new();
        for group in groups {
            if let [a, b] = group[..]
                && a != b
            {
                let qubits = [a.min(b) as usize, a.max(b) as usize];
                if qubits[1] >= n {
                    return None;
                }
                found.insert(qubits, None);
            }
        }
        for gate in properties.iter().flat_map(|properties| &properties.gates) {
            let [a, b] = gate.qubits[..] else { continue };
            let best = found.get_mut(&[a.min(b) as usize, a.max(b) as usize]);
            let error = gate.parameter("gate_error").or(gate.parameter("gateerr"));
            let error = error.and_then(|error| error.dimensionless());
            if let (Some(best), Some(error)) = (best, error)
                && best.as_ref().is_none_or(|(_, known)| error < *known)
            {
                *best = Some((gate.gate.clone(), error));
            }
        }
        let couplings: Vec<Coupling> =
            found.into_iter().map(|(qubits, gate)| Coupling { qubits, gate }).collect();
        let pairs: Vec<(usize, usize)> =
            couplings.iter().map(|coupling| coupling.qubits.into()).collect();
        let points = layout::points(n, &pairs);
        let readout = |qubit| properties?.readout_error(qubit);
        Some(Self {
            qubits: (0..n as u32).map(readout).collect(),
            grid: layout::grid(&pairs, &points),
            couplings,
            points,
        })
    }

    /// The number of pairs that are coupled.
    pub(crate) fn n_couplings(&self) -> usize {
        self.couplings.len()
    }

    /// Lines of text, at most so wide if that can be.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        text::draw(self, width)
    }

    /// A picture of its own.
    pub(crate) fn svg(&self, title: &str) -> String {
        svg::draw(self, title)
    }

    /// The errors of all couplings, where they are known.
    fn errors(&self) -> impl Iterator<Item = f64> + '_ {
        self.couplings.iter().filter_map(Coupling::error)
    }
}

impl Coupling {
    fn error(&self) -> Option<f64> {
        self.gate.as_ref().map(|(_, error)| *error)
    }
}

/// An error rate in percent, in four characters if it is a probability.
fn percent(error: f64) -> String {
    match error * 100.0 {
        percent if percent < 9.995 => format!("{percent:.2}"),
        percent if percent < 99.95 => format!("{percent:.1}"),
        percent => format!("{percent:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A device with these couplings; the error of each is 0.01 times one more than its place.
    pub(super) fn device(n: u32, pairs: &[(usize, usize)]) -> Device {
        let mut configuration = BackendConfiguration::simulator("d", "1.0.0", n);
        let groups = pairs.iter().map(|&(a, b)| vec![a as u32, b as u32]).collect();
        configuration.coupling_map = Some(groups);
        let number = |name: &str, value: f64| json!({ "date": "2018-04-02T15:00:00Z", "name": name, "unit": "", "value": value });
        let gates: Vec<_> = pairs
            .iter()
            .enumerate()
            .map(|(at, (a, b))| {
                let error = number("gate_error", 0.01 * (at + 1) as f64);
                json!({ "gate": "cx", "qubits": [b, a], "parameters": [error] })
            })
            .collect();
        let qubits: Vec<_> =
            (0..n).map(|q| [number("readout_error", 0.01 + f64::from(q) * 1e-3)]).collect();
        let properties = json!({
            "backend_name": "d", "backend_version": "1.0.0",
            "last_update_date": "2018-04-02T15:00:00Z",
            "qubits": qubits, "gates": gates, "general": [],
        });
        Device::new(&configuration, Some(&serde_json::from_value(properties).unwrap())).unwrap()
    }

    #[test]
    fn couplings_are_drawn_once_with_the_error_of_either_way() {
        let device = device(3, &[(1, 0), (1, 2), (2, 1)]);
        let errors: Vec<Option<f64>> = device.couplings.iter().map(Coupling::error).collect();
        assert_eq!(errors, [Some(0.01), Some(0.02)]);
        assert_eq!(device.n_couplings(), 2);
        let simulator = BackendConfiguration::simulator("s", "1.0.0", 3);
        assert!(Device::new(&simulator, None).is_none());
    }

    #[test]
    fn percents_take_four_characters() {
        let found = [0.0, 0.0123, 0.09994, 0.09996, 0.5, 1.0].map(percent);
        assert_eq!(found, ["0.00", "1.23", "9.99", "10.0", "50.0", "100"]);
    }
}
