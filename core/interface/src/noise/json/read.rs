//! Reading documents.

use serde_json::Value;

use super::NoiseJsonError;
use crate::{
    Circuit,
    circuit::Op,
    json::Node,
    noise::{
        ErrorStep, NoiseError, NoiseModel, PauliLindblad, QuantumError, ReadoutError, Relaxation,
        channel::Channel, lindblad::check_size, mixture::is_idle, model::arity,
    },
    qobj::json::read_circuit,
};

type Read<T> = Result<T, NoiseJsonError>;

/// Qubits have numbers below this.
const MAX_QUBIT: u32 = 1 << 20;

/// The most numbers of the Kraus operators of all errors of a document: 1 GiB.
const MAX_ENTRIES: usize = 1 << 26;

/// Arguments of an instruction have numbers below this.
const MAX_ARGUMENTS: u32 = 10_000;

pub(super) fn model(document: &Value) -> Read<NoiseModel> {
    let root = Node::root(document);
    root.object()?;
    let mut model = NoiseModel::new();
    let mut n_entries = 0;
    let errors = root.require("errors")?;
    for node in errors.items()? {
        let kind = node.require("type")?;
        let (error, is_idle) = match kind.text()? {
            "qerror" => mixture(&node)?,
            "plerror" => {
                let error = pauli_lindblad(&node)?;
                let is_idle = error.is_identity();
                (error, is_idle)
            }
            "roerror" => {
                readout(&node, &mut model)?;
                continue;
            }
            _ => return Err(kind.expected("\"qerror\", \"plerror\" or \"roerror\"").into()),
        };
        let size = |step: &ErrorStep| step.channel.kraus().len() << (2 * step.channel.n_qubits());
        n_entries += error.steps().iter().map(size).sum::<usize>();
        if n_entries > MAX_ENTRIES {
            let reason = format!(
                "the errors up to this one have Kraus operators of {n_entries} numbers, expected \
                 at most {MAX_ENTRIES}: simplify those on many qubits"
            );
            return Err(refused(&node)(NoiseError::BadShape(reason)));
        }
        quantum(&node, error, is_idle, &mut model)?;
    }
    if let Some(gates) = root.get("x90_gates") {
        let names = gates.list(|gate| match gate.text()? {
            name if arity(name) == Some(1) && name != "measure" => Ok(name.to_owned()),
            _ => Err(gate.expected("a gate of one qubit")),
        })?;
        model.set_x90_gates(names.into_iter().collect());
    }
    if let Some(gates) = root.get("basis_gates") {
        model.set_basis_gates(gates.list(|gate| gate.text_owned())?);
    }
    if let Some(dt) = root.get("dt") {
        match dt.number()? {
            seconds if seconds > 0.0 => model.set_tick(seconds),
            _ => return Err(dt.expected("a time above 0, in seconds").into()),
        }
    }
    if let Some(relaxation) = root.get("relaxation") {
        relaxation.items()?.try_for_each(|node| relax(&node, &mut model))?;
    }
    Ok(model)
}

fn refused(node: &Node<'_, '_>) -> impl FnOnce(NoiseError) -> NoiseJsonError {
    let path = node.path();
    move |source| NoiseJsonError::Noise { path, source }
}

/// An error, and whether each instruction in it does nothing.
fn mixture(node: &Node<'_, '_>) -> Read<(QuantumError, bool)> {
    let probabilities = node.require("probabilities")?.list(|p| p.number())?;
    let instructions = node.require("instructions")?;
    if instructions.items()?.len() != probabilities.len() {
        let expected = format!("one circuit for each of {} probabilities", probabilities.len());
        return Err(instructions.expected(expected).into());
    }
    let mut terms = Vec::with_capacity(probabilities.len());
    for (p, instructions) in probabilities.iter().zip(instructions.items()?) {
        terms.push((*p, circuit(&instructions)?));
    }
    if let [(1.0, circuit)] = terms.as_slice()
        && let Some((kraus, places)) = only_kraus(circuit)
    {
        let size = circuit.n_qubits();
        let channel = Channel::new(kraus).map_err(refused(node))?;
        let is_idle = channel.is_identity();
        return Ok((QuantumError::new().then(channel, &places).widened(size), is_idle));
    }
    let is_idle = terms.iter().filter(|(p, _)| *p > 0.0).all(|(_, circuit)| is_idle(circuit));
    Ok((QuantumError::new().then_mixture(terms).map_err(refused(node))?, is_idle))
}

/// The Kraus operators and qubits of a circuit that has nothing else.
fn only_kraus(circuit: &Circuit) -> Option<(Vec<crate::Matrix>, Vec<usize>)> {
    let mut found = circuit.instructions().filter(|instruction| instruction.op.name() != "id");
    let (first, None) = (found.next()?, found.next()) else { return None };
    let Op::Kraus(kraus) = first.op else { return None };
    Some((kraus.to_vec(), first.qubits.iter().map(|qubit| qubit.0 as usize).collect()))
}

fn circuit(node: &Node<'_, '_>) -> Read<Circuit> {
    let mut n_qubits = 0;
    for instruction in node.items()? {
        for qubit in instruction.require("qubits")?.items()? {
            n_qubits = n_qubits.max(qubit.below(MAX_ARGUMENTS, "an argument of the gate")? + 1);
        }
        for condition in ["condition", "conditional"] {
            if let Some(condition) = instruction.get(condition) {
                return Err(condition.expected("no condition within an error").into());
            }
        }
    }
    let renamed = renamed(node.value);
    let read = match &renamed {
        Some(value) => read_circuit(&Node::root(value), n_qubits),
        None => read_circuit(node, n_qubits),
    };
    read.map_err(|error| NoiseJsonError::Circuit { path: node.path(), source: Box::new(error) })
}

/// With today's names, if there are others: Aer up to 0.5 said `X` for `x`, and `cx_10` for a `cx`
/// whose control is the second qubit.
fn renamed(instructions: &Value) -> Option<Value> {
    let mut renamed = instructions.clone();
    let mut any = false;
    for instruction in renamed.as_array_mut()? {
        let name = instruction.get("name")?.as_str()?.to_owned();
        let (base, order) = name.rsplit_once('_').unwrap_or((&name, ""));
        let digits: Option<Vec<usize>> =
            order.chars().map(|digit| digit.to_digit(10).map(|digit| digit as usize)).collect();
        let ordered = ["cx", "ccx"].contains(&base) && !order.is_empty();
        if let Some(digits) = digits.filter(|_| ordered) {
            let qubits = instruction.get("qubits")?.as_array()?;
            let turned = digits.iter().map(|digit| qubits.get(*digit).cloned());
            let turned = turned.collect::<Option<Vec<_>>>()?;
            if turned.len() == qubits.len() {
                instruction["qubits"] = turned.into();
                instruction["name"] = base.into();
                any = true;
            }
            continue;
        }
        let lower = match name.as_str() {
            "I" => "id".to_owned(),
            "X" | "Y" | "Z" | "H" | "S" | "Sdg" | "T" | "Tdg" | "CZ" | "SWAP" | "CCX" => {
                name.to_lowercase()
            }
            _ => continue,
        };
        instruction["name"] = lower.into();
        any = true;
    }
    any.then_some(renamed)
}

fn pauli_lindblad(node: &Node<'_, '_>) -> Read<QuantumError> {
    let rates = node.require("rates")?.list(|rate| rate.number())?;
    let instructions = node.require("instructions")?;
    if instructions.items()?.len() != rates.len() {
        let expected = format!("one generator for each of {} rates", rates.len());
        return Err(instructions.expected(expected).into());
    }
    // By their letters alone until it is known how wide all of them are together.
    let mut strings = Vec::with_capacity(rates.len());
    let mut n_qubits = 0;
    for list in instructions.items()? {
        let circuit = circuit(&list)?;
        let mut all = circuit.instructions();
        let (Some(only), None) = (all.next(), all.next()) else {
            return Err(list.expected("one `pauli`").into());
        };
        let Op::Pauli(letters) = only.op else { return Err(list.expected("one `pauli`").into()) };
        n_qubits = n_qubits.max(circuit.n_qubits() as usize);
        let places = only.qubits.iter().map(|qubit| qubit.0 as usize);
        strings.push(letters.chars().rev().zip(places).collect::<Vec<_>>());
    }
    check_size(strings.len(), n_qubits).map_err(refused(node))?;
    let filled = strings.into_iter().zip(rates).map(|(letters, rate)| {
        let mut label = vec!['I'; n_qubits];
        letters.into_iter().for_each(|(letter, place)| label[n_qubits - 1 - place] = letter);
        (label.into_iter().collect(), rate)
    });
    let noise = PauliLindblad::new(filled.collect()).map_err(refused(node))?;
    QuantumError::new().then_pauli_lindblad(noise).map_err(refused(node))
}

/// Puts an error where the document says. One that is idle is none, as for Aer: what holds for all
/// qubits goes on to hold.
fn quantum(
    node: &Node<'_, '_>,
    error: QuantumError,
    is_idle: bool,
    model: &mut NoiseModel,
) -> Read<()> {
    let operations = node.require("operations")?.list(|name| name.text_owned())?;
    let fits = |size: usize, what: &dyn Fn() -> String| match error.n_qubits() == size {
        true => Ok(()),
        false => {
            let found = error.n_qubits();
            let reason = format!("an error on {found} qubits for {}", what());
            Err(NoiseJsonError::Noise { path: node.path(), source: NoiseError::BadShape(reason) })
        }
    };
    for name in &operations {
        let size = arity(name);
        let Some(groups) = node.get("gate_qubits") else {
            if let Some(size) = size {
                fits(size, &|| format!("`{name}`, which has {size}"))?;
            }
            if !is_idle {
                model.add(name, error.clone());
            }
            continue;
        };
        for group in groups.items()? {
            let qubits = qubits(&group)?;
            if let Some(size) = size.filter(|size| *size != qubits.len()) {
                return Err(group.expected(format!("the {size} qubits of a `{name}`")).into());
            }
            let Some(others) = node.get("noise_qubits") else {
                fits(qubits.len(), &|| format!("`{name}` on {qubits:?}"))?;
                if !is_idle {
                    model.add_on(name, &qubits, error.clone());
                }
                continue;
            };
            for other in others.items()? {
                let on = self::qubits(&other)?;
                fits(on.len(), &|| format!("the noise_qubits {on:?}"))?;
                match on == qubits {
                    _ if is_idle => {}
                    true => model.add_on(name, &qubits, error.clone()),
                    false => model.add_non_local(name, &qubits, &on, error.clone()),
                }
            }
        }
    }
    Ok(())
}

fn readout(node: &Node<'_, '_>, model: &mut NoiseModel) -> Read<()> {
    let rows = node.require("probabilities")?;
    let rows = rows.list(|row| row.list(|p| p.number()))?;
    let error = ReadoutError::new(rows).map_err(refused(node))?;
    if let Some(operations) = node.get("operations") {
        for operation in operations.items()? {
            if operation.text()? != "measure" {
                return Err(operation.expected("\"measure\"").into());
            }
        }
    }
    let bits = error.n_bits() as usize;
    let Some(groups) = node.get("gate_qubits") else {
        if bits != 1 {
            let reason = format!("a readout error of {bits} bits for every qubit");
            return Err(refused(node)(NoiseError::BadShape(reason)));
        }
        model.add_readout(error);
        return Ok(());
    };
    for group in groups.items()? {
        let qubits = qubits(&group)?;
        if qubits.len() != bits {
            return Err(group.expected(format!("{bits} qubits, as the error has bits")).into());
        }
        model.add_joint_readout(&qubits, error.clone());
    }
    Ok(())
}

/// Qubits of the device, none twice.
fn qubits(node: &Node<'_, '_>) -> Read<Vec<u32>> {
    let qubits = node.list(|qubit| qubit.below(MAX_QUBIT, "a qubit"))?;
    let repeated = qubits.iter().enumerate().any(|(i, qubit)| qubits[..i].contains(qubit));
    match qubits.is_empty() || repeated {
        true => Err(node.expected("qubits, none twice").into()),
        false => Ok(qubits),
    }
}

fn relax(node: &Node<'_, '_>, model: &mut NoiseModel) -> Read<()> {
    let number = |name: &'static str, missing: f64| match node.get(name) {
        Some(value) => value.number(),
        None => Ok(missing),
    };
    let qubit = node.require("qubit")?.below(MAX_QUBIT, "a qubit")?;
    let relaxation = Relaxation {
        t1: number("T1", f64::INFINITY)?,
        t2: number("T2", f64::INFINITY)?,
        excited: number("excited_state_population", 0.0)?,
    };
    relaxation.during(0.0).map_err(refused(node))?;
    model.add_relaxation(qubit, relaxation);
    Ok(())
}
