//! The matrix product state itself: a chain of tensors in canonical form.
//!
//! The amplitude of a basis state is the product of one matrix for each site. Site `i` holds both of
//! its matrices side by side, `l` rows and `2 r` columns: the columns of |0>, then those of |1>. So
//! a one-qubit gate mixes the two halves, and right canonical means orthonormal rows.

use ketch_interface::Complex64;
use ketch_kernels::Threads;

use super::{
    Truncation,
    linalg::{Mat, norm_sqr, product, qr, split},
    matrix::{Matrix1, Matrix2},
    pair,
};
use crate::{Cancel, Error, memory};

/// What is left out before the chain counts as out of its canonical form, as a part of 1: where
/// probabilities are read.
const DRIFT: f64 = 1e-10;

/// The same where gates are applied: Schmidt values that are off by so little choose as well.
const DRIFT_OF_GATES: f64 = 1e-6;

/// A chain of tensors.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    sites: Vec<Mat>,
    form: Form,
    phase: Complex64,
    truncation: Truncation,
    max_bytes: u64,
    cancel: Cancel,
    record: Record,
    /// The squares left out since the chain was in canonical form for certain.
    drift: f64,
}

/// In which way the chain is canonical.
#[derive(Clone, Debug)]
enum Form {
    /// All sites are right canonical, and the Schmidt values of every bond are known; bond `b` is
    /// the one left of site `b`. Gates on different sites then need nothing of each other
    /// (Hastings, J. Math. Phys. 50, 095207, 2009).
    Weighted(Vec<Vec<f64>>),
    /// Left canonical in front of this site, right canonical behind it.
    Centred(usize),
}

/// What became of the chain so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Record {
    /// The largest bond dimension that there was.
    pub(super) largest_bond: usize,
    /// The sum of the squared Schmidt values that were left out, each time of a sum of 1.
    pub(super) discarded: f64,
}

impl Chain {
    /// All sites |0>.
    pub(super) fn new(n: usize, truncation: Truncation, max_bytes: u64, cancel: Cancel) -> Self {
        let mut chain = Self {
            sites: Vec::new(),
            form: Form::Centred(0),
            phase: Complex64::ONE,
            truncation,
            max_bytes,
            cancel,
            record: Record { largest_bond: 1, discarded: 0.0 },
            drift: 0.0,
        };
        chain.clear(n);
        chain
    }

    /// Sets `n` sites to |0>.
    pub(super) fn clear(&mut self, n: usize) {
        let zero = Mat::from_row_slice(1, 2, &[Complex64::ONE, Complex64::ZERO]);
        self.sites = vec![zero; n];
        self.form = Form::Weighted(vec![vec![1.0]; n + 1]);
        self.phase = Complex64::ONE;
        self.drift = 0.0;
    }

    pub(super) fn len(&self) -> usize {
        self.sites.len()
    }

    pub(super) fn sites(&self) -> &[Mat] {
        &self.sites
    }

    /// The factor of all amplitudes.
    pub(super) fn phase(&self) -> Complex64 {
        self.phase
    }

    pub(super) fn multiply_phase(&mut self, factor: Complex64) {
        self.phase *= factor;
    }

    pub(super) fn record(&self) -> Record {
        self.record
    }

    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    pub(super) fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The bytes of all tensors.
    pub(super) fn bytes(&self) -> u64 {
        self.sites.iter().map(|site| 16 * site.len() as u64).sum()
    }

    /// The bond dimension left of a site.
    pub(super) fn bond(&self, site: usize) -> usize {
        self.sites.get(site).map_or(1, Mat::nrows)
    }

    /// A matrix on one site.
    pub(super) fn apply_one(&mut self, site: usize, matrix: &Matrix1) {
        mix(&mut self.sites[site], matrix);
    }

    /// Matrices on neighbouring sites; `(site, matrix)` acts on `site`, the low bit, and the next.
    /// No two of them share a site. A matrix that is not unitary stands alone and needs a centre.
    pub(super) fn apply_pairs(
        &mut self,
        pairs: &[(usize, &Matrix2)],
        threads: &Threads,
    ) -> Result<(), Error> {
        if let Form::Weighted(_) = self.form
            && self.drift > DRIFT_OF_GATES
        {
            self.recanonicalize()?;
            self.weigh()?;
        }
        let work = self.work(pairs);
        // Finding all Schmidt values takes about as long as moving the centre to so many pairs.
        let many = pairs.len() >= 4.max(self.sites.len() / 4);
        if many && work >= pair::WORTH_THREADS && matches!(self.form, Form::Centred(_)) {
            self.weigh()?;
        }
        let Form::Weighted(weights) = &self.form else {
            let mut pairs = pairs.to_vec();
            pairs.sort_unstable_by_key(|(site, _)| *site);
            return pairs.into_iter().try_for_each(|(site, matrix)| self.apply_pair(site, matrix));
        };
        let sides = |site: usize| (&self.sites[site], &self.sites[site + 1]);
        let at_work = pairs.iter().map(|&(site, _)| pair::bytes(sides(site))).max();
        let made = pairs.iter().map(|&(site, _)| pair::bytes_made(sides(site))).sum::<u64>();
        self.require(made + at_work.unwrap_or(0) * threads.count() as u64)?;
        let one = |place: usize| {
            self.cancel.poll()?;
            let (site, matrix) = pairs[place];
            Ok(pair::applied(Some(&weights[site]), sides(site), matrix, &self.truncation))
        };
        let split: Vec<Result<pair::Applied, Error>> = match work >= pair::WORTH_THREADS {
            true => threads.map(pairs.len(), one),
            false => (0..pairs.len()).map(one).collect(),
        };
        for (&(site, _), applied) in pairs.iter().zip(split) {
            self.take(site, applied?);
        }
        Ok(())
    }

    /// About how many multiplications these pairs take.
    fn work(&self, pairs: &[(usize, &Matrix2)]) -> u64 {
        let work = |&(site, _): &(usize, _)| pair::work((&self.sites[site], &self.sites[site + 1]));
        pairs.iter().map(work).sum()
    }

    /// A matrix on a site and the next one, one of which becomes the centre; the norm is 1
    /// afterwards.
    fn apply_pair(&mut self, site: usize, matrix: &Matrix2) -> Result<(), Error> {
        self.cancel.poll()?;
        let at = match self.form {
            Form::Centred(centre) if centre > site => site + 1,
            _ => site,
        };
        self.centre_at(at)?;
        let sides = (&self.sites[site], &self.sites[site + 1]);
        self.require(pair::bytes(sides))?;
        let applied = pair::applied(None, sides, matrix, &self.truncation);
        self.take(site, applied);
        Ok(())
    }

    fn take(&mut self, site: usize, applied: pair::Applied) {
        self.note(applied.weights.len(), applied.discarded);
        self.sites[site] = applied.left;
        self.sites[site + 1] = applied.right;
        match &mut self.form {
            Form::Weighted(weights) => {
                weights[site + 1] = applied.weights;
                self.drift += applied.discarded;
            }
            Form::Centred(centre) => *centre = site,
        }
    }

    fn note(&mut self, bond: usize, discarded: f64) {
        self.record.largest_bond = self.record.largest_bond.max(bond);
        self.record.discarded += discarded;
    }

    /// Refuses to hold so many more bytes.
    pub(super) fn require(&self, more: u64) -> Result<(), Error> {
        let needed = u128::from(self.bytes()) + u128::from(more);
        let what = || {
            let bond = self.record.largest_bond;
            format!("a matrix product state with bonds of dimension {bond} and more")
        };
        let advice = "a smaller max_bond_dimension or a larger truncation_threshold";
        memory::require(what, needed, self.max_bytes, advice)
    }

    /// Makes the chain canonical around a site: what is in front of it is left canonical, what is
    /// behind it right canonical.
    pub(super) fn centre_at(&mut self, site: usize) -> Result<(), Error> {
        let from = match self.form {
            Form::Centred(centre) => centre,
            Form::Weighted(_) if self.drift > DRIFT => {
                self.recanonicalize()?;
                0
            }
            Form::Weighted(_) => 0,
        };
        for at in from..site {
            self.cancel.poll()?;
            let (q, r) = qr(upright(&self.sites[at]));
            self.sites[at] = lying(&q);
            self.sites[at + 1] = r * &self.sites[at + 1];
        }
        for at in (site + 1..=from).rev() {
            self.cancel.poll()?;
            self.pass_left(at);
        }
        self.form = Form::Centred(site);
        Ok(())
    }

    /// Makes a site right canonical and gives the rest to the one before it.
    fn pass_left(&mut self, at: usize) {
        let (q, r) = qr(self.sites[at].adjoint());
        self.sites[at] = q.adjoint();
        self.sites[at - 1] = times(&self.sites[at - 1], &r.adjoint());
    }

    /// From tensors in no form at all.
    fn recanonicalize(&mut self) -> Result<(), Error> {
        for at in (1..self.sites.len()).rev() {
            self.cancel.poll()?;
            self.pass_left(at);
        }
        self.form = Form::Centred(0);
        self.drift = 0.0;
        self.normalize();
        Ok(())
    }

    /// Makes the norm 1.
    pub(super) fn normalize(&mut self) {
        let Form::Centred(centre) = self.form else { return };
        if let Some(site) = self.sites.get_mut(centre) {
            let norm = norm_sqr(site.as_slice()).sqrt();
            *site /= Complex64::from(norm);
        }
    }

    /// Finds the Schmidt values of every bond.
    pub(super) fn weigh(&mut self) -> Result<(), Error> {
        if matches!(self.form, Form::Weighted(_)) && self.drift <= DRIFT {
            return Ok(());
        }
        let n = self.sites.len();
        self.centre_at(n.saturating_sub(1))?;
        let mut weights = vec![vec![1.0]; n + 1];
        for at in (1..n).rev() {
            self.cancel.poll()?;
            let split = split(&self.sites[at], &self.truncation);
            self.note(split.values.len(), split.discarded);
            let rest = &self.sites[at] * split.rows.adjoint() / Complex64::from(split.norm);
            self.sites[at - 1] = times(&self.sites[at - 1], &rest);
            self.sites[at] = split.rows;
            weights[at] = split.values;
        }
        self.form = Form::Centred(0);
        self.normalize();
        self.form = Form::Weighted(weights);
        self.drift = 0.0;
        Ok(())
    }

    /// All sites right canonical, so that probabilities can be read from left to right.
    pub(super) fn right_canonical(&mut self) -> Result<(), Error> {
        match self.form {
            Form::Weighted(_) if self.drift <= DRIFT => Ok(()),
            _ => self.centre_at(0),
        }
    }

    /// What all that is in front of a site comes to: a matrix F whose F†F is the weight of the
    /// bond's states. Sites behind are right canonical.
    pub(super) fn left_of(&mut self, site: usize) -> Result<Mat, Error> {
        if let Form::Weighted(weights) = &self.form
            && self.drift <= DRIFT
        {
            let weights = weights[site].iter().map(|&weight| Complex64::from(weight));
            return Ok(Mat::from_diagonal(&nalgebra::DVector::from_iterator(
                weights.len(),
                weights,
            )));
        }
        self.centre_at(site)?;
        Ok(Mat::identity(self.bond(site), self.bond(site)))
    }

    /// The density matrix of one site, row by row.
    pub(super) fn site_density(&mut self, site: usize) -> Result<Matrix1, Error> {
        let scaled;
        let tensor = match &self.form {
            Form::Weighted(weights) if self.drift <= DRIFT => {
                scaled = weighted(&weights[site], &self.sites[site]);
                &scaled
            }
            _ => {
                self.centre_at(site)?;
                &self.sites[site]
            }
        };
        let (zero, one) = tensor.as_slice().split_at(tensor.len() / 2);
        let off: Complex64 = zero.iter().zip(one).map(|(a, b)| a * b.conj()).sum();
        let (p0, p1) = (norm_sqr(zero), norm_sqr(one));
        Ok([[p0.into(), off], [off.conj(), p1.into()]])
    }

    /// Applies a matrix that is not unitary to one site; the norm is 1 afterwards.
    pub(super) fn project(&mut self, site: usize, matrix: &Matrix1) -> Result<(), Error> {
        self.centre_at(site)?;
        self.apply_one(site, matrix);
        self.normalize();
        Ok(())
    }

    /// Replaces neighbouring sites, the first of them the centre, by tensors in no form, and
    /// compresses them.
    pub(super) fn replace(&mut self, first: usize, tensors: Vec<Mat>) -> Result<(), Error> {
        debug_assert!(matches!(self.form, Form::Centred(centre) if centre == first));
        let last = first + tensors.len() - 1;
        for (at, tensor) in (first..).zip(tensors) {
            self.sites[at] = tensor;
        }
        self.centre_at(last)?;
        for at in (first + 1..=last).rev() {
            self.cancel.poll()?;
            let split = split(&self.sites[at], &self.truncation);
            self.note(split.values.len(), split.discarded);
            let rest = &self.sites[at] * split.rows.adjoint();
            self.sites[at - 1] = times(&self.sites[at - 1], &rest);
            self.sites[at] = split.rows;
        }
        self.form = Form::Centred(first);
        self.normalize();
        Ok(())
    }

    /// The Schmidt values of every bond, those of the two ends among them.
    pub(super) fn weights(&mut self) -> Result<&[Vec<f64>], Error> {
        self.weigh()?;
        match &self.form {
            Form::Weighted(weights) => Ok(weights),
            Form::Centred(_) => unreachable!("the chain was just weighed"),
        }
    }
}

/// The columns of |0> and of |1> below each other: `2 l` rows, `r` columns.
pub(super) fn upright(site: &Mat) -> Mat {
    let (l, r) = (site.nrows(), site.ncols() / 2);
    let mut upright = Mat::zeros(2 * l, r);
    upright.rows_mut(0, l).copy_from(&site.columns(0, r));
    upright.rows_mut(l, l).copy_from(&site.columns(r, r));
    upright
}

/// What [`upright`] undoes.
pub(super) fn lying(upright: &Mat) -> Mat {
    let (l, r) = (upright.nrows() / 2, upright.ncols());
    let mut site = Mat::zeros(l, 2 * r);
    site.columns_mut(0, r).copy_from(&upright.rows(0, l));
    site.columns_mut(r, r).copy_from(&upright.rows(l, l));
    site
}

/// A site with a matrix multiplied to its right bond.
pub(super) fn times(site: &Mat, matrix: &Mat) -> Mat {
    let (l, r, to) = (site.nrows(), site.ncols() / 2, matrix.ncols());
    let mut whole = Mat::zeros(l, 2 * to);
    for half in 0..2 {
        let part = product(&site.columns(half * r, r), &matrix.as_view());
        whole.columns_mut(half * to, to).copy_from(&part);
    }
    whole
}

/// Rows times numbers.
pub(super) fn weighted(weights: &[f64], matrix: &Mat) -> Mat {
    let mut scaled = matrix.clone();
    for column in scaled.as_mut_slice().chunks_mut(weights.len()) {
        column.iter_mut().zip(weights).for_each(|(entry, weight)| *entry *= *weight);
    }
    scaled
}

/// A one-qubit matrix on the two halves of a site.
pub(super) fn mix(site: &mut Mat, [[a, b], [c, d]]: &Matrix1) {
    let half = site.len() / 2;
    let (zeros, ones) = site.as_mut_slice().split_at_mut(half);
    for (zero, one) in zeros.iter_mut().zip(ones) {
        (*zero, *one) = (a * *zero + b * *one, c * *zero + d * *one);
    }
}
