//! Gates that wait: runs of them on the same one or two qubits become one before any tensor is
//! touched.

use super::{
    matrix::{IDENTITY, Matrix1, Matrix2, SWAP, exchanged, product, side_by_side},
    operator::Operator,
};

/// Gates that are applied in one go. Places are labels, see [`Queue::label`].
#[derive(Clone, Debug)]
pub(super) enum Block {
    /// A matrix on one place.
    One(usize, Matrix1),
    /// A matrix on two places, the first is the low bit.
    Two([usize; 2], Box<Matrix2>),
    /// More places.
    Many(Box<Operator>),
}

/// Blocks in an order in which they may be applied.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    blocks: Vec<Option<Block>>,
    /// The layer of each block: those of a layer have no place in common.
    layers: Vec<usize>,
    /// The last block on each label.
    open: Vec<Option<usize>>,
    /// The label of each place: exchanging two places is exchanging their labels.
    labels: Vec<usize>,
}

impl Queue {
    /// Nothing waits.
    pub(super) fn new(n_places: usize) -> Self {
        Self {
            blocks: Vec::new(),
            layers: Vec::new(),
            open: vec![None; n_places],
            labels: (0..n_places).collect(),
        }
    }

    /// The tensor that a place is.
    pub(super) fn label(&self, place: usize) -> usize {
        self.labels[place]
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// A matrix on one place.
    pub(super) fn one(&mut self, place: usize, matrix: &Matrix1) {
        let label = self.labels[place];
        let open = self.open[label];
        match open.and_then(|block| self.blocks[block].as_mut()) {
            Some(Block::One(_, before)) => *before = product(matrix, before),
            Some(Block::Two([low, _], before)) => {
                let wide = match *low == label {
                    true => side_by_side(matrix, &IDENTITY),
                    false => side_by_side(&IDENTITY, matrix),
                };
                **before = product(&wide, before);
            }
            _ => self.push(Block::One(label, *matrix), &[label]),
        }
    }

    /// A matrix on two places, the first is the low bit.
    pub(super) fn two(&mut self, places: [usize; 2], matrix: &Matrix2) {
        let labels = places.map(|place| self.labels[place]);
        if let Some(([low, _], before)) = self.open_pair(labels) {
            let matrix = if low == labels[0] { *matrix } else { exchanged(matrix) };
            *before = product(&matrix, before);
            return;
        }
        // What waits on one of them alone comes along.
        let [low, high] = labels.map(|label| self.take_one(label));
        let first = side_by_side(&low.unwrap_or(IDENTITY), &high.unwrap_or(IDENTITY));
        let whole = if low.is_some() || high.is_some() { product(matrix, &first) } else { *matrix };
        self.push(Block::Two(labels, Box::new(whole)), &labels);
    }

    /// Exchanges two places: at no cost behind another gate on both, by name otherwise.
    pub(super) fn swap(&mut self, places: [usize; 2]) {
        let labels = places.map(|place| self.labels[place]);
        match self.open_pair(labels) {
            Some((_, before)) => *before = product(&SWAP, before),
            None => self.labels.swap(places[0], places[1]),
        }
    }

    /// An operator on more places.
    pub(super) fn many(&mut self, operator: &Operator) {
        let to = |places: &[usize]| places.iter().map(|&place| self.labels[place]).collect();
        let labelled = match operator {
            Operator::Dense { places, matrix } => {
                Operator::Dense { places: to(places), matrix: matrix.clone() }
            }
            Operator::Controlled { controls, places, added } => Operator::Controlled {
                controls: controls.iter().map(|&(p, value)| (self.labels[p], value)).collect(),
                places: to(places),
                added: added.clone(),
            },
            Operator::Diagonal { places, entries } => {
                Operator::Diagonal { places: to(places), entries: entries.clone() }
            }
            Operator::Prepare { places, amplitudes } => {
                Operator::Prepare { places: to(places), amplitudes: amplitudes.clone() }
            }
        };
        let labels: Vec<usize> = labelled.places().collect();
        self.push(Block::Many(Box::new(labelled)), &labels);
    }

    /// Takes out all that waits, layer by layer.
    pub(super) fn drain(&mut self) -> Vec<Vec<Block>> {
        let n_layers = self.layers.iter().max().map_or(0, |last| last + 1);
        let mut layers: Vec<Vec<Block>> = (0..n_layers).map(|_| Vec::new()).collect();
        for (block, layer) in self.blocks.drain(..).zip(self.layers.drain(..)) {
            layers[layer].extend(block);
        }
        self.open.fill(None);
        layers
    }

    /// Forgets what waits and which place is which.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.labels.len());
    }

    fn open_pair(&mut self, labels: [usize; 2]) -> Option<([usize; 2], &mut Matrix2)> {
        let [a, b] = labels.map(|label| self.open[label]);
        if a != b {
            return None;
        }
        match self.blocks[a?].as_mut() {
            Some(Block::Two(of, matrix)) if of.contains(&labels[0]) && of.contains(&labels[1]) => {
                Some((*of, matrix))
            }
            _ => None,
        }
    }

    fn take_one(&mut self, label: usize) -> Option<Matrix1> {
        let block = self.open[label]?;
        match self.blocks[block] {
            Some(Block::One(_, matrix)) => {
                self.blocks[block] = None;
                Some(matrix)
            }
            _ => None,
        }
    }

    fn push(&mut self, block: Block, labels: &[usize]) {
        let behind = |label: &usize| self.open[*label].map(|open| self.layer_behind(open));
        let layer = labels.iter().filter_map(behind).max().unwrap_or(0);
        labels.iter().for_each(|&label| self.open[label] = Some(self.blocks.len()));
        self.blocks.push(Some(block));
        self.layers.push(layer);
    }

    /// The first layer behind a block: its own, if it was taken out.
    fn layer_behind(&self, block: usize) -> usize {
        self.layers[block] + usize::from(self.blocks[block].is_some())
    }
}
