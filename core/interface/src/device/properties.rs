//! The calibration of a device: the `backend_properties` document.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was measured on a device when it was last calibrated.
///
/// Each number carries its own unit as text. The accessors find a number by its name and convert
/// it to SI units; they answer `None` if the qubit, the gate or the number is not in the document,
/// or if its unit is not one of the quantity's units (see [`Nduv`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendProperties {
    /// The backend's name.
    pub backend_name: String,
    /// The backend's version, three numbers with dots: `"1.2.0"`.
    pub backend_version: String,
    /// When one of the numbers last changed.
    pub last_update_date: String,
    /// The numbers of each qubit, in the order of the qubits.
    pub qubits: Vec<Vec<Nduv>>,
    /// The numbers of each gate on each group of qubits it was calibrated for.
    pub gates: Vec<GateProperties>,
    /// Numbers of the whole device, such as the temperature of the refrigerator.
    pub general: Vec<Nduv>,
    /// Fields beyond the schema, kept as they came. Must not repeat a field above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What was measured of one gate on one group of qubits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateProperties {
    /// The qubits that the gate acts on, in the order of its arguments.
    pub qubits: Vec<u32>,
    /// The gate's name: `"cx"`.
    pub gate: String,
    /// The gate's numbers: `gate_error`, `gate_length`.
    pub parameters: Vec<Nduv>,
    /// The name of this gate on these qubits: `"cx0_1"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Fields beyond the schema, kept as they came. Must not repeat a field above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A measured number: name, date, unit and value.
///
/// Units are read as they are spelt, since `MHz` and `mHz` differ: times in `s`, `ms`, `us` (also
/// `µs`), `ns` and `ps`; frequencies in `Hz`, `kHz`, `MHz` and `GHz`; probabilities and rates with
/// no unit, spelt `""` or, by some early releases, `"None"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nduv {
    /// When the number was measured.
    pub date: String,
    /// What was measured: `"T1"`, `"frequency"`.
    pub name: String,
    /// The unit of `value`.
    pub unit: String,
    /// The number, in `unit`. Must be finite: JSON has no word for anything else.
    pub value: f64,
    /// Fields beyond the schema, kept as they came. Must not repeat a field above.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl BackendProperties {
    /// The relaxation time T1 of a qubit, in seconds.
    pub fn t1(&self, qubit: u32) -> Option<f64> {
        self.qubit(qubit, "T1")?.seconds()
    }

    /// The dephasing time T2 of a qubit, in seconds.
    pub fn t2(&self, qubit: u32) -> Option<f64> {
        self.qubit(qubit, "T2")?.seconds()
    }

    /// The frequency of a qubit, in hertz (not the angular frequency).
    pub fn frequency(&self, qubit: u32) -> Option<f64> {
        self.qubit(qubit, "frequency")?.hertz()
    }

    /// The probability that measuring a qubit reports the wrong value.
    pub fn readout_error(&self, qubit: u32) -> Option<f64> {
        self.qubit(qubit, "readout_error")?.dimensionless()
    }

    /// The error rate of a gate on exactly these qubits in this order.
    ///
    /// The number is named `gate_error`; documents before release 0.18 say `gateerr`.
    pub fn gate_error(&self, gate: &str, qubits: &[u32]) -> Option<f64> {
        let properties = self.gate(gate, qubits)?;
        ["gate_error", "gateerr"]
            .iter()
            .find_map(|name| properties.parameter(name))?
            .dimensionless()
    }

    /// The duration of a gate on exactly these qubits in this order, in seconds.
    ///
    /// `None` also for a duration in `dt`: that unit is a field of the configuration.
    pub fn gate_length(&self, gate: &str, qubits: &[u32]) -> Option<f64> {
        self.gate(gate, qubits)?.parameter("gate_length")?.seconds()
    }

    /// A number of a qubit by its name, in its own unit.
    pub fn qubit(&self, qubit: u32, name: &str) -> Option<&Nduv> {
        named(self.qubits.get(usize::try_from(qubit).ok()?)?, name)
    }

    /// The properties of a gate on exactly these qubits in this order.
    pub fn gate(&self, gate: &str, qubits: &[u32]) -> Option<&GateProperties> {
        self.gates.iter().find(|properties| properties.gate == gate && properties.qubits == qubits)
    }
}

impl GateProperties {
    /// A number of this gate by its name, in its own unit.
    pub fn parameter(&self, name: &str) -> Option<&Nduv> {
        named(&self.parameters, name)
    }
}

/// How many of each unit of time make one second. Dividing by a whole number rounds only once.
const PER_SECOND: [(&str, f64); 7] = [
    ("s", 1.0),
    ("ms", 1e3),
    ("us", 1e6),
    ("\u{b5}s", 1e6),  // the micro sign
    ("\u{3bc}s", 1e6), // the Greek letter mu
    ("ns", 1e9),
    ("ps", 1e12),
];

/// How many hertz each unit of frequency is.
const HERTZ: [(&str, f64); 4] = [("Hz", 1.0), ("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9)];

/// How documents spell that a number has no unit.
const NO_UNIT: [&str; 3] = ["", "None", "none"];

impl Nduv {
    /// A number with this name, measured at `date`.
    pub fn new(
        name: impl Into<String>,
        value: f64,
        unit: impl Into<String>,
        date: impl Into<String>,
    ) -> Self {
        Self { date: date.into(), name: name.into(), unit: unit.into(), value, extra: Map::new() }
    }

    /// The value in seconds, if the unit is a time.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.value / factor(&PER_SECOND, &self.unit)?)
    }

    /// The value in hertz, if the unit is a frequency.
    pub fn hertz(&self) -> Option<f64> {
        Some(self.value * factor(&HERTZ, &self.unit)?)
    }

    /// The value, if it has no unit.
    pub fn dimensionless(&self) -> Option<f64> {
        NO_UNIT.contains(&self.unit.as_str()).then_some(self.value)
    }
}

fn factor(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)
}

fn named<'a>(numbers: &'a [Nduv], name: &str) -> Option<&'a Nduv> {
    numbers.iter().find(|number| number.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "2018-04-02T15:00:00Z";

    fn number(name: &str, value: f64, unit: &str) -> Nduv {
        Nduv::new(name, value, unit, DATE)
    }

    fn gate(gate: &str, qubits: &[u32], parameters: Vec<Nduv>) -> GateProperties {
        let (gate, qubits) = (gate.to_owned(), qubits.to_vec());
        GateProperties { qubits, gate, parameters, name: None, extra: Map::new() }
    }

    fn device() -> BackendProperties {
        BackendProperties {
            backend_name: "device".to_owned(),
            backend_version: "1.0.0".to_owned(),
            last_update_date: DATE.to_owned(),
            qubits: vec![
                vec![
                    number("T1", 60.0, "us"),
                    number("T2", 71.5, "\u{b5}s"),
                    number("frequency", 5.25, "GHz"),
                    number("readout_error", 0.03, ""),
                ],
                vec![number("frequency", 5.2, "us"), number("T1", 1.0, "fortnight")],
            ],
            gates: vec![
                gate("cx", &[0, 1], vec![number("gateerr", 0.02, "None")]),
                gate(
                    "cx",
                    &[1, 0],
                    vec![number("gate_error", 0.01, ""), number("gate_length", 300.0, "ns")],
                ),
                gate("u3", &[0], vec![number("gate_length", 160.0, "dt")]),
            ],
            general: vec![number("fridge_temperature", 10.0, "mK")],
            extra: Map::new(),
        }
    }

    #[test]
    fn numbers_come_in_si_units() {
        let device = device();
        assert_eq!(device.t1(0), Some(60e-6));
        assert_eq!(device.t2(0), Some(71.5e-6));
        assert_eq!(device.frequency(0), Some(5.25e9));
        assert_eq!(device.readout_error(0), Some(0.03));
        assert_eq!(device.gate_length("cx", &[1, 0]), Some(300e-9));
    }

    #[test]
    fn a_gate_is_found_by_its_qubits_in_order() {
        let device = device();
        assert_eq!(device.gate_error("cx", &[0, 1]), Some(0.02));
        assert_eq!(device.gate_error("cx", &[1, 0]), Some(0.01));
        assert_eq!(device.gate_error("cx", &[0]), None);
        assert_eq!(device.gate_error("cz", &[0, 1]), None);
    }

    #[test]
    fn what_is_missing_or_in_a_foreign_unit_is_none() {
        let device = device();
        assert_eq!(device.t1(2), None);
        assert_eq!(device.t1(u32::MAX), None);
        assert_eq!(device.t2(1), None);
        assert_eq!(device.frequency(1), None, "microseconds are no frequency");
        assert_eq!(device.t1(1), None);
        assert_eq!(device.gate_length("u3", &[0]), None);
        assert_eq!(device.qubit(1, "T1").unwrap().unit, "fortnight");
    }
}
