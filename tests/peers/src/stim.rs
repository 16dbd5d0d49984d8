//! Circuits in Stim's text format (github.com/quantumlib/Stim, `doc/file_format_stim_circuit.md`):
//! the gates and the noise that memory experiments consist of.
//!
//! Annotations such as detectors are left out: what is compared are measurements.

use anyhow::{Context, Result};
use ketch_interface::{
    Circuit, Matrix,
    circuit::{Clbit, Gate, GateOp, Op, Qubit},
    noise::Channel,
};

/// The circuit that a text in Stim's format describes.
pub(crate) fn circuit_of(text: &str) -> Result<Circuit> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut reading = Reading::default();
    reading.block(&lines)?;
    let Reading { instructions, n_qubits, n_clbits } = reading;
    let mut circuit = Circuit::new(n_qubits, n_clbits);
    for (op, qubits, clbits) in instructions {
        circuit.push_unchecked(op, &qubits, &clbits, &[]);
    }
    Ok(circuit)
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    instructions: Vec<(Op, Vec<Qubit>, Vec<Clbit>)>,
    n_qubits: u32,
    n_clbits: u32,
}

impl Reading {
    fn block(&mut self, lines: &[&str]) -> Result<()> {
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at].split('#').next().unwrap_or("").trim();
            at += 1;
            let Some(rounds) = line.strip_prefix("REPEAT ") else {
                self.line(line)?;
                continue;
            };
            let rounds: u64 = rounds.trim_end_matches('{').trim().parse()?;
            let (start, mut open) = (at, 1);
            while open > 0 {
                let line = lines.get(at).context("a REPEAT block has no end")?;
                open += i32::from(line.ends_with('{')) - i32::from(line.starts_with('}'));
                at += 1;
            }
            for _ in 0..rounds {
                self.block(&lines[start..at - 1])?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<()> {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { return Ok(()) };
        let (name, argument) = match name.split_once('(') {
            Some((name, argument)) => (name, argument.trim_end_matches(')')),
            None => (name, "0"),
        };
        if matches!(name, "QUBIT_COORDS" | "SHIFT_COORDS" | "DETECTOR" | "OBSERVABLE_INCLUDE") {
            return Ok(());
        }
        let targets = words.map(str::parse).collect::<Result<Vec<u32>, _>>();
        let targets = targets.with_context(|| format!("reading the targets of `{line}`"))?;
        self.n_qubits = targets.iter().map(|target| target + 1).fold(self.n_qubits, u32::max);
        let gate = |gate, controls| Some(Op::Gate(GateOp::new(gate, controls)));
        let flip = |gate: Gate| -> Result<Op> {
            let p: f64 = argument.parse()?;
            let scaled = |matrix: Matrix, p: f64| {
                let entries = matrix.entries().iter().map(|entry| entry * p.sqrt()).collect();
                Matrix::new(matrix.dim(), entries)
            };
            let kraus = [scaled(Matrix::identity(1), 1.0 - p), scaled(gate.matrix(&[]), p)];
            Ok(Channel::new(kraus.into_iter().flatten().collect())?.to_op())
        };
        // Stim's probability is that of any Pauli string but the identity.
        let depolarizing = |n: u32| -> Result<Op> {
            let p: f64 = argument.parse()?;
            let strings = f64::from(1_u32 << (2 * n));
            Ok(Channel::depolarizing(p * strings / (strings - 1.0), n)?.to_op())
        };
        let (op, width) = match name {
            "TICK" => (Some(Op::Barrier), 0),
            "H" => (gate(Gate::H, 0), 1),
            "S" => (gate(Gate::S, 0), 1),
            "S_DAG" => (gate(Gate::Sdg, 0), 1),
            "X" => (gate(Gate::X, 0), 1),
            "Y" => (gate(Gate::Y, 0), 1),
            "Z" => (gate(Gate::Z, 0), 1),
            "CX" | "CNOT" => (gate(Gate::X, 1), 2),
            "CZ" => (gate(Gate::Z, 1), 2),
            "SWAP" => (gate(Gate::Swap, 0), 2),
            "X_ERROR" => (Some(flip(Gate::X)?), 1),
            "Y_ERROR" => (Some(flip(Gate::Y)?), 1),
            "Z_ERROR" => (Some(flip(Gate::Z)?), 1),
            "DEPOLARIZE1" => (Some(depolarizing(1)?), 1),
            "DEPOLARIZE2" => (Some(depolarizing(2)?), 2),
            "R" | "M" | "MR" => (None, 1),
            _ => anyhow::bail!(
                "`{name}`: expected a gate, noise or measurement of a memory experiment"
            ),
        };
        if width == 0 {
            return Ok(());
        }
        for targets in targets.chunks_exact(width) {
            let qubits: Vec<Qubit> = targets.iter().map(|&target| Qubit(target)).collect();
            if let Some(op) = &op {
                self.instructions.push((op.clone(), qubits, Vec::new()));
                continue;
            }
            if name != "R" {
                let clbit = Clbit(self.n_clbits);
                self.n_clbits += 1;
                self.instructions.push((Op::Measure, qubits.clone(), vec![clbit]));
            }
            if name != "M" {
                self.instructions.push((Op::Reset, qubits, Vec::new()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_repeated_and_each_target_is_an_instruction() {
        let circuit = circuit_of(
            "R 0 2\nREPEAT 3 {\n    H 0 # first\n    REPEAT 2 {\n    DEPOLARIZE1(0.25) 2\n    }\n    \
             MR 2\n}\nDETECTOR(1, 2) rec[-1]\nCX 0 1 1 2\nM 0 1",
        )
        .unwrap();
        assert_eq!((circuit.n_qubits(), circuit.n_clbits()), (3, 5));
        let count =
            |wanted: fn(&Op) -> bool| circuit.instructions().filter(|i| wanted(i.op)).count();
        assert_eq!(count(|op| matches!(op, Op::Reset)), 5);
        assert_eq!(count(|op| matches!(op, Op::Kraus(_))), 6);
        assert_eq!(count(|op| matches!(op, Op::Measure)), 5);
        assert_eq!(count(|op| matches!(op, Op::Gate(_))), 5);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, expected) in [
            ("T 0", "`T`: expected a gate, noise or measurement of a memory experiment"),
            ("H x", "reading the targets of `H x`"),
            ("REPEAT 2 {\nH 0", "a REPEAT block has no end"),
        ] {
            assert_eq!(circuit_of(text).unwrap_err().to_string(), expected);
        }
    }
}
