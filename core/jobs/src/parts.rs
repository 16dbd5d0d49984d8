//! A Qobj that is run in parts, so that what is finished can be kept while the rest still runs.

use std::time::Duration;

use ketch_core::{
    Buffer, Qobj, RunResult, codec,
    qobj::{Experiment, Program, QobjConfig, seed_experiments},
};

/// How long the experiments of a part should take together: what a crash loses at most, and how
/// often the disk is written.
const PART: Duration = Duration::from_millis(500);

/// What is left to run of a Qobj.
#[derive(Debug)]
pub(crate) struct Parts {
    qobj: Qobj,
    first: u64,
    size: u64,
}

impl Parts {
    /// All experiments from this one on.
    pub(crate) fn new(mut qobj: Qobj, first: u64) -> Self {
        settle_seeds(&mut qobj);
        Self { qobj, first, size: 1 }
    }

    /// The place of the next experiment.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// How many experiments there are in all.
    pub(crate) fn total(&self) -> u64 {
        self.qobj.experiments().len() as u64
    }

    /// Nothing is left.
    pub(crate) fn is_over(&self) -> bool {
        self.first >= self.total()
    }

    /// The next part.
    pub(crate) fn next(&self) -> Qobj {
        part_of(&self.qobj, self.first, self.size)
    }

    /// Notes that so many experiments came back after this time.
    pub(crate) fn finished(&mut self, count: u64, took: Duration) {
        self.first += count;
        self.size = next_size(self.size, took);
    }
}

/// Writes every seed down that is given for all experiments together: which one an experiment gets
/// depends on its place in the whole, not in a part.
fn settle_seeds(qobj: &mut Qobj) {
    // As in documents, where each of the two names means the seed.
    let names = ["seed_simulator", "seed"];
    let given =
        |options: &QobjConfig| names.iter().find_map(|name| options.options.get(*name)?.as_u64());
    let own = qobj.experiments().iter().find_map(|experiment| given(&experiment.config));
    if let Some(seed) = own.or_else(|| given(&qobj.config)) {
        qobj.config.seed = Some(seed);
        names.iter().for_each(|name| drop(qobj.config.options.shift_remove(*name)));
        for experiment in qobj.experiments_mut() {
            experiment.config.seed = None;
            names.iter().for_each(|name| drop(experiment.config.options.shift_remove(*name)));
        }
    }
    if let Some(seed) = qobj.config.seed {
        seed_experiments(qobj, seed);
    }
}

/// Twice as many experiments as long as that is quick, fewer when it is slow.
fn next_size(size: u64, took: Duration) -> u64 {
    if took < PART / 2 {
        size.saturating_mul(if took < PART / 20 { 8 } else { 2 })
    } else if took > PART * 2 {
        (size / 2).max(1)
    } else {
        size
    }
}

/// A Qobj of some of the experiments, with the circuits that they run and no others.
fn part_of(qobj: &Qobj, first: u64, count: u64) -> Qobj {
    let Program::Circuits { circuits, experiments } = &qobj.program else { return qobj.clone() };
    let first = usize::try_from(first).unwrap_or(usize::MAX).min(experiments.len());
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(experiments.len() - first);
    if count == experiments.len() {
        return qobj.clone();
    }
    let mut places = vec![None; circuits.len()];
    let mut used = Vec::new();
    let mut place_of = |circuit: usize| {
        *places[circuit].get_or_insert_with(|| {
            used.push(circuits[circuit].clone());
            used.len() - 1
        })
    };
    let experiments: Vec<Experiment> = experiments[first..first + count]
        .iter()
        .map(|one| Experiment { circuit: place_of(one.circuit), ..one.clone() })
        .collect();
    Qobj {
        qobj_id: qobj.qobj_id.clone(),
        header: qobj.header.clone(),
        config: qobj.config.clone(),
        program: Program::Circuits { circuits: used, experiments },
    }
}

/// Puts the result of a part behind those of the parts before it.
pub(crate) fn append(whole: &mut Option<RunResult>, part: RunResult) {
    let Some(whole) = whole else {
        *whole = Some(part);
        return;
    };
    whole.success &= part.success;
    whole.date = part.date.or(whole.date.take());
    whole.experiments.extend(part.experiments);
    if !part.success {
        let failed = whole.experiments.iter().filter(|one| !one.success).count();
        whole.status = match failed {
            0 => part.status,
            _ => format!("{failed} of {} experiments failed", whole.experiments.len()),
        };
    }
}

/// About how many bytes a result takes on disk.
pub(crate) fn size_of(result: &RunResult) -> u64 {
    let (head, buffers) = codec::encode_result(result);
    let bytes = |buffer: &Buffer| match buffer {
        Buffer::Reals(array) => size_of_val(&**array),
        Buffer::Complexes(array) => size_of_val(&**array),
        Buffer::Bytes(array) => array.len(),
        _ => 0,
    };
    (head.len() + buffers.iter().map(bytes).sum::<usize>()) as u64
}

#[cfg(test)]
mod tests {
    use ketch_core::Circuit;

    use super::*;

    #[test]
    fn a_part_holds_its_experiments_and_their_circuits_only() {
        let circuits: Vec<Circuit> = (1..5).map(|n| Circuit::new(n, 0)).collect();
        let mut qobj = Qobj::from_circuits(circuits);
        qobj.experiments_mut()[2].circuit = 0;
        let part = part_of(&qobj, 1, 3);
        let qubits: Vec<u32> =
            part.experiments().iter().map(|one| part.circuits()[one.circuit].n_qubits()).collect();
        assert_eq!(qubits, [2, 1, 4]);
        assert_eq!(part.circuits().len(), 3);
        assert_eq!(part_of(&qobj, 3, 10).experiments().len(), 1);
        assert_eq!(part_of(&qobj, 9, 1).experiments().len(), 0);
        assert_eq!(part_of(&qobj, 0, 4), qobj);
    }

    #[test]
    fn parts_grow_until_they_take_half_a_second() {
        let per_experiment = Duration::from_millis(1);
        let mut size = 1;
        let mut sizes = Vec::new();
        for _ in 0..8 {
            sizes.push(size);
            size = next_size(size, per_experiment * u32::try_from(size).unwrap());
        }
        assert_eq!(sizes, [1, 8, 64, 128, 256, 256, 256, 256]);
        assert_eq!(next_size(1, PART * 100), 1);
    }

    #[test]
    fn an_experiment_has_the_same_seed_in_whatever_part_it_is() {
        let seeds = |qobj: &Qobj| -> Vec<Option<u64>> {
            qobj.experiments().iter().map(|one| qobj.seed(one)).collect()
        };
        let circuits = || Qobj::from_circuits(vec![Circuit::new(1, 1); 4]);
        let mut whole = circuits().with_seed(7);
        seed_experiments(&mut whole, 7);
        let whole = seeds(&whole);
        for qobj in [circuits().with_seed(7), circuits().with_seed(1).with_option("seed", 7)] {
            let parts = Parts { size: 2, ..Parts::new(qobj, 2) };
            assert_eq!(seeds(&parts.next()), whole[2..]);
            assert_eq!(parts.next().config.options.len(), 0);
        }
    }
}
