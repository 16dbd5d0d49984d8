//! The noise parameters of the simulator in Qiskit 0.6 (2018), the `noise_params` of its Qobjs.
//!
//! ```json
//! {"U": {"p_depol": 0.001, "gate_time": 1}, "CX": {"p_pauli": [0.01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]},
//!  "readout_error": [0.01, 0.02], "relaxation_rate": 0.001, "thermal_populations": [0.9, 0.1], "reset_error": 0.01}
//! ```
//!
//! `U` is the error of every gate on one qubit but `id`, which has its own; `X90` that of each pulse
//! of which these gates are made; with both, `U` is of `U` alone. `CX`, `CZ`, `measure` and `reset`
//! have errors too; where only one of `CX` and `CZ` has, the other gate is made of it and of `h`.
//! An error is a unitary `U_error`, then Pauli strings with the probabilities `p_pauli` and
//! `p_depol`, then relaxation for the `gate_time` at the `relaxation_rate`, where T2 is T1.

use serde_json::Value;

use super::{
    Channel, NoiseError, NoiseJsonError, NoiseModel, QuantumError, ReadoutError, model::PULSE,
    pauli::PauliBits,
};
use crate::{
    Circuit,
    circuit::{Op, Qubit, Spelling},
    json::Node,
};

type Read<T> = Result<T, NoiseJsonError>;

/// The gates that `U` is about.
const ONE_QUBIT_GATES: [&str; 12] =
    ["U", "u1", "u2", "u3", "x", "y", "z", "h", "s", "sdg", "t", "tdg"];

/// The gates that pulses are of; the others are changes of frame.
const PULSED: [&str; 6] = ["U", "u2", "u3", "x", "y", "h"];

/// What may stand beside the gates.
const OTHERS: [&str; 4] =
    ["relaxation_rate", "thermal_populations", "reset_error", "readout_error"];

/// The gates, with their numbers of qubits.
const GATES: [(&str, u32); 7] =
    [("X90", 1), ("U", 1), ("id", 1), ("measure", 1), ("reset", 1), ("CX", 2), ("CZ", 2)];

impl NoiseModel {
    /// Reads the noise parameters of Qiskit 0.6, or an object that has them as `noise_params`.
    ///
    /// # Errors
    /// The first thing that is wrong or that Qiskit's simulator did not know, and where.
    pub fn from_noise_params(document: &Value) -> Result<Self, NoiseJsonError> {
        let root = Node::root(document);
        let inner = root.get("noise_params");
        params(inner.as_ref().unwrap_or(&root))
    }
}

/// How qubits relax: by resets at a rate, to |1> with a probability.
struct Decay {
    rate: f64,
    excited: f64,
}

fn params(node: &Node<'_, '_>) -> Read<NoiseModel> {
    for name in node.object()?.keys() {
        let is_known =
            OTHERS.contains(&name.as_str()) || GATES.iter().any(|(gate, _)| gate == name);
        if !is_known {
            let expected = "the parameters of Qiskit 0.6: X90, U, CX, CZ, id, measure, reset, \
                            relaxation_rate, thermal_populations, reset_error, readout_error";
            return Err(node.require(name)?.expected(expected).into());
        }
    }
    let decay = decay(node)?;
    let error = |name: &str| -> Read<QuantumError> {
        let n_qubits = GATES.iter().find(|(gate, _)| *gate == name).map_or(1, |(_, n)| *n);
        match node.get(name) {
            Some(gate) => gate_error(&gate, n_qubits, &decay),
            None => Ok(QuantumError::new()),
        }
    };
    let mut model = NoiseModel::new();
    let (pulse, single) = (error("X90")?, error("U")?);
    let is_pulsed = !pulse.is_identity();
    if is_pulsed {
        model.add(PULSE, pulse.clone());
        let own = |name: &&&str| single.is_identity() || **name != "U";
        model.set_x90_gates(
            PULSED.iter().filter(own).map(|name| Spelling::canonical(name)).collect(),
        );
    }
    let mut added = Vec::new();
    for name in ONE_QUBIT_GATES.map(Spelling::canonical) {
        let is_u = name == Spelling::canonical("U");
        if (!is_pulsed || is_u) && !added.contains(&name) && !single.is_identity() {
            model.add(&name, single.clone());
            added.push(name);
        }
    }
    let hadamard = if is_pulsed { pulse } else { single };
    let (cx, cz) = (error("CX")?, error("CZ")?);
    for (name, own, other_name, other) in [("cx", &cx, "cz", &cz), ("cz", &cz, "cx", &cx)] {
        let error = match (own.is_identity(), other.is_identity()) {
            (false, _) => own.clone(),
            (true, false) => made_of(name, other_name, other, &hadamard, is_pulsed)?,
            (true, true) => continue,
        };
        model.add(name, error);
    }
    for name in ["id", "measure"] {
        let error = error(name)?;
        if !error.is_identity() {
            model.add(name, error);
        }
    }
    let flipped = match node.get("reset_error") {
        Some(given) => {
            let p = probability(&given)?;
            Channel::pauli(&[("I", 1.0 - p), ("X", p)]).map_err(refused(&given))?
        }
        None => Channel::identity(1),
    };
    let reset = QuantumError::from(flipped).compose(error("reset")?);
    if !reset.is_identity() {
        model.add("reset", reset);
    }
    if let Some(readout) = node.get("readout_error") {
        let [zero, one] = match readout.value.is_array() {
            true => pair(&readout)?,
            false => [readout.number()?; 2],
        };
        model.add_readout(ReadoutError::of_bit(zero, one).map_err(refused(&readout))?);
    }
    Ok(model)
}

fn refused(node: &Node<'_, '_>) -> impl FnOnce(NoiseError) -> NoiseJsonError {
    let path = node.path();
    move |source| NoiseJsonError::Noise { path, source }
}

fn probability(node: &Node<'_, '_>) -> Read<f64> {
    let p = node.number()?;
    match (0.0..=1.0).contains(&p) {
        true => Ok(p),
        false => Err(node.expected("a probability").into()),
    }
}

fn pair(node: &Node<'_, '_>) -> Read<[f64; 2]> {
    let numbers = node.list(|number| number.number())?;
    <[f64; 2]>::try_from(numbers).map_err(|_| node.expected("a number or two").into())
}

fn decay(node: &Node<'_, '_>) -> Read<Decay> {
    let mut decay = Decay { rate: 0.0, excited: 0.0 };
    if let Some(rate) = node.get("relaxation_rate") {
        decay.rate = rate.number()?;
        if decay.rate.is_nan() || decay.rate < 0.0 {
            return Err(rate.expected("0 or more").into());
        }
    }
    if let Some(populations) = node.get("thermal_populations") {
        let [zero, one] = pair(&populations)?;
        if zero < 0.0 || one < 0.0 || zero + one <= 0.0 {
            return Err(populations.expected("the populations of |0> and |1>").into());
        }
        decay.excited = one / (zero + one);
    }
    Ok(decay)
}

fn gate_error(node: &Node<'_, '_>, n_qubits: u32, decay: &Decay) -> Read<QuantumError> {
    for name in node.object()?.keys() {
        if !["p_depol", "p_pauli", "gate_time", "U_error"].contains(&name.as_str()) {
            let expected =
                "p_depol, p_pauli, gate_time or U_error, which Qiskit made of all others";
            return Err(node.require(name)?.expected(expected).into());
        }
    }
    let mut error = QuantumError::new();
    if let Some(unitary) = node.get("U_error") {
        let channel = Channel::unitary(unitary.matrix()?).map_err(refused(&unitary))?;
        if channel.n_qubits() != n_qubits {
            let expected = format!("a matrix of {n_qubits} qubits");
            return Err(unitary.expected(expected).into());
        }
        let places: Vec<usize> = (0..n_qubits as usize).collect();
        error = error.then(channel, &places);
    }
    let terms = pauli_terms(node, n_qubits)?;
    if terms.len() > 1 {
        error = error.then_mixture(terms).map_err(refused(node))?;
    }
    if let Some(time) = node.get("gate_time") {
        let seconds = time.number()?;
        if seconds.is_nan() || seconds < 0.0 {
            return Err(time.expected("a time of 0 or more").into());
        }
        let relaxed = -(-seconds * decay.rate).exp_m1();
        let channel = Channel::reset(relaxed * (1.0 - decay.excited), relaxed * decay.excited);
        let channel = channel.map_err(refused(&time))?;
        for place in 0..n_qubits as usize {
            error = error.then(channel.clone(), &[place]);
        }
    }
    Ok(error)
}

/// The Pauli strings with their probabilities, the identity first.
fn pauli_terms(node: &Node<'_, '_>, n_qubits: u32) -> Read<Vec<(f64, Circuit)>> {
    let n_strings = 1_usize << (2 * n_qubits);
    let mut errors = vec![0.0; n_strings - 1];
    if let Some(given) = node.get("p_pauli") {
        let numbers = given.list(|number| number.number())?;
        let total: f64 = numbers.iter().sum();
        errors = match numbers.len() {
            // With the identity, in proportion.
            n if n == n_strings && total > 0.0 => numbers[1..].iter().map(|p| p / total).collect(),
            n if n + 1 == n_strings => numbers,
            _ => {
                let expected = format!("probabilities of {} Pauli strings", n_strings - 1);
                return Err(given.expected(expected).into());
            }
        };
    }
    if let Some(depolarizing) = node.get("p_depol") {
        let p = probability(&depolarizing)?;
        errors.iter_mut().for_each(|error| *error += p / n_strings as f64 - p * *error);
    }
    let identity = 1.0 - errors.iter().sum::<f64>();
    let qubits: Vec<Qubit> = (0..n_qubits).map(Qubit).collect();
    let term = |(number, p): (usize, f64)| {
        let mut circuit = Circuit::new(n_qubits, 0);
        let label = PauliBits::numbered(number, n_qubits).label(n_qubits);
        circuit.push_unchecked(Op::Pauli(label.into()), &qubits, &[], &[]);
        (p, circuit)
    };
    let all = std::iter::once(identity).chain(errors).enumerate();
    Ok(all.filter(|(number, p)| *number == 0 || *p != 0.0).map(term).collect())
}

/// The error of a gate that is made of another one between two `h` on the target: what undoes the
/// gate, and then how it is made.
fn made_of(
    name: &str,
    of: &str,
    error: &QuantumError,
    hadamard: &QuantumError,
    is_pulsed: bool,
) -> Read<QuantumError> {
    let gates = |circuit: Circuit| {
        let made = QuantumError::new().then_mixture(vec![(1.0, circuit)]);
        made.expect("a gate is a circuit")
    };
    let two = |name: &str| match name {
        "cx" => gates(Circuit::new(2, 0).cx(0, 1)),
        _ => gates(Circuit::new(2, 0).cz(0, 1)),
    };
    let on_target = |error: &QuantumError| {
        let steps = error.steps().iter();
        steps.fold(QuantumError::new(), |all, step| all.then(step.channel.clone(), &[1]))
    };
    // With pulses, `h` is a pulse between changes of frame, and the error follows the pulse.
    let (before, after) = match is_pulsed {
        true => (
            gates(Circuit::new(2, 0).rz(std::f64::consts::FRAC_PI_2, 1).sx(1)),
            gates(Circuit::new(2, 0).rz(std::f64::consts::FRAC_PI_2, 1)),
        ),
        false => (gates(Circuit::new(2, 0).h(1)), QuantumError::new()),
    };
    let h = || before.clone().compose(on_target(hadamard)).compose(after.clone());
    let made = two(name).compose(h()).compose(two(of)).compose(error.clone());
    Ok(made.compose(h()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Matrix;

    fn superop(error: &QuantumError, n_qubits: u32) -> Matrix {
        let steps = error.steps().iter();
        let wide = steps.map(|step| step.channel.on_qubits(&step.places, n_qubits).unwrap());
        wide.fold(Matrix::identity(2 * n_qubits), |all, step| step.superop().product(&all))
    }

    #[test]
    fn errors_compose_as_in_the_simulator_of_2018() {
        let model = NoiseModel::from_noise_params(&json!({"noise_params": {
            "U": {"p_depol": 0.1, "gate_time": 2.0},
            "relaxation_rate": 0.1, "thermal_populations": [0.75, 0.25],
            "CX": {"p_pauli": [0.1, 0.0, 0.0, 0.2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]},
            "reset_error": 0.1, "readout_error": [0.01, 0.02], "measure": {"p_pauli": [0.5, 0, 0, 0.5]},
        }}))
        .unwrap();
        let relaxed = 1.0 - (-0.2_f64).exp();
        let reset = Channel::reset(relaxed * 0.75, relaxed * 0.25).unwrap();
        let expected = Channel::depolarizing(0.1, 1).unwrap().then(&reset).superop();
        for name in ["u1", "u2", "u3", "h", "tdg"] {
            let error = model.error(name, &[3]).unwrap();
            assert!(superop(error, 1).distance(&expected) < 1e-14, "{name}");
        }
        assert!(model.error("id", &[0]).is_none());
        let flips = Channel::pauli(&[("IX", 0.1), ("XI", 0.2), ("II", 0.7)]).unwrap().superop();
        assert!(superop(model.error("cx", &[0, 1]).unwrap(), 2).distance(&flips) < 1e-14);
        assert_eq!(model.readout(0).unwrap().rows(), [[0.99, 0.01], [0.02, 0.98]]);
        let phase = Channel::pauli(&[("Z", 0.5), ("I", 0.5)]).unwrap().superop();
        assert!(superop(model.error("measure", &[0]).unwrap(), 1).distance(&phase) < 1e-14);
        let written = NoiseModel::from_json_value(&model.to_json()).unwrap();
        assert_eq!(written, model);
    }

    #[test]
    fn a_gate_is_made_of_the_other_one() {
        let model = NoiseModel::from_noise_params(&json!({
            "CX": {"p_pauli": [0.1, 0.0, 0.0, 0.2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]},
        }));
        // A flip of the target behind `cx` is, between two `h`, a phase of the target.
        let cz = superop(model.unwrap().error("cz", &[0, 1]).unwrap(), 2);
        let flips = Channel::pauli(&[("IX", 0.1), ("ZI", 0.2), ("II", 0.7)]).unwrap().superop();
        assert!(cz.distance(&flips) < 1e-14);
    }

    #[test]
    fn pulses_have_the_error_of_x90() {
        let params = json!({"X90": {"p_depol": 0.1}, "U": {"p_depol": 0.2}});
        let model = NoiseModel::from_noise_params(&params).unwrap();
        assert!(model.error(PULSE, &[0]).is_some() && model.error("z", &[0]).is_none());
        assert!(model.x90_gates().contains("h") && model.x90_gates().contains("u2"));
        assert_eq!(NoiseModel::from_json_value(&model.to_json()).unwrap(), model);
    }

    #[test]
    fn what_qiskit_did_not_know_is_refused() {
        let refusal = |params| NoiseModel::from_noise_params(&params).unwrap_err().to_string();
        assert!(refusal(json!({"Y90": {}})).starts_with("`Y90`: expected the parameters"));
        assert!(refusal(json!({"CX": {"zz_error": 0.1}})).starts_with("`CX.zz_error`"));
        assert!(refusal(json!({"U": {"p_pauli": [0.1]}})).starts_with("`U.p_pauli`"));
        assert!(refusal(json!({"U": {"p_depol": 2.0}})).starts_with("`U.p_depol`"));
        assert_eq!(refusal(json!({"U": {"p_pauli": [0.9, 0.9, 0.9]}})), "`U` is refused");
        assert!(refusal(json!({"relaxation_rate": -1.0})).contains("0 or more"));
        assert!(refusal(json!({"reset_error": 1.5})).starts_with("`reset_error`: expected a prob"));
        let populations = refusal(json!({"thermal_populations": {"0": 0.9}}));
        assert!(populations.starts_with("`thermal_populations`"), "{populations}");
        assert!(refusal(json!({"readout_error": 1.5})).contains("refused"));
        assert!(refusal(json!({"U": {"U_error": [[1.0, 0.0], [0.0, 2.0]]}})).contains("refused"));
    }
}
