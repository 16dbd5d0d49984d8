//! What was saved: amplitudes, matrices, probabilities and numbers, for people.

use std::io::{self, Write};

use ketch::{Complex64, result::Data};

use super::{bars::bar, counts::SHOWN, number, terminal::Terminal};

/// A state of more amplitudes than this is summarised on a terminal.
const MANY: usize = 1 << 12;

/// A matrix of more rows than this is not printed for people.
const WIDEST_MATRIX: usize = 16;

/// A probability below this is rounding, not physics.
const NEGLIGIBLE: f64 = 1e-20;

const LONGEST_BAR: usize = 30;

/// Writes something saved under its key.
pub(crate) fn write(
    out: &mut dyn Write,
    key: &str,
    data: &Data,
    terminal: Terminal,
) -> io::Result<()> {
    match data {
        Data::Number(number) => writeln!(out, "  {key}: {}", number::real(*number)),
        Data::Reals(numbers) => {
            let rows = States::new(numbers.len(), |index| numbers[index], |_| String::new());
            rows.write(out, key, terminal)
        }
        Data::Vector(amplitudes) => {
            let rows = States::new(
                amplitudes.len(),
                |index| amplitudes[index].norm_sqr(),
                |index| format!("  {:>22}", number::complex(amplitudes[index])),
            );
            rows.write(out, key, terminal)
        }
        Data::Matrix { dim, entries } => write_matrix(out, key, *dim, entries),
        Data::List(items) => match items.as_slice() {
            [only] => write(out, key, only, terminal),
            _ => writeln!(out, "  {key}: {} values; --json has them", items.len()),
        },
        Data::Json(value) => writeln!(out, "  {key}: {value}"),
        other => writeln!(out, "  {key}: {other:?}"),
    }
}

/// Basis states with a probability and perhaps an amplitude each.
struct States<P, L> {
    len: usize,
    probability: P,
    label: L,
}

impl<P: Fn(usize) -> f64, L: Fn(usize) -> String> States<P, L> {
    fn new(len: usize, probability: P, label: L) -> Self {
        Self { len, probability, label }
    }

    fn write(&self, out: &mut dyn Write, key: &str, terminal: Terminal) -> io::Result<()> {
        let n_qubits = self.len.max(1).ilog2();
        writeln!(out, "  {key} of {}, |…q1q0⟩:", number::count_of(n_qubits.into(), "qubit"))?;
        let (rows, present) = self.rows(terminal);
        let most = rows.iter().map(|&(_, probability)| probability).fold(0.0, f64::max);
        for &(index, probability) in &rows {
            let (ket, label) = (number::ket(n_qubits, index), (self.label)(index));
            let line = format!("  {ket}{label}  {}", number::percent(probability));
            let room = terminal.width.unwrap_or(0).saturating_sub(line.chars().count() + 3);
            let bar = bar(probability / most, room.min(LONGEST_BAR));
            let gap = if bar.is_empty() { "" } else { "  " };
            writeln!(out, "{line}{gap}{bar}")?;
        }
        if present > rows.len() {
            let hidden = present - rows.len();
            writeln!(out, "  … and {hidden} more; --json or -O FILE.npy has all")?;
        }
        let zero = self.len - present;
        if zero > 0 {
            writeln!(out, "  the other {zero} of {} basis states have probability 0", self.len)?;
        }
        Ok(())
    }

    /// The basis states to show, in order, and how many are not negligible.
    fn rows(&self, terminal: Terminal) -> (Vec<(usize, f64)>, usize) {
        let all = (0..self.len).map(|index| (index, (self.probability)(index)));
        let mut rows: Vec<(usize, f64)> = all
            .filter(|(_, probability)| probability.is_nan() || *probability > NEGLIGIBLE)
            .collect();
        let present = rows.len();
        if terminal.is_terminal() && self.len > MANY && present > SHOWN {
            rows.sort_by(|(i, a), (j, b)| b.total_cmp(a).then(i.cmp(j)));
            rows.truncate(SHOWN);
            rows.sort_by_key(|&(index, _)| index);
        }
        (rows, present)
    }
}

fn write_matrix(
    out: &mut dyn Write,
    key: &str,
    dim: usize,
    entries: &[Complex64],
) -> io::Result<()> {
    writeln!(out, "  {key}, {dim} × {dim}, rows and columns |…q1q0⟩ from 0:")?;
    if dim > WIDEST_MATRIX {
        return writeln!(out, "  too wide to print; --json or -O FILE.npy has it");
    }
    entries.chunks(dim.max(1)).try_for_each(|row| {
        let row: Vec<String> =
            row.iter().map(|&entry| format!("{:>20}", number::complex(entry))).collect();
        writeln!(out, "  {}", row.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(data: &Data, terminal: Terminal) -> String {
        let mut text = Vec::new();
        write(&mut text, "statevector", data, terminal).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_state_is_written_in_kets() {
        let half = 0.5f64.sqrt();
        let (zero, one) = (Complex64::ZERO, Complex64::new(0.0, -half));
        let state = Data::Vector(vec![Complex64::from(half), zero, zero, one].into());
        let expected = [
            "  statevector of 2 qubits, |…q1q0⟩:",
            "  |00⟩      0.707107+0.000000i   50.0 %",
            "  |11⟩      0.000000-0.707107i   50.0 %",
            "  the other 2 of 4 basis states have probability 0",
        ];
        let text = written(&state, Terminal::NONE);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_large_state_is_summarised_on_a_terminal_only() {
        let state = Data::Vector(vec![Complex64::ONE; 2 * MANY].into());
        let terminal = Terminal { width: Some(80), colour: false };
        assert_eq!(written(&state, terminal).lines().count(), 1 + SHOWN + 1);
        assert_eq!(written(&state, Terminal::NONE).lines().count(), 1 + 2 * MANY);
        let small = Data::Vector(vec![Complex64::ONE; MANY].into());
        assert_eq!(written(&small, terminal).lines().count(), 1 + MANY);
    }

    #[test]
    fn matrices_are_printed_while_they_fit() {
        let matrix =
            |dim: usize| Data::Matrix { dim, entries: vec![Complex64::I; dim * dim].into() };
        let text = written(&matrix(2), Terminal::NONE);
        let row = "    0.000000+1.000000i   0.000000+1.000000i";
        assert_eq!(text.lines().filter(|line| *line == row).count(), 2, "{text}");
        assert!(written(&matrix(32), Terminal::NONE).contains("too wide"));
    }
}
