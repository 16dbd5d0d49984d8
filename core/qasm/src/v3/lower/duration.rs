//! How long statements take: what `durationof` says.
//!
//! Gates and measurements take no time here, for no device says how long; delays do.

use std::collections::BTreeMap;

use ketch_interface::circuit::{Op, Param};

use super::super::ast::{Block, Span};
use super::{
    Lower, Lowerer, fail,
    value::{Const, Time, Ty, Value},
};

impl Lowerer<'_> {
    /// The longest time that one qubit is kept by the delays of a block.
    pub(super) fn duration_of(&mut self, block: &Block, span: Span) -> Lower<Value> {
        self.charge(span, 0, self.vars.len() as u64 / 8)?;
        let (point, first) = (self.checkpoint(), self.circuit.len());
        self.region += 1;
        self.block(block)?;
        // Until when each qubit is kept; the others are free.
        let mut busy: BTreeMap<u32, Time> = BTreeMap::new();
        let until =
            |busy: &BTreeMap<u32, Time>, q: u32| busy.get(&q).copied().unwrap_or(Time::ZERO);
        let mut wrong = None;
        for place in first..self.circuit.len() {
            let instruction = self.circuit.instruction(place);
            if instruction.op.blocks().next().is_some() {
                wrong = Some("`durationof` statements that may not be run");
                break;
            }
            // What takes no time still waits for all of its qubits.
            let qubits = || instruction.qubits.iter().map(|qubit| qubit.0);
            let latest = qubits().try_fold(Time::ZERO, |latest, q| later(latest, until(&busy, q)));
            let own = match (instruction.op, instruction.params) {
                (Op::Delay(unit), [Param::Number(amount)]) => {
                    Time { amount: *amount, unit: *unit, stretch: false }
                }
                (Op::Delay(_), _) => {
                    wrong = Some("`durationof` a delay that is not known");
                    break;
                }
                _ => Time::ZERO,
            };
            let together = !matches!(instruction.op, Op::Delay(_));
            let mut ends = Vec::new();
            for q in qubits() {
                let start = if together { latest } else { Some(until(&busy, q)) };
                let end = start.and_then(|start| start.aligned(own));
                ends.push((q, end.map(|(a, b)| Time { amount: a.amount + b.amount, ..a })));
            }
            for (q, end) in ends {
                match end {
                    Some(end) if end.amount == 0.0 => {}
                    Some(end) => {
                        busy.insert(q, end);
                    }
                    None => {
                        wrong =
                            Some("`dt` and seconds do not meet: a tick's length is the device's")
                    }
                }
            }
        }
        let longest = busy.into_values().try_fold(Time::ZERO, later);
        self.rewind(point);
        match (wrong, longest) {
            (None, Some(time)) => Ok(Value::known(Ty::Duration, Const::Time(time))),
            (Some(message), _) => fail(span, message),
            (None, None) => {
                fail(span, "`dt` and seconds do not meet: a tick's length is the device's")
            }
        }
    }
}

fn later(a: Time, b: Time) -> Option<Time> {
    let (a, b) = a.aligned(b)?;
    Some(if a.amount >= b.amount { a } else { b })
}
