//! Shots by frames and one by one: distributed as they should be, and each possible.

use ketch_interface::{Circuit, circuit::Op};

use super::{Draw, any_gate, gate, sampled, stabilizer};
use crate::{
    Options, reference,
    stabilizer::{Clifford, Tableau},
    tests::{run, sampling::assert_distributed},
};

/// Random circuits with measurements out of order, resets and conditional Pauli gates, in two
/// registers of clbits. The false-alarm rate of one comparison is below 10^-7.
#[test]
fn counts_are_distributed_as_they_should_be() {
    for seed in 0..60 {
        let mut draw = Draw::new(seed);
        let n = 2 + draw.below(3);
        let mut circuit = Circuit::new(n, 0);
        circuit.add_creg("a", 2);
        circuit.add_creg("b", 3);
        for _ in 0..4 * n {
            circuit = any_gate(circuit, &mut draw);
            let q = draw.below(n);
            circuit = match draw.below(6) {
                0 => circuit.measure(q, draw.below(5)),
                1 => circuit.reset(q),
                2 => {
                    let (register, value) = (draw.below(2) as usize, u64::from(draw.below(4)));
                    circuit.if_equal(register, value, |c| c.x(q).z((q + 1) % n).y(q).x(q))
                }
                _ => circuit,
            };
        }
        for (clbit, q) in draw.different(n, n).into_iter().enumerate() {
            circuit = circuit.measure(q, clbit as u32);
        }
        let counts = sampled(&circuit, 8192).counts.unwrap();
        assert_eq!(counts.total(), 8192);
        assert_distributed(&counts, &reference::distribution(&circuit));
    }
}

/// The same with conditions on Clifford gates that no frame can follow: each shot is run.
#[test]
fn conditional_gates_of_all_kinds_are_run_shot_by_shot() {
    for seed in 0..25 {
        let mut draw = Draw::new(900 + seed);
        let n = 2 + draw.below(3);
        let mut circuit = Circuit::new(n, 4);
        for _ in 0..3 * n {
            circuit = any_gate(circuit, &mut draw);
            let q = draw.below(n);
            circuit = match draw.below(4) {
                0 => circuit.measure(q, draw.below(4)),
                1 => circuit.reset(q),
                _ => circuit,
            };
            let value = u64::from(draw.below(3));
            circuit = circuit.if_equal(0, value, |c| c.h(q).cx(q, (q + 1) % n));
        }
        let circuit = circuit.measure(0, 3).measure(1, 0);
        let outcome = run(&circuit, &stabilizer(4096));
        assert!(!outcome.facts.sampled);
        assert_distributed(&outcome.counts.unwrap(), &reference::distribution(&circuit));
    }
}

/// Every shot of the frames is one that the tableau can have: replayed with the shot's outcomes
/// where both are possible, all certain ones agree. And shots differ where they may.
#[test]
fn every_shot_of_a_wide_circuit_is_possible() {
    for (seed, n) in [(1, 3_u32), (2, 70), (3, 129)] {
        let mut draw = Draw::new(seed);
        let mut circuit = Circuit::new(n, 4 * n);
        let mut clbit = 0;
        for _ in 0..3 {
            for _ in 0..6 * n {
                circuit = gate(circuit, &mut draw);
            }
            for q in draw.different(n / 3, n) {
                circuit = circuit.measure(q, clbit).reset(q);
                clbit += 1;
            }
        }
        for q in draw.different(n, n) {
            circuit = circuit.measure(q, clbit);
            clbit += 1;
        }
        let options = Options { memory: true, ..stabilizer(700) };
        let memory = run(&circuit, &options).memory.unwrap();
        assert_eq!(memory.len(), 700);
        let mut n_coins = 0;
        let mut n_ones = 0;
        for shot in memory.iter().step_by(23) {
            let mut tableau = Tableau::zero(n as usize).unwrap();
            for instruction in circuit.instructions() {
                let q = |place: usize| instruction.qubits[place].0;
                match instruction.op {
                    Op::Gate(op) => tableau.apply(match op.name().as_str() {
                        "h" => Clifford::H(q(0)),
                        "s" => Clifford::S(q(0)),
                        "sx" => Clifford::SqrtX(q(0)),
                        "y" => Clifford::Y(q(0)),
                        "cz" => Clifford::Cz(q(0), q(1)),
                        "swap" => Clifford::Swap(q(0), q(1)),
                        "cx" => Clifford::Cx(q(0), q(1)),
                        name => panic!("{name} was not drawn"),
                    }),
                    Op::Measure => {
                        let read = shot.get(instruction.clbits[0].0);
                        let outcome = tableau.measure(q(0) as usize, || {
                            n_coins += 1;
                            n_ones += u32::from(read);
                            read
                        });
                        assert_eq!(outcome, read, "{n} qubits");
                    }
                    Op::Reset => tableau.reset(q(0) as usize, || false),
                    op => panic!("{op:?} was not drawn"),
                }
            }
        }
        // Six standard deviations of fair coins: a false alarm in 5 * 10^8 runs.
        let off = (f64::from(n_ones) - f64::from(n_coins) / 2.0).abs();
        assert!(off < 3.0 * f64::from(n_coins).sqrt(), "{n_ones} of {n_coins}");
        assert!(n_coins > 30 * n / 4, "{n_coins}");
    }
}

#[test]
fn outcomes_do_not_depend_on_threads_or_on_later_shots() {
    let mut draw = Draw::new(8);
    let mut circuit = Circuit::new(80, 80);
    for _ in 0..800 {
        circuit = gate(circuit, &mut draw);
    }
    let circuit = circuit.measure_all();
    let with = |threads, shots| {
        let options = Options { threads, memory: true, ..stabilizer(shots) };
        run(&circuit, &options)
    };
    let one = with(1, 5000);
    for threads in [2, 3] {
        let other = with(threads, 5000);
        assert_eq!((&one.counts, &one.memory), (&other.counts, &other.memory));
    }
    let (few, many) = (with(1, 700).memory.unwrap(), one.memory.unwrap());
    assert!(few.iter().eq(many.iter().take(700)));
    let counts = one.counts.unwrap();
    assert_eq!(counts.total(), 5000);
    let mut again = ketch_interface::Counts::new(circuit.cregs().to_vec());
    many.iter().for_each(|shot| again.add(shot, 1));
    assert_eq!(again, counts);
    let other_seed = Options { seed: 12, ..stabilizer(5000) };
    assert_ne!(run(&circuit, &other_seed).counts.unwrap(), counts);
}

#[test]
fn empty_identity_and_unmeasured_circuits_run() {
    let empty = run(&Circuit::new(0, 0), &stabilizer(10));
    assert_eq!((empty.counts, empty.memory), (None, None));
    assert_eq!(sampled(&Circuit::new(3, 2).id(0), 10).counts, None);
    let idle = Circuit::new(100, 3).h(99).measure(7, 2).measure(99, 0).x(99).measure(99, 1);
    let counts = sampled(&idle, 1000).counts.unwrap();
    assert_eq!(counts.get("001") + counts.get("010"), 1000);
    assert!(counts.get("001").abs_diff(500) < 100);
    // Teleportation of |-> through conditional Pauli gates.
    let mut circuit = Circuit::new(3, 0);
    circuit.add_creg("z", 1);
    circuit.add_creg("x", 1);
    circuit.add_creg("out", 1);
    let circuit = circuit.x(0).h(0).h(1).cx(1, 2).cx(0, 1).h(0).measure(0, 0).measure(1, 1);
    let circuit = circuit.if_equal(1, 1, |c| c.x(2)).if_equal(0, 1, |c| c.z(2)).h(2).measure(2, 2);
    let counts = sampled(&circuit, 4096).counts.unwrap();
    assert_eq!(counts.len(), 4);
    assert!(counts.iter().all(|(bits, _)| bits.get(2)));
}
