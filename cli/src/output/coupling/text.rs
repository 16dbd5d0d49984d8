//! A device in lines of text.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Coupling, Device, layout::size, percent};

/// Characters between two qubits where error rates are written, and where lines only show which
/// third of all they are in.
const WIDE: usize = 8;
const NARROW: usize = 2;

/// Lines between neighbours and lines down, from the best third to the worst.
const ACROSS: [char; 3] = ['━', '─', '┄'];
const DOWN: [char; 3] = ['┃', '│', '┆'];

pub(super) fn draw(device: &Device, width: Option<usize>) -> String {
    let Some(grid) = &device.grid else { return list(device, width) };
    let digits = device.qubits.len().saturating_sub(1).to_string().len();
    let columns = size(grid)[0].max(1) as usize;
    let room = width.unwrap_or(usize::MAX);
    let is_known = device.errors().next().is_some();
    match columns * (digits + WIDE) - WIDE <= room && is_known {
        true => on_grid(device, grid, digits, WIDE) + "error of the gate on both, in %\n",
        false => on_grid(device, grid, digits, NARROW) + &legend(device),
    }
}

/// Qubits by their numbers, a line of qubits and one between them in turn.
fn on_grid(device: &Device, grid: &[[i32; 2]], digits: usize, gap: usize) -> String {
    let [columns, rows] = size(grid).map(|n| n.max(0) as usize);
    let pitch = digits + gap;
    let mut lines = vec![vec![' '; columns * pitch]; 2 * rows];
    let mut write = |line: usize, column: usize, text: &str| {
        for (place, c) in (column..).zip(text.chars()) {
            if let Some(cell) = lines[line].get_mut(place) {
                *cell = c;
            }
        }
    };
    for (qubit, [column, row]) in grid.iter().enumerate() {
        write(2 * *row as usize, *column as usize * pitch, &format!("{qubit:>digits$}"));
    }
    let thirds = thirds(device);
    for coupling in &device.couplings {
        let [a, b] = coupling.qubits.map(|qubit| grid[qubit]);
        let (column, row) = (a[0].min(b[0]) as usize, a[1].min(b[1]) as usize);
        let at = column * pitch + digits;
        let third = third(coupling, thirds);
        let rate = coupling.error().map(percent);
        match (a[1] == b[1], gap) {
            (true, WIDE) => {
                let line = rate.map_or_else(|| "──────".to_owned(), |rate| format!("─{rate:─<4}─"));
                write(2 * row, at + 1, &line);
            }
            (true, _) => write(2 * row, at, &ACROSS[third].to_string().repeat(gap)),
            (false, WIDE) => write(2 * row + 1, at - 1, &format!("│{}", rate.unwrap_or_default())),
            (false, _) => write(2 * row + 1, at - 1, &DOWN[third].to_string()),
        }
    }
    let mut text = String::new();
    let lines: Vec<String> = lines.iter().map(|line| line.iter().collect()).collect();
    let last = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    for line in &lines[..last] {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// The bounds of the best and of the second third; `None` if all are alike or none is known.
fn thirds(device: &Device) -> Option<[f64; 2]> {
    let mut errors: Vec<f64> = device.errors().collect();
    errors.sort_by(f64::total_cmp);
    let (first, last) = (errors.first()?, errors.last()?);
    (first < last).then(|| [errors.len() / 3, errors.len() * 2 / 3].map(|at| errors[at]))
}

fn third(coupling: &Coupling, thirds: Option<[f64; 2]>) -> usize {
    match (coupling.error(), thirds) {
        (Some(error), Some(bounds)) => bounds.iter().filter(|bound| error >= **bound).count(),
        _ => 1,
    }
}

fn legend(device: &Device) -> String {
    let Some([low, high]) = thirds(device).map(|bounds| bounds.map(percent)) else {
        return String::new();
    };
    format!("error of the gate on both: ━ below {low} %, ─ below {high} %, ┄ above\n")
}

/// What is coupled to each qubit, for devices that do not fit a grid.
fn list(device: &Device, width: Option<usize>) -> String {
    let mut of: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for coupling in &device.couplings {
        let [a, b] = coupling.qubits;
        let rate = coupling.error().map(|error| format!(" {}", percent(error)));
        of.entry(a).or_default().push(format!("{b}{}", rate.unwrap_or_default()));
    }
    let room = width.unwrap_or(80);
    let mut text = String::new();
    for (qubit, others) in of {
        let mut line = format!("{qubit:>4} ─");
        for other in others {
            let entry = format!(" {other:<8}");
            if line.chars().count() + entry.len() > room {
                let _ = writeln!(text, "{}", line.trim_end());
                line = "      ".to_owned();
            }
            line.push_str(&entry);
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if device.errors().next().is_some() {
        text.push_str("behind each: error of the gate on both, in %\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{
        layout::tests::{FALCON, eagle},
        tests::device,
    };

    #[test]
    fn five_qubits_are_drawn_with_their_rates() {
        let text = device(5, &[(0, 1), (1, 2), (1, 3), (3, 4)]).text(Some(80));
        let rates = ["1.00", "2.00", "3.00", "4.00"];
        assert!(rates.iter().all(|rate| text.contains(rate)), "{text}");
        assert!(text.contains("─1.00─") && text.lines().count() <= 6, "{text}");
    }

    #[test]
    fn lattices_fit_a_terminal() {
        for (n, pairs) in [(27, FALCON.to_vec()), (127, eagle())] {
            let text = device(n, &pairs).text(Some(80));
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            assert!(text.lines().count() < 30, "{text}");
            let words: Vec<&str> =
                text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).collect();
            assert!((0..n).all(|qubit| words.contains(&&*qubit.to_string())), "{text}");
            let wide = device(n, &pairs).text(None);
            assert!(wide.contains("─1.00─") || wide.contains("│1.00"), "{wide}");
        }
    }

    #[test]
    fn what_fits_no_grid_is_listed() {
        let text = device(5, &[(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (2, 4)]).text(None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0].split_whitespace().collect::<Vec<_>>(),
            ["0", "─", "1", "1.00", "2", "2.00"]
        );
        assert_eq!(lines.len(), 5, "{text}");
    }
}
