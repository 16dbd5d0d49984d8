//! What saves and snapshots gather over the shots.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use ketch_interface::{
    BitString,
    circuit::{Save, SaveSubtype, Snapshot},
};

use crate::{Error, Saved, SnapshotOutcome, memory};

/// The bytes that all records of a run may hold together.
#[derive(Debug)]
pub(crate) struct Budget {
    max_memory: Option<u64>,
    /// Asked for when there is something to compare with.
    allowance: OnceLock<u64>,
    held: AtomicU64,
}

impl Budget {
    pub(crate) fn new(max_memory: Option<u64>) -> Self {
        Self { max_memory, allowance: OnceLock::new(), held: AtomicU64::new(0) }
    }

    fn take(&self, bytes: u64) -> Result<(), Error> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if self.max_memory.is_none() && u128::from(held) <= memory::SMALL {
            return Ok(());
        }
        let allowance = *self.allowance.get_or_init(|| memory::allowance(self.max_memory));
        let what = || "what the circuit saves shot by shot".to_owned();
        memory::require(what, u128::from(held), allowance, "fewer shots or the subtype `average`")
    }
}

/// What was saved in some shots. Records of later shots are appended to those of earlier ones.
#[derive(Debug, Default)]
pub(crate) struct Records {
    saves: BTreeMap<String, Gathered>,
    /// By the instruction's place in the circuit.
    snapshots: BTreeMap<usize, SnapshotOutcome>,
}

/// What one key gathered, split by the clbits if the subtype asks for it.
#[derive(Debug)]
struct Gathered {
    subtype: SaveSubtype,
    cases: BTreeMap<Option<BitString>, Case>,
}

#[derive(Debug)]
enum Case {
    Last(Saved),
    List(Vec<Saved>),
    Sum { sum: Saved, count: u64 },
}

impl Records {
    /// Takes the value of a save.
    pub(crate) fn save(
        &mut self,
        save: &Save,
        value: Saved,
        clbits: &BitString,
        budget: &Budget,
    ) -> Result<(), Error> {
        use SaveSubtype::{CAccum, CAverage, CList, CSingle, List};
        let subtype = save.subtype;
        let split = matches!(subtype, CSingle | CList | CAverage | CAccum);
        let case = split.then(|| clbits.clone());
        let gathered = self
            .saves
            .entry(save.key.clone())
            .or_insert_with(|| Gathered { subtype, cases: BTreeMap::new() });
        if matches!(subtype, List | CList) || !gathered.cases.contains_key(&case) {
            budget.take(value.bytes())?;
        }
        let value = match subtype {
            List | CList => Case::List(vec![value]),
            SaveSubtype::Single | CSingle => Case::Last(value),
            _ => Case::Sum { sum: value, count: 1 },
        };
        append(&mut gathered.cases, case, value);
        Ok(())
    }

    /// Takes the value of a snapshot, the instruction at `place`.
    pub(crate) fn snapshot(
        &mut self,
        place: usize,
        snapshot: &Snapshot,
        value: Saved,
        budget: &Budget,
    ) -> Result<(), Error> {
        budget.take(value.bytes())?;
        let (kind, label) = (&snapshot.kind, &snapshot.label);
        let new =
            || SnapshotOutcome { kind: kind.clone(), label: label.clone(), values: Vec::new() };
        self.snapshots.entry(place).or_insert_with(new).values.push(value);
        Ok(())
    }

    /// Appends the records of later shots.
    pub(crate) fn append(&mut self, later: Self) {
        for (key, gathered) in later.saves {
            match self.saves.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(gathered);
                }
                Entry::Occupied(mut entry) => {
                    let cases = &mut entry.get_mut().cases;
                    gathered.cases.into_iter().for_each(|(case, value)| append(cases, case, value));
                }
            }
        }
        for (place, snapshot) in later.snapshots {
            match self.snapshots.entry(place) {
                Entry::Vacant(entry) => {
                    entry.insert(snapshot);
                }
                Entry::Occupied(mut entry) => entry.get_mut().values.extend(snapshot.values),
            }
        }
    }

    /// The records as if each of `shots` shots had made them. Lists share their values; snapshots
    /// keep one for all.
    pub(crate) fn repeated(mut self, shots: u64) -> Self {
        let copies = usize::try_from(shots).unwrap_or(usize::MAX);
        for case in self.saves.values_mut().flat_map(|gathered| gathered.cases.values_mut()) {
            match case {
                Case::Last(_) => {}
                Case::List(values) => {
                    let once = std::mem::take(values);
                    *values = (0..copies).flat_map(|_| once.iter().cloned()).collect();
                }
                Case::Sum { sum, count } => {
                    let once = std::mem::replace(sum, Saved::Number(0.0));
                    *sum = once.times(shots as f64);
                    *count *= shots;
                }
            }
        }
        self
    }

    /// The values for the result.
    pub(crate) fn finish(self) -> (BTreeMap<String, Saved>, Vec<SnapshotOutcome>) {
        let saves = self.saves.into_iter().map(|(key, mut gathered)| {
            let subtype = gathered.subtype;
            if let Some(case) = gathered.cases.remove(&None) {
                return (key, finish(case, subtype));
            }
            let cases = gathered.cases.into_iter();
            let by = cases.filter_map(|(bits, case)| Some((bits?, finish(case, subtype))));
            (key, Saved::ByClbits(by.collect()))
        });
        (saves.collect(), self.snapshots.into_values().collect())
    }
}

fn append(cases: &mut BTreeMap<Option<BitString>, Case>, key: Option<BitString>, later: Case) {
    match cases.entry(key) {
        Entry::Vacant(entry) => {
            entry.insert(later);
        }
        Entry::Occupied(mut entry) => match (entry.get_mut(), later) {
            (Case::List(values), Case::List(more)) => values.extend(more),
            (Case::Sum { sum, count }, Case::Sum { sum: more, count: of }) => {
                let so_far = std::mem::replace(sum, Saved::Number(0.0));
                *sum = so_far.plus(more);
                *count += of;
            }
            (earlier, later) => *earlier = later,
        },
    }
}

fn finish(case: Case, subtype: SaveSubtype) -> Saved {
    match case {
        Case::Last(value) => value,
        Case::List(values) => Saved::List(values),
        Case::Sum { sum, count } => match subtype {
            SaveSubtype::Average | SaveSubtype::CAverage => sum.times(1.0 / count.max(1) as f64),
            _ => sum,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ketch_interface::circuit::SaveKind;

    fn saved(subtype: SaveSubtype, values: &[f64]) -> Saved {
        let save = Save { kind: SaveKind::State, key: "k".to_owned(), subtype };
        let budget = Budget::new(Some(1 << 20));
        let mut records = Records::default();
        for (shot, &value) in (0_u64..).zip(values) {
            let mut later = Records::default();
            let clbits = BitString::from_u64(1, shot);
            later.save(&save, Saved::Number(value), &clbits, &budget).unwrap();
            records.append(later);
        }
        records.finish().0.remove("k").unwrap()
    }

    #[test]
    fn subtypes_gather_as_they_say() {
        use SaveSubtype::{Accum, Average, CAverage, List, Single};
        let values = [1.0, 2.0, 6.0];
        let number = Saved::Number;
        assert_eq!(saved(Single, &values), number(6.0));
        assert_eq!(saved(List, &values), Saved::List(values.map(number).to_vec()));
        assert_eq!(saved(Accum, &values), number(9.0));
        assert_eq!(saved(Average, &values), number(3.0));
        let by = [(0, 3.5), (1, 2.0)].map(|(bit, v)| (BitString::from_u64(1, bit), number(v)));
        assert_eq!(saved(CAverage, &values), Saved::ByClbits(by.into_iter().collect()));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let save = Save { kind: SaveKind::State, key: "k".to_owned(), subtype: SaveSubtype::List };
        let (budget, mut records) = (Budget::new(Some(2000)), Records::default());
        let value = || Saved::Reals(vec![0.0; 100].into());
        let mut save = || records.save(&save, value(), &BitString::zeros(0), &budget);
        save().unwrap();
        save().unwrap();
        assert!(matches!(save(), Err(Error::InsufficientMemory { .. })));
    }
}
