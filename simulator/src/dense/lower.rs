//! Quantum instructions as the dense engines take them: matrices on places.

use ketch_interface::{
    Complex64, Matrix,
    circuit::{GateOp, Initialize, Instruction, Op, Qubit},
};
use ketch_kernels::{Controls, Real};
use num_complex::Complex;

use super::{
    DenseOp, Noise,
    apply::{Action, Apply, mask, pauli_masks},
    merge::Waiting,
};
use crate::{
    Error,
    noise::Channels,
    program::{Layout, Lower, Step},
    stage::{Plan, Staged},
};

/// What lowering remembers.
#[derive(Debug)]
pub(crate) struct DenseLower<T> {
    n_places: usize,
    /// The phase of the whole can be seen at the end.
    keep_phase: bool,
    waiting: Waiting,
    /// How runs of unitaries are put into stages, where they are.
    plan: Option<Plan>,
    /// The state is |0…0> when the program begins.
    from_zero: bool,
    /// Unitaries that wait to be put into stages, and the places that they act on.
    run: Vec<Apply<f64>>,
    run_mask: usize,
    /// The places that are |0> for certain: resetting them does nothing.
    fresh: Vec<bool>,
    channels: Channels,
    precision: std::marker::PhantomData<T>,
}

type Steps<T> = Vec<Step<DenseOp<T>>>;

impl<T: Real> DenseLower<T> {
    /// For a state of `n_places`, each |0> at first if `from_zero`. With a plan, runs of unitaries
    /// become stages.
    pub(crate) fn new(
        n_places: usize,
        keep_phase: bool,
        from_zero: bool,
        plan: Option<Plan>,
    ) -> Self {
        Self {
            n_places,
            keep_phase,
            waiting: Waiting::new(n_places),
            plan,
            from_zero,
            run: Vec::new(),
            run_mask: 0,
            fresh: vec![from_zero; n_places],
            channels: Channels::default(),
            precision: std::marker::PhantomData,
        }
    }

    fn apply(&mut self, apply: Apply<f64>, out: &mut Steps<T>) {
        if self.plan.is_some() {
            self.run_mask |= apply.mask();
            return self.run.push(apply);
        }
        self.waiting.take(apply, |apply| out.push(step(&apply)));
    }

    fn flush_mask(&mut self, mask: usize, out: &mut Steps<T>) {
        if self.run_mask & mask != 0 {
            self.flush_run(out);
        }
        self.waiting.flush(mask, |apply| out.push(step(&apply)));
    }

    /// Gives out the run that waits, in stages unless it is too short for them to save a pass.
    fn flush_run(&mut self, out: &mut Steps<T>) {
        let run = std::mem::take(&mut self.run);
        self.run_mask = 0;
        match &self.plan {
            Some(plan) if run.len() > 2 => {
                let staged = match self.from_zero && out.is_empty() {
                    true => Staged::from_zero(&run, plan),
                    false => Staged::new(&run, plan),
                };
                out.push(Step::Quantum(DenseOp::Staged(Box::new(staged))));
            }
            _ => out.extend(run.iter().map(step)),
        }
    }

    fn touch(&mut self, places: &[usize]) {
        places.iter().for_each(|&place| self.fresh[place] = false);
    }

    fn unitary(
        &mut self,
        matrix: &Matrix,
        places: &[usize],
        controls: Controls,
        out: &mut Steps<T>,
    ) {
        if let Some(apply) = Apply::of_matrix(matrix, places, controls) {
            self.apply(apply, out);
        }
    }

    fn diagonal(&mut self, entries: &[Complex64], places: &[usize], out: &mut Steps<T>) {
        if let Some(apply) = Apply::of_diagonal(entries, places) {
            self.apply(apply, out);
        }
    }

    /// One controlled unitary for each value of the controls.
    fn multiplexer(&mut self, matrices: &[Matrix], places: &[usize], out: &mut Steps<T>) {
        let n_targets = matrices[0].n_qubits().expect("the circuit was validated") as usize;
        let (targets, controlling) = places.split_at(n_targets);
        for (value, matrix) in matrices.iter().enumerate() {
            let controls =
                (0..).zip(controlling).fold(Controls::NONE, |controls, (bit, &place)| {
                    controls.and(place, value >> bit & 1 == 1)
                });
            self.unitary(matrix, targets, controls, out);
        }
    }

    fn pauli(&mut self, letters: &str, places: &[usize], out: &mut Steps<T>) {
        let (x, z) = pauli_masks(letters, places);
        let action = Action::Pauli { x, z };
        self.apply(Apply { action, controls: Controls::NONE }, out);
    }

    fn channel(&mut self, op: &Op, places: &[usize], out: &mut Steps<T>) -> Result<(), Error> {
        let channel = self.channels.of(op)?;
        self.flush_mask(mask(places), out);
        out.push(Step::Quantum(DenseOp::Noise(Noise::new(&channel, places))));
        Ok(())
    }

    fn reset(&mut self, qubits: &[Qubit], layout: &Layout, out: &mut Steps<T>) {
        // An idle qubit is |0> already.
        for place in qubits.iter().filter_map(|&qubit| layout.place(qubit)) {
            if self.fresh[place] {
                continue;
            }
            self.flush_mask(1 << place, out);
            out.push(Step::Reset(place));
            self.fresh[place] = true;
        }
    }

    fn initialize(&mut self, state: &Initialize, places: &[usize], out: &mut Steps<T>) {
        let amplitudes = state.amplitudes().expect("the circuit was validated");
        let amplitudes =
            amplitudes.iter().map(|c| Complex::new(T::narrow(c.re), T::narrow(c.im))).collect();
        out.push(Step::Quantum(DenseOp::Prepare { places: places.into(), amplitudes }));
    }
}

impl<T: Real> Lower for DenseLower<T> {
    type Op = DenseOp<T>;

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize], out: &mut Steps<T>) {
        self.touch(places);
        if let Some(apply) = Apply::of_gate(op, params, places) {
            self.apply(apply, out);
        }
    }

    fn global_phase(&mut self, phase: f64, out: &mut Steps<T>) {
        let action = Action::Phase(Complex64::cis(phase));
        self.apply(Apply { action, controls: Controls::NONE }, out);
    }

    fn instruction(
        &mut self,
        instruction: Instruction<'_>,
        layout: &Layout,
        out: &mut Steps<T>,
    ) -> Result<(), Error> {
        let op = instruction.op;
        if let Op::Reset = op {
            self.reset(instruction.qubits, layout, out);
            return Ok(());
        }
        let places = layout.places(instruction.qubits);
        if let Op::Initialize(_) = op {
            self.reset(instruction.qubits, layout, out);
        }
        self.touch(&places);
        match op {
            Op::Unitary(unitary) => self.unitary(&unitary.value, &places, Controls::NONE, out),
            Op::Diagonal(entries) => self.diagonal(entries, &places, out),
            Op::Multiplexer(matrices) => self.multiplexer(matrices, &places, out),
            Op::Pauli(letters) => self.pauli(letters, &places, out),
            Op::Kraus(_) | Op::Superop(_) => self.channel(op, &places, out)?,
            Op::Initialize(state) => self.initialize(state, &places, out),
            op => unreachable!("`{}` is lowered for all engines alike", op.name()),
        }
        Ok(())
    }

    fn flush(&mut self, places: &[usize], out: &mut Steps<T>) {
        self.flush_mask(mask(places), out);
    }

    fn flush_all(&mut self, out: &mut Steps<T>) {
        self.flush_run(out);
        self.flush_mask((1 << self.n_places) - 1, out);
        self.waiting.flush_phase(|apply| out.push(step(&apply)));
    }

    fn finish(&mut self, out: &mut Steps<T>) {
        self.flush_run(out);
        self.flush_mask((1 << self.n_places) - 1, out);
        if self.keep_phase {
            self.waiting.flush_phase(|apply| out.push(step(&apply)));
        }
    }

    fn forget(&mut self, places: &[usize]) {
        self.touch(places);
    }

    fn forget_all(&mut self) {
        self.fresh.fill(false);
    }
}

fn step<T: Real>(apply: &Apply<f64>) -> Step<DenseOp<T>> {
    Step::Quantum(DenseOp::Apply(apply.cast()))
}
