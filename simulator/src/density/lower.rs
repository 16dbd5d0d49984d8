//! Quantum instructions as matrices on strings.

use ketch_interface::{
    Matrix,
    circuit::{Gate, GateOp, Initialize, Instruction, Op, Qubit},
    noise::{Channel, NoiseError},
};
use ketch_kernels::{Controls, Real};
use num_complex::Complex;

use super::{
    DensityOp, TRANSFER_PLACES,
    channel::Transfer,
    known::Known,
    plan::{Bits, stages},
};
use crate::{
    Error,
    dense::{Apply, apply::bits},
    program::{Layout, Lower, Step},
};

/// What lowering remembers.
#[derive(Debug)]
pub(super) struct DensityLower<T> {
    bits: Bits,
    /// What is to be merged and gathered into stages.
    waiting: Vec<Transfer>,
    /// The places that something waits for.
    touched: Vec<bool>,
    /// The places that are |0> for certain: resetting them does nothing.
    fresh: Vec<bool>,
    /// Circuits repeat the same gates, and noise models the same channels.
    gates: Known<Apply<f64>>,
    channels: Known<Vec<Matrix>>,
    precision: std::marker::PhantomData<T>,
}

type Steps<T> = Vec<Step<DensityOp<T>>>;

impl<T: Real> DensityLower<T> {
    /// For a state of these index bits, each place |0> at first if `from_zero`.
    pub(super) fn new(bits: Bits, from_zero: bool) -> Self {
        Self {
            bits,
            waiting: Vec::new(),
            touched: vec![false; bits.n_places],
            fresh: vec![from_zero; bits.n_places],
            gates: Known::default(),
            channels: Known::default(),
            precision: std::marker::PhantomData,
        }
    }

    fn take(&mut self, transfer: Transfer) {
        for &place in transfer.places() {
            (self.touched[place], self.fresh[place]) = (true, false);
        }
        self.waiting.push(transfer);
    }

    fn unitary(&mut self, apply: Option<Apply<f64>>, out: &mut Steps<T>) {
        let Some(apply) = apply else { return };
        // A phase of the whole is not seen.
        if apply.mask() == 0 {
            return;
        }
        let places: Vec<usize> = bits(apply.mask()).collect();
        if places.len() > TRANSFER_PLACES {
            self.give_out(out);
            places.iter().for_each(|&place| self.fresh[place] = false);
            return out.push(Step::Quantum(DensityOp::Wide(apply.cast())));
        }
        let place_of = |place| places.iter().position(|&p| p == place);
        let small = apply.mapped(|place| place_of(place).expect("one of its places"));
        let matrix = self.gates.find(&small).unwrap_or_else(|| {
            let matrix = Transfer::of_unitary(&small).matrix;
            self.gates.keep(small, matrix)
        });
        self.take(Transfer { places, matrix });
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
            self.unitary(Apply::of_matrix(matrix, targets, controls), out);
        }
    }

    fn pauli(&mut self, letters: &str, places: &[usize], out: &mut Steps<T>) {
        for (letter, place) in letters.chars().rev().zip(places) {
            let gate = match letter {
                'X' => Gate::X,
                'Y' => Gate::Y,
                'Z' => Gate::Z,
                _ => continue,
            };
            let apply = Apply::of_matrix(&gate.matrix(&[]), &[*place], Controls::NONE);
            self.unitary(apply, out);
        }
    }

    fn kraus(&mut self, kraus: &[Matrix], places: &[usize]) -> Result<(), NoiseError> {
        let matrix = match self.channels.find(kraus) {
            Some(matrix) => matrix,
            None => {
                let superop = Channel::new(kraus.to_vec())?.superop();
                let matrix = Transfer::of_superop(&superop, places).matrix;
                self.channels.keep(kraus.to_vec(), matrix)
            }
        };
        self.take(Transfer { places: places.to_vec(), matrix });
        Ok(())
    }

    fn reset(&mut self, qubits: &[Qubit], layout: &Layout) {
        // An idle qubit is |0> already.
        for place in qubits.iter().filter_map(|&qubit| layout.place(qubit)) {
            if !self.fresh[place] {
                self.take(Transfer::reset(place));
                self.fresh[place] = true;
            }
        }
    }

    fn initialize(&mut self, state: &Initialize, places: &[usize], out: &mut Steps<T>) {
        self.give_out(out);
        let amplitudes = state.amplitudes().expect("the circuit was validated");
        let amplitudes =
            amplitudes.iter().map(|c| Complex::new(T::narrow(c.re), T::narrow(c.im))).collect();
        out.push(Step::Quantum(DensityOp::Prepare { places: places.into(), amplitudes }));
        places.iter().for_each(|&place| self.fresh[place] = false);
    }

    fn give_out(&mut self, out: &mut Steps<T>) {
        if self.waiting.is_empty() {
            return;
        }
        let touched = (0..self.touched.len()).filter(|&place| self.touched[place]);
        let places = touched.collect();
        self.touched.fill(false);
        let stages = stages(std::mem::take(&mut self.waiting), self.bits).into();
        out.push(Step::Quantum(DensityOp::Stages { places, stages }));
    }
}

impl<T: Real> Lower for DensityLower<T> {
    type Op = DensityOp<T>;

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize], out: &mut Steps<T>) {
        self.unitary(Apply::of_gate(op, params, places), out);
    }

    fn global_phase(&mut self, _phase: f64, _out: &mut Steps<T>) {}

    fn instruction(
        &mut self,
        instruction: Instruction<'_>,
        layout: &Layout,
        out: &mut Steps<T>,
    ) -> Result<(), Error> {
        let op = instruction.op;
        if let Op::Reset = op {
            self.reset(instruction.qubits, layout);
            return Ok(());
        }
        let places = layout.places(instruction.qubits);
        let refused = |error: NoiseError| Error::BadValue {
            instruction: op.name(),
            reason: error.to_string(),
        };
        match op {
            Op::Unitary(unitary) => {
                self.unitary(Apply::of_matrix(&unitary.value, &places, Controls::NONE), out);
            }
            Op::Diagonal(entries) => self.unitary(Apply::of_diagonal(entries, &places), out),
            Op::Multiplexer(matrices) => self.multiplexer(matrices, &places, out),
            Op::Pauli(letters) => self.pauli(letters, &places, out),
            Op::Kraus(kraus) => self.kraus(kraus, &places).map_err(refused)?,
            Op::Superop(superop) => self.take(Transfer::of_superop(superop, &places)),
            Op::Initialize(state) => self.initialize(state, &places, out),
            op => unreachable!("`{}` is lowered for all engines alike", op.name()),
        }
        Ok(())
    }

    fn flush(&mut self, places: &[usize], out: &mut Steps<T>) {
        if places.iter().any(|&place| self.touched[place]) {
            self.give_out(out);
        }
    }

    fn flush_all(&mut self, out: &mut Steps<T>) {
        self.give_out(out);
    }

    fn forget(&mut self, places: &[usize]) {
        places.iter().for_each(|&place| self.fresh[place] = false);
    }

    fn forget_all(&mut self) {
        self.fresh.fill(false);
    }
}
