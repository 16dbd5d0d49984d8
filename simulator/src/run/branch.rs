//! Shots that are run together for as long as they have the same history.
//!
//! A group of shots whose random choices came out alike shares one state. At the next choice each
//! shot draws its own random number, as if it were alone, and the group parts by what was drawn.
//! So the shots of a circuit are a tree: its trunk, where nothing went wrong, is run once
//! (compare TQSim, arXiv:2203.13892, and TUSQ, arXiv:2508.04880). The tree is walked depth first,
//! smaller parts before larger ones; the last part takes over the state. A part that got a copy
//! has at most half of the shots, so `log2(shots)` copies are the most that are held; where
//! memory allows fewer, a part is walked again from the start, on its own.

use ketch_interface::{BitString, circuit::Op};
use ketch_kernels::Threads;

use super::{
    Measured, Outcomes, Ran, Register, Run, SERIAL, Shot,
    measured::measured_from,
    readout::misread,
    shape::{Shape, Size, enough_states, most_states},
};
use crate::{
    Error, Options,
    program::{Operation, Program, Step},
    progress::Unit,
    records::Records,
    rng::ShotRandom,
};

/// What a random number makes a random operation do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    /// Which of its ways.
    pub(crate) place: usize,
    /// The probability that it had; `None` if it does not matter.
    pub(crate) probability: Option<f64>,
}

impl Choice {
    /// The first way, which was chosen without a look at the state.
    pub(crate) const FIRST: Self = Self { place: 0, probability: None };
}

/// Tells the basis states that ascending random numbers fall on.
pub(crate) type Sample<R> = fn(&mut R, &[f64]) -> Result<Vec<usize>, Error>;

/// A register whose choices can be seen before they are made.
pub(crate) trait Branch<'t>: Register<'t> {
    /// How places that are measured last are read together, with one random number for all of them.
    ///
    /// Without it they are measured one after the other, and a shot must come out the same to the
    /// last bit whichever shots it is run with.
    const SAMPLE: Option<Sample<Self>> = None;

    /// The bytes that the state takes now, if states grow; 0 if all of them take the same.
    fn bytes(&self) -> u64 {
        0
    }

    /// Finishes what it put off: copies are about to be made.
    fn settle(&mut self) -> Result<(), Error>;

    /// The weights of reading 0 and 1 at a place. They sum to the weight of the state.
    fn weights(&mut self, place: usize) -> Result<[f64; 2], Error>;

    /// Keeps the part of the state that reads `outcome` at a place, whose weight is given.
    fn collapse(&mut self, place: usize, outcome: bool, weight: f64) -> Result<(), Error>;

    /// Exchanges |0> and |1>.
    fn flip(&mut self, place: usize) -> Result<(), Error>;

    /// What a random operation does in each of these shots. It draws as many random numbers as if
    /// it were applied.
    fn choose(
        &mut self,
        op: &Self::Op,
        random: &mut ShotRandom,
        shots: &[u64],
    ) -> Result<Vec<Choice>, Error>;

    /// Does what was chosen.
    fn take(&mut self, op: &Self::Op, choice: Choice) -> Result<(), Error>;
}

/// Shots with the same history.
struct Group<R> {
    /// The next step.
    at: usize,
    /// What the shots know, with the count of random choices that each of them made.
    shot: Shot,
    shots: Vec<u64>,
    state: R,
}

/// A group that has parted, the smallest part last.
struct Parted<R> {
    group: Group<R>,
    parts: Vec<(Way, Vec<u64>)>,
}

/// What a part of a group drew at its step.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// A place reads this; the weight that it had.
    Reads { outcome: bool, weight: f64 },
    /// A random operation does this.
    Does(Choice),
    /// The clbits are read as these.
    Clbits(BitString),
}

/// Whether [`shots`] runs shots with the same history together: nobody asks for what a single one
/// leaves behind, its state or what it saved.
fn together<O: Operation>(program: &Program<'_, O>, options: &Options) -> bool {
    let later = &program.steps[program.common_prefix()..];
    let saves = later.iter().any(|step| matches!(step, Step::Save(_) | Step::Snapshot(_)));
    options.shots > 1 && !options.final_state && !saves
}

/// Says how shots are run that [`shots`] runs, and why they are not drawn from one state.
pub(crate) fn note<O: Operation>(
    program: &Program<'_, O>,
    options: &Options,
    reason: &str,
) -> String {
    match together(program, options) {
        true => format!("shots were not drawn from one state: {reason}"),
        false => format!("each shot was run on its own: {reason}"),
    }
}

/// Runs all shots, those with the same history [`together`] if they may be.
pub(crate) fn shots<'t, R: Branch<'t>>(
    run: &Run<'_, '_, R::Op>,
    start: R,
    threads: &'t Threads,
    options: &Options,
    size: Size,
) -> Result<Ran<R>, Error> {
    if !together(run.program, options) {
        return super::shot_by_shot(run, start, threads, options);
    }
    let side_by_side = start.shots_side_by_side();
    let n_walks = if side_by_side { threads.count() as u64 } else { 1 };
    let (most_states, room) = match size {
        Size::Fixed(bytes) => {
            (most_states(options, bytes.max(1).saturating_mul(n_walks), 0), u64::MAX)
        }
        // There is memory for one state that is as large as can be beside those of the walks.
        Size::Growing(bytes) => (enough_states(options), bytes),
    };
    let shape = match R::SAMPLE {
        Some(_) => Shape::new(options.shots, side_by_side, most_states),
        None => Shape::of_few_walks(options.shots, n_walks, most_states),
    };
    branched(run, start, threads, options, Shape { room, ..shape })
}

/// Runs all shots: those with the same history together.
///
/// The program must not save anything behind its common prefix.
pub(crate) fn branched<'t, R: Branch<'t>>(
    run: &Run<'_, '_, R::Op>,
    mut start: R,
    threads: &'t Threads,
    options: &Options,
    shape: Shape,
) -> Result<Ran<R>, Error> {
    let (program, shots) = (run.program, options.shots);
    run.cancel.expects(Unit::Shots, shots);
    let prefix = program.common_prefix();
    let mut records = Records::default();
    Shot::new(program, options.seed, 0).run(run, &mut start, &mut records, 0, prefix)?;
    start.catch_up()?;
    start.settle()?;
    let mut outcomes = Outcomes::new(program.circuit.n_clbits(), options.memory, shots)?;
    let tail = match R::SAMPLE {
        Some(_) => measured_from(program),
        None => (program.steps.len(), Measured::default()),
    };
    let Shape { per_walk, most_states, room } = shape;
    let at_a_time = if start.shots_side_by_side() { threads.count() as u64 } else { 1 };
    let room = room.saturating_sub(start.bytes()) / at_a_time;
    let n_walks = shots.div_ceil(per_walk) as usize;
    let of = |walk: usize| {
        let first = walk as u64 * per_walk;
        first..shots.min(first + per_walk)
    };
    let walk = |walk: usize, threads: &'t Threads| {
        let walking = Walk { run, start: &start, prefix, tail: &tail, threads, most_states, room };
        walking.outcomes(options, of(walk))
    };
    if start.shots_side_by_side() {
        for walked in threads.map(n_walks, |at| walk(at, &SERIAL)) {
            outcomes.append(&walked?);
        }
    } else {
        for at in 0..n_walks {
            outcomes.append(&walk(at, threads)?);
        }
    }
    Ok(Ran { state: start, outcomes, records: records.repeated(shots) })
}

/// A walk through the tree of some shots.
struct Walk<'w, 'r, 'c, 't, R: Branch<'t>> {
    run: &'w Run<'r, 'c, R::Op>,
    start: &'w R,
    /// Where the tree begins.
    prefix: usize,
    /// Where only measurements are left.
    tail: &'w (usize, Measured<'c>),
    threads: &'t Threads,
    most_states: usize,
    /// The bytes that those of its states may take that wait.
    room: u64,
}

impl<'c, 't, R: Branch<'t>> Walk<'_, '_, 'c, 't, R> {
    /// The outcomes of these shots, counted in order.
    fn outcomes(&self, options: &Options, range: std::ops::Range<u64>) -> Result<Outcomes, Error> {
        let width = self.run.program.circuit.n_clbits();
        let n = range.end - range.start;
        let mut outcomes = Outcomes::new(width, options.memory, n)?;
        let mut clbits = vec![BitString::default(); n as usize];
        let first = range.start;
        let mut again = vec![range.collect::<Vec<u64>>()];
        let mut spare = Vec::new();
        while let Some(shots) = again.pop() {
            let shot = Shot::new(self.run.program, options.seed, shots[0]);
            let state = self.copy(self.start, &mut spare)?;
            let root = Group { at: self.prefix, shot, shots, state };
            self.walk(root, &mut spare, &mut again, |shot, bits| {
                clbits[(shot - first) as usize] = bits;
            })?;
        }
        clbits.iter().for_each(|bits| outcomes.add(bits));
        Ok(outcomes)
    }

    fn walk(
        &self,
        root: Group<R>,
        spare: &mut Vec<R>,
        again: &mut Vec<Vec<u64>>,
        mut done: impl FnMut(u64, BitString),
    ) -> Result<(), Error> {
        let mut open: Vec<Parted<R>> = Vec::new();
        let mut next = Some(root);
        loop {
            let group = match next.take() {
                Some(group) => group,
                None => match self.next_part(&mut open, spare, again)? {
                    Some(group) => group,
                    None => return Ok(()),
                },
            };
            match self.grow(group)? {
                Grown::Done(mut group) => {
                    self.run.cancel.did(Unit::Shots, group.shots.len() as u64);
                    self.read(&mut group, &mut done)?;
                    // One that has grown is not kept: its memory may be needed.
                    if group.state.bytes() == 0 {
                        spare.push(group.state);
                    }
                }
                Grown::Parted(parted) => open.push(parted),
            }
        }
    }

    /// The next part to be walked, of the group that parted last.
    fn next_part(
        &self,
        open: &mut Vec<Parted<R>>,
        spare: &mut Vec<R>,
        again: &mut Vec<Vec<u64>>,
    ) -> Result<Option<Group<R>>, Error> {
        while let Some(mut parted) = open.pop() {
            let Some((way, shots)) = parted.parts.pop() else { continue };
            let mut group = if parted.parts.is_empty() {
                Group { shots, ..parted.group }
            } else if open.len() + 2 > self.most_states || !self.has_room(&parted, open) {
                // No room for another state: these shots come back, on their own.
                again.push(shots);
                open.push(parted);
                continue;
            } else {
                let (at, shot) = (parted.group.at, parted.group.shot.clone());
                let state = self.copy(&parted.group.state, spare)?;
                open.push(parted);
                Group { at, shot, shots, state }
            };
            self.take(&mut group, way)?;
            return Ok(Some(group));
        }
        Ok(None)
    }

    /// Whether these may wait while a copy of the first of them goes on.
    fn has_room(&self, parted: &Parted<R>, open: &[Parted<R>]) -> bool {
        let waiting = open.iter().chain([parted]);
        waiting.map(|parted| parted.group.state.bytes()).sum::<u64>() <= self.room
    }

    fn copy(&self, of: &R, spare: &mut Vec<R>) -> Result<R, Error> {
        match spare.pop() {
            Some(mut state) => {
                state.copy_from(of)?;
                Ok(state)
            }
            None => of.fork(self.threads),
        }
    }

    /// Runs a group until it parts or only measurements are left.
    fn grow(&self, mut group: Group<R>) -> Result<Grown<R>, Error> {
        // Nothing is saved on the way.
        let mut records = Records::default();
        while group.at < self.tail.0 {
            self.run.cancel.poll()?;
            let Some(drawn) = self.draw(&mut group)? else {
                group.at = group.shot.step(self.run, &mut group.state, &mut records, group.at)?;
                continue;
            };
            let mut parts: Vec<(Way, Vec<u64>)> = Vec::new();
            for (way, &shot) in drawn.into_iter().zip(&group.shots) {
                match parts.iter_mut().find(|(known, _)| *known == way) {
                    Some((_, shots)) => shots.push(shot),
                    None => parts.push((way, vec![shot])),
                }
            }
            if parts.len() > 1 {
                group.state.settle()?;
                parts.sort_by_key(|(_, shots)| std::cmp::Reverse(shots.len()));
                return Ok(Grown::Parted(Parted { group, parts }));
            }
            if let Some((way, _)) = parts.pop() {
                self.take(&mut group, way)?;
            }
        }
        Ok(Grown::Done(group))
    }

    /// What each shot of the group draws at its step; `None` if the step is not random.
    fn draw(&self, group: &mut Group<R>) -> Result<Option<Vec<Way>>, Error> {
        let Group { at, shot, shots, state } = group;
        let place = match &self.run.program.steps[*at] {
            Step::Quantum(op) if op.is_random() => {
                let choices = state.choose(op, &mut shot.random, shots)?;
                return Ok(Some(choices.into_iter().map(Way::Does).collect()));
            }
            Step::ReadoutError(index) => {
                let instruction = self.run.program.circuit.instruction(*index);
                let Op::ReadoutError(rows) = instruction.op else {
                    unreachable!("a step is made from an instruction of its kind")
                };
                let uniforms = shot.random.uniforms(shots);
                let ways = uniforms.into_iter().map(|uniform| {
                    let mut clbits = shot.clbits.clone();
                    misread(&mut clbits, instruction.clbits, rows, uniform);
                    Way::Clbits(clbits)
                });
                return Ok(Some(ways.collect()));
            }
            Step::Measure { place: Some(place), .. }
            | Step::MeasureVar { place: Some(place), .. }
            | Step::Reset(place) => *place,
            _ => return Ok(None),
        };
        let [zero, one] = state.weights(place)?;
        let ways = shot.random.uniforms(shots).into_iter().map(|uniform| {
            // The norm is 1 up to rounding, so compare with what it is.
            let outcome = uniform * (zero + one) < one;
            Way::Reads { outcome, weight: if outcome { one } else { zero } }
        });
        Ok(Some(ways.collect()))
    }

    /// Goes one way at the group's step, and on to the next.
    fn take(&self, group: &mut Group<R>, way: Way) -> Result<(), Error> {
        let Group { at, shot, state, .. } = group;
        let step = &self.run.program.steps[*at];
        *at += 1;
        match (way, step) {
            (Way::Does(choice), Step::Quantum(op)) => return state.take(op, choice),
            (Way::Clbits(clbits), _) => shot.clbits = clbits,
            (Way::Reads { outcome, weight }, step) => match step {
                Step::Measure { place: Some(place), clbit } => {
                    shot.clbits.set(*clbit, outcome);
                    return state.collapse(*place, outcome, weight);
                }
                Step::MeasureVar { place: Some(place), var, bit } => {
                    shot.set_bit(self.run.program.circuit, *var, *bit, outcome);
                    return state.collapse(*place, outcome, weight);
                }
                Step::Reset(place) => {
                    state.collapse(*place, outcome, weight)?;
                    return if outcome { state.flip(*place) } else { Ok(()) };
                }
                _ => unreachable!("no other step reads a place"),
            },
            _ => unreachable!("a way is one of its step's"),
        }
        Ok(())
    }

    /// What the shots of a group read where only measurements are left.
    fn read(
        &self,
        group: &mut Group<R>,
        done: &mut impl FnMut(u64, BitString),
    ) -> Result<(), Error> {
        let (tail, all) = self.tail;
        let later;
        let measured = if group.at <= *tail {
            all
        } else {
            // A jump into the tail leaves out its first measurements.
            later = Measured::of(&self.run.program.steps[group.at..], self.run.program);
            &later
        };
        let Group { shot, shots, state, .. } = group;
        if measured.bits.is_empty() && measured.readout_errors.is_empty() {
            shots.iter().for_each(|&number| done(number, shot.clbits.clone()));
            return Ok(());
        }
        let Some(sample) = R::SAMPLE else { unreachable!("the walk went through all steps") };
        let mut numbers: Vec<(f64, u64)> =
            shot.random.uniforms(shots).into_iter().zip(shots.iter().copied()).collect();
        numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let uniforms: Vec<f64> = numbers.iter().map(|(uniform, _)| *uniform).collect();
        let shots: Vec<u64> = numbers.iter().map(|(_, shot)| *shot).collect();
        let misreads: Vec<Vec<f64>> =
            measured.readout_errors.iter().map(|_| shot.random.uniforms(&shots)).collect();
        for (at, (basis_state, number)) in
            sample(state, &uniforms)?.into_iter().zip(shots).enumerate()
        {
            let mut clbits = shot.clbits.clone();
            for (clbit, place) in &measured.bits {
                clbits.set(*clbit, place.is_some_and(|place| basis_state >> place & 1 == 1));
            }
            for (uniforms, (bits, rows)) in misreads.iter().zip(&measured.readout_errors) {
                misread(&mut clbits, bits, rows, uniforms[at]);
            }
            done(number, clbits);
        }
        Ok(())
    }
}

/// How far a group got.
enum Grown<R> {
    /// Only measurements are left, if anything.
    Done(Group<R>),
    Parted(Parted<R>),
}
