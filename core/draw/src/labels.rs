//! What stands in boxes.

use std::f64::consts::PI;

use ketch_interface::{
    Circuit,
    circuit::{Gate, GateOp, Instruction, Op, Param, TimeUnit},
};

use crate::expression;

/// Longer labels are cut.
const MAX_LABEL: usize = 40;

/// The name of a gate without its controls, as textbooks write it, and its parameters.
pub(crate) fn gate(circuit: &Circuit, op: GateOp, params: &[Param]) -> String {
    let name = match op.gate {
        Gate::Sdg => "S†".to_owned(),
        Gate::Tdg => "T†".to_owned(),
        Gate::Sx => "√X".to_owned(),
        Gate::Sxdg => "√X†".to_owned(),
        Gate::PhasedU => "U".to_owned(),
        gate => capital(gate.name()),
    };
    cut(name + &parameters(circuit, params))
}

/// The name of any other instruction on qubits.
pub(crate) fn instruction(circuit: &Circuit, instruction: Instruction<'_>) -> String {
    let params = parameters(circuit, instruction.params);
    cut(match instruction.op {
        Op::Reset => "|0⟩".to_owned(),
        Op::Unitary(unitary) => unitary.label.clone().unwrap_or_else(|| "unitary".to_owned()),
        Op::Pauli(letters) => format!("Pauli {letters}"),
        Op::Delay(unit) => match instruction.params {
            [param] => format!("delay {} {}", parameter(circuit, param), unit_name(*unit)),
            _ => "delay".to_owned(),
        },
        op => op.name() + &params,
    })
}

/// On one line, and no longer than a picture can bear.
pub(crate) fn cut(text: String) -> String {
    let visible = |letter: char| if letter.is_control() { '?' } else { letter };
    match text.chars().nth(MAX_LABEL) {
        None => text.chars().map(visible).collect(),
        Some(_) => text.chars().take(MAX_LABEL - 1).map(visible).chain(['…']).collect(),
    }
}

/// A label in ASCII.
pub(crate) fn ascii(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    for letter in label.chars() {
        match letter {
            'π' => text.push_str("pi"),
            '†' => text.push_str("dg"),
            '√' => text.push('S'),
            '⟩' => text.push('>'),
            '…' => text.push_str("..."),
            letter if letter.is_ascii() => text.push(letter),
            _ => text.push('?'),
        }
    }
    text
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn parameters(circuit: &Circuit, params: &[Param]) -> String {
    if params.is_empty() {
        return String::new();
    }
    let all: Vec<String> = params.iter().map(|param| parameter(circuit, param)).collect();
    format!("({})", all.join(","))
}

fn parameter(circuit: &Circuit, param: &Param) -> String {
    match param {
        Param::Number(number) => self::number(*number),
        Param::Expr(id) => expression::text(circuit, *id),
    }
}

/// Four digits, or a fraction of π where it is one.
pub(crate) fn number(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    for denominator in [1, 2, 3, 4, 5, 6, 8, 12, 16, 32, 64, 128, 256, 512, 1024] {
        let numerator = number / PI * f64::from(denominator);
        let whole = numerator.round();
        if whole != 0.0 && whole.abs() < 1000.0 && (numerator - whole).abs() < 1e-9 {
            let sign = if whole < 0.0 { "-" } else { "" };
            let times = if whole.abs() == 1.0 { String::new() } else { whole.abs().to_string() };
            let over = if denominator == 1 { String::new() } else { format!("/{denominator}") };
            return format!("{sign}{times}π{over}");
        }
    }
    if number.fract() == 0.0 && number.abs() < 1e6 {
        return number.to_string();
    }
    let size = number.abs();
    if !(1e-3..1e5).contains(&size) {
        return format!("{number:.2e}");
    }
    let digits = (3 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
        TimeUnit::Picosecond => "ps",
        TimeUnit::Tick => "dt",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let texts = [
            (PI, "π"),
            (-PI / 2.0, "-π/2"),
            (3.0 * PI / 4.0, "3π/4"),
            (0.5, "0.5"),
            (1.234567, "1.235"),
            (123.456, "123.5"),
            (-2.0, "-2"),
            (1e-7, "1.00e-7"),
            (f64::NAN, "NaN"),
            (12345.6, "12346"),
        ];
        for (value, text) in texts {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn ascii_says_the_same() {
        assert_eq!(ascii("√X†(π/2)…"), "SXdg(pi/2)...");
        assert_eq!(ascii("ü"), "?");
    }
}
