//! What can be read from a chain: amplitudes, probabilities, density matrices, Pauli strings.
//!
//! Everything is read from left to right: the sites behind the last one that matters are right
//! canonical, so that their sum over all values is the identity. Qubits are named by their sites.

use ketch_interface::{BitString, Complex64};

use super::{
    chain::{Chain, mix, upright, weighted},
    linalg::{Mat, norm_sqr, qr},
    matrix::Matrix1,
};
use crate::{Error, memory};

const ZERO: Complex64 = Complex64::ZERO;
const ONE: Complex64 = Complex64::ONE;
const I: Complex64 = Complex64::I;

/// The amplitude of the basis state with these bits by site.
pub(super) fn amplitude(chain: &Chain, bit: impl Fn(usize) -> bool) -> Complex64 {
    let start = Mat::from_element(1, 1, chain.phase());
    let row = chain.sites().iter().enumerate().fold(start, |row, (site, tensor)| {
        let r = tensor.ncols() / 2;
        row * tensor.columns(if bit(site) { r } else { 0 }, r)
    });
    row[(0, 0)]
}

/// All amplitudes; index bit `p` is the qubit at `sites[p]`, and every site is named.
pub(super) fn amplitudes(chain: &Chain, sites: &[usize]) -> Result<Vec<Complex64>, Error> {
    let n = sites.len();
    let bond = chain.sites().iter().map(Mat::nrows).max().unwrap_or(1) as u64;
    let bytes = memory::power_of_two_bytes(n as u64, 48).saturating_mul(u128::from(bond.min(64)));
    require(bytes, chain, || format!("the {n} qubits' amplitudes"))?;
    // Rows are the values of the sites so far, the first site lowest.
    let mut rows = Mat::from_element(1, 1, chain.phase());
    for tensor in chain.sites() {
        chain.cancel().poll()?;
        rows = upright(&(rows * tensor));
    }
    let mut place_of = vec![0; n];
    sites.iter().enumerate().for_each(|(place, &site)| place_of[site] = place);
    let mut amplitudes = vec![ZERO; 1 << n];
    for (value, amplitude) in rows.iter().enumerate() {
        let index = (0..n).fold(0, |index, site| index | (value >> site & 1) << place_of[site]);
        amplitudes[index] = *amplitude;
    }
    Ok(amplitudes)
}

/// Tells the probability of each value of these sites, bit `i` is `sites[i]`; values of less than
/// `least` may be left out. Ends where `tell` fails.
pub(super) fn probabilities(
    chain: &mut Chain,
    sites: &[usize],
    least: f64,
    tell: &mut dyn FnMut(&BitString, f64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut bits = BitString::zeros(sites.len() as u32);
    let (Some(&first), Some(&last)) = (sites.iter().min(), sites.iter().max()) else {
        return tell(&bits, 1.0);
    };
    let start = match first {
        0 => {
            chain.right_canonical()?;
            Mat::from_element(1, 1, ONE)
        }
        _ => chain.left_of(first)?,
    };
    let mut bit_of = vec![None; chain.len()];
    (0..).zip(sites).for_each(|(bit, &site)| bit_of[site] = Some(bit));
    let search = Search { chain, bit_of: &bit_of, last, least };
    search.below(first, &start, &mut bits, tell)
}

/// Goes through the values of some sites, one site after the other.
struct Search<'a> {
    chain: &'a Chain,
    bit_of: &'a [Option<u32>],
    last: usize,
    least: f64,
}

impl Search<'_> {
    /// All values that begin with those that `left` stands for.
    fn below(
        &self,
        site: usize,
        left: &Mat,
        bits: &mut BitString,
        tell: &mut dyn FnMut(&BitString, f64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.chain.cancel().poll()?;
        let probability = norm_sqr(left.as_slice());
        if site > self.last {
            return if probability >= self.least { tell(bits, probability) } else { Ok(()) };
        }
        if probability < self.least {
            return Ok(());
        }
        let both = left * &self.chain.sites()[site];
        let r = both.ncols() / 2;
        let Some(bit) = self.bit_of[site] else {
            return self.below(site + 1, &few_rows(upright(&both)), bits, tell);
        };
        for (value, first) in [(false, 0), (true, r)] {
            bits.set(bit, value);
            self.below(site + 1, &both.columns(first, r).into_owned(), bits, tell)?;
        }
        bits.set(bit, false);
        Ok(())
    }
}

/// A matrix with the same product of its adjoint and itself, of no more rows than columns.
fn few_rows(matrix: Mat) -> Mat {
    if matrix.nrows() > matrix.ncols() { qr(matrix).1 } else { matrix }
}

/// The density matrix of the qubits at these sites, row by row; the first is the low bit of its
/// indices.
pub(super) fn density_matrix(chain: &mut Chain, sites: &[usize]) -> Result<Vec<Complex64>, Error> {
    let (Some(&first), Some(&last)) = (sites.iter().min(), sites.iter().max()) else {
        return Ok(vec![ONE]);
    };
    if let [site] = *sites {
        return Ok(chain.site_density(site)?.concat());
    }
    let dim = 1_usize << sites.len();
    let matrix_bytes = memory::power_of_two_bytes(2 * sites.len() as u64, 16);
    // Rows are what was traced over; columns are (value of the sites so far, bond), bond lower.
    let mut open = chain.left_of(first)?;
    let mut values = vec![0_usize];
    for site in first..=last {
        chain.cancel().poll()?;
        let tensor = &chain.sites()[site];
        let (l, r, rows) = (tensor.nrows(), tensor.ncols() / 2, open.nrows());
        let bytes = matrix_bytes + 16 * 6 * rows as u128 * (values.len() * r) as u128;
        require(bytes, chain, || format!("the density matrix of {} qubits", sites.len()))?;
        let parts: Vec<Mat> = (0..values.len()).map(|v| open.columns(v * l, l) * tensor).collect();
        match sites.iter().position(|&named| named == site) {
            Some(bit) => {
                open = Mat::zeros(rows, 2 * values.len() * r);
                for (v, part) in parts.iter().enumerate() {
                    open.columns_mut(2 * v * r, 2 * r).copy_from(part);
                }
                values = values.iter().flat_map(|&value| [value, value | 1 << bit]).collect();
            }
            None => {
                open = Mat::zeros(2 * rows, values.len() * r);
                for (v, part) in parts.iter().enumerate() {
                    open.columns_mut(v * r, r).copy_from(&upright(part));
                }
                open = few_rows(open);
            }
        }
    }
    let part = open.len() / dim;
    let parts: Vec<&[Complex64]> = open.as_slice().chunks(part).collect();
    let mut entries = vec![ZERO; dim * dim];
    for (row, a) in values.iter().zip(&parts) {
        for (column, b) in values.iter().zip(&parts) {
            entries[row * dim + column] = a.iter().zip(*b).map(|(a, b)| a * b.conj()).sum();
        }
    }
    Ok(entries)
}

/// The expectation value of a Pauli string: letters by site, the identity elsewhere.
pub(super) fn expectation(chain: &mut Chain, letters: &[(usize, u8)]) -> Result<f64, Error> {
    let acting = || letters.iter().filter(|(_, letter)| *letter != b'I').map(|(site, _)| *site);
    let (Some(first), Some(last)) = (acting().min(), acting().max()) else {
        return Ok(1.0);
    };
    let left = chain.left_of(first)?;
    let mut weight = left.adjoint() * &left;
    for site in first..=last {
        chain.cancel().poll()?;
        let tensor = &chain.sites()[site];
        let mut ket = &weight * tensor;
        if let Some((_, letter)) = letters.iter().find(|(named, _)| *named == site) {
            mix(&mut ket, &pauli(*letter));
        }
        weight = upright(tensor).adjoint() * upright(&ket);
    }
    Ok(weight.trace().re)
}

fn pauli(letter: u8) -> Matrix1 {
    match letter {
        b'X' => [[ZERO, ONE], [ONE, ZERO]],
        b'Y' => [[ZERO, -I], [I, ZERO]],
        b'Z' => [[ONE, ZERO], [ZERO, -ONE]],
        _ => [[ONE, ZERO], [ZERO, ONE]],
    }
}

/// Both matrices of a site without the Schmidt values of the bond on its right, row-major.
pub(super) fn vidal(tensor: &Mat, right: &[f64]) -> [Mat; 2] {
    let r = right.len();
    let inverse: Vec<f64> = right.iter().map(|weight| weight.recip()).collect();
    [0, r].map(|first| weighted(&inverse, &tensor.columns(first, r).transpose()).transpose())
}

fn require(needed: u128, chain: &Chain, what: impl FnOnce() -> String) -> Result<(), Error> {
    let needed = needed + u128::from(chain.bytes());
    memory::require(what, needed, chain.max_bytes(), "fewer qubits in what is saved")
}
