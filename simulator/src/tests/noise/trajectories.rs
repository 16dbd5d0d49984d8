//! Trajectories: distributed as the density matrix says, the same for any number of threads.

use ketch_interface::{
    Circuit, Matrix,
    circuit::{Gate, Op, Save, SaveKind, SaveSubtype},
    noise::{Channel, ReadoutError},
};

use super::{channel, channels, misread, noisy, oracle, with};
use crate::{
    Method, Options, Precision, Saved, reference,
    tests::{options, run, sampling::assert_distributed},
};

fn vector(shots: u64) -> Options {
    Options { method: Method::Statevector, shots, ..options() }
}

#[test]
fn each_kind_of_channel_is_drawn_with_its_probabilities() {
    for next in channels() {
        let start = Circuit::new(2, 2).u(0.9, 0.4, 0.1, 0).ry(1.9, 1).cx(1, 0);
        let on: Vec<u32> = (0..next.n_qubits()).rev().collect();
        for op in [next.to_op(), Op::Superop(Box::new(next.superop()))] {
            let circuit = with(start.clone(), op, &on).h(0).rx(0.7, 1).measure_all();
            let outcome = run(&circuit, &vector(20_000));
            assert!(!outcome.facts.sampled);
            assert_distributed(&outcome.counts.unwrap(), &oracle::run(&circuit).distribution());
        }
    }
}

#[test]
fn noisy_circuits_are_distributed_as_the_density_matrix_says() {
    let error = ReadoutError::of_bit(0.1, 0.25).unwrap();
    for variant in 0..4 {
        let circuit = misread(noisy(variant).measure_all(), &error, &[1]);
        for precision in Precision::ALL {
            let options = Options { precision, ..vector(20_000) };
            let counts = run(&circuit, &options).counts.unwrap();
            assert_distributed(&counts, &oracle::run(&circuit).distribution());
        }
    }
}

/// Large states are left late and read place by place; what is measured here is on 4 of 14 qubits
/// that have nothing to do with the others.
#[test]
fn shots_of_large_states_are_distributed_as_the_density_matrix_says() {
    let mixture = |gate: Gate, p: f64| {
        let kraus = [(Matrix::identity(1), 1.0 - p), (gate.matrix(&[]), p)];
        let scaled = kraus.map(|(unitary, p)| unitary.scaled(p.sqrt()));
        Channel::new(scaled.to_vec()).unwrap()
    };
    let channels = [
        Channel::thermal_relaxation(50.0, 60.0, 9.0, 0.2).unwrap(),
        Channel::depolarizing(0.06, 2).unwrap(),
        mixture(Gate::H, 0.08),
        Channel::thermal_relaxation(50.0, 45.0, 6.0, 0.0).unwrap(),
    ];
    // Four qubits with noise, at these places.
    let small = |at: [u32; 4], mut circuit: Circuit| {
        for layer in 0..5_u32 {
            for number in 0..4 {
                let angle = 0.4 + f64::from(number + 3 * layer);
                circuit = circuit.u(angle, 0.3, 0.2 * angle, at[number as usize]);
                let next = &channels[((number + layer) % 4) as usize];
                let on = [at[number as usize], at[(number as usize + 1) % 4]];
                circuit = channel(circuit, next, &on[..next.n_qubits() as usize]);
            }
            let (a, b) = (layer % 4, (layer + 1 + layer % 2) % 4);
            circuit = circuit.cx(at[a as usize], at[b as usize]);
        }
        circuit
    };
    let measured = |at: [u32; 4], circuit: Circuit| {
        (0..).zip(at).fold(circuit, |circuit, (clbit, qubit)| circuit.measure(qubit, clbit))
    };
    let among = [12, 1, 6, 9];
    let others = [0, 2, 3, 4, 5, 7, 8, 10, 11, 13];
    let mut circuit = small(among, Circuit::new(14, 4));
    for round in 0..3 {
        circuit = others.iter().fold(circuit, |circuit, &q| circuit.ry(0.7 + f64::from(q), q));
        circuit = others.windows(2).fold(circuit, |circuit, pair| circuit.cx(pair[0], pair[1]));
        circuit =
            channel(circuit, &channels[round], &others[..channels[round].n_qubits() as usize]);
    }
    let few = [0, 1, 2, 3];
    let expected = oracle::run(&measured(few, small(few, Circuit::new(4, 4)))).distribution();
    for precision in Precision::ALL {
        let options = Options { precision, ..vector(6000) };
        let counts = run(&measured(among, circuit.clone()), &options).counts.unwrap();
        assert_distributed(&counts, &expected);
    }
}

#[test]
fn threads_do_not_change_counts_nor_order() {
    let error = ReadoutError::of_bit(0.1, 0.25).unwrap();
    let circuit = misread(noisy(2).measure_all(), &error, &[3]);
    for method in [Method::Statevector, Method::DensityMatrix] {
        let with_threads = |threads| {
            let options = Options { method, threads, memory: true, ..vector(1000) };
            let outcome = run(&circuit, &options);
            (outcome.counts, outcome.memory)
        };
        let alone = with_threads(1);
        assert_eq!(alone, with_threads(2));
        assert_eq!(alone, with_threads(5));
        let other = run(&circuit, &Options { method, seed: 12, memory: true, ..vector(1000) });
        assert_ne!(alone.1, other.memory);
    }
}

#[test]
fn the_average_of_trajectories_is_the_density_matrix() {
    let save = Save {
        kind: SaveKind::DensityMatrix,
        key: "rho".to_owned(),
        subtype: SaveSubtype::Average,
    };
    let circuit = with(noisy(0), Op::Save(Box::new(save)), &[0, 1, 2, 3]);
    let Saved::Matrix { dim, entries } = run(&circuit, &vector(20_000)).data["rho"].clone() else {
        panic!("expected a matrix");
    };
    let found = Matrix::new(dim, entries.to_vec()).unwrap();
    // The spread of an entry is at most 1, so that of the mean of 20,000 at most 0.0071: 6 of
    // them, in 256 entries of two parts each, are passed by chance in one of a million runs.
    assert!(found.distance(&oracle::run(&noisy(0)).rho) < 0.043);
}

#[test]
fn states_that_are_seen_have_norm_one() {
    let relaxation = Channel::thermal_relaxation(50.0, 60.0, 5.0, 0.0).unwrap();
    let circuit = (0..30).fold(Circuit::new(2, 0).x(0).h(1), |circuit, round| {
        channel(circuit.rx(0.2, round % 2), &relaxation, &[round % 2])
    });
    let saved = with(circuit, super::save(SaveKind::Probabilities), &[0, 1]);
    for seed in 0..20 {
        let options = Options { final_state: true, seed, ..vector(3) };
        let data = run(&saved, &options).data;
        let Saved::Reals(probabilities) = &data["saved"] else { panic!("expected numbers") };
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let Saved::Vector(state) = &data["statevector"] else { panic!("expected a state") };
        assert!((state.iter().map(|a| a.norm_sqr()).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn an_operator_that_cannot_happen_is_not_drawn() {
    // |0> does not decay.
    let damping = Channel::amplitude_damping(0.9).unwrap();
    let circuit = channel(Circuit::new(1, 1), &damping, &[0]).measure_all();
    assert_eq!(run(&circuit, &vector(500)).counts.unwrap().get("0"), 500);
}

#[test]
fn channels_in_blocks_and_loops_are_drawn_each_time() {
    let flip = Channel::new(vec![reference::pauli("X")]);
    let circuit = Circuit::new(1, 2).if_equal(0, 0, |circuit| {
        let twice = channel(circuit.x(0), flip.as_ref().unwrap(), &[0]);
        channel(twice, flip.as_ref().unwrap(), &[0])
    });
    let counts = run(&circuit.measure(0, 0), &vector(100)).counts.unwrap();
    assert_eq!(counts.get("01"), 100);
}
