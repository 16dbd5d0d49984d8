//! From unitaries to parts: runs on one place become one real rotation between phases, X and SWAP
//! become names, everything diagonal on two places becomes phases.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

use ketch_interface::Complex64;
use ketch_kernels::{Controls, Interaction};

use super::{
    cartan::Cartan,
    euler::{Euler, unitarity_defect},
    pair::Controlled,
    part::{Part, Touch},
};
use crate::dense::apply::{Action, Apply, Matrix1, bits, product};

/// Beyond this, a matrix is taken for what it is, and not for the unitary next to it.
const UNITARY: f64 = 1e-12;

/// Unitaries that are being taken apart.
#[derive(Debug)]
pub(super) struct Merging {
    /// What waits on each place for something to merge with.
    waiting: Vec<Option<Matrix1>>,
    /// Where each place is now: exchanges are done by name, until the end.
    at: Vec<usize>,
    /// Places whose value is the opposite of what the state says: X is done by name too.
    flipped: usize,
    parts: Vec<Part>,
    /// The interaction that was the last to touch a place of the state.
    latest: Vec<Option<usize>>,
    /// The phase of everything.
    constant: f64,
}

impl Merging {
    pub(super) fn new(n_places: usize) -> Self {
        Self {
            waiting: vec![None; n_places],
            at: (0..n_places).collect(),
            flipped: 0,
            parts: Vec::new(),
            latest: vec![None; n_places],
            constant: 0.0,
        }
    }

    /// The parts in order, and the phase of everything. Exchanges cost nothing if the state is
    /// |0…0> at first: then all places are named so that in the end they are at home.
    pub(super) fn finish(mut self, from_zero: bool) -> (Vec<Part>, f64) {
        let n_places = self.at.len();
        self.flush(all(n_places));
        self.unflip(all(n_places));
        if from_zero {
            let mut home = vec![0; n_places];
            self.at.iter().enumerate().for_each(|(place, &at)| home[at] = place);
            let parts = self.parts.into_iter().map(|part| part.mapped(|place| home[place]));
            return (parts.collect(), self.constant);
        }
        for place in 0..n_places {
            // Each exchange brings one place home.
            let home = self.at.iter().position(|&at| at == place).expect("a permutation");
            if home != place {
                let away = self.at[place];
                self.push(Part::Swap { places: [place, away] });
                self.at.swap(place, home);
            }
        }
        (self.parts, self.constant)
    }

    /// Whether a unitary that is not diagonal waits on this place.
    pub(super) fn mixes(&self, place: usize) -> bool {
        self.waiting[place].is_some_and(|matrix| !is_diagonal(&matrix))
    }

    pub(super) fn take(&mut self, apply: &Apply<f64>) {
        let controls = apply.controls;
        if let Some((place, matrix)) = apply.as_matrix1()
            && unitarity_defect(&matrix) < UNITARY
        {
            return self.one(place, &matrix);
        }
        if let Some((places, angles)) = apply.quadratic() {
            return self.diagonal(places, angles);
        }
        match apply.action {
            Action::Phase(phase) if controls == Controls::NONE && is_phase(phase) => {
                self.constant += phase.arg();
            }
            Action::Swap { places: [a, b] } if controls == Controls::NONE => {
                self.at.swap(a, b);
                self.waiting.swap(a, b);
                let differ = (self.flipped >> a ^ self.flipped >> b) & 1;
                self.flipped ^= differ << a | differ << b;
            }
            Action::X { place } if controls.mask().is_power_of_two() => {
                let control = controls.mask().trailing_zeros() as usize;
                self.cx(control, place, controls.value() != 0);
            }
            Action::Pauli { x, z } if controls == Controls::NONE => self.pauli(x, z),
            _ => self.whole(apply),
        }
    }

    /// A unitary on one place.
    pub(super) fn one(&mut self, place: usize, matrix: &Matrix1) {
        let waiting = &mut self.waiting[place];
        *waiting = Some(waiting.as_ref().map_or(*matrix, |first| product(matrix, first)));
    }

    /// The phases `angles` by the values of two places, the first as the low bit.
    pub(super) fn diagonal(&mut self, places: [usize; 2], angles: [f64; 4]) {
        for place in places {
            if self.mixes(place) {
                self.flush(1 << place);
            }
        }
        let flips = self.flips(places);
        let [none, low, high, both] = [0, 1, 2, 3].map(|value: usize| angles[value ^ flips]);
        self.constant += none;
        let places = places.map(|place| self.at[place]);
        self.phase(places[0], low - none);
        self.phase(places[1], high - none);
        let angle = within_a_turn(both - low - high + none);
        if !is_nothing(angle) {
            self.push(Part::PairPhase { places, angle });
        }
    }

    /// X on `target` where `control` is 1, or 0 if it is not `at_one`.
    pub(super) fn cx(&mut self, control: usize, target: usize, at_one: bool) {
        self.flush(1 << target);
        if self.mixes(control) {
            self.flush(1 << control);
        }
        let inverted = (self.flipped >> control & 1 == 1) == at_one;
        self.flipped ^= usize::from(inverted) << target;
        self.push(Part::Flip { target: self.at[target], control: Some(self.at[control]) });
    }

    /// A unitary on one of two places that only looks at the other.
    pub(super) fn controlled(&mut self, places: [usize; 2], controlled: &Controlled) {
        let Controlled { control, before, angles: [zero, one], after } = controlled;
        let target = places[1 - control];
        self.one(target, before);
        let angles = if *control == 0 { [0.0, *zero, 0.0, *one] } else { [0.0, 0.0, *zero, *one] };
        self.diagonal(places, angles);
        self.one(target, after);
    }

    /// An interaction between local unitaries.
    pub(super) fn cartan(&mut self, places: [usize; 2], cartan: &Cartan) {
        let [a, b, c] = cartan.interaction;
        self.constant += cartan.whole;
        for (place, matrix) in places.iter().zip(&cartan.before) {
            self.one(*place, matrix);
        }
        if a != 0.0 || b != 0.0 {
            // Between phases of a quarter turn on one place, exp(i (a XX + b YY)) is a rotation of
            // (00, 11) by a - b and of (10, 01) by a + b.
            self.one(places[0], &quarter(-1.0));
            self.flush(1 << places[0] | 1 << places[1]);
            self.pair_turn(places, rotation(a - b), rotation(a + b));
            self.one(places[0], &quarter(1.0));
        }
        if c != 0.0 {
            self.diagonal(places, [c, -c, -c, c]);
        }
        for (place, matrix) in places.iter().zip(&cartan.after) {
            self.one(*place, matrix);
        }
    }

    /// An interaction between local unitaries that mixes all, with what comes before it at once.
    pub(super) fn interaction(&mut self, places: [usize; 2], cartan: &Cartan) {
        let [a, b, c] = cartan.interaction;
        self.constant += cartan.whole;
        for (place, matrix) in places.iter().zip(&cartan.before) {
            self.one(*place, matrix);
        }
        // As in `cartan`: between these, XX and YY are rotations.
        self.one(places[0], &quarter(-1.0));
        let (mut turns, mut phases, mut scale) = ([0.0; 2], [0.0; 2], 1.0);
        for (at, place) in places.into_iter().enumerate() {
            let turned = self.turned(place);
            (turns[at], phases[at]) = (turned.tangent, turned.after);
            scale *= turned.scale;
        }

        let flips = self.flips(places);
        let [mut even, mut odd] = [a - b, a + b];
        if flips.count_ones() == 1 {
            std::mem::swap(&mut even, &mut odd);
        }
        let sign = if flips & 1 == 1 { -1.0 } else { 1.0 };
        let [even, odd] = [even, odd].map(|angle| Steep::of(sign * angle));
        // The phases of both amplitudes of a pair: one between them, before they are mixed, and
        // one that they share, which can wait.
        let (between, shared) = ([phases[0] + phases[1], phases[1] - phases[0]], [0.0, phases[0]]);
        let parity = if flips.count_ones() == 1 { -c } else { c };
        let mut after = [0.0; 4];
        for (pair, [first, second]) in [[0, 3], [2, 1]].into_iter().enumerate() {
            let (steep, strength) = if pair == 0 { (&even, parity) } else { (&odd, -parity) };
            after[first] = shared[pair] + strength;
            after[second] = shared[pair] + strength;
            // What exchanges them by name afterwards turns one sign.
            after[if steep.quarters > 0.0 { second } else { first }] +=
                if steep.is_steep() { PI } else { 0.0 };
        }
        let [whole, rest @ ..] = after;
        self.constant += whole;
        let interaction = Interaction {
            turns,
            phases: between,
            mixes: [even.tangent, odd.tangent],
            scales: [scale * even.cos, scale * odd.cos],
            after: rest.map(|angle| angle - whole),
        };
        let at = places.map(|place| self.at[place]);
        self.push(Part::Interaction { places: at, interaction: Box::new(interaction) });

        // To exchange 00 with 11 and 10 with 01 is X on both; one pair alone, SWAP too.
        if even.is_steep() {
            self.flipped ^= 1 << places[0] | 1 << places[1];
        }
        if even.is_steep() != odd.is_steep() {
            self.at.swap(places[0], places[1]);
        }
        self.one(places[0], &quarter(1.0));
        for (place, matrix) in places.iter().zip(&cartan.after) {
            self.one(*place, matrix);
        }
    }

    /// What waits on a place as a rotation by at most an eighth of a turn, the phase before it done
    /// and X behind it by name.
    fn turned(&mut self, place: usize) -> Turned {
        let one = [[Complex64::ONE, Complex64::ZERO], [Complex64::ZERO, Complex64::ONE]];
        let euler = Euler::of(&self.waiting[place].take().unwrap_or(one));
        self.constant += euler.whole;
        self.flip_phase(place, euler.before);
        let sign = if self.flipped >> place & 1 == 1 { -1.0 } else { 1.0 };
        let (tangent, scale, after) = if euler.sin > euler.cos {
            // [[0, -1], [1, 0]] is minus Z X.
            self.flipped ^= 1 << place;
            self.constant += PI;
            (-euler.cos / euler.sin, euler.sin, euler.after + PI)
        } else {
            (euler.sin / euler.cos, euler.cos, euler.after)
        };
        if self.flipped >> place & 1 == 1 {
            self.constant += after;
            return Turned { tangent: sign * tangent, scale, after: -after };
        }
        Turned { tangent: sign * tangent, scale, after }
    }

    fn pair_turn(&mut self, places: [usize; 2], even: [[f64; 2]; 2], odd: [[f64; 2]; 2]) {
        let (mut even, mut odd) = (even, odd);
        let flips = self.flips(places);
        if flips.count_ones() == 1 {
            std::mem::swap(&mut even, &mut odd);
        }
        if flips & 1 == 1 {
            (even, odd) = (reversed(even), reversed(odd));
        }
        let places = places.map(|place| self.at[place]);
        self.push(Part::PairTurn { places, even, odd });
    }

    fn pauli(&mut self, x: usize, z: usize) {
        let (zero, one) = (Complex64::ZERO, Complex64::ONE);
        for place in bits(x | z) {
            let matrix = match (x >> place & 1, z >> place & 1) {
                (1, 0) => [[zero, one], [one, zero]],
                (0, _) => [[one, zero], [zero, -one]],
                _ => [[zero, -Complex64::I], [Complex64::I, zero]],
            };
            self.one(place, &matrix);
        }
    }

    fn whole(&mut self, apply: &Apply<f64>) {
        self.flush(apply.mask());
        self.unflip(apply.mask());
        self.push(Part::Whole(Box::new(apply.mapped(|place| self.at[place]))));
    }

    /// Gives out what waits on the places of a mask.
    fn flush(&mut self, mask: usize) {
        for place in bits(mask) {
            let Some(matrix) = self.waiting[place].take() else { continue };
            let mut euler = Euler::of(&matrix);
            self.constant += euler.whole;
            if euler.cos == 0.0 {
                // [[0, -1], [1, 0]] is minus Z X.
                self.flip_phase(place, euler.before);
                self.flipped ^= 1 << place;
                self.constant += PI;
                self.flip_phase(place, euler.after + PI);
                continue;
            }
            if euler.sin == 0.0 {
                self.flip_phase(place, euler.before + euler.after);
                continue;
            }
            let mut turn = [[euler.cos, -euler.sin], [euler.sin, euler.cos]];
            // Half a turn is a sign, which costs nothing in a matrix that stays cheap.
            let cheap = euler.cos >= euler.sin * (1.0 - 1e-9);
            let [before, after] =
                [euler.before, euler.after].map(|angle| is_whole_turn(angle - PI));
            if cheap || before && after {
                if before {
                    turn = turn.map(|[a, b]| [a, -b]);
                    euler.before = 0.0;
                }
                if after {
                    turn[1] = turn[1].map(|entry| -entry);
                    euler.after = 0.0;
                }
            }
            self.flip_phase(place, euler.before);
            if self.flipped >> place & 1 == 1 {
                turn = reversed(turn);
            }
            self.push(Part::Turn { place: self.at[place], matrix: turn });
            self.flip_phase(place, euler.after);
        }
    }

    /// Does the X that were done by name.
    fn unflip(&mut self, mask: usize) {
        for place in bits(self.flipped & mask) {
            self.push(Part::Flip { target: self.at[place], control: None });
        }
        self.flipped &= !mask;
    }

    /// A phase where a place is 1, by its name.
    fn flip_phase(&mut self, place: usize, angle: f64) {
        if self.flipped >> place & 1 == 1 {
            self.constant += angle;
            self.phase(self.at[place], -angle);
        } else {
            self.phase(self.at[place], angle);
        }
    }

    fn phase(&mut self, place: usize, angle: f64) {
        let angle = within_a_turn(angle);
        if is_nothing(angle) {
            return;
        }
        if let Some(at) = self.latest[place]
            && let Part::Interaction { places, interaction } = &mut self.parts[at]
        {
            // It ends with phases, which take this one in.
            let [low, high, both] = &mut interaction.after;
            *both += angle;
            *(if place == places[0] { low } else { high }) += angle;
            return;
        }
        self.push(Part::Phase { place, angle });
    }

    fn push(&mut self, part: Part) {
        let Touch { moved, read } = part.touch();
        let latest = matches!(part, Part::Interaction { .. }).then_some(self.parts.len());
        bits(moved | read).for_each(|place| self.latest[place] = latest);
        self.parts.push(part);
    }

    fn flips(&self, [a, b]: [usize; 2]) -> usize {
        self.flipped >> a & 1 | (self.flipped >> b & 1) << 1
    }
}

/// A rotation on a place, by its tangent and its cosine, and the phase behind it where the place is 1.
struct Turned {
    tangent: f64,
    scale: f64,
    after: f64,
}

/// A rotation by at most an eighth of a turn, and quarter turns behind it.
struct Steep {
    tangent: f64,
    cos: f64,
    /// -1, 0 or 1.
    quarters: f64,
}

impl Steep {
    /// Of an angle of at most a quarter turn.
    fn of(angle: f64) -> Self {
        let quarters = match angle.abs() > FRAC_PI_4 {
            true => angle.signum(),
            false => 0.0,
        };
        let (sin, cos) = (angle - quarters * FRAC_PI_2).sin_cos();
        Self { tangent: sin / cos, cos, quarters }
    }

    fn is_steep(&self) -> bool {
        self.quarters != 0.0
    }
}

/// A phase of so many quarter turns where a place is 1.
fn quarter(quarters: f64) -> Matrix1 {
    let phase = Complex64::new(0.0, quarters);
    [[Complex64::ONE, Complex64::ZERO], [Complex64::ZERO, phase]]
}

/// Whether a phase is nothing, up to rounding.
fn is_whole_turn(angle: f64) -> bool {
    is_nothing(within_a_turn(angle))
}

/// Whether a phase of less than a turn is nothing, up to rounding.
fn is_nothing(angle: f64) -> bool {
    angle.min(TAU - angle) < 1e-15
}

/// The phase without whole turns: most have none, and a division takes its time.
fn within_a_turn(angle: f64) -> f64 {
    if (0.0..TAU).contains(&angle) { angle } else { angle.rem_euclid(TAU) }
}

fn rotation(angle: f64) -> [[f64; 2]; 2] {
    let (sin, cos) = angle.sin_cos();
    [[cos, -sin], [sin, cos]]
}

/// The same with both basis states exchanged.
fn reversed([[a, b], [c, d]]: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
    [[d, c], [b, a]]
}

fn is_diagonal([[_, b], [c, _]]: &Matrix1) -> bool {
    *b == Complex64::ZERO && *c == Complex64::ZERO
}

fn is_phase(entry: Complex64) -> bool {
    (entry.norm_sqr() - 1.0).abs() < UNITARY
}

fn all(n_places: usize) -> usize {
    1_usize.checked_shl(n_places as u32).map_or(usize::MAX, |bit| bit - 1)
}

impl Apply<f64> {
    /// The phases of a diagonal unitary on two places by their values, the first as the low bit.
    pub(super) fn quadratic(&self) -> Option<([usize; 2], [f64; 4])> {
        let mask = self.mask();
        if mask.count_ones() != 2 || self.moved() != 0 {
            return None;
        }
        let mut places = bits(mask);
        let places = [places.next()?, places.next()?];
        let factors = [0, 1, 2, 3].map(|value| {
            let index = (value & 1) << places[0] | (value >> 1) << places[1];
            self.factor(index)
        });
        factors
            .iter()
            .all(|factor| is_phase(*factor))
            .then(|| (places, factors.map(Complex64::arg)))
    }

    /// What a diagonal unitary multiplies a basis state by.
    pub(super) fn factor(&self, index: usize) -> Complex64 {
        let one = Complex64::ONE;
        if !self.controls.admits(index) {
            return one;
        }
        match &self.action {
            Action::Phase(phase) => *phase,
            Action::Diagonal1 { place, entries } => entries[index >> place & 1],
            Action::Diagonal { places, entries } => {
                let value = |(bit, place): (usize, &usize)| (index >> place & 1) << bit;
                entries[places.iter().enumerate().map(value).sum::<usize>()]
            }
            _ => unreachable!("only diagonal unitaries move nothing"),
        }
    }
}
