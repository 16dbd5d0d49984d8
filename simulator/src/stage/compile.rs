//! From stages to what the kernels take.

use ketch_kernels::{
    Controls, Interaction, Kernels, LinearMap, PhasePass, Phases, Real, Rotation, Sweep, Threads,
    Tile, TileBits,
};

use super::{
    part::{Kind, Part},
    schedule::{Layer, Stage, ones, places},
};
use crate::dense::apply::{Action, Apply, bits};

/// A stage, ready to run.
#[derive(Debug, Clone)]
pub(super) enum Pass<T> {
    /// One tile after the other.
    Tiles { tiles: TileBits, work: Vec<Work<T>> },
    /// A unitary on the whole state.
    Whole(Apply<T>),
}

/// What is done to a tile.
#[derive(Debug, Clone)]
pub(super) enum Work<T> {
    Turns(Sweep<T>),
    Phases(PhasePass<T>),
    Relabel(Relabelling),
    /// A unitary on bits of the tile, where the other bits of the state meet `outer`.
    Apply {
        apply: Apply<T>,
        outer: Controls,
    },
    /// A unitary on two bits of the tile in factors.
    Interact {
        bits: [usize; 2],
        interaction: Box<Interaction>,
    },
    /// A diagonal unitary that looks at bits outside of the tile.
    Diagonal(Apply<T>),
}

/// The factor that is carried along is given to the amplitudes when it gets this far from 1.
const SCALE_AT: f64 = 1e-6;

/// Makes stages ready; `constant` is the phase of everything. If they act on |0…0>, tiles are passed
/// over as long as nothing can have come to them.
pub(super) fn compile<T: Real>(
    stages: Vec<Stage>,
    n_places: usize,
    constant: f64,
    from_zero: bool,
    kernels: Kernels,
) -> Vec<Pass<T>> {
    let mut empty = if from_zero { ones(n_places) } else { 0 };
    let mut constant = Some(constant).filter(|constant| *constant != 0.0);
    let mut passes: Vec<Pass<T>> = Vec::new();
    for stage in stages {
        match stage {
            Stage::Whole(Part::Whole(apply)) => {
                empty &= !apply.moved();
                passes.push(Pass::Whole(apply.cast()));
            }
            Stage::Whole(part) => unreachable!("{part:?} moves at most two places"),
            Stage::Tiles { local, layers } => {
                let tiles = TileBits::new(n_places, &places(local)).without(empty);
                empty &= !local;
                let mut tile = Compiling { kernels, tiles: &tiles, scale: 1.0, work: Vec::new() };
                let last_turns = layers.iter().rposition(|layer| layer.kind == Kind::Turns);
                for (at, layer) in layers.into_iter().enumerate() {
                    tile.layer(layer, Some(at) == last_turns, &mut constant);
                }
                let work = tile.work;
                passes.push(Pass::Tiles { tiles, work });
            }
        }
    }
    if let Some(constant) = constant {
        let phases = Phases { constant, ..Phases::default() };
        if let Some(Pass::Tiles { tiles, work }) = passes.last_mut() {
            work.push(Work::Phases(PhasePass::compile(kernels, &phases, tiles)));
        } else {
            let action = Action::Phase(num_complex::Complex64::cis(constant));
            passes.push(Pass::Whole(Apply { action, controls: Controls::NONE }.cast()));
        }
    }
    passes
}

struct Compiling<'a, T> {
    kernels: Kernels,
    tiles: &'a TileBits,
    /// What the amplitudes are still to be multiplied by.
    scale: f64,
    work: Vec<Work<T>>,
}

impl<T: Real> Compiling<'_, T> {
    fn layer(&mut self, layer: Layer, is_last_of_turns: bool, constant: &mut Option<f64>) {
        let Layer { kind, parts } = layer;
        match kind {
            Kind::Turns => self.turns(&parts, is_last_of_turns),
            Kind::Phases => {
                let phases = gathered(&parts, self.tiles.n_qubits(), constant.take());
                let pass = PhasePass::compile(self.kernels, &phases, self.tiles);
                self.work.push(Work::Phases(pass));
            }
            Kind::Flips => {
                let mut relabelling = Relabelling::new(self.tiles);
                parts.iter().for_each(|part| relabelling.follow_by(part, self.tiles));
                self.work.push(Work::Relabel(relabelling));
            }
            Kind::Whole => parts.into_iter().for_each(|part| self.whole(part)),
        }
    }

    fn turns(&mut self, parts: &[Part], is_last: bool) {
        let mut rotations: Vec<Rotation> = parts.iter().map(|part| self.rotation(part)).collect();
        let size = self.scale.abs();
        if self.scale != 1.0 && (is_last || !(SCALE_AT..SCALE_AT.recip()).contains(&size)) {
            rotations.push(Rotation::Scale(std::mem::replace(&mut self.scale, 1.0)));
        }
        let n_tile_bits = self.tiles.n_tile_bits();
        self.work.push(Work::Turns(Sweep::compile(self.kernels, &rotations, n_tile_bits)));
    }

    fn rotation(&mut self, part: &Part) -> Rotation {
        match *part {
            Part::Turn { place, matrix } => {
                let (matrix, scale) = scaled(matrix);
                self.scale *= scale;
                Rotation::One { bit: tile_bit(self.tiles, place), matrix }
            }
            Part::PairTurn { places, even, odd } => {
                let ((even, scale), (odd, odd_scale)) = (scaled(even), scaled(odd));
                self.scale *= scale;
                let factor = odd_scale / scale;
                // The kernel counts 01 first, with a 1 in the first place.
                let [[a, b], [c, d]] = odd.map(|row| row.map(|entry| entry * factor));
                let bits = places.map(|place| tile_bit(self.tiles, place));
                Rotation::Two { bits, even, odd: [[d, c], [b, a]] }
            }
            // Between turns that pass through the registers together.
            Part::Phase { place, angle } => {
                Rotation::Phase { bits: [tile_bit(self.tiles, place); 2], angle }
            }
            Part::PairPhase { places, angle } => {
                let bits = places.map(|place| tile_bit(self.tiles, place));
                Rotation::Phase { bits, angle }
            }
            _ => unreachable!("{part:?} is no turn"),
        }
    }

    fn whole(&mut self, part: Part) {
        let apply = match part {
            Part::Whole(apply) => apply,
            Part::Interaction { places, interaction } => {
                let bits = places.map(|place| tile_bit(self.tiles, place));
                return self.work.push(Work::Interact { bits, interaction });
            }
            part => unreachable!("{part:?} has a layer of its kind"),
        };
        let local = self.tiles.mask();
        let (mask, value) = (apply.controls.mask(), apply.controls.value());
        if (apply.mask() & !mask) & !local != 0 {
            return self.work.push(Work::Diagonal(apply.cast()));
        }
        let outer = Controls::new(mask & !local, value & !local);
        let inner = Controls::new(mask & local, value & local);
        let apply = Apply { action: apply.action, controls: inner };
        let apply = apply.mapped(|place| tile_bit(self.tiles, place)).cast();
        self.work.push(Work::Apply { apply, outer });
    }
}

/// The sum of phases.
fn gathered(parts: &[Part], n_places: usize, constant: Option<f64>) -> Phases {
    let mut linear = vec![0.0; n_places];
    let mut pairs = std::collections::BTreeMap::new();
    for part in parts {
        match *part {
            Part::Phase { place, angle } => linear[place] += angle,
            Part::PairPhase { places: [a, b], angle } => {
                *pairs.entry((a.min(b), a.max(b))).or_insert(0.0) += angle;
            }
            _ => unreachable!("{part:?} is no phase"),
        }
    }
    let pairs = pairs.into_iter().map(|((a, b), angle)| (a, b, angle)).collect();
    Phases { constant: constant.unwrap_or(0.0), linear, pairs }
}

/// A rotation or reflection as a cheap matrix, and the factor to it.
fn scaled([[a, b], [c, d]]: [[f64; 2]; 2]) -> ([[f64; 2]; 2], f64) {
    let is_rotation = a * d - b * c > 0.0;
    // Hadamard gates have equal entries up to rounding.
    let straight = a.abs() >= c.abs() * (1.0 - 1e-9);
    match (is_rotation, straight) {
        (true, true) => ([[1.0, -c / a], [c / a, 1.0]], a),
        (true, false) => ([[a / c, -1.0], [1.0, a / c]], c),
        (false, true) => ([[1.0, c / a], [c / a, -1.0]], a),
        (false, false) => ([[a / c, 1.0], [1.0, -a / c]], c),
    }
}

/// The bit of the tile's index that a local place has.
fn tile_bit(tiles: &TileBits, place: usize) -> usize {
    (tiles.mask() & ((1 << place) - 1)).count_ones() as usize
}

/// X, CX and SWAP on a tile, controlled by any bit of the state.
#[derive(Clone, Debug)]
pub(super) struct Relabelling {
    /// For each bit of the state, what it adds to the index in the tile.
    columns: Vec<usize>,
    shift: usize,
    /// The bits of the tile.
    local: usize,
}

impl Relabelling {
    fn new(tiles: &TileBits) -> Self {
        let mut columns = vec![0; tiles.n_qubits()];
        tiles.gather().iter().enumerate().for_each(|(bit, &place)| columns[place] = 1 << bit);
        Self { columns, shift: 0, local: tiles.mask() }
    }

    fn follow_by(&mut self, part: &Part, tiles: &TileBits) {
        let mask = tiles.mask();
        let bit = |place: usize| tile_bit(tiles, place);
        match *part {
            Part::Flip { target, control: None } => self.shift ^= 1 << bit(target),
            Part::Flip { target, control: Some(control) } if mask >> control & 1 == 0 => {
                self.columns[control] ^= 1 << bit(target);
            }
            Part::Flip { target, control: Some(control) } => {
                let (control, target) = (bit(control), bit(target));
                for image in self.columns.iter_mut().chain([&mut self.shift]) {
                    *image ^= (*image >> control & 1) << target;
                }
            }
            Part::Swap { places } => {
                let [a, b] = places.map(bit);
                for image in self.columns.iter_mut().chain([&mut self.shift]) {
                    let differ = (*image >> a ^ *image >> b) & 1;
                    *image ^= differ << a | differ << b;
                }
            }
            _ => unreachable!("{part:?} relabels nothing"),
        }
    }

    /// The map of the tile with this base.
    fn map(&self, base: usize) -> LinearMap {
        let shift =
            bits(base & !self.local).fold(self.shift, |shift, bit| shift ^ self.columns[bit]);
        LinearMap::new(bits(self.local).map(|bit| self.columns[bit]).collect(), shift)
    }
}

impl<T: Real> Work<T> {
    pub(super) fn run(&self, kernels: Kernels, tiles: &TileBits, tile: &mut Tile<'_, T>) {
        match self {
            Self::Turns(sweep) => kernels.sweep(tile.amplitudes, sweep),
            Self::Phases(pass) => kernels.phases(tile.amplitudes, pass, tile.base),
            Self::Relabel(relabelling) => {
                let map = relabelling.map(tile.base);
                if !map.is_identity() {
                    kernels.relabel(tile, &map);
                }
            }
            Self::Apply { apply, outer } => {
                if tile.base & outer.mask() == outer.value() {
                    apply.run(kernels, &Threads::serial(), tile.amplitudes);
                }
            }
            Self::Interact { bits, interaction } => {
                let (amplitudes, serial) = (&mut *tile.amplitudes, &Threads::serial());
                kernels.apply_interaction(serial, amplitudes, *bits, interaction);
            }
            Self::Diagonal(apply) => {
                if let Some(apply) = within(apply, tiles, tile.base) {
                    apply.run(kernels, &Threads::serial(), tile.amplitudes);
                }
            }
        }
    }
}

/// What a diagonal unitary is on a tile; `None` if it does nothing there.
fn within<T: Real>(apply: &Apply<T>, tiles: &TileBits, base: usize) -> Option<Apply<T>> {
    let local = tiles.mask();
    let (mask, value) = (apply.controls.mask(), apply.controls.value());
    if base & mask & !local != value & !local {
        return None;
    }
    let controls = Controls::new(mask & local, value & local);
    let action = match &apply.action {
        Action::Diagonal1 { place, entries } if local >> place & 1 == 0 => {
            Action::Phase(entries[base >> place & 1])
        }
        Action::Diagonal { places, entries } => {
            let is_local = |place: &usize| local >> place & 1 == 1;
            let inner: Box<[usize]> = places.iter().copied().filter(is_local).collect();
            let entry = |at: usize| {
                let spread = inner
                    .iter()
                    .enumerate()
                    .fold(base, |index, (bit, place)| index | (at >> bit & 1) << place);
                let value = |(bit, place): (usize, &usize)| (spread >> place & 1) << bit;
                entries[places.iter().enumerate().map(value).sum::<usize>()]
            };
            let entries = (0..1 << inner.len()).map(entry).collect();
            Action::Diagonal { places: inner, entries }
        }
        other => other.clone(),
    };
    Some(Apply { action, controls }.mapped(|place| tile_bit(tiles, place)))
}
