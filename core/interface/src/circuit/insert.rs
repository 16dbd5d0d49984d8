//! Instructions put where a circuit's state is still whole.

use super::{Circuit, CircuitError, Op, Qubit, Record};

impl Circuit {
    /// Puts an instruction without clbits and parameters before the measurements and barriers that
    /// end the program, or at its end if none do: where the state has not collapsed yet.
    ///
    /// ```
    /// # use ketch_interface::{Circuit, circuit::{Op, Qubit}};
    /// let mut circuit = Circuit::new(1, 1).h(0).measure(0, 0);
    /// circuit.insert_before_final_measurements(Op::Reset, &[Qubit(0)]).unwrap();
    /// let names: Vec<String> = circuit.instructions().map(|i| i.op.name()).collect();
    /// assert_eq!(names, ["h", "reset", "measure"]);
    /// ```
    ///
    /// # Errors
    /// What is wrong with the instruction; the circuit is unchanged then.
    pub fn insert_before_final_measurements(
        &mut self,
        op: Op,
        qubits: &[Qubit],
    ) -> Result<(), CircuitError> {
        self.check(&op, qubits, &[], &[])?;
        let place = self.final_measurements();
        let begin = match self.records.get(place) {
            Some(next) => Record { op, ..*next },
            None => {
                self.push_unchecked(op, qubits, &[], &[]);
                return Ok(());
            }
        };
        let first = begin.qubits as usize;
        self.qubits.splice(first..first, qubits.iter().copied());
        for record in &mut self.records[place..] {
            record.qubits += qubits.len() as u32;
        }
        self.records.insert(place, begin);
        // All blocks end before: none is part of the final measurements.
        Ok(())
    }

    /// The place from which on the program only measures.
    fn final_measurements(&self) -> usize {
        let others = self
            .block(None)
            .filter(|(_, instruction)| !matches!(instruction.op, Op::Measure | Op::Barrier));
        others.map(|(index, _)| self.end_of(index)).last().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(circuit: Circuit) -> Vec<String> {
        let mut circuit = circuit;
        circuit.insert_before_final_measurements(Op::Reset, &[Qubit(1)]).unwrap();
        circuit.validate().unwrap();
        let line = |i: super::super::Instruction<'_>| {
            let qubits: Vec<String> = i.qubits.iter().map(|q| q.0.to_string()).collect();
            format!("{} {}", i.op.name(), qubits.join(" "))
        };
        circuit.instructions().map(line).collect()
    }

    #[test]
    fn operands_stay_with_their_instructions() {
        let circuit = Circuit::new(3, 3).cx(0, 2).barrier().measure_all();
        assert_eq!(listing(circuit), ["cx 0 2", "reset 1", "barrier 0 1 2", "measure 0 1 2"]);
        assert_eq!(listing(Circuit::new(2, 0).h(0)), ["h 0", "reset 1"]);
        assert_eq!(listing(Circuit::new(2, 0)), ["reset 1"]);
    }

    #[test]
    fn blocks_stay_whole() {
        let conditional = Circuit::new(2, 2).measure(0, 0).if_equal(0, 1, |c| c.x(1).measure(1, 1));
        let expected = ["measure 0", "if_else ", "x 1", "measure 1", "reset 1"];
        assert_eq!(listing(conditional.clone()), expected);
        let measured = listing(conditional.measure(1, 1));
        assert_eq!(measured[..5], expected);
        assert_eq!(measured[5], "measure 1");
    }

    #[test]
    fn a_wrong_instruction_changes_nothing() {
        let circuit = Circuit::new(1, 1).h(0).measure(0, 0);
        let mut changed = circuit.clone();
        assert!(changed.insert_before_final_measurements(Op::Reset, &[Qubit(1)]).is_err());
        assert_eq!(changed, circuit);
    }
}
