//! From gates and channels to stages: what is merged, and what runs together on a tile.

use std::collections::VecDeque;

use ketch_kernels::{ALWAYS_LOCAL, MapStage, Real, RealMap};

use super::channel::Transfer;

/// The most places that are merged into one matrix.
const MERGED_PLACES: usize = 2;

/// Bytes of a tile: half of a core's share of L2 where it was measured, so that what is copied in
/// and out has room beside it.
const TILE_BYTES: usize = 1 << 19;

/// Index bits that are local in every stage where there are as many: copies move runs of at least
/// this many values.
const RUN_BITS: usize = 6;

/// Index bits from which there are at least four tiles, so that threads can share them.
const SHARED_FROM: usize = 16;

/// Which index bits the places have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bits {
    /// Place `p` has its z bit at `p` and its x bit at `n_places + p`.
    pub(crate) n_places: usize,
    /// The bits of the index: those of the places, and above them some that nothing acts on.
    pub(crate) n_bits: usize,
}

/// The stages that do the same as these gates and channels, one after the other.
pub(crate) fn stages<T: Real>(transfers: Vec<Transfer>, bits: Bits) -> Vec<MapStage<T>> {
    staged(merged(transfers, bits.n_places), bits)
}

/// Fewer matrices, where a product costs less than its factors.
fn merged(transfers: Vec<Transfer>, n_places: usize) -> Vec<Transfer> {
    let mut merging = Merging { on: vec![None; n_places], waiting: Vec::new(), done: Vec::new() };
    transfers.into_iter().for_each(|transfer| merging.take(transfer));
    merging.flush_all();
    merging.done
}

/// What waits for the next matrix on its places, to be multiplied into it.
struct Merging {
    /// For each place, which of the waiting acts on it.
    on: Vec<Option<usize>>,
    waiting: Vec<Option<Transfer>>,
    done: Vec<Transfer>,
}

impl Merging {
    fn take(&mut self, transfer: Transfer) {
        if transfer.places.len() > MERGED_PLACES {
            transfer.places.iter().for_each(|&place| self.flush_place(place));
            return self.done.push(transfer);
        }
        let mut before: Vec<usize> =
            transfer.places.iter().filter_map(|&place| self.on[place]).collect();
        before.dedup();
        let mut merged = transfer;
        for at in before {
            let waiting = self.waiting[at].as_ref().expect("a place names what waits on it");
            match product(waiting, &merged) {
                Some(product) => {
                    self.release(at);
                    merged = product;
                }
                None => self.flush(at),
            }
        }
        if merged.is_identity() {
            return;
        }
        let at = self.waiting.len();
        merged.places.iter().for_each(|&place| self.on[place] = Some(at));
        self.waiting.push(Some(merged));
    }

    /// It waits no more.
    fn release(&mut self, at: usize) -> Option<Transfer> {
        let transfer = self.waiting[at].take()?;
        transfer.places.iter().for_each(|&place| self.on[place] = None);
        Some(transfer)
    }

    fn flush(&mut self, at: usize) {
        let transfer = self.release(at);
        self.done.extend(transfer);
    }

    fn flush_place(&mut self, place: usize) {
        if let Some(at) = self.on[place] {
            self.flush(at);
        }
    }

    fn flush_all(&mut self) {
        (0..self.waiting.len()).for_each(|at| self.flush(at));
    }
}

/// `first` and then `second` as one matrix, if that costs less than the two.
fn product(first: &Transfer, second: &Transfer) -> Option<Transfer> {
    let mut places = second.places.clone();
    places.extend(first.places.iter().filter(|place| !second.places.contains(place)));
    if places.len() > MERGED_PLACES {
        return None;
    }
    places.sort_unstable();
    let product = first.widened(&places).then(&second.widened(&places));
    (cost(&product) <= cost(first) + cost(second)).then_some(product)
}

/// The time that a matrix takes, in that of one on one place: measured on tiles of 2 MiB on a CPU
/// with AVX-512, where a matrix on one place took 0.7 ns for eight numbers, one on two places 1.1
/// with one entry a row and 3.0 with more.
fn cost(transfer: &Transfer) -> f64 {
    match transfer.places.len() {
        1 => 1.0,
        _ if transfer.n_entries() <= transfer.dim() => 1.5,
        _ => 4.3,
    }
}

/// Gathers matrices whose bits fit into one tile, in an order that the places allow.
fn staged<T: Real>(transfers: Vec<Transfer>, bits: Bits) -> Vec<MapStage<T>> {
    let Bits { n_places, n_bits } = bits;
    let tile_bits = tile_bits::<T>(n_bits);
    let all = (1_usize << n_bits) - 1;
    let start = all & ((1 << RUN_BITS.max(ALWAYS_LOCAL)) - 1);
    let mut stages = Vec::new();
    let mut waiting: VecDeque<Transfer> = transfers.into();
    while !waiting.is_empty() {
        let mut local = start;
        let mut maps = Vec::new();
        // Places that something waits for which is in a later stage.
        let mut blocked = 0_usize;
        let mut later = VecDeque::new();
        while let Some(transfer) = waiting.pop_front() {
            if blocked == (1 << n_places) - 1 {
                later.push_back(transfer);
                break;
            }
            let places = transfer.places.iter().fold(0_usize, |mask, place| mask | 1 << place);
            let wanted = local | places | places << n_places;
            let fits = wanted.count_ones() as usize <= tile_bits || maps.is_empty();
            if places & blocked == 0 && fits {
                local = wanted;
                maps.push(map(&transfer, n_places));
            } else {
                blocked |= places;
                later.push_back(transfer);
            }
        }
        later.append(&mut waiting);
        waiting = later;
        // Room that is left goes to the lowest bits, for longer runs.
        for bit in 0..n_bits {
            if (local.count_ones() as usize) < tile_bits {
                local |= 1 << bit;
            }
        }
        stages.push(MapStage::new(local, &maps));
    }
    stages
}

/// The index bits of a tile.
fn tile_bits<T>(n_bits: usize) -> usize {
    let most = (TILE_BYTES / size_of::<T>()).trailing_zeros() as usize;
    if n_bits >= SHARED_FROM { most.min(n_bits - 2) } else { most.min(n_bits) }
}

fn map<T: Real>(transfer: &Transfer, n_places: usize) -> RealMap<T> {
    let bits: Vec<usize> =
        transfer.places.iter().flat_map(|&place| [place, n_places + place]).collect();
    RealMap::new(&bits, transfer.matrix.iter().map(|&entry| T::narrow(entry)).collect())
}
