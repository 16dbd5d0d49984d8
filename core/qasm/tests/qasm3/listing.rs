//! A circuit as text, to be compared with what is expected.

use ketch_interface::{
    Circuit,
    circuit::{BlockId, Expr, ExprId, ForValues, Op, Param, Value, VarType},
};

/// Instructions joined by `; `.
pub(crate) fn listing(circuit: &Circuit) -> String {
    let mut lines = Vec::new();
    block(circuit, None, &mut lines);
    lines.join("; ")
}

fn block(circuit: &Circuit, id: Option<BlockId>, lines: &mut Vec<String>) {
    for (_, instruction) in circuit.block(id) {
        let expr = |id: ExprId| expression(circuit, id);
        let mut nested = |head: String, body: BlockId, tail: &str| {
            lines.push(head);
            block(circuit, Some(body), lines);
            lines.push(tail.to_owned());
        };
        match instruction.op {
            Op::If { condition, then, otherwise } => {
                let tail = if otherwise.is_some() { "} else {" } else { "}" };
                nested(format!("if {} {{", expr(*condition)), *then, tail);
                if let Some(otherwise) = otherwise {
                    block(circuit, Some(*otherwise), lines);
                    lines.push("}".to_owned());
                }
            }
            Op::While { condition, body } => {
                nested(format!("while {} {{", expr(*condition)), *body, "}");
            }
            Op::For(each) => {
                let values = match &each.values {
                    ForValues::Range { start, step, stop } => {
                        format!("{}:{}:{}", expr(*start), expr(*step), expr(*stop))
                    }
                    ForValues::List(values) => {
                        values.iter().map(|id| expr(*id)).collect::<Vec<_>>().join(",")
                    }
                };
                nested(format!("for v{} in {values} {{", each.var.0), each.body, "}");
            }
            Op::Switch(switch) => {
                lines.push(format!("switch {} {{", expr(switch.target)));
                for case in &switch.cases {
                    let values: Vec<String> = case.values.iter().map(|id| expr(*id)).collect();
                    lines.push(format!("case {} {{", values.join(",")));
                    block(circuit, Some(case.body), lines);
                    lines.push("}".to_owned());
                }
                lines.push("}".to_owned());
            }
            Op::Break => lines.push("break".to_owned()),
            Op::Continue => lines.push("continue".to_owned()),
            Op::Store { var, value } => lines.push(format!("v{} = {}", var.0, expr(*value))),
            Op::StoreClbits(value) => {
                let clbits: Vec<String> =
                    instruction.clbits.iter().map(|clbit| format!("c{}", clbit.0)).collect();
                lines.push(format!("{} = {}", clbits.join(" "), expr(*value)));
            }
            op => {
                let mut line = op.name();
                if !instruction.params.is_empty() {
                    let params: Vec<String> = instruction
                        .params
                        .iter()
                        .map(|param| match param {
                            Param::Number(number) => number.to_string(),
                            Param::Expr(id) => expr(*id),
                        })
                        .collect();
                    line.push_str(&format!("({})", params.join(",")));
                }
                instruction.qubits.iter().for_each(|q| line.push_str(&format!(" q{}", q.0)));
                instruction.clbits.iter().for_each(|c| line.push_str(&format!(" c{}", c.0)));
                if let Op::MeasureVar { var, bit } = op {
                    line.push_str(&format!(" v{}[{bit}]", var.0));
                }
                lines.push(line);
            }
        }
    }
}

fn expression(circuit: &Circuit, id: ExprId) -> String {
    let of = |id: &ExprId| expression(circuit, *id);
    match circuit.expression(id) {
        Expr::Literal(Value::Bool(value)) => value.to_string(),
        Expr::Literal(Value::Uint(bits)) => {
            bits.to_u64().map_or("wide".to_owned(), |v| v.to_string())
        }
        Expr::Literal(Value::Int(value)) => value.to_string(),
        Expr::Literal(Value::Float(value)) => value.to_string(),
        Expr::Parameter(id) => circuit.parameters()[id.0 as usize].clone(),
        Expr::Clbit(clbit) => format!("c{}", clbit.0),
        Expr::Clbits { start, size } => format!("c{start}..{}", start + size),
        Expr::Var(var) => format!("v{}", var.0),
        Expr::Unary(operator, a) => match (operator.word(), operator.is_sign()) {
            (sign, true) => format!("{sign}{}", of(a)),
            (function, false) => format!("{function}({})", of(a)),
        },
        Expr::Binary(operator, a, b) => {
            let sign = operator.word();
            format!("({} {sign} {})", of(a), of(b))
        }
        Expr::Cast(ty, a) => {
            let name = match ty {
                VarType::Bool => "bool",
                VarType::Uint(_) => "uint",
                VarType::Int(_) => "int",
                VarType::Float => "float",
                other => panic!("no name for {other:?}"),
            };
            format!("{name}({})", of(a))
        }
        other => panic!("no text for {other:?}"),
    }
}
