//! The chain as the register that programs run on.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use ketch_interface::{
    Complex64, Matrix,
    circuit::{GateOp, Save, SetState, Snapshot},
};
use ketch_kernels::Threads;

use super::{
    MpsProgram,
    chain::{Chain, Record},
    lower::of_gate,
    matrix::{Matrix2, SWAP, exchanged, fixed},
    op::MpsOp,
    operator::Operator,
    queue::{Block, Queue},
    save,
};
use crate::{
    Error, Saved,
    rng::ShotRandom,
    run::{Branch, Register},
};

/// Blocks that wait at most: bounds their memory.
const WAITING: usize = 1 << 14;

/// A matrix product state with gates that wait for it.
#[derive(Clone, Debug)]
pub(super) struct State<'t> {
    chain: Chain,
    queue: Queue,
    /// Where each label of the queue stands in the chain, and the other way round.
    site_of: Vec<usize>,
    label_at: Vec<usize>,
    threads: &'t Threads,
    worst: Arc<Worst>,
}

/// The worst of all shots: the same for any number of threads.
#[derive(Debug, Default)]
struct Worst {
    largest_bond: AtomicUsize,
    /// The bits of a number that is not negative, which order as the number does.
    discarded: AtomicU64,
}

impl<'t> State<'t> {
    /// A chain that is |0>, with a place for each site.
    pub(super) fn new(chain: Chain, threads: &'t Threads) -> Self {
        let n = chain.len();
        let (site_of, label_at) = ((0..n).collect(), (0..n).collect());
        Self { queue: Queue::new(n), chain, site_of, label_at, threads, worst: Arc::default() }
    }

    /// Replaces the state by one of `2^n` amplitudes.
    pub(super) fn set_amplitudes(&mut self, amplitudes: &[Complex64]) -> Result<(), Error> {
        let n = self.chain.len();
        self.queue.clear();
        self.chain.clear(n);
        if n == 0 {
            self.chain.multiply_phase(amplitudes[0]);
            return Ok(());
        }
        let places = (0..n).collect();
        let prepare = Operator::Prepare { places, amplitudes: amplitudes.into() };
        prepare.apply(&mut self.chain, |label| self.site_of[label])
    }

    /// Applies all that waits.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        if self.queue.len() == 0 {
            return Ok(());
        }
        for layer in self.queue.drain() {
            let (mut close, mut far) = (Vec::new(), Vec::new());
            for block in &layer {
                match block {
                    Block::One(label, matrix) => self.chain.apply_one(self.site_of[*label], matrix),
                    Block::Two(labels, matrix) => match self.oriented(*labels, matrix) {
                        Some(pair) => close.push(pair),
                        None => far.push(block),
                    },
                    Block::Many(_) => far.push(block),
                }
            }
            let pairs: Vec<_> = close.iter().map(|(site, matrix)| (*site, matrix)).collect();
            self.chain.apply_pairs(&pairs, self.threads)?;
            for block in far {
                match block {
                    Block::Two(labels, matrix) => self.apply_two(*labels, matrix)?,
                    Block::Many(operator) => {
                        operator.apply(&mut self.chain, |label| self.site_of[label])?;
                    }
                    Block::One(..) => {}
                }
            }
        }
        let Record { largest_bond, discarded } = self.chain.record();
        self.worst.largest_bond.fetch_max(largest_bond, Ordering::Relaxed);
        self.worst.discarded.fetch_max(discarded.to_bits(), Ordering::Relaxed);
        Ok(())
    }

    /// What became of all chains that were forked from one.
    pub(super) fn record(&self) -> Record {
        let own = self.chain.record();
        let discarded = f64::from_bits(self.worst.discarded.load(Ordering::Relaxed));
        Record {
            largest_bond: own.largest_bond.max(self.worst.largest_bond.load(Ordering::Relaxed)),
            discarded: own.discarded.max(discarded),
        }
    }

    /// The chain with nothing waiting for it, and the site of each place.
    pub(super) fn settled(&mut self) -> Result<(&mut Chain, Vec<usize>), Error> {
        self.flush()?;
        let site = |place: usize| self.site_of[self.queue.label(place)];
        let sites = (0..self.chain.len()).map(site).collect();
        Ok((&mut self.chain, sites))
    }

    /// Moves sites until place `p` is site `p`.
    pub(super) fn sort(&mut self) -> Result<(), Error> {
        self.flush()?;
        for place in 0..self.chain.len() {
            let label = self.queue.label(place);
            while self.site_of[label] > place {
                self.exchange(self.site_of[label] - 1)?;
            }
        }
        Ok(())
    }

    pub(super) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The chain, with gates still waiting for it, and the site of a place.
    pub(super) fn site(&mut self, place: usize) -> (&mut Chain, usize) {
        let site = self.site_of[self.queue.label(place)];
        (&mut self.chain, site)
    }

    pub(super) fn queue(&mut self) -> &mut Queue {
        &mut self.queue
    }

    pub(super) fn threads(&self) -> &'t Threads {
        self.threads
    }

    /// The first site of a pair of neighbours and the matrix with that site as low bit; `None` if
    /// they are none.
    fn oriented(&self, labels: [usize; 2], matrix: &Matrix2) -> Option<(usize, Matrix2)> {
        match labels.map(|label| self.site_of[label]) {
            [low, high] if low + 1 == high => Some((low, *matrix)),
            [low, high] if high + 1 == low => Some((high, exchanged(matrix))),
            _ => None,
        }
    }

    /// Any matrix on two labels, which become neighbours. They stay where that takes them.
    fn apply_two(&mut self, labels: [usize; 2], matrix: &Matrix2) -> Result<(), Error> {
        loop {
            if let Some((site, matrix)) = self.oriented(labels, matrix) {
                return self.chain.apply_pairs(&[(site, &matrix)], self.threads);
            }
            let [low, high] = labels.map(|label| self.site_of[label]);
            self.exchange(low.max(high) - 1)?;
        }
    }

    /// Exchanges a site with the next one.
    fn exchange(&mut self, site: usize) -> Result<(), Error> {
        self.chain.apply_pairs(&[(site, &SWAP)], self.threads)?;
        self.label_at.swap(site, site + 1);
        for site in [site, site + 1] {
            self.site_of[self.label_at[site]] = site;
        }
        Ok(())
    }

    /// Applies a matrix that is not unitary; the norm is 1 afterwards. Nothing may wait.
    pub(super) fn project(&mut self, places: &[usize], matrix: &Matrix) -> Result<(), Error> {
        let labels: Vec<usize> = places.iter().map(|&place| self.queue.label(place)).collect();
        match labels[..] {
            [label] => self.chain.project(self.site_of[label], &fixed(matrix)),
            [low, high] => {
                // Gates that are not unitary need the centre of the chain.
                self.chain.centre_at(self.site_of[low])?;
                self.apply_two([low, high], &fixed(matrix))
            }
            _ => {
                let operator = Operator::Dense { places: labels.into(), matrix: matrix.clone() };
                operator.apply(&mut self.chain, |label| self.site_of[label])
            }
        }
    }

    pub(super) fn unitary(&mut self, op: &MpsOp) -> Result<(), Error> {
        match op {
            MpsOp::Phase(factor) => self.chain.multiply_phase(*factor),
            MpsOp::One(place, matrix) => self.queue.one(*place, matrix),
            MpsOp::Two(places, matrix) => self.queue.two(*places, matrix),
            MpsOp::Swap(places) => self.queue.swap(*places),
            MpsOp::Many(operator) => self.queue.many(operator),
            MpsOp::Drawn(_) => unreachable!("a channel's choices are unitaries"),
        }
        if self.queue.len() >= WAITING { self.flush() } else { Ok(()) }
    }
}

impl<'t> Register<'t> for State<'t> {
    type Op = MpsOp;

    fn apply(&mut self, op: &MpsOp, random: &mut ShotRandom) -> Result<(), Error> {
        match op {
            MpsOp::Drawn(drawn) => self.draw(drawn, random),
            op => self.unitary(op),
        }
    }

    fn gate(&mut self, op: GateOp, params: &[f64], places: &[usize]) -> Result<(), Error> {
        match of_gate(op, params, places) {
            Some(op) => self.unitary(&op),
            None => Ok(()),
        }
    }

    fn measure(&mut self, place: usize, uniform: f64) -> Result<bool, Error> {
        let [zero, one] = self.weights(place)?;
        // The norm is 1 up to rounding, so divide by what it is.
        let outcome = uniform * (zero + one) < one;
        self.collapse(place, outcome, if outcome { one } else { zero })?;
        Ok(outcome)
    }

    fn reset(&mut self, place: usize, uniform: f64) -> Result<(), Error> {
        if self.measure(place, uniform)? { self.flip(place) } else { Ok(()) }
    }

    fn set(&mut self, state: &SetState) -> Result<(), Error> {
        match state {
            SetState::Statevector(amplitudes) => self.set_amplitudes(amplitudes),
            _ => unreachable!("the check refused the other forms"),
        }
    }

    fn save(
        &mut self,
        program: &MpsProgram<'_>,
        index: usize,
        save: &Save,
    ) -> Result<Saved, Error> {
        let places = program.places(program.circuit.instruction(index).qubits);
        save::saved(self, &save.kind, &places)
    }

    fn snapshot(
        &mut self,
        program: &MpsProgram<'_>,
        index: usize,
        snapshot: &Snapshot,
    ) -> Result<Saved, Error> {
        let given = program.circuit.instruction(index).qubits;
        let places = match given.is_empty() {
            true => (0..self.chain.len()).collect(),
            false => program.places(given),
        };
        save::snapshot(self, &snapshot.kind, &snapshot.paulis, &places)
    }

    fn catch_up(&mut self) -> Result<(), Error> {
        self.flush()
    }

    fn fork(&self, threads: &'t Threads) -> Result<Self, Error> {
        Ok(Self { threads, ..self.clone() })
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), Error> {
        let threads = self.threads;
        *self = Self { threads, ..other.clone() };
        Ok(())
    }

    fn finish(&mut self, _program: &MpsProgram<'_>) -> Result<(), Error> {
        self.flush()
    }

    fn shots_side_by_side(&self) -> bool {
        true
    }
}
