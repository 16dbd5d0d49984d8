//! Circuits on few qubits, in one pass: each instruction is checked and applied as it is read.
//!
//! A state of a few hundred amplitudes takes less time than a program for it would take to make, so
//! there is none: no steps, no layout, little memory from the system but for the result. What this
//! way does not know (noise, resets, control flow, rarer saves, anything wrong) is left to the
//! general way, from the start: that also says what is wrong. Both draw the same outcomes from the
//! same seed.

use ketch_interface::{
    BitString, Complex64, Counts,
    circuit::{
        Circuit, Expr, Gate, GateOp, Instruction, Op, Param, Qubit, Save, SaveKind, Scope,
        first_repeated,
    },
    result::Memory,
};
use ketch_kernels::{Kernels, OneQubitGate, Threads};

use super::{Apply, apply::pauli_masks, merge::Waiting};
use crate::{
    Cancel, Error, Facts, Method, Options, Outcome, Precision, Saved,
    check::{check_method, check_values},
    records::{Budget, Records},
    shares::{shares, shuffle},
};

/// Qubits that can differ from |0>: above, the general way loses little.
const MOST_PLACES: usize = 8;

/// Qubits and clbits, which are counted in words.
const MOST_BITS: u32 = 64;

/// The parameters of any gate of the table fit here.
const MOST_PARAMS: usize = 4;

/// The bytes that the memory of the shots may take without asking how much there is.
const MOST_MEMORY: u64 = 1 << 20;

/// A budget from which nothing can be missing: the state, counts and saves of so few qubits.
const ENOUGH: u64 = 4 << 20;

/// Runs a circuit with these numbers for its parameters; `None` if it is not one for this way.
pub(crate) fn run(
    circuit: &Circuit,
    bindings: &[f64],
    options: &Options,
    cancel: &Cancel,
) -> Result<Option<Outcome>, Error> {
    if !fits(circuit, bindings, options) {
        return Ok(None);
    }
    let mut amplitudes = Amplitudes([Complex64::ZERO; 1 << MOST_PLACES]);
    Small::new(circuit, bindings, options, &mut amplitudes.0).run(cancel)
}

/// What can be said without looking at the instructions.
fn fits(circuit: &Circuit, bindings: &[f64], options: &Options) -> bool {
    let stride = Memory::stride_of(circuit.n_clbits()) as u64;
    let memory = if options.memory { options.shots.saturating_mul(stride) } else { 0 };
    matches!(options.method, Method::Automatic | Method::Statevector)
        && options.precision == Precision::Double
        && options.initial_state.is_none()
        && options.max_memory.is_none_or(|most| most >= ENOUGH)
        && memory <= MOST_MEMORY
        && circuit.n_qubits().max(circuit.n_clbits()) <= MOST_BITS
        && bindings.len() == circuit.parameters().len()
        && circuit.global_phase.is_finite()
        && circuit.variables().is_empty()
        && (circuit.expressions().is_empty() || are_static(circuit))
}

/// All expressions can be evaluated, and before the circuit runs.
fn are_static(circuit: &Circuit) -> bool {
    let reads = |expr: &Expr| matches!(expr, Expr::Clbit(_) | Expr::Clbits { .. } | Expr::Var(_));
    !circuit.expressions().iter().any(reads) && circuit.validate().is_ok()
}

/// Amplitudes where no vector of them crosses a cache line.
#[repr(align(64))]
struct Amplitudes([Complex64; 1 << MOST_PLACES]);

struct Small<'c, 'a> {
    circuit: &'c Circuit,
    bindings: &'c [f64],
    options: &'c Options,
    passes: Passes<'a>,
    /// The index bit of each qubit, given to it when it is first acted on.
    places: [Option<u8>; MOST_BITS as usize],
    n_places: usize,
    waiting: Waiting,
    /// The clbits that were written, each with the qubit that it reads.
    reads: Vec<(u32, Qubit)>,
    /// The qubits that were measured.
    measured: u64,
    records: Records,
    n_gates: usize,
}

/// Passes over the state, of which several are made at a time.
struct Passes<'a> {
    kernels: Kernels,
    /// Lent, since to move them takes as long as some gates.
    amplitudes: &'a mut [Complex64; 1 << MOST_PLACES],
    /// What was not applied yet.
    gates: Vec<OneQubitGate<f64>>,
    n_passes: usize,
}

/// Passes that are made at a time.
const PASSES_AT_A_TIME: usize = 8;

impl Passes<'_> {
    /// One more on a state of `n_places`.
    fn add(&mut self, apply: Apply<f64>, n_places: usize) {
        self.n_passes += 1;
        if let Some(gate) = apply.as_one_qubit_gate() {
            self.gates.push(gate);
            if self.gates.len() == PASSES_AT_A_TIME {
                self.run(n_places);
            }
            return;
        }
        self.run(n_places);
        apply.run(self.kernels, &Threads::serial(), &mut self.amplitudes[..1 << n_places]);
    }

    fn run(&mut self, n_places: usize) {
        self.kernels.apply_1q_sequence(&mut self.amplitudes[..1 << n_places], &self.gates);
        self.gates.clear();
    }
}

/// Why a circuit is left to the general way.
struct Unknown;

impl<'c, 'a> Small<'c, 'a> {
    /// The state of nothing but |0>, in amplitudes that are 0.
    fn new(
        circuit: &'c Circuit,
        bindings: &'c [f64],
        options: &'c Options,
        amplitudes: &'a mut [Complex64; 1 << MOST_PLACES],
    ) -> Self {
        amplitudes[0] = Complex64::cis(circuit.global_phase);
        Self {
            circuit,
            bindings,
            options,
            passes: Passes {
                kernels: Kernels::detect(),
                amplitudes,
                gates: Vec::with_capacity(PASSES_AT_A_TIME),
                n_passes: 0,
            },
            places: [None; MOST_BITS as usize],
            n_places: 0,
            waiting: Waiting::new(MOST_PLACES),
            reads: Vec::new(),
            measured: 0,
            records: Records::default(),
            n_gates: 0,
        }
    }

    fn run(mut self, cancel: &Cancel) -> Result<Option<Outcome>, Error> {
        for instruction in self.circuit.instructions() {
            // Each takes less than a microsecond, but there may be a million.
            cancel.poll()?;
            if self.step(instruction).is_err() {
                return Ok(None);
            }
        }
        let state = if self.options.final_state { self.statevector().ok() } else { None };
        if self.options.final_state && state.is_none() {
            return Ok(None);
        }
        self.flush();
        self.outcome(state, cancel).map(Some)
    }

    fn step(&mut self, instruction: Instruction<'_>) -> Result<(), Unknown> {
        let Instruction { op, qubits, clbits, params } = instruction;
        let known = |qubit: &Qubit| qubit.0 < self.circuit.n_qubits();
        if !qubits.iter().all(known) || first_repeated(qubits).is_some() {
            return Err(Unknown);
        }
        match op {
            Op::Gate(gate) => self.gate(*gate, qubits, params),
            Op::Measure if qubits.len() == clbits.len() && params.is_empty() => {
                for (qubit, clbit) in qubits.iter().zip(clbits) {
                    if clbit.0 >= self.circuit.n_clbits() {
                        return Err(Unknown);
                    }
                    self.measured |= 1 << qubit.0;
                    self.reads.retain(|(earlier, _)| *earlier != clbit.0);
                    self.reads.push((clbit.0, *qubit));
                }
                Ok(())
            }
            Op::Barrier if clbits.is_empty() && params.is_empty() => Ok(()),
            Op::Save(save) if self.measured == 0 => self.save(instruction, save),
            _ => Err(Unknown),
        }
    }

    fn gate(&mut self, op: GateOp, qubits: &[Qubit], params: &[Param]) -> Result<(), Unknown> {
        let info = op.gate.info();
        if qubits.len() != op.n_qubits() || params.len() != info.n_params as usize {
            return Err(Unknown);
        }
        let clbits = BitString::zeros(0);
        let scope = Scope { clbits: &clbits, variables: &[], bindings: self.bindings };
        let mut numbers = [0.0; MOST_PARAMS];
        let numbers = numbers.get_mut(..params.len()).ok_or(Unknown)?;
        for (number, param) in numbers.iter_mut().zip(params) {
            *number = match param {
                Param::Number(number) => *number,
                param => self.circuit.number(*param, scope).map_err(|_| Unknown)?,
            };
            if !number.is_finite() {
                return Err(Unknown);
            }
        }
        self.n_gates += 1;
        if matches!(op.gate, Gate::Id | Gate::U0) {
            return Ok(());
        }
        let mut places = [0; MOST_PLACES];
        let places = places.get_mut(..qubits.len()).ok_or(Unknown)?;
        for (place, qubit) in places.iter_mut().zip(qubits) {
            *place = self.place(*qubit)?;
        }
        if op.controls == 0
            && let Some(matrix) = op.gate.matrix1(numbers)
        {
            self.waiting.take_one(places[0], matrix);
        } else if let Some(apply) = Apply::of_gate(op, numbers, places) {
            self.waiting.take(apply, |apply| self.passes.add(apply, self.n_places));
        }
        Ok(())
    }

    /// The index bit of a qubit that is acted on.
    fn place(&mut self, qubit: Qubit) -> Result<usize, Unknown> {
        if self.measured >> qubit.0 & 1 == 1 {
            return Err(Unknown);
        }
        self.place_of(qubit)
    }

    /// The index bit of a qubit that is looked at.
    fn place_of(&mut self, qubit: Qubit) -> Result<usize, Unknown> {
        let place = &mut self.places[qubit.0 as usize];
        match place {
            Some(place) => Ok(usize::from(*place)),
            None if self.n_places == MOST_PLACES => Err(Unknown),
            None => {
                // The upper half of the state is zero, as it must be for a qubit in |0>.
                *place = Some(self.n_places as u8);
                self.n_places += 1;
                Ok(self.n_places - 1)
            }
        }
    }

    /// Applies all that waits.
    fn flush(&mut self) {
        let mut apply = |apply: Apply<f64>| self.passes.add(apply, self.n_places);
        self.waiting.flush((1 << self.n_places) - 1, &mut apply);
        self.waiting.flush_phase(apply);
        self.passes.run(self.n_places);
    }

    fn amplitudes(&self) -> &[Complex64] {
        &self.passes.amplitudes[..1 << self.n_places]
    }

    fn save(&mut self, instruction: Instruction<'_>, save: &Save) -> Result<(), Unknown> {
        let accepted = check_method(instruction, Method::Statevector)
            .and_then(|()| check_values(self.circuit, instruction));
        accepted.map_err(|_| Unknown)?;
        let places = instruction.qubits.iter().map(|&qubit| self.place_of(qubit));
        let places = places.collect::<Result<Vec<usize>, Unknown>>()?;
        let value = match &save.kind {
            SaveKind::State | SaveKind::Statevector => Saved::Vector(self.statevector()?.into()),
            SaveKind::Probabilities => {
                self.flush();
                let mut probabilities = vec![0.0; 1 << places.len()];
                for (index, amplitude) in self.amplitudes().iter().enumerate() {
                    probabilities[gathered(index, &places)] += amplitude.norm_sqr();
                }
                Saved::Reals(probabilities.into())
            }
            SaveKind::ExpectationValue(terms) => {
                self.flush();
                let terms = terms.iter().map(|term| {
                    let (x, z) = pauli_masks(&term.pauli, &places);
                    let (threads, amplitudes) = (Threads::serial(), self.amplitudes());
                    let value = self.passes.kernels.expectation_pauli(&threads, amplitudes, x, z);
                    term.coefficient.re * value
                });
                Saved::Number(terms.sum())
            }
            _ => return Err(Unknown),
        };
        let clbits = BitString::zeros(self.circuit.n_clbits());
        let budget = Budget::new(self.options.max_memory);
        self.records.save(save, value, &clbits, &budget).map_err(|_| Unknown)
    }

    /// The amplitudes of all qubits, in their order.
    fn statevector(&mut self) -> Result<Vec<Complex64>, Unknown> {
        let qubits = (0..self.circuit.n_qubits()).map(Qubit);
        let places = qubits.map(|qubit| self.place_of(qubit));
        let places = places.collect::<Result<Vec<usize>, Unknown>>()?;
        self.flush();
        let mut vector = vec![Complex64::ZERO; 1 << places.len()];
        for (index, amplitude) in self.amplitudes().iter().enumerate() {
            vector[gathered(index, &places)] = *amplitude;
        }
        Ok(vector)
    }

    fn outcome(self, state: Option<Vec<Complex64>>, cancel: &Cancel) -> Result<Outcome, Error> {
        let options = self.options;
        let mut facts = Facts {
            method: Method::Statevector,
            reason: match options.method {
                Method::Automatic => "the state of few qubits is the cheapest to follow",
                _ => "asked for",
            },
            precision: Precision::Double,
            threads: 1,
            instruction_set: self.passes.kernels.arch().to_string(),
            sampled: true,
            n_qubits: self.n_places as u32,
            bytes: size_of_val(self.amplitudes()) as u64,
            n_gates: self.n_gates,
            n_passes: self.passes.n_passes,
            ..Facts::default()
        };
        let measures = self.circuit.instructions().any(|i| matches!(i.op, Op::Measure));
        let counted = measures && self.circuit.n_clbits() > 0;
        let (counts, memory) = match counted {
            true => self.draw(cancel)?,
            false => (None, None),
        };
        if state.is_some() && !self.reads.is_empty() {
            facts.notes.push("the state is the one before the measurements at the end".to_owned());
        }
        let (mut data, snapshots) = self.records.repeated(options.shots).finish();
        if let Some(state) = state {
            let value = Saved::Vector(state.into());
            data.entry("statevector".to_owned()).or_insert(value);
        }
        Ok(Outcome { counts, memory, data, snapshots, facts })
    }

    /// Draws all shots from the state.
    fn draw(&self, cancel: &Cancel) -> Result<(Option<Counts>, Option<Memory>), Error> {
        let options = self.options;
        // Outcomes are numbered by the qubits in their order, as in the general way.
        let order: Vec<usize> =
            self.places.iter().flatten().map(|&place| usize::from(place)).collect();
        let mut weights = vec![0.0; 1 << order.len()];
        for (index, amplitude) in self.amplitudes().iter().enumerate() {
            weights[gathered(index, &order)] = amplitude.norm_sqr();
        }
        let bit_of = |qubit: Qubit| {
            let place = self.places[qubit.0 as usize].map(usize::from)?;
            order.iter().position(|&p| p == place)
        };
        let reads: Vec<(u32, usize)> =
            self.reads.iter().filter_map(|&(clbit, qubit)| Some((clbit, bit_of(qubit)?))).collect();
        let clbits = |outcome: usize| {
            reads.iter().fold(0, |word, (clbit, bit)| word | ((outcome >> bit & 1) as u64) << clbit)
        };
        let width = self.circuit.n_clbits();
        let stride = Memory::stride_of(width);
        let mut bytes = Vec::new();
        let counts = shares(&weights, options.shots, options.seed)?;
        if options.memory {
            for (outcome, &count) in counts.iter().enumerate() {
                let packed = &clbits(outcome).to_le_bytes()[..stride];
                (0..count).for_each(|_| bytes.extend_from_slice(packed));
            }
            shuffle(&mut bytes, stride, options.seed, cancel)?;
        }
        let memory = options.memory.then(|| Memory::from_bytes(width, bytes.into())).flatten();
        let mut outcomes = Vec::with_capacity(counts.iter().filter(|count| **count > 0).count());
        let seen = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        outcomes.extend(
            seen.map(|(outcome, count)| (BitString::from_u64(width, clbits(outcome)), count)),
        );
        let counts = Counts::from_outcomes(self.circuit.shared_cregs(), outcomes);
        Ok((Some(counts), memory))
    }
}

/// The index whose bit `i` is the bit `places[i]` of `index`.
fn gathered(index: usize, places: &[usize]) -> usize {
    places.iter().enumerate().fold(0, |to, (bit, place)| to | (index >> place & 1) << bit)
}
