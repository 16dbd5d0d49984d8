//! Errors that are moved and shots that are put together leave what errors in place would.

use ketch_interface::{
    Circuit as Given, Matrix,
    circuit::{Gate, Op, Qubit},
    noise::{Channel, ReadoutError},
};
use ketch_kernels::{Kernels, Threads};
use num_complex::Complex64;
use proptest::prelude::*;

use super::{circuit::Circuit, draw::Path, walk::Walk};
use crate::{
    Cancel, Method, Options, Precision,
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

/// Enough qubits for stages, and for shots that use all threads.
#[test]
fn threads_do_not_change_what_is_read_from_staged_segments() {
    let noise = Channel::depolarizing(0.02, 2).unwrap();
    let error = ReadoutError::of_bit(0.1, 0.2).unwrap();
    for n in [14, 19] {
        let mut circuit = Given::new(n, n);
        for layer in 0..3 {
            circuit = (0..n).fold(circuit, |circuit, qubit| {
                circuit.u(0.4 + f64::from(qubit + layer), 0.3, 0.1, qubit)
            });
            for qubit in (layer % 2..n - 1).step_by(2) {
                circuit = push(circuit.cx(qubit, qubit + 1), noise.to_op(), &[qubit, qubit + 1]);
            }
        }
        circuit = circuit.measure_all();
        circuit.push(error.to_op(), &[], &[ketch_interface::circuit::Clbit(2)], &[]).unwrap();
        for precision in Precision::ALL {
            let by = |threads: usize| {
                let options = Options {
                    method: Method::Statevector,
                    precision,
                    threads,
                    shots: 40,
                    memory: true,
                    ..Options::default()
                };
                let outcome = simulate(&circuit, &options, &Cancel::new()).unwrap();
                (outcome.counts, outcome.memory)
            };
            let alone = by(1);
            assert_eq!(alone.0.as_ref().unwrap().total(), 40);
            assert_eq!(by(2), alone);
            assert_eq!(by(3), alone);
        }
    }
}
