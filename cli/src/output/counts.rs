//! How often each outcome was seen: a table with bars.

use std::io::{self, Write};

use ketch::{
    BitString, Counts,
    circuit::Register,
    result::{ExperimentResult, Memory},
};

use super::{bars::bar, number, terminal::Terminal};

/// How many outcomes a terminal shows.
pub(crate) const SHOWN: usize = 32;

/// The longest bar, in characters.
const LONGEST_BAR: usize = 40;

/// How many shots of the memory a terminal shows.
const SHOTS_SHOWN: usize = 64;

/// Writes outcomes in the order of their values, their counts and shares. A terminal gets bars,
/// and the most frequent outcomes only.
pub(crate) fn write(out: &mut dyn Write, counts: &Counts, terminal: Terminal) -> io::Result<()> {
    writeln!(out, "  {}", bit_order(counts.registers()))?;
    let mut rows: Vec<(&BitString, u64)> = counts.iter().collect();
    let hidden = if terminal.is_terminal() { rows.len().saturating_sub(SHOWN) } else { 0 };
    if hidden > 0 {
        rows.sort_by_key(|&(outcome, count)| (std::cmp::Reverse(count), outcome));
        rows.truncate(SHOWN);
        rows.sort_by_key(|&(outcome, _)| outcome);
    }
    let total = counts.total().max(1) as f64;
    let most = rows.iter().map(|&(_, count)| count).max().unwrap_or(1);
    let digits = most.to_string().len();
    for &(outcome, count) in &rows {
        let label = outcome.to_register_string(counts.registers());
        let label = if label.is_empty() { "(no bits)" } else { &label };
        let share = number::percent(count as f64 / total);
        let line = format!("  {label}  {count:>digits$}  {share}");
        let room = terminal.width.map_or(0, |width| width.saturating_sub(line.chars().count() + 3));
        let bar = bar(count as f64 / most as f64, room.min(LONGEST_BAR));
        let gap = if bar.is_empty() { "" } else { "  " };
        writeln!(out, "{line}{gap}{bar}")?;
    }
    if hidden > 0 {
        writeln!(out, "  … and {hidden} more; --json or -O FILE.csv has all")?;
    }
    Ok(())
}

/// Writes the outcome of every shot, in order.
pub(crate) fn write_memory(
    out: &mut dyn Write,
    experiment: &ExperimentResult,
    memory: &Memory,
    terminal: Terminal,
) -> io::Result<()> {
    let shown = if terminal.is_terminal() { SHOTS_SHOWN } else { usize::MAX };
    writeln!(out, "  memory, one line a shot:")?;
    for shot in memory.iter().take(shown) {
        writeln!(out, "  {}", shot.to_register_string(&experiment.registers))?;
    }
    let hidden = memory.len().saturating_sub(shown);
    if hidden > 0 {
        writeln!(out, "  … and {hidden} more; --json has all")?;
    }
    Ok(())
}

/// Which clbit stands where: `bits: d[0] c[1]c[0]; the rightmost is clbit 0`.
pub(crate) fn bit_order(registers: &[Register]) -> String {
    let names: Vec<String> = registers.iter().rev().map(bits_of).collect();
    let names =
        if names.is_empty() { String::new() } else { format!("bits: {}; ", names.join(" ")) };
    format!("{names}the rightmost is clbit 0")
}

fn bits_of(register: &Register) -> String {
    let name = super::table::one_line(&register.name);
    match register.size {
        0 => format!("{name}[]"),
        1 => format!("{name}[0]"),
        2 => format!("{name}[1]{name}[0]"),
        size => format!("{name}[{}]…{name}[0]", size - 1),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A Bell pair's result.
    pub(crate) fn bell() -> ExperimentResult {
        let registers = vec![Register::new("c", 0, 2)];
        let mut counts = Counts::new(registers.clone());
        counts.add(BitString::from_u64(2, 3), 514);
        counts.add(BitString::from_u64(2, 0), 510);
        ExperimentResult {
            name: "bell".to_owned(),
            shots: 1024,
            seed: Some(7),
            success: true,
            status: "DONE".to_owned(),
            registers,
            counts: Some(counts),
            ..ExperimentResult::default()
        }
    }

    fn written(counts: &Counts, terminal: Terminal) -> String {
        let mut text = Vec::new();
        write(&mut text, counts, terminal).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_terminal_gets_bars() {
        let terminal = Terminal { width: Some(31), colour: false };
        let expected = [
            "  bits: c[1]c[0]; the rightmost is clbit 0",
            "  00  510   49.8 %  █████████▉",
            "  11  514   50.2 %  ██████████",
        ];
        let text = written(&bell().counts.unwrap(), terminal);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_pipe_gets_plain_numbers_and_all_of_them() {
        let mut counts = Counts::new(vec![Register::new("c", 0, 6)]);
        (0..64).for_each(|value| counts.add(BitString::from_u64(6, value), value + 1));
        assert_eq!(written(&counts, Terminal::NONE).lines().count(), 65);
        assert!(!written(&counts, Terminal::NONE).contains('█'));

        let cut = written(&counts, Terminal { width: Some(80), colour: false });
        let lines: Vec<&str> = cut.lines().collect();
        assert_eq!(lines.len(), 1 + SHOWN + 1);
        assert!(lines[1].starts_with("  100000  33"), "{}", lines[1]);
        assert!(lines[SHOWN + 1].starts_with("  … and 32 more"), "{}", lines[SHOWN + 1]);
    }

    #[test]
    fn the_bit_order_names_every_register() {
        let registers =
            [Register::new("a", 0, 1), Register::new("b", 1, 2), Register::new("c", 3, 9)];
        assert_eq!(
            bit_order(&registers),
            "bits: c[8]…c[0] b[1]b[0] a[0]; the rightmost is clbit 0"
        );
    }
}
