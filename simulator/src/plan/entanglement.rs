//! A bound on entanglement, from the gates alone.

use ketch_interface::circuit::{Circuit, Op};

/// The binary logarithm of a bond dimension that the state never exceeds, with qubits in order.
///
/// A gate multiplies the number of Schmidt terms across each cut that it crosses by its own at
/// most: 2 for one with controls, 4 for others on two qubits. No cut has more terms than the
/// smaller side has basis states. Gates inside of blocks count once, so the bound holds for
/// circuits without loops only.
pub(crate) fn bond_bits(circuit: &Circuit) -> usize {
    let n = circuit.n_qubits() as usize;
    // The terms that begin to be crossed at each cut, less those that cease to be.
    let mut changes = vec![0_isize; n + 1];
    for instruction in circuit.instructions() {
        let qubits = instruction.qubits;
        if qubits.len() < 2 {
            continue;
        }
        let bits = match instruction.op {
            Op::Gate(gate) => match (gate.controls, gate.gate.info().n_qubits) {
                (0, n) => n as usize / 2 * 2,
                (_, 1) => 1,
                (_, n) => n as usize,
            },
            Op::Unitary(_)
            | Op::Diagonal(_)
            | Op::Multiplexer(_)
            | Op::Kraus(_)
            | Op::Superop(_) => qubits.len() / 2 * 2,
            Op::Initialize(_) => qubits.len() / 2,
            _ => continue,
        };
        let places = qubits.iter().map(|qubit| qubit.0 as usize);
        let (low, high) = (places.clone().min(), places.max());
        changes[low.unwrap_or(0)] += bits as isize;
        changes[high.unwrap_or(0)] -= bits as isize;
    }
    let mut crossed = 0;
    let cuts = changes.iter().take(n.saturating_sub(1)).enumerate().map(|(cut, change)| {
        crossed += change;
        (crossed as usize).min(cut + 1).min(n - cut - 1)
    });
    cuts.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_counted() {
        let ladder = |n: u32| (1..n).fold(Circuit::new(n, 0).h(0), |c, i| c.cx(i - 1, i));
        assert_eq!(bond_bits(&ladder(50)), 1);
        assert_eq!(bond_bits(&ladder(50).swap(3, 4).cx(0, 40)), 4);
        assert_eq!(bond_bits(&Circuit::new(4, 0).swap(0, 1).swap(0, 1)), 1);
        assert_eq!(bond_bits(&Circuit::new(1, 0).h(0)), 0);
        assert_eq!(bond_bits(&Circuit::new(0, 0)), 0);
    }
}
