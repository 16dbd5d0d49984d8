//! A circuit as text, to be compared with what is expected.

use ketch_interface::{
    Circuit,
    circuit::{BlockId, Expr, Op, Param},
};

/// One line an instruction, with the instructions of a block indented behind their `if`.
pub(crate) fn listing(circuit: &Circuit) -> String {
    let mut lines = Vec::new();
    block(circuit, None, "", &mut lines);
    lines.join("\n")
}

fn block(circuit: &Circuit, id: Option<BlockId>, indent: &str, lines: &mut Vec<String>) {
    for (_, instruction) in circuit.block(id) {
        if let Op::If { condition, then, otherwise: None } = instruction.op {
            lines.push(format!("{indent}if {}", condition_text(circuit, *condition)));
            block(circuit, Some(*then), &format!("{indent}  "), lines);
            continue;
        }
        let mut line = format!("{indent}{}", instruction.op.name());
        if !instruction.params.is_empty() {
            let numbers: Vec<String> = instruction
                .params
                .iter()
                .map(|param| match param {
                    Param::Number(number) => number.to_string(),
                    Param::Expr(_) => unreachable!("OpenQASM 2 has no parameters to be bound"),
                })
                .collect();
            line.push_str(&format!("({})", numbers.join(",")));
        }
        instruction.qubits.iter().for_each(|qubit| line.push_str(&format!(" q{}", qubit.0)));
        instruction.clbits.iter().for_each(|clbit| line.push_str(&format!(" c{}", clbit.0)));
        lines.push(line);
    }
}

fn condition_text(circuit: &Circuit, id: ketch_interface::circuit::ExprId) -> String {
    let Expr::Binary(_, a, b) = circuit.expression(id) else { unreachable!("an equality") };
    format!("{:?} == {:?}", circuit.expression(*a), circuit.expression(*b))
}
