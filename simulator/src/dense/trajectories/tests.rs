//! Errors that are moved and shots that are put together leave what errors in place would.

use ketch_interface::{
    Circuit as Given, Matrix,
    circuit::{Gate, GateOp, Op, Qubit},
    noise::{Channel, ReadoutError},
};
use ketch_kernels::{Kernels, Threads};
use num_complex::Complex64;
use proptest::prelude::*;

use super::{
    circuit::Circuit,
    draw::{self, Path, What},
    walk::{Walk, goes_alone},
};
use crate::{
    Cancel, Error, Method, Options, Precision,
    dense::{Apply, DenseOp, DenseProgram, State, simulate::lowered},
    noise::pick,
    program::{Layout, Step},
    run::measured_behind_noise,
    simulate,
    simulate::Work,
    stage::Plan,
};

const N: u32 = 4;

fn push(mut circuit: Given, op: Op, qubits: &[u32]) -> Given {
    let qubits: Vec<Qubit> = qubits.iter().map(|&qubit| Qubit(qubit)).collect();
    circuit.push(op, &qubits, &[], &[]).unwrap();
    circuit
}

/// Strings, and unitaries that are none, with probabilities that are far from each other.
fn channels() -> [Channel; 4] {
    let mixture = |weights: &[(f64, Matrix)]| {
        let kraus = weights.iter().map(|(weight, unitary)| {
            let entries = unitary.entries().iter().map(|entry| entry * weight.sqrt()).collect();
            Matrix::new(unitary.dim(), entries).unwrap()
        });
        Channel::new(kraus.collect()).unwrap()
    };
    let one = Matrix::diagonal(&[Complex64::ONE; 2]);
    [
        Channel::depolarizing(0.3, 1).unwrap(),
        Channel::depolarizing(0.4, 2).unwrap(),
        mixture(&[(0.6, one), (0.3, Gate::T.matrix(&[])), (0.1, Gate::Y.matrix(&[]))]),
        mixture(&[(0.5, Gate::H.matrix(&[])), (0.5, Gate::Z.matrix(&[]))]),
    ]
}

/// Clifford gates and others, each followed by a channel.
fn noisy(steps: &[(usize, u32, u32, f64)]) -> Given {
    let mut circuit = Given::new(N, N);
    for &(kind, a, by, angle) in steps {
        let b = (a + by) % N;
        let c = (0..N).find(|c| *c != a && *c != b).unwrap();
        circuit = match kind % 9 {
            0 => circuit.h(a),
            1 => circuit.cx(a, b),
            2 => circuit.u(angle, 0.3, 0.4, a),
            3 => circuit.rx(std::f64::consts::FRAC_PI_2, a),
            4 => circuit.gate(Gate::Rzz, 0, &[angle], &[a, b]),
            5 => circuit.cz(a, b),
            6 => circuit.ccx(a, b, c),
            7 => circuit.gate(Gate::T, 0, &[], &[a]),
            _ => circuit.gate(Gate::Swap, 0, &[], &[a, b]),
        };
        let channel = &channels()[kind / 9 % 4];
        let on = [b, a];
        circuit = push(circuit, channel.to_op(), &on[..channel.n_qubits() as usize]);
    }
    circuit
}

fn steps() -> impl Strategy<Value = Vec<(usize, u32, u32, f64)>> {
    prop::collection::vec((0..36_usize, 0..N, 1..N, -3.0..3.0), 1..20)
}

fn plan(cancel: &Cancel) -> Plan {
    Plan { n_places: N as usize, alone: true, cancel: cancel.clone() }
}

fn applied(run: &[Apply<f64>]) -> Vec<Complex64> {
    let mut state = vec![Complex64::ZERO; 1 << N];
    state[0] = Complex64::ONE;
    run.iter().for_each(|apply| apply.run(Kernels::detect(), &Threads::serial(), &mut state));
    state
}

/// The state of a shot with all of its errors where they happen, gate by gate.
fn in_place(program: &DenseProgram<'_, f64>, shot: u64, seed: u64) -> Vec<Complex64> {
    let (mut run, mut site) = (Vec::new(), 0);
    for step in &program.steps {
        match step {
            Step::Quantum(DenseOp::Apply(apply)) => run.push(apply.clone()),
            Step::Quantum(DenseOp::Noise(noise)) => {
                let uniform = crate::rng::uniform(seed, shot, site);
                let (unitaries, None) = noise.unitaries().unwrap() else { panic!("a rest") };
                let (way, _) = pick(unitaries.iter().map(|way| way.probability), uniform);
                run.extend(unitaries[way].apply.clone());
                site += 1;
            }
            step => panic!("{step:?}"),
        }
    }
    applied(&run)
}

fn with_program<R>(
    given: &Given,
    options: &Options,
    test: impl FnOnce(Work<'_>, &DenseProgram<'_, f64>) -> R,
) -> R {
    let (threads, cancel) = (Threads::new(2).unwrap(), Cancel::new());
    let work = Work { threads: &threads, circuit: given, options, cancel: &cancel };
    test(work, &lowered(work, Method::Statevector, Layout::all(N)).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn moved_errors_leave_the_same_probabilities(steps in steps(), shots in 0..u64::MAX - 8) {
        with_program(&noisy(&steps), &Options::default(), |work, program| {
            // Of so many places, stages are made.
            for n_places in [N as usize, 14] {
                let plan = Plan { n_places, ..plan(work.cancel) };
                let circuit = Circuit::of(program, &plan).unwrap().unwrap();
                for shot in shots..shots + 8 {
                    let path = circuit.draw(3, shot);
                    let moved = applied(&circuit.run(0..circuit.steps.len(), &path.errors));
                    for (index, amplitude) in in_place(program, shot, 3).iter().enumerate() {
                        let found = moved[index ^ path.flips].norm_sqr();
                        assert!((found - amplitude.norm_sqr()).abs() < 1e-12);
                    }
                }
            }
        });
    }

    #[test]
    fn errors_may_wait_for_the_end_of_any_segment(steps in steps(), shots in 0..u64::MAX - 8) {
        with_program(&noisy(&steps), &Options::default(), |work, program| {
            let circuit = Circuit::of(program, &plan(work.cancel)).unwrap().unwrap();
            let n_steps = circuit.steps.len();
            for path in (shots..shots + 8).map(|shot| circuit.draw(3, shot)) {
                let in_place = applied(&circuit.run(0..n_steps, &path.errors));
                let ends = circuit.segments.iter().map(|segment| segment.end);
                for to in [0].into_iter().chain(ends) {
                    let items = circuit.late(&path, 0, 0, to);
                    let mut run = circuit.run(0..to, &[]);
                    run.extend(items.iter().map(|item| circuit.apply(&path, *item)));
                    for (found, expected) in applied(&run).iter().zip(&in_place) {
                        assert!((found.norm_sqr() - expected.norm_sqr()).abs() < 1e-12);
                    }
                }
                let (to, items) = circuit.latest(&[&path], 0, 0, N as usize);
                assert_eq!(items, circuit.late(&path, 0, 0, to));
            }
        });
    }

    #[test]
    fn shots_come_out_the_same_with_few_states_and_alone(steps in steps()) {
        let given = noisy(&steps).measure_all();
        let options = Options { shots: 300, seed: 7, ..Options::default() };
        with_program(&given, &options, |work, program| {
            let circuit = Circuit::of(program, &plan(work.cancel)).unwrap().unwrap();
            let measured = measured_behind_noise(program).unwrap();
            let start = State::<f64>::zero(N as usize, work.threads).unwrap();
            let walk = Walk::new(work, &circuit, plan(work.cancel), &measured, &start);
            let mut paths: Vec<Path> = (0..300).map(|shot| circuit.draw(7, shot)).collect();
            paths.sort_unstable_by(Path::order);
            let read = |paths: &[Path], most_states| {
                let mut read = walk.outcomes(paths, most_states).unwrap();
                read.sort_unstable();
                read
            };
            let together = read(&paths, 20);
            assert_eq!(together.len(), 300);
            assert_eq!(read(&paths, 1), together);
            let mut alone: Vec<_> = paths.chunks(1).flat_map(|path| read(path, 1)).collect();
            alone.sort_unstable();
            assert_eq!(alone, together);
        });
    }
}

/// Layers of gates on all of some qubits; behind each pair `noise`, behind the first layer `first`
/// on one of them.
fn wide(n: u32, first: &Channel, noise: &Channel) -> Given {
    let mut circuit = Given::new(n, n);
    for layer in 0..3 {
        circuit = (0..n).fold(circuit, |circuit, qubit| {
            circuit.u(0.4 + f64::from(qubit + layer), 0.3, 0.1, qubit)
        });
        if layer == 0 {
            circuit = push(circuit, first.to_op(), &[3]);
        }
        for qubit in (layer % 2..n - 1).step_by(2) {
            circuit = circuit.cx(qubit, qubit + 1);
            let on = [qubit, qubit + 1];
            circuit = push(circuit, noise.to_op(), &on[..noise.n_qubits() as usize]);
        }
    }
    circuit
}

/// Shots that leave the trunk one by one and many together, and those for which there is no room.
#[test]
fn large_states_are_read_the_same_with_few_states_and_threads() {
    const N: u32 = 14;
    let first = Channel::pauli(&[("I", 0.6), ("Y", 0.4)]).unwrap();
    let noise = Channel::thermal_relaxation(50.0, 60.0, 4.0, 0.1).unwrap();
    let given = wide(N, &first, &noise).measure_all();
    let options = Options { shots: 400, seed: 7, ..Options::default() };
    let serial = Threads::serial();
    let (threads, cancel) = (Threads::new(2).unwrap(), Cancel::new());
    let read = |threads: &Threads, most_states: usize| {
        let work = Work { threads, circuit: &given, options: &options, cancel: &cancel };
        let program = lowered(work, Method::Statevector, Layout::all(N)).unwrap();
        let plan = Plan { n_places: N as usize, ..plan(&cancel) };
        let circuit = Circuit::of(&program, &plan).unwrap().unwrap();
        let measured = measured_behind_noise(&program).unwrap();
        let start = State::<f64>::zero(N as usize, threads).unwrap();
        let walk = Walk::new(work, &circuit, plan, &measured, &start);
        let mut paths: Vec<Path> = (0..400).map(|shot| circuit.draw(7, shot)).collect();
        let looks = |path: &Path| path.errors.iter().any(|e| matches!(e.what, What::Rest { .. }));
        assert!(paths.iter().any(looks) && circuit.segments.len() > 1);
        paths.sort_unstable_by(Path::order);
        let mut read = walk.outcomes(&paths, most_states).unwrap();
        read.sort_unstable();
        read
    };
    let together = read(&threads, 20);
    assert_eq!(together.len(), 400);
    assert_eq!(read(&threads, 1), together);
    assert_eq!(read(&serial, 1), together);
}

#[test]
fn a_part_of_a_state_is_where_places_have_their_values() {
    let threads = Threads::serial();
    let mut state = State::<f64>::zero(6, &threads).unwrap();
    let numbers: Vec<Complex64> =
        (0..64).map(|at| Complex64::new(f64::from(at), 1.0 / f64::from(at + 1))).collect();
    state.set(&numbers);
    for read in 0..64_usize {
        for values in (0..64).filter(|values| values & !read == 0) {
            let part = state.part(read, values, &threads).unwrap();
            let expected = (0..64).filter(|at| at & read == values).map(|at| numbers[at]);
            assert!(part.amplitudes().iter().copied().eq(expected), "{read} {values}");
        }
    }
}

#[test]
fn an_inverse_undoes_its_unitary() {
    let gates = [(Gate::U, 1), (Gate::T, 0), (Gate::Y, 2), (Gate::X, 1), (Gate::Ecr, 0)];
    let more = [(Gate::Rzz, 0), (Gate::Swap, 1), (Gate::Rccx, 0), (Gate::Rxx, 1), (Gate::Sx, 0)];
    let three = [0, 1, 2];
    let mut applies: Vec<Apply<f64>> = gates
        .into_iter()
        .chain(more)
        .map(|(gate, controls)| {
            let n = gate.info().n_qubits as usize + usize::from(controls);
            let params: Vec<f64> = (0..gate.info().n_params).map(|i| 0.3 + f64::from(i)).collect();
            Apply::of_gate(GateOp::new(gate, controls), &params, &three[..n]).unwrap()
        })
        .collect();
    applies.push(Apply::of_string([3, 6]));
    for apply in applies {
        let both = apply.matrix(&three).product(&apply.adjoint().matrix(&three));
        assert!(both.distance(&Matrix::identity(3)) < 1e-14, "{apply:?}");
    }
}

/// The states that a large run takes at once are all asked for before it begins: the start, the
/// trunk, the state of a shot, what is left of that when half of it was read and so on; and a copy
/// where shots part.
#[test]
fn what_reading_part_by_part_takes_is_asked_for() {
    const N: u32 = 19;
    let with = |noise: &Channel, max_memory: u64| {
        let given = wide(N, &Channel::depolarizing(0.01, 1).unwrap(), noise).measure_all();
        let (method, max_memory) = (Method::Statevector, Some(max_memory));
        let options = Options { method, max_memory, shots: 8, threads: 2, ..Options::default() };
        simulate(&given, &options, &Cancel::new()).map(|outcome| outcome.counts.unwrap().total())
    };
    let needed = |noise: &Channel| match with(noise, 1 << 20) {
        Err(Error::InsufficientMemory { needed, .. }) => needed as u64,
        other => panic!("{other:?}"),
    };
    let depolarizing = Channel::depolarizing(0.02, 2).unwrap();
    let relaxation = Channel::thermal_relaxation(50.0, 60.0, 4.0, 0.1).unwrap();
    let (few, more) = (needed(&depolarizing), needed(&relaxation));
    let one = more - few;
    assert!(one >= 16 << N, "{few} {more}");
    assert!(few >= 4 * one && more >= 5 * one && few < 5 * one, "{few} {more}");
    for (noise, needed) in [(&depolarizing, few), (&relaxation, more)] {
        let refused = with(noise, needed - 1);
        assert!(matches!(refused, Err(Error::InsufficientMemory { .. })), "{refused:?}");
        assert_eq!(with(noise, needed).unwrap(), 8);
    }
}

/// Shots that would need copy after copy where they part do not go on by themselves.
#[test]
fn many_shots_that_look_often_stay_together() {
    let path = |looks: usize| Path {
        shot: 0,
        flips: 0,
        errors: vec![draw::Error { at: 0, what: What::Rest { site: 0 } }; looks],
    };
    for (looks, shots, alone) in [
        (0, 1000, true),
        (1, 1000, true),
        (2, 3, true),
        (2, 4, false),
        (64, 3, true),
        (65, 1, false),
    ] {
        assert_eq!(goes_alone(&path(looks), shots), alone, "{looks} looks, {shots} shots");
    }
}

/// Enough qubits for stages, and for shots that use all threads.
#[test]
fn threads_do_not_change_what_is_read_from_staged_segments() {
    let noise = Channel::depolarizing(0.02, 2).unwrap();
    let error = ReadoutError::of_bit(0.1, 0.2).unwrap();
    for n in [14, 19] {
        let mut circuit = wide(n, &Channel::depolarizing(0.01, 1).unwrap(), &noise).measure_all();
        circuit.push(error.to_op(), &[], &[ketch_interface::circuit::Clbit(2)], &[]).unwrap();
        for precision in Precision::ALL {
            let by = |threads: usize, max_memory: Option<u64>| {
                let options = Options {
                    method: Method::Statevector,
                    precision,
                    threads,
                    max_memory,
                    shots: 40,
                    memory: true,
                    ..Options::default()
                };
                let outcome = simulate(&circuit, &options, &Cancel::new()).unwrap();
                (outcome.counts, outcome.memory)
            };
            let alone = by(1, None);
            assert_eq!(alone.0.as_ref().unwrap().total(), 40);
            assert_eq!(by(2, None), alone);
            assert_eq!(by(3, None), alone);
            // Too little for each thread to have a large state of its own.
            assert_eq!(by(2, Some(56 << 20)), alone);
        }
    }
}
