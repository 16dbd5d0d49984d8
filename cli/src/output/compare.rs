//! Two distributions side by side: what an ideal device would read, and what was read.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use ketch::{BitString, Counts};
use serde::Serialize;

use super::{
    bars::bar,
    counts::{SHOWN, bit_order},
    number,
    terminal::Terminal,
};

/// The longest bar, in characters.
const LONGEST_BAR: usize = 16;

/// How far apart two distributions are, each estimated from its shots.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Distance {
    /// Half of the sum of the differences of probabilities: the largest difference of the
    /// probabilities of any event.
    pub(crate) total_variation: f64,
    /// What total variation is to be expected of two runs of one distribution with as many shots.
    pub(crate) total_variation_by_chance: f64,
    /// sqrt(1 - sum of sqrt(p q)).
    pub(crate) hellinger: f64,
    /// (1 - hellinger²)², as Qiskit's `hellinger_fidelity`.
    pub(crate) hellinger_fidelity: f64,
}

impl Distance {
    /// `None` if one has no shots.
    pub(crate) fn between(ideal: &Counts, noisy: &Counts) -> Option<Self> {
        let totals = [ideal, noisy].map(|counts| counts.total() as f64);
        if totals.contains(&0.0) {
            return None;
        }
        let (mut difference, mut overlap, mut chance) = (0.0, 0.0, 0.0);
        for [a, b] in joined(ideal, noisy).into_values() {
            let (p, q) = (a as f64 / totals[0], b as f64 / totals[1]);
            difference += (p - q).abs();
            overlap += (p * q).sqrt();
            // The mean size of a normal number is its spread times sqrt(2 / π).
            let mean = (a + b) as f64 / (totals[0] + totals[1]);
            let variance = mean * (1.0 - mean) * (1.0 / totals[0] + 1.0 / totals[1]);
            chance += (variance * std::f64::consts::FRAC_2_PI).sqrt();
        }
        // Rounding may leave a little more than 1.
        let overlap = overlap.min(1.0);
        Some(Self {
            total_variation: difference / 2.0,
            total_variation_by_chance: chance / 2.0,
            hellinger: (1.0 - overlap).sqrt(),
            hellinger_fidelity: overlap * overlap,
        })
    }
}

/// Both counts of every outcome that either has.
fn joined<'a>(ideal: &'a Counts, noisy: &'a Counts) -> BTreeMap<&'a BitString, [u64; 2]> {
    let mut joined: BTreeMap<&BitString, [u64; 2]> = BTreeMap::new();
    for (side, counts) in [ideal, noisy].into_iter().enumerate() {
        counts.iter().for_each(|(outcome, count)| joined.entry(outcome).or_default()[side] = count);
    }
    joined
}

/// Writes outcomes in the order of their values with both shares, and the distance below. A
/// terminal gets bars, and the most frequent outcomes only.
pub(crate) fn write(
    out: &mut dyn Write,
    ideal: &Counts,
    noisy: &Counts,
    terminal: Terminal,
) -> io::Result<()> {
    writeln!(out, "  {}", bit_order(noisy.registers()))?;
    let totals = [ideal, noisy].map(|counts| counts.total().max(1) as f64);
    let mut rows: Vec<(&BitString, [u64; 2])> = joined(ideal, noisy).into_iter().collect();
    let hidden = if terminal.is_terminal() { rows.len().saturating_sub(SHOWN) } else { 0 };
    if hidden > 0 {
        rows.sort_by_key(|&(outcome, counts)| {
            (std::cmp::Reverse(counts[0].max(counts[1])), outcome)
        });
        rows.truncate(SHOWN);
        rows.sort_by_key(|&(outcome, _)| outcome);
    }
    let label = |outcome: &BitString| outcome.to_register_string(noisy.registers());
    let width = rows.iter().map(|(outcome, _)| label(outcome).chars().count()).max().unwrap_or(0);
    let width = width.max("outcome".len());
    // Two shares of 8 characters, four gaps of 2.
    let room = terminal.width.map_or(0, |columns| columns.saturating_sub(width + 26)) / 2;
    let room = room.min(LONGEST_BAR);
    let side = if room > 0 { room + 10 } else { 8 };
    let heading = format!("  {:width$}  {:side$}  noisy", "outcome", "   ideal");
    writeln!(out, "{}", terminal.bold(&heading))?;
    let most = rows.iter().flat_map(|(_, counts)| shares(*counts, totals)).fold(0.0, f64::max);
    for (outcome, counts) in &rows {
        let [ideal, noisy] = shares(*counts, totals).map(|share| {
            format!("{:>8}  {}", number::percent(share), bar(share / most, room))
                .trim_end()
                .to_owned()
        });
        writeln!(out, "  {:width$}  {ideal:side$}  {noisy}", label(outcome))?;
    }
    if hidden > 0 {
        writeln!(out, "  … and {hidden} more; --json has all")?;
    }
    if let Some(distance) = Distance::between(ideal, noisy) {
        writeln!(
            out,
            "  total variation {:.4} (by chance alone about {:.4}), Hellinger distance {:.4}, \
             fidelity {:.4}",
            distance.total_variation,
            distance.total_variation_by_chance,
            distance.hellinger,
            distance.hellinger_fidelity
        )?;
    }
    Ok(())
}

fn shares(counts: [u64; 2], totals: [f64; 2]) -> [f64; 2] {
    [0, 1].map(|side| counts[side] as f64 / totals[side])
}

#[cfg(test)]
mod tests {
    use ketch::circuit::Register;

    use super::*;

    fn counts(of: &[(u64, u64)]) -> Counts {
        let mut counts = Counts::new(vec![Register::new("c", 0, 2)]);
        of.iter().for_each(|&(value, count)| counts.add(BitString::from_u64(2, value), count));
        counts
    }

    #[test]
    fn distances_are_those_of_the_definitions() {
        let same = counts(&[(0, 50), (3, 50)]);
        let found = Distance::between(&same, &same).unwrap();
        assert_eq!((found.total_variation, found.hellinger_fidelity), (0.0, 1.0));
        assert!(found.total_variation_by_chance > 0.0 && found.hellinger < 1e-7);
        let other = counts(&[(1, 7)]);
        let found = Distance::between(&same, &other).unwrap();
        assert_eq!((found.total_variation, found.hellinger), (1.0, 1.0));
        assert_eq!(found.hellinger_fidelity, 0.0);
        let noisy = counts(&[(0, 400), (1, 100), (3, 500)]);
        let found = Distance::between(&same, &noisy).unwrap();
        assert!((found.total_variation - 0.1).abs() < 1e-12);
        let overlap = 0.2_f64.sqrt() + 0.5;
        assert!((found.hellinger_fidelity - overlap * overlap).abs() < 1e-12);
        assert_eq!(Distance::between(&same, &counts(&[])), None);
    }

    #[test]
    fn both_sides_stand_beside_each_other() {
        let written = |terminal| {
            let mut text = Vec::new();
            let noisy = counts(&[(0, 400), (1, 100), (3, 500)]);
            write(&mut text, &counts(&[(0, 500), (3, 500)]), &noisy, terminal).unwrap();
            String::from_utf8(text).unwrap()
        };
        let plain = written(Terminal::NONE);
        let lines: Vec<&str> = plain.lines().collect();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(lines[1]), "outcome ideal noisy");
        assert_eq!(words(lines[2]), "00 50.0 % 40.0 %");
        assert_eq!(words(lines[3]), "01 0.0 % 10.0 %");
        assert!(lines[5].starts_with("  total variation 0.1000 (by chance"), "{}", lines[5]);
        let drawn = written(Terminal { width: Some(80), colour: false });
        assert!(
            drawn.contains("█") && drawn.lines().take(5).all(|line| line.chars().count() <= 80)
        );
    }
}
