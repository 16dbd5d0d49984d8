//! [`schedule`]: when instructions happen, and delays where qubits wait.

use std::collections::BTreeMap;

use ketch_interface::{
    circuit::{Circuit, Instruction, Op, Param, Spelling, TimeUnit},
    device::{BackendConfiguration, BackendProperties, GateProperties},
    noise::{NoiseError, NoiseModel},
};

use super::insert::{insert, without_instructions};

/// How long each instruction takes, in seconds, on which qubits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// By instruction, then by the qubits that it acts on in order; none stand for all others.
    known: BTreeMap<String, BTreeMap<Vec<u32>, f64>>,
    tick: Option<f64>,
}

/// When instructions begin that may begin at several times. The names are Qiskit's, `alap` and
/// `asap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheduling {
    /// As late as what follows allows, which keeps qubits in |0> for as long as possible: Qiskit's
    /// recommended one.
    #[default]
    AsLateAsPossible,
    /// As soon as what stands before allows.
    AsSoonAsPossible,
}

/// Why a circuit cannot be scheduled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// An instruction of unknown length.
    #[error("how long `{instruction}` on {qubits:?} takes is not known; give its duration")]
    Unknown {
        /// The name of the instruction.
        instruction: String,
        /// Its qubits.
        qubits: Vec<u32>,
    },
    /// Control flow, or a delay that depends on a parameter.
    #[error("`{instruction}` takes a time that only shows while the circuit runs: {fix}")]
    Late {
        /// The name of the instruction.
        instruction: String,
        /// What to do.
        fix: &'static str,
    },
    /// A duration that cannot be right.
    #[error("a duration cannot be right")]
    BadDuration(#[from] NoiseError),
}

impl Durations {
    /// Nothing is known but that barriers and saves take no time, and how long delays say they are.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a device's calibration says: `gate_length` of gates, of `measure` and of `reset` where
    /// they have one, `readout_length` of qubits for `measure`, and `dt`. A `reset` of unknown
    /// length takes as long as a measurement, since it waits for one.
    ///
    /// # Errors
    /// A length that is no time of 0 or more, by its key; a `dt` that is no time above 0.
    pub fn from_device(
        configuration: &BackendConfiguration,
        properties: &BackendProperties,
    ) -> Result<Self, NoiseError> {
        let mut durations = Self::new();
        durations.tick = NoiseModel::tick_of(configuration)?;
        let tick = durations.tick;
        let mut lengths = Vec::new();
        for qubit in 0..properties.qubits.len() as u32 {
            if let Some(length) = properties.qubit(qubit, "readout_length") {
                lengths.push(("measure", vec![qubit], length));
            }
        }
        for GateProperties { gate, qubits, parameters, .. } in &properties.gates {
            if let Some(length) = parameters.iter().find(|p| p.name == "gate_length") {
                lengths.push((gate, qubits.clone(), length));
            }
        }
        for (name, qubits, length) in lengths {
            let ticks = tick.filter(|_| length.unit == "dt").map(|tick| tick * length.value);
            let found = length.seconds().or(ticks).unwrap_or(f64::NAN);
            if !(found.is_finite() && found >= 0.0) {
                let key = format!("{name} on {qubits:?}: its length");
                let expected =
                    "a time of 0 or more in s, ms, us, ns, ps, or dt where that is known";
                return Err(NoiseError::BadNumber { key, found: length.value, expected });
            }
            durations.set_on(name, &qubits, found);
        }
        Ok(durations)
    }

    /// The instruction takes so many seconds on all qubits for which nothing else is said.
    ///
    /// # Panics
    /// If that is negative or not finite.
    pub fn set(&mut self, instruction: &str, seconds: f64) {
        self.set_on(instruction, &[], seconds);
    }

    /// The instruction takes so many seconds on exactly these qubits in this order.
    ///
    /// # Panics
    /// If that is negative or not finite.
    pub fn set_on(&mut self, instruction: &str, qubits: &[u32], seconds: f64) {
        assert!(seconds.is_finite() && seconds >= 0.0, "a duration of {seconds} s");
        let of_instruction = self.known.entry(Spelling::canonical(instruction)).or_default();
        of_instruction.insert(qubits.to_vec(), seconds);
    }

    /// How long the device's own tick is, in seconds: delays may be counted in it.
    pub fn set_tick(&mut self, seconds: f64) {
        self.tick = Some(seconds);
    }

    /// How many seconds an instruction takes on these qubits, if that is known.
    #[must_use]
    pub fn of(&self, instruction: &str, qubits: &[u32]) -> Option<f64> {
        let named = |name: &str| {
            let of_instruction = self.known.get(name)?;
            of_instruction.get(qubits).or_else(|| of_instruction.get(&[][..])).copied()
        };
        named(instruction).or_else(|| (instruction == "reset").then(|| named("measure"))?)
    }

    fn of_instruction(&self, instruction: Instruction<'_>) -> Result<f64, ScheduleError> {
        let Instruction { op, qubits, params, .. } = instruction;
        let late = |fix| ScheduleError::Late { instruction: op.name(), fix };
        if op.blocks().next().is_some() || matches!(op, Op::Break | Op::Continue | Op::End) {
            return Err(late("schedule circuits without control flow"));
        }
        let qubits: Vec<u32> = qubits.iter().map(|qubit| qubit.0).collect();
        let unknown = || ScheduleError::Unknown { instruction: op.name(), qubits: qubits.clone() };
        match (op, params) {
            (Op::Delay(unit), [Param::Number(time)]) => {
                let seconds = unit_seconds(*unit, self.tick).ok_or_else(unknown)? * time;
                match seconds.is_finite() && seconds >= 0.0 {
                    true => Ok(seconds),
                    false => Err(ScheduleError::BadDuration(NoiseError::BadNumber {
                        key: "a delay".to_owned(),
                        found: *time,
                        expected: "a time of 0 or more",
                    })),
                }
            }
            (Op::Delay(_), _) => Err(late("bind its parameters first")),
            // They are the simulator's, and no device takes time for them.
            (
                Op::Barrier | Op::Save(_) | Op::Snapshot(_) | Op::SetState(_) | Op::Initialize(_),
                _,
            )
            | (Op::Kraus(_) | Op::Superop(_) | Op::ReadoutError(_), _)
            | (Op::Store { .. } | Op::StoreClbits(_), _) => Ok(0.0),
            _ => self.of(&op.name(), &qubits).ok_or_else(unknown),
        }
    }
}

/// How many seconds a unit of time is, if that is known.
pub(super) fn unit_seconds(unit: TimeUnit, tick: Option<f64>) -> Option<f64> {
    Some(match unit {
        TimeUnit::Second => 1.0,
        TimeUnit::Millisecond => 1e-3,
        TimeUnit::Microsecond => 1e-6,
        TimeUnit::Nanosecond => 1e-9,
        TimeUnit::Picosecond => 1e-12,
        TimeUnit::Tick => return tick,
    })
}

/// The circuit with a delay wherever a qubit waits.
///
/// An instruction begins when all of its qubits and clbits are free. A barrier takes no time and
/// keeps its qubits together. From the beginning of the circuit on, every wait becomes a delay in
/// seconds; behind the last instruction of a qubit there is none, for nothing can be seen of it. A
/// measurement of unknown length that comes last on its qubit takes no time.
///
/// # Errors
/// The first instruction of unknown length; control flow.
pub fn schedule(
    circuit: &Circuit,
    durations: &Durations,
    scheduling: Scheduling,
) -> Result<Circuit, ScheduleError> {
    let groups: Vec<Vec<Instruction<'_>>> = circuit.instructions().map(singles).collect();
    let instructions = groups.concat();
    let mut last = vec![0; circuit.n_qubits() as usize];
    for (at, one) in instructions.iter().enumerate() {
        one.qubits.iter().for_each(|qubit| last[qubit.0 as usize] = at);
    }
    let length = |(at, one): (usize, &Instruction<'_>)| match durations.of_instruction(*one) {
        // Nobody sees how long it takes.
        Err(ScheduleError::Unknown { .. })
            if matches!(one.op, Op::Measure) && last[one.qubits[0].0 as usize] == at =>
        {
            Ok(0.0)
        }
        length => length,
    };
    let lengths = instructions.iter().enumerate().map(length).collect::<Result<Vec<f64>, _>>()?;
    let starts = starts(circuit, &instructions, &lengths, scheduling);
    // What rounding leaves between two instructions is no delay.
    let least = 1e-12 * starts.iter().zip(&lengths).map(|(a, b)| a + b).fold(0.0, f64::max);
    let mut scheduled = without_instructions(circuit);
    let mut free = vec![0.0_f64; circuit.n_qubits() as usize];
    let mut times = starts.iter().zip(&lengths);
    for (instruction, group) in circuit.instructions().zip(&groups) {
        for (single, (start, length)) in group.iter().zip(&mut times) {
            for qubit in single.qubits {
                let free = &mut free[qubit.0 as usize];
                if start - *free > least {
                    let wait = Param::Number(start - *free);
                    scheduled.push_unchecked(Op::Delay(TimeUnit::Second), &[*qubit], &[], &[wait]);
                }
                *free = start + length;
            }
        }
        let Instruction { op, qubits, clbits, params } = instruction;
        scheduled.push_unchecked(op.clone(), qubits, clbits, params);
    }
    Ok(scheduled)
}

/// Named as one instruction, but each qubit is measured, reset or waits on its own.
fn singles(instruction: Instruction<'_>) -> Vec<Instruction<'_>> {
    let Instruction { op, qubits, clbits, .. } = instruction;
    if !matches!(op, Op::Measure | Op::Reset | Op::Delay(_)) {
        return vec![instruction];
    }
    let single = |at| Instruction {
        qubits: &qubits[at..=at],
        clbits: clbits.get(at..=at).unwrap_or_default(),
        ..instruction
    };
    (0..qubits.len()).map(single).collect()
}

/// When each instruction begins.
fn starts(
    circuit: &Circuit,
    instructions: &[Instruction<'_>],
    lengths: &[f64],
    scheduling: Scheduling,
) -> Vec<f64> {
    // As late as possible is as soon as possible with the clock running backwards.
    let backwards = scheduling == Scheduling::AsLateAsPossible;
    let n = lengths.len();
    let mut free = vec![0.0_f64; (circuit.n_qubits() + circuit.n_clbits()) as usize];
    let mut ends = vec![0.0; n];
    let order: Vec<usize> = if backwards { (0..n).rev().collect() } else { (0..n).collect() };
    for at in order {
        let Instruction { qubits, clbits, .. } = instructions[at];
        let clbits = clbits.iter().map(|clbit| circuit.n_qubits() + clbit.0);
        let places = qubits.iter().map(|qubit| qubit.0).chain(clbits);
        let places: Vec<usize> = places.map(|place| place as usize).collect();
        let start = places.iter().map(|&place| free[place]).fold(0.0, f64::max);
        ends[at] = start + lengths[at];
        places.into_iter().for_each(|place| free[place] = ends[at]);
    }
    let whole = ends.iter().copied().fold(0.0, f64::max);
    let start = |(end, length): (&f64, &f64)| if backwards { whole - end } else { end - length };
    ends.iter().zip(lengths).map(start).collect()
}

/// The circuit [scheduled](schedule), with the noise that a model says it has: qubits relax while
/// they wait, by [`NoiseModel::relaxation`].
///
/// With a model whose gates have no noise of their own, this is Qiskit Aer's
/// `RelaxationNoisePass` for delays, on a circuit that Qiskit has scheduled.
///
/// # Errors
/// As [`schedule`].
pub fn insert_with_idle(
    circuit: &Circuit,
    model: &NoiseModel,
    durations: &Durations,
    scheduling: Scheduling,
) -> Result<Circuit, ScheduleError> {
    Ok(insert(&schedule(circuit, durations, scheduling)?, model)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations() -> Durations {
        let mut durations = Durations::new();
        durations.set("x", 10e-9);
        durations.set("h", 20e-9);
        durations.set("cx", 100e-9);
        durations.set_on("cnot", &[1, 2], 300e-9);
        durations.set("measure", 1e-6);
        durations.set_tick(0.5e-9);
        durations
    }

    /// The delays on each qubit, in nanoseconds.
    fn waits(circuit: &Circuit, scheduling: Scheduling) -> Vec<Vec<f64>> {
        let scheduled = schedule(circuit, &durations(), scheduling).unwrap();
        scheduled.validate().unwrap();
        let mut waits = vec![Vec::new(); circuit.n_qubits() as usize];
        for instruction in scheduled.instructions() {
            if let (Op::Delay(_), [Param::Number(time)]) = (instruction.op, instruction.params) {
                waits[instruction.qubits[0].0 as usize].push((time * 1e9 * 1e6).round() / 1e6);
            }
        }
        waits
    }

    #[test]
    fn qubits_wait_as_late_or_as_soon_as_they_can() {
        // Qubit 2 has time left before the second gate or after its own.
        let circuit = Circuit::new(3, 0).h(0).cx(0, 1).x(2).cx(1, 2);
        let late = waits(&circuit, Scheduling::AsLateAsPossible);
        assert_eq!(late, [vec![], vec![20.0], vec![110.0]]);
        let soon = waits(&circuit, Scheduling::AsSoonAsPossible);
        assert_eq!(soon, [vec![], vec![20.0], vec![110.0]]);
        let two = Circuit::new(2, 0).x(0).h(0).x(1).barrier();
        assert_eq!(waits(&two, Scheduling::AsLateAsPossible), [vec![], vec![20.0]]);
        let measured = Circuit::new(2, 2).x(0).h(1).h(1).measure_all();
        assert_eq!(waits(&measured, Scheduling::AsLateAsPossible), [vec![30.0], vec![]]);
        assert_eq!(
            waits(&measured, Scheduling::AsSoonAsPossible),
            [vec![], vec![]] as [Vec<f64>; 2]
        );
    }

    #[test]
    fn delays_are_kept_and_ticks_are_counted() {
        let circuit = Circuit::new(2, 0).delay(100.0, TimeUnit::Tick, 0).cx(0, 1);
        assert_eq!(waits(&circuit, Scheduling::AsSoonAsPossible), [vec![100e9], vec![50.0]]);
    }

    #[test]
    fn what_has_no_length_is_named() {
        let refusal = |circuit: Circuit| {
            schedule(&circuit, &durations(), Scheduling::default()).unwrap_err().to_string()
        };
        let found = refusal(Circuit::new(2, 0).swap(1, 0));
        assert_eq!(found, "how long `swap` on [1, 0] takes is not known; give its duration");
        let found = refusal(Circuit::new(1, 1).if_equal(0, 1, |c| c.x(0)));
        assert!(found.contains("without control flow"), "{found}");
        let found = refusal(Circuit::new(1, 0).delay(-1.0, TimeUnit::Second, 0));
        assert_eq!(found, "a duration cannot be right");
    }

    #[test]
    fn the_length_of_a_last_measurement_need_not_be_known() {
        let mut durations = Durations::new();
        durations.set("x", 10e-9);
        let measured = Circuit::new(2, 2).x(0).x(0).x(1).measure_all();
        let scheduled = schedule(&measured, &durations, Scheduling::default()).unwrap();
        let delays = scheduled.instructions().filter(|i| matches!(i.op, Op::Delay(_))).count();
        assert_eq!(delays, 1);
        let again = schedule(&measured.x(0), &durations, Scheduling::default());
        assert!(matches!(again, Err(ScheduleError::Unknown { .. })));
    }

    #[test]
    fn resets_take_as_long_as_measurements_unless_they_say() {
        let mut durations = durations();
        assert_eq!(durations.of("reset", &[0]), Some(1e-6));
        durations.set("reset", 2e-6);
        assert_eq!((durations.of("reset", &[0]), durations.of("y", &[0])), (Some(2e-6), None));
    }
}
