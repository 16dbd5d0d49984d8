//! The noise of a device, read off its calibration.

use super::{NoiseError, NoiseModel, QuantumError, ReadoutError, Relaxation};
use crate::device::{BackendConfiguration, BackendProperties, Nduv};

/// Planck's constant over Boltzmann's, in kelvin seconds: the exact values of the SI of 2019.
const PLANCK_OVER_BOLTZMANN: f64 = 6.626_070_15e-34 / 1.380_649e-23;

const TIMES: &str = "a unit of time: s, ms, us, ns or ps";
const NO_UNIT: &str = "no unit: it is a probability";

impl NoiseModel {
    /// The noise that a device's calibration implies, by the approximation of Qiskit Aer's
    /// `NoiseModel.from_backend`:
    ///
    /// * Each gate is followed by a depolarizing channel on its qubits and by the thermal
    ///   relaxation of each of them during the gate's length. The strength of the depolarizing
    ///   channel is such that both together have the reported gate error, taken as one minus the
    ///   average gate fidelity. Where relaxation alone already exceeds it, there is no
    ///   depolarizing.
    /// * A measured bit is misread with `prob_meas1_prep0` and `prob_meas0_prep1`, or with
    ///   `readout_error` both ways where those are not given.
    /// * Qubits relax during delays. A T2 above 2 T1 is taken as 2 T1.
    ///
    /// Qubits are at zero temperature: the excited population in equilibrium is 0. A number that
    /// is missing stands for no noise; of the configuration only the number of qubits and `dt`,
    /// the unit of some gate lengths, are looked at.
    ///
    /// # Errors
    /// A number in a wrong unit, out of its range, or for a qubit that the device does not have; by
    /// its key, such as `qubits[3].T1`.
    pub fn from_device(
        configuration: &BackendConfiguration,
        properties: &BackendProperties,
    ) -> Result<Self, NoiseError> {
        Self::from_device_at(configuration, properties, 0.0)
    }

    /// As [`from_device`](Self::from_device), at a temperature in kelvin: a qubit's `frequency`
    /// then says how much of it is excited in equilibrium.
    ///
    /// # Errors
    /// As [`from_device`](Self::from_device); a temperature below 0.
    pub fn from_device_at(
        configuration: &BackendConfiguration,
        properties: &BackendProperties,
        temperature: f64,
    ) -> Result<Self, NoiseError> {
        if !(temperature.is_finite() && temperature >= 0.0) {
            let key = "the temperature".to_owned();
            return Err(NoiseError::BadNumber { key, found: temperature, expected: "0 K or more" });
        }
        let n_qubits = properties.qubits.len();
        let most = configuration.n_qubits().map_or(usize::MAX, |n| n as usize);
        if n_qubits > most {
            let reason = format!("qubits: {n_qubits} are calibrated, the device has {most}");
            return Err(NoiseError::BadShape(reason));
        }
        let mut model = Self::new();
        model.set_basis_gates(configuration.basis_gates.clone());
        for (qubit, numbers) in (0_u32..).zip(&properties.qubits) {
            let key = |name: &str| format!("qubits[{qubit}].{name}");
            if let Some(relaxation) = relaxation(numbers, &key, temperature)? {
                model.add_relaxation(qubit, relaxation);
            }
            if let Some(readout) = readout(numbers, &key)? {
                model.add_readout_on(qubit, readout);
            }
        }
        let dt = Self::tick_of(configuration)?;
        if let Some(dt) = dt {
            model.set_tick(dt);
        }
        for gate in &properties.gates {
            let key = |name: &str| format!("{} on {:?}: {name}", gate.gate, gate.qubits);
            if let Some(&qubit) = gate.qubits.iter().find(|&&q| q as usize >= n_qubits) {
                let reason =
                    format!("{}, {n_qubits} qubits are calibrated", key(&qubit.to_string()));
                return Err(NoiseError::BadShape(reason));
            }
            let number = |name: &str| gate.parameters.iter().find(|number| number.name == name);
            let error = match number("gate_error").or_else(|| number("gateerr")) {
                Some(error) => Some(probability(error, &key("gate_error"))?),
                None => None,
            };
            let length = match number("gate_length") {
                Some(length) => seconds(length, &key("gate_length"), dt)?,
                None => 0.0,
            };
            let error = gate_error(&model, &gate.qubits, error, length)?;
            if !error.steps().is_empty() {
                model.add_on(&gate.gate, &gate.qubits, error);
            }
        }
        Ok(model)
    }

    /// How long a device's own tick is, in seconds: the configuration's `dt`. Documents of Qiskit 0.8
    /// to 0.18 give nanoseconds, and their successors seconds; no device's tick is longer than a
    /// microsecond.
    ///
    /// # Errors
    /// A `dt` that is no time above 0.
    pub fn tick_of(configuration: &BackendConfiguration) -> Result<Option<f64>, NoiseError> {
        let Some(dt) = configuration.extra.get("dt") else { return Ok(None) };
        match dt.as_f64() {
            None if dt.is_null() => Ok(None),
            Some(dt) if dt > 1e-6 => Ok(Some(dt * 1e-9)),
            Some(dt) if dt > 0.0 => Ok(Some(dt)),
            found => Err(bad_number("dt", found.unwrap_or(f64::NAN), "a time above 0")),
        }
    }
}

/// The channels behind one gate.
///
/// With dimension d and process fidelity f of the relaxation, its average fidelity is
/// F = (d f + 1) / (d + 1); depolarizing with probability p turns F into (1 − p) F + p / d. That is
/// 1 − error for p = d (F − 1 + error) / (d F − 1).
fn gate_error(
    model: &NoiseModel,
    qubits: &[u32],
    error: Option<f64>,
    length: f64,
) -> Result<QuantumError, NoiseError> {
    let mut decay = Vec::new();
    let mut process_fidelity = 1.0;
    for (place, qubit) in qubits.iter().enumerate() {
        let Some(relaxation) = model.relaxation(*qubit).filter(|_| length > 0.0) else { continue };
        let channel = relaxation.during(length)?;
        process_fidelity *= channel.process_fidelity();
        decay.push((channel, place));
    }
    let mut all = QuantumError::new();
    let n_qubits = qubits.len() as u32;
    if let Some(error) = error
        && (1..=5).contains(&n_qubits)
    {
        let dim = f64::from(1_u32 << n_qubits);
        let fidelity = (dim * process_fidelity + 1.0) / (dim + 1.0);
        // No channel has an average fidelity below 1 / (d + 1).
        let error = error.min(dim / (dim + 1.0));
        // Relaxation by more than half of the gate may leave nothing that depolarizing could add.
        if error > 1.0 - fidelity && dim * fidelity > 1.0 {
            let p = dim * (error - (1.0 - fidelity)) / (dim * fidelity - 1.0);
            let n_paulis = dim * dim;
            all = QuantumError::depolarizing(p.min(n_paulis / (n_paulis - 1.0)), n_qubits)?;
        }
    }
    Ok(decay.into_iter().fold(all, |all, (channel, place)| all.then(channel, &[place])))
}

fn relaxation(
    numbers: &[Nduv],
    key: &dyn Fn(&str) -> String,
    temperature: f64,
) -> Result<Option<Relaxation>, NoiseError> {
    let time = |name: &str| {
        let Some(number) = named(numbers, name) else { return Ok(f64::INFINITY) };
        let seconds = seconds(number, &key(name), None)?;
        match seconds > 0.0 {
            true => Ok(seconds),
            false => Err(NoiseError::BadNumber {
                key: key(name),
                found: number.value,
                expected: "a time above 0",
            }),
        }
    };
    let (t1, t2) = (time("T1")?, time("T2")?);
    if t1.is_infinite() && t2.is_infinite() {
        return Ok(None);
    }
    let excited = match named(numbers, "frequency") {
        Some(frequency) if temperature > 0.0 => {
            let hertz = frequency.hertz().ok_or_else(|| NoiseError::BadUnit {
                key: key("frequency"),
                unit: frequency.unit.clone(),
                expected: "a unit of frequency: Hz, kHz, MHz or GHz",
            })?;
            1.0 / (1.0 + (PLANCK_OVER_BOLTZMANN * hertz / temperature).exp())
        }
        _ => 0.0,
    };
    Ok(Some(Relaxation { t1, t2: t2.min(2.0 * t1), excited }))
}

fn readout(
    numbers: &[Nduv],
    key: &dyn Fn(&str) -> String,
) -> Result<Option<ReadoutError>, NoiseError> {
    let given =
        |name: &str| named(numbers, name).map(|number| probability(number, &key(name))).transpose();
    let both = given("prob_meas1_prep0")?.zip(given("prob_meas0_prep1")?);
    let both = both.or(given("readout_error")?.map(|error| (error, error)));
    both.map(|(one_for_zero, zero_for_one)| ReadoutError::of_bit(one_for_zero, zero_for_one))
        .transpose()
}

fn named<'a>(numbers: &'a [Nduv], name: &str) -> Option<&'a Nduv> {
    numbers.iter().find(|number| number.name == name)
}

fn probability(number: &Nduv, key: &str) -> Result<f64, NoiseError> {
    let value = number.dimensionless().ok_or_else(|| bad_unit(number, key, NO_UNIT))?;
    match (0.0..=1.0).contains(&value) {
        true => Ok(value),
        false => Err(bad_number(key, value, "a probability")),
    }
}

/// A time of 0 or more; `dt` is how long one tick of the device is.
fn seconds(number: &Nduv, key: &str, dt: Option<f64>) -> Result<f64, NoiseError> {
    let ticks = dt.filter(|_| number.unit == "dt").map(|dt| dt * number.value);
    let seconds = number.seconds().or(ticks).ok_or_else(|| bad_unit(number, key, TIMES))?;
    match seconds.is_finite() && seconds >= 0.0 {
        true => Ok(seconds),
        false => Err(bad_number(key, number.value, "a time of 0 or more")),
    }
}

fn bad_unit(number: &Nduv, key: &str, expected: &'static str) -> NoiseError {
    NoiseError::BadUnit { key: key.to_owned(), unit: number.unit.clone(), expected }
}

fn bad_number(key: &str, found: f64, expected: &'static str) -> NoiseError {
    NoiseError::BadNumber { key: key.to_owned(), found, expected }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Matrix, noise::Channel};

    fn device(change: impl FnOnce(&mut Value)) -> Result<NoiseModel, NoiseError> {
        let number = |name: &str, value: f64, unit: &str| json!({"date": "2018-10-02T09:57:24Z", "name": name, "unit": unit, "value": value});
        let qubit = |t1: f64, t2: f64, error: f64| {
            json!([
                number("T1", t1, "µs"),
                number("T2", t2, "us"),
                number("frequency", 5.0, "GHz"),
                number("readout_error", error, "")
            ])
        };
        let gate = |name: &str, qubits: Value, error: f64, length: f64| json!({"gate": name, "qubits": qubits, "parameters": [number("gate_error", error, ""), number("gate_length", length, "ns")]});
        let mut properties = json!({
            "backend_name": "two", "backend_version": "1.0.0", "last_update_date": "2018-10-02T09:57:24Z",
            "qubits": [qubit(50.0, 60.0, 0.03), qubit(40.0, 90.0, 0.05)],
            "gates": [gate("u2", json!([0]), 0.001, 70.0), gate("cx", json!([0, 1]), 0.03, 300.0), gate("u3", json!([1]), 0.0001, 140.0)],
            "general": [],
        });
        change(&mut properties);
        let mut configuration = BackendConfiguration::simulator("two", "1.0.0", 2);
        configuration.extra.insert("dt".to_owned(), json!(1e-9));
        let properties: BackendProperties = serde_json::from_value(properties).unwrap();
        NoiseModel::from_device(&configuration, &properties)
    }

    /// The average fidelity of a gate's channels together: fidelity 1 − error is what was asked.
    fn fidelity(error: &QuantumError, n_qubits: u32) -> f64 {
        let mut total = Matrix::identity(2 * n_qubits);
        for step in error.steps() {
            total =
                step.channel.on_qubits(&step.places, n_qubits).unwrap().superop().product(&total);
        }
        Channel::from_superop(&total).unwrap().average_fidelity()
    }

    #[test]
    fn a_gate_has_the_reported_error_in_all() {
        let model = device(|_| {}).unwrap();
        let u2 = model.error("u2", &[0]).unwrap();
        assert_eq!(u2.steps().len(), 2);
        assert!((fidelity(u2, 1) - 0.999).abs() < 1e-12);
        let cx = model.error("cx", &[0, 1]).unwrap();
        assert_eq!(cx.steps().len(), 3);
        assert!((fidelity(cx, 2) - 0.97).abs() < 1e-12);
        assert!(model.error("cx", &[1, 0]).is_none());
        // 140 ns of relaxation are more than 1e-4: nothing is left for depolarizing.
        assert_eq!(model.error("u3", &[1]).unwrap().steps().len(), 1);
    }

    #[test]
    fn qubits_relax_and_are_misread() {
        let model = device(|_| {}).unwrap();
        let relaxation = model.relaxation(1).unwrap();
        assert!((relaxation.t1 - 40e-6).abs() < 1e-18 && (relaxation.t2 - 80e-6).abs() < 1e-18);
        assert_eq!(relaxation.excited, 0.0);
        assert_eq!(model.readout(0).unwrap().rows()[0][1], 0.03);
        let both = device(|p| {
            let number = |name: &str, value: f64| json!({"date": "", "name": name, "unit": "", "value": value});
            p["qubits"][0] = json!([
                number("prob_meas0_prep1", 0.2),
                number("prob_meas1_prep0", 0.1),
                number("readout_error", 0.15)
            ]);
        });
        let both = both.unwrap();
        assert_eq!(both.readout(0).unwrap().rows(), [vec![0.9, 0.1], vec![0.2, 0.8]]);
        assert!(both.relaxation(0).is_none());
    }

    #[test]
    fn lengths_in_ticks_are_read() {
        let ticks = device(|p| {
            p["gates"][1]["parameters"][1]["unit"] = json!("dt");
        });
        let superop = |model: NoiseModel| {
            let steps = model.error("cx", &[0, 1]).unwrap().steps().to_vec();
            steps[1].channel.superop()
        };
        assert!(superop(ticks.unwrap()).distance(&superop(device(|_| {}).unwrap())) < 1e-15);
    }

    #[test]
    fn a_wrong_number_is_named() {
        let cases: [(&str, Value, &str); 7] = [
            (
                "/qubits/1/0/unit",
                json!("GHz"),
                "qubits[1].T1 is in `GHz`, expected a unit of time: s, ms, us, ns or ps",
            ),
            ("/qubits/1/1/value", json!(-3), "qubits[1].T2 is -3, expected a time of 0 or more"),
            ("/qubits/0/0/value", json!(0), "qubits[0].T1 is 0, expected a time above 0"),
            (
                "/qubits/0/3/unit",
                json!("ns"),
                "qubits[0].readout_error is in `ns`, expected no unit: it is a probability",
            ),
            (
                "/qubits/0/3/value",
                json!(1.5),
                "qubits[0].readout_error is 1.5, expected a probability",
            ),
            (
                "/gates/1/parameters/1/unit",
                json!("m"),
                "cx on [0, 1]: gate_length is in `m`, expected a unit of time: s, ms, us, ns or ps",
            ),
            ("/gates/1/qubits", json!([0, 7]), "cx on [0, 7]: 7, 2 qubits are calibrated"),
        ];
        for (place, value, expected) in cases {
            let refusal = device(|p| *p.pointer_mut(place).unwrap() = value).unwrap_err();
            assert_eq!(refusal.to_string(), expected);
        }
    }

    #[test]
    fn warm_qubits_are_partly_excited() {
        let mut configuration = BackendConfiguration::simulator("one", "1.0.0", 1);
        configuration.n_qubits = Some(1);
        let properties = json!({"backend_name": "one", "backend_version": "1.0.0", "last_update_date": "", "gates": [], "general": [],
            "qubits": [[{"date": "", "name": "T1", "unit": "us", "value": 50.0}, {"date": "", "name": "frequency", "unit": "GHz", "value": 5.0}]]});
        let properties: BackendProperties = serde_json::from_value(properties).unwrap();
        let at = |kelvin| NoiseModel::from_device_at(&configuration, &properties, kelvin);
        // hf / kT at 5 GHz and 50 mK is 4.799.
        let excited = at(0.05).unwrap().relaxation(0).unwrap().excited;
        assert!((excited - 1.0 / (1.0 + 4.799_243_f64.exp())).abs() < 1e-7, "{excited}");
        assert!(at(-1.0).is_err());
    }
}
