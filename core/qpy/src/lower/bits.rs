//! Qubits, clbits and registers.

use std::collections::{BTreeMap, HashSet};

use ketch_interface::Circuit;

use super::{Frame, Lower, Lowerer, fail};
use crate::{
    ClassicalRegister,
    model::{self, Register},
};

/// Which bits of the whole those of a circuit are.
#[derive(Debug)]
pub(super) enum Wires {
    /// All of so many, in order. Few bytes may speak of many bits.
    All(u32),
    These(Vec<u32>),
}

impl Wires {
    /// The bits at these places.
    pub(super) fn on(&self, places: &[u32], what: &str) -> Lower<Vec<u32>> {
        let (bit, size): (&dyn Fn(u32) -> Option<u32>, usize) = match self {
            Self::All(size) => (&|place| (place < *size).then_some(place), *size as usize),
            Self::These(bits) => (&|place| bits.get(place as usize).copied(), bits.len()),
        };
        let each = places.iter().map(|&place| match bit(place) {
            Some(bit) => Ok(bit),
            None => fail(format!("{what} {place} of {size}")),
        });
        each.collect()
    }
}

/// Gives a circuit its registers. Those of Qiskit may share bits and leave bits out; here every bit
/// is in one register: the first that begins at it, or one of loose bits.
pub(super) fn registers(circuit: &mut Circuit, model: &model::Circuit<'_>) {
    for (name, size) in laid_out(&model.qregs, model.n_qubits, "q") {
        circuit.add_qreg(name, size);
    }
    for (name, size) in laid_out(&model.cregs, model.n_clbits, "c") {
        circuit.add_creg(name, size);
    }
}

/// Registers that follow each other and hold `n` bits, by name and size.
fn laid_out(registers: &[Register<'_>], n: u32, loose: &str) -> Vec<(String, u32)> {
    let mut beginning: BTreeMap<u32, (&str, u32)> = BTreeMap::new();
    for register in registers.iter().filter(|register| register.in_circuit) {
        let size = u32::try_from(register.bits.len()).unwrap_or(u32::MAX);
        if let (Some(start), 1..) = (register.bits.start(), size) {
            beginning.entry(start).or_insert((register.name, size));
        }
    }
    let mut names: HashSet<String> = registers.iter().map(|r| r.name.to_owned()).collect();
    let mut number = 0;
    let mut loose_name = || {
        loop {
            let name = if number == 0 { loose.to_owned() } else { format!("{loose}_{number}") };
            number += 1;
            if names.insert(name.clone()) {
                return name;
            }
        }
    };
    let mut placed = Vec::new();
    let mut at = 0;
    while at < n {
        if let Some(&(name, size)) = beginning.get(&at)
            && size <= n - at
        {
            placed.push((name.to_owned(), size));
            at += size;
            continue;
        }
        let end = beginning.range(at + 1..n).next().map_or(n, |(place, _)| *place);
        placed.push((loose_name(), end - at));
        at = end;
    }
    placed
}

impl Lowerer<'_> {
    /// The classical registers as Qiskit has them. A few bytes may name many bits, and registers
    /// may share them.
    pub(super) fn classical_registers(
        &mut self,
        model: &model::Circuit<'_>,
    ) -> Lower<Vec<ClassicalRegister>> {
        let registers = || model.cregs.iter().filter(|register| register.in_circuit);
        let n_bits: u64 = registers().map(|register| register.bits.len() as u64).sum();
        self.charge(n_bits).or_else(|_| {
            fail(format!("classical registers of {n_bits} bits are more than the file may name"))
        })?;
        let each = registers().map(|register| {
            let clbits = places(register)?;
            Ok(ClassicalRegister { name: register.name.to_owned(), clbits })
        });
        each.collect()
    }
}

/// The places of the bits of a register within its circuit.
fn places(register: &Register<'_>) -> Lower<Vec<u32>> {
    let each = register.bits.iter().map(|place| match place {
        Some(place) => Ok(place),
        None => fail(format!("register `{}` has bits that the circuit has not", register.name)),
    });
    each.collect()
}

impl Frame<'_> {
    /// The clbits of a register.
    pub(super) fn register(&self, name: &str) -> Lower<Vec<u32>> {
        match self.circuit.creg_places.get(name) {
            Some(&place) => self.clbits.on(&places(&self.circuit.cregs[place])?, "clbit"),
            None => fail(format!("there is no classical register `{name}`")),
        }
    }

    /// A clbit.
    pub(super) fn clbit(&self, place: u32) -> Lower<u32> {
        self.clbits.on(&[place], "clbit").map(|bits| bits[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Bits;

    #[test]
    fn every_bit_is_in_one_register() {
        let run = |name, start, size| Register {
            name,
            bits: Bits::Run { start, size },
            in_circuit: true,
        };
        let list = |name, places: &[u32]| Register {
            name,
            bits: Bits::List(places.iter().copied().map(Some).collect()),
            in_circuit: true,
        };
        let check = |registers: &[Register<'_>], n, expected: &[(&str, u32)]| {
            let found = laid_out(registers, n, "q");
            let found: Vec<(&str, u32)> = found.iter().map(|(name, n)| (&**name, *n)).collect();
            assert_eq!(found, expected);
        };
        check(&[run("a", 0, 2), list("b", &[2, 3, 4])], 5, &[("a", 2), ("b", 3)]);
        check(&[], 3, &[("q", 3)]);
        // Bits between, before and behind; a register across others; one in another order.
        check(&[run("q", 1, 2), run("x", 2, 2)], 5, &[("q_1", 1), ("q", 2), ("q_2", 2)]);
        check(&[run("all", 0, 3), run("low", 0, 1)], 3, &[("all", 3)]);
        check(&[list("back", &[1, 0])], 2, &[("q", 2)]);
        check(&[run("none", 0, 0), run("long", 1, 9)], 2, &[("q", 1), ("q_1", 1)]);
    }
}
