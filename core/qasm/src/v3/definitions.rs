//! How each gate of the table is said in OpenQASM 3.

use ketch_interface::circuit::{Gate, GateOp};

/// The gates of `stdgates.inc` that are written by name: gate, controls, name.
///
/// Their matrices are the gate table's, so more controls can be put around them.
const STANDARD: &[(Gate, u16, &str)] = &[
    (Gate::Id, 0, "id"),
    (Gate::X, 0, "x"),
    (Gate::Y, 0, "y"),
    (Gate::Z, 0, "z"),
    (Gate::H, 0, "h"),
    (Gate::S, 0, "s"),
    (Gate::Sdg, 0, "sdg"),
    (Gate::T, 0, "t"),
    (Gate::Tdg, 0, "tdg"),
    (Gate::Sx, 0, "sx"),
    (Gate::P, 0, "p"),
    (Gate::U1, 0, "p"),
    (Gate::Rx, 0, "rx"),
    (Gate::Ry, 0, "ry"),
    (Gate::Rz, 0, "rz"),
    (Gate::Swap, 0, "swap"),
    (Gate::GlobalPhase, 0, "gphase"),
    (Gate::X, 1, "cx"),
    (Gate::Y, 1, "cy"),
    (Gate::Z, 1, "cz"),
    (Gate::H, 1, "ch"),
    (Gate::P, 1, "cp"),
    (Gate::U1, 1, "cp"),
    (Gate::Rx, 1, "crx"),
    (Gate::Ry, 1, "cry"),
    (Gate::Rz, 1, "crz"),
    (Gate::PhasedU, 1, "cu"),
    (Gate::X, 2, "ccx"),
    (Gate::Swap, 1, "cswap"),
];

/// All names of `stdgates.inc` and of the language's own gates: a program must not redefine them.
pub(super) const TAKEN: &[&str] = &[
    "p", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "rx", "ry", "rz", "cx", "cy", "cz",
    "cp", "crx", "cry", "crz", "ch", "swap", "ccx", "cswap", "cu", "CX", "phase", "cphase", "id",
    "u1", "u2", "u3", "U", "gphase",
];

/// A gate that is defined at the head of the program.
#[derive(Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) gate: Gate,
    pub(super) name: &'static str,
    params: &'static str,
    qubits: &'static str,
    body: &'static str,
}

macro_rules! definitions {
    ($($gate:ident $name:literal $params:literal $qubits:literal $body:literal;)*) => {
        /// Exact, global phase included, so that controls can be put around them.
        pub(super) const DEFINITIONS: &[Definition] = &[$(Definition {
            gate: Gate::$gate,
            name: $name,
            params: $params,
            qubits: $qubits,
            body: $body,
        }),*];
    };
}

definitions! {
    Sxdg "sxdg" "" "a" "inv @ sx a;";
    R "r" "(theta, phi)" "a" "rz(-phi) a; rx(theta) a; rz(phi) a;";
    Iswap "iswap" "" "a, b" "s a; s b; h a; cx a, b; cx b, a; h b;";
    Dcx "dcx" "" "a, b" "cx a, b; cx b, a;";
    Ecr "ecr" "" "a, b"
        "rzx(pi/4) a, b; x a; rzx(-pi/4) a, b;";
    Rxx "rxx" "(theta)" "a, b" "h a; h b; cx a, b; rz(theta) b; cx a, b; h a; h b;";
    Ryy "ryy" "(theta)" "a, b"
        "rx(pi/2) a; rx(pi/2) b; cx a, b; rz(theta) b; cx a, b; rx(-pi/2) a; rx(-pi/2) b;";
    Rzz "rzz" "(theta)" "a, b" "cx a, b; rz(theta) b; cx a, b;";
    Rzx "rzx" "(theta)" "a, b" "h b; cx a, b; rz(theta) b; cx a, b; h b;";
    // After `cx a, b` the parity of the two qubits stands in b: `a` turns where it is even, or odd.
    XxMinusYy "xx_minus_yy" "(theta, beta)" "a, b"
        "cx a, b; x b; cu(theta, beta-pi/2, pi/2-beta, 0) b, a; x b; cx a, b;";
    XxPlusYy "xx_plus_yy" "(theta, beta)" "a, b"
        "cx a, b; cu(theta, beta-pi/2, pi/2-beta, 0) b, a; cx a, b;";
    Rccx "rccx" "" "a, b, c" "h c; t c; cx b, c; tdg c; cx a, c; t c; cx b, c; tdg c; h c;";
    Rc3x "rc3x" "" "a, b, c, d"
        "h d; t d; cx c, d; tdg d; h d; cx a, d; t d; cx b, d; tdg d; \
         cx a, d; t d; cx b, d; tdg d; h d; t d; cx c, d; tdg d; h d;";
}

impl Definition {
    /// The `gate` statement, after those of the gates that its body uses.
    pub(super) fn text(&self) -> String {
        format!("gate {}{} {} {{ {} }}\n", self.name, self.params, self.qubits, self.body)
    }

    /// What must be defined before it.
    pub(super) fn needs(&self) -> Option<&'static Self> {
        let needed = match self.gate {
            Gate::Ecr => Gate::Rzx,
            _ => return None,
        };
        DEFINITIONS.iter().find(|definition| definition.gate == needed)
    }
}

/// How a gate is said.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    /// The name.
    pub(super) name: &'static str,
    /// How many of the controls the name holds; the others become modifiers.
    pub(super) controls_within: u16,
    /// The definition that the program needs.
    pub(super) definition: Option<&'static Definition>,
    /// What is done to the parameters.
    pub(super) params: Params,
}

/// From the table's parameters to those of the name that is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Params {
    /// As they are.
    Same,
    /// Only the first three.
    Three,
    /// None.
    Dropped,
    /// φ, λ become π/2, φ, λ.
    AfterHalfPi,
    /// φ, λ become π/2, φ, λ, 0.
    AfterHalfPiThenZero,
    /// θ, φ, λ become θ, φ, λ, 0.
    ThenZero,
}

/// How to say a gate, open controls not regarded: the name that holds the most of its controls.
pub(super) fn said(op: GateOp) -> Said {
    let by_name = |name, controls_within, params| Said {
        name,
        controls_within,
        definition: None,
        params,
    };
    // The language's own `U` and `u2`, `u3` of its library have phases of their own, which show
    // once they are controlled; `cu` is Qiskit's.
    match (op.gate, op.controls) {
        (Gate::U | Gate::U3, 0) => return by_name("U", 0, Params::Same),
        (Gate::U2, 0) => return by_name("U", 0, Params::AfterHalfPi),
        (Gate::PhasedU, 0) => return by_name("U", 0, Params::Three),
        (Gate::U | Gate::U3, _) => return by_name("cu", 1, Params::ThenZero),
        (Gate::U2, _) => return by_name("cu", 1, Params::AfterHalfPiThenZero),
        (Gate::U0, _) => return by_name("id", 0, Params::Dropped),
        _ => {}
    }
    let standard = STANDARD.iter().filter(|(gate, n, _)| *gate == op.gate && *n <= op.controls);
    // With open controls the modifiers must reach each of them.
    let standard = standard.filter(|(gate, n, _)| {
        *n == 0 || op.state.is_all() || matches!(gate, Gate::PhasedU)
    });
    if let Some((_, controls, name)) = standard.max_by_key(|(_, n, _)| n) {
        let exact = *controls == op.controls || *controls == 0;
        let least = STANDARD.iter().find(|(gate, n, _)| *gate == op.gate && *n == 0);
        // `ctrl(3) @ x` reads better than `ctrl @ ccx`.
        return match least {
            Some((_, _, least)) if !exact => by_name(least, 0, Params::Same),
            _ => by_name(name, *controls, Params::Same),
        };
    }
    let definition = DEFINITIONS
        .iter()
        .find(|definition| definition.gate == op.gate)
        .expect("a gate that the standard library lacks has a definition");
    Said { name: definition.name, controls_within: 0, definition: Some(definition), params: Params::Same }
}

#[cfg(test)]
mod tests {
    use ketch_interface::circuit::GATES;

    use super::*;

    #[test]
    fn every_gate_can_be_said() {
        for info in GATES {
            for controls in 0..4 {
                let said = said(GateOp::new(info.gate, controls));
                assert!(said.controls_within <= controls, "{:?}", info.gate);
                let known = TAKEN.contains(&said.name) || said.definition.is_some();
                assert!(known, "{}", said.name);
            }
        }
    }

    #[test]
    fn the_name_holds_the_controls_where_it_can() {
        let name = |gate, controls| {
            let said = said(GateOp::new(gate, controls));
            (said.name, said.controls_within)
        };
        assert_eq!(name(Gate::X, 2), ("ccx", 2));
        assert_eq!(name(Gate::X, 3), ("x", 0));
        assert_eq!(name(Gate::S, 1), ("s", 0));
        assert_eq!(name(Gate::PhasedU, 3), ("cu", 1));
        assert_eq!(name(Gate::U2, 1), ("cu", 1));
    }
}
