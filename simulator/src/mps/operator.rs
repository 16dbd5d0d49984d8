//! Operators on several sites as chains of small tensors, and how they are applied.
//!
//! An operator on sites far from each other is a product of one tensor for each site between the
//! first and the last (a matrix product operator; Schollwöck, Ann. Phys. 326, 96, 2011, section 5).
//! Any number of controls takes bonds of dimension 2: one path for "do nothing", one for "all
//! controls agree". No site has to move.

use ketch_interface::{Complex64, Matrix};

use super::{
    chain::Chain,
    linalg::{Mat, qr},
    matrix::{IDENTITY, Matrix1},
};
use crate::Error;

/// An operator on any number of places.
#[derive(Clone, Debug)]
pub(super) enum Operator {
    /// A matrix; the first place is the low bit of its indices.
    Dense { places: Box<[usize]>, matrix: Matrix },
    /// The identity, and what is added to it where all controls have their values.
    Controlled { controls: Box<[(usize, bool)]>, places: Box<[usize]>, added: Matrix },
    /// A diagonal matrix.
    Diagonal { places: Box<[usize]>, entries: Box<[Complex64]> },
    /// Takes |0> on all places to a state.
    Prepare { places: Box<[usize]>, amplitudes: Box<[Complex64]> },
}

/// What one tensor of a train does for each value of its digit.
#[derive(Clone, Copy)]
enum Digits {
    /// 4 values: the column, then the row of a matrix entry.
    Entries,
    /// 2 values: the place on the diagonal.
    Diagonal,
    /// 2 values: the row, in column 0.
    Prepared,
}

/// One tensor of an operator: matrices for the bonds on both sides.
#[derive(Debug)]
struct Link {
    left: usize,
    right: usize,
    /// Bond on the left, bond on the right, what it does to the site.
    terms: Vec<(usize, usize, Matrix1)>,
}

impl Operator {
    /// The places it acts on.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + '_ {
        let (controls, places) = match self {
            Self::Controlled { controls, places, .. } => (&controls[..], places),
            Self::Dense { places, .. }
            | Self::Diagonal { places, .. }
            | Self::Prepare { places, .. } => (&[][..], places),
        };
        controls.iter().map(|(place, _)| *place).chain(places.iter().copied())
    }

    /// Applies it, with every place at a site; the norm is 1 afterwards.
    pub(super) fn apply(
        &self,
        chain: &mut Chain,
        site: impl Fn(usize) -> usize,
    ) -> Result<(), Error> {
        let first = self.places().map(&site).min().expect("operators act on something");
        chain.centre_at(first)?;
        let links = self.links(first, site);
        let bytes = |(at, link): (usize, &Link)| {
            let (l, r) = (chain.bond(at) * link.left, chain.bond(at + 1) * link.right);
            // The tensor, its factors, and the working space of the widest.
            5 * 32 * l as u64 * r as u64
        };
        chain.require((first..).zip(&links).map(bytes).sum())?;
        let sites = &chain.sites()[first..];
        let tensors = links.iter().zip(sites).map(|(link, site)| link.applied(site)).collect();
        chain.replace(first, tensors)
    }

    fn links(&self, first: usize, site: impl Fn(usize) -> usize) -> Vec<Link> {
        let (values, digits, places) = match self {
            Self::Dense { places, matrix } | Self::Controlled { places, added: matrix, .. } => {
                let dim = matrix.dim();
                // An entry's index holds the bits of the column below those of the row.
                let values: Vec<Complex64> =
                    (0..dim * dim).map(|i| matrix.at(i / dim, i % dim)).collect();
                (values, Digits::Entries, places)
            }
            Self::Diagonal { places, entries } => (entries.to_vec(), Digits::Diagonal, places),
            Self::Prepare { places, amplitudes } => (amplitudes.to_vec(), Digits::Prepared, places),
        };
        let controls = match self {
            Self::Controlled { controls, .. } => &controls[..],
            _ => &[],
        };
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_unstable_by_key(|&bit| site(places[bit]));
        let cores = train(&values, &order, digits);
        let at: Vec<usize> = order.iter().map(|&bit| site(places[bit])).collect();
        let controls: Vec<(usize, bool)> = controls.iter().map(|&(p, v)| (site(p), v)).collect();
        let last = self.places().map(site).max().expect("operators act on something");
        let idle = usize::from(!controls.is_empty());
        let mut bond = 1;
        let mut links = Vec::with_capacity(last + 1 - first);
        for here in first..=last {
            let core = match at.iter().position(|&site| site == here) {
                Some(place) => &cores[place],
                None => {
                    let matrix = match controls.iter().find(|(site, _)| *site == here) {
                        Some((_, value)) => projector(*value),
                        None => IDENTITY,
                    };
                    &Link::passing(bond, &matrix)
                }
            };
            let (starts, ends) = (here == first, here == last);
            bond = core.right;
            let shifted = core.terms.iter().map(|(left, right, matrix)| {
                let left = if starts { *left } else { left + idle };
                (left, if ends { *right } else { right + idle }, *matrix)
            });
            let mut terms: Vec<_> = shifted.collect();
            if idle == 1 {
                terms.push((0, 0, IDENTITY));
            }
            links.push(Link {
                left: if starts { 1 } else { core.left + idle },
                right: if ends { 1 } else { core.right + idle },
                terms,
            });
        }
        links
    }
}

impl Link {
    /// A matrix that changes nothing of the bond.
    fn passing(bond: usize, matrix: &Matrix1) -> Self {
        let terms = (0..bond).map(|bond| (bond, bond, *matrix)).collect();
        Self { left: bond, right: bond, terms }
    }

    /// A site's tensor with this one on it.
    fn applied(&self, site: &Mat) -> Mat {
        let (l, r) = (site.nrows(), site.ncols() / 2);
        let half = r * self.right;
        let mut product = Mat::zeros(l * self.left, 2 * half);
        for (left, right, matrix) in &self.terms {
            for (row, entries) in matrix.iter().enumerate() {
                for (column, factor) in entries.iter().enumerate() {
                    if *factor == Complex64::ZERO {
                        continue;
                    }
                    let corner = (left * l, row * half + right * r);
                    let mut part = product.view_mut(corner, (l, r));
                    part.zip_apply(&site.columns(column * r, r), |to, from| *to += factor * from);
                }
            }
        }
        product
    }
}

fn projector(value: bool) -> Matrix1 {
    let mut matrix = [[Complex64::ZERO; 2]; 2];
    matrix[usize::from(value)][usize::from(value)] = Complex64::ONE;
    matrix
}

/// The tensors whose product is an array of numbers: one for each bit of `order`, from left to
/// right. Ranks are found to rounding (Oseledets, SIAM J. Sci. Comput. 33, 2295, 2011).
fn train(values: &[Complex64], order: &[usize], digits: Digits) -> Vec<Link> {
    let n = order.len();
    let size = if let Digits::Entries = digits { 4 } else { 2 };
    // Digit `k` is that of the place of bit `order[k]`, and the first digit is the lowest.
    let index = |digit_index: usize| {
        let mut rest = digit_index;
        order.iter().fold(0, |index, bit| {
            let digit = rest % size;
            rest /= size;
            index | (digit & 1) << bit | (digit >> 1) << (n + bit)
        })
    };
    let digit_values = (0..values.len()).map(|i| values[index(i)]).collect();
    let mut rest = Mat::from_vec(1, values.len(), digit_values);
    let mut links = Vec::with_capacity(n);
    for place in 0..n {
        let left = rest.nrows();
        let columns = rest.ncols() / size;
        rest = rest.reshape_generic(nalgebra::Dyn(left * size), nalgebra::Dyn(columns));
        let core = match place + 1 == n {
            true => std::mem::replace(&mut rest, Mat::zeros(1, size)),
            false => {
                let (q, r) = qr(rest);
                rest = r;
                q
            }
        };
        links.push(link(&core, left, digits));
    }
    links
}

/// From rows `(bond on the left, digit)`, the bond lower, and columns for the bond on the right.
fn link(core: &Mat, left: usize, digits: Digits) -> Link {
    let mut terms = Vec::new();
    for right in 0..core.ncols() {
        for bond in 0..left {
            let value = |digit: usize| core[(digit * left + bond, right)];
            let zero = Complex64::ZERO;
            let matrix = match digits {
                Digits::Entries => [[value(0), value(1)], [value(2), value(3)]],
                Digits::Diagonal => [[value(0), zero], [zero, value(1)]],
                Digits::Prepared => [[value(0), zero], [value(1), zero]],
            };
            if matrix.iter().flatten().any(|entry| *entry != zero) {
                terms.push((bond, right, matrix));
            }
        }
    }
    Link { left, right: core.ncols(), terms }
}
