//! Shots that are run together and each on its own: the same outcomes, one by one.

use ketch_interface::{
    Circuit, Counts,
    circuit::Gate,
    noise::{Channel, NoiseModel, ReadoutError},
    result::Memory,
};
use ketch_kernels::Threads;

use super::{options, run};
use crate::{
    Cancel, Method, Options,
    noise::insert,
    program::Program,
    records::Budget,
    run::{Branch, Run, Shape, branched, shot_by_shot},
};

/// Noise of each kind that is drawn, and misread bits.
pub(crate) fn noisy(circuit: &Circuit) -> Circuit {
    let damping = |gamma: f64| Channel::amplitude_damping(gamma).unwrap();
    let mut model = NoiseModel::new();
    model.add("u", Channel::depolarizing(0.1, 1).unwrap());
    model.add("h", damping(0.2));
    model.add("ry", damping(0.9));
    model.add("cx", Channel::depolarizing(0.2, 2).unwrap());
    model.add("cz", damping(0.1).tensor(&damping(0.3)).unwrap());
    model.add_readout(ReadoutError::of_bit(0.1, 0.05).unwrap());
    insert(circuit, &model).unwrap()
}

/// Noise that stabilizer states can follow, of each kind, and misread bits.
pub(crate) fn noisy_clifford(circuit: &Circuit) -> Circuit {
    let mut model = NoiseModel::new();
    let turned = [(0.8, Gate::Id.matrix(&[])), (0.2, Gate::H.matrix(&[]))];
    model.add("s", Channel::mixed_unitary(&turned).unwrap());
    model.add("h", Channel::thermal_relaxation(50.0, 40.0, 10.0, 0.2).unwrap());
    model.add("cx", Channel::depolarizing(0.2, 2).unwrap());
    model.add_readout(ReadoutError::of_bit(0.1, 0.05).unwrap());
    insert(circuit, &model).unwrap()
}

/// A step of [`dynamic`]: what, on which of three qubits, with which other or clbit, by how much.
pub(crate) type Step = (u32, u32, u32, f64);

/// Gates, measurements, resets and conditions on three of all qubits, behind what a circuit of
/// three clbits did before.
pub(crate) fn dynamic(mut circuit: Circuit, on: [u32; 3], steps: &[Step]) -> Circuit {
    for &(kind, a, b, angle) in steps {
        let (qubit, other) = (on[a as usize], on[b as usize]);
        circuit = match kind {
            0 | 1 => circuit.u(angle, 0.3, 0.4, qubit),
            2 if a != b => circuit.cx(qubit, other),
            3 => circuit.measure(qubit, b),
            4 => circuit.reset(qubit),
            5 => circuit.if_equal(0, u64::from(b), |inside| inside.ry(angle, qubit)),
            7 if a != b => circuit.cz(qubit, other),
            _ => circuit.h(qubit),
        };
    }
    circuit.measure(on[2], 2).measure(on[0], 0)
}

/// As [`dynamic`], of Clifford gates.
pub(crate) fn dynamic_clifford(mut circuit: Circuit, on: [u32; 3], steps: &[Step]) -> Circuit {
    for &(kind, a, b, _) in steps {
        let (qubit, other) = (on[a as usize], on[b as usize]);
        circuit = match kind {
            0 | 1 => circuit.s(qubit).h(qubit),
            2 | 7 if a != b => circuit.cx(qubit, other),
            3 => circuit.measure(qubit, b),
            4 => circuit.reset(qubit),
            5 => circuit.if_equal(0, u64::from(b), |inside| inside.h(qubit)),
            _ => circuit.h(qubit),
        };
    }
    circuit.measure(on[2], 2).measure(on[0], 0)
}

/// A cat state of all qubits, with room for three outcomes.
pub(crate) fn cat(n_qubits: u32) -> Circuit {
    let start = Circuit::new(n_qubits, 3).h(0);
    (1..n_qubits).fold(start, |circuit, qubit| circuit.cx(qubit - 1, qubit))
}

/// Asserts that shots come out the same each on its own and together, for any number of threads,
/// of shots in a walk, of states, and of bytes for them.
pub(crate) fn assert_same_together_and_alone<'t, R: Branch<'t>>(
    program: &Program<'_, R::Op>,
    threads: &'t [Threads; 2],
    start: impl Fn(&'t Threads) -> R,
) {
    let options = Options { shots: 300, seed: 5, memory: true, ..Options::default() };
    let (cancel, budget) = (Cancel::new(), Budget::new(None));
    let run = Run { program, cancel: &cancel, budget: &budget };
    let finished = |ran: crate::run::Ran<R>| -> (Counts, Option<Memory>) {
        ran.outcomes.finish(program.circuit.cregs())
    };
    let [one, two] = threads;
    let expected = finished(shot_by_shot(&run, start(one), one, &options).unwrap());
    let size = start(one).bytes();
    for (per_walk, most_states, room) in [
        (1, 1, u64::MAX),
        (300, 1, u64::MAX),
        (300, 20, u64::MAX),
        (77, 3, u64::MAX),
        (300, 20, 0),
        (77, 20, 8 * size),
    ] {
        let shape = Shape { per_walk, most_states, room };
        for threads in [one, two] {
            let together = branched(&run, start(threads), threads, &options, shape).unwrap();
            assert_eq!(finished(together), expected, "{shape:?}\n{:?}", program.circuit);
        }
    }
}

/// Threads that a test may choose among.
pub(crate) fn one_or_two() -> [Threads; 2] {
    [1, 2].map(|n| Threads::new(n).unwrap())
}

/// What asks for the state of a shot has each of them run on its own, and says so.
#[test]
fn counts_do_not_depend_on_whether_a_state_is_asked_for() {
    let circuit = cat(5).measure(2, 0).if_equal(0, 1, |inside| inside.h(3).cx(3, 4));
    let circuit = circuit.reset(1).h(1).measure(3, 1).measure(4, 2);
    for method in [Method::MatrixProductState, Method::Sparse, Method::Stabilizer] {
        let asked = |final_state, threads| {
            let options = Options { method, final_state, threads, memory: true, ..options() };
            run(&circuit, &options)
        };
        let [together, wide, alone] = [(false, 1), (false, 2), (true, 1)].map(|(f, n)| asked(f, n));
        let note = |way: &str| format!("{way}: there is control flow or classical storage");
        let reason = |notes: &[String]| notes[0].split(':').next().unwrap().to_owned();
        assert_eq!(reason(&together.facts.notes), "shots were not drawn from one state");
        assert_eq!(reason(&alone.facts.notes), "each shot was run on its own");
        if method != Method::Stabilizer {
            assert_eq!(together.facts.notes, [note("shots were not drawn from one state")]);
        }
        assert_eq!(together.memory, wide.memory, "{method}");
        assert_eq!(together.memory, alone.memory, "{method}");
        assert_eq!(together.counts, alone.counts, "{method}");
    }
}
