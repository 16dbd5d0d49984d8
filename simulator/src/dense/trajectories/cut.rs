//! [`Cut`]: what has to be done to a state before some of its places can be read.

use crate::dense::{Apply, apply::bits};

/// Places up to which a state is not cut: less would be saved than it takes.
const WHOLE: u32 = 9;

/// Below this share of the state that is left, it is no use to read further places first.
const LITTLE: f64 = 1.0 / 256.0;

/// What a run takes beside its gates, what reading takes, and what it takes to pick each amplitude
/// of a part of the state: all in gates that turn one place of as many amplitudes.
const RUN: f64 = 12.0;
const READ: f64 = 4.0;
const PART: f64 = 10.0;

/// The amplitudes that one place could be turned of in the time that is taken by what does not
/// depend on how many there are.
const BESIDE: f64 = (1_u64 << 18) as f64;

/// What an item has to do with its places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// A mask.
    pub(super) places: usize,
    /// What it takes, in gates that turn one place.
    pub(super) takes: f64,
    /// The state has to be looked at.
    pub(super) looks: bool,
}

impl Reach {
    pub(super) fn of(apply: &Apply<f64>) -> Self {
        Self { places: apply.mask(), takes: Self::taken(apply.moved()), looks: false }
    }

    /// Something that mixes the values of `places`.
    pub(super) fn mixing(places: usize, looks: bool) -> Self {
        let look = if looks { RUN + READ } else { 0.0 };
        Self { places, takes: Self::taken(places) + look, looks }
    }

    fn taken(moved: usize) -> f64 {
        /// Phases share a pass.
        const PHASE: f64 = 0.25;
        if moved == 0 { PHASE } else { f64::from(moved.count_ones()) }
    }
}

/// Which items come first, and what is read behind them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cut {
    /// For each item, whether it has to come first.
    first: Vec<bool>,
    /// The item that looks at the state behind them.
    pub(super) look: Option<usize>,
    /// The places that are read behind them if none looks, as a mask.
    pub(super) read: usize,
    /// What it takes to run and to read them all.
    takes: f64,
}

impl Cut {
    /// The cut of items that are to be done to a state of these `places` for some shots. If the
    /// state `is_weighed`, it takes nothing to read it as it is.
    pub(super) fn of(items: &[Reach], places: usize, n_shots: usize, is_weighed: bool) -> Self {
        let needed = needed(items, places);
        let all = sum(items, |_| true);
        let read_behind = |run: f64| match run == 0.0 && is_weighed {
            true => 0.0,
            false => passes(run) + READ,
        };
        let mut best = Self {
            first: vec![true; items.len()],
            look: None,
            read: places,
            takes: read_behind(all),
        };
        let beside = BESIDE / 2_f64.powi(places.count_ones() as i32);
        if places.count_ones() <= WHOLE {
            return best.up_to_look(items, places);
        }
        let (mut read, mut run, mut least) = (0, 0.0, best.takes);
        while read != places {
            // What else has to be run for each place.
            let mut more = [0.0; usize::BITS as usize];
            for (item, needed) in items.iter().zip(&needed) {
                if needed & read == 0 {
                    bits(*needed).for_each(|place| more[place] += item.takes);
                }
            }
            let next = bits(places & !read).min_by(|a, b| more[*a].total_cmp(&more[*b]));
            let next = next.expect("not all are read");
            run += more[next];
            read |= 1 << next;
            read |= bits(places & !read).filter(|p| more[*p] == 0.0).fold(0, |m, p| m | 1 << p);
            let share = n_shots as f64 / 2_f64.powi(read.count_ones() as i32);
            let rest = passes(all - run) + READ + PART;
            let rest = if read == places { 0.0 } else { share.min(1.0) * rest + beside };
            let takes = read_behind(run) + rest;
            if takes < least {
                least = takes;
                (best.read, best.takes) = (read, takes);
            }
            if share < LITTLE && more[next] > 0.0 {
                break;
            }
        }
        best.first = needed.iter().map(|needed| needed & best.read != 0).collect();
        if best.read == places {
            best.first.fill(true);
        }
        best.up_to_look(items, places)
    }

    /// If one of the first items looks, no more comes first than what that takes.
    fn up_to_look(self, items: &[Reach], places: usize) -> Self {
        let looks = |number: &usize| self.first[*number] && items[*number].looks;
        let Some(look) = (0..items.len()).find(looks) else { return self };
        let needed = needed(&items[..look], places);
        let first: Vec<bool> =
            needed.iter().map(|needed| needed & items[look].places != 0).collect();
        let run = sum(items, |number| first.get(number) == Some(&true));
        Self { first, look: Some(look), read: 0, takes: passes(run) + READ }
    }

    /// Whether an item comes first.
    pub(super) fn is_first(&self, item: usize) -> bool {
        self.first.get(item) == Some(&true)
    }
}

/// What it takes to do all items and to read the state, about.
pub(super) fn cost(items: &[Reach], n_places: usize, n_shots: usize, is_weighed: bool) -> f64 {
    let places = (1 << n_places) - 1;
    let (mut items, mut cost, mut is_weighed) = (items.to_vec(), 0.0, is_weighed);
    loop {
        let cut = Cut::of(&items, places, n_shots, is_weighed);
        cost += cut.takes;
        let Some(look) = cut.look else { return cost };
        is_weighed = false;
        // What is chosen there goes along with what comes behind.
        items[look] = Reach::mixing(items[look].places, false);
        let left = items.iter().enumerate().filter(|(number, _)| !cut.is_first(*number));
        items = left.map(|(_, item)| *item).collect();
    }
}

/// For each item, the places that can only be read behind it.
fn needed(items: &[Reach], places: usize) -> Vec<usize> {
    let mut readers: Vec<usize> = (0..usize::BITS).map(|place| 1 << place & places).collect();
    let mut needed = vec![0; items.len()];
    for (item, needed) in items.iter().zip(&mut needed).rev() {
        *needed = bits(item.places).fold(0, |mask, place| mask | readers[place]);
        bits(item.places).for_each(|place| readers[place] = *needed);
    }
    needed
}

fn sum(items: &[Reach], which: impl Fn(usize) -> bool) -> f64 {
    let which = items.iter().enumerate().filter(|(number, _)| which(*number));
    which.map(|(_, item)| item.takes).sum()
}

/// What it takes to run gates that take so much.
fn passes(gates: f64) -> f64 {
    if gates == 0.0 { 0.0 } else { RUN + gates }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const N: usize = 14;

    /// Items on one or two places, some of which look.
    fn items() -> impl Strategy<Value = Vec<Reach>> {
        let item = (0..N, 0..N, 0..24).prop_map(|(a, b, kind)| {
            let places = 1 << a | if kind % 2 == 0 { 1 << b } else { 0 };
            Reach::mixing(places, kind == 23)
        });
        prop::collection::vec(item, 0..80)
    }

    proptest! {
        #[test]
        fn what_comes_first_may_and_what_is_left_does_not_touch_what_is_read(
            items in items(),
            n_shots in 1..100_usize,
        ) {
            let all = (1 << N) - 1;
            let cut = Cut::of(&items, all, n_shots, false);
            let until = cut.look.unwrap_or(items.len());
            let looked = cut.look.map_or(cut.read, |look| items[look].places);
            assert!(looked != 0);
            let may_be_first = |number: usize| !cut.is_first(number) || !items[number].looks;
            assert!((0..items.len()).all(may_be_first));
            let mut put_off = 0;
            for (number, item) in items[..until].iter().enumerate() {
                match cut.is_first(number) {
                    // It overtakes what was put off.
                    true => assert_eq!(item.places & put_off, 0),
                    false => put_off |= item.places,
                }
            }
            assert_eq!(put_off & looked, 0);
            assert!((until..items.len()).all(|number| !cut.is_first(number)));
            assert!(cost(&items, N, n_shots, false) >= cut.takes);
        }
    }

    #[test]
    fn little_is_run_before_the_first_places_are_read() {
        const MANY: usize = 18;
        let all = (1 << MANY) - 1;
        // A stair of pairs: the first place is reached by the first pair alone.
        let stair: Vec<Reach> = (0..MANY - 1).map(|at| Reach::mixing(3 << at, false)).collect();
        let cut = Cut::of(&stair, all, 1, false);
        assert!(cut.is_first(0) && !cut.is_first(MANY - 2) && cut.read & 1 == 1);
        // Places that nothing reaches are read at once where that takes nothing.
        let cut = Cut::of(&stair[5..], all, 1, true);
        assert_eq!((cut.read, cut.first.contains(&true)), (31, false));
        // Many shots need all of the state.
        let cut = Cut::of(&stair, all, 1 << MANY, false);
        assert_eq!((cut.read, cut.first.contains(&false)), (all, false));
        assert_eq!([true, false].map(|weighed| cost(&[], N, 1, weighed)), [0.0, READ]);
    }
}
