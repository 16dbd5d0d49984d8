//! Instructions that the file itself defines.

use super::{
    Frame, Lower, Lowerer, MAX_CALLS, fail, gate::open_controls, modifier::Modified, shown,
};
use crate::model::{Custom, CustomKind, Definition, Instruction, Modifier, Value};

impl<'m> Lowerer<'m> {
    pub(super) fn custom(
        &mut self,
        frame: &Frame<'m>,
        instruction: &'m Instruction<'m>,
        custom: &'m Custom<'m>,
        qubits: &[u32],
        clbits: &[u32],
    ) -> Lower<()> {
        let (n_qubits, n_clbits) = (custom.n_qubits as usize, custom.n_clbits as usize);
        if (n_qubits, n_clbits) != (qubits.len(), clbits.len()) {
            let found = format!("{} qubits and {} clbits", qubits.len(), clbits.len());
            return fail(format!("{found}, expected {n_qubits} and {n_clbits}"));
        }
        if self.calls >= MAX_CALLS {
            return fail(format!("definitions use each other more than {MAX_CALLS} deep"));
        }
        self.calls += 1;
        self.expansion += 1;
        self.charge(1)?;
        match (custom.kind, &custom.definition, &custom.base) {
            (CustomKind::Annotated, _, Some(base)) => {
                self.annotated(frame, instruction, base, qubits)?;
            }
            (_, Some(Definition::Evolution(evolution)), _) => self.evolution(evolution, qubits)?,
            (kind, Some(Definition::Circuit(body)), _) => {
                // What is stored is the definition for controls that are all closed.
                let open = match kind {
                    CustomKind::Controlled => {
                        let n_controls = qubits.len().min(instruction.n_controls as usize);
                        open_controls(&qubits[..n_controls], instruction.control_state)
                    }
                    _ => Vec::new(),
                };
                self.flip(&open)?;
                self.inline(body, qubits, clbits)?;
                self.flip(&open)?;
            }
            _ => {
                return fail(format!(
                    "the file has no definition of it, and no instruction `{}` is known here",
                    shown(instruction.name)
                ));
            }
        }
        self.calls -= 1;
        self.expansion -= 1;
        Ok(())
    }

    /// What is inverted, controlled or repeated. Modifiers apply one after the other; the controls
    /// of the last one come first.
    fn annotated(
        &mut self,
        frame: &Frame<'m>,
        instruction: &'m Instruction<'m>,
        base: &'m Instruction<'m>,
        qubits: &[u32],
    ) -> Lower<()> {
        let mut modifiers = Vec::with_capacity(instruction.params.len());
        for param in &instruction.params {
            match param {
                Value::Modifier(modifier) => modifiers.push(*modifier),
                _ => return fail("a modifier that is none"),
            }
        }
        let n_controls = modifiers.iter().map(|modifier| match modifier {
            Modifier::Control { n_controls, .. } => u64::from(*n_controls),
            _ => 0,
        });
        let n_controls: u64 = n_controls.sum();
        let Some(n_targets) = (qubits.len() as u64).checked_sub(n_controls) else {
            return fail(format!("{n_controls} controls among {} qubits", qubits.len()));
        };
        let mut rest = &qubits[..n_controls as usize];
        let targets = &qubits[qubits.len() - n_targets as usize..];
        self.charge(base.size())?;
        let outer = self.steps.replace(Vec::new());
        let lowered = self.operation(frame, base, targets, &[]);
        let mut steps = std::mem::replace(&mut self.steps, outer).expect("the steps just begun");
        lowered?;
        for modifier in modifiers {
            let modified = match modifier {
                Modifier::Inverse => Modified::Inverse,
                Modifier::Power(exponent) => Modified::Power(exponent),
                Modifier::Control { n_controls, state } => {
                    let (left, controls) = rest.split_at(rest.len() - n_controls as usize);
                    rest = left;
                    Modified::Controlled(controls, state)
                }
            };
            steps = self.modified(steps, modified)?;
        }
        steps.into_iter().try_for_each(|step| self.push_step(step))
    }
}
