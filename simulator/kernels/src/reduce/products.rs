//! Sums of products of two amplitudes: overlaps and Pauli expectations.

use num_complex::Complex;

use super::{Blocks, LANES, Octet, Parts, Summand, octet, padded, pairwise};
use crate::dispatch::Isa;
use crate::index::Walk;
use crate::real::Real;
use crate::threads::Threads;

/// The sum of conj(bra) · ket.
pub(super) fn inner<T: Real>(
    isa: Isa,
    threads: &Threads,
    bra: &[Complex<T>],
    ket: &[Complex<T>],
) -> Complex<f64> {
    let (mut bra_room, mut ket_room) = (Octet::default(), Octet::default());
    let (bra, ket) = (padded(bra, &mut bra_room), padded(ket, &mut ket_room));
    let walk = Walk::new(bra.len(), LANES - 1, 0);
    let blocks = T::sum_overlap(isa, Blocks { threads, walk, pass: Overlap { bra, ket } });
    let real: Vec<f64> = blocks.iter().map(|(real, _)| add(real, [1.0, 1.0], 0)).collect();
    let imag: Vec<f64> = blocks.iter().map(|(_, imag)| add(imag, [1.0, -1.0], 0)).collect();
    Complex::new(pairwise(&real), pairwise(&imag))
}

/// <state| P |state>, with P|j> = i^|x&z| (-1)^|j&z| |j^x>.
pub(super) fn pauli<T: Real>(
    isa: Isa,
    threads: &Threads,
    state: &[Complex<T>],
    x_mask: usize,
    z_mask: usize,
) -> f64 {
    let mut room = Octet::default();
    let state = padded(state, &mut room);
    let walk = Walk::new(state.len(), LANES - 1, 0);
    let high = !(LANES - 1);
    let (flip, swap, z_high) = (x_mask & high, x_mask & (LANES - 1), z_mask & high);
    // P is Hermitian: a real factor leaves the real part of the sum, i or -i the
    // imaginary part, with a minus for the square of i.
    let (signs, sign) = match (x_mask & z_mask).count_ones() % 4 {
        0 => ([1.0, 1.0], 1.0),
        1 => ([1.0, -1.0], -1.0),
        2 => ([1.0, 1.0], -1.0),
        _ => ([1.0, -1.0], 1.0),
    };
    let pass = Flipped { state, flip, swap, z_high, imag: signs[1] < 0.0 };
    let blocks = T::sum_flipped(isa, Blocks { threads, walk, pass });
    let sums: Vec<f64> = blocks.iter().map(|parts| add(parts, signs, z_mask)).collect();
    sign * pairwise(&sums)
}

/// The sum over the lanes: the two parts with their signs, and the lanes that have an
/// odd number of bits in common with `z_mask` with a minus.
fn add(parts: &Parts, signs: [f64; 2], z_mask: usize) -> f64 {
    let lanes = std::array::from_fn::<f64, LANES, _>(|lane| {
        let sum = signs[0] * parts[lane][0] + signs[1] * parts[lane][1];
        if is_odd(lane & z_mask) { -sum } else { sum }
    });
    pairwise(&lanes)
}

#[inline(always)]
fn is_odd(bits: usize) -> bool {
    bits.count_ones() % 2 == 1
}

/// Adds up conj(bra) · ket.
#[derive(Debug)]
pub struct Overlap<'a, T> {
    pub(crate) bra: &'a [Complex<T>],
    pub(crate) ket: &'a [Complex<T>],
}

impl<T: Real> Summand<T> for Overlap<'_, T> {
    /// The summands of the real part, and those of the imaginary part, the second of
    /// each pair yet to be given its minus.
    type Sum = (Parts, Parts);

    #[inline(always)]
    fn add(&self, (real, imag): &mut (Parts, Parts), base: usize) {
        let (bra, ket) = (octet(self.bra, base), octet(self.ket, base));
        for lane in 0..LANES {
            let (bra_re, bra_im) = (bra[lane].re.widen(), bra[lane].im.widen());
            let (ket_re, ket_im) = (ket[lane].re.widen(), ket[lane].im.widen());
            real[lane][0] += bra_re * ket_re;
            real[lane][1] += bra_im * ket_im;
            imag[lane][0] += bra_re * ket_im;
            imag[lane][1] += bra_im * ket_re;
        }
    }
}

/// Adds up the products of each amplitude with its partner under a Pauli string.
#[derive(Debug)]
pub struct Flipped<'a, T> {
    pub(crate) state: &'a [Complex<T>],
    /// The bits of `x` above the octet.
    flip: usize,
    /// The bits of `x` within the octet.
    swap: usize,
    /// The bits of `z` above the octet.
    z_high: usize,
    /// Whether the summands are those of the imaginary part.
    imag: bool,
}

impl<T: Real> Summand<T> for Flipped<'_, T> {
    type Sum = Parts;

    #[inline(always)]
    fn add(&self, sum: &mut Parts, base: usize) {
        let (ket, bra) = (octet(self.state, base), octet(self.state, base ^ self.flip));
        let sign = if is_odd(base & self.z_high) { -1.0 } else { 1.0 };
        for lane in 0..LANES {
            let bra = bra[(lane ^ self.swap) % LANES];
            let (ket_re, ket_im) = (ket[lane].re.widen(), ket[lane].im.widen());
            let (bra_re, bra_im) = (bra.re.widen() * sign, bra.im.widen() * sign);
            let (first, second) = if self.imag { (ket_im, ket_re) } else { (ket_re, ket_im) };
            sum[lane][0] += bra_re * first;
            sum[lane][1] += bra_im * second;
        }
    }
}
